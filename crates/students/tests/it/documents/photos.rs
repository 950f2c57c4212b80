//! Photos: one a student, with a small picture.

use super::{
    files::{jpeg, pdf, png},
    fixture::Upload,
};
use crate::hostel::{Hostel, code, wrong_fields};

#[tokio::test]
async fn a_photo_has_a_small_picture() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let added = hostel
        .upload(&Upload::new(&student, "photo", "asha.png", png(7)))
        .await
        .unwrap();
    assert_eq!(added.content_type, "image/png");
    let small = hostel.fetch(&added.thumbnail_url.unwrap()).await.unwrap();
    assert_eq!(
        (small.file_name.as_str(), small.content_type.as_str()),
        ("asha small.jpg", "image/jpeg")
    );
    assert_eq!(small.size, small.bytes.len() as u64);
    let picture = image::load_from_memory_with_format(&small.bytes, image::ImageFormat::Jpeg).unwrap();
    assert_eq!((picture.width(), picture.height()), (256, 192));
    assert_eq!(hostel.objects().await.len(), 2);
}

#[tokio::test]
async fn a_new_photo_takes_the_place_of_the_one_before() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let old = hostel
        .upload(&Upload::new(&student, "photo", "old.png", png(1)))
        .await
        .unwrap();
    let (old_file, old_thumbnail) = hostel.keys(&old.id).await;
    let new = hostel
        .upload(&Upload::new(&student, "photo", "new.jpg", jpeg(2)))
        .await
        .unwrap();
    let objects = hostel.objects().await;
    assert_eq!(objects.len(), 2);
    assert!(!objects.contains(&old_file) && !objects.contains(&old_thumbnail.unwrap()));
    for link in [&old.url, &old.thumbnail_url.unwrap()] {
        assert_eq!(code(hostel.fetch(link).await).1, "NOT_FOUND");
    }
    let history = hostel.history(&old.id).await;
    assert_eq!(history[1], ("document.removed".to_owned(), 2));
    let listed = hostel.documents_of(&student).await;
    assert_eq!((listed.len(), &listed[0].id), (1, &new.id));
}

#[tokio::test]
async fn of_many_photos_at_once_one_stays() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let uploads: Vec<_> = (1..=8)
        .map(|shade| Upload::new(&student, "photo", "a.png", png(shade)))
        .collect();
    let outcomes = futures_util::future::join_all(uploads.iter().map(|upload| hostel.upload(upload))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(hostel.count("document").await, 1);
    assert_eq!(hostel.count("stored_file").await, 2);
    assert_eq!(hostel.objects().await.len(), 2);
    assert_eq!(hostel.events_of("document.added").await.len(), 8);
    assert_eq!(hostel.events_of("document.removed").await.len(), 7);
}

#[tokio::test]
async fn what_is_no_picture_is_no_photo() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let refused = hostel.upload(&Upload::new(&student, "photo", "a.pdf", pdf())).await;
    assert_eq!(wrong_fields(refused), ["file"]);
    hostel.assert_empty("a PDF is no photo").await;
}

/// A PNG that says it is 8,000 by 4,000 pixels; whoever does not unpack it believes it.
fn vast() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let body = [kind, data].concat();
        png.extend_from_slice(&body);
        png.extend(crc32fast::hash(&body).to_be_bytes());
    };
    let mut head = [8_000_u32.to_be_bytes(), 4_000_u32.to_be_bytes()].concat();
    head.extend([8, 0, 0, 0, 0]);
    chunk(b"IHDR", &head);
    chunk(b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]);
    chunk(b"IEND", &[]);
    png
}

#[tokio::test]
async fn a_photo_that_is_too_large_to_be_made_small_is_kept_all_the_same() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let photo = hostel
        .upload(&Upload::new(&student, "photo", "a.png", vast()))
        .await
        .unwrap();
    assert_eq!(photo.thumbnail_url, None);
    assert_eq!(hostel.objects().await.len(), 1);
}
