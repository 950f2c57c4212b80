//! What a process has used of the machine, read from the system.

use std::{fs, time::Duration};

/// CPU time of this process so far, all threads together.
pub(crate) fn cpu() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in parentheses and may contain anything; the figures follow it.
    let figures: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| -> anyhow::Result<u64> {
        Ok(figures
            .get(place)
            .ok_or_else(|| anyhow::anyhow!("/proc/self/stat is short"))?
            .parse()?)
    };
    // User and system time, in hundredths of a second.
    Ok(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// The most memory that a process has held at once so far, in MiB.
pub(crate) fn peak_memory(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.split_whitespace().next());
    let kib: u32 = kib
        .ok_or_else(|| anyhow::anyhow!("/proc/{process}/status has no VmHWM"))?
        .parse()?;
    Ok(f64::from(kib) / 1024.0)
}
