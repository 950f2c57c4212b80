//! A ZIP archive that is written while it is read: never whole in memory, and never on the disk.

use std::io::{self, Write};

use bytes::Bytes;
use kit::turns::Turn;
use tokio::sync::mpsc;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Pieces of the archive that may wait for a slow reader, and pieces of files for the archive.
const WAITING: usize = 4;
/// The archive is given out in pieces of about this length.
const PIECE: usize = 64 * 1024;

/// Where files go in.
pub(super) struct Archive(mpsc::Sender<Step>);

/// Where the bytes of the archive come out.
pub(super) type Pieces = mpsc::Receiver<Result<Bytes, io::Error>>;

/// Why nothing more goes into an archive: nobody reads it, or it could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the archive is closed")]
pub(super) struct Closed;

enum Step {
    File { name: String, is_packed: bool },
    Data(Bytes),
    End,
}

/// Begins an archive on a thread of its own: packing takes time, and the library writes to what blocks.
pub(super) fn begin(turn: Turn) -> (Archive, Pieces) {
    let (steps, todo) = mpsc::channel(WAITING);
    let (out, pieces) = mpsc::channel(WAITING);
    turn.run(move || {
        let outcome = write(todo, Out::new(out.clone()));
        if let Err(error) = outcome {
            // Gone readers are no news; all others learn that this is not the whole.
            let _ = out.blocking_send(Err(error));
        }
    });
    (Archive(steps), pieces)
}

impl Archive {
    /// Adds a file; its bytes follow. What is packed already (pictures) is stored as it is.
    pub(super) async fn file(&self, name: impl Into<String>, is_packed: bool) -> Result<(), Closed> {
        let name = name.into();
        self.step(Step::File { name, is_packed }).await
    }

    pub(super) async fn data(&self, bytes: Bytes) -> Result<(), Closed> {
        self.step(Step::Data(bytes)).await
    }

    /// The archive is whole. Without this its reader learns that it broke off.
    pub(super) async fn end(self) -> Result<(), Closed> {
        self.step(Step::End).await
    }

    async fn step(&self, step: Step) -> Result<(), Closed> {
        self.0.send(step).await.map_err(|_| Closed)
    }
}

fn write(mut todo: mpsc::Receiver<Step>, out: Out) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(out);
    while let Some(step) = todo.blocking_recv() {
        match step {
            Step::File { name, is_packed } => {
                let method = if is_packed {
                    CompressionMethod::Stored
                } else {
                    CompressionMethod::Deflated
                };
                let options = SimpleFileOptions::default()
                    .compression_method(method)
                    .unix_permissions(0o600);
                zip.start_file(name, options)?;
            }
            Step::Data(bytes) => zip.write_all(&bytes)?,
            Step::End => return zip.finish()?.into_inner().flush(),
        }
    }
    Err(io::Error::other("the archive broke off"))
}

/// Hands the bytes of the archive to its reader.
struct Out {
    to: mpsc::Sender<Result<Bytes, io::Error>>,
    held: Vec<u8>,
}

impl Out {
    fn new(to: mpsc::Sender<Result<Bytes, io::Error>>) -> Self {
        Self {
            to,
            held: Vec::with_capacity(PIECE),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        let sent = self.to.blocking_send(Ok(piece.into()));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use kit::turns::Turns;

    use super::*;

    async fn begun() -> (Archive, Pieces) {
        begin(Turns::new(1, "busy").take().await.unwrap())
    }

    async fn read(mut pieces: Pieces) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = pieces.recv().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let (archive, pieces) = begun().await;
        let reading = tokio::spawn(read(pieces));
        let picture = Bytes::from(vec![7; 300_000]);
        archive.file("students.json", false).await.unwrap();
        archive.data(Bytes::from_static(b"{}")).await.unwrap();
        archive.file("documents/a.png", true).await.unwrap();
        archive.data(picture.clone()).await.unwrap();
        archive.data(picture.clone()).await.unwrap();
        archive.end().await.unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(reading.await.unwrap().unwrap())).unwrap();
        let mut file = |name: &str| {
            let mut content = Vec::new();
            zip.by_name(name).unwrap().read_to_end(&mut content).unwrap();
            content
        };
        assert_eq!(file("students.json"), b"{}");
        assert_eq!(file("documents/a.png").len(), 600_000);
    }

    #[tokio::test]
    async fn an_archive_without_its_end_never_looks_whole() {
        let (archive, pieces) = begun().await;
        archive.file("students.json", false).await.unwrap();
        drop(archive);
        assert!(read(pieces).await.is_err());
    }

    #[tokio::test]
    async fn nothing_goes_on_when_nobody_reads() {
        let (archive, pieces) = begun().await;
        drop(pieces);
        archive.file("a", true).await.unwrap();
        let piece = Bytes::from(vec![7; PIECE]);
        let mut closed = false;
        for _ in 0..100 {
            closed = closed || archive.data(piece.clone()).await.is_err();
        }
        assert!(closed);
    }
}
