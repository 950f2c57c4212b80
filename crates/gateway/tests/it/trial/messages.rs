//! What the trial service is asked and answers, written by hand by their tags.

use prost::Message;
use proto::types::Page;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EchoRequest {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
    #[prost(int32, optional, tag = "3")]
    pub(crate) number: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EchoResponse {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(string, tag = "2")]
    pub(crate) request_id: String,
    #[prost(string, tag = "3")]
    pub(crate) ip: String,
    #[prost(string, tag = "4")]
    pub(crate) user_agent: String,
    #[prost(string, tag = "5")]
    pub(crate) user: String,
    #[prost(string, tag = "6")]
    pub(crate) idempotency_key: String,
    #[prost(string, tag = "7")]
    pub(crate) traceparent: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Thing {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

/// Messages whose first field is a text: CreateThingRequest, ExportThingsRequest, FailRequest, WatchRequest.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OneText {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UpdateThingRequest {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) thing: Option<Thing>,
    #[prost(bool, optional, tag = "3")]
    pub(crate) dry: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ListThingsRequest {
    #[prost(uint32, optional, tag = "1")]
    pub(crate) page: Option<u32>,
    #[prost(string, optional, tag = "2")]
    pub(crate) search: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ListThingsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) things: Vec<Thing>,
    #[prost(message, optional, tag = "2")]
    pub(crate) page: Option<Page>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GuessRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) word: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tick {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
    #[prost(string, tag = "2")]
    pub(crate) filling: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UploadResponse {
    #[prost(uint64, tag = "1")]
    pub(crate) bytes: u64,
    #[prost(string, tag = "2")]
    pub(crate) file_name: String,
    #[prost(string, tag = "3")]
    pub(crate) content_type: String,
    #[prost(string, tag = "4")]
    pub(crate) id: String,
    #[prost(string, tag = "5")]
    pub(crate) doc_type: String,
    #[prost(string, tag = "6")]
    pub(crate) note: String,
    #[prost(string, tag = "7")]
    pub(crate) digest: String,
    #[prost(string, tag = "8")]
    pub(crate) idempotency_key: String,
    #[prost(string, tag = "9")]
    pub(crate) from: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EnterRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(bool, tag = "2")]
    pub(crate) keep: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pass {
    #[prost(string, optional, tag = "1")]
    pub(crate) pass: Option<String>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}
