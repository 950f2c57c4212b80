//! The section `auth` of the configuration.

use kit::{access::role_name, config::SecretText};
use proto::options::Role;
use serde::{Deserialize, Serialize};

use crate::domain::{Email, NewPassword, password::Policy};

/// How people sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long an access token holds.
    pub access_token_minutes: u32,
    /// How long a session can be renewed.
    pub refresh_token_days: u32,
    /// A session that was not renewed for so long ends by itself; left out, only `refresh_token_days` ends it.
    pub session_idle_days: Option<u32>,
    /// After so many failures in a row an account takes no sign-in from unknown devices for a while; 0 means never.
    pub lock_after_failures: u32,
    /// How long that lasts.
    pub lock_minutes: u32,
    /// A warden's password older than this must be set anew; left out, passwords do not age.
    pub warden_password_days: Option<u32>,
    /// Cost of password hashes: each step doubles the work, for us and for a thief.
    pub bcrypt_cost: u32,
    /// How many passwords are hashed at once; 0 means one a core.
    pub hashing_threads: usize,
    /// How many sign-ins may wait for their turn before further ones are asked to come back.
    pub hashing_queue: usize,
    /// How long a sign-in may wait for its turn before it is asked to come back. Shorter than the gateway's
    /// `deadlines.call_seconds`, so that people are told to come back rather than that nobody knows.
    pub hashing_wait_seconds: u32,
    /// Roles that must have a second factor, like `["admin", "warden"]`: they set it up when they sign in next.
    pub mfa_required_roles: Vec<String>,
    /// What is asked of new passwords: `composition` (8 characters or more, with an upper-case letter, a digit and a special
    /// character) or `length` (15 or more, 8 for students, of any kind). The commonest are refused either way.
    pub password_policy: Policy,
    /// What mails call this installation.
    pub product_name: String,
    /// Where people find it, for mails: `https://hostel.example.org`.
    pub public_url: Option<String>,
    /// The first administrator, created when there are no users.
    pub admin_email: Option<String>,
    /// The first administrator's password.
    pub admin_password: Option<SecretText>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token_minutes: 15,
            refresh_token_days: 30,
            session_idle_days: None,
            lock_after_failures: 100,
            lock_minutes: 15,
            warden_password_days: None,
            bcrypt_cost: 12,
            hashing_threads: 0,
            hashing_queue: 256,
            hashing_wait_seconds: 8,
            mfa_required_roles: Vec::new(),
            password_policy: Policy::default(),
            product_name: "HostelPulse".to_owned(),
            public_url: None,
            admin_email: None,
            admin_password: None,
        }
    }
}

impl Config {
    /// Whether nobody with this role signs in without a second factor.
    pub(crate) fn needs_second_factor(&self, role: Role) -> bool {
        self.mfa_required_roles.contains(&role_name(role))
    }

    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (1..=60).contains(&self.access_token_minutes),
            "auth.access_token_minutes must be 1 to 60"
        );
        anyhow::ensure!(
            (1..=365).contains(&self.refresh_token_days),
            "auth.refresh_token_days must be 1 to 365"
        );
        anyhow::ensure!(
            self.session_idle_days.is_none_or(|days| (1..=365).contains(&days)),
            "auth.session_idle_days must be 1 to 365, or left out"
        );
        anyhow::ensure!(
            self.lock_after_failures <= 100_000,
            "auth.lock_after_failures must be at most 100000"
        );
        anyhow::ensure!(
            (1..=1440).contains(&self.lock_minutes),
            "auth.lock_minutes must be 1 to 1440"
        );
        anyhow::ensure!(
            self.warden_password_days.is_none_or(|days| (1..=3650).contains(&days)),
            "auth.warden_password_days must be 1 to 3650, or left out"
        );
        anyhow::ensure!((4..=16).contains(&self.bcrypt_cost), "auth.bcrypt_cost must be 4 to 16");
        anyhow::ensure!(self.hashing_threads <= 256, "auth.hashing_threads must be at most 256");
        anyhow::ensure!(
            (1..=10_000).contains(&self.hashing_queue),
            "auth.hashing_queue must be 1 to 10000"
        );
        for role in &self.mfa_required_roles {
            let known = Role::from_str_name(&role.to_uppercase()).filter(|role| *role != Role::Unspecified);
            anyhow::ensure!(
                known.is_some_and(|known| role_name(known) == *role),
                "auth.mfa_required_roles names {role:?}, expected student, warden, guard, staff, teacher or admin"
            );
        }
        anyhow::ensure!(
            (1..=600).contains(&self.hashing_wait_seconds),
            "auth.hashing_wait_seconds must be 1 to 600"
        );
        anyhow::ensure!(
            self.admin_email.is_some() == self.admin_password.is_some(),
            "auth.admin_email and auth.admin_password must be given together"
        );
        if let Some(email) = &self.admin_email {
            Email::parse(email).map_err(|why| anyhow::anyhow!("auth.admin_email {why}"))?;
        }
        if let Some(password) = &self.admin_password {
            NewPassword::parse(password.expose(), self.password_policy, Role::Admin)
                .map_err(|why| anyhow::anyhow!("auth.admin_password {why}"))?;
        }
        self.validate_mail()
    }

    fn validate_mail(&self) -> anyhow::Result<()> {
        let name = self.product_name.as_str();
        anyhow::ensure!(
            !name.trim().is_empty() && name.chars().count() <= 60 && !name.contains(char::is_control),
            "auth.product_name must be one line of 1 to 60 characters"
        );
        if let Some(url) = &self.public_url {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let plain = |c: char| c.is_ascii_graphic() && !"<>\"'".contains(c);
            anyhow::ensure!(
                host.is_some_and(|host| !host.is_empty()) && url.len() <= 200 && url.chars().all(plain),
                "auth.public_url must be an address like https://hostel.example.org"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_may_always_wait_for_a_turn_and_never_everybody() {
        let queue = |hashing_queue| Config {
            hashing_queue,
            ..Config::default()
        };
        assert!(queue(1).validate().is_ok() && queue(10_000).validate().is_ok());
        assert!(queue(0).validate().is_err() && queue(10_001).validate().is_err());
    }

    #[test]
    fn roles_that_must_have_a_second_factor_are_roles() {
        let asking = |role: &str| Config {
            mfa_required_roles: vec![role.to_owned()],
            ..Config::default()
        };
        assert!(asking("warden").validate().is_ok());
        assert!(asking("warden").needs_second_factor(Role::Warden));
        assert!(!asking("warden").needs_second_factor(Role::Admin));
        for odd in ["", "Warden", "wardens", "role_unspecified"] {
            assert!(asking(odd).validate().is_err(), "{odd}");
        }
    }
}
