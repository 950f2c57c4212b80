//! A token that a browser keeps in a cookie instead of the page.
//!
//! The contract says of an rpc which field of its request the cookie stands in for, and which field of its answer moves
//! into it. The cookie is looked at nowhere else: it never says who is asking, and no service and no log sees it. Since a
//! browser sends it by itself, it counts only beside a header that no page of another site can send, and only for pages
//! that may call.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use kit::Fault;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value as FieldValue};
use proto::options::Cookie;
use serde_json::{Map, Value};

use crate::{cors::Origins, refusal::Refusal};

/// `__Host-`: only this host sets it, over TLS and for all paths; a neighbouring subdomain cannot slip in another.
pub(crate) const NAME: &str = "__Host-hostelpulse-refresh";
/// The header beside which the cookie counts, as people write it.
pub(crate) const BESIDE: &str = "X-Requested-With";

const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const ENDED: &str = "__Host-hostelpulse-refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";

/// What the contract says of the cookie at one rpc, checked.
pub(crate) struct Rule {
    takes: Option<String>,
    gives: Option<FieldDescriptor>,
    asked_by: Option<String>,
    ends: bool,
}

impl Rule {
    /// Refuses a rule that does not fit the rpc or its binding: the binding's body, and the parameters in its path.
    pub(crate) fn read(
        method: &MethodDescriptor,
        body: &str,
        in_path: &[String],
        cookie: &Cookie,
    ) -> Result<Self, String> {
        if method.is_client_streaming() || method.is_server_streaming() {
            return Err("a cookie is only for calls with one message and one answer".to_owned());
        }
        // A GET or a form could carry its fields in the address, where other sites can write them.
        if body != "*" {
            return Err("a cookie needs the body \"*\"".to_owned());
        }
        if let Some(name) = in_path
            .iter()
            .find(|name| **name == cookie.takes || **name == cookie.asked_by)
        {
            return Err(format!("the cookie's {name:?} is given by the path"));
        }
        let (request, answer) = (method.input(), method.output());
        let takes = single(&request, "takes", &cookie.takes, &Kind::String)?;
        let gives = single(&answer, "gives", &cookie.gives, &Kind::String)?;
        let asked_by = single(&request, "asked_by", &cookie.asked_by, &Kind::Bool)?;
        if gives.as_ref().is_some_and(|field| !field.supports_presence()) {
            return Err(format!(
                "the cookie gives {:?}, which must be optional to be null",
                cookie.gives
            ));
        }
        match (gives.is_some(), asked_by.is_some(), takes.is_some()) {
            (true, false, false) => {
                Err("the cookie is given to nobody: nobody asks for it, nobody sends it".to_owned())
            }
            (true, ..) if cookie.ends => Err("the cookie is given and ends".to_owned()),
            (false, true, _) => Err("the cookie is asked for, but not given".to_owned()),
            (false, _, false) if !cookie.ends => Err("the cookie does nothing".to_owned()),
            _ => Ok(Self {
                takes: takes.map(|field| field.name().to_owned()),
                gives,
                asked_by: asked_by.map(|field| field.name().to_owned()),
                ends: cookie.ends,
            }),
        }
    }

    /// Whether the cookie can stand in for a field.
    pub(crate) fn takes(&self) -> bool {
        self.takes.is_some()
    }
}

/// A field that the rule names, if it does.
fn single(message: &MessageDescriptor, rule: &str, name: &str, kind: &Kind) -> Result<Option<FieldDescriptor>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let field = message.get_field_by_name(name);
    let fits = field.filter(|field| field.kind() == *kind && !field.is_list());
    let what = if *kind == Kind::Bool { "boolean" } else { "text" };
    let why = || {
        format!(
            "the cookie's `{rule}` {name:?} is no single {what} field of {}",
            message.name()
        )
    };
    fits.map(Some).ok_or_else(why)
}

/// What one request does with the cookie.
pub(crate) struct Jar<'a> {
    rule: Option<&'a Rule>,
    sent: bool,
    taken: bool,
}

impl<'a> Jar<'a> {
    /// Lets the cookie stand in for the field that the body leaves out.
    pub(crate) fn open(
        rule: Option<&'a Rule>,
        request: &HttpRequest,
        origins: &Origins,
        body: &mut Option<Value>,
    ) -> Result<Self, Refusal> {
        let Some(rule) = rule else {
            return Ok(Self {
                rule,
                sent: false,
                taken: false,
            });
        };
        let (sent, value) = find(request.headers());
        let missing = rule.takes.as_ref().filter(|field| leaves_out(body.as_ref(), field));
        let mut taken = false;
        if let (Some(field), Some(value)) = (missing, value) {
            admits(request, origins)?;
            let whole = body.get_or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(fields) = whole {
                fields.insert(field.clone(), value.into());
                taken = true;
            }
        }
        Ok(Self {
            rule: Some(rule),
            sent,
            taken,
        })
    }

    /// A successful answer without what goes into the cookie, and the cookie to set.
    pub(crate) fn close(
        &self,
        fields: &Map<String, Value>,
        answer: Bytes,
        seconds: u64,
    ) -> Result<(Bytes, Option<HeaderValue>), Fault> {
        let Some(rule) = self.rule else {
            return Ok((answer, None));
        };
        if rule.ends {
            return Ok((answer, self.sent.then_some(HeaderValue::from_static(ENDED))));
        }
        let wanted = match &rule.asked_by {
            Some(flag) => fields.get(flag) == Some(&Value::Bool(true)),
            None => self.taken,
        };
        match &rule.gives {
            Some(field) if wanted => move_out(field, answer, seconds),
            _ => Ok((answer, None)),
        }
    }

    /// A cookie that the service does not know is of no more use.
    pub(crate) fn refused(&self, refusal: Refusal) -> Refusal {
        if self.taken && refusal.status == StatusCode::UNAUTHORIZED {
            return refusal.with_header("set-cookie", ENDED);
        }
        refusal
    }
}

fn leaves_out(body: Option<&Value>, field: &str) -> bool {
    match body {
        None => true,
        Some(Value::Object(fields)) => fields.get(field).is_none_or(Value::is_null),
        Some(_) => false,
    }
}

/// Whether the cookie was sent, and the token in it. Two of one name cannot come from a browser that we told to keep one,
/// and nobody can say which is meant; bytes that no cookie of ours has are not passed on.
fn find(headers: &HeaderMap) -> (bool, Option<&str>) {
    let lines = headers.get_all(header::COOKIE);
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(NAME.as_bytes())?;
        value.strip_prefix(b"=")
    });
    let (first, second) = (values.next(), values.next());
    let only = first.filter(|value| second.is_none() && is_token(value));
    (first.is_some(), only.and_then(|value| std::str::from_utf8(value).ok()))
}

/// The bytes that may stand in a cookie as they are (RFC 6265, section 4.1.1), at least one.
fn is_token(value: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\",;\\".contains(byte);
    !value.is_empty() && value.iter().all(plain)
}

/// Whether a page that may call sends the cookie on purpose.
fn admits(request: &HttpRequest, origins: &Origins) -> Result<(), Refusal> {
    let headers = request.headers();
    if !headers.contains_key(REQUESTED_WITH) {
        let message = format!("The cookie counts only beside the header {BESIDE}: send it, with any value");
        return Err(Fault::forbidden(message).into());
    }
    let own_site = || {
        let mut sites = headers.get_all(FETCH_SITE);
        sites.all(|site| site == "same-origin" || site == "none")
    };
    if origins.names(request) || (origins.admits(request) && own_site()) {
        return Ok(());
    }
    Err(Fault::forbidden("The cookie does not count for pages of other sites").into())
}

/// Takes the field's value out of an answer; one that is not there, as where a second factor is due, sets no cookie.
fn move_out(field: &FieldDescriptor, answer: Bytes, seconds: u64) -> Result<(Bytes, Option<HeaderValue>), Fault> {
    let mut message =
        DynamicMessage::decode(field.parent_message().clone(), answer.clone()).map_err(Fault::internal)?;
    let value = message.get_field(field).into_owned();
    let FieldValue::String(token) = value else {
        return Ok((answer, None));
    };
    if token.is_empty() {
        return Ok((answer, None));
    }
    if !is_token(token.as_bytes()) {
        let why = format!("the value of {} cannot stand in a cookie", field.full_name());
        return Err(Fault::internal(why));
    }
    message.clear_field(field);
    let cookie = format!("{NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(Fault::internal)?;
    cookie.set_sensitive(true);
    Ok((message.encode_to_vec().into(), Some(cookie)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn found(lines: &[&[u8]]) -> (bool, Option<String>) {
        let mut request = TestRequest::default();
        for line in lines {
            request = request.append_header((header::COOKIE, HeaderValue::from_bytes(line).unwrap()));
        }
        let request = request.to_http_request();
        let (sent, value) = find(request.headers());
        (sent, value.map(str::to_owned))
    }

    #[test]
    fn the_one_cookie_is_found_among_others() {
        let token = |text: &str| (true, Some(text.to_owned()));
        assert_eq!(found(&[b"__Host-hostelpulse-refresh=abc"]), token("abc"));
        assert_eq!(found(&[b"a=b; __Host-hostelpulse-refresh=a=b-_.; c"]), token("a=b-_."));
        assert_eq!(found(&[b"a=b", b" __Host-hostelpulse-refresh=abc "]), token("abc"));
        for other in [
            &b""[..],
            b"a=b",
            b"__host-hostelpulse-refresh=abc",
            b"__Host-hostelpulse-refresh2=abc",
            b"x__Host-hostelpulse-refresh=abc",
            b"__Host-hostelpulse-refresh",
            b"a=\"; b=__Host-hostelpulse-refresh=abc",
        ] {
            assert_eq!(found(&[other]), (false, None), "{other:?}");
        }
    }

    #[test]
    fn an_odd_or_ambiguous_cookie_holds_no_token() {
        for odd in [
            &b"__Host-hostelpulse-refresh="[..],
            b"__Host-hostelpulse-refresh=\"abc\"",
            b"__Host-hostelpulse-refresh=a b",
            b"__Host-hostelpulse-refresh=a\tb",
            b"__Host-hostelpulse-refresh=a,b",
            b"__Host-hostelpulse-refresh=a\\b",
            b"__Host-hostelpulse-refresh=\xff\xfe",
            b"__Host-hostelpulse-refresh=\xc3\xa9",
            b"__Host-hostelpulse-refresh=abc; __Host-hostelpulse-refresh=abc",
        ] {
            assert_eq!(found(&[odd]), (true, None), "{odd:?}");
        }
        let two: [&[u8]; 2] = [b"__Host-hostelpulse-refresh=abc", b"__Host-hostelpulse-refresh=def"];
        assert_eq!(found(&two), (true, None));
    }
}
