//! The rules of accounts, without any IO.

pub mod contact;
pub mod password;
pub mod role;
pub mod user;

pub use contact::{Email, PersonName, RegistrationNumber};
pub use password::NewPassword;
pub use user::{State, User};
