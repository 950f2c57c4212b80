//! Fixtures as verbs: the service of the students' records, as it asks for accounts and tells of them.

use kit::Fault;
use kit::upstream::Channel;
use prost::{Message, Name};
use proto::{
    auth::{
        AccountRecord, AccountRecordState, ConformAccountsRequest, Reservation, ReserveAccountsRequest, ReserveOutcome,
        User, accounts_client::AccountsClient,
    },
    students::{StudentRecord, StudentState},
};
use serde_json::Value;
use tonic::Request;
use uuid::Uuid;

use crate::{
    hostel::{Hostel, PASSWORD},
    people::told,
};

/// A student who has a password from the first day on.
pub(crate) fn student(hostel: &Hostel, number: usize) -> Reservation {
    Reservation {
        id: hostel.world.clock.new_id().to_string(),
        email: format!("student{number}@x.example"),
        registration_no: format!("REG-{number}"),
        name: format!("Student {number}"),
        password: Some(PASSWORD.to_owned()),
    }
}

/// The same, to be invited.
pub(crate) fn invited(hostel: &Hostel, number: usize) -> Reservation {
    Reservation {
        password: None,
        ..student(hostel, number)
    }
}

/// What the record of a reservation says of its account.
pub(crate) fn record(of: &Reservation, version: i64, state: AccountRecordState) -> AccountRecord {
    AccountRecord {
        id: of.id.clone(),
        version,
        state: state.into(),
        email: of.email.clone(),
        registration_no: of.registration_no.clone(),
        name: of.name.clone(),
    }
}

/// The same as an event tells it.
pub(crate) fn roster_record(of: &Reservation, version: i64, state: StudentState) -> StudentRecord {
    StudentRecord {
        id: of.id.clone(),
        version,
        registration_no: of.registration_no.clone(),
        name: of.name.clone(),
        email: of.email.clone(),
        year: 1,
        semester: 1,
        room: None,
        state: state.into(),
    }
}

/// The field that refused a reservation, and whether its value is taken.
pub(crate) fn refusal(outcome: &ReserveOutcome) -> Option<(&str, bool)> {
    outcome.field.as_deref().map(|field| (field, outcome.taken))
}

impl Hostel {
    pub(crate) fn accounts(&self) -> AccountsClient<Channel> {
        AccountsClient::new(self.world.channel.clone())
    }

    /// A request of the students' service.
    fn as_students<T>(&self, message: T) -> Request<T> {
        let token = self.world.host.tokens("students").token().unwrap();
        self.world.request(&token, message)
    }

    pub(crate) async fn try_reserve(&self, reservations: Vec<Reservation>) -> Result<Vec<ReserveOutcome>, Fault> {
        let request = self.as_students(ReserveAccountsRequest { reservations });
        told(self.accounts().reserve_accounts(request).await).map(|answer| answer.outcomes)
    }

    /// Reserves, and is refused nothing.
    pub(crate) async fn reserve(&self, reservations: &[Reservation]) {
        let outcomes = self.try_reserve(reservations.to_vec()).await.unwrap();
        let refused: Vec<_> = outcomes.iter().filter(|outcome| outcome.field.is_some()).collect();
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(outcomes.len(), reservations.len());
    }

    pub(crate) async fn try_conform(&self, records: Vec<AccountRecord>) -> Result<(), Fault> {
        let request = self.as_students(ConformAccountsRequest { records });
        told(self.accounts().conform_accounts(request).await).map(drop)
    }

    pub(crate) async fn conform(&self, of: &Reservation, version: i64, state: AccountRecordState) {
        self.try_conform(vec![record(of, version, state)]).await.unwrap();
    }

    /// Reserves and activates at the first version.
    pub(crate) async fn enrol(&self, student: &Reservation) {
        self.reserve(std::slice::from_ref(student)).await;
        self.conform(student, 1, AccountRecordState::Active).await;
    }

    /// An account as managers see it.
    pub(crate) async fn user(&self, token: &str, id: &str) -> Result<User, Fault> {
        let request = proto::auth::GetUserRequest { id: id.to_owned() };
        told(self.users().get_user(self.world.request(token, request)).await)
    }

    /// Publishes an event of the students' service, as its relay would.
    pub(crate) async fn hear<M: Message + Name + 'static>(&self, kind: &str, subject: &str, version: i64, data: &M) {
        let subject = subject.parse().unwrap();
        self.world
            .hear(&format!("student.{kind}"), subject, version, data)
            .await;
    }

    /// The types of an account's events, in their order, without what they have in common.
    pub(crate) async fn story(&self, id: &str) -> Vec<String> {
        let id: Uuid = id.parse().unwrap();
        let rows = self.rows("SELECT event AS text FROM outbox ORDER BY version").await;
        let events = rows.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        let own = events.filter(|event| event["subject"] == id.to_string());
        own.map(|event| {
            let kind = event["type"].as_str().unwrap();
            kind.trim_start_matches("hostelpulse.user.")
                .trim_end_matches(".v1")
                .to_owned()
        })
        .collect()
    }
}
