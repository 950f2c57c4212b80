//! What may be kept as a document: files that are a PDF, a JPEG or a PNG from the first byte to the last.
//!
//! An [`Inspector`] is fed a file piece by piece and hands on what is to be kept of it; it never holds more than one
//! segment (64 KiB). Pictures are written anew, marker by marker or chunk by chunk: only what is needed to show them is
//! kept, so place, time and serial numbers, comments, previews and whatever else was hidden in them are gone. A PDF is
//! kept as it is, and refused when it holds something that acts by itself.
//!
//! Not every trick can be seen (an encrypted PDF tells nothing), so files are still served as attachments only, with the
//! media type found here and `nosniff`.

mod archive;
mod exif;
mod inspector;
mod jpeg;
mod name;
mod passing;
mod pdf;
mod png;

#[cfg(test)]
mod tests;

use std::fmt;

pub use inspector::Inspector;
pub use jpeg::is_progressive;
pub use name::FileName;
pub use passing::{Verdict, inspected};

use crate::Fault;

/// The longest file taken: 50 MB.
pub const LONGEST_FILE: u64 = 50 * 1024 * 1024;

/// The longest side of a picture taken, in pixels. Beyond it lie panoramas and files made to exhaust who decodes them.
pub const LONGEST_SIDE: u32 = 20_000;

/// The most pixels of a picture taken: a scan of A4 at 800 dpi has them.
pub const MOST_PIXELS: u64 = 60_000_000;

/// What a file is, by its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Pdf,
    Jpeg,
    Png,
}

impl Kind {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// What a file's name ends in, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    pub fn of_media_type(media_type: &str) -> Option<Self> {
        [Self::Pdf, Self::Jpeg, Self::Png]
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pdf => "PDF",
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// A file that may be kept. Length and digest are those of what is kept, not of what was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inspected {
    pub kind: Kind,
    /// As stored, before any turning that the picture asks for; `None` for a PDF.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub size: u64,
    pub sha256: [u8; 32],
}

/// Why a file is not kept, in a sentence for the person who sent it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("the file is empty: a PDF, JPEG or PNG file is taken")]
    Empty,
    #[error("the file is none of what is taken: PDF, JPEG and PNG files, by their content")]
    OtherKind,
    #[error("the file is longer than 50 MB")]
    TooLong,
    #[error("the {0} file ends too early: send all of it")]
    Truncated(Kind),
    #[error("the {kind} file is damaged: {what}")]
    Damaged { kind: Kind, what: &'static str },
    #[error("the {0} file goes on after its end: send it without what was added")]
    GoesOn(Kind),
    #[error("the {0} file is also an archive: send it without")]
    Archive(Kind),
    #[error("the PDF file holds something that acts by itself (/{0}): print it to a new PDF and send that")]
    Active(&'static str),
    #[error("the picture is {width} by {height} pixels: at most 20,000 a side and 60 million in all are taken")]
    TooManyPixels { width: u32, height: u32 },
}

/// A file of a kind that is not taken is one thing, one of a kind that is taken and not sound another.
impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::OtherKind => Self::unsupported_media("A PDF, JPEG or PNG file is expected, by its content"),
            Refused::TooLong => Self::too_large("The file", LONGEST_FILE),
            _ => Self::invalid("file", refused.to_string()),
        }
    }
}

/// The size of a picture whose header says so, where that is one that is taken.
fn dimensions(kind: Kind, width: u32, height: u32) -> Result<(u32, u32), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::Damaged {
            kind,
            what: "the picture has no size",
        });
    }
    if width > LONGEST_SIDE || height > LONGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refused::TooManyPixels { width, height });
    }
    Ok((width, height))
}
