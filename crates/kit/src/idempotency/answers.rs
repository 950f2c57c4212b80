//! Answers that hold what nobody is to read in the database: they are kept sealed, for whoever made the request.

use prost::Message;

use super::{answered, request_key};
use crate::{Db, Fault, access::Caller, keyring::Sealer};

/// Seals answers that are kept, and opens those that are given again.
pub struct Answers(Sealer);

impl Answers {
    pub fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// The answer that the request was given before, for work that begins long before its transaction.
    pub async fn given<M: Message + Default>(
        &self,
        db: &Db,
        caller: &Caller,
        rpc: &'static str,
        request: &impl Message,
    ) -> Result<Option<M>, Fault> {
        let sealed = answered::<Vec<u8>>(db, caller, rpc, request).await?;
        sealed.map(|sealed| self.opened(caller, rpc, &sealed)).transpose()
    }

    /// A kept answer as it was given.
    pub fn opened<M: Message + Default>(&self, caller: &Caller, rpc: &'static str, sealed: &[u8]) -> Result<M, Fault> {
        let key = request_key(caller, rpc).unwrap_or_default();
        let plain = self.0.open(sealed, key.as_bytes()).map_err(Fault::internal)?;
        M::decode(plain.as_slice()).map_err(Fault::internal)
    }

    /// An answer as it is kept; empty where the caller asked for none to be.
    pub fn sealed(&self, caller: &Caller, rpc: &'static str, answer: &impl Message) -> Vec<u8> {
        let key = request_key(caller, rpc);
        key.map(|key| self.0.seal(&answer.encode_to_vec(), key.as_bytes()))
            .unwrap_or_default()
    }
}
