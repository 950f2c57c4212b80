//! What a caller sees of a ticket that they may see at all.

use proto::options::Role;
use uuid::Uuid;

use super::Ticket;

/// How much somebody is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sight {
    Whole,
    /// Everything but who raised it, and where they live.
    Anonymous,
}

/// What somebody with this role is told of a ticket. Of a sensitive one only its student, and the roles that are named, know whose it is.
pub fn sight(ticket: &Ticket, (caller, role): (Uuid, Role), named: &[Role]) -> Sight {
    let is_own = role == Role::Student && ticket.student_id == caller;
    if !ticket.sensitive || is_own || named.contains(&role) {
        return Sight::Whole;
    }
    Sight::Anonymous
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{Priority, State, TicketNumber, Timing};

    const STUDENT: Uuid = Uuid::from_u128(1);
    const SOMEBODY: Uuid = Uuid::from_u128(2);

    fn ticket(sensitive: bool) -> Ticket {
        let at = DateTime::UNIX_EPOCH;
        Ticket {
            id: Uuid::nil(),
            number: TicketNumber { year: 2026, number: 1 },
            version: 1,
            student_id: STUDENT,
            place: None,
            category: "security".to_owned(),
            sub_category: None,
            priority: Priority::High,
            description: "Somebody took my bicycle.".to_owned(),
            sensitive,
            state: State::Open,
            assigned_to: None,
            timing: Timing {
                clock_from: at,
                due_at: None,
                overdue_at: None,
                escalation: 0,
                escalated_at: None,
                first_response_at: None,
            },
            rating: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn whose_a_sensitive_one_is_only_its_student_and_named_roles_know() {
        let named = [Role::Admin];
        for (who, expected) in [
            ((STUDENT, Role::Student), Sight::Whole),
            ((SOMEBODY, Role::Admin), Sight::Whole),
            ((SOMEBODY, Role::Warden), Sight::Anonymous),
            ((SOMEBODY, Role::Staff), Sight::Anonymous),
            ((SOMEBODY, Role::Student), Sight::Anonymous),
            // An id alone opens nothing.
            ((STUDENT, Role::Staff), Sight::Anonymous),
        ] {
            assert_eq!(sight(&ticket(true), who, &named), expected, "{who:?}");
            assert_eq!(sight(&ticket(false), who, &named), Sight::Whole, "{who:?}");
        }
    }
}
