//! What PostgreSQL alone makes of commits of one row, as its own measuring program sees it.

use anyhow::Context as _;
use url::Url;

use super::installation::database_url;

const SECONDS: &str = "8";
/// A mark of nobody in no roll call, on a day that has a partition.
const ONE_ROW: &str = "INSERT INTO mark (day, session_id, student_id, status, source, scanned_at, distance_meters, marked_at) \
                       VALUES (current_date, gen_random_uuid(), gen_random_uuid(), 'present', 'scan', now(), 1.0, now());\n";

/// Commits of one row a second.
pub(super) async fn single_rows(server: &Url, clients: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("one_row.sql");
    std::fs::write(&script, ONE_ROW)?;
    let url = database_url(server, "attendance");
    let output = tokio::process::Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--time", SECONDS])
        .arg(format!("--client={clients}"))
        .arg("--file")
        .arg(&script)
        .arg(url.as_str())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.with_context(|| format!("no rate in: {said} {}", String::from_utf8_lossy(&output.stderr)))
}
