//! `hostelpulse.auth.v1.Accounts`.

use std::{collections::HashSet, sync::Arc};

use kit::{Fault, access::Caller, fault::Violation};
use proto::auth::{
    AccountRecord, AccountRecordState, CheckPasswordRequest, CheckPasswordResponse, ConformAccountsRequest,
    ConformAccountsResponse, Reservation as Message, ReserveAccountsRequest, ReserveAccountsResponse, ReserveOutcome,
    accounts_server,
};
use proto::options::Role;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    domain::{
        Email, NewPassword, PersonName, RegistrationNumber,
        password::Policy,
        record::{Person, Record, RecordState, Teller},
    },
    operations::{
        App,
        accounts::{
            MOST, conform,
            reserve::{self, Refused, Reservation},
        },
    },
};

pub(crate) struct AccountsRpc(pub Arc<App>);

#[tonic::async_trait]
impl accounts_server::Accounts for AccountsRpc {
    async fn reserve_accounts(
        &self,
        request: Request<ReserveAccountsRequest>,
    ) -> Result<Response<ReserveAccountsResponse>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let parsed = reservations(request.into_inner().reservations, app.config.password_policy)?;
        let (wanted, mut outcomes) = (parsed.wanted, parsed.outcomes);
        let refused = reserve::reserve(app, &caller, &wanted).await?;
        for (one, place) in wanted.iter().zip(parsed.places) {
            outcomes[place] = outcome(one.id.to_string(), refused.get(&one.id).copied());
        }
        Ok(Response::new(ReserveAccountsResponse { outcomes }))
    }

    async fn check_password(
        &self,
        request: Request<CheckPasswordRequest>,
    ) -> Result<Response<CheckPasswordResponse>, Status> {
        let checked = first_password(&request.get_ref().password, self.0.config.password_policy);
        let error = checked.err().map(str::to_owned);
        Ok(Response::new(CheckPasswordResponse { error }))
    }

    async fn conform_accounts(
        &self,
        request: Request<ConformAccountsRequest>,
    ) -> Result<Response<ConformAccountsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let records = records(&request.get_ref().records)?;
        let taken = conform::conform(&self.0, &caller, &records, Teller::Service).await?;
        if let Some(first) = taken.first() {
            let message = format!("{} accounts keep the address or number that they had", taken.len());
            return Err(Fault::conflict("CONFLICT", message)
                .detail("id", first.to_string())
                .into());
        }
        Ok(Response::new(ConformAccountsResponse {}))
    }
}

/// A request for accounts: those that can be asked for, and what came of each, refused ones already.
#[derive(Default)]
struct Reservations {
    wanted: Vec<Reservation>,
    /// Where those that are wanted stand among the outcomes.
    places: Vec<usize>,
    outcomes: Vec<ReserveOutcome>,
}

fn reservations(messages: Vec<Message>, policy: Policy) -> Result<Reservations, Fault> {
    at_most(messages.len(), "reservations")?;
    let mut all = Reservations::default();
    let mut seen = HashSet::new();
    for (place, message) in messages.into_iter().enumerate() {
        let id = id(&message.id, "reservations", place)?;
        let reservation = if seen.insert(id) {
            reservation(id, &message, policy)
        } else {
            Err(wrong("id", "must not be there twice"))
        };
        all.outcomes
            .push(outcome(message.id, reservation.as_ref().err().copied()));
        if let Ok(reservation) = reservation {
            all.wanted.push(reservation);
            all.places.push(place);
        }
    }
    Ok(all)
}

fn reservation(id: Uuid, message: &Message, policy: Policy) -> Result<Reservation, Refused> {
    let field = |field| move |error| wrong(field, error);
    let password = message.password.as_deref();
    let password = password.map(|text| first_password(text, policy));
    Ok(Reservation {
        id,
        email: Email::parse(&message.email).map_err(field("email"))?,
        registration_no: RegistrationNumber::parse(&message.registration_no).map_err(field("registration_no"))?,
        name: PersonName::parse(&message.name).map_err(field("name"))?,
        password: password.transpose().map_err(field("password"))?,
    })
}

/// The accounts of this desk are students'.
fn first_password(text: &str, policy: Policy) -> Result<NewPassword, &'static str> {
    NewPassword::parse(text, policy, Role::Student)
}

fn wrong(field: &'static str, error: &'static str) -> Refused {
    Refused {
        field,
        error,
        taken: false,
    }
}

fn outcome(id: String, refused: Option<Refused>) -> ReserveOutcome {
    ReserveOutcome {
        id,
        field: refused.map(|refused| refused.field.to_owned()),
        error: refused.map(|refused| refused.error.to_owned()).unwrap_or_default(),
        taken: refused.is_some_and(|refused| refused.taken),
    }
}

fn records(messages: &[AccountRecord]) -> Result<Vec<Record>, Fault> {
    at_most(messages.len(), "records")?;
    let (mut records, mut violations) = (Vec::with_capacity(messages.len()), Vec::new());
    for (place, message) in messages.iter().enumerate() {
        let id = id(&message.id, "records", place)?;
        match state(message) {
            Ok(state) => records.push(Record {
                id,
                version: message.version,
                state,
            }),
            Err((field, why)) => violations.push(Violation::new(format!("records[{place}].{field}"), why)),
        }
    }
    if violations.is_empty() {
        Ok(records)
    } else {
        Err(Fault::validation(violations))
    }
}

fn state(message: &AccountRecord) -> Result<RecordState, (&'static str, &'static str)> {
    let field = |field| move |why| (field, why);
    let person = || {
        Ok(Person {
            email: Email::parse(&message.email).map_err(field("email"))?,
            registration_no: RegistrationNumber::parse(&message.registration_no).map_err(field("registration_no"))?,
            name: PersonName::parse(&message.name).map_err(field("name"))?,
        })
    };
    match message.state() {
        AccountRecordState::Active => person().map(RecordState::Active),
        AccountRecordState::Deactivated => person().map(RecordState::Deactivated),
        AccountRecordState::Erased => Ok(RecordState::Erased),
        AccountRecordState::Gone => Ok(RecordState::Gone),
        AccountRecordState::Unspecified => Err(("state", "must be one of: active, deactivated, erased, gone")),
    }
}

fn at_most(count: usize, field: &str) -> Result<(), Fault> {
    if count > MOST {
        return Err(Fault::invalid(field, format!("must be at most {MOST}")));
    }
    Ok(())
}

fn id(text: &str, list: &str, place: usize) -> Result<Uuid, Fault> {
    Uuid::parse_str(text).map_err(|_| Fault::invalid(format!("{list}[{place}].id"), "must be a UUID"))
}
