//! Making all accounts agree with the students' records at once: after one of the two databases was lost, or restored.

use std::time::Duration;

use anyhow::Context as _;
use kit::access::{Caller, metadata};
use proto::students::{StreamStudentsRequest, StudentRecord, roster_client::RosterClient};
use tokio::time::timeout;
use tonic::{Request, metadata::MetadataValue};

use super::{super::App, MOST, conform};
use crate::domain::record::Record;

/// Whose records the students' accounts stand for.
pub(crate) const STUDENTS: &str = "students";

/// For so long the next record is waited for.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads every record and makes its account agree with it; how many records there are. An account that cannot agree stays as
/// it is, and is named at the end.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let channel = app.upstreams.channel_for_streams(STUDENTS).with_context(|| {
        format!("no way to the service {STUDENTS}: give its address as upstreams.{STUDENTS}, for example http://{STUDENTS}:9000")
    })?;
    let mut request = Request::new(StreamStudentsRequest {});
    let bearer = MetadataValue::try_from(format!("Bearer {}", app.tokens.token()?))?;
    request.metadata_mut().insert(metadata::AUTHORIZATION, bearer);
    let silent = || format!("the service {STUDENTS} said nothing for {SILENCE:?}");
    let mut roster = RosterClient::new(channel);
    let answer = timeout(SILENCE, roster.stream_students(request))
        .await
        .with_context(silent)?;
    let mut students = answer.context("the students cannot be read")?.into_inner();
    let caller = Caller::service("auth", app.clock.new_id().to_string());
    let (mut count, mut taken, mut batch) = (0, Vec::new(), Vec::with_capacity(MOST));
    loop {
        let next: Option<StudentRecord> = timeout(SILENCE, students.message()).await.with_context(silent)??;
        let is_last = next.is_none();
        if let Some(student) = next {
            batch.push(record(&student)?);
            count += 1;
        }
        if batch.len() == MOST || is_last {
            taken.extend(conform::conform(app, &caller, &batch).await?);
            batch.clear();
        }
        if is_last {
            break;
        }
    }
    anyhow::ensure!(
        taken.is_empty(),
        "{count} records were read; the addresses or numbers of {} of them are other accounts': {taken:?}",
        taken.len()
    );
    Ok(count)
}

fn record(student: &StudentRecord) -> anyhow::Result<Record> {
    crate::heard::record(student).map_err(|why| anyhow::anyhow!("the record {}: {why}", student.id))
}
