//! What a guardian reads: the letter, and the pages behind its link.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use kit::{
    mail,
    template::{self, Value},
};
use url::Url;
use uuid::Uuid;

use crate::{
    domain::{Leave, Student},
    operations::App,
};

const SUBJECT: &str = "May {{name}} be away from {{from}} to {{to}}?";
const LETTER_TEXT: &str = include_str!("../../../templates/guardian.txt");
const LETTER_HTML: &str = include_str!("../../../templates/guardian.html");
const QUESTION: &str = include_str!("../../../templates/question.html");
const ANSWERED: &str = include_str!("../../../templates/answered.html");

/// What all of them say.
struct Told {
    name: String,
    from: String,
    to: String,
    days: String,
}

impl Told {
    fn of(leave: &Leave, student: Option<&Student>) -> Self {
        let days = leave.days.count();
        Self {
            name: student.map_or_else(|| "the student".to_owned(), |student| student.name.clone()),
            from: in_words(leave.days.from()),
            to: in_words(leave.days.to()),
            days: if days == 1 {
                "1 day".to_owned()
            } else {
                format!("{days} days")
            },
        }
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            ("name", &self.name),
            ("from", &self.from),
            ("to", &self.to),
            ("days", &self.days),
        ]
    }
}

/// The page with the question and its two buttons.
pub(super) fn question(app: &App, leave: &Leave, student: Option<&Student>, expires_at: DateTime<Utc>) -> String {
    let (told, until) = (Told::of(leave, student), moment(expires_at, app.timezone));
    let mut values = told.values();
    values.extend([("place", leave.details.place_of_visit.as_str()), ("until", &until)]);
    template::html(QUESTION, &values)
}

/// The page after the answer.
pub(super) fn answered(leave: &Leave, student: Option<&Student>, agrees: bool) -> String {
    let told = Told::of(leave, student);
    let mut values = told.values();
    values.push(("answer", if agrees { "You agree" } else { "You do not agree" }));
    template::html(ANSWERED, &values)
}

/// The letter with the link.
pub(super) fn letter(
    app: &App,
    id: Uuid,
    (to, token): (&str, &str),
    leave: &Leave,
    student: Option<&Student>,
    expires_at: DateTime<Utc>,
) -> mail::Letter {
    let (told, until) = (Told::of(leave, student), moment(expires_at, app.timezone));
    let link = link(&app.public_url, token);
    let mut values = told.values();
    values.extend([("link", link.as_str()), ("until", &until)]);
    mail::Letter {
        id,
        to: to.to_owned(),
        subject: template::text(SUBJECT, &values),
        text: template::text(LETTER_TEXT, &values),
        html: Some(template::html(LETTER_HTML, &values)),
    }
}

fn link(public_url: &Url, token: &str) -> Url {
    let mut url = public_url.clone();
    // The base is an http address (checked when it is read), which always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["guardian", token]);
    }
    url
}

fn in_words(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

fn moment(at: DateTime<Utc>, timezone: Tz) -> String {
    // With its zone: a guardian may live in another.
    at.with_timezone(&timezone).format("%-d %B %Y, %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_one_that_is_filled() {
        let told = ["name", "from", "to", "days"];
        for (template, own) in [
            (SUBJECT, vec![]),
            (LETTER_TEXT, vec!["link", "until"]),
            (LETTER_HTML, vec!["link", "until"]),
            (QUESTION, vec!["place", "until"]),
            (ANSWERED, vec!["answer"]),
        ] {
            for name in template::placeholders(template) {
                assert!(told.contains(&name) || own.contains(&name), "{name} in {template}");
            }
            for name in own {
                assert!(
                    template::placeholders(template).contains(&name),
                    "no {name} in {template}"
                );
            }
        }
    }

    #[test]
    fn pages_have_no_script_and_letters_no_place() {
        for page in [QUESTION, ANSWERED, LETTER_HTML] {
            assert!(!page.contains("<script") && !page.contains("javascript:"), "{page}");
        }
        // A letter is read on its way: it says no more than it must.
        assert!(!LETTER_TEXT.contains("{{place}}") && !LETTER_HTML.contains("{{place}}"));
    }

    #[test]
    fn a_link_keeps_the_path_before_it() {
        let link_at = |base: &str| link(&base.parse().unwrap(), "a-b_c").to_string();
        assert_eq!(
            link_at("https://hostel.example"),
            "https://hostel.example/guardian/a-b_c"
        );
        assert_eq!(
            link_at("https://example.org/hostel/"),
            "https://example.org/hostel/guardian/a-b_c"
        );
    }

    #[test]
    fn days_are_told_in_words() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 3).unwrap();
        assert_eq!(in_words(day), "3 December 2026");
        let at = "2026-12-03T20:00:00Z".parse().unwrap();
        assert_eq!(moment(at, chrono_tz::Asia::Kolkata), "4 December 2026, 01:30 IST");
    }
}
