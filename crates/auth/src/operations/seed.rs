//! The accounts that an installation begins with: its first administrator, or the demo.

use std::collections::HashMap;

use kit::access::Caller;
use proto::options::Role;
use uuid::Uuid;

use super::{App, create};
use crate::{
    Error,
    domain::{Email, NewPassword, PersonName, RegistrationNumber, password::Policy},
    store,
};

/// An account to begin with.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub registration_no: Option<String>,
}

/// Why an installation does not get these accounts.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("the database holds real users; the demo is refused")]
    RealUsers,
    #[error("{field}: {why}")]
    Invalid { field: &'static str, why: &'static str },
    #[error("the e-mail address {0} is taken")]
    Taken(String),
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Creates all the accounts with one password, or none. Nothing happens when they are there; refused when the database
/// holds users but not these. Says the id of each by its address, as it was given.
pub(crate) async fn all_or_nothing(
    app: &App,
    accounts: Vec<NewAccount>,
    password: &str,
) -> Result<Vec<(String, Uuid)>, SeedError> {
    let Some(first) = accounts.first() else {
        return Ok(Vec::new());
    };
    if store::user::count(app.db.reader()).await.map_err(Error::from)? > 0 {
        let there = store::user::find_by_identifier(app.db.reader(), &first.email)
            .await?
            .is_some();
        return if there {
            there_already(app, &accounts).await
        } else {
            Err(SeedError::RealUsers)
        };
    }
    // One hash for all, by the policy that it was chosen for: the demo's password is no secret, and hashing takes its time.
    let password = NewPassword::parse(password, Policy::Composition, Role::Admin)
        .map_err(|why| SeedError::Invalid { field: "password", why })?;
    let hash = app.hashing.hash(password).await?;
    let caller = Caller::service("auth", app.clock.new_id().to_string());
    let txn = app.db.begin().await.map_err(Error::from)?;
    let mut ids = Vec::with_capacity(accounts.len());
    for account in accounts {
        let email = account.email.clone();
        let mut prepared = create::prepare_unchecked(app, parse(account, None)?).await?;
        prepared.set_hash(hash.clone());
        let user = create::store_in_txn(app, &caller, &txn, prepared).await?;
        ids.push((email, user.id));
    }
    txn.commit().await.map_err(Error::from)?;
    Ok(ids)
}

/// The ids of those of these accounts that are there.
async fn there_already(app: &App, accounts: &[NewAccount]) -> Result<Vec<(String, Uuid)>, SeedError> {
    let emails: Vec<String> = accounts.iter().map(|account| account.email.clone()).collect();
    let found = store::user::ids_by_email(app.db.reader(), &emails)
        .await
        .map_err(Error::from)?;
    let found: HashMap<String, Uuid> = found.into_iter().collect();
    let with_id = |email: String| {
        let id = *found.get(&email.to_lowercase())?;
        Some((email, id))
    };
    Ok(emails.into_iter().filter_map(with_id).collect())
}

/// Creates one administrator.
pub(crate) async fn admin(app: &App, email: String, name: String, password: &str) -> Result<(), SeedError> {
    let password = NewPassword::parse(password, app.config.password_policy, Role::Admin)
        .map_err(|why| SeedError::Invalid { field: "password", why })?;
    let account = NewAccount {
        email: email.clone(),
        name,
        role: Role::Admin,
        registration_no: None,
    };
    let prepared = create::prepare_unchecked(app, parse(account, Some(password))?).await?;
    let caller = Caller::service("auth", app.clock.new_id().to_string());
    let txn = app.db.begin().await.map_err(Error::from)?;
    match create::store_in_txn(app, &caller, &txn, prepared).await {
        Err(Error::EmailTaken) => return Err(SeedError::Taken(email)),
        outcome => outcome?,
    };
    txn.commit().await.map_err(Error::from)?;
    Ok(())
}

fn parse(account: NewAccount, password: Option<NewPassword>) -> Result<create::NewUser, SeedError> {
    let invalid = |field| move |why| SeedError::Invalid { field, why };
    let number = account
        .registration_no
        .as_deref()
        .map(RegistrationNumber::parse)
        .transpose();
    Ok(create::NewUser {
        email: Email::parse(&account.email).map_err(invalid("email"))?,
        name: PersonName::parse(&account.name).map_err(invalid("name"))?,
        role: account.role,
        registration_no: number.map_err(invalid("registration_no"))?,
        password,
    })
}
