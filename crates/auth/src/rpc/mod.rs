//! The gRPC face: convert, one operation, convert back.

mod accounts;
mod api_keys;
mod auth;
pub(crate) mod convert;
mod passwords;
mod people;
mod second_factor;
mod sessions;
mod tokens;
mod users;

pub(crate) use accounts::AccountsRpc;
pub(crate) use api_keys::ApiKeysRpc;
pub(crate) use auth::AuthRpc;
pub(crate) use passwords::PasswordsRpc;
pub(crate) use people::PeopleRpc;
pub(crate) use second_factor::SecondFactorRpc;
pub(crate) use sessions::SessionsRpc;
pub(crate) use tokens::TokensRpc;
pub(crate) use users::UsersRpc;
