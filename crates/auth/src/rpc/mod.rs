//! The gRPC face: convert, one operation, convert back.

mod auth;
pub(crate) mod convert;
mod users;

pub(crate) use auth::AuthRpc;
pub(crate) use users::UsersRpc;
