//! What a scan is worth: every check, in the order of the contract. Nothing is stored here.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::{Sent, device, missing};
use crate::{
    Error,
    domain::{Evidence, Factor, FixRules, Nearness, Refusal, Session, Student, evidence, proximity},
    group::Wish,
    operations::{App, access_points},
    token::Code,
};

/// When a scan was made, and when it came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub at: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub offline: bool,
}

/// A scan and what was found out about it.
#[derive(Debug)]
pub(super) struct Judged {
    pub moment: Moment,
    pub code: Option<Code>,
    pub session: Option<Arc<Session>>,
    pub student: Option<Arc<Student>>,
    pub distance_meters: Option<f64>,
    pub evidence: Evidence,
    pub device: Option<device::DeviceProof>,
    pub wish: Wish,
}

/// Judges a scan. What is missing of it is an error; what is wrong with it is a wish to keep the refusal.
pub(super) async fn judge(app: &App, student: Uuid, sent: &Sent, moment: Moment) -> Result<Judged, Error> {
    let mut judged = find(app, student, sent, moment).await?;
    missing(sent, judged.session.as_deref())?;
    match check(app, &mut judged, student, sent).await {
        Ok(wish) => judged.wish = wish,
        Err(Error::Refused(refusal)) => judged.wish = Wish::Keep(refusal),
        Err(error) => return Err(error),
    }
    Ok(judged)
}

/// Whose scan it is, and of which roll call: that of the code, or, where digits were typed, the student's own.
async fn find(app: &App, id: Uuid, sent: &Sent, moment: Moment) -> Result<Judged, Error> {
    let (memory, db) = (&app.memory, &app.db);
    let student = memory.student(db, id).await?;
    let code = app.codes.read(&sent.token);
    let session = match (&code, &student) {
        (Some(code), _) => memory.session(db, code.handle).await?,
        (None, Some(student)) if sent.token.is_empty() => memory.session_at(db, student, moment.at).await?,
        _ => None,
    };
    Ok(Judged {
        moment,
        code,
        session,
        student,
        distance_meters: None,
        evidence: Evidence::default(),
        device: None,
        wish: Wish::Keep(Refusal::QrInvalid),
    })
}

async fn check(app: &App, judged: &mut Judged, student: Uuid, sent: &Sent) -> Result<Wish, Error> {
    // First of all, because a signed scan spends its counter whatever else is wrong with it; told last.
    let device = device::check(app, student, sent, judged.moment).await;
    judged.device = *device.as_ref().unwrap_or(&None);
    let Some(session) = judged.session.clone() else {
        return Err(Error::Refused(match &judged.student {
            _ if !sent.token.is_empty() => Refusal::QrInvalid,
            Some(_) => Refusal::SessionClosed,
            None => Refusal::NotInSession,
        }));
    };
    if judged.moment.offline {
        let late = Duration::minutes(app.config.late_sync_minutes.into());
        let slot = judged.code.map(|code| code.slot);
        session
            .takes_late(slot, judged.moment.at, judged.moment.now, late)
            .map_err(Error::Refused)?;
    } else {
        on_display(&session, judged.code, judged.moment.now)?;
    }
    belongs(app, judged, &session, student).await?;
    if let Some(code) = judged.code {
        let strength = strength_of_code(&session, code, judged.moment.at);
        judged.evidence.add(Factor::Qr, strength);
    }
    let wish = near(app, judged, &session, sent)?;
    digits(app, judged, &session, sent)?;
    let strength = access_points::matches(&app.db, &session.block_folded, &sent.access_points).await?;
    match strength {
        Some(strength) => judged.evidence.add(Factor::AccessPoint, strength),
        None if session.require.asks_for(Factor::AccessPoint) => {
            return Err(Error::Refused(Refusal::AccessPointMismatch));
        }
        None => {}
    }
    match device? {
        Some(_) => judged.evidence.add(Factor::Device, evidence::DEVICE),
        None if session.require.asks_for(Factor::Device) => {
            let why = "this roll call takes scans that a registered device signed";
            return Err(Error::Refused(Refusal::DeviceMismatch(why)));
        }
        None => {}
    }
    Ok(wish)
}

fn on_display(session: &Session, code: Option<Code>, now: DateTime<Utc>) -> Result<(), Error> {
    if code.is_some_and(|code| !session.slot_holds(code.slot, now)) {
        return Err(Error::Refused(Refusal::QrExpired));
    }
    if !session.is_open() || now >= session.valid_until {
        return Err(Error::Refused(Refusal::SessionClosed));
    }
    Ok(())
}

/// Whoever does not belong to the roll call may have moved a moment ago: the database is asked once.
async fn belongs(app: &App, judged: &mut Judged, session: &Session, id: Uuid) -> Result<(), Error> {
    let belongs = |student: &Option<Arc<Student>>| {
        student
            .as_ref()
            .is_some_and(|student| student.belongs_to(&session.block_folded, session.year))
    };
    if !belongs(&judged.student) {
        judged.student = app.memory.student_anew(&app.db, id).await?;
    }
    if belongs(&judged.student) {
        Ok(())
    } else {
        Err(Error::Refused(Refusal::NotInSession))
    }
}

fn strength_of_code(session: &Session, code: Code, at: DateTime<Utc>) -> f64 {
    if session.rotate_seconds == 0 {
        evidence::QR_UNCHANGING
    } else if code.slot == session.slot_at(at) {
        evidence::QR_ON_DISPLAY
    } else {
        evidence::QR_JUST_BEFORE
    }
}

/// Whether the student is near enough, as far as that is asked for. Where it is not, a place that is sent speaks for them or
/// not at all.
fn near(app: &App, judged: &mut Judged, session: &Session, sent: &Sent) -> Result<Wish, Error> {
    let asked = session.require.asks_for(Factor::Proximity);
    let (Some(fix), Some(place)) = (sent.fix, session.place) else {
        return Ok(Wish::Mark);
    };
    let distance = fix.distance_to(&place);
    judged.distance_meters = Some(distance);
    let nearness = proximity::nearness(
        distance,
        session.radius_meters,
        fix.accuracy_meters,
        place.accuracy_meters,
    );
    let usable = fix.usable(
        judged.moment.at,
        FixRules {
            accuracy_cap_meters: app.config.accuracy_cap_meters,
            age: Duration::seconds(app.config.fix_age_seconds.into()),
        },
    );
    if asked {
        if let Nearness::Far { allowed_meters } = nearness {
            return Err(Error::Refused(Refusal::LocationMismatch {
                distance_meters: distance,
                allowed_meters,
            }));
        }
        usable.map_err(|why| Error::Refused(Refusal::LocationUnusable(why)))?;
    }
    if nearness == Nearness::Near && usable.is_ok() {
        let strength = match fix.accuracy_meters {
            Some(_) => evidence::PROXIMITY_WITH_ACCURACY,
            None => evidence::PROXIMITY_ALONE,
        };
        judged.evidence.add(Factor::Proximity, strength);
    }
    Ok(if asked && nearness == Nearness::Uncertain {
        Wish::AskTheGuard
    } else {
        Wish::Mark
    })
}

/// Digits are needed where the roll call asks for them and where there is no code; wrong ones are wrong anywhere.
fn digits(app: &App, judged: &mut Judged, session: &Session, sent: &Sent) -> Result<(), Error> {
    let needed = judged.code.is_none() || session.require.asks_for(Factor::Otp);
    let seconds = app.config.otp_seconds;
    match sent.digits.as_deref() {
        None if needed => Err(Error::Refused(Refusal::OtpMissing)),
        None => Ok(()),
        Some(text) if app.codes.digits_hold(session.id, judged.moment.at, seconds, text) => {
            judged.evidence.add(Factor::Otp, evidence::OTP);
            Ok(())
        }
        Some(_) => Err(Error::Refused(Refusal::OtpInvalid)),
    }
}
