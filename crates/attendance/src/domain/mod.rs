//! The rules of roll calls, pure: no store, no clock, no chance of their own.

mod access_point;
mod block;
mod counts;
mod device;
pub mod evidence;
mod factor;
mod leave;
mod mark;
mod oddities;
pub mod proximity;
mod report;
mod scan;
mod session;
mod signature;
mod student;

pub use access_point::{Bssid, KnownPoint, SeenPoint, strength};
pub use block::Block;
pub use counts::Counts;
pub use device::{Device, DeviceState, MOST_DEVICES, PublicKey, active_from};
pub use evidence::Evidence;
pub use factor::{Factor, Requirement};
pub use leave::{Leave, excuse};
pub use mark::{Mark, MarkChange, MarkSource, MarkStatus};
pub use oddities::{Flag, FlagReview, Oddity, OddityKind, Sighting, Verdict, in_session, of_student};
pub use proximity::{Fix, FixRules, Nearness, Unusable};
pub use report::{About, GroupBy, Period, ReportLine, Scope, Tally};
pub use scan::{Outcome, Refusal, Scan, Word};
pub use session::{Closed, Closing, Handle, KnownBlock, NewSession, Opening, Place, Session, SessionState};
pub use signature::{ClockTrouble, SignedPlace, SignedScan, Stamp, fits};
pub use student::Student;

/// Blocks are the same without regard to case.
pub fn folded(block: &str) -> String {
    block.trim().to_uppercase()
}
