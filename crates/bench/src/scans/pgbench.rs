//! What PostgreSQL alone makes of commits of one row, as its own measuring program sees it.

use anyhow::Context as _;
use url::Url;

use super::installation::database_url;

const SECONDS: &str = "8";
/// A mark of nobody in no roll call, on a day that has a partition.
const A_MARK: &str = "INSERT INTO mark (day, session_id, student_id, status, source, scanned_at, distance_meters, marked_at) \
                      VALUES (current_date, gen_random_uuid(), gen_random_uuid(), 'present', 'scan', now(), 1.0, now());\n";
/// The try that goes with it.
const A_TRY: &str = "INSERT INTO scan (id, day, session_id, student_id, outcome, offline, scanned_at, received_at, \
                     distance_meters, latitude, longitude, evidence) VALUES (gen_random_uuid(), current_date, \
                     gen_random_uuid(), gen_random_uuid(), 'marked', false, now(), now(), 1.0, 28.0, 77.0, 'qr:1');\n";

/// Commits a second: of a mark alone, and of a mark with its try, as a scan leaves them.
pub(super) async fn single_rows(server: &Url, clients: usize) -> anyhow::Result<[f64; 2]> {
    let both = format!("BEGIN;\n{A_MARK}{A_TRY}COMMIT;\n");
    Ok([
        commits(server, clients, A_MARK).await?,
        commits(server, clients, &both).await?,
    ])
}

async fn commits(server: &Url, clients: usize, sql: &str) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("commit.sql");
    std::fs::write(&script, sql)?;
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
