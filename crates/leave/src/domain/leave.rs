//! A leave, how it stands, and what may become of it.

use chrono::{DateTime, NaiveDate, Utc};
use proto::options::Role;
use uuid::Uuid;

use super::{Approver, Days, Details, Guardian, GuardianState, LeaveType};

/// A leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    pub id: Uuid,
    /// One more with every event that tells of it.
    pub version: i64,
    pub student_id: Uuid,
    pub leave_type: LeaveType,
    pub days: Days,
    /// The last day that was asked for: the student's return may have ended it earlier.
    pub asked_to: NaiveDate,
    pub details: Details,
    pub retroactive: bool,
    /// The leave that it extends.
    pub extends: Option<Uuid>,
    /// The first leave of the chain: itself, where it extends none.
    pub root_id: Uuid,
    /// Who has to approve it, as its kind said when it was asked for.
    pub chain: Vec<Approver>,
    pub state: State,
    pub guardian: Guardian,
    pub document_required: bool,
    pub asked_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

/// What others need to know of a leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Summary {
    pub id: Uuid,
    pub version: i64,
    pub student_id: Uuid,
    pub from: NaiveDate,
    /// Its last day.
    pub to: NaiveDate,
    pub state: StateName,
}

/// How a leave stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It waits for the approver at this place of its chain.
    Pending {
        step: usize,
    },
    Approved(Decided),
    Rejected(Decided),
    Cancelled {
        by: Uuid,
        at: DateTime<Utc>,
        /// It had been granted.
        granted: Option<Decided>,
    },
}

/// Who decided, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decided {
    pub by: Uuid,
    pub at: DateTime<Utc>,
}

/// A state without what it carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum StateName {
    Pending,
    Approved,
    Rejected,
    Cancelled,
}

/// An approver's word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Word {
    pub by: Uuid,
    pub role: Role,
    pub at: DateTime<Utc>,
}

/// What an approval is held against beside the leave itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen<'a> {
    pub has_document: bool,
    /// Who approved the steps before, the first one first.
    pub earlier: &'a [Decided],
    /// The guardian is not waited for.
    pub without_guardian: bool,
}

/// Why nothing comes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It is not asked for any more.
    Decided(StateName, Decided),
    /// Somebody else's word is waited for.
    NotYourTurn(Approver),
    /// The step that was theirs to take is taken; somebody else's word is waited for.
    StepTaken(TakenStep),
    /// Whoever approved one step leaves the next to another.
    SameApprover,
    DocumentRequired,
    GuardianNotApproved(GuardianState),
    /// It has begun: it ends with the student's return.
    Begun,
    /// This was its last day.
    Ended(NaiveDate),
    /// Only a granted leave can be that.
    NotApproved(StateName),
}

/// A step of a chain that somebody took, of a leave that still waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TakenStep {
    /// Its place in the chain, from 0.
    pub step: usize,
    pub taken: Decided,
    pub waits_for: Approver,
}

impl Leave {
    /// One more word of its chain: with the last of them it is granted.
    pub fn approve(self, word: Word, seen: Seen<'_>) -> Result<Self, Refusal> {
        let step = self.turn(word.role, seen.earlier)?;
        if seen.earlier.iter().any(|earlier| earlier.by == word.by) {
            return Err(Refusal::SameApprover);
        }
        if !self.guardian.allows() && !seen.without_guardian {
            return Err(Refusal::GuardianNotApproved(self.guardian.state));
        }
        let is_last = step + 1 == self.chain.len();
        if is_last && self.document_required && !seen.has_document {
            return Err(Refusal::DocumentRequired);
        }
        let state = if is_last {
            State::Approved(word.decided())
        } else {
            State::Pending { step: step + 1 }
        };
        Ok(self.changed(state, word.at))
    }

    /// The approver whose turn it is says no.
    pub fn reject(self, word: Word, earlier: &[Decided]) -> Result<Self, Refusal> {
        self.turn(word.role, earlier)?;
        Ok(self.changed(State::Rejected(word.decided()), word.at))
    }

    /// Taken back: as long as nothing is decided, and once granted until it begins.
    pub fn cancel(self, by: Uuid, at: DateTime<Utc>, today: NaiveDate) -> Result<Self, Refusal> {
        if self.is_granted() && self.days.from() <= today {
            return Err(Refusal::Begun);
        }
        self.take_back(by, at)
    }

    /// Ended by the hostel, where nobody left on it: there is no return to wait for. What runs ends with yesterday: today the
    /// student is here. What has no day before today, and what was asked for when it had begun, is taken back as a whole.
    pub fn end_unused(self, by: Uuid, at: DateTime<Utc>, today: NaiveDate) -> Result<Self, Refusal> {
        let has_begun = self.is_granted() && self.days.from() < today;
        match today.pred_opt() {
            Some(yesterday) if has_begun && !self.retroactive => {
                if self.days.to() < today {
                    return Err(Refusal::Ended(self.days.to()));
                }
                self.end_early(yesterday, at)
            }
            _ => self.take_back(by, at),
        }
    }

    /// Taken back with all its days, whichever they are.
    pub fn take_back(self, by: Uuid, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let granted = match self.state {
            State::Pending { .. } => None,
            State::Approved(decided) => Some(decided),
            State::Rejected(_) | State::Cancelled { .. } => return Err(self.refused_as_decided()),
        };
        Ok(self.changed(State::Cancelled { by, at, granted }, at))
    }

    /// A granted leave ends with this day: the student is back, or never left. One that ends by itself stays as it is.
    pub fn end_early(self, day: NaiveDate, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let State::Approved(_) = self.state else {
            return Err(Refusal::NotApproved(self.state.name()));
        };
        let days = self.days.until(day);
        Ok(Self {
            days,
            changed_at: at,
            ..self
        })
    }

    /// The guardian answers; once, and as long as nothing is decided.
    pub fn answer(self, agrees: bool, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let State::Pending { .. } = self.state else {
            return Err(self.refused_as_decided());
        };
        if self.guardian.state != GuardianState::Asked {
            return Err(Refusal::GuardianNotApproved(self.guardian.state));
        }
        let state = if agrees {
            GuardianState::Approved
        } else {
            GuardianState::Refused
        };
        let guardian = Guardian { state, at: Some(at) };
        Ok(Self {
            guardian,
            changed_at: at,
            ..self
        })
    }

    /// What others need to know of it.
    pub fn summary(&self) -> Summary {
        Summary {
            id: self.id,
            version: self.version,
            student_id: self.student_id,
            from: self.days.from(),
            to: self.days.to(),
            state: self.state.name(),
        }
    }

    /// Whose word is waited for.
    pub fn waits_for(&self) -> Option<Approver> {
        match self.state {
            State::Pending { step } => self.chain.get(step).copied(),
            State::Approved(_) | State::Rejected(_) | State::Cancelled { .. } => None,
        }
    }

    pub fn is_granted(&self) -> bool {
        matches!(self.state, State::Approved(_))
    }

    /// Whether its days are held: nobody else's leave of this student may have them.
    pub fn holds_days(&self) -> bool {
        matches!(self.state, State::Pending { .. } | State::Approved(_))
    }

    /// Where in the chain it stands, if it is the turn of somebody with this role.
    ///
    /// Whoever decides may have looked at an earlier step: nothing in what they say tells which. So whoever could have taken one
    /// that is taken hears by whom, as where the leave is decided; only whose step is yet to come is told to wait.
    fn turn(&self, role: Role, earlier: &[Decided]) -> Result<usize, Refusal> {
        let State::Pending { step } = self.state else {
            return Err(self.refused_as_decided());
        };
        // A chain has a place for every step that a leave waits at.
        let waits_for = *self.chain.get(step).ok_or(Refusal::NotYourTurn(Approver::Admin))?;
        if waits_for.is_given_by(role) {
            return Ok(step);
        }
        let before = (0..step).zip(&self.chain).zip(earlier);
        let mut theirs = before.filter(|((_, approver), _)| approver.is_given_by(role));
        Err(match theirs.next_back() {
            Some(((step, _), taken)) => Refusal::StepTaken(TakenStep {
                step,
                taken: *taken,
                waits_for,
            }),
            None => Refusal::NotYourTurn(waits_for),
        })
    }

    fn refused_as_decided(&self) -> Refusal {
        let decided = match self.state {
            State::Pending { .. } => Decided {
                by: self.student_id,
                at: self.asked_at,
            },
            State::Approved(decided) | State::Rejected(decided) => decided,
            State::Cancelled { by, at, .. } => Decided { by, at },
        };
        Refusal::Decided(self.state.name(), decided)
    }

    fn changed(self, state: State, at: DateTime<Utc>) -> Self {
        Self {
            state,
            changed_at: at,
            ..self
        }
    }
}

impl Word {
    fn decided(self) -> Decided {
        Decided {
            by: self.by,
            at: self.at,
        }
    }
}

impl State {
    pub fn name(self) -> StateName {
        match self {
            Self::Pending { .. } => StateName::Pending,
            Self::Approved(_) => StateName::Approved,
            Self::Rejected(_) => StateName::Rejected,
            Self::Cancelled { .. } => StateName::Cancelled,
        }
    }

    /// The place in the chain that it waits at, where it waits.
    pub fn step(self) -> Option<usize> {
        match self {
            Self::Pending { step } => Some(step),
            Self::Approved(_) | Self::Rejected(_) | Self::Cancelled { .. } => None,
        }
    }

    /// Who granted or rejected it.
    pub fn decided(self) -> Option<Decided> {
        match self {
            Self::Pending { .. } => None,
            Self::Approved(decided) | Self::Rejected(decided) => Some(decided),
            Self::Cancelled { granted, .. } => granted,
        }
    }

    /// Who took it back.
    pub fn cancelled(self) -> Option<Decided> {
        match self {
            Self::Cancelled { by, at, .. } => Some(Decided { by, at }),
            Self::Pending { .. } | Self::Approved(_) | Self::Rejected(_) => None,
        }
    }
}

impl StateName {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Rejected, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

#[cfg(test)]
mod tests;
