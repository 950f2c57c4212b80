//! What is said about grievances.

pub(crate) mod add;
pub(crate) mod list;
