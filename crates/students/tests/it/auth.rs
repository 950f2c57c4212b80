//! Auth's accounts, played: as its contract says, or down, slow, or losing its answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kit::Fault;
use proto::auth::{
    AccountRecord, AccountRecordState, CheckPasswordRequest, CheckPasswordResponse, ConformAccountsRequest,
    ConformAccountsResponse, Reservation, ReserveAccountsRequest, ReserveAccountsResponse, ReserveOutcome,
    accounts_server::{Accounts, AccountsServer},
};
use tonic::{Request, Response, Status, service::Routes};

const TOO_WEAK: &str = "must be at least 8 characters";

/// Auth's accounts; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct PlayedAuth(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    mood: Mood,
    accounts: HashMap<String, Account>,
    /// Addresses and numbers of people whom this service does not know.
    strangers: Vec<String>,
    /// What was reserved, and what was told, in order.
    reserved: Vec<Reservation>,
    told: Vec<AccountRecord>,
    request_ids: Vec<String>,
}

/// How auth is today.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Answers nothing, does nothing.
    Down,
    /// Does nothing and never answers.
    Hanging,
    /// Thinks about reservations until it is in another mood.
    Pondering,
    /// Reserves, and the answer is lost.
    LosingReservations,
    /// Reserves, and hears nothing of what became of it.
    DeafAfterwards,
    /// Reserves, the answer is lost, and it hears nothing of what became of it.
    LosingAndDeaf,
}

/// An account as auth has it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub email: String,
    pub registration_no: String,
    pub name: String,
    pub password: Option<String>,
    /// Reserved beside them, for a change that is not committed yet.
    pub promised: Vec<String>,
    /// 0 as long as it is only reserved.
    pub version: i64,
    pub state: AccountRecordState,
}

impl PlayedAuth {
    pub(crate) fn routes(&self) -> Routes {
        Routes::new(AccountsServer::new(self.clone()))
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// Somebody else has this address or number.
    pub(crate) fn has_stranger(&self, value: &str) {
        self.state().strangers.push(value.to_lowercase());
    }

    /// An account that was reserved, and nobody came back to.
    pub(crate) fn has_reserved(&self, id: &str, email: &str, registration_no: &str) {
        let reservation = Reservation {
            id: id.to_owned(),
            email: email.to_owned(),
            registration_no: registration_no.to_owned(),
            ..Reservation::default()
        };
        assert_eq!(self.state().reserve(&reservation).field, None);
    }

    pub(crate) fn account(&self, id: &str) -> Option<Account> {
        self.state().accounts.get(id).cloned()
    }

    /// How many accounts there are, active or not.
    pub(crate) fn accounts(&self) -> usize {
        self.state().accounts.len()
    }

    /// The passwords and names with which accounts were reserved, in order.
    pub(crate) fn reserved(&self) -> Vec<Reservation> {
        self.state().reserved.clone()
    }

    /// What it was told of records, in order.
    pub(crate) fn told(&self) -> Vec<AccountRecord> {
        self.state().told.clone()
    }

    /// The request ids that came with the calls.
    pub(crate) fn request_ids(&self) -> Vec<String> {
        self.state().request_ids.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, request: &Request<T>) -> Result<Mood, Status> {
        let text = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").is_some_and(|value| value.starts_with("Bearer "));
        if !bearer || text("grpc-timeout").is_none() {
            return Err(Status::internal(
                "a call without a service token, or without a deadline",
            ));
        }
        let mut state = self.state();
        state
            .request_ids
            .push(text("x-request-id").unwrap_or_default().to_owned());
        Ok(state.mood)
    }
}

impl State {
    fn reserve(&mut self, wanted: &Reservation) -> ReserveOutcome {
        self.reserved.push(wanted.clone());
        let outcome = |field: Option<&str>, error: &str, taken| ReserveOutcome {
            id: wanted.id.clone(),
            field: field.map(str::to_owned),
            error: error.to_owned(),
            taken,
        };
        if wanted.password.as_deref() == Some("weak") {
            return outcome(Some("password"), TOO_WEAK, false);
        }
        for (field, value) in [("email", &wanted.email), ("registration_no", &wanted.registration_no)] {
            if self.is_taken(&wanted.id, value) {
                return outcome(Some(field), "is taken", true);
            }
        }
        let promised = vec![wanted.email.to_lowercase(), wanted.registration_no.to_lowercase()];
        if let Some(account) = self.accounts.get_mut(&wanted.id) {
            account.promised = promised;
        } else {
            let account = Account {
                email: wanted.email.clone(),
                registration_no: wanted.registration_no.clone(),
                name: wanted.name.clone(),
                password: wanted.password.clone(),
                promised,
                version: 0,
                state: AccountRecordState::Unspecified,
            };
            self.accounts.insert(wanted.id.clone(), account);
        }
        outcome(None, "", false)
    }

    fn is_taken(&self, id: &str, value: &str) -> bool {
        let value = value.to_lowercase();
        let holds = |account: &Account| {
            account.promised.contains(&value)
                || account.email.to_lowercase() == value
                || account.registration_no.to_lowercase() == value
        };
        let others = self.accounts.iter().filter(|(other, _)| *other != id);
        self.strangers.contains(&value) || others.into_iter().any(|(_, account)| holds(account))
    }

    fn conform(&mut self, record: &AccountRecord) {
        self.told.push(record.clone());
        if record.state() == AccountRecordState::Gone {
            if self
                .accounts
                .get(&record.id)
                .is_some_and(|account| account.version == 0)
            {
                self.accounts.remove(&record.id);
            }
            return;
        }
        let Some(account) = self.accounts.get_mut(&record.id) else {
            return;
        };
        if record.version < account.version {
            return;
        }
        account.promised = Vec::new();
        account.version = record.version;
        account.state = record.state();
        record.email.clone_into(&mut account.email);
        record.registration_no.clone_into(&mut account.registration_no);
        record.name.clone_into(&mut account.name);
    }
}

#[tonic::async_trait]
impl Accounts for PlayedAuth {
    async fn reserve_accounts(
        &self,
        request: Request<ReserveAccountsRequest>,
    ) -> Result<Response<ReserveAccountsResponse>, Status> {
        let mood = self.note(&request)?;
        let away = || Status::from(Fault::unavailable("auth is away"));
        match mood {
            Mood::Down => return Err(away()),
            Mood::Hanging => std::future::pending().await,
            Mood::Pondering => {
                while self.state().mood == Mood::Pondering {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            _ => {}
        }
        let wanted = request.into_inner().reservations;
        let outcomes = {
            let mut state = self.state();
            wanted.iter().map(|one| state.reserve(one)).collect()
        };
        match mood {
            Mood::LosingReservations | Mood::LosingAndDeaf => Err(away()),
            _ => Ok(Response::new(ReserveAccountsResponse { outcomes })),
        }
    }

    async fn check_password(
        &self,
        request: Request<CheckPasswordRequest>,
    ) -> Result<Response<CheckPasswordResponse>, Status> {
        match self.note(&request)? {
            Mood::Hanging => std::future::pending().await,
            Mood::Down => return Err(Fault::unavailable("auth is away").into()),
            _ => {}
        }
        let error = (request.get_ref().password == "weak").then(|| TOO_WEAK.to_owned());
        Ok(Response::new(CheckPasswordResponse { error }))
    }

    async fn conform_accounts(
        &self,
        request: Request<ConformAccountsRequest>,
    ) -> Result<Response<ConformAccountsResponse>, Status> {
        match self.note(&request)? {
            Mood::Well | Mood::Pondering | Mood::LosingReservations => {}
            Mood::Hanging => std::future::pending().await,
            Mood::Down | Mood::DeafAfterwards | Mood::LosingAndDeaf => {
                return Err(Fault::unavailable("auth is away").into());
            }
        }
        let mut state = self.state();
        for record in request.into_inner().records {
            state.conform(&record);
        }
        Ok(Response::new(ConformAccountsResponse {}))
    }
}
