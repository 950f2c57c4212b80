//! The rules of the trail, without any IO.

pub mod chain;
pub mod entry;

pub use chain::{Chain, Hash};
pub use entry::{Details, Entry, Fact};
