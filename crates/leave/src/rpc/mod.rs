//! The gRPC face: convert, one operation, convert back.

mod calendar;
pub(crate) mod convert;
pub(crate) mod convert_documents;
mod convert_gate;
mod decisions;
mod documents;
mod extensions;
mod gate;
mod guardians;
mod requests;
mod roster;

pub(crate) use calendar::CalendarRpc;
pub(crate) use decisions::DecisionsRpc;
pub(crate) use documents::DocumentsRpc;
pub(crate) use extensions::ExtensionsRpc;
pub(crate) use gate::GateRpc;
pub(crate) use guardians::GuardiansRpc;
pub(crate) use requests::RequestsRpc;
pub(crate) use roster::RosterRpc;

/// An answer of many messages.
type Pieces<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
