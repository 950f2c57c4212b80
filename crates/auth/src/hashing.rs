//! Password hashing on a few threads: it is slow by design, and must make nobody else slow.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;

use crate::{Config, Error, domain::NewPassword};

/// Hashes and verifies passwords, a few at once. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hashing(Arc<Inner>);

struct Inner {
    cost: u32,
    /// A hash that belongs to nobody: unknown users cost the same time as known ones.
    nobody: String,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest_queue: usize,
}

impl Hashing {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if config.hashing_threads == 0 {
            cores
        } else {
            config.hashing_threads
        };
        Ok(Self(Arc::new(Inner {
            cost: config.bcrypt_cost,
            nobody: hash_of_nobody(config.bcrypt_cost)?,
            turns: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            longest_queue: config.hashing_queue,
        })))
    }

    /// The hash under which a new password is kept.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<String, Error> {
        let cost = self.0.cost;
        Ok(self.in_turn(move || bcrypt::hash(password.expose(), cost)).await??)
    }

    /// Whether a password is the one behind `hash`. Without a hash the answer is no, in the same time.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.nobody.clone());
        // More than 72 bytes is nobody's password; bcrypt would look at the first 72 only.
        let possible = password.len() <= 72 && !password.contains('\0');
        let matches = self.in_turn(move || bcrypt::verify(password, &hash)).await??;
        Ok(matches && known && possible)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = Place::take(&self.0)?;
        // The semaphore is never closed.
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        // The turn goes along: it is over when the work is, also when the caller has left.
        #[expect(clippy::disallowed_methods, reason = "bounded by the semaphore to a few threads")]
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await;
        done.map_err(|error| kit::Fault::internal(error).into())
    }
}

/// A place in the queue, given back also when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Result<Self, Error> {
        let place = Self(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= inner.longest_queue {
            return Err(Error::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A well-formed hash of the given cost that no password leads to, made without the work of hashing.
fn hash_of_nobody(cost: u32) -> Result<String, Error> {
    let hash = format!("$2b${cost:02}${}", ".".repeat(53));
    // Fails here, at start, rather than at the first unknown user.
    hash.parse::<bcrypt::HashParts>()?;
    Ok(hash)
}
