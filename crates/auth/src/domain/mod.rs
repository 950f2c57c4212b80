//! The rules of accounts, without any IO.

pub mod api_key;
pub mod code;
mod common;
pub mod device;
pub mod door;
pub mod password;
pub mod record;
pub mod recovery_code;
pub mod refresh;
pub mod role;
pub mod second_factor;
pub mod totp;
pub mod user;

pub use kit::contact::{Email, PersonName, RegistrationNumber};
pub use password::NewPassword;
pub use user::{State, User};
