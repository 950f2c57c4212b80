//! The copies of students, blocks and leaves: kept right by events, filled from the students service.

pub(crate) mod excuse;
pub(crate) mod rebuild;
