//! What can go wrong at the gate and behind a guardian's link.

use kit::{Fault, clock::text};

use crate::domain::{GateRefusal, LinkRefusal};

pub(super) fn gate(refusal: GateRefusal) -> Fault {
    match refusal {
        GateRefusal::NotBegun(day) => {
            Fault::refused("LEAVE_NOT_BEGUN", "This leave has not begun").detail("from_date", day.to_string())
        }
        GateRefusal::Ended(day) => {
            Fault::refused("LEAVE_ENDED", "This leave has ended").detail("to_date", day.to_string())
        }
        GateRefusal::Departed(at) => {
            Fault::conflict("ALREADY_DEPARTED", "This departure was noted already").detail("departed_at", text(at))
        }
        GateRefusal::OutOnAnother(leave) => {
            Fault::conflict("OUT_ON_ANOTHER_LEAVE", "The student is out on another leave")
                .detail("leave_id", leave.to_string())
        }
        GateRefusal::NotDeparted => Fault::refused("NOT_DEPARTED", "Nobody noted that the student left"),
        GateRefusal::Returned(at) => {
            Fault::conflict("ALREADY_RETURNED", "This return was noted already").detail("returned_at", text(at))
        }
    }
}

/// In the words of the page on which they stand.
pub(super) fn link(refusal: LinkRefusal) -> Fault {
    match refusal {
        LinkRefusal::Unknown => Fault::not_found("This link"),
        LinkRefusal::Used => Fault::conflict("LINK_USED", "This question was answered already"),
        LinkRefusal::Expired => Fault::refused(
            "LINK_EXPIRED",
            "This link is worth nothing any more; ask the hostel to send another one",
        ),
    }
}
