//! Links: each says one thing to whoever has it, for an hour.

use chrono::Duration;
use proto::students::DownloadDocumentRequest;
use tonic::Code;

use super::{
    files::{pdf, png},
    fixture::{Upload, asked},
};
use crate::hostel::{Hostel, code};

#[tokio::test]
async fn a_link_that_was_tampered_with_is_refused() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let photo = hostel
        .upload(&Upload::new(&student, "photo", "a.png", png(1)))
        .await
        .unwrap();
    let other = hostel
        .upload(&Upload::new(&student, "pan", "a.pdf", pdf()))
        .await
        .unwrap();
    let (file, small) = (asked(&photo.url), asked(photo.thumbnail_url.as_deref().unwrap()));
    let others = asked(&other.url);
    assert_eq!(
        (file.variant.as_deref(), small.variant.as_deref()),
        (None, Some("thumbnail"))
    );
    for good in [&file, &small, &others] {
        hostel.follow(good).await.unwrap().2.unwrap();
    }
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).ok()
    };
    let signature = file.signature.clone().unwrap();
    let later = |seconds: i64| Some((file.expires().parse::<i64>().unwrap() + seconds).to_string());
    let with = |change: &dyn Fn(&mut DownloadDocumentRequest)| {
        let mut request = file.clone();
        change(&mut request);
        request
    };
    let cases = [
        ("no signature", with(&|link| link.signature = None)),
        ("an empty signature", with(&|link| link.signature = Some(String::new()))),
        ("its first sign", with(&|link| link.signature = flipped(&signature, 0))),
        (
            "a sign within it",
            with(&|link| link.signature = flipped(&signature, signature.len() / 2)),
        ),
        (
            "half of it",
            with(&|link| link.signature = Some(signature[..signature.len() / 2].to_owned())),
        ),
        (
            "more than it",
            with(&|link| link.signature = Some(format!("{signature}A"))),
        ),
        (
            "another document's",
            with(&|link| link.signature.clone_from(&others.signature)),
        ),
        (
            "the small picture's",
            with(&|link| link.signature.clone_from(&small.signature)),
        ),
        ("no end", with(&|link| link.expires = None)),
        ("a later end", with(&|link| link.expires = later(1))),
        ("an earlier end", with(&|link| link.expires = later(-1))),
        (
            "another way to write its end",
            with(&|link| link.expires = Some(format!("0{}", file.expires()))),
        ),
        ("no number", with(&|link| link.expires = Some("tomorrow".to_owned()))),
        (
            "the small picture instead",
            with(&|link| link.variant = Some("thumbnail".to_owned())),
        ),
        (
            "what there is none of",
            with(&|link| link.variant = Some("original".to_owned())),
        ),
        ("an empty variant", with(&|link| link.variant = Some(String::new()))),
        ("another document", with(&|link| link.id.clone_from(&other.id))),
    ];
    for (what, request) in cases {
        let refused = hostel.follow(&request).await;
        assert_eq!(
            code(refused),
            (Code::PermissionDenied, "FORBIDDEN".to_owned()),
            "{what}"
        );
    }
    let nowhere = with(&|link| link.id = "me".to_owned());
    assert_eq!(code(hostel.follow(&nowhere).await).1, "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_link_ends_after_an_hour() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let photo = hostel
        .upload(&Upload::new(&student, "photo", "a.png", png(1)))
        .await
        .unwrap();
    let links = [photo.url, photo.thumbnail_url.unwrap()];
    hostel.world.clock.advance(Duration::minutes(60));
    for link in &links {
        hostel.fetch(link).await.unwrap();
    }
    hostel.world.clock.advance(Duration::seconds(1));
    for link in &links {
        assert_eq!(
            code(hostel.fetch(link).await),
            (Code::PermissionDenied, "FORBIDDEN".to_owned())
        );
    }
}

#[tokio::test]
async fn a_link_to_a_small_picture_of_what_has_none_was_never_given_out() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let added = hostel
        .upload(&Upload::new(&student, "other", "a.png", png(1)))
        .await
        .unwrap();
    assert_eq!(added.thumbnail_url, None);
    assert_eq!(hostel.objects().await.len(), 1);
}
