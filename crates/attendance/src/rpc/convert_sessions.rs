//! Between the messages of roll calls and the domain. What does not parse is named, all of it at once.

use chrono::{Duration, NaiveDate};
use kit::{
    Fault,
    clock::timestamp,
    fault::Fields,
    page::{Order, Paging},
};
use proto::{
    attendance::{
        self as message, DownloadQrImageRequest, GenerateQrRequest, ListSessionsRequest, OpenedSession, QrCode,
        SessionLocation, SessionStatus,
    },
    types::{FileChunk, FileHeader, file_chunk::Part},
};

use super::convert;
use crate::{
    Config,
    domain::{self, Counts, Factor, NewSession, Place, Requirement, Session},
    operations::sessions::{
        code::{Format, Image, Shown},
        read::Query,
    },
    store::session::list::{Filter, SortBy, Stands},
};

const LONGEST_BLOCK: usize = 20;
const USUAL_SIZE: u32 = 480;
/// Pieces of an image as it is sent.
const PIECE: usize = 64 * 1024;

/// A roll call to open; what it leaves out is as the installation has it.
pub(crate) fn new_session(request: &GenerateQrRequest, config: &Config) -> Result<NewSession, Fault> {
    let mut fields = Fields::default();
    let block = fields.take("block", block(&request.block));
    let year = fields.take("year", year(request.year));
    let minutes = fields.take(
        "duration_minutes",
        within(request.duration_minutes, 1, 240, "must be between 1 and 240"),
    );
    let place = place(&mut fields, request.location.as_ref());
    let rotate_seconds = request.rotate_seconds.unwrap_or(config.rotate_seconds);
    let rotate = fields.take(
        "rotate_seconds",
        within(rotate_seconds, 0, 300, "must be between 0 and 300"),
    );
    let radius_meters = request.radius_meters.unwrap_or(config.radius_meters);
    let radius = fields.take(
        "radius_meters",
        within(radius_meters, 0.1, 1000.0, "must be between 0.1 and 1000"),
    );
    let require = fields.take("require", requirement(&request.require));
    match (block, year, minutes, rotate, radius, require) {
        (Some(block), Some(year), Some(minutes), Some(rotate_seconds), Some(radius_meters), Some(require))
            if fields.is_empty() =>
        {
            Ok(NewSession {
                block,
                year,
                duration: Duration::minutes(minutes.into()),
                place,
                rotate_seconds,
                radius_meters,
                require,
            })
        }
        _ => Err(fields.fault()),
    }
}

/// A number in its range; no range holds NaN.
fn within<T: PartialOrd>(number: T, least: T, most: T, why: &'static str) -> Result<T, &'static str> {
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(why)
    }
}

fn block(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    let fits = (1..=LONGEST_BLOCK).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err("must be the name of a block, 1 to 20 characters")
    }
}

fn year(year: u32) -> Result<u8, &'static str> {
    let year = u8::try_from(year).ok().filter(|year| (1..=4).contains(year));
    year.ok_or("must be between 1 and 4")
}

/// Each part of a place that is wrong is noted under its own name.
fn place(fields: &mut Fields, location: Option<&SessionLocation>) -> Option<Place> {
    let location = location?;
    let mut part = |name: &str, number: Option<f64>, most: f64, why: &'static str| {
        let number = number.ok_or("is required");
        let least = if name == "accuracy_meters" { 0.0 } else { -most };
        let held = number.and_then(|number| within(number, least, most, why));
        fields.take(&format!("location.{name}"), held)
    };
    let latitude = part("latitude", location.latitude, 90.0, "must be between -90 and 90");
    let longitude = part("longitude", location.longitude, 180.0, "must be between -180 and 180");
    let accuracy = location.accuracy_meters.unwrap_or_default();
    let accuracy = part(
        "accuracy_meters",
        Some(accuracy),
        100_000.0,
        "must be between 0 and 100000",
    );
    Some(Place {
        latitude: latitude?,
        longitude: longitude?,
        accuracy_meters: accuracy?,
    })
}

fn requirement(asked: &[i32]) -> Result<Requirement, &'static str> {
    let factors: Option<Vec<Factor>> = asked.iter().map(|number| factor(*number)).collect();
    Requirement::of(&factors.ok_or("may hold qr, proximity, otp, access_point and device")?)
}

fn factor(number: i32) -> Option<Factor> {
    match message::Factor::try_from(number).ok()? {
        message::Factor::Unspecified => None,
        message::Factor::Qr => Some(Factor::Qr),
        message::Factor::Proximity => Some(Factor::Proximity),
        message::Factor::Otp => Some(Factor::Otp),
        message::Factor::AccessPoint => Some(Factor::AccessPoint),
        message::Factor::Device => Some(Factor::Device),
        message::Factor::Guard => Some(Factor::Guard),
        message::Factor::Manual => Some(Factor::Manual),
    }
}

/// Which roll calls are wanted.
pub(crate) fn query(request: &ListSessionsRequest) -> Result<Query, Fault> {
    let mut fields = Fields::default();
    let sort_by = fields.take("sort_by", sort_by(request.sort_by.as_deref()));
    let year = fields.take("year", request.year.map(year).transpose());
    let stands = fields.take("status", request.status.map(stands).transpose());
    let from = fields
        .take("from", request.from.as_deref().map(day).transpose())
        .flatten();
    let to = fields.take("to", request.to.as_deref().map(day).transpose()).flatten();
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        fields.wrong("to", "must not be before `from`");
    }
    let (Some(sort_by), Some(year), Some(stands), true) = (sort_by, year, stands, fields.is_empty()) else {
        return Err(fields.fault());
    };
    let block = request.block.as_deref().filter(|block| !block.is_empty());
    Ok(Query {
        filter: Filter {
            block_folded: block.map(domain::folded),
            year,
            stands,
            from,
            to,
        },
        sort: (sort_by, Order::parse(request.order.as_deref(), Order::Descending)?),
        paging: Paging::new(request.page, request.limit)?,
    })
}

fn sort_by(name: Option<&str>) -> Result<SortBy, &'static str> {
    match name {
        None | Some("valid_from") => Ok(SortBy::ValidFrom),
        Some("block") => Ok(SortBy::Block),
        Some("year") => Ok(SortBy::Year),
        Some(_) => Err("must be one of: valid_from, block, year"),
    }
}

fn stands(number: i32) -> Result<Stands, &'static str> {
    match SessionStatus::try_from(number) {
        Ok(SessionStatus::Active) => Ok(Stands::Active),
        Ok(SessionStatus::Closed) => Ok(Stands::Closed),
        Ok(SessionStatus::Settled) => Ok(Stands::Settled),
        Ok(SessionStatus::Unspecified) | Err(_) => Err("must be one of: active, closed, settled"),
    }
}

fn day(text: &str) -> Result<NaiveDate, &'static str> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "must be a day, YYYY-MM-DD")
}

/// How an image is wanted: its format, and how wide.
pub(crate) fn picture(request: &DownloadQrImageRequest) -> Result<(Format, u32), Fault> {
    let mut fields = Fields::default();
    let format = match request.format.as_deref() {
        None | Some("png") => Ok(Format::Png),
        Some("svg") => Ok(Format::Svg),
        Some(_) => Err("must be one of: png, svg"),
    };
    let format = fields.take("format", format);
    let size = request.size.unwrap_or(USUAL_SIZE);
    let size = fields.take("size", within(size, 120, 2000, "must be between 120 and 2000"));
    format.zip(size).ok_or_else(|| fields.fault())
}

pub(crate) fn opened(session: &Session, shown: Shown) -> OpenedSession {
    OpenedSession {
        session_id: session.id.to_string(),
        qr_token: shown.token,
        qr_image_url: shown.image_url.into(),
        valid_from: Some(timestamp(session.valid_from)),
        valid_until: Some(timestamp(session.valid_until)),
        block: session.block.clone(),
        year: session.year.into(),
        rotate_seconds: session.rotate_seconds,
        radius_meters: session.radius_meters,
        require: convert::factors(&session.require),
        expires_at: Some(timestamp(shown.expires_at)),
        otp: shown.digits,
    }
}

pub(crate) fn code(shown: Shown) -> QrCode {
    QrCode {
        qr_token: shown.token,
        qr_image_url: shown.image_url.into(),
        expires_at: Some(timestamp(shown.expires_at)),
        otp: shown.digits,
        otp_expires_at: Some(timestamp(shown.digits_expire_at)),
    }
}

pub(crate) fn counts(counts: Counts) -> message::Counts {
    message::Counts {
        present: counts.present,
        absent: counts.absent,
        excused: counts.excused,
        pending: counts.pending,
        total: counts.total(),
        awaiting: counts.awaiting,
    }
}

/// An image as it is sent: what is known of it, then its bytes.
pub(crate) fn pieces(image: &Image) -> Vec<FileChunk> {
    let header = FileHeader {
        file_name: image.file_name.to_owned(),
        content_type: image.media_type.to_owned(),
        size: u64::try_from(image.bytes.len()).ok(),
        ..FileHeader::default()
    };
    let data = image.bytes.chunks(PIECE).map(|piece| Part::Data(piece.to_vec()));
    let parts = std::iter::once(Part::Header(header)).chain(data);
    parts.map(|part| FileChunk { part: Some(part) }).collect()
}
