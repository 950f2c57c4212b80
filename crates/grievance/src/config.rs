//! The section `grievance` of the configuration.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use proto::options::Role;
use serde::{Deserialize, Serialize};

use crate::domain::{Calendar, Priority, Ticket};

/// How grievances are worked on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a grievance may be about. Given, it takes the place of all the usual ones.
    pub categories: BTreeMap<String, Category>,
    /// When one of high priority is due, in working hours after it was raised.
    pub high_hours: u32,
    /// The same of medium priority.
    pub medium_hours: u32,
    /// The same of low priority.
    pub low_hours: u32,
    /// When the hostel works.
    pub calendar: Workdays,
    /// How long after it was resolved the student may reopen it, in days.
    pub reopen_days: u32,
    /// The roles that are told who raised a sensitive one.
    pub sensitive_roles: Vec<String>,
    /// Who is told of an overdue one: the first when it is, each next one a while later. Of a sensitive one those among them who may
    /// see it.
    pub escalation: Vec<String>,
    /// How long that while is, in working hours.
    pub escalate_after_hours: u32,
    /// How often overdue ones are looked for, in seconds.
    pub look_every_seconds: u32,
    /// How long links to pictures are good, in minutes.
    pub link_minutes: u32,
    /// So many grievances of a room within `recurring_days` are told of as recurring.
    pub recurring_count: u32,
    /// Within so many days.
    pub recurring_days: u32,
}

/// Something that a grievance may be about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Category {
    /// What there is of it, more exactly.
    pub sub_categories: Vec<String>,
    /// Everything of it is sensitive.
    pub sensitive: bool,
}

/// When the hostel works, in its time zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workdays {
    /// When a working day begins, `09:00`.
    pub begins: String,
    /// When it ends, `17:00`; `24:00` for midnight.
    pub ends: String,
    /// The days of the week that are worked, `mon` to `sun`.
    pub days: Vec<String>,
    /// Days on which nobody works, `2026-12-25`.
    pub holidays: Vec<NaiveDate>,
}

impl Default for Config {
    fn default() -> Self {
        let usual = [
            ("electrical", ["light", "fan", "socket", "switch", "geyser"].as_slice()),
            ("plumbing", &["tap", "shower", "toilet", "drain", "water_supply"]),
            ("cleaning", &["room", "washroom", "corridor", "waste", "pests"]),
            (
                "furniture",
                &["bed", "mattress", "chair", "table", "cupboard", "door", "window"],
            ),
            ("internet", &["wifi", "lan", "speed", "account"]),
            ("food", &["quality", "hygiene", "timing", "menu", "drinking_water"]),
            ("security", &["theft", "harassment", "ragging", "access", "safety"]),
            ("other", &[]),
        ];
        let category = |(name, subs): (&str, &[&str])| {
            let category = Category {
                sub_categories: subs.iter().map(|sub| (*sub).to_owned()).collect(),
                sensitive: name == "security",
            };
            (name.to_owned(), category)
        };
        Self {
            categories: usual.into_iter().map(category).collect(),
            high_hours: 24,
            medium_hours: 72,
            low_hours: 168,
            calendar: Workdays::default(),
            reopen_days: 7,
            sensitive_roles: vec!["warden".to_owned(), "admin".to_owned()],
            escalation: vec!["staff".to_owned(), "warden".to_owned(), "admin".to_owned()],
            escalate_after_hours: 24,
            look_every_seconds: 30,
            link_minutes: 60,
            recurring_count: 3,
            recurring_days: 90,
        }
    }
}

impl Default for Workdays {
    fn default() -> Self {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        Self {
            begins: "00:00".to_owned(),
            ends: "24:00".to_owned(),
            days: days.map(str::to_owned).to_vec(),
            holidays: Vec::new(),
        }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let whole = [
            ("high_hours", self.high_hours, 1, 10_000),
            ("medium_hours", self.medium_hours, 1, 10_000),
            ("low_hours", self.low_hours, 1, 10_000),
            ("reopen_days", self.reopen_days, 0, 366),
            ("escalate_after_hours", self.escalate_after_hours, 1, 10_000),
            ("look_every_seconds", self.look_every_seconds, 1, 3600),
            ("link_minutes", self.link_minutes, 1, 24 * 60),
            ("recurring_count", self.recurring_count, 2, 1000),
            ("recurring_days", self.recurring_days, 1, 366),
        ];
        for (name, value, least, most) in whole {
            ensure!(
                (least..=most).contains(&value),
                "grievance.{name} must be {least} to {most}"
            );
        }
        ensure!(
            !self.categories.is_empty(),
            "grievance.categories must name one at least"
        );
        for (name, category) in &self.categories {
            let names = category.sub_categories.iter().chain([name]);
            for name in names {
                ensure!(
                    is_plain(name),
                    "grievance.categories: {name:?} must be 1 to 50 of a-z, 0-9 and _"
                );
            }
        }
        let named = roles("sensitive_roles", &self.sensitive_roles)?;
        ensure!(
            named.iter().any(|role| matches!(role, Role::Warden | Role::Admin)),
            "grievance.sensitive_roles must name warden or admin: staff cannot give the work to anybody"
        );
        let chain = roles("escalation", &self.escalation)?;
        ensure!(!chain.is_empty(), "grievance.escalation must name one role at least");
        self.calendar(Tz::UTC).map(drop)
    }

    /// Within how many working hours one of this priority is due.
    pub(crate) fn hours(&self, priority: Priority) -> u32 {
        match priority {
            Priority::High => self.high_hours,
            Priority::Medium => self.medium_hours,
            Priority::Low => self.low_hours,
        }
    }

    /// The roles that are told who raised a sensitive one; those of a configuration that was checked.
    pub(crate) fn sensitive_roles(&self) -> Vec<Role> {
        self.sensitive_roles.iter().filter_map(|name| role(name)).collect()
    }

    /// Who is told of an overdue one, one after the other. Of a sensitive one staff, who see what is assigned to them, and the roles that
    /// are named; where nobody else was to be told, all that are named.
    pub(crate) fn chain(&self, sensitive: bool) -> Vec<&str> {
        let whole = self.escalation.iter().map(String::as_str);
        if !sensitive {
            return whole.collect();
        }
        let is_named = |role: &&str| self.sensitive_roles.iter().any(|named| named == role);
        let chain: Vec<&str> = whole.filter(|role| *role == "staff" || is_named(role)).collect();
        if !chain.is_empty() {
            return chain;
        }
        self.sensitive_roles.iter().map(String::as_str).collect()
    }

    /// The role that was told last of a ticket that is overdue.
    pub(crate) fn told(&self, ticket: &Ticket) -> Option<&str> {
        let chain = self.chain(ticket.sensitive);
        chain.get(usize::from(ticket.timing.escalation)).copied()
    }

    /// When the hostel works.
    pub(crate) fn calendar(&self, timezone: Tz) -> anyhow::Result<Calendar> {
        let Workdays {
            begins,
            ends,
            days,
            holidays,
        } = &self.calendar;
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M");
        let begins = time(begins).context("grievance.calendar.begins must be a time, like 09:00")?;
        let ends = match ends.as_str() {
            "24:00" => None,
            text => Some(time(text).context("grievance.calendar.ends must be a time, like 17:00, or 24:00")?),
        };
        ensure!(
            ends.is_none_or(|ends| begins < ends),
            "grievance.calendar.ends must be after grievance.calendar.begins"
        );
        let midnight = chrono::Duration::days(1);
        let length = ends.map_or(midnight, |ends| ends - NaiveTime::MIN) - (begins - NaiveTime::MIN);
        ensure!(
            length >= chrono::Duration::hours(1),
            "grievance.calendar: a working day must have an hour at least"
        );
        let days: Result<Vec<Weekday>, _> = days.iter().map(|day| day.parse()).collect();
        let days = days.ok().filter(|days| !days.is_empty());
        Ok(Calendar {
            timezone,
            begins,
            ends,
            days: days.context("grievance.calendar.days must be some of mon, tue, wed, thu, fri, sat, sun")?,
            holidays: holidays.clone(),
        })
    }
}

fn roles(field: &str, names: &[String]) -> anyhow::Result<Vec<Role>> {
    let roles: Option<Vec<Role>> = names.iter().map(|name| role(name)).collect();
    roles.with_context(|| format!("grievance.{field} must be some of staff, warden, admin"))
}

/// A role that has to do with grievances of others.
fn role(name: &str) -> Option<Role> {
    match name {
        "staff" => Some(Role::Staff),
        "warden" => Some(Role::Warden),
        "admin" => Some(Role::Admin),
        _ => None,
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=50).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_makes_sense() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong = |spoil: fn(&mut Config)| {
            let mut config = Config::default();
            spoil(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(wrong(|config| config.high_hours = 0).contains("grievance.high_hours"));
        assert!(wrong(|config| config.calendar.ends = "5 pm".to_owned()).contains("calendar.ends"));
        let backwards = wrong(|config| {
            config.calendar.begins = "18:00".to_owned();
            config.calendar.ends = "09:00".to_owned();
        });
        assert!(backwards.contains("must be after"), "{backwards}");
        let short = wrong(|config| config.calendar.begins = "23:30".to_owned());
        assert!(short.contains("an hour at least"), "{short}");
        assert!(wrong(|config| config.calendar.days = vec!["someday".to_owned()]).contains("calendar.days"));
        assert!(wrong(|config| config.escalation = vec!["guard".to_owned()]).contains("grievance.escalation"));
        assert!(wrong(|config| config.categories.clear()).contains("grievance.categories"));
        assert!(wrong(|config| config.sensitive_roles = vec!["staff".to_owned()]).contains("warden or admin"));
    }

    #[test]
    fn of_what_is_sensitive_only_those_are_told_who_may_see_it() {
        let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        for (escalation, named, sensitive) in [
            (
                &["staff", "warden", "admin"][..],
                &["warden", "admin"][..],
                &["staff", "warden", "admin"][..],
            ),
            (&["staff", "warden", "admin"], &["admin"], &["staff", "admin"]),
            (&["warden", "admin"], &["admin"], &["admin"]),
            (&["warden"], &["admin"], &["admin"]),
        ] {
            let config = Config {
                escalation: roles(escalation),
                sensitive_roles: roles(named),
                ..Config::default()
            };
            assert_eq!(config.chain(true), sensitive, "{escalation:?} {named:?}");
            assert_eq!(config.chain(false), escalation);
        }
    }
}
