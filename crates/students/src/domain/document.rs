//! A document of a student, and the objects that hold it.

use chrono::{DateTime, Utc};
use kit::{
    files::{Key, kept::StoredFile},
    inspect::Kind,
};
use uuid::Uuid;

/// So many documents a student may have.
pub const MOST_DOCUMENTS: usize = 100;

/// A document of a student.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: Uuid,
    pub student_id: Uuid,
    pub doc_type: DocumentType,
    pub file_name: String,
    pub kind: Kind,
    pub file: StoredFile,
    /// The small picture of a photo, a JPEG.
    pub thumbnail: Option<StoredFile>,
    pub added_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DocumentType {
    Aadhaar,
    DrivingLicense,
    Pan,
    /// A student has one.
    Photo,
    IdCard,
    Other,
}

impl Document {
    /// The keys of everything that is stored of it.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.file.key).chain(self.thumbnail.as_ref().map(|thumbnail| &thumbnail.key))
    }
}

impl DocumentType {
    pub const ALL: [Self; 6] = [
        Self::Aadhaar,
        Self::DrivingLicense,
        Self::Pan,
        Self::Photo,
        Self::IdCard,
        Self::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aadhaar => "aadhaar",
            Self::DrivingLicense => "driving_license",
            Self::Pan => "pan",
            Self::Photo => "photo",
            Self::IdCard => "id_card",
            Self::Other => "other",
        }
    }

    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or("must be one of aadhaar, driving_license, pan, photo, id_card, other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for known in DocumentType::ALL {
            assert_eq!(DocumentType::parse(known.as_str()), Ok(known));
        }
        for wrong in ["", "Photo", "passport", "photo "] {
            assert!(DocumentType::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
