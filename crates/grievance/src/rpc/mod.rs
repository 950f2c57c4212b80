//! The gRPC face: convert, one operation, convert back.

mod comments;
pub(crate) mod convert;
pub(crate) mod convert_comments;
pub(crate) mod convert_history;
pub(crate) mod convert_requests;
pub(crate) mod convert_tickets;
mod figures;
mod grievances;
mod images;

pub(crate) use comments::CommentsRpc;
pub(crate) use figures::FiguresRpc;
pub(crate) use grievances::GrievancesRpc;
pub(crate) use images::ImagesRpc;

/// An answer of many messages.
type Pieces<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
