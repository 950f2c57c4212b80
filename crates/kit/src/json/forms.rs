//! Values with a form of their own: days, moments, spans of time, money, free JSON.

use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, Utc};
use prost_types::{ListValue, Struct, Value as ProtoValue, value::Kind};
use serde_json::{Map, Number, Value};

/// Seconds of the longest `google.protobuf.Duration`, about 10,000 years.
const LONGEST_DURATION: u64 = 315_576_000_000;

/// A real day of the years 1 to 9999, as `YYYY-MM-DD`.
pub(super) fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        let part = text
            .get(range)
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        part.and_then(|part| part.parse::<u32>().ok())
    };
    if text.len() != 10 || !text.is_ascii() || &text[4..5] != "-" || &text[7..8] != "-" {
        return false;
    }
    let (Some(year @ 1..), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else {
        return false;
    };
    NaiveDate::from_ymd_opt(year.cast_signed(), month, day).is_some()
}

/// Seconds and nanoseconds of a moment in RFC 3339, with any offset; kept to the microsecond.
pub(super) fn parse_timestamp(text: &str) -> Option<(i64, i32)> {
    let moment = DateTime::parse_from_rfc3339(text)
        .ok()?
        .with_timezone(&Utc)
        .trunc_subsecs(6);
    // chrono shows a leap second as more than 999,999,999 nanoseconds; the day has no place for it.
    let nanos = i32::try_from(moment.timestamp_subsec_nanos())
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    (1..=9999)
        .contains(&moment.year())
        .then_some((moment.timestamp(), nanos))
}

/// Writes a moment in UTC; one that RFC 3339 cannot say becomes `null`.
pub(super) fn put_timestamp(seconds: i64, nanos: i64, out: &mut Vec<u8>) {
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let (Some(nanos), Some((date, time))) = (nanos, day_and_second(seconds)) else {
        out.extend_from_slice(b"null");
        return;
    };
    let mut text = *b"\"0000-00-00T00:00:00";
    set_digits(&mut text[1..5], date.year().cast_unsigned());
    set_digits(&mut text[6..8], date.month());
    set_digits(&mut text[9..11], date.day());
    set_digits(&mut text[12..14], time / 3600);
    set_digits(&mut text[15..17], time / 60 % 60);
    set_digits(&mut text[18..20], time % 60);
    out.extend_from_slice(&text);
    let micros = nanos / 1000;
    if micros > 0 {
        out.push(b'.');
        if micros.is_multiple_of(1000) {
            put_digits(micros / 1000, 3, out);
        } else {
            put_digits(micros, 6, out);
        }
    }
    out.extend_from_slice(b"Z\"");
}

/// The day and the second of the day, for the years 1 to 9999.
fn day_and_second(seconds: i64) -> Option<(NaiveDate, u32)> {
    /// Days from the first of January of the year 1 to that of 1970, and one: the first day is number 1.
    const DAYS_BEFORE_1970: i64 = 719_163;
    const DAY: i64 = 86_400;
    let day = i32::try_from(seconds.div_euclid(DAY) + DAYS_BEFORE_1970).ok()?;
    let date = NaiveDate::from_num_days_from_ce_opt(day).filter(|date| (1..=9999).contains(&date.year()))?;
    Some((date, u32::try_from(seconds.rem_euclid(DAY)).ok()?))
}

/// A number with leading zeros.
fn put_digits(number: u32, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    set_digits(&mut out[start..], number);
}

fn set_digits(places: &mut [u8], number: u32) {
    let mut rest = number;
    for place in places.iter_mut().rev() {
        *place = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
}

/// A whole number as digits.
pub(super) fn put_integer(number: i128, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    // Every integer of protobuf fits: the largest magnitude is that of u64.
    let mut rest = u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX);
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// `3.5s`; seconds and nanoseconds have the same sign.
pub(super) fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let text = text.strip_suffix('s')?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: u64 = whole.parse().ok().filter(|seconds| *seconds <= LONGEST_DURATION)?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    let sign = if negative { -1 } else { 1 };
    Some((i64::try_from(seconds).ok()? * sign, nanos * i32::try_from(sign).ok()?))
}

pub(super) fn put_duration(seconds: i64, nanos: i64, out: &mut Vec<u8>) {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let sign = if total < 0 { "-" } else { "" };
    let (whole, fraction) = (
        total.unsigned_abs() / 1_000_000_000,
        total.unsigned_abs() % 1_000_000_000,
    );
    let mut text = format!("\"{sign}{whole}");
    if fraction > 0 {
        text.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    text.push_str("s\"");
    out.extend_from_slice(text.as_bytes());
}

/// Minor units of a decimal string with at most two decimals.
pub(super) fn parse_money(text: &str, may_be_negative: bool) -> Result<i64, String> {
    let shape = || "must be an amount such as \"4500.00\"".to_owned();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if negative && !may_be_negative {
        return Err("must not be negative".to_owned());
    }
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(cents) {
        return Err(shape());
    }
    if cents.len() > 2 {
        return Err("must have at most 2 decimals".to_owned());
    }
    let too_large = || "is too large an amount".to_owned();
    let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| shape())?;
    let units: i64 = whole.parse().map_err(|_| too_large())?;
    let minor = units
        .checked_mul(100)
        .and_then(|minor| minor.checked_add(cents))
        .ok_or_else(too_large)?;
    Ok(if negative { -minor } else { minor })
}

pub(super) fn put_money(minor: i128, out: &mut Vec<u8>) {
    out.push(b'"');
    if minor < 0 {
        out.push(b'-');
    }
    let magnitude = minor.abs();
    put_integer(magnitude / 100, out);
    out.push(b'.');
    // A remainder of 100 is below 100.
    put_digits(u32::try_from(magnitude % 100).unwrap_or_default(), 2, out);
    out.push(b'"');
}

/// Free JSON from `google.protobuf.Struct`.
pub(super) fn from_struct(message: Struct) -> Value {
    let fields = message
        .fields
        .into_iter()
        .map(|(name, value)| (name, from_value(value)));
    Value::Object(fields.collect())
}

pub(super) fn from_list(message: ListValue) -> Value {
    Value::Array(message.values.into_iter().map(from_value).collect())
}

pub(super) fn from_value(message: ProtoValue) -> Value {
    match message.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::NumberValue(number)) => number_from(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::StructValue(fields)) => from_struct(fields),
        Some(Kind::ListValue(list)) => from_list(list),
    }
}

/// A whole number is shown as one, as far as a double holds it exactly.
fn number_from(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

pub(super) fn to_struct(json: &Map<String, Value>) -> Struct {
    let fields = json.iter().map(|(name, value)| (name.clone(), to_value(value)));
    Struct {
        fields: fields.collect(),
    }
}

pub(super) fn to_list(json: &[Value]) -> ListValue {
    let values = json.iter().map(to_value).collect();
    ListValue { values }
}

pub(super) fn to_value(json: &Value) -> ProtoValue {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => Kind::ListValue(to_list(list)),
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    ProtoValue { kind: Some(kind) }
}
