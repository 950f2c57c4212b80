//! The auth service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod accounts;
mod accounts_conform;
mod accounts_desk;
mod accounts_erasure;
mod accounts_heard;
mod api_keys;
mod codes;
mod door;
mod factor;
mod guesses;
mod hostel;
mod in_flight;
mod invitations;
mod key;
mod keys;
mod letters;
mod log;
mod login;
mod mails;
mod passwords;
mod people;
mod refresh;
mod roles;
mod rules;
mod second_factor;
mod sessions;
mod tidy;
mod tokens;
mod trail;
mod users;
mod watch;
