//! Guardians: where they are written to, what they are asked, what they answer.

pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod letters;
mod pages;
mod token;
