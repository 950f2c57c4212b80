//! Accounts in auth: reserved before a record is committed, made to agree with it afterwards.

use std::time::Duration;

use kit::upstream::Channel;
use kit::{Fault, access::Caller, fault::Violation};
use proto::auth::{
    AccountRecord, AccountRecordState, CheckPasswordRequest, ConformAccountsRequest, Reservation,
    ReserveAccountsRequest, ReserveOutcome, accounts_client::AccountsClient,
};
use tokio::time::timeout;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{State, Student},
};

/// Auth hashes a password within it.
const RESERVE_LIMIT: Duration = Duration::from_secs(5);
const CHECK_LIMIT: Duration = Duration::from_secs(2);
const CONFORM_LIMIT: Duration = Duration::from_secs(3);
/// The most accounts of one call.
pub(crate) const MOST_AT_ONCE: usize = 500;

/// What came of a reservation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Reserved,
    /// The value of this field belongs to another account.
    Taken(&'static str),
    /// A rule of auth refuses a field.
    Refused(Violation),
}

impl Outcome {
    /// The same for whoever asked for one account.
    pub(crate) fn granted(self) -> Result<(), Error> {
        match self {
            Self::Reserved => Ok(()),
            Self::Taken(field) => Err(Error::Taken(field)),
            Self::Refused(violation) => Err(Error::Invalid(vec![violation])),
        }
    }
}

/// Reserves at most [`MOST_AT_ONCE`] accounts; what came of each, in their order. After an error nobody knows what auth did,
/// or is still about to do.
pub(crate) async fn reserve(app: &App, caller: &Caller, reservations: Vec<Reservation>) -> Result<Vec<Outcome>, Error> {
    let ids: Vec<String> = reservations.iter().map(|one| one.id.clone()).collect();
    let request = request(app, caller, ReserveAccountsRequest { reservations }, RESERVE_LIMIT)?;
    let mut auth = client(app)?;
    let answer = within(RESERVE_LIMIT, auth.reserve_accounts(request)).await?;
    let answered = answer.outcomes.iter().map(|outcome| &outcome.id);
    if !answered.eq(&ids) {
        return Err(Fault::internal("auth answered reservations that nobody asked for").into());
    }
    answer.outcomes.into_iter().map(outcome).collect()
}

/// What auth finds wrong with a first password.
pub(crate) async fn check_password(app: &App, caller: &Caller, password: String) -> Result<Option<Violation>, Error> {
    let request = request(app, caller, CheckPasswordRequest { password }, CHECK_LIMIT)?;
    let mut auth = client(app)?;
    let answer = within(CHECK_LIMIT, auth.check_password(request)).await?;
    Ok(answer.error.map(|error| Violation::new("password", error)))
}

/// Makes at most [`MOST_AT_ONCE`] accounts agree with their records.
pub(crate) async fn conform(app: &App, caller: &Caller, records: Vec<AccountRecord>) -> Result<(), Error> {
    let request = request(app, caller, ConformAccountsRequest { records }, CONFORM_LIMIT)?;
    let mut auth = client(app)?;
    within(CONFORM_LIMIT, auth.conform_accounts(request)).await?;
    Ok(())
}

/// Makes the account of a record that was just committed agree with it now. The record's event says the same: a failure only
/// means that it happens a moment later.
pub(crate) async fn conform_soon(app: &App, caller: &Caller, student: &Student) {
    if let Err(error) = conform(app, caller, vec![record(student)]).await {
        tracing::warn!(student = %student.id, %error, "the account agrees with its record a moment later");
    }
}

/// What auth is asked to reserve for a student.
pub(crate) fn reservation(student: &Student, password: Option<String>) -> Reservation {
    Reservation {
        id: student.id.to_string(),
        email: student.email.as_str().to_owned(),
        registration_no: student.registration_no.as_str().to_owned(),
        name: student.name.as_str().to_owned(),
        password,
    }
}

/// What a student's record says of the account.
pub(crate) fn record(student: &Student) -> AccountRecord {
    let state = match student.state {
        State::Active => AccountRecordState::Active,
        State::Deactivated => AccountRecordState::Deactivated,
        State::Erased => AccountRecordState::Erased,
    };
    let mut record = AccountRecord {
        id: student.id.to_string(),
        version: student.version,
        state: state.into(),
        ..AccountRecord::default()
    };
    if student.state != State::Erased {
        student.email.as_str().clone_into(&mut record.email);
        student.registration_no.as_str().clone_into(&mut record.registration_no);
        student.name.as_str().clone_into(&mut record.name);
    }
    record
}

/// That there is no record of this id.
pub(crate) fn gone(id: Uuid) -> AccountRecord {
    AccountRecord {
        id: id.to_string(),
        state: AccountRecordState::Gone.into(),
        ..AccountRecord::default()
    }
}

fn outcome(outcome: ReserveOutcome) -> Result<Outcome, Error> {
    let Some(field) = outcome.field else {
        return Ok(Outcome::Reserved);
    };
    if !outcome.taken {
        return Ok(Outcome::Refused(Violation::new(field, outcome.error)));
    }
    match field.as_str() {
        "email" => Ok(Outcome::Taken("email")),
        "registration_no" => Ok(Outcome::Taken("registration_no")),
        _ => Err(Fault::internal(format_args!("auth says that the field {field} is taken")).into()),
    }
}

fn client(app: &App) -> Result<AccountsClient<Channel>, Fault> {
    let channel = app.upstreams.channel("auth");
    let channel = channel.ok_or_else(|| Fault::internal("there is no way to auth"))?;
    Ok(AccountsClient::new(channel))
}

/// A request of this service, which is answered in time or not at all.
fn request<T>(app: &App, caller: &Caller, message: T, limit: Duration) -> Result<Request<T>, Fault> {
    let mut request = app.tokens.request_for(caller, message)?;
    request.set_timeout(limit);
    Ok(request)
}

/// The answer, unless it takes too long: the transport's own deadline only reaches as far as its connection does.
async fn within<T>(limit: Duration, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Fault> {
    match timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(Fault::from_status(&status)),
        Err(_) => Err(Fault::deadline_exceeded()),
    }
}
