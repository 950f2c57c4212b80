//! What the display of a roll call shows: the code of now, and its image.

use futures_util::TryStreamExt as _;
use image::GrayImage;
use kit::Fault;
use proto::{
    attendance::{DownloadQrImageRequest, GenerateQrRequest},
    options::Role,
    types::{FileChunk, FileHeader, file_chunk::Part},
};

use crate::{
    gate::{Gate, told},
    roll_call::{asked, fields, id},
};

impl Gate {
    async fn image(&self, request: DownloadQrImageRequest) -> Result<(FileHeader, Vec<u8>), Fault> {
        let stream = told(self.sessions().download_qr_image(self.by_guard(request)).await)?;
        let chunks: Vec<FileChunk> = stream.try_collect().await.unwrap();
        let mut parts = chunks.into_iter().map(|chunk| chunk.part.unwrap());
        let Some(Part::Header(header)) = parts.next() else {
            panic!("an image begins with its header")
        };
        let data = parts.flat_map(|part| match part {
            Part::Data(data) => data,
            Part::Header(_) | Part::End(_) => panic!("only data comes after the header"),
        });
        Ok((header, data.collect()))
    }
}

fn read(image: &GrayImage) -> String {
    let at = |x: usize, y: usize| image.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).0[0];
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
    prepared.detect_grids()[0].decode().unwrap().1
}

#[tokio::test]
async fn the_code_changes_with_time() {
    let gate = Gate::of_block_a().await;
    let opened = gate.generate(asked()).await;
    let session = opened.session_id.as_str();
    let handle = gate.codes().read(&opened.qr_token).unwrap().handle;
    let begin = gate.world.clock.now().timestamp();
    for (after, slot, ends) in [(0, 0, 25), (24, 0, 25), (25, 1, 50), (1799, 71, 1800)] {
        let passed = gate.world.clock.now().timestamp() - begin;
        gate.world.clock.advance(chrono::Duration::seconds(after - passed));
        let now = gate.world.clock.now();
        let shown = gate.qr(gate.guard, Role::Guard, session).await.unwrap();
        let code = gate.codes().read(&shown.qr_token).unwrap();
        assert_eq!((code.handle, code.slot), (handle, slot));
        assert_eq!(shown.expires_at.unwrap().seconds, begin + ends, "{after}");
        assert_eq!(shown.qr_image_url, opened.qr_image_url);
        assert!(gate.codes().digits_hold(id(session), now, 60, &shown.otp));
        let digits_end = shown.otp_expires_at.unwrap().seconds;
        assert!(
            digits_end > now.timestamp() && digits_end <= (begin + 1800).min(now.timestamp() + 60),
            "{after}"
        );
    }
    gate.world.clock.advance(chrono::Duration::seconds(1));
    let refused = gate.qr(gate.guard, Role::Guard, session).await.unwrap_err();
    assert_eq!(refused.reason, "SESSION_CLOSED", "also before anybody wrote it down");
}

#[tokio::test]
async fn only_its_guard_and_wardens_see_the_code() {
    let gate = Gate::of_block_a().await;
    let session = gate.roll_call().await;
    let stranger = gate.world.clock.new_id();
    let refused = gate.qr(stranger, Role::Guard, &session).await.unwrap_err();
    assert_eq!(refused.reason, "FORBIDDEN");
    let request = DownloadQrImageRequest {
        id: session.clone(),
        ..DownloadQrImageRequest::default()
    };
    let by_stranger = gate.of(stranger, Role::Guard, request.clone());
    let refused = told(gate.sessions().download_qr_image(by_stranger).await)
        .err()
        .unwrap();
    assert_eq!(refused.reason, "FORBIDDEN");
    gate.qr(stranger, Role::Warden, &session).await.unwrap();
    let unknown = gate
        .qr(stranger, Role::Warden, &stranger.to_string())
        .await
        .unwrap_err();
    assert_eq!(unknown.reason, "NOT_FOUND");
    gate.close(&session).await;
    let closed = gate.qr(gate.guard, Role::Guard, &session).await.unwrap_err();
    assert_eq!(closed.reason, "SESSION_CLOSED");
    assert_eq!(gate.image(request).await.unwrap_err().reason, "SESSION_CLOSED");
}

#[tokio::test]
async fn the_image_is_of_the_code_of_now() {
    let gate = Gate::of_block_a().await;
    let session = gate.roll_call().await;
    gate.world.clock.advance(chrono::Duration::seconds(60));
    for (format, size, wide) in [
        (None, None, 480),
        (Some("png"), Some(120), 120),
        (None, Some(2000), 2000),
    ] {
        let request = DownloadQrImageRequest {
            id: session.clone(),
            format: format.map(str::to_owned),
            size,
        };
        let (header, bytes) = gate.image(request).await.unwrap();
        assert_eq!(
            (header.file_name.as_str(), header.content_type.as_str()),
            ("roll-call.png", "image/png")
        );
        assert_eq!(header.size, Some(bytes.len() as u64));
        let image = image::load_from_memory(&bytes).unwrap().into_luma8();
        assert_eq!((image.width(), image.height()), (wide, wide));
        assert_eq!(gate.codes().read(&read(&image)).unwrap().slot, 2);
    }
    let request = DownloadQrImageRequest {
        id: session.clone(),
        format: Some("svg".to_owned()),
        size: Some(300),
    };
    let (header, bytes) = gate.image(request).await.unwrap();
    assert_eq!(
        (header.file_name.as_str(), header.content_type.as_str()),
        ("roll-call.svg", "image/svg+xml")
    );
    let svg = String::from_utf8(bytes).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("width=\"300\"") && svg.ends_with("</svg>"));
    let wrong = DownloadQrImageRequest {
        id: session,
        format: Some("gif".to_owned()),
        size: Some(119),
    };
    assert_eq!(fields(&gate.image(wrong).await.unwrap_err()), ["format", "size"]);
}

#[tokio::test]
async fn codes_of_before_a_rotation_of_the_keys_still_hold() {
    let gate = Gate::of_block_a().await;
    let before = gate
        .generate(GenerateQrRequest {
            rotate_seconds: Some(0),
            ..asked()
        })
        .await;
    let keys = kit::keyring::MasterKeys::of(&gate.world.stores.config().base).unwrap();
    let keyring = kit::Keyring::open(keys).unwrap();
    keyring.rotate().unwrap();
    let shown = gate.qr(gate.guard, Role::Guard, &before.session_id).await.unwrap();
    let now = gate.world.clock.now();
    for (token, digits) in [(&before.qr_token, &before.otp), (&shown.qr_token, &shown.otp)] {
        assert!(gate.codes().read(token).is_some());
        assert!(gate.codes().digits_hold(id(&before.session_id), now, 60, digits));
    }
    assert_ne!(before.otp, shown.otp, "the new key makes them");
}
