//! Adding, listing, fetching, deleting.

use proto::students::ListDocumentsRequest;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::{
    files::{hostile, jpeg_with_notes, long_pdf, pdf, png},
    fixture::{Fetched, Upload},
    s3_server::S3Server,
};
use crate::{
    auth::PlayedAuth,
    hostel::{Hostel, code, told, wrong_fields},
};

#[tokio::test]
async fn a_document_is_added_listed_fetched_and_deleted() {
    from_beginning_to_end(&Hostel::open().await).await;
}

#[tokio::test]
async fn a_document_is_added_listed_fetched_and_deleted_on_s3() {
    let server = S3Server::start().await;
    let hostel = Hostel::open_on(server.stores(), PlayedAuth::default(), students::Config::default()).await;
    from_beginning_to_end(&hostel).await;
}

async fn from_beginning_to_end(hostel: &Hostel) {
    let student = hostel.enrol(1).await;
    // Longer than a part of an upload to S3.
    let bytes = long_pdf(9_000_000);
    let added = hostel
        .upload(&Upload::new(
            &student,
            "aadhaar",
            "C:\\scans\\Aadhaar card.PDF",
            bytes.clone(),
        ))
        .await
        .unwrap();
    assert_eq!(
        (
            added.student_id.as_str(),
            added.doc_type.as_str(),
            added.file_name.as_str()
        ),
        (student.as_str(), "aadhaar", "Aadhaar card.pdf")
    );
    assert_eq!(
        (added.content_type.as_str(), added.size),
        ("application/pdf", bytes.len() as u64)
    );
    assert_eq!(added.sha256, hex::encode(Sha256::digest(&bytes)));
    assert_eq!(added.thumbnail_url, None);
    let life = added.url_expires_at.unwrap().seconds - hostel.world.clock.now().timestamp();
    assert_eq!(life, 3600);

    hostel.world.clock.advance(chrono::Duration::seconds(1));
    let second = hostel
        .upload(&Upload::new(&student, "other", "b.png", png(1)))
        .await
        .unwrap();
    let listed = hostel.documents_of(&student).await;
    let ids: Vec<&str> = listed.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, [second.id.as_str(), added.id.as_str()], "the newest first");

    let url = &listed[1].url;
    assert!(url.starts_with("http://127.0.0.1:8080/api/v1/documents/"), "{url}");
    let expected = Fetched {
        file_name: "Aadhaar card.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: bytes.len() as u64,
        bytes,
    };
    assert!(hostel.fetch(url).await.unwrap() == expected);

    assert_eq!(hostel.objects().await.len(), 2);
    hostel.delete(&student, &added.id).await.unwrap();
    assert_eq!(code(hostel.delete(&student, &added.id).await).1, "NOT_FOUND");
    assert_eq!(code(hostel.fetch(url).await).1, "NOT_FOUND", "a good link to nothing");
    assert_eq!(hostel.objects().await.len(), 1);
    assert_eq!(hostel.count("stored_file").await, 1);
    let history = hostel.history(&added.id).await;
    let told = [("document.added".to_owned(), 1), ("document.removed".to_owned(), 2)];
    assert_eq!(history, told);
    let event = &hostel.events_of("document.added").await[0]["data"];
    assert_eq!(event["student_id"], student);
    assert!(
        event.get("file_name").is_none(),
        "names of files are nobody else's business: {event}"
    );
}

#[tokio::test]
async fn a_student_sees_their_own_documents_and_nobody_elses() {
    let hostel = Hostel::open().await;
    let (one, other) = (hostel.enrol(1).await, hostel.enrol(2).await);
    let added = hostel.upload(&Upload::new(&one, "pan", "a.pdf", pdf())).await.unwrap();
    let list = async |reader: &str, of: &str| {
        let request = ListDocumentsRequest {
            id: of.to_owned(),
            page: Some(1),
            limit: Some(1),
        };
        told(hostel.documents().list_documents(hostel.student(reader, request)).await)
    };
    let own = list(&one, &one).await.unwrap();
    assert_eq!(
        (own.documents[0].id.as_str(), own.page.unwrap().total_items),
        (added.id.as_str(), 1)
    );
    assert_eq!(code(list(&other, &one).await).1, "NOT_FOUND");
    assert_eq!(list(&other, &other).await.unwrap().documents, []);
    assert_eq!(
        code(hostel.delete(&other, &added.id).await).1,
        "NOT_FOUND",
        "it is not of this student"
    );
}

#[tokio::test]
async fn all_that_is_wrong_with_a_form_is_said_at_once() {
    let hostel = Hostel::open().await;
    let wrong = Upload::new("me", "passport", "a.pdf", pdf()).replacing("x");
    assert_eq!(
        wrong_fields(hostel.upload(&wrong).await),
        ["id", "doc_type", "replaces"]
    );
    let nobody = hostel.world.clock.new_id().to_string();
    assert_eq!(
        code(hostel.upload(&Upload::new(&nobody, "pan", "a.pdf", pdf())).await).1,
        "NOT_FOUND"
    );
    hostel.assert_empty("nobody has documents").await;
}

#[tokio::test]
async fn nothing_is_added_to_an_erased_student() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    assert_eq!(hostel.write("UPDATE student SET state = 'erased'", []).await, 1);
    let refused = hostel.upload(&Upload::new(&student, "pan", "a.pdf", pdf())).await;
    assert_eq!(code(refused), (Code::FailedPrecondition, "ERASED".to_owned()));
    hostel.assert_empty("the student is erased").await;
}

#[tokio::test]
async fn hostile_files_are_refused_and_leave_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    for (what, name, bytes, expected) in hostile() {
        for doc_type in ["other", "photo"] {
            let refused = hostel
                .upload(&Upload::new(&student, doc_type, name, bytes.clone()))
                .await;
            let fault = refused.expect_err(what);
            assert_eq!(fault.reason, expected, "{what}: {fault}");
            hostel.assert_empty(what).await;
        }
    }
}

#[tokio::test]
async fn what_cameras_write_into_pictures_is_not_kept() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let secret = b"28.6139 N, serial 4711";
    let bytes = jpeg_with_notes(secret);
    let added = hostel
        .upload(&Upload::new(&student, "id_card", "a.jpg", bytes))
        .await
        .unwrap();
    let kept = hostel.fetch(&added.url).await.unwrap().bytes;
    assert!(kept.starts_with(b"\xff\xd8\xff"));
    assert!(!kept.windows(secret.len()).any(|window| window == secret));
    assert_eq!(added.sha256, hex::encode(Sha256::digest(&kept)));
}

#[tokio::test]
async fn evil_names_become_harmless() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let names = [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "a\0b.pdf",
        "a\r\nSet-Cookie: x=y",
        "\u{202e}fdp.exe",
        "invoice.pdf.exe",
        ".htaccess",
        "CON",
        "nul.pdf",
        "a\"; filename=\"b.exe",
        "<script>.pdf",
        "%2e%2e%2f",
        "\u{feff}\u{200b}",
        "हिन्दी.pdf",
        "emoji 😀.pdf",
        "trailing. . .",
        "a/b/c",
        "a;b|c>d<e*f?g:h",
    ];
    for name in names
        .into_iter()
        .map(str::to_owned)
        .chain(["x".repeat(10_000), "ह".repeat(5000)])
    {
        let added = hostel
            .upload(&Upload::new(&student, "other", &name, pdf()))
            .await
            .unwrap();
        let kept = &added.file_name;
        assert!(
            kept.rsplit_once('.')
                .is_some_and(|(stem, ending)| !stem.is_empty() && ending == "pdf")
                && kept.len() <= 255,
            "{name:?}: {kept:?}"
        );
        assert!(
            !kept.starts_with('.') && !kept.contains(['/', '\\', '"', '<', '>', ':', '|', '?', '*', '%', ';']),
            "{kept:?}"
        );
        assert!(
            !kept.contains(char::is_control) && !kept.contains('\u{202e}'),
            "{kept:?}"
        );
        assert_eq!(&hostel.fetch(&added.url).await.unwrap().file_name, kept);
    }
}

#[tokio::test]
async fn the_same_request_again_adds_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let token = hostel.world.keys.token(proto::options::Role::Warden);
    let upload = Upload::new(&student, "pan", "a.pdf", pdf()).with_key("k-1");
    let first = hostel.add_as(&token, &upload).await.unwrap();
    hostel.world.clock.advance(chrono::Duration::minutes(2));
    let again = hostel.add_as(&token, &upload).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_ne!(again.url, first.url, "links are always fresh");
    let other_files = [
        Upload {
            bytes: png(1),
            ..upload.clone()
        },
        Upload {
            doc_type: "other",
            ..upload.clone()
        },
        Upload {
            name: "b.pdf".to_owned(),
            ..upload.clone()
        },
    ];
    for other in &other_files {
        assert_eq!(code(hostel.add_as(&token, other).await).1, "IDEMPOTENCY_KEY_REUSED");
    }
    assert_eq!(hostel.count("document").await, 1);
    assert_eq!(hostel.count("stored_file").await, 1);
    assert_eq!(hostel.objects().await.len(), 1);
    assert_eq!(hostel.events_of("document.added").await.len(), 1);
}

#[tokio::test]
async fn a_student_has_a_hundred_documents_at_most_however_many_come_at_once() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let first = hostel
        .upload(&Upload::new(&student, "other", "a.pdf", pdf()))
        .await
        .unwrap();
    for number in 0..97 {
        let copy = "INSERT INTO document (id, student_id, doc_type, file_name, content_type, size, sha256, file_key, created_at) \
                    SELECT $1, student_id, doc_type, file_name, content_type, size, sha256, $2, created_at FROM document \
                    WHERE file_key NOT LIKE 'copy%'";
        let values = [hostel.world.clock.new_id().into(), format!("copy/{number}").into()];
        assert_eq!(hostel.write(copy, values).await, 1);
    }
    let upload = Upload::new(&student, "other", "b.pdf", pdf());
    let adding = (0..5).map(|_| hostel.upload(&upload));
    let outcomes = futures_util::future::join_all(adding).await;
    let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(
        refused.iter().all(|fault| fault.reason == "TOO_MANY_DOCUMENTS"),
        "{refused:?}"
    );
    assert_eq!(hostel.count("document").await, 100);
    assert_eq!(hostel.objects().await.len(), 3);
    // One that takes the place of another needs no place of its own.
    hostel.upload(&upload.clone().replacing(&first.id)).await.unwrap();
    assert_eq!(hostel.count("document").await, 100);
}
