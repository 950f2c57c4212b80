//! What answers look like: `{"success":true,"data":…}` or `{"success":false,"error":…}`, written into one buffer.

use chrono::{DateTime, SecondsFormat, Utc};
use kit::{
    fault::Kind,
    json::{Shape, WireError},
};
use serde_json::{Value, json};

use crate::refusal::Refusal;

/// Room for the envelope itself and a small answer.
const FIRST_ROOM: usize = 512;

/// How the answer of an rpc becomes an envelope.
pub(crate) struct Success {
    pub(crate) shape: Shape,
    /// The one repeated field of a list's answer.
    pub(crate) list: Option<String>,
    /// `,"message":"…"` as it is written, or nothing.
    pub(crate) message: String,
}

impl Success {
    pub(crate) fn write(&self, wire: &[u8], now: DateTime<Utc>) -> Result<Vec<u8>, WireError> {
        let mut out = Vec::with_capacity(FIRST_ROOM + wire.len() * 2);
        out.extend_from_slice(br#"{"success":true,"data":"#);
        match &self.list {
            Some(rows) => {
                self.shape.write_field(rows, wire, &mut out)?;
                out.extend_from_slice(br#","pagination":"#);
                self.shape.write_field("page", wire, &mut out)?;
            }
            None => self.shape.write(wire, &mut out)?,
        }
        out.extend_from_slice(self.message.as_bytes());
        end(&mut out, now);
        Ok(out)
    }
}

/// The `,"message":"…"` of a success envelope.
pub(crate) fn message_part(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(",\"message\":{}", Value::from(message))
}

/// A success that belongs to no rpc.
pub(crate) fn plain(data: &Value, now: DateTime<Utc>) -> Vec<u8> {
    let mut out = format!("{{\"success\":true,\"data\":{data}").into_bytes();
    end(&mut out, now);
    out
}

/// A failure: `success` is what tells a program, the rest explains.
pub(crate) fn failure(refusal: &Refusal, now: DateTime<Utc>) -> Vec<u8> {
    let details = if refusal.code == Kind::Validation.reason() {
        let list = refusal.violations.iter();
        list.map(|one| json!({"field": one.field, "error": one.error}))
            .collect()
    } else {
        Value::Object(refusal.details.clone())
    };
    let error = json!({"code": refusal.code, "message": refusal.message, "details": details});
    let mut out = format!("{{\"success\":false,\"error\":{error}").into_bytes();
    end(&mut out, now);
    out
}

fn end(out: &mut Vec<u8>, now: DateTime<Utc>) {
    out.extend_from_slice(br#","timestamp":""#);
    out.extend_from_slice(now.to_rfc3339_opts(SecondsFormat::Millis, true).as_bytes());
    out.extend_from_slice(br#""}"#);
}
