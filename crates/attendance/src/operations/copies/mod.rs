//! The copies of students, blocks and leaves: kept right by events, filled from the services that own them.

pub(crate) mod excuse;
pub(crate) mod leaves;
pub(crate) mod rebuild;
