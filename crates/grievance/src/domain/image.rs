//! A picture of what is wrong.

use chrono::{DateTime, Utc};
use kit::files::Key;
use uuid::Uuid;

/// A ticket has at most so many.
pub const MOST_IMAGES: usize = 5;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image {
    pub id: Uuid,
    pub ticket_id: Uuid,
    /// Where it lies in the file store, sealed.
    pub key: Key,
    pub kind: ImageKind,
    /// Its length in bytes before it was sealed.
    pub size: u64,
    pub width: u32,
    pub height: u32,
    /// Of its bytes before they were sealed.
    pub sha256: [u8; 32],
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ImageKind {
    Jpeg,
    Png,
}

impl ImageKind {
    /// By the first bytes of a file, whatever it is called.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else {
            None
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    pub fn parse(media_type: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png]
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }
}
