//! Whether a scan was signed by a device of the student who sent it.

use uuid::Uuid;

use super::{Sent, judge::Moment};
pub(crate) use crate::operations::devices::check::DeviceProof;
use crate::{
    Error,
    domain::{Refusal, SignedPlace, SignedScan},
    operations::{
        App,
        devices::check::{self, Presented},
    },
};

/// Holds a scan against the device that signed it; `None` where none did: a device that is only named proves nothing.
pub(super) async fn check(app: &App, student: Uuid, sent: &Sent, moment: Moment) -> Result<Option<DeviceProof>, Error> {
    let presented = match presented(sent)? {
        None => return Ok(None),
        presented => presented,
    };
    let checked = if moment.offline {
        check::check_late(&app.db, &app.clock, student, presented).await
    } else {
        check::check(&app.db, &app.clock, student, presented).await
    };
    checked.map_err(|error| match error {
        Error::DeviceMismatch(why) => Error::Refused(Refusal::DeviceMismatch(why)),
        other => other,
    })
}

/// What a device signed of the scan. A signature that comes without the rest says nothing, and is refused.
fn presented(sent: &Sent) -> Result<Option<Presented<'_>>, Error> {
    let Some(signature) = sent.signature.as_deref() else {
        return Ok(None);
    };
    let (Some(device_id), Some(counter), Some(scanned_at)) = (sent.device_id, sent.counter, sent.scanned_at) else {
        let why = "device_id, counter and scanned_at belong to a signature";
        return Err(Error::Refused(Refusal::DeviceMismatch(why)));
    };
    let place = sent.fix.map(|fix| SignedPlace {
        latitude: fix.latitude,
        longitude: fix.longitude,
        accuracy_meters: fix.accuracy_meters,
    });
    Ok(Some(Presented {
        device_id,
        signature,
        scan: SignedScan {
            token: &sent.token,
            place,
            scanned_at,
            counter,
            server_time: sent.server_time,
        },
    }))
}
