//! Answers kept for repeated requests. They hold what somebody wrote: what lies in the database is sealed.

use kit::{Fault, access::Caller, idempotency};
use prost::Message;

use super::App;
use crate::Error;

/// A kept answer as it was given.
pub(crate) fn opened<M: Message + Default>(
    app: &App,
    caller: &Caller,
    rpc: &'static str,
    sealed: &[u8],
) -> Result<M, Error> {
    let key = idempotency::request_key(caller, rpc).unwrap_or_default();
    let plain = app.answers.open(sealed, key.as_bytes()).map_err(Fault::internal)?;
    Ok(M::decode(plain.as_slice()).map_err(Fault::internal)?)
}

/// An answer as it is kept; empty where the caller asked for none to be.
pub(crate) fn sealed(app: &App, caller: &Caller, rpc: &'static str, answer: &impl Message) -> Vec<u8> {
    let key = idempotency::request_key(caller, rpc);
    key.map(|key| app.answers.seal(&answer.encode_to_vec(), key.as_bytes()))
        .unwrap_or_default()
}
