//! Documents that take the place of others.

use chrono::Duration;
use proto::{options::Role, students::Document};

use super::{
    files::{pdf, png},
    fixture::Upload,
};
use crate::hostel::{Hostel, code, wrong_fields};

#[tokio::test]
async fn a_document_takes_the_place_of_another() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let old = hostel
        .upload(&Upload::new(&student, "pan", "old.pdf", pdf()))
        .await
        .unwrap();
    let (old_key, _) = hostel.keys(&old.id).await;
    let upload = Upload::new(&student, "id_card", "new.png", png(1)).replacing(&old.id);
    let new = hostel.upload(&upload).await.unwrap();
    assert_eq!(hostel.documents_of(&student).await.len(), 1);
    let (new_key, _) = hostel.keys(&new.id).await;
    assert_ne!(new_key, old_key);
    assert_eq!(hostel.objects().await, [new_key]);
    assert_eq!(hostel.count("stored_file").await, 1);
    let removed = &hostel.events_of("document.removed").await[0];
    assert_eq!(
        (&removed["subject"], &removed["data"]["replaced_by"]),
        (&old.id.into(), &new.id.into())
    );
}

#[tokio::test]
async fn only_a_document_of_the_same_student_is_replaced() {
    let hostel = Hostel::open().await;
    let (one, other) = (hostel.enrol(1).await, hostel.enrol(2).await);
    let others = hostel
        .upload(&Upload::new(&other, "pan", "a.pdf", pdf()))
        .await
        .unwrap();
    let gone = hostel.world.clock.new_id().to_string();
    for replaced in [&others.id, &gone] {
        let refused = hostel
            .upload(&Upload::new(&one, "pan", "b.pdf", pdf()).replacing(replaced))
            .await;
        assert_eq!(wrong_fields(refused), ["replaces"]);
    }
    assert_eq!((hostel.count("document").await, hostel.objects().await.len()), (1, 1));
}

#[tokio::test]
async fn of_two_that_take_the_same_place_one_does() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let old = hostel
        .upload(&Upload::new(&student, "pan", "old.pdf", pdf()))
        .await
        .unwrap();
    let upload = Upload::new(&student, "pan", "new.pdf", pdf()).replacing(&old.id);
    let outcomes = futures_util::future::join_all((0..4).map(|_| hostel.upload(&upload))).await;
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(refused, 3, "{outcomes:?}");
    assert_eq!((hostel.count("document").await, hostel.objects().await.len()), (1, 1));
    assert_eq!(hostel.events_of("document.removed").await.len(), 1);
}

#[tokio::test]
async fn a_request_is_answered_again_also_after_its_document_gave_way() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let warden = hostel.world.clock.new_id();
    let token = || hostel.world.keys.token_of(warden, Role::Warden);
    let upload = Upload::new(&student, "photo", "a.png", png(1)).with_key("k-1");
    let first = hostel.add_as(&token(), &upload).await.unwrap();
    hostel
        .upload(&Upload::new(&student, "photo", "b.png", png(2)))
        .await
        .unwrap();
    hostel.world.clock.advance(Duration::hours(3));
    let again = hostel.add_as(&token(), &upload).await.unwrap();
    assert_ne!(again.url, first.url, "links are always fresh");
    assert!(again.url_expires_at.unwrap().seconds > first.url_expires_at.unwrap().seconds);
    let without_links = |document: Document| Document {
        url: String::new(),
        thumbnail_url: document.thumbnail_url.map(|_| String::new()),
        url_expires_at: None,
        ..document
    };
    assert_eq!(without_links(again.clone()), without_links(first));
    assert_eq!(code(hostel.fetch(&again.url).await).1, "NOT_FOUND", "it gave way");
    assert_eq!((hostel.count("document").await, hostel.objects().await.len()), (1, 2));
}
