//! What a student may ask of everybody who holds something of them: a copy, and to be forgotten.

mod archive;
pub(crate) mod erase;
pub(crate) mod export;
