//! The gate: departures, returns, who is out, who is away, who is overdue.

pub(crate) mod active;
pub(crate) mod come_back;
pub(crate) mod depart;
pub(crate) mod overdue;
pub(crate) mod view;
