//! The second factor: what it takes beside the password.

mod challenge;
pub(crate) mod confirm;
pub(crate) mod disable;
mod proof;
mod qr;
pub(crate) mod renew;
pub(crate) mod set_up;
pub(crate) mod sign_in;
pub(crate) mod state;

pub(crate) use challenge::{Challenge, challenge};
