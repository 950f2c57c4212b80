//! A field of a request that says which form of a file is wanted, and the header `Accept` that says it where the request does not.

use actix_web::http::header::{self, HeaderMap};
use kit::contract;
use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};
use proto::options::{Accept, AcceptForm};

use crate::input::Pairs;

/// Ranges of a header beyond this are not looked at.
const MOST_RANGES: usize = 64;
/// What an rpc answers in that no parameter of the query chooses.
const JSON: &str = "application/json";

/// What the contract says of the header at one rpc, checked.
pub(crate) struct Rule {
    field: String,
    /// One without a value is what the rpc, or another one of its path, does by itself.
    forms: Vec<AcceptForm>,
}

impl Rule {
    /// Refuses a rule that does not fit the rpc, the parameters in its path, or the one of the query that chooses it.
    pub(crate) fn read(
        method: &MethodDescriptor,
        in_path: &[String],
        when: Option<&(String, String)>,
        accept: &Accept,
    ) -> Result<Self, String> {
        let name = &accept.field;
        let field = method.input().get_field_by_name(name);
        let is_text = |field: &FieldDescriptor| field.kind() == Kind::String && !field.is_list();
        let field = field.filter(|field| is_text(field) && (when.is_some() || field.supports_presence()));
        let field = field.ok_or_else(|| format!("`accept` names {name:?}, which is no optional text field"))?;
        if in_path.contains(name) {
            return Err(format!("`accept` names {name:?}, which is given by the path"));
        }
        match (when, accept.forms.as_slice()) {
            (None, [] | [_]) => return Err("`accept` leaves nothing to choose".to_owned()),
            (Some((chosen, value)), [form]) if chosen == name && *value == form.value => {}
            (Some(_), _) => return Err("`accept` must name the one form that `when` chooses".to_owned()),
            (None, _) => {}
        }
        let allowed = contract::field_rule(&field).one_of;
        for form in &accept.forms {
            if form
                .media_type
                .split_once('/')
                .is_none_or(|(kind, of_it)| kind.is_empty() || of_it.is_empty())
            {
                return Err(format!("`accept` names {:?}, which is no media type", form.media_type));
            }
            if !allowed.contains(&form.value) {
                return Err(format!(
                    "`accept` gives {name:?} the value {:?}, which it may not have",
                    form.value
                ));
            }
        }
        let by_itself = when.map(|_| AcceptForm {
            media_type: JSON.to_owned(),
            value: String::new(),
        });
        Ok(Self {
            field: name.clone(),
            forms: by_itself.into_iter().chain(accept.forms.iter().cloned()).collect(),
        })
    }

    /// Whether the header chooses a form, where the query itself says nothing of it.
    pub(crate) fn chooses(&self, headers: &HeaderMap, query: &Pairs) -> bool {
        self.chosen(headers, query).is_some()
    }

    /// Says in the query what the header asks for, where the query itself says nothing of it.
    pub(crate) fn apply(&self, headers: &HeaderMap, query: &mut Pairs) {
        if let Some(form) = self.chosen(headers, query) {
            query.push((self.field.clone(), form.value.clone()));
        }
    }

    fn chosen(&self, headers: &HeaderMap, query: &Pairs) -> Option<&AcceptForm> {
        let is_left_out = query.iter().all(|(name, _)| *name != self.field);
        let preferred = self.preferred(headers).filter(|_| is_left_out);
        preferred.filter(|form| !form.value.is_empty())
    }

    /// The form that the header prefers: by weight, then by how exactly it is named, then in the order of the contract. None where
    /// the header names none of them: what the rpc does by itself is the best answer then.
    fn preferred(&self, headers: &HeaderMap) -> Option<&AcceptForm> {
        let lines = headers.get_all(header::ACCEPT).filter_map(|line| line.to_str().ok());
        let ranges: Vec<Range<'_>> = lines
            .flat_map(|line| line.split(','))
            .take(MOST_RANGES)
            .filter_map(Range::read)
            .collect();
        let wanted = self.forms.iter().filter_map(|form| {
            // The most exact range that fits a form is the one that speaks of it.
            let of_it = ranges.iter().filter(|range| range.covers(&form.media_type));
            let range = of_it.max_by_key(|range| range.exactness())?;
            (range.weight > 0).then_some((range.weight, range.exactness(), form))
        });
        // Of several that are wanted as much the first one, which is the last in reverse.
        let wanted: Vec<_> = wanted.collect();
        let best = wanted
            .iter()
            .rev()
            .max_by_key(|(weight, exactness, _)| (*weight, *exactness));
        best.map(|(_, _, form)| *form)
    }
}

/// One range of media types in the header.
struct Range<'a> {
    kind: &'a str,
    of_it: &'a str,
    /// In thousandths.
    weight: u32,
}

impl<'a> Range<'a> {
    /// What is not written as it should be says nothing.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, of_it) = parts.next()?.split_once('/')?;
        let mut parameters = parts.filter_map(|part| part.split_once('='));
        let weight = match parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
            Some((_, text)) => thousandths(text.trim())?,
            None => 1000,
        };
        Some(Self { kind, of_it, weight })
    }

    fn covers(&self, media_type: &str) -> bool {
        let Some((kind, of_it)) = media_type.split_once('/') else {
            return false;
        };
        match (self.kind, self.of_it) {
            ("*", "*") => true,
            (same, "*") => same.eq_ignore_ascii_case(kind),
            (same, exact) => same.eq_ignore_ascii_case(kind) && exact.eq_ignore_ascii_case(of_it),
        }
    }

    fn exactness(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.of_it != "*")
    }
}

/// A weight, `0` to `1` with at most three digits behind the point.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let is_number = behind.len() <= 3 && behind.bytes().all(|digit| digit.is_ascii_digit());
    let behind: u32 = format!("{behind:0<3}").parse().ok().filter(|_| is_number)?;
    match whole {
        "0" => Some(behind),
        "1" if behind == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn preferred(lines: &[&str]) -> Option<String> {
        let form = |media_type: &str, value: &str| AcceptForm {
            media_type: media_type.to_owned(),
            value: value.to_owned(),
        };
        let rule = Rule {
            field: "format".to_owned(),
            forms: vec![form("image/png", "png"), form("image/svg+xml", "svg")],
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_str(line).unwrap());
        }
        rule.preferred(&headers).map(|form| form.value.clone())
    }

    #[test]
    fn beside_another_rpc_a_form_must_be_preferred_to_json() {
        let form = |media_type: &str, value: &str| AcceptForm {
            media_type: media_type.to_owned(),
            value: value.to_owned(),
        };
        let rule = Rule {
            field: "format".to_owned(),
            forms: vec![form(JSON, ""), form("text/calendar", "ics")],
        };
        for (line, wanted) in [
            ("text/calendar", true),
            ("text/*", true),
            ("text/calendar, application/json;q=0.9", true),
            ("text/calendar, */*;q=0.1", true),
            ("application/json, text/calendar", false),
            ("*/*", false),
            ("text/html,*/*;q=0.8", false),
            ("text/html", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
            let mut query = vec![("from".to_owned(), "2026-12-01".to_owned())];
            assert_eq!(rule.chooses(&headers, &query), wanted, "{line}");
            rule.apply(&headers, &mut query);
            assert_eq!(
                query.contains(&("format".to_owned(), "ics".to_owned())),
                wanted,
                "{line}"
            );
            let mut query = vec![("format".to_owned(), "json".to_owned())];
            assert!(!rule.chooses(&headers, &query), "the query was plain: {line}");
            rule.apply(&headers, &mut query);
            assert_eq!(query.len(), 1);
        }
    }

    #[test]
    fn the_header_decides_by_weight_and_exactness() {
        for (line, form) in [
            ("image/svg+xml", Some("svg")),
            ("image/png", Some("png")),
            ("IMAGE/SVG+XML", Some("svg")),
            ("image/*", Some("png")),
            ("*/*", Some("png")),
            ("image/svg+xml, */*", Some("svg")),
            ("image/svg+xml, image/png", Some("png")),
            ("image/svg+xml, image/png;q=0.9", Some("svg")),
            ("image/svg+xml ; q=0.5 , image/*;q=0.6", Some("png")),
            ("image/png;q=0, */*", Some("svg")),
            ("image/svg+xml;q=0.001", Some("svg")),
            (
                "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
                Some("png"),
            ),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some("png")),
            ("image/svg+xml;charset=utf-8;q=0.3, image/png;q=0.2", Some("svg")),
            ("image/png;q=0", None),
            ("text/html", None),
            ("image/svg+xml;q=2, image/png;q=0.0001, image", None),
            ("image/svg+xml;q=, image/png;q=0.+1", None),
            ("", None),
        ] {
            assert_eq!(preferred(&[line]).as_deref(), form, "{line}");
        }
        assert_eq!(preferred(&[]), None);
        assert_eq!(preferred(&["text/html", "image/svg+xml"]).as_deref(), Some("svg"));
        let many = format!("{}image/svg+xml", "text/html,".repeat(64));
        assert_eq!(preferred(&[&many]), None, "the end of a long header is not looked at");
    }
}
