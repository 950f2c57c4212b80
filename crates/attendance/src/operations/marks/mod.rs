//! Marks: by hand, and as lists.

pub(crate) mod by_hand;
pub(crate) mod list;
