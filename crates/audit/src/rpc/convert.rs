//! Messages of the contract to the domain's words and back.

use chrono::{DateTime, Utc};
use kit::{
    Fault,
    clock::timestamp,
    page::{Order, Paging},
};
use prost_types::Timestamp;
use proto::{
    audit::{Actor, Entry as Message, ExportEntriesRequest, ListEntriesRequest, VerifyChainResponse},
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio::task::JoinHandle;
use tokio_stream::Stream;
use tonic::Status;

use crate::{Error, domain::Entry, operations::verify::Verdict, store::Filter};

pub(super) fn query(request: ListEntriesRequest) -> Result<(Filter, Order, Paging), Fault> {
    if request.sort_by.as_deref().is_some_and(|by| by != "occurred_at") {
        return Err(Fault::invalid("sort_by", "must be one of: occurred_at"));
    }
    let filter = Filter {
        actor: request.actor,
        action: request.action,
        resource_type: request.resource_type,
        resource_id: request.resource_id,
        from: time("from", request.from)?,
        to: time("to", request.to)?,
    };
    let order = Order::parse(request.order.as_deref(), Order::Descending)?;
    Ok((filter, order, Paging::new(request.page, request.limit)?))
}

pub(super) fn export_filter(request: ExportEntriesRequest) -> Result<Filter, Fault> {
    if request.format != "csv" {
        return Err(Fault::invalid("format", "must be one of: csv"));
    }
    Ok(Filter {
        actor: request.actor,
        action: request.action,
        resource_type: request.resource_type,
        resource_id: request.resource_id,
        from: time("from", request.from)?,
        to: time("to", request.to)?,
    })
}

pub(super) fn entry(entry: Entry) -> Message {
    let details = entry.read_details();
    let fact = entry.fact;
    Message {
        id: fact.id.to_string(),
        sequence: entry.sequence,
        occurred_at: Some(timestamp(fact.occurred_at)),
        actor: Some(Actor {
            id: fact.actor_id,
            role: fact.actor_role,
            ip: details.ip.unwrap_or_default(),
            user_agent: details.user_agent.unwrap_or_default(),
            request_id: details.request_id.unwrap_or_default(),
        }),
        action: fact.action,
        resource_type: fact.resource_type,
        resource_id: fact.resource_id,
        changes: details.changes.to_string(),
        hash: entry.hash.to_string(),
    }
}

pub(super) fn verdict(verdict: &Verdict) -> VerifyChainResponse {
    match verdict {
        Verdict::Intact(chain) => VerifyChainResponse {
            intact: true,
            entries: chain.entries,
            head: Some(chain.head.to_string()),
            first_broken: None,
        },
        Verdict::Broken { entries, first_broken } => VerifyChainResponse {
            intact: false,
            entries: *entries,
            head: None,
            first_broken: Some(*first_broken),
        },
    }
}

pub(super) fn csv_header(file_name: &str) -> FileChunk {
    let header = FileHeader {
        file_name: file_name.to_owned(),
        content_type: "text/csv; charset=utf-8".to_owned(),
        ..FileHeader::default()
    };
    FileChunk {
        part: Some(Part::Header(header)),
    }
}

pub(super) fn data(bytes: Vec<u8>) -> FileChunk {
    FileChunk {
        part: Some(Part::Data(bytes)),
    }
}

/// Nothing when the work went well, else its failure as the end of the stream.
pub(super) fn failure_of(work: JoinHandle<Result<(), Error>>) -> impl Stream<Item = Result<FileChunk, Status>> {
    let ending = async move {
        match work.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error.into())),
            Err(panic) => Some(Err(Fault::internal(panic).into())),
        }
    };
    futures_util::StreamExt::filter_map(futures_util::stream::once(ending), std::future::ready)
}

fn time(field: &str, at: Option<Timestamp>) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(at) = at else { return Ok(None) };
    let nanos = u32::try_from(at.nanos).ok();
    let time = nanos.and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos));
    time.map(Some).ok_or_else(|| Fault::invalid(field, "must be a time"))
}
