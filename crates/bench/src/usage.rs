//! What processes have used of the machine, read from the system.

use std::{fs, time::Duration};

/// What stands behind a process's name in its `stat`.
struct Stat {
    parent: u32,
    /// Its own, and that of children that ended, in hundredths of a second.
    own: u64,
    ended: u64,
}

/// CPU time of this process so far, all threads together.
pub(crate) fn cpu() -> anyhow::Result<Duration> {
    Ok(hundredths(stat("self")?.own))
}

/// CPU time of another process so far.
pub(crate) fn cpu_of(process: u32) -> anyhow::Result<Duration> {
    Ok(hundredths(stat(&process.to_string())?.own))
}

/// CPU time of a process and its children, ended ones too.
pub(crate) fn cpu_of_family(process: u32) -> anyhow::Result<Duration> {
    let head = stat(&process.to_string())?;
    let mut sum = head.own + head.ended;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name
            .to_str()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            continue;
        };
        // It may have ended since; then its parent has its time.
        if let Ok(child) = stat(number)
            && child.parent == process
        {
            sum += child.own + child.ended;
        }
    }
    Ok(hundredths(sum))
}

/// The process that started a process.
pub(crate) fn parent_of(process: u32) -> anyhow::Result<u32> {
    Ok(stat(&process.to_string())?.parent)
}

fn hundredths(count: u64) -> Duration {
    Duration::from_millis(10 * count)
}

fn stat(process: &str) -> anyhow::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name stands in parentheses and may contain anything; the figures follow it.
    let figures: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let figure = |place: usize| -> anyhow::Result<u64> {
        let figure = figures.get(place);
        let figure = figure.ok_or_else(|| anyhow::anyhow!("/proc/{process}/stat is short"))?;
        Ok(figure.parse()?)
    };
    Ok(Stat {
        parent: u32::try_from(figure(1)?)?,
        own: figure(11)? + figure(12)?,
        ended: figure(13)? + figure(14)?,
    })
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
