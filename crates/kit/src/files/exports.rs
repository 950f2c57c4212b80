//! Copies of all that is held of somebody: each service stores its part under a key that whoever asked for it can find.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use prost_types::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Body, Files, Key};
use crate::{Clock, port::PortError};

/// Where the parts of all exports lie.
pub const FOLDER: &str = "exports/";

/// An export that is being put together.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    pub id: Uuid,
    /// Until when it is waited for parts.
    pub wanted_until: DateTime<Utc>,
}

/// A part of an export, as a service is asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Whose copy it is.
    pub of: Uuid,
    pub export: Export,
}

impl Asked {
    /// Reads what whoever puts the export together says.
    pub fn read(of: &str, export: &str, wanted_until: Option<Timestamp>) -> Result<Self, &'static str> {
        let until = wanted_until.ok_or("it does not say until when a part is waited for")?;
        let nanos = u32::try_from(until.nanos).map_err(|_| "the end of the wait is no time")?;
        Ok(Self {
            of: Uuid::parse_str(of).map_err(|_| "it does not say whose copy it is: expected a UUID")?,
            export: Export {
                id: Uuid::parse_str(export).map_err(|_| "the export's id is no UUID")?,
                wanted_until: DateTime::from_timestamp(until.seconds, nanos).ok_or("the end of the wait is no time")?,
            },
        })
    }
}

/// Where the parts of an export lie.
pub fn folder(export: Uuid) -> String {
    format!("{FOLDER}{export}/")
}

/// Where a service's part lies.
pub fn part(export: Uuid, service: &str) -> Result<Key, super::KeyError> {
    Key::parse(format!("{}{service}.json", folder(export)))
}

/// When the export that a part belongs to was asked for: its id tells.
pub fn begun_at(part: &Key) -> Option<DateTime<Utc>> {
    let export = part.as_str().strip_prefix(FOLDER)?.split('/').next()?;
    let (seconds, nanos) = Uuid::parse_str(export).ok()?.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// Stores a service's part.
pub async fn store_json(
    files: &dyn Files,
    clock: &Clock,
    export: Export,
    service: &str,
    part: &Value,
) -> Result<(), PortError> {
    let text = Bytes::from(format!("{part:#}"));
    let body = stream::once(async { Ok(text) }).boxed();
    store(files, clock, export, service, body).await
}

/// Stores a service's part, JSON; nothing where nobody waits for it any more.
pub async fn store(
    files: &dyn Files,
    clock: &Clock,
    export: Export,
    service: &str,
    body: Body,
) -> Result<(), PortError> {
    if clock.now() >= export.wanted_until {
        tracing::info!(export = %export.id, "an export that nobody waits for any more got no part");
        return Ok(());
    }
    let key = part(export.id, service).map_err(|why| PortError::Refused {
        port: super::PORT,
        why: why.to_string(),
    })?;
    files.put(&key, "application/json", body).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_or_says_what_is_wrong() {
        let id = Uuid::from_u128(7);
        let (of, export) = (Uuid::from_u128(1).to_string(), id.to_string());
        let soon = Timestamp {
            seconds: 1_795_000_000,
            nanos: 250_000_000,
        };
        let asked = Asked::read(&of, &export, Some(soon)).unwrap();
        assert_eq!((asked.of, asked.export.id), (Uuid::from_u128(1), id));
        assert_eq!(asked.export.wanted_until.timestamp_millis(), 1_795_000_000_250);
        let never = Timestamp { seconds: 0, nanos: -1 };
        for (of, export, until, wrong) in [
            ("x", &*export, Some(soon), "whose copy"),
            (&*of, "", Some(soon), "the export's id"),
            (&*of, &*export, None, "until when"),
            (&*of, &*export, Some(never), "no time"),
        ] {
            let said = Asked::read(of, export, until).unwrap_err();
            assert!(said.contains(wrong), "{said}");
        }
    }

    #[test]
    fn a_part_tells_when_its_export_was_asked_for() {
        let now = DateTime::from_timestamp(1_795_000_000, 250_000_000).unwrap();
        let millis = u128::try_from(now.timestamp_millis()).unwrap();
        let export = Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62);
        let key = part(export, "auth").unwrap();
        assert_eq!(begun_at(&key), Some(now));
        for other in ["exports/x/auth.json", "documents/aa/bb", "exports/auth.json"] {
            assert_eq!(begun_at(&Key::parse(other).unwrap()), None, "{other}");
        }
    }
}
