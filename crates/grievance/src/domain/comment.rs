//! Something that was said about a ticket.

use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Comment {
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub author: Uuid,
    /// `student`, `staff`, `warden` or `admin`.
    pub author_role: String,
    pub text: String,
    /// For the hostel alone.
    pub internal: bool,
    pub created_at: DateTime<Utc>,
}
