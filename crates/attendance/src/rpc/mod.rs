//! The gRPC face: convert, one operation, convert back.

mod access_points;
pub(crate) mod convert;
pub(crate) mod convert_devices;
pub(crate) mod convert_flags;
mod convert_live;
pub(crate) mod convert_scans;
pub(crate) mod convert_sessions;
mod devices;
mod live;
mod marks;
mod reports;
mod review;
mod scans;
mod sessions;

pub(crate) use access_points::AccessPointsRpc;
pub(crate) use devices::DevicesRpc;
pub(crate) use live::LiveRpc;
pub(crate) use marks::MarksRpc;
pub(crate) use review::ReviewRpc;
pub(crate) use scans::ScansRpc;
pub(crate) use sessions::SessionsRpc;

/// An answer of many messages.
type Pieces<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
