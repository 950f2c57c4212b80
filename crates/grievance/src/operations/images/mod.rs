//! Pictures of what is wrong: added, told of, handed out.

pub(crate) mod add;
pub(crate) mod arriving;
pub(crate) mod download;
pub(crate) mod links;
pub(crate) mod list;
