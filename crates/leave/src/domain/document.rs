//! The document of a leave, and the object that holds it.

use chrono::{DateTime, Utc};
use kit::{files::kept::StoredFile, inspect::Kind};
use uuid::Uuid;

/// The document of a leave. A leave has one at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: Uuid,
    pub leave_id: Uuid,
    pub student_id: Uuid,
    pub file_name: String,
    pub kind: Kind,
    pub file: StoredFile,
    pub added_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}
