//! Pictures: what is taken, how it is kept, who fetches it.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use kit::{Fault, fault::Kind, files::Key};
use proto::{
    grievance::{
        DownloadImageRequest, GetGrievanceRequest, GrievanceImage, ListImagesRequest, ResolveGrievanceRequest,
    },
    types::{FileChunk, FileHeader, Nothing, file_chunk::Part},
};
use tonic::Request;

use crate::desk::{Desk, Known, told};

fn picture(shade: u8, format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::from(RgbImage::from_pixel(60, 40, Rgb([shade, 20, 30])));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A picture like any other.
pub(crate) fn small() -> Vec<u8> {
    picture(7, ImageFormat::Png)
}

pub(crate) fn chunks(ticket: &str, bytes: &[u8]) -> Vec<FileChunk> {
    let header = FileHeader {
        file_name: "fan.jpg".to_owned(),
        content_type: "image/jpeg".to_owned(),
        size: Some(bytes.len() as u64),
        fields: [("id".to_owned(), ticket.to_owned())].into(),
    };
    let data = bytes.chunks(1000).map(|piece| Part::Data(piece.to_vec()));
    let parts = std::iter::once(Part::Header(header)).chain(data);
    let parts = parts.chain(std::iter::once(Part::End(Nothing {})));
    parts.map(|part| FileChunk { part: Some(part) }).collect()
}

pub(crate) async fn add(desk: &Desk, student: &Known, ticket: &str, bytes: &[u8]) -> Result<GrievanceImage, Fault> {
    let stream = futures_util::stream::iter(chunks(ticket, bytes));
    told(desk.images().add_image(desk.by(student, stream)).await)
}

/// What is behind a link, and its media type.
async fn fetch(desk: &Desk, id: &str, expires: &str, signature: &str) -> Result<(String, Vec<u8>), Fault> {
    let request = DownloadImageRequest {
        id: id.to_owned(),
        expires: Some(expires.to_owned()),
        signature: Some(signature.to_owned()),
    };
    let pieces: Vec<FileChunk> = told(desk.images().download_image(Request::new(request)).await)?
        .try_collect()
        .await
        .map_err(|status| Fault::from_status(&status))?;
    let (mut kind, mut bytes) = (String::new(), Vec::new());
    for piece in pieces {
        match piece.part.unwrap() {
            Part::Header(header) => kind = header.content_type,
            Part::Data(data) => bytes.extend(data),
            Part::End(_) => {}
        }
    }
    Ok((kind, bytes))
}

/// The id, the time and the signature of a link.
pub(crate) fn link(image: &GrievanceImage) -> (String, String, String) {
    let url = url::Url::parse(&image.url).unwrap();
    let said = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let id = url.path_segments().unwrap().next_back().unwrap().to_owned();
    (id, said("expires"), said("signature"))
}

#[tokio::test]
async fn a_picture_is_kept_sealed_and_handed_out_by_its_link() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    for (format, kind) in [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png")] {
        let added = add(&desk, &asha, &ticket, &picture(200, format)).await.unwrap();
        assert_eq!((added.content_type.as_str(), added.width, added.height), (kind, 60, 40));
        let (id, expires, signature) = link(&added);
        assert_eq!(id, added.id);
        let (said, bytes) = fetch(&desk, &id, &expires, &signature).await.unwrap();
        assert_eq!((said.as_str(), bytes.len() as u64), (kind, added.size));
        assert!(image::load_from_memory_with_format(&bytes, format).is_ok());
    }
    let files = kit::files::open(&desk.world.host.stores.files).await.unwrap();
    for key in desk.rows("SELECT key AS text FROM image").await {
        let object = files.get(&Key::parse(key).unwrap()).await.unwrap().unwrap();
        let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
        let stored = pieces.concat();
        assert!(!stored.starts_with(&[0xff, 0xd8]) && !stored.starts_with(b"\x89PNG"));
    }
    let request = desk.by_warden(GetGrievanceRequest { id: ticket.clone() });
    let read = told(desk.grievances().get_grievance(request).await).unwrap();
    assert_eq!((read.images.len(), read.version), (2, 3));
    let request = desk.by(
        &asha,
        ListImagesRequest {
            id: ticket,
            page: None,
            limit: None,
        },
    );
    assert_eq!(told(desk.images().list_images(request).await).unwrap().images.len(), 2);
    let events = desk.told("grievance.image_added").await;
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_link_that_was_changed_or_is_old_opens_nothing() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    let first = add(&desk, &asha, &ticket, &picture(1, ImageFormat::Png)).await.unwrap();
    let second = add(&desk, &asha, &ticket, &picture(2, ImageFormat::Png)).await.unwrap();
    let (id, expires, signature) = link(&first);
    let later = (expires.parse::<i64>().unwrap() + 3600).to_string();
    for (id, expires, signature) in [
        (id.as_str(), later.as_str(), signature.as_str()),
        (second.id.as_str(), &expires, &signature),
        (&id, &expires, ""),
        (&id, "", &signature),
        (&id, "99999999999999999999", &signature),
    ] {
        let fault = fetch(&desk, id, expires, signature).await.unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden);
    }
    desk.world.clock.advance(chrono::Duration::minutes(61));
    assert_eq!(
        fetch(&desk, &id, &expires, &signature).await.unwrap_err().kind,
        Kind::Forbidden
    );
}

#[tokio::test]
async fn five_at_most_also_at_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    let pictures: Vec<Vec<u8>> = (0..8).map(|shade| picture(shade, ImageFormat::Png)).collect();
    let answers = join_all(pictures.iter().map(|bytes| add(&desk, &asha, &ticket, bytes))).await;
    let (kept, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), refused.len()), (5, 3));
    for fault in refused.into_iter().filter_map(Result::err) {
        assert_eq!((fault.kind, fault.reason.as_ref()), (Kind::Refused, "TOO_MANY_IMAGES"));
    }
    // Nothing is left of those that were refused.
    assert_eq!(desk.count("image").await, 5);
    assert_eq!(desk.told("grievance.image_added").await.len(), 5);
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_leaves_nothing() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let ticket = desk.raise(&asha).await.ticket_id;
    let whole = picture(9, ImageFormat::Png);
    for (bytes, kind) in [
        (b"%PDF-1.7 no picture".as_slice(), Kind::UnsupportedMedia),
        (b"GIF89a", Kind::UnsupportedMedia),
        (&whole[..50], Kind::Validation),
    ] {
        assert_eq!(add(&desk, &asha, &ticket, bytes).await.unwrap_err().kind, kind);
    }
    let large = vec![0; 10 * 1024 * 1024 + 1];
    assert_eq!(
        add(&desk, &asha, &ticket, &large).await.unwrap_err().kind,
        Kind::TooLarge
    );
    assert_eq!(
        add(&desk, &bilal, &ticket, &whole).await.unwrap_err().kind,
        Kind::NotFound
    );
    assert_eq!(add(&desk, &asha, "x", &whole).await.unwrap_err().kind, Kind::Validation);
    // A file that breaks off before its end is none.
    let mut broken = chunks(&ticket, &whole);
    broken.pop();
    let request = desk.by(&asha, futures_util::stream::iter(broken));
    assert!(told(desk.images().add_image(request).await).is_err());
    let resolve = ResolveGrievanceRequest {
        id: ticket.clone(),
        comments: "Done.".to_owned(),
    };
    told(desk.grievances().resolve_grievance(desk.by_warden(resolve)).await).unwrap();
    assert_eq!(
        add(&desk, &asha, &ticket, &whole).await.unwrap_err().kind,
        Kind::Conflict
    );
    assert_eq!(desk.count("image").await, 0);
}

#[tokio::test]
async fn the_answer_of_the_last_picture_is_repeated_where_another_one_is_refused() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    for shade in 0..4 {
        add(&desk, &asha, &ticket, &picture(shade, ImageFormat::Png))
            .await
            .unwrap();
    }
    let last = picture(4, ImageFormat::Png);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = desk.by(&asha, futures_util::stream::iter(chunks(&ticket, &last)).boxed());
        request.metadata_mut().insert("idempotency-key", "p-5".parse().unwrap());
        ids.push(told(desk.images().add_image(request).await).unwrap().id);
    }
    assert_eq!(ids[0], ids[1]);
    // Not even its first bytes are looked at.
    let refused = add(&desk, &asha, &ticket, b"no picture").await.unwrap_err();
    assert_eq!(refused.reason, "TOO_MANY_IMAGES");
}

#[tokio::test]
async fn nothing_is_added_to_what_was_said_by_a_student_who_was_erased() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    desk.write("UPDATE student SET active = FALSE WHERE id = $1", [asha.id.into()])
        .await;
    let refused = add(&desk, &asha, &ticket, &picture(1, ImageFormat::Png)).await;
    assert_eq!(refused.unwrap_err().kind, Kind::NotFound);
    assert_eq!(desk.count("image").await, 0);
}

#[tokio::test]
async fn the_same_key_adds_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    let bytes = picture(7, ImageFormat::Jpeg);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = desk.by(&asha, futures_util::stream::iter(chunks(&ticket, &bytes)).boxed());
        request.metadata_mut().insert("idempotency-key", "p-1".parse().unwrap());
        ids.push(told(desk.images().add_image(request).await).unwrap().id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(desk.count("image").await, 1);
}
