//! The copies of students: kept right by events, filled from the students service.

pub(crate) mod rebuild;
