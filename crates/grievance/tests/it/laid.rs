//! Tickets that are laid down in the tables as other parts of the service would write them.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::desk::{Desk, Known};

/// A ticket to lay down: open, of high priority, about a fan, raised now, due a day later.
#[derive(Clone)]
pub(crate) struct Laid {
    pub student: Uuid,
    pub number: i64,
    pub category: &'static str,
    pub priority: i16,
    pub sensitive: bool,
    pub status: &'static str,
    pub assigned_to: Option<Uuid>,
    pub room_no: &'static str,
    pub raised_at: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    pub resolved: Option<(Uuid, DateTime<Utc>)>,
    pub first_response_at: Option<DateTime<Utc>>,
}

impl Laid {
    /// `number` is the ticket's number in 2026.
    pub(crate) fn of(desk: &Desk, student: &Known, number: i64) -> Self {
        let now = desk.world.clock.now();
        Self {
            student: student.id,
            number,
            category: "electrical",
            priority: 1,
            sensitive: false,
            status: "open",
            assigned_to: None,
            room_no: "A-101",
            raised_at: now,
            due_at: Some(now + Duration::hours(24)),
            resolved: None,
            first_response_at: None,
        }
    }

    /// Writes it down; the ticket's id.
    pub(crate) async fn lay(&self, desk: &Desk) -> Uuid {
        let id = desk.world.clock.new_id();
        desk.write(
            "INSERT INTO ticket (id, year, number, version, student_id, block, room_no, category, priority, description, \
             sensitive, status, assigned_to, clock_from, due_at, escalation, resolved_by, resolved_at, first_response_at, \
             created_at, updated_at, description_folded, number_folded, room_no_folded) \
             VALUES ($1, 2026, $2, 1, $3, 'A', $4, $5, $6, 'It is out of order.', $7, $8, $9, $10, $11, 0, $12, $13, $14, $10, $10, \
             'it is out of order.', $15, $16)",
            [
                id.into(),
                self.number.into(),
                self.student.into(),
                self.room_no.into(),
                self.category.into(),
                self.priority.into(),
                self.sensitive.into(),
                self.status.into(),
                self.assigned_to.into(),
                self.raised_at.into(),
                self.due_at.into(),
                self.resolved.map(|(by, _)| by).into(),
                self.resolved.map(|(_, at)| at).into(),
                self.first_response_at.into(),
                format!("grv-2026-{:05}", self.number).into(),
                self.room_no.to_lowercase().into(),
            ],
        )
        .await;
        id
    }
}
