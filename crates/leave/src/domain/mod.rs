//! The rules of leaves, pure: no store, no clock, no chance of their own.

mod absence;
mod approver;
mod chain;
mod days;
mod decision;
mod details;
mod document;
mod guardian;
mod kind;
mod leave;
mod rules;
mod student;

pub use absence::{Movement, Returned};
pub use approver::{Approver, LONGEST_CHAIN};
pub use chain::{Chain, Change, GateRefusal};
pub use days::{Days, MOST_DAYS};
pub use decision::{Decision, Verdict};
pub use details::Details;
pub use document::Document;
pub use guardian::{Guardian, GuardianAddress, GuardianState, LetterStanding, LetterState, LinkRefusal, Question};
pub use kind::LeaveType;
pub use leave::{Decided, Leave, Refusal, Seen, State, StateName, Summary, TakenStep, Word};
pub use rules::{Broken, Rules, beginning};
pub use student::Student;

/// Blocks are the same without regard to case.
pub fn folded(block: &str) -> String {
    block.trim().to_uppercase()
}
