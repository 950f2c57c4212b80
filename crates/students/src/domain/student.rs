//! A student's record.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
pub use kit::contact::Phone;
use kit::contact::{Email, PersonName, RegistrationNumber};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::RoomRef;

const LONGEST_ADDRESS: usize = 500;

/// A student.
#[derive(Clone, Debug, PartialEq)]
pub struct Student {
    /// Also the id of the account.
    pub id: Uuid,
    pub registration_no: RegistrationNumber,
    pub name: PersonName,
    pub email: Email,
    pub private: Private,
    pub term: Term,
    pub room: Option<RoomRef>,
    pub state: State,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is sealed at rest. Empty once the student is erased.
#[derive(Clone, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Private {
    pub phone: Option<Phone>,
    pub parent_phone: Option<Phone>,
    pub address: Option<Address>,
}

/// Where a student stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// One of the hostel's.
    Active,
    /// Left; can be brought back.
    Deactivated,
    /// Left, and nothing tells who it was.
    Erased,
}

/// Year and semester of study, which agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Term {
    year: u8,
    semester: u8,
}

/// What is wrong with a year and a semester: what was expected of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WrongTerm {
    pub year: Option<&'static str>,
    pub semester: Option<&'static str>,
}

/// A home address.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Address(String);

impl Address {
    /// `None` where nothing is left of it.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err("must not contain control characters");
        }
        if text.chars().count() > LONGEST_ADDRESS {
            return Err("must be at most 500 characters");
        }
        Ok(Some(text.trim())
            .filter(|text| !text.is_empty())
            .map(|text| Self(text.to_owned())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Term {
    pub fn new(year: u32, semester: u32) -> Result<Self, WrongTerm> {
        WrongTerm::out_of_range(Some(year), Some(semester))?;
        let year = u8::try_from(year).unwrap_or_default();
        let semester = u8::try_from(semester).unwrap_or_default();
        if semester.div_ceil(2) != year {
            return Err(WrongTerm {
                semester: Some("must be one of the year: 2 · year - 1 or 2 · year"),
                year: None,
            });
        }
        Ok(Self { year, semester })
    }

    /// With one of the two, or both, put in place of what was.
    pub fn changed(self, year: Option<u32>, semester: Option<u32>) -> Result<Self, WrongTerm> {
        WrongTerm::out_of_range(year, semester)?;
        let changed = Self::new(year.unwrap_or(self.year()), semester.unwrap_or(self.semester()));
        changed.map_err(|wrong| match semester {
            Some(_) => wrong,
            // The field that was given is the one to name.
            None => WrongTerm {
                year: Some("must be the year of the semester; change both together"),
                semester: None,
            },
        })
    }

    pub fn year(self) -> u32 {
        self.year.into()
    }

    pub fn semester(self) -> u32 {
        self.semester.into()
    }
}

impl WrongTerm {
    /// Refuses what is wrong by itself, whatever the other is.
    pub fn out_of_range(year: Option<u32>, semester: Option<u32>) -> Result<(), Self> {
        let wrong = Self {
            year: year.filter(|year| !(1..=4).contains(year)).map(|_| "must be 1 to 4"),
            semester: semester
                .filter(|semester| !(1..=8).contains(semester))
                .map(|_| "must be 1 to 8"),
        };
        if wrong == Self::default() { Ok(()) } else { Err(wrong) }
    }

    /// The fields that are wrong, and what was expected.
    pub fn fields(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let fields = [("year", self.year), ("semester", self.semester)];
        fields
            .into_iter()
            .filter_map(|(field, expected)| Some((field, expected?)))
    }
}

/// The words by whose beginnings a student is found: those of the name, the registration number, the e-mail address. With each
/// the number of characters that it shares with the word before it: so of all that begin alike the first can be told. An erased
/// student is not found.
pub fn words(student: &Student) -> Vec<(String, usize)> {
    if student.state == State::Erased {
        return Vec::new();
    }
    let mut words = terms(student.name.as_str());
    words.insert(student.registration_no.as_str().to_lowercase());
    words.insert(student.email.folded());
    let mut before = String::new();
    let mut counted = Vec::with_capacity(words.len());
    for word in words {
        let shared = word.chars().zip(before.chars()).take_while(|(one, other)| one == other);
        counted.push((word.clone(), shared.count()));
        before = word;
    }
    counted
}

/// What somebody searches for: each of these is to begin a word of the student.
pub fn terms(text: &str) -> BTreeSet<String> {
    text.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

impl Student {
    /// The same record as nobody's: what told who it was is gone, what counts stays.
    ///
    /// The stand-ins for address and number are made of the id, so that they are nobody else's either.
    #[must_use]
    pub fn erase(self, now: DateTime<Utc>) -> Self {
        let id = self.id.simple().to_string();
        // The end of an id is its random part.
        let number = format!("ERASED-{}", &id[id.len() - 13..]);
        Self {
            // Hexadecimal digits are fit for a number.
            registration_no: RegistrationNumber::parse(&number).expect("a number of letters and digits"),
            name: PersonName::of_erased(),
            email: Email::of_erased(self.id),
            private: Private::default(),
            room: None,
            state: State::Erased,
            version: self.version + 1,
            updated_at: now,
            ..self
        }
    }

    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }
}

// What is sealed at rest stays out of logs and of the output of failed tests.
impl std::fmt::Debug for Private {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Private(***)")
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Address(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(Address::parse("  \n").unwrap(), None);
        assert_eq!(
            Address::parse(" 12 Lake Road\nPune ").unwrap().unwrap().as_str(),
            "12 Lake Road\nPune"
        );
        assert!(Address::parse("a\u{0}b").is_err());
        assert!(Address::parse(&"x".repeat(501)).is_err());
    }

    fn named(name: &str, state: State) -> Student {
        let at = DateTime::UNIX_EPOCH;
        Student {
            id: Uuid::from_u128(1),
            registration_no: RegistrationNumber::parse("A-1").unwrap(),
            name: PersonName::parse(name).unwrap(),
            email: Email::parse("ab@c.example").unwrap(),
            private: Private::default(),
            term: Term::new(1, 1).unwrap(),
            room: None,
            state,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn nobody_finds_the_erased() {
        assert_eq!(words(&named("Asha Verma", State::Erased)), []);
        assert_eq!(words(&named("Asha Verma", State::Deactivated)).len(), 4);
    }

    proptest! {
        #[test]
        fn an_erased_student_is_nobody(id: u128, version in 1_i64..1000) {
            let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
            let asha = Student {
                id: Uuid::from_u128(id),
                private: Private { phone: Phone::parse("9876543210").ok(), ..Private::default() },
                version,
                ..named("Asha Verma", State::Active)
            };
            let nobody = asha.erase(at);
            prop_assert_eq!((nobody.state, nobody.version), (State::Erased, version + 1));
            prop_assert!(nobody.private == Private::default() && words(&nobody).is_empty());
            let left = format!("{nobody:?}").to_lowercase();
            prop_assert!(!left.contains("asha") && !left.contains("ab@c") && !left.contains("987654"), "{}", left);
        }

        #[test]
        fn of_words_that_begin_alike_one_is_the_first(name in "[abAB ]{0,12}c", term in "[abc]{1,3}") {
            let words = words(&named(&name, State::Active));
            let alike = words.iter().filter(|(word, _)| word.starts_with(&term));
            let first = words.iter().filter(|(word, shared)| word.starts_with(&term) && *shared < term.chars().count());
            prop_assert_eq!(first.count(), alike.count().min(1));
        }

        #[test]
        fn a_term_is_one_of_eight(year in 0_u32..20, semester in 0_u32..20) {
            let agrees = (1..=4).contains(&year) && (semester == 2 * year || semester + 1 == 2 * year);
            prop_assert_eq!(Term::new(year, semester).is_ok(), agrees);
        }

        #[test]
        fn each_of_year_and_semester_that_is_out_of_range_is_named(year in 0_u32..20, semester in 0_u32..20) {
            let in_range = ((1..=4).contains(&year), (1..=8).contains(&semester));
            let wrong = Term::new(year, semester).err().unwrap_or_default();
            prop_assert_eq!(wrong.year.is_none(), in_range.0);
            prop_assert!(in_range.1 || wrong.semester.is_some());
            let first = Term::new(1, 1).unwrap();
            prop_assert_eq!(first.changed(Some(year), Some(semester)), Term::new(year, semester));
            // Of a change only what was given is wrong.
            prop_assert_eq!(first.changed(Some(year), None).err().and_then(|wrong| wrong.semester), None);
            prop_assert_eq!(first.changed(None, Some(semester)).err().and_then(|wrong| wrong.year), None);
        }
    }
}
