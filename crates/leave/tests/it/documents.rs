//! Documents of leaves: only what is what it says, one a leave, behind links that end.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kit::Fault;
use leave::{Config, Types, domain::Rules};
use proto::{
    leave::{DownloadLeaveDocumentRequest, GetLeaveDocumentRequest, LeaveDocument, LeaveState, RequestLeaveRequest},
    options::Role,
    types::{FileChunk, FileHeader, Nothing, file_chunk::Part},
};
use uuid::Uuid;

use crate::hostel::{Hostel, Pupil, reason, told};

const PIECE: usize = 100;

/// A PDF of one empty page; the number tells one from another.
fn pdf(number: u8) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\
        1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n\
        2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n"
        .to_vec();
    let page = format!("3 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 {number}]>>\nendobj\n");
    pdf.extend_from_slice(page.as_bytes());
    pdf.extend_from_slice(b"\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 4 /Root 1 0 R>>\nstartxref\n9\n%%EOF\n");
    pdf
}

fn upload(leave: &str, name: &str, bytes: &[u8]) -> Vec<FileChunk> {
    let header = FileHeader {
        file_name: name.to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size: None,
        fields: [("id".to_owned(), leave.to_owned())].into(),
    };
    let data = bytes.chunks(PIECE).map(|piece| Part::Data(piece.to_vec()));
    let parts = std::iter::once(Part::Header(header))
        .chain(data)
        .chain([Part::End(Nothing {})]);
    parts.map(|part| FileChunk { part: Some(part) }).collect()
}

impl Hostel {
    async fn add(&self, pupil: &Pupil, leave: &str, bytes: &[u8]) -> Result<LeaveDocument, Fault> {
        self.add_as(pupil.id, Role::Student, leave, bytes).await
    }

    async fn add_as(&self, user: Uuid, role: Role, leave: &str, bytes: &[u8]) -> Result<LeaveDocument, Fault> {
        let chunks = tokio_stream::iter(upload(leave, "note.pdf", bytes));
        told(self.documents().add_leave_document(self.of(user, role, chunks)).await)
    }

    async fn document_as(&self, user: Uuid, role: Role, leave: &str) -> Result<LeaveDocument, Fault> {
        let request = GetLeaveDocumentRequest { id: leave.to_owned() };
        told(self.documents().get_leave_document(self.of(user, role, request)).await)
    }

    /// What is behind a link.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Fault> {
        let url = url::Url::parse(url).unwrap();
        let said = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs.find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
        };
        let request = DownloadLeaveDocumentRequest {
            id: url.path_segments().unwrap().next_back().unwrap().to_owned(),
            expires: said("expires"),
            signature: said("signature"),
        };
        let stream = told(self.documents().download_leave_document(request).await)?;
        let chunks: Vec<FileChunk> = stream
            .try_collect()
            .await
            .map_err(|status| Fault::from_status(&status))?;
        let data = chunks.into_iter().filter_map(|chunk| match chunk.part {
            Some(Part::Data(data)) => Some(data),
            _ => None,
        });
        Ok(data.flatten().collect())
    }
}

#[tokio::test]
async fn a_document_is_kept_shown_and_replaced() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let leave = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap().id;
    assert_eq!(
        reason(hostel.document_as(asha.id, Role::Student, &leave).await),
        "NOT_FOUND"
    );
    let first = hostel.add(&asha, &leave, &pdf(100)).await.unwrap();
    assert_eq!(
        (first.content_type.as_str(), first.size),
        ("application/pdf", pdf(100).len() as u64)
    );
    assert!(first.url.contains("/api/v1/leave-documents/"), "{}", first.url);
    assert_eq!(hostel.fetch(&first.url).await.unwrap(), pdf(100));
    assert!(
        hostel
            .get_as(asha.id, Role::Student, &leave)
            .await
            .unwrap()
            .has_document
    );

    let second = hostel.add(&asha, &leave, &pdf(101)).await.unwrap();
    assert_eq!(hostel.fetch(&second.url).await.unwrap(), pdf(101));
    assert_eq!(reason(hostel.fetch(&first.url).await), "NOT_FOUND");
    let seen = hostel.document_as(hostel.warden, Role::Warden, &leave).await.unwrap();
    assert_eq!((&seen.id, &seen.sha256), (&second.id, &second.sha256));
    assert_eq!(
        (hostel.count("document").await, hostel.count("stored_file").await),
        (1, 1)
    );
    assert_eq!(hostel.told("leave.documented").await.len(), 2);

    assert_eq!(
        reason(hostel.document_as(bilal.id, Role::Student, &leave).await),
        "NOT_FOUND"
    );
    assert_eq!(reason(hostel.add(&bilal, &leave, &pdf(102)).await), "NOT_FOUND");
    assert_eq!(hostel.count("stored_file").await, 1);
}

#[tokio::test]
async fn once_granted_a_student_adds_a_document_and_replaces_none() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 1, 2).await.id;
    let first = hostel.add(&asha, &leave, &pdf(100)).await.unwrap();
    let refused = hostel.add(&asha, &leave, &pdf(101)).await.unwrap_err();
    assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("DOCUMENT_KEPT", 422));
    assert_eq!(hostel.fetch(&first.url).await.unwrap(), pdf(100));
    assert_eq!(hostel.count("stored_file").await, 1);
    let other = hostel.add_as(hostel.warden, Role::Warden, &leave, &pdf(102)).await;
    assert_eq!(hostel.fetch(&other.unwrap().url).await.unwrap(), pdf(102));
    assert_eq!(reason(hostel.fetch(&first.url).await), "NOT_FOUND");
    assert_eq!(hostel.told("leave.documented").await.len(), 2);
}

#[tokio::test]
async fn what_will_be_refused_is_not_waited_for() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let (kept, over) = (
        hostel.granted(&asha, 1, 2).await.id,
        hostel.ask(&asha, hostel.home(5, 6)).await.unwrap().id,
    );
    hostel.add(&asha, &kept, &pdf(100)).await.unwrap();
    hostel.cancel(&asha, &over).await.unwrap();
    for (leave, expected) in [(&kept, "DOCUMENT_KEPT"), (&over, "LEAVE_DECIDED")] {
        // A file whose bytes do not come: whoever refuses without them need not wait.
        let first = upload(leave, "note.pdf", &pdf(101)).remove(0);
        let chunks = stream::iter([first]).chain(stream::pending());
        let request = hostel.by_student(&asha, chunks);
        let mut documents = hostel.documents();
        let answer = tokio::time::timeout(Duration::from_secs(10), documents.add_leave_document(request)).await;
        assert_eq!(reason(told(answer.expect("an answer without the file"))), expected);
    }
    assert_eq!(hostel.count("stored_file").await, 1);
}

#[tokio::test]
async fn a_repeated_upload_has_its_answer_whatever_became_of_the_leave() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let kept = hostel.granted(&asha, 1, 2).await.id;
    let over = hostel.ask(&asha, hostel.home(5, 6)).await.unwrap().id;
    let add = async |leave: &str, key: &str| {
        let chunks = tokio_stream::iter(upload(leave, "note.pdf", &pdf(100)));
        let mut request = hostel.by_student(&asha, chunks);
        request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
        told(hostel.documents().add_leave_document(request).await)
    };
    let (first, second) = (add(&kept, "one").await.unwrap(), add(&over, "two").await.unwrap());
    hostel.cancel(&asha, &over).await.unwrap();
    assert_eq!(add(&kept, "one").await.unwrap().id, first.id);
    assert_eq!(add(&over, "two").await.unwrap().id, second.id);
    assert_eq!(reason(add(&kept, "three").await), "DOCUMENT_KEPT");
    assert_eq!(hostel.count("document").await, 2);
}

#[tokio::test]
async fn a_link_ends_and_bears_no_change() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap().id;
    let url = hostel.add(&asha, &leave, &pdf(100)).await.unwrap().url;
    let other = url.replace("expires=1", "expires=2");
    assert_eq!(reason(hostel.fetch(&other).await), "FORBIDDEN");
    hostel.world.clock.advance(chrono::Duration::minutes(61));
    assert_eq!(reason(hostel.fetch(&url).await), "FORBIDDEN");
}

#[tokio::test]
async fn what_is_no_document_leaves_nothing() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap().id;
    let page = b"<html><script>alert(1)</script></html>";
    assert_eq!(reason(hostel.add(&asha, &leave, page).await), "UNSUPPORTED_MEDIA_TYPE");
    let active = String::from_utf8_lossy(&pdf(100))
        .replace("/Catalog", "/Catalog /OpenAction <</S /JavaScript /JS (app.alert(1))>>");
    assert_eq!(
        reason(hostel.add(&asha, &leave, active.as_bytes()).await),
        "VALIDATION_ERROR"
    );
    let half = &pdf(100)[..60];
    assert_eq!(reason(hostel.add(&asha, &leave, half).await), "VALIDATION_ERROR");
    assert_eq!(
        (hostel.count("document").await, hostel.count("stored_file").await),
        (0, 0)
    );
    // What is over takes none.
    hostel.cancel(&asha, &leave).await.unwrap();
    assert_eq!(reason(hostel.add(&asha, &leave, &pdf(100)).await), "LEAVE_DECIDED");
}

#[tokio::test]
async fn where_a_document_is_required_nothing_is_granted_without() {
    let config = Config {
        types: Types {
            medical: Rules {
                document_required: true,
                ..Rules::default()
            },
            ..Types::default()
        },
        ..Config::default()
    };
    let hostel = Hostel::open_with(config).await;
    let asha = hostel.student(1, "A").await;
    let request = RequestLeaveRequest {
        leave_type: "medical".to_owned(),
        ..hostel.home(1, 2)
    };
    let asked = hostel.ask(&asha, request).await.unwrap();
    assert!(asked.document_required);
    let refused = hostel.approve(&asked.id).await.unwrap_err();
    assert_eq!(
        (refused.reason.as_ref(), refused.kind.http()),
        ("DOCUMENT_REQUIRED", 422)
    );
    hostel.add(&asha, &asked.id, &pdf(100)).await.unwrap();
    let granted = hostel.approve(&asked.id).await.unwrap();
    assert_eq!((granted.status(), granted.has_document), (LeaveState::Approved, true));
}
