//! The file in which one process keeps its master keys: one a line, the current one first, for its owner alone.
//!
//! It is only ever replaced as a whole, under a lock on its folder: who reads it sees all of it without a lock, and of
//! two processes that make or rotate keys at once neither loses what the other did.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret as _, zeroize::Zeroizing};

use super::{Held, KeyringError, ring::Ring};
use crate::service::private_folder;

const NAME: &str = "master.keys";
const DRAFT: &str = "master.keys.new";
/// Whoever holds the lock writes a few bytes.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

pub(super) struct KeyFile {
    folder: PathBuf,
    path: PathBuf,
}

/// What tells one version of the file from another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl KeyFile {
    pub(super) fn new(folder: PathBuf) -> Self {
        let path = folder.join(NAME);
        Self { folder, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file looks like now, where it is there.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let seen = fs::metadata(&self.path).ok()?;
        Some(Stamp {
            inode: seen.ino(),
            length: seen.len(),
            changed: (seen.mtime(), seen.mtime_nsec()),
        })
    }

    pub(super) fn read(&self) -> Result<Held, KeyringError> {
        // Before reading: what changes in between is read once more, never missed.
        let stamp = self.stamp();
        let text = fs::read_to_string(&self.path).map_err(|why| self.failed(why))?;
        let text = Zeroizing::new(text);
        let ring = Ring::parse(&text).map_err(|why| KeyringError::InvalidFile {
            file: self.path.clone(),
            why,
        })?;
        let ring = Arc::new(ring);
        Ok(Held { ring, stamp })
    }

    /// Reads the file; the first process that comes makes it.
    pub(super) fn read_or_make(&self) -> Result<Held, KeyringError> {
        private_folder(&self.folder).map_err(|why| self.failed(why))?;
        if !self.is_there()? {
            let _lock = self.lock().map_err(|why| self.failed(why))?;
            if !self.is_there()? {
                self.replace(&Ring::of_a_new_key())?;
                tracing::info!(file = %self.path.display(), "new master keys: keep this file, sealed values are lost without it");
            }
        }
        self.read()
    }

    /// Puts a new key before the others.
    pub(super) fn rotate(&self) -> Result<Held, KeyringError> {
        let _lock = self.lock().map_err(|why| self.failed(why))?;
        let ring = self.read()?.ring;
        self.replace(&ring.with_first(ring.new_key()))?;
        self.read()
    }

    fn is_there(&self) -> Result<bool, KeyringError> {
        self.path.try_exists().map_err(|why| self.failed(why))
    }

    fn replace(&self, ring: &Ring) -> Result<(), KeyringError> {
        let text = Zeroizing::new(format!("{}\n", ring.to_text("\n").expose_secret()));
        let draft = self.folder.join(DRAFT);
        let written = || {
            // What a process that died left behind is written over.
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|why| self.failed(why))
    }

    /// Released when it is dropped, also by a process that dies.
    fn lock(&self) -> io::Result<File> {
        let folder = File::open(&self.folder)?;
        let begun = Instant::now();
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(folder),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() > LONGEST_WAIT => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds them"));
                }
                Err(TryLockError::WouldBlock) => pause(),
            }
        }
    }

    fn failed(&self, why: io::Error) -> KeyringError {
        KeyringError::File {
            file: self.path.clone(),
            why,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process that starts, or a command of the console, waits while another one writes a few bytes"
)]
fn pause() {
    thread::sleep(BETWEEN_TRIES);
}
