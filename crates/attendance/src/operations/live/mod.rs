//! A roll call as it happens.
//!
//! Each roll call that somebody watches has one looker, however many watch it. It is woken by the bell, which is rung after
//! commits of this process, and looks by itself for what other replicas did. What it tells is read from the tables: a short
//! time back again and again, because commits come out of order, and never the same twice. Whoever watches begins with the
//! state of now, and begins again with it when they were too slow to take all that was told.

mod bell;
mod looker;
mod watch;

pub(crate) use bell::Bell;
pub(crate) use watch::{State, Told, watch};
