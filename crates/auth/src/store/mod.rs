//! Every query of this service. Rows become domain types here; entities are private to this room.

pub(crate) mod api_key;
pub(crate) mod device;
mod entity;
pub(crate) mod erasure;
pub(crate) mod letter;
pub(crate) mod login_challenge;
mod migration;
pub(crate) mod one_time_code;
pub(crate) mod password_history;
pub(crate) mod record;
pub(crate) mod recovery_code;
pub(crate) mod refresh_token;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod setup_token;
pub(crate) mod sign_in;
pub(crate) mod signing_key;
pub(crate) mod tidy;
pub(crate) mod user;

pub use migration::Migrator;
