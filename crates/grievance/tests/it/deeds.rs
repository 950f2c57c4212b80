//! What people do about a grievance once it was raised, through the face.

use kit::Fault;
use proto::{
    grievance::{
        AddCommentRequest, GetGrievanceRequest, Grievance, GrievanceComment, ListCommentsRequest,
        ListGrievanceHistoryRequest, MergeGrievanceRequest, ResolveGrievanceRequest, UpdateGrievanceRequest,
    },
    options::Role,
    students::{RoomRef, StudentRecord, StudentRegistered, StudentState},
};
use tonic::Request;

use crate::desk::{Desk, Known, told, until};

impl Desk {
    /// A student who lives in A, heard of as the students service tells it.
    pub(crate) async fn enrolled(&self, number: u32, name: &str) -> Known {
        let id = self.world.clock.new_id();
        let student = StudentRecord {
            id: id.to_string(),
            version: 1,
            registration_no: format!("REG-{number:05}"),
            name: name.to_owned(),
            room: Some(RoomRef {
                id: self.world.clock.new_id().to_string(),
                room_no: format!("A-{}", 100 + number),
                block: "A".to_owned(),
            }),
            state: StudentState::Active.into(),
            ..StudentRecord::default()
        };
        let student = Some(student);
        self.hear("student.registered", id, 1, &StudentRegistered { student })
            .await;
        let copy = format!("student WHERE registration_no = 'REG-{number:05}'");
        until("the copy of the student", async || {
            (self.count(&copy).await == 1).then_some(())
        })
        .await;
        Known {
            id,
            name: name.to_owned(),
            role: Role::Student,
        }
    }

    pub(crate) fn warden_known(&self) -> Known {
        Known {
            id: self.warden,
            name: "Meera Nair".to_owned(),
            role: Role::Warden,
        }
    }

    pub(crate) async fn get(&self, known: &Known, id: &str) -> Result<Grievance, Fault> {
        let request = GetGrievanceRequest { id: id.to_owned() };
        told(self.grievances().get_grievance(self.by(known, request)).await)
    }

    pub(crate) async fn change(
        &self,
        known: &Known,
        id: &str,
        change: UpdateGrievanceRequest,
    ) -> Result<Grievance, Fault> {
        let request = UpdateGrievanceRequest {
            id: id.to_owned(),
            ..change
        };
        told(self.grievances().update_grievance(self.by(known, request)).await)
    }

    pub(crate) async fn assign(&self, id: &str, staff: &Known) -> Grievance {
        let change = UpdateGrievanceRequest {
            assigned_to: Some(staff.id.to_string()),
            ..UpdateGrievanceRequest::default()
        };
        self.change(&self.warden_known(), id, change).await.unwrap()
    }

    pub(crate) async fn resolve(&self, id: &str) -> Grievance {
        let request = ResolveGrievanceRequest {
            id: id.to_owned(),
            comments: "It was repaired.".to_owned(),
        };
        let resolved = self.grievances().resolve_grievance(self.by_warden(request)).await;
        told(resolved).unwrap()
    }

    pub(crate) async fn comment(&self, known: &Known, request: AddCommentRequest) -> Result<GrievanceComment, Fault> {
        self.comment_by(self.by(known, request)).await
    }

    pub(crate) async fn comment_by(&self, request: Request<AddCommentRequest>) -> Result<GrievanceComment, Fault> {
        told(self.comments().add_comment(request).await)
    }

    pub(crate) async fn say(&self, known: &Known, id: &str, text: &str) -> Result<GrievanceComment, Fault> {
        self.comment(known, words(id, text)).await
    }

    pub(crate) async fn ask(&self, known: &Known, id: &str, text: &str) -> Result<GrievanceComment, Fault> {
        let request = AddCommentRequest {
            asks: Some(true),
            ..words(id, text)
        };
        self.comment(known, request).await
    }

    pub(crate) async fn note(&self, known: &Known, id: &str, text: &str) -> Result<GrievanceComment, Fault> {
        let request = AddCommentRequest {
            internal: Some(true),
            ..words(id, text)
        };
        self.comment(known, request).await
    }

    pub(crate) async fn comments_of(&self, known: &Known, id: &str) -> Result<Vec<GrievanceComment>, Fault> {
        let request = ListCommentsRequest {
            id: id.to_owned(),
            ..ListCommentsRequest::default()
        };
        let listed = told(self.comments().list_comments(self.by(known, request)).await)?;
        assert_eq!(listed.page.unwrap().total_items, listed.comments.len() as u64);
        Ok(listed.comments)
    }

    /// The fields whose changes somebody is told of.
    pub(crate) async fn history(&self, known: &Known, id: &str) -> Vec<String> {
        let request = ListGrievanceHistoryRequest {
            id: id.to_owned(),
            page: None,
            limit: Some(100),
        };
        let listed = self.grievances().list_grievance_history(self.by(known, request)).await;
        let changes = told(listed).unwrap().changes.into_iter();
        changes.map(|change| change.field).collect()
    }

    pub(crate) async fn merge(&self, duplicate: &str, into: &str) -> Result<Grievance, Fault> {
        let request = MergeGrievanceRequest {
            id: duplicate.to_owned(),
            into: into.to_owned(),
        };
        told(self.comments().merge_grievance(self.by_warden(request)).await)
    }

    /// The versions that were told of a ticket, in the order in which they were written.
    pub(crate) async fn versions_told(&self, id: &str) -> Vec<i64> {
        let rows = self.rows("SELECT event AS text FROM outbox ORDER BY id").await;
        let events = rows
            .iter()
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        let of_ticket = events.filter(|event| event["subject"] == id);
        of_ticket.map(|event| event["version"].as_i64().unwrap()).collect()
    }
}

pub(crate) fn words(id: &str, text: &str) -> AddCommentRequest {
    AddCommentRequest {
        id: id.to_owned(),
        text: text.to_owned(),
        internal: None,
        asks: None,
    }
}

/// A time as answers tell it.
pub(crate) fn at(time: Option<prost_types::Timestamp>) -> Option<chrono::DateTime<chrono::Utc>> {
    time.map(|time| chrono::DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).unwrap()).unwrap())
}
