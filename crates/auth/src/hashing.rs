//! Password hashing on a few threads: it is slow by design, and must make nobody else slow.
//!
//! As many hashes run at once as there are cores, because fewer would waste the machine while many people sign in. So that
//! other requests do not wait for a core until a hash is done, the hashing threads stand back: the system lets any other
//! thread go first. That cannot be had of the runtime's own blocking threads, which serve others, too, and could never be
//! raised again. Whoever finds all turns taken waits, in a queue that is bounded in length and in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{Semaphore, oneshot};

use crate::{Config, Error, domain::NewPassword};

/// The longest that setting a password may wait and work. Well below the gateway's `deadlines.call_seconds`: who is told to
/// come back knows that nothing has happened.
const LONGEST_RENEWAL: Duration = Duration::from_secs(7);

/// How a password was found.
pub(crate) struct Verified {
    pub matches: bool,
    /// The hash under which it is to be kept from now on, where that is another one.
    pub fresh: Option<String>,
}

/// The present password as somebody typed it, and what it is kept as.
pub(crate) struct Present {
    pub typed: String,
    pub hash: Option<String>,
}

/// Hashes and verifies passwords, a few at once. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hashing(Arc<Inner>);

struct Inner {
    cost: u32,
    /// A hash that belongs to nobody: unknown users cost the same time as known ones.
    nobody: String,
    turns: Arc<Semaphore>,
    /// How many turns there are.
    threads: usize,
    waiting: AtomicUsize,
    longest_queue: usize,
    longest_wait: Duration,
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
            threads,
            waiting: AtomicUsize::new(0),
            longest_queue: config.hashing_queue,
            longest_wait: Duration::from_secs(config.hashing_wait_seconds.into()),
        })))
    }

    /// The hash under which a new password is kept.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<String, Error> {
        let cost = self.0.cost;
        Ok(self.in_turn(move || bcrypt::hash(password.expose(), cost)).await??)
    }

    /// The hashes of many new passwords, in their order. As many at once as there are turns, and never more: those who sign in
    /// meanwhile get theirs in between.
    pub(crate) async fn hash_all(&self, passwords: Vec<NewPassword>) -> Result<Vec<String>, Error> {
        let at_once = self.0.threads.min(self.0.longest_queue);
        let hashes = stream::iter(passwords).map(|password| self.hash(password));
        hashes.buffered(at_once).try_collect().await
    }

    /// Whether a password is the one behind `hash`. Without a hash the answer is no, in the same time.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        Ok(self.verify_and_refresh(password, hash).await?.matches)
    }

    /// The same, and the right password under a fresh hash where that one is of another cost than is wanted now: in the same
    /// turn, so that nobody waits for it.
    pub(crate) async fn verify_and_refresh(&self, password: String, hash: Option<String>) -> Result<Verified, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.nobody.clone());
        let cost = self.0.cost;
        let work = move || {
            let matches = matches(&password, &hash, cost)? && known;
            let is_of_another_cost = cost_of(&hash)? != cost;
            let fresh = (matches && is_of_another_cost).then(|| bcrypt::hash(&password, cost));
            let fresh = fresh.transpose()?;
            Ok(Verified { matches, fresh })
        };
        self.in_turn(work).await?
    }

    /// The hash of a new password, which is none of the `last`; the present one is proved where that is asked for. All in
    /// one turn and by one deadline, so that nobody waits once for each.
    pub(crate) async fn renew(
        &self,
        present: Option<Present>,
        last: Vec<String>,
        new: NewPassword,
    ) -> Result<String, Error> {
        let cost = self.0.cost;
        let work = self.in_turn(move || renewed(present.as_ref(), &last, &new, cost));
        let done = tokio::time::timeout(LONGEST_RENEWAL, work).await;
        done.map_err(|_| Error::Busy)??
    }

    /// Does slow work when its turn comes. A caller who goes away gives up the place in the queue.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = Place::take(&self.0)?;
        let turn = tokio::time::timeout(self.0.longest_wait, self.0.turns.clone().acquire_owned()).await;
        // The semaphore is never closed.
        let turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
        let (done, outcome) = oneshot::channel();
        // A thread for each hash costs a ten-thousandth of the hash and leaves nothing to stop. Never more of them than turns.
        let thread = thread::Builder::new().name("hashing".to_owned()).spawn(move || {
            // The turn goes along: it is over when the work is, also when the caller has left.
            let _turn = turn;
            stand_back();
            // Nobody is there to hear it when the caller has left.
            let _ = done.send(work());
        });
        thread.map_err(kit::Fault::internal)?;
        let worked = outcome.await;
        worked.map_err(|_| kit::Fault::internal("a hashing thread ended before its work").into())
    }
}

/// Whether a password is the one behind a hash. A wrong one takes the time of `cost`, also where the hash was made more cheaply:
/// nobody can tell from it which accounts there are.
fn matches(password: &str, hash: &str, cost: u32) -> Result<bool, Error> {
    // More than 72 bytes is nobody's password; bcrypt would look at the first 72 only.
    let possible = password.len() <= 72 && !password.contains('\0');
    if bcrypt::verify(password, hash)? && possible {
        return Ok(true);
    }
    // Each step doubles the work: all from there to here are as much as is missing.
    for step in cost_of(hash)?..cost {
        bcrypt::verify(password, &hash_of_nobody(step)?)?;
    }
    Ok(false)
}

fn cost_of(hash: &str) -> Result<u32, Error> {
    Ok(hash.parse::<bcrypt::HashParts>()?.get_cost())
}

fn renewed(present: Option<&Present>, last: &[String], new: &NewPassword, cost: u32) -> Result<String, Error> {
    if let Some(present) = present {
        let hash = present.hash.as_deref().ok_or(Error::WrongPassword)?;
        if !matches(&present.typed, hash, cost)? {
            return Err(Error::WrongPassword);
        }
    }
    for hash in last {
        let proved = present.filter(|present| present.hash.as_deref() == Some(hash));
        // What the proved password is needs no second look.
        let is_repeated = match proved {
            Some(present) => present.typed == new.expose(),
            None => bcrypt::verify(new.expose(), hash)?,
        };
        if is_repeated {
            return Err(Error::PasswordRepeated);
        }
    }
    Ok(bcrypt::hash(new.expose(), cost)?)
}

/// How far a hashing thread stands back behind the rest of the process, in the system's terms: it gets a tenth of a core that somebody else wants, too.
/// Further back, it would starve beside other programs; less far, it would be felt.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lets all other threads go before this one. On Linux each thread has a priority of its own.
#[cfg(target_os = "linux")]
fn stand_back() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "a hashing thread keeps the priority of the others");
    }
}

/// Elsewhere the call would speak for the whole process.
#[cfg(not(target_os = "linux"))]
fn stand_back() {}

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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt as _;
    use proto::options::Role;

    use super::*;

    /// Hashing with one thread.
    fn hashing(longest_queue: usize, longest_wait: Duration) -> Hashing {
        let config = Config {
            bcrypt_cost: 4,
            hashing_threads: 1,
            hashing_queue: longest_queue,
            ..Config::default()
        };
        let mut hashing = Hashing::new(&config).unwrap();
        Arc::get_mut(&mut hashing.0).unwrap().longest_wait = longest_wait;
        hashing
    }

    /// Takes the one turn until told otherwise.
    async fn occupy(hashing: &Hashing) -> (mpsc::Sender<()>, impl Future<Output = Result<(), Error>>) {
        let (release, released) = mpsc::channel::<()>();
        let (begin, running) = oneshot::channel();
        let own = hashing.clone();
        let work = move || {
            let _ = begin.send(());
            let _ = released.recv();
        };
        let mut occupied = Box::pin(async move { own.in_turn(work).await });
        assert!(occupied.as_mut().now_or_never().is_none());
        running.await.unwrap();
        (release, occupied)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn who_waits_too_long_is_asked_to_come_back() {
        let hashing = hashing(9, Duration::from_millis(50));
        let (release, occupied) = occupy(&hashing).await;
        assert!(matches!(hashing.in_turn(|| ()).await, Err(Error::Busy)));
        drop(release);
        occupied.await.unwrap();
        hashing.in_turn(|| ()).await.unwrap();
        assert_eq!(hashing.0.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn who_goes_away_gives_up_the_place() {
        let hashing = hashing(2, LONG);
        let (release, occupied) = occupy(&hashing).await;
        for _ in 0..10 {
            let mut second = Box::pin(hashing.in_turn(|| panic!("nobody waits for this")));
            let taken: Option<Result<(), Error>> = second.as_mut().now_or_never();
            assert!(taken.is_none());
            assert!(
                matches!(hashing.in_turn(|| ()).await, Err(Error::Busy)),
                "the queue is full"
            );
        }
        drop(release);
        occupied.await.unwrap();
        hashing.in_turn(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_the_work_also_when_the_caller_has_left() {
        let hashing = hashing(9, LONG);
        let (release, occupied) = occupy(&hashing).await;
        drop(occupied);
        let mut next = Box::pin(hashing.in_turn(|| ()));
        assert!(next.as_mut().now_or_never().is_none(), "one thread, one hash");
        drop(release);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_takes_no_turn_with_it() {
        let hashing = hashing(9, LONG);
        let panicked: Result<(), Error> = hashing.in_turn(|| panic!("a bug")).await;
        assert!(matches!(panicked, Err(Error::Fault(_))));
        hashing.in_turn(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn many_passwords_are_hashed_in_their_order_and_stay_within_the_queue() {
        let hashing = hashing(1, LONG);
        let texts = ["Copper#41kettle", "Mossy#52bridge", "Demo@1234"];
        let new = |text| NewPassword::parse(text, crate::domain::password::Policy::default(), Role::Admin).unwrap();
        let hashes = hashing.hash_all(texts.map(new).into()).await.unwrap();
        assert_eq!(hashes.len(), 3);
        for (text, hash) in texts.iter().zip(hashes) {
            assert!(bcrypt::verify(text, &hash).unwrap());
        }
        assert!(hashing.hash_all(Vec::new()).await.unwrap().is_empty());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_threads_stand_back_and_the_others_do_not() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let hashing = hashing(9, LONG);
        assert_eq!(hashing.in_turn(priority).await.unwrap(), (before + NICE).min(19));
        assert_eq!(priority(), before);
    }

    #[tokio::test]
    async fn nobody_has_the_password_of_the_hash_of_nobody() {
        let hashing = hashing(9, LONG);
        assert_eq!(
            hash_of_nobody(12)
                .unwrap()
                .parse::<bcrypt::HashParts>()
                .unwrap()
                .get_cost(),
            12
        );
        for password in ["", "Demo@1234"] {
            assert!(!hashing.verify(password.to_owned(), None).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_wrong_password_takes_the_wanted_time_whatever_the_hash_cost() {
        let costly = Config {
            bcrypt_cost: 10,
            ..Config::default()
        };
        let hashing = Hashing::new(&costly).unwrap();
        let cheap = bcrypt::hash("Demo@1234", 4).unwrap();
        let mut fastest = [Duration::MAX; 2];
        for _ in 0..3 {
            for (place, hash) in [None, Some(cheap.clone())].into_iter().enumerate() {
                let begun = std::time::Instant::now();
                assert!(!hashing.verify("Wrong#2026x".to_owned(), hash).await.unwrap());
                fastest[place] = fastest[place].min(begun.elapsed());
            }
        }
        // The cheap hash alone takes a sixty-fourth.
        assert!(fastest[1] > fastest[0] / 4, "{fastest:?}");
    }

    #[tokio::test]
    async fn a_renewal_takes_one_turn_and_says_what_is_wrong() {
        let hashing = hashing(1, LONG);
        let own = bcrypt::hash("Demo@1234", 4).unwrap();
        let new = |text| NewPassword::parse(text, crate::domain::password::Policy::default(), Role::Admin).unwrap();
        let present = |typed: &str| {
            Some(Present {
                typed: typed.to_owned(),
                hash: Some(own.clone()),
            })
        };
        let last = vec![own.clone(), bcrypt::hash("Mossy#52bridge", 4).unwrap()];
        let fresh = hashing.renew(present("Demo@1234"), last.clone(), new("Copper#41kettle"));
        assert!(bcrypt::verify("Copper#41kettle", &fresh.await.unwrap()).unwrap());
        let wrong = hashing.renew(present("Wrong#2026x"), last.clone(), new("Copper#41kettle"));
        assert!(matches!(wrong.await, Err(Error::WrongPassword)));
        let repeated = hashing.renew(None, last, new("Mossy#52bridge"));
        assert!(matches!(repeated.await, Err(Error::PasswordRepeated)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_takes_too_long_is_asked_to_come_back() {
        let hashing = hashing(9, LONG);
        let (release, occupied) = occupy(&hashing).await;
        let new = NewPassword::parse(
            "Copper#41kettle",
            crate::domain::password::Policy::default(),
            Role::Admin,
        );
        let begun = tokio::time::Instant::now();
        let late = hashing.renew(None, Vec::new(), new.unwrap()).await;
        assert!(matches!(late, Err(Error::Busy)));
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        drop(release);
        occupied.await.unwrap();
    }
}
