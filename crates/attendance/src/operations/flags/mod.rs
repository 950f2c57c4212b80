//! What looks odd: found by the clock, listed for wardens, looked at once.

pub(crate) mod list;
pub(crate) mod look;
pub(crate) mod review;
