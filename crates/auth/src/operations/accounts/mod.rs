//! Accounts that stand for records of another service: reserved before the record is committed, conforming to it from then on.

pub(crate) mod conform;
pub(crate) mod export;
pub(crate) mod rebuild;
pub(crate) mod reserve;

/// So many at a time, in one transaction.
pub(crate) const MOST: usize = 500;
