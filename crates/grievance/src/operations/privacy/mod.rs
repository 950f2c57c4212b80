//! What is held of a student: told to those who are to see it all, and forgotten when the student is.

pub(crate) mod erase;
pub(crate) mod export;
