//! Files in a folder of this machine.
//!
//! The parts of a key become folders named `part~` and its last part the file: `~` cannot stand in a key, so `a` and
//! `a/b` live side by side and nothing collides with the folder of drafts. A file is the object's bytes with a mark
//! behind them that holds the content type: one rename switches both at once, a viewer still opens the file, and a
//! file that was not written to its end is never served.

use std::{
    fs, io,
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;
use url::Url;

use super::{
    Body, Files, Key, Listed, Object, PORT, SENDER_LIMIT, TIME_LIMIT, broke_off, check_content_type, with_stall_limit,
};
use crate::{
    Clock,
    port::{OpenError, Parameters, PortError, within},
};

/// What is being written, on the same file system as what is finished.
const DRAFTS: &str = "~drafts";
/// A draft this old belongs to a process that died.
const DRAFT_LIFE: Duration = Duration::from_hours(24);
/// The end of every file, behind the content type and its length in one byte.
const MAGIC: &[u8; 4] = b"~HP1";
const PIECE: usize = 64 * 1024;
/// A slow disk is given time for so much at once, however long the file is.
const SYNC_EVERY: usize = 8 * 1024 * 1024;

pub(super) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(super) async fn open(url: &Url) -> Result<Self, OpenError> {
        Parameters::read(PORT, url, &[])?;
        let root = url
            .to_file_path()
            .map_err(|()| OpenError::new(PORT, url, "expected an absolute path: file:///folder"))?;
        let drafts = root.join(DRAFTS);
        let prepared = blocking(move || {
            fs::create_dir_all(&drafts)?;
            sweep(&drafts)?;
            probe(&drafts)
        });
        prepared
            .await
            .map_err(|error| OpenError::new(PORT, url, error.to_string()))?;
        Ok(Self { root })
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        let mut path = self.root.clone();
        let mut parts = key.parts();
        let file = parts.next_back();
        path.extend(parts.map(|folder| format!("{folder}~")));
        path.extend(file);
        path
    }

    fn drafts(&self) -> PathBuf {
        self.root.join(DRAFTS)
    }
}

#[async_trait::async_trait]
impl Files for Disk {
    async fn put(&self, key: &Key, content_type: &str, body: Body) -> Result<u64, PortError> {
        check_content_type(content_type)?;
        let draft = Draft(self.drafts().join(Clock::system().new_id().to_string()));
        let mut file = limited(tokio::fs::File::create_new(&draft.0)).await?;
        let mut body = with_stall_limit(body, SENDER_LIMIT);
        let (mut length, mut unsynced) = (0, 0);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| broke_off(&error))?;
            limited(file.write_all(&piece)).await?;
            length += piece.len() as u64;
            unsynced += piece.len();
            if unsynced >= SYNC_EVERY {
                limited(file.sync_data()).await?;
                unsynced = 0;
            }
        }
        limited(file.write_all(&mark(content_type))).await?;
        limited(file.sync_all()).await?;
        let (root, target) = (self.root.clone(), self.path_of(key));
        blocking(move || draft.publish(&root, &target)).await?;
        Ok(length)
    }

    async fn get(&self, key: &Key) -> Result<Option<Object>, PortError> {
        let path = self.path_of(key);
        let Some((file, content_type, length)) = blocking(move || open_object(&path)).await? else {
            return Ok(None);
        };
        let bytes = ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(length), PIECE);
        Ok(Some(Object {
            content_type,
            length,
            body: with_stall_limit(bytes.boxed(), TIME_LIMIT),
        }))
    }

    async fn delete(&self, key: &Key) -> Result<(), PortError> {
        let path = self.path_of(key);
        blocking(move || match fs::remove_file(&path) {
            Ok(()) => path.parent().map_or(Ok(()), sync_folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, PortError> {
        let root = self.root.clone();
        let mut walk = Walk {
            prefix: prefix.to_owned(),
            after: after.map_or_else(String::new, Key::to_string),
            limit,
            found: Vec::new(),
        };
        blocking(move || {
            walk.folder(&root, "")?;
            Ok(walk.found)
        })
        .await
    }

    /// Nobody but us serves the folder.
    async fn signed_url(&self, _: &Key, _: &str, _: Duration) -> Result<Option<Url>, PortError> {
        Ok(None)
    }

    async fn ping(&self) -> Result<(), PortError> {
        let drafts = self.drafts();
        blocking(move || probe(&drafts)).await
    }
}

/// A file that is being written; it goes away unless it is published.
struct Draft(PathBuf);

impl Draft {
    /// Moves the draft to its place and makes the move last.
    fn publish(self, root: &Path, target: &Path) -> io::Result<()> {
        let folder = target.parent().unwrap_or(root);
        let is_new = !folder.exists();
        fs::create_dir_all(folder)?;
        fs::rename(&self.0, target)?;
        sync_folder(folder)?;
        if is_new {
            for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(root)) {
                sync_folder(above)?;
            }
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Published or never made: then there is nothing under the name, which is its own for ever.
        let _ = fs::remove_file(&self.0);
    }
}

/// Without this a crash of the machine could take back a rename that was reported as done.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn mark(content_type: &str) -> Vec<u8> {
    let mut mark = content_type.as_bytes().to_vec();
    // Checked before: a content type has at most 255 bytes.
    mark.push(u8::try_from(content_type.len()).unwrap_or(u8::MAX));
    mark.extend_from_slice(MAGIC);
    mark
}

/// The file at its beginning, the content type from its mark, and the length without the mark.
fn open_object(path: &Path) -> io::Result<Option<(fs::File, String, u64)>> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let mut tail = Vec::new();
    file.seek(io::SeekFrom::Start(size.saturating_sub(260)))?;
    (&file).take(260).read_to_end(&mut tail)?;
    let Some(content_type) = read_mark(&tail) else {
        let why = "a file in the store is not whole or was not written by it";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    };
    let length = size - content_type.len() as u64 - 1 - MAGIC.len() as u64;
    file.rewind()?;
    Ok(Some((file, content_type, length)))
}

fn read_mark(tail: &[u8]) -> Option<String> {
    let (length, before) = tail.strip_suffix(MAGIC)?.split_last()?;
    let start = before.len().checked_sub(usize::from(*length))?;
    String::from_utf8(before[start..].to_vec()).ok()
}

/// A walk through the folders in the order of the keys.
struct Walk {
    prefix: String,
    /// Only keys behind this one; empty for all.
    after: String,
    limit: usize,
    found: Vec<Listed>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, at: &str) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type()?;
            // A folder sorts where its keys sort: `a-b`, `a.b`, then all of `a/`. Anything else is not ours.
            match name.strip_suffix('~') {
                Some(part) if kind.is_dir() => names.push(format!("{at}{part}/")),
                _ if kind.is_file() => names.push(format!("{at}{name}")),
                _ => {}
            }
        }
        names.sort_unstable();
        for name in names {
            if self.found.len() >= self.limit {
                break;
            }
            self.visit(folder, &name)?;
        }
        Ok(())
    }

    fn visit(&mut self, folder: &Path, name: &str) -> io::Result<()> {
        if let Some(below) = name.strip_suffix('/') {
            let may_match = name.starts_with(&self.prefix) || self.prefix.starts_with(name);
            let may_be_behind = self.after.as_str() < name || self.after.starts_with(name);
            let part = below.rsplit('/').next().unwrap_or(below);
            if may_match && may_be_behind {
                self.folder(&folder.join(format!("{part}~")), name)?;
            }
        } else if name.starts_with(&self.prefix) && name > self.after.as_str() {
            // What does not parse was put there by somebody else.
            if let Ok(key) = Key::parse(name)
                && let Some(stored_at) = stored_at(&folder.join(key.last_part()))?
            {
                self.found.push(Listed { key, stored_at });
            }
        }
        Ok(())
    }
}

/// When a file was written; `None` when it was deleted since its folder was read.
fn stored_at(path: &Path) -> io::Result<Option<DateTime<Utc>>> {
    match fs::metadata(path).and_then(|about| about.modified()) {
        Ok(at) => Ok(Some(at.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether files can be made here.
fn probe(drafts: &Path) -> io::Result<()> {
    let draft = Draft(drafts.join(Clock::system().new_id().to_string()));
    fs::File::create_new(&draft.0).map(drop)
}

/// Removes drafts that a crash left behind; another process may be writing the young ones.
fn sweep(drafts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(drafts)? {
        let entry = entry?;
        let Ok(age) = entry
            .metadata()
            .and_then(|about| about.modified())
            .map(|at| at.elapsed())
        else {
            continue;
        };
        if age.is_ok_and(|age| age > DRAFT_LIFE) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Runs file work off the async threads, and does not wait for a hung disk for ever.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, PortError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "short work on the disk, bounded by the calls that wait for it"
    )]
    let running = tokio::task::spawn_blocking(work);
    limited(async { running.await.unwrap_or_else(|failed| Err(io::Error::other(failed))) }).await
}

async fn limited<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, PortError> {
    within(PORT, TIME_LIMIT, async {
        work.await.map_err(|error| PortError::Unavailable {
            port: PORT,
            why: error.to_string(),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_key_leads_out_of_the_folder(text in "[ab./~-]{1,20}") {
            let disk = Disk { root: PathBuf::from("/store") };
            if let Ok(key) = Key::parse(text) {
                let path = disk.path_of(&key);
                prop_assert!(path.starts_with("/store"));
                prop_assert!(!path.starts_with("/store/~drafts"));
                prop_assert!(path.components().skip(1).all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }

        #[test]
        fn a_mark_is_read_as_it_was_written(content_type in "[ -~]{1,255}", before in any::<Vec<u8>>()) {
            let file = [before, mark(&content_type)].concat();
            prop_assert_eq!(read_mark(&file), Some(content_type));
        }

        #[test]
        fn any_tail_is_read_without_harm(tail in any::<Vec<u8>>()) {
            prop_assert_eq!(read_mark(&tail), None);
        }
    }
}
