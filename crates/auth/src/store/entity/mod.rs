//! The tables as sea-orm sees them.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod api_key;
pub(super) mod device;
pub(super) mod letter;
pub(super) mod login_challenge;
pub(super) mod one_time_code;
pub(super) mod password_history;
pub(super) mod recovery_code;
pub(super) mod refresh_token;
pub(super) mod second_factor;
pub(super) mod session;
pub(super) mod setup_token;
pub(super) mod signing_key;
pub(super) mod user;
