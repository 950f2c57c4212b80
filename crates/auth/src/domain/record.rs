//! A record of another service, and what becomes of the account that stands for it: they have the same id.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use proto::options::Role;
use uuid::Uuid;

use super::{Email, PersonName, RegistrationNumber, State, User};

/// What a record says of its account.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: Uuid,
    pub version: i64,
    pub state: RecordState,
}

/// Where the person stands.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordState {
    Active(Person),
    Deactivated(Person),
    Erased,
    /// There is no record.
    Gone,
}

/// Who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub email: Email,
    pub registration_no: RegistrationNumber,
    pub name: PersonName,
}

/// An account as it stands beside its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub user: User,
    /// Kept for a record to come: an account for nobody yet.
    pub is_reserved: bool,
    pub has_password: bool,
    /// The version of the record that it agreed with last.
    pub record_version: Option<i64>,
    /// It was given an address or number for the next version of the record, which may never come.
    pub is_ahead: bool,
}

/// Who tells of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Teller<'a> {
    /// The record's service at this moment: it may also take back what was reserved for a version that never came.
    Service,
    /// An event, which may be late.
    Event,
    /// The roster of all records, when an operator asks for it. It counts also where it is older than what an account heard,
    /// because the records may have been restored; not where the account heard of its record since these versions were noted.
    Roster(&'a HashMap<Uuid, i64>),
}

/// What becomes of an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It stays as it is.
    Stay,
    /// It stays, and somebody should look: the id is that of an account which stands for no student.
    Foreign,
    /// What was reserved is given back.
    GiveBack,
    /// It is as the record says from now on.
    Conform(Box<Change>),
}

/// An account as it is from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub after: User,
    pub kind: ChangeKind,
}

/// What happened to it.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// The reserved account is a person's.
    Activated,
    /// There was none, although there is a record.
    Created,
    /// As it was before.
    Changed(User),
    /// Nothing that anybody sees: only the version of its record.
    Noted,
    Erased,
}

impl Record {
    /// What becomes of the account, given how it stands.
    pub fn step(&self, before: Option<&Standing>, teller: Teller<'_>, now: DateTime<Utc>) -> Step {
        if let Some(standing) = before
            && standing.user.role != Role::Student
        {
            return Step::Foreign;
        }
        if self.state == RecordState::Gone {
            return match before {
                Some(standing) if standing.is_reserved => Step::GiveBack,
                Some(standing) if is_as_noted(standing, teller) => {
                    Step::Conform(Box::new(without_record(standing, now)))
                }
                _ => Step::Stay,
            };
        }
        if before.is_some_and(|standing| standing.user.state == State::Erased || !self.is_news_for(standing, teller)) {
            return Step::Stay;
        }
        let (person, state) = match &self.state {
            RecordState::Active(person) => (person, State::Active),
            RecordState::Deactivated(person) => (person, State::Deactivated),
            RecordState::Erased | RecordState::Gone => return Step::Conform(Box::new(self.erasure(before, now))),
        };
        let change = self.agreement(person, state, before, now);
        let is_the_same = |standing: &Standing| standing.record_version == Some(self.version) && !standing.is_ahead;
        if change.kind == ChangeKind::Noted && before.is_some_and(is_the_same) {
            return Step::Stay;
        }
        Step::Conform(Box::new(change))
    }

    /// The version that its account agrees with from now on; none where there is no record.
    pub fn agreed_version(&self) -> Option<i64> {
        (self.state != RecordState::Gone).then_some(self.version)
    }

    /// An older version changes nothing, nor does the same again, unless an operator asks for it.
    fn is_news_for(&self, standing: &Standing, teller: Teller<'_>) -> bool {
        let Some(known) = standing.record_version else {
            return true;
        };
        let is_what_never_came = self.version == known && standing.is_ahead && teller == Teller::Service;
        self.version > known || is_what_never_came || is_as_noted(standing, teller)
    }

    fn agreement(&self, person: &Person, state: State, before: Option<&Standing>, now: DateTime<Utc>) -> Change {
        let fresh = User {
            id: self.id,
            email: person.email.clone(),
            name: person.name.clone(),
            role: Role::Student,
            registration_no: Some(person.registration_no.clone()),
            state,
            version: 1,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        };
        let Some(standing) = before else {
            return Change {
                after: fresh,
                kind: ChangeKind::Created,
            };
        };
        if standing.is_reserved {
            return Change {
                after: fresh,
                kind: ChangeKind::Activated,
            };
        }
        let was = &standing.user;
        let same = User {
            version: was.version,
            created_at: was.created_at,
            updated_at: was.updated_at,
            last_login_at: was.last_login_at,
            ..fresh
        };
        if same == *was {
            return Change {
                after: same,
                kind: ChangeKind::Noted,
            };
        }
        Change {
            after: User {
                version: was.version + 1,
                updated_at: now,
                ..same
            },
            kind: ChangeKind::Changed(was.clone()),
        }
    }

    /// Also where there is no account: an older version of the record that comes later finds that it was erased.
    fn erasure(&self, before: Option<&Standing>, now: DateTime<Utc>) -> Change {
        let was = before.map(|standing| &standing.user);
        Change {
            after: User {
                id: self.id,
                email: Email::of_erased(self.id),
                name: PersonName::of_erased(),
                role: Role::Student,
                registration_no: None,
                state: State::Erased,
                version: was.map_or(0, |was| was.version) + 1,
                created_at: was.map_or(now, |was| was.created_at),
                updated_at: now,
                last_login_at: None,
            },
            kind: ChangeKind::Erased,
        }
    }
}

/// Whether the roster knows better than this account: it heard nothing since the roster was asked for.
fn is_as_noted(standing: &Standing, teller: Teller<'_>) -> bool {
    let Teller::Roster(noted) = teller else {
        return false;
    };
    standing.record_version.is_some() && noted.get(&standing.user.id).copied() == standing.record_version
}

/// An account whose record is gone: nobody signs in, and everything else stays, so that somebody can look.
fn without_record(standing: &Standing, now: DateTime<Utc>) -> Change {
    let was = &standing.user;
    if was.state != State::Active {
        return Change {
            after: was.clone(),
            kind: ChangeKind::Noted,
        };
    }
    Change {
        after: User {
            state: State::Deactivated,
            version: was.version + 1,
            updated_at: now,
            ..was.clone()
        },
        kind: ChangeKind::Changed(was.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    fn person(name: &str) -> Person {
        Person {
            email: Email::parse("asha@hostel.example").unwrap(),
            registration_no: RegistrationNumber::parse("REG-1").unwrap(),
            name: PersonName::parse(name).unwrap(),
        }
    }

    fn record(version: i64, state: RecordState) -> Record {
        Record {
            id: Uuid::from_u128(7),
            version,
            state,
        }
    }

    /// The change that a record makes, where it makes one.
    fn change(record: &Record, before: Option<&Standing>, teller: Teller<'_>) -> Option<Change> {
        match record.step(before, teller, at(9)) {
            Step::Conform(change) => Some(*change),
            _ => None,
        }
    }

    fn active(version: i64) -> Standing {
        let made = change(
            &record(version, RecordState::Active(person("Asha"))),
            None,
            Teller::Event,
        );
        Standing {
            user: made.unwrap().after,
            is_reserved: false,
            has_password: false,
            record_version: Some(version),
            is_ahead: false,
        }
    }

    #[test]
    fn a_reserved_account_becomes_a_persons_or_is_given_back() {
        let reserved = Standing {
            is_reserved: true,
            record_version: None,
            ..active(1)
        };
        let made = change(
            &record(1, RecordState::Active(person("Asha"))),
            Some(&reserved),
            Teller::Service,
        )
        .unwrap();
        assert_eq!((made.kind, made.after.version), (ChangeKind::Activated, 1));
        let gone = record(0, RecordState::Gone);
        assert_eq!(gone.step(Some(&reserved), Teller::Service, at(9)), Step::GiveBack);
        assert_eq!(gone.step(Some(&active(1)), Teller::Service, at(9)), Step::Stay);
        assert_eq!(gone.step(None, Teller::Service, at(9)), Step::Stay);
    }

    #[test]
    fn older_versions_and_the_same_again_change_nothing() {
        for version in [1, 2] {
            let late = record(version, RecordState::Deactivated(person("Asha")));
            assert_eq!(change(&late, Some(&active(2)), Teller::Service), None);
        }
        let next = change(
            &record(3, RecordState::Active(person("Asha"))),
            Some(&active(2)),
            Teller::Event,
        )
        .unwrap();
        assert_eq!((next.kind, next.after), (ChangeKind::Noted, active(2).user));
        let renamed = change(
            &record(3, RecordState::Active(person("Asha V."))),
            Some(&active(2)),
            Teller::Event,
        );
        assert_eq!(renamed.unwrap().after.version, 2);
    }

    #[test]
    fn what_was_reserved_for_a_version_that_never_came_is_taken_back_by_the_service_alone() {
        let ahead = Standing {
            is_ahead: true,
            ..active(2)
        };
        let same = record(2, RecordState::Active(person("Asha")));
        assert!(change(&same, Some(&ahead), Teller::Service).is_some());
        assert_eq!(change(&same, Some(&ahead), Teller::Event), None);
        let older = record(1, RecordState::Active(person("Asha")));
        assert_eq!(change(&older, Some(&ahead), Teller::Service), None);
    }

    #[test]
    fn the_roster_counts_also_where_it_is_older_unless_the_account_heard_more_since() {
        let noted = HashMap::from([(Uuid::from_u128(7), 5)]);
        let roster = Teller::Roster(&noted);
        let restored = record(2, RecordState::Deactivated(person("Asha")));
        let made = change(&restored, Some(&active(5)), roster).unwrap();
        assert_eq!(made.after.state, State::Deactivated);
        assert_eq!(change(&restored, Some(&active(6)), roster), None);
        let same = record(5, RecordState::Active(person("Asha")));
        assert_eq!(change(&same, Some(&active(5)), roster), None);
    }

    #[test]
    fn an_account_whose_record_is_gone_is_closed_by_the_roster_alone() {
        let noted = HashMap::from([(Uuid::from_u128(7), 5)]);
        let gone = record(0, RecordState::Gone);
        let made = change(&gone, Some(&active(5)), Teller::Roster(&noted)).unwrap();
        assert_eq!((made.after.state, gone.agreed_version()), (State::Deactivated, None));
        assert_eq!(change(&gone, Some(&active(6)), Teller::Roster(&noted)), None);
        let free = Standing {
            record_version: None,
            ..active(5)
        };
        assert_eq!(change(&gone, Some(&free), Teller::Roster(&noted)), None);
        for teller in [Teller::Service, Teller::Event] {
            assert_eq!(change(&gone, Some(&active(5)), teller), None);
        }
    }

    #[test]
    fn who_is_erased_stays_erased() {
        let erased = change(&record(3, RecordState::Erased), Some(&active(2)), Teller::Event).unwrap();
        assert_eq!(
            erased.after.email.as_str(),
            format!("erased-{}@erased.invalid", Uuid::from_u128(7))
        );
        assert_eq!((erased.after.version, erased.after.registration_no.clone()), (2, None));
        let erased = Standing {
            user: erased.after,
            ..active(3)
        };
        for version in [1, 3, 9] {
            let late = record(version, RecordState::Active(person("Asha")));
            assert_eq!(change(&late, Some(&erased), Teller::Service), None);
        }
        assert!(change(&record(3, RecordState::Erased), None, Teller::Event).is_some());
    }

    #[test]
    fn nobody_but_students_is_touched() {
        let mut guard = active(1);
        guard.user.role = Role::Guard;
        for state in [
            RecordState::Active(person("Asha")),
            RecordState::Erased,
            RecordState::Gone,
        ] {
            assert_eq!(
                record(9, state).step(Some(&guard), Teller::Service, at(9)),
                Step::Foreign
            );
        }
    }
}
