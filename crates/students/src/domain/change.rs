//! What becomes of a student's record.

use chrono::{DateTime, Utc};
use kit::contact::{Email, PersonName, RegistrationNumber};

use super::{
    RoomRef, State, Student,
    student::{Address, Phone, WrongTerm},
};

/// Fields to change; those that are not given stay as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    pub email: Option<Email>,
    pub registration_no: Option<RegistrationNumber>,
    pub name: Option<PersonName>,
    pub phone: Option<Phone>,
    pub parent_phone: Option<Phone>,
    /// Given as `None` it is removed.
    pub address: Option<Option<Address>>,
    pub year: Option<u32>,
    pub semester: Option<u32>,
    /// Who is brought back lives nowhere yet. Leaving is [`Student::leave`].
    pub bring_back: bool,
}

/// Why a record cannot change so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    Deactivated,
    Erased,
    /// Year and semester are none, or do not agree.
    Term(WrongTerm),
}

impl Student {
    /// The changed record with the names of the fields that changed; `None` when none does.
    pub fn edit(self, change: &Change, at: DateTime<Utc>) -> Result<Option<(Self, Vec<&'static str>)>, Refusal> {
        if self.state == State::Erased {
            return Err(Refusal::Erased);
        }
        let mut after = self.clone();
        after.term = self.term.changed(change.year, change.semester).map_err(Refusal::Term)?;
        put(&mut after.email, change.email.as_ref());
        put(&mut after.registration_no, change.registration_no.as_ref());
        put(&mut after.name, change.name.as_ref());
        put(&mut after.private.phone, change.phone.clone().map(Some).as_ref());
        put(
            &mut after.private.parent_phone,
            change.parent_phone.clone().map(Some).as_ref(),
        );
        put(&mut after.private.address, change.address.as_ref());
        if change.bring_back {
            after.state = State::Active;
        }
        let changed = difference(&self, &after);
        if changed.is_empty() {
            return Ok(None);
        }
        Ok(Some((after.next(at), changed)))
    }

    /// Whether the student can be given a room.
    pub fn may_live_here(&self) -> Result<(), Refusal> {
        match self.state {
            State::Active => Ok(()),
            State::Deactivated => Err(Refusal::Deactivated),
            State::Erased => Err(Refusal::Erased),
        }
    }

    /// The record of somebody who lives elsewhere, or nowhere, from now on.
    #[must_use]
    pub fn settle(mut self, room: Option<RoomRef>, at: DateTime<Utc>) -> Self {
        self.room = room;
        self.next(at)
    }

    /// The record of somebody who left; `None` when they have left before.
    pub fn leave(mut self, at: DateTime<Utc>) -> Option<Self> {
        if self.state != State::Active {
            return None;
        }
        self.state = State::Deactivated;
        self.room = None;
        Some(self.next(at))
    }

    fn next(mut self, at: DateTime<Utc>) -> Self {
        self.version += 1;
        self.updated_at = at;
        self
    }
}

fn put<T: Clone>(field: &mut T, given: Option<&T>) {
    if let Some(value) = given {
        field.clone_from(value);
    }
}

fn difference(before: &Student, after: &Student) -> Vec<&'static str> {
    let fields = [
        ("email", before.email != after.email),
        ("registration_no", before.registration_no != after.registration_no),
        ("name", before.name != after.name),
        ("phone", before.private.phone != after.private.phone),
        (
            "parent_phone",
            before.private.parent_phone != after.private.parent_phone,
        ),
        ("address", before.private.address != after.private.address),
        ("year", before.term.year() != after.term.year()),
        ("semester", before.term.semester() != after.term.semester()),
        ("is_active", before.state != after.state),
    ];
    fields
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};
    use uuid::Uuid;

    use super::*;
    use crate::domain::{BlockName, Private, RoomNumber, Term};

    fn student(state: State) -> Student {
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        Student {
            id: Uuid::from_u128(1),
            registration_no: RegistrationNumber::parse("REG-1").unwrap(),
            name: PersonName::parse("Asha Verma").unwrap(),
            email: Email::parse("asha@hostel.example").unwrap(),
            private: Private {
                phone: Phone::parse("9876543210").ok(),
                ..Private::default()
            },
            term: Term::new(1, 1).unwrap(),
            room: (state == State::Active).then(room),
            state,
            version: 3,
            created_at: at,
            updated_at: at,
        }
    }

    fn room() -> RoomRef {
        RoomRef {
            id: Uuid::from_u128(2),
            room_no: RoomNumber::parse("A-1").unwrap(),
            block: BlockName::parse("A").unwrap(),
        }
    }

    fn later() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_001, 0).unwrap()
    }

    fn states() -> impl Strategy<Value = State> {
        prop_oneof![Just(State::Active), Just(State::Deactivated), Just(State::Erased)]
    }

    prop_compose! {
        fn changes()(
            email in option::of("[ab]@hostel\\.example"),
            number in option::of("REG-[12]"),
            name in option::of("Asha (Verma|Rao)"),
            phone in option::of("987654321[01]"),
            address in option::of(" ?[a-c]{0,2}"),
            year in option::of(0_u32..6),
            semester in option::of(0_u32..10),
            bring_back in any::<bool>(),
        ) -> Change {
            Change {
                email: email.map(|text| Email::parse(&text).unwrap()),
                registration_no: number.map(|text| RegistrationNumber::parse(&text).unwrap()),
                name: name.map(|text| PersonName::parse(&text).unwrap()),
                phone: phone.map(|text| Phone::parse(&text).unwrap()),
                parent_phone: None,
                address: address.map(|text| Address::parse(&text).unwrap()),
                year,
                semester,
                bring_back,
            }
        }
    }

    proptest! {
        #[test]
        fn a_change_is_one_version_or_none(state in states(), change in changes()) {
            let before = student(state);
            match before.clone().edit(&change, later()) {
                Ok(None) => {}
                Ok(Some((after, changed))) => {
                    prop_assert_eq!(after.version, before.version + 1);
                    prop_assert_eq!(after.updated_at, later());
                    prop_assert!(!changed.is_empty());
                    prop_assert_eq!(&after.room, &before.room);
                    prop_assert_eq!(after.clone().edit(&change, later()), Ok(None));
                }
                Err(Refusal::Erased) => prop_assert_eq!(state, State::Erased),
                Err(Refusal::Term(wrong)) => {
                    prop_assert!(wrong.fields().count() > 0);
                    prop_assert!(wrong.year.is_none() || change.year.is_some());
                    prop_assert!(wrong.semester.is_none() || change.semester.is_some());
                }
                Err(Refusal::Deactivated) => prop_assert!(false, "whoever left can still be corrected"),
            }
        }

        #[test]
        fn whoever_left_lives_nowhere(state in states()) {
            let before = student(state);
            match before.clone().leave(later()) {
                Some(after) => {
                    prop_assert_eq!(state, State::Active);
                    prop_assert_eq!((after.state, after.room.clone(), after.version), (State::Deactivated, None, 4));
                    prop_assert!(after.may_live_here().is_err());
                    prop_assert_eq!(after.leave(later()), None);
                }
                None => prop_assert!(state != State::Active),
            }
        }
    }

    #[test]
    fn one_of_year_and_semester_must_agree_with_the_other() {
        let year = |year| Change {
            year: Some(year),
            ..Change::default()
        };
        for other in [2, 9] {
            let refused = student(State::Active).edit(&year(other), later()).unwrap_err();
            assert!(matches!(refused, Refusal::Term(wrong) if wrong.year.is_some() && wrong.semester.is_none()));
        }
        let both = Change {
            semester: Some(4),
            ..year(2)
        };
        let (after, changed) = student(State::Active).edit(&both, later()).unwrap().unwrap();
        assert_eq!((after.term.year(), after.term.semester()), (2, 4));
        assert_eq!(changed, ["year", "semester"]);
    }
}
