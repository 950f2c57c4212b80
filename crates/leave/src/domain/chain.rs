//! A leave with all that extend it: at the gate they are one absence.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{Leave, Refusal, State};

/// A leave and all that extend it, the earliest first. At least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain(Vec<Leave>);

/// Why nobody goes through the gate on a leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GateRefusal {
    /// It begins on this day.
    NotBegun(NaiveDate),
    /// This was its last day; or the student is back.
    Ended(NaiveDate),
    Departed(DateTime<Utc>),
    /// The student is out on another leave.
    OutOnAnother(Uuid),
    NotDeparted,
    Returned(DateTime<Utc>),
}

/// A leave before and after something happened to the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub before: Leave,
    pub after: Leave,
}

impl Chain {
    /// The chain of these leaves; `None` of none.
    pub fn new(mut leaves: Vec<Leave>) -> Option<Self> {
        leaves.sort_by_key(|leave| (leave.days.from(), leave.asked_at));
        (!leaves.is_empty()).then_some(Self(leaves))
    }

    /// The first day.
    pub fn from(&self) -> NaiveDate {
        self.0[0].days.from()
    }

    /// The last day of all that are granted.
    pub fn until(&self) -> Option<NaiveDate> {
        let granted = self.0.iter().filter(|leave| leave.is_granted());
        granted.map(|leave| leave.days.to()).max()
    }

    /// Whether the student may leave today; until when they may stay away.
    pub fn depart(&self, today: NaiveDate) -> Result<NaiveDate, GateRefusal> {
        let until = self.until().ok_or(GateRefusal::Ended(self.from()))?;
        let granted = self.0.iter().filter(|leave| leave.is_granted());
        let from = granted.map(|leave| leave.days.from()).min();
        if let Some(from) = from.filter(|from| today < *from) {
            return Err(GateRefusal::NotBegun(from));
        }
        if until < today {
            return Err(GateRefusal::Ended(until));
        }
        Ok(until)
    }

    /// The student is back today: what is granted beyond ends, what has not begun or is not granted is taken back.
    pub fn come_back(self, by: Uuid, at: DateTime<Utc>, today: NaiveDate) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        for before in self.0 {
            let is_over = before.days.to() <= today;
            let after = match before.state {
                State::Approved(_) if is_over => continue,
                State::Approved(_) if before.days.from() <= today => before.clone().end_early(today, at)?,
                State::Approved(_) | State::Pending { .. } => before.clone().cancel(by, at, today)?,
                State::Rejected(_) | State::Cancelled { .. } => continue,
            };
            changes.push(Change { before, after });
        }
        Ok(changes)
    }

    /// A leave of the chain is taken back, or ended before its time: what extends it is taken back.
    pub fn without(self, gone: &Leave, by: Uuid, at: DateTime<Utc>) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        for before in self.0 {
            if before.holds_days() && before.days.from() > gone.days.from() {
                let after = before.clone().take_back(by, at)?;
                changes.push(Change { before, after });
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Approver, Days, Decided, Details, Guardian, LeaveType, StateName};

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 1).unwrap() + chrono::Days::new(number.into())
    }

    fn at() -> DateTime<Utc> {
        "2026-12-01T06:00:00Z".parse().unwrap()
    }

    fn leave(number: u128, (from, length): (u32, u32), state: State) -> Leave {
        Leave {
            id: Uuid::from_u128(number),
            version: 1,
            student_id: Uuid::from_u128(9),
            leave_type: LeaveType::Home,
            days: Days::new(day(from), day(from + length)).unwrap(),
            asked_to: day(from + length),
            details: Details::default(),
            retroactive: false,
            extends: None,
            root_id: Uuid::from_u128(1),
            chain: vec![Approver::Warden],
            state,
            guardian: Guardian::NONE,
            document_required: false,
            asked_at: at(),
            changed_at: at(),
        }
    }

    fn state(name: StateName) -> State {
        let decided = Decided {
            by: Uuid::from_u128(7),
            at: at(),
        };
        match name {
            StateName::Pending => State::Pending { step: 0 },
            StateName::Approved => State::Approved(decided),
            StateName::Rejected => State::Rejected(decided),
            StateName::Cancelled => State::Cancelled {
                by: decided.by,
                at: decided.at,
                granted: None,
            },
        }
    }

    /// Leaves one after the other, as extensions are.
    fn chain(parts: &[(u32, StateName)]) -> Chain {
        let mut from = 5;
        let mut leaves = Vec::new();
        for (number, (length, name)) in (1..).zip(parts) {
            leaves.push(leave(number, (from, *length), state(*name)));
            from += length + 1;
        }
        Chain::new(leaves).unwrap()
    }

    #[test]
    fn somebody_leaves_on_the_days_that_are_granted() {
        let chain = chain(&[
            (2, StateName::Approved),
            (1, StateName::Approved),
            (3, StateName::Pending),
        ]);
        assert_eq!(chain.depart(day(4)), Err(GateRefusal::NotBegun(day(5))));
        for number in 5..=9 {
            assert_eq!(chain.depart(day(number)), Ok(day(9)));
        }
        assert_eq!(chain.depart(day(10)), Err(GateRefusal::Ended(day(9))));
        assert_eq!(Chain::new(Vec::new()), None);
    }

    #[test]
    fn nobody_leaves_on_days_that_are_not_granted() {
        let chain = chain(&[(2, StateName::Cancelled), (1, StateName::Approved)]);
        assert_eq!(chain.depart(day(6)), Err(GateRefusal::NotBegun(day(8))));
        assert_eq!(chain.depart(day(8)), Ok(day(9)));
    }

    fn any_chain() -> impl Strategy<Value = Vec<(u32, StateName)>> {
        let part = (0_u32..10, prop::sample::select(StateName::ALL.to_vec()));
        prop::collection::vec(part, 0..4).prop_map(|rest| {
            let mut parts = vec![(3, StateName::Approved)];
            parts.extend(rest);
            parts
        })
    }

    proptest! {
        #[test]
        fn whoever_is_back_holds_no_later_day(parts in any_chain(), today in 5_u32..60) {
            let (chain, today) = (chain(&parts), day(today));
            let changes = chain.clone().come_back(Uuid::from_u128(8), at(), today).unwrap();
            for leave in chain.0 {
                let now = changes.iter().find(|change| change.before == leave);
                let now = now.map_or(&leave, |change| &change.after);
                prop_assert!(!now.holds_days() || now.days.to() <= today);
                prop_assert!(now.state.name() != StateName::Pending);
                // What was used stays granted.
                prop_assert_eq!(now.is_granted(), leave.is_granted() && leave.days.from() <= today);
            }
        }

        #[test]
        fn what_extends_a_leave_goes_with_it(parts in any_chain()) {
            let chain = chain(&parts);
            let gone = chain.0[0].clone();
            let changes = chain.clone().without(&gone, Uuid::from_u128(8), at()).unwrap();
            let holding = chain.0[1..].iter().filter(|leave| leave.holds_days()).count();
            prop_assert_eq!(changes.len(), holding);
            prop_assert!(changes.iter().all(|change| change.after.state.name() == StateName::Cancelled));
        }
    }
}
