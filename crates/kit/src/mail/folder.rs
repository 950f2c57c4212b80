//! Mail that goes nowhere: each letter becomes a file that any mail program opens.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::message::Mailbox;
use url::Url;

use super::{Letter, Mail, PORT, message};
use crate::{
    Clock,
    port::{OpenError, Parameters, PortError, within},
};

const TIME_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Folder {
    path: PathBuf,
    from: Mailbox,
    clock: Clock,
}

impl Folder {
    pub(super) async fn open(url: &Url, path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let from = message::sender(&Parameters::read(PORT, url, &["from"])?)?;
        let folder = Self {
            path: path.to_owned(),
            from,
            clock,
        };
        let path = folder.path.clone();
        let made = blocking(move || fs::create_dir_all(path)).await;
        match made.and(folder.ping().await) {
            Ok(()) => Ok(folder),
            Err(error) => {
                let why = format!("the folder {} cannot be written: {error}", folder.path.display());
                Err(OpenError::new(PORT, url, why))
            }
        }
    }
}

#[async_trait::async_trait]
impl Mail for Folder {
    /// The file is named after the letter, so that a letter sent again is one file.
    async fn send(&self, letter: &Letter) -> Result<(), PortError> {
        let bytes = message::message(letter, &self.from, &self.clock)?.formatted();
        let name = format!("{}.eml", letter.id);
        let (folder, target) = (self.path.clone(), name.clone());
        let draft = format!(".{}.part", self.clock.new_id());
        blocking(move || write(&folder, &draft, &target, &bytes)).await?;
        tracing::info!(file = name, "a letter was written");
        Ok(())
    }

    async fn ping(&self) -> Result<(), PortError> {
        let (folder, draft) = (self.path.clone(), format!(".{}.part", self.clock.new_id()));
        blocking(move || {
            let probe = folder.join(draft);
            fs::File::create_new(&probe)?;
            fs::remove_file(probe)
        })
        .await
    }
}

/// The file appears whole or not at all, and stays after a crash.
fn write(folder: &Path, draft: &str, target: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(draft);
    let written = fs::File::create_new(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, folder.join(target))
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written?;
    fs::File::open(folder)?.sync_all()
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), PortError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "short work on the disk, bounded by the calls that wait for it"
    )]
    let running = tokio::task::spawn_blocking(work);
    within(PORT, TIME_LIMIT, async {
        let outcome = running.await.unwrap_or_else(|failed| Err(io::Error::other(failed)));
        outcome.map_err(|error| PortError::Unavailable {
            port: PORT,
            why: error.to_string(),
        })
    })
    .await
}
