//! The inspector: what a file is, and whether all of it is that.

use sha2::{Digest as _, Sha256};

use super::{Inspected, Kind, LONGEST_FILE, Refused, archive::ArchiveEnd, jpeg::Jpeg, pdf::Pdf, png, png::Png};

/// As many bytes as tell the kinds apart.
const MAGIC: usize = 8;

/// Follows a file piece by piece; however it is cut, the outcome is the same.
///
/// What [`push`](Self::push) adds to `out` is to be kept only if [`finish`](Self::finish) finds nothing wrong. A piece of
/// a PDF may unfold to many times its length, within a bound for the whole file: push pieces of at most 64 KiB, and let
/// others run in between.
pub struct Inspector {
    state: State,
    received: u64,
    kept: u64,
    digest: Sha256,
    archive_in_received: ArchiveEnd,
    archive_in_kept: ArchiveEnd,
}

enum State {
    Unknown(Vec<u8>),
    Jpeg(Jpeg),
    Png(Png),
    Pdf(Box<Pdf>),
    Over(Refused),
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}

impl Inspector {
    pub fn new() -> Self {
        Self {
            state: State::Unknown(Vec::with_capacity(MAGIC)),
            received: 0,
            kept: 0,
            digest: Sha256::new(),
            archive_in_received: ArchiveEnd::default(),
            archive_in_kept: ArchiveEnd::default(),
        }
    }

    /// Takes the next piece and adds what is kept of it to `out`. Once a file is refused it stays so.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let before = out.len();
        let outcome = self.follow(bytes, out);
        let kept = out.get(before..).unwrap_or_default();
        self.kept += kept.len() as u64;
        self.digest.update(kept);
        self.archive_in_kept.push(kept);
        if let Err(refused) = &outcome {
            self.state = State::Over(refused.clone());
        }
        outcome
    }

    /// Says what the file was, after its last piece.
    pub fn finish(self) -> Result<Inspected, Refused> {
        let archive = self.archive_in_received.is_there() || self.archive_in_kept.is_there();
        let (kind, dimensions) = match self.state {
            State::Unknown(head) if head.is_empty() => return Err(Refused::Empty),
            State::Unknown(head) => return Err(unknown_kind(&head)),
            State::Jpeg(jpeg) => (Kind::Jpeg, Some(jpeg.finish()?)),
            State::Png(png) => (Kind::Png, Some(png.finish()?)),
            State::Pdf(pdf) => {
                pdf.finish()?;
                (Kind::Pdf, None)
            }
            State::Over(refused) => return Err(refused),
        };
        if archive {
            return Err(Refused::Archive(kind));
        }
        Ok(Inspected {
            kind,
            width: dimensions.map(|(width, _)| width),
            height: dimensions.map(|(_, height)| height),
            size: self.kept,
            sha256: self.digest.finalize().into(),
        })
    }

    fn follow(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        self.received += bytes.len() as u64;
        if self.received > LONGEST_FILE {
            return Err(Refused::TooLong);
        }
        self.archive_in_received.push(bytes);
        let State::Unknown(head) = &mut self.state else {
            return self.state.push(bytes, out);
        };
        let (missing, rest) = bytes.split_at(bytes.len().min(MAGIC - head.len()));
        head.extend_from_slice(missing);
        if head.len() < MAGIC {
            return Ok(());
        }
        let head = std::mem::take(head);
        self.state = State::of(&head)?;
        self.state.push(&head, out)?;
        self.state.push(rest, out)
    }
}

impl State {
    fn of(head: &[u8]) -> Result<Self, Refused> {
        if head.starts_with(b"\xff\xd8\xff") {
            Ok(Self::Jpeg(Jpeg::new()))
        } else if head.starts_with(png::SIGNATURE) {
            Ok(Self::Png(Png::new()))
        } else if is_pdf(head) {
            Ok(Self::Pdf(Box::new(Pdf::new())))
        } else {
            Err(Refused::OtherKind)
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        match self {
            Self::Jpeg(jpeg) => jpeg.push(bytes, out),
            Self::Png(png) => png.push(bytes, out),
            Self::Pdf(pdf) => pdf.push(bytes, out),
            // Nothing is pushed here before the kind is known.
            Self::Unknown(_) => Ok(()),
            Self::Over(refused) => Err(refused.clone()),
        }
    }
}

/// What is wrong with a file too short to be any kind.
fn unknown_kind(head: &[u8]) -> Refused {
    let begins = |magic: &[u8]| magic.starts_with(head) || head.starts_with(magic);
    if begins(b"\xff\xd8\xff") {
        Refused::Truncated(Kind::Jpeg)
    } else if begins(png::SIGNATURE) {
        Refused::Truncated(Kind::Png)
    } else if begins(b"%PDF-1.") || begins(b"%PDF-2.") {
        Refused::Truncated(Kind::Pdf)
    } else {
        Refused::OtherKind
    }
}

fn is_pdf(head: &[u8]) -> bool {
    matches!(head, [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9'])
}
