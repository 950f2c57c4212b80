//! The gRPC face: convert, one operation, convert back.

pub(crate) mod convert;
mod convert_rooms;
pub(crate) mod documents;
mod privacy;
mod rooms;
mod roster;
mod sheets;
mod students;

pub(crate) use documents::DocumentsRpc;
pub(crate) use privacy::PrivacyRpc;
pub(crate) use rooms::RoomsRpc;
pub(crate) use roster::RosterRpc;
pub(crate) use students::StudentsRpc;

/// An answer of many messages.
type Pieces<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
