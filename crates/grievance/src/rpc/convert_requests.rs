//! Requests as the domain's words. What does not parse is named, all of it at once.

use kit::{
    Fault,
    fault::Fields,
    page::{Order, Paging},
};
use proto::grievance::{
    GrievanceCategory, GrievancePriority, GrievanceStatus, ListGrievanceHistoryRequest, ListGrievancesRequest,
    RaiseGrievanceRequest, RateGrievanceRequest, ReopenGrievanceRequest, ResolveGrievanceRequest,
    UpdateGrievanceRequest,
};

use super::convert::{noted, page_of, text};
use crate::{
    Config,
    domain::{Priority, Status, TicketRef},
    operations::{
        change::{Assignee, Wish},
        raise::NewGrievance,
        read::Query,
    },
    store::ticket::list::{Filter, SortBy},
};

const DESCRIPTION: (usize, usize) = (10, 5000);
const COMMENTS: (usize, usize) = (1, 2000);
const RATING_COMMENT: (usize, usize) = (1, 1000);
const LONGEST_SEARCH: usize = 100;
const LONGEST_CATEGORY: usize = 50;

pub(crate) fn raised(request: &RaiseGrievanceRequest, config: &Config) -> Result<NewGrievance, Fault> {
    let mut fields = Fields::default();
    let category = config.categories.get(&request.category);
    let known = || {
        config
            .categories
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let expected = || format!("must be one of: {}", known());
    let named = fields.take("category", category.ok_or_else(expected));
    let sub_category = request.sub_category.clone().filter(|name| !name.is_empty());
    if let (Some(category), Some(name)) = (named, &sub_category)
        && !category.sub_categories.contains(name)
    {
        fields.wrong("sub_category", one_of(&category.sub_categories));
    }
    let priority = fields.take("priority", priority(&request.priority));
    let description = text(&mut fields, "description", &request.description, DESCRIPTION);
    let (Some(category), Some(priority), Some(description), true) = (named, priority, description, fields.is_empty())
    else {
        return Err(fields.fault());
    };
    Ok(NewGrievance {
        category: request.category.clone(),
        sub_category,
        priority,
        description,
        sensitive: category.sensitive || request.sensitive(),
    })
}

fn one_of(names: &[String]) -> String {
    if names.is_empty() {
        return "must be left out: the category has none".to_owned();
    }
    format!("must be one of: {}", names.join(", "))
}

fn priority(name: &str) -> Result<Priority, &'static str> {
    Priority::parse(name).ok_or("must be one of: high, medium, low")
}

pub(crate) fn wish(request: &UpdateGrievanceRequest) -> Result<(TicketRef, Wish), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(&request.id));
    let status = fields.take("status", request.status.as_deref().map(status).transpose());
    let priority = fields.take("priority", request.priority.as_deref().map(priority).transpose());
    let assigned_to = fields.take("assigned_to", request.assigned_to.as_deref().map(assignee).transpose());
    let version = fields.take("version", request.version.map(version).transpose());
    let (Some(ticket), Some(status), Some(priority), Some(assigned_to), Some(version)) =
        (ticket, status, priority, assigned_to, version)
    else {
        return Err(fields.fault());
    };
    let wish = Wish {
        status,
        priority,
        assigned_to,
        version,
    };
    Ok((ticket, wish))
}

fn status(name: &str) -> Result<Status, &'static str> {
    let settable = [Status::Open, Status::InProgress, Status::Waiting, Status::Resolved];
    let status = settable.into_iter().find(|status| status.as_str() == name);
    status.ok_or("must be one of: open, in_progress, waiting, resolved")
}

fn assignee(text: &str) -> Result<Assignee, &'static str> {
    match text {
        "" => Ok(Assignee::Nobody),
        text => kit::id::parse(text).map(Assignee::Staff),
    }
}

fn version(version: i64) -> Result<i64, &'static str> {
    if version < 1 {
        return Err("must be at least 1");
    }
    Ok(version)
}

pub(crate) fn resolved(request: &ResolveGrievanceRequest) -> Result<(TicketRef, String), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(&request.id));
    let comments = text(&mut fields, "comments", &request.comments, COMMENTS);
    ticket.zip(comments).ok_or_else(|| fields.fault())
}

pub(crate) fn reopened(request: &ReopenGrievanceRequest) -> Result<(TicketRef, Option<String>), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(&request.id));
    let comments = given(request.comments.as_deref()).and_then(|given| text(&mut fields, "comments", given, COMMENTS));
    match ticket {
        Some(ticket) if fields.is_empty() => Ok((ticket, comments)),
        _ => Err(fields.fault()),
    }
}

pub(crate) fn rated(request: &RateGrievanceRequest) -> Result<(TicketRef, (u8, Option<String>)), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(&request.id));
    let stars = u8::try_from(request.rating)
        .ok()
        .filter(|stars| (1..=5).contains(stars));
    let stars = fields.take("rating", stars.ok_or("must be a whole number from 1 to 5"));
    let comment = given(request.comment.as_deref());
    let comment = comment.and_then(|given| text(&mut fields, "comment", given, RATING_COMMENT));
    match ticket.zip(stars) {
        Some((ticket, stars)) if fields.is_empty() => Ok((ticket, (stars, comment))),
        _ => Err(fields.fault()),
    }
}

/// A form sends a field that was left empty as an empty text.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

pub(crate) fn query(request: &ListGrievancesRequest) -> Result<Query, Fault> {
    let mut fields = Fields::default();
    let sort_by = fields.take("sort_by", sort_by(request.sort_by.as_deref()));
    let status = fields.take("status", request.status.map(wanted_status).transpose());
    let priority = fields.take("priority", request.priority.map(wanted_priority).transpose());
    let staff = fields.take(
        "assigned_to",
        request.assigned_to.as_deref().map(kit::id::parse).transpose(),
    );
    let search = fields.take("search", line(request.search.as_deref(), LONGEST_SEARCH));
    let category = fields.take("category", line(request.category.as_deref(), LONGEST_CATEGORY));
    let usual = if sort_by == Some(SortBy::DueAt) {
        Order::Ascending
    } else {
        Order::Descending
    };
    let order = noted(&mut fields, Order::parse(request.order.as_deref(), usual));
    let paging = noted(&mut fields, Paging::new(request.page, request.limit));
    let (Some(sort), Some(status), Some(priority), Some(assigned_to), Some(search), Some(category), Some(paging)) =
        (sort_by.zip(order), status, priority, staff, search, category, paging)
    else {
        return Err(fields.fault());
    };
    Ok(Query {
        filter: Filter {
            status: status.flatten(),
            priority: priority.flatten(),
            category,
            assigned_to,
            search,
            overdue: request.overdue,
        },
        sort,
        paging,
    })
}

pub(crate) fn history(request: &ListGrievanceHistoryRequest) -> Result<(TicketRef, Paging), Fault> {
    page_of(&request.id, request.page, request.limit)
}

fn sort_by(name: Option<&str>) -> Result<SortBy, &'static str> {
    match name {
        None | Some("created_at") => Ok(SortBy::CreatedAt),
        Some("updated_at") => Ok(SortBy::UpdatedAt),
        Some("due_at") => Ok(SortBy::DueAt),
        Some("priority") => Ok(SortBy::Priority),
        Some(_) => Err("must be one of: created_at, updated_at, due_at, priority"),
    }
}

/// Filter of a list: an unspecified one is none.
fn wanted_status(number: i32) -> Result<Option<Status>, &'static str> {
    match GrievanceStatus::try_from(number) {
        Ok(GrievanceStatus::Unspecified) => Ok(None),
        Ok(GrievanceStatus::Open) => Ok(Some(Status::Open)),
        Ok(GrievanceStatus::InProgress) => Ok(Some(Status::InProgress)),
        Ok(GrievanceStatus::Waiting) => Ok(Some(Status::Waiting)),
        Ok(GrievanceStatus::Resolved) => Ok(Some(Status::Resolved)),
        Ok(GrievanceStatus::Closed) => Ok(Some(Status::Closed)),
        Ok(GrievanceStatus::Merged) => Ok(Some(Status::Merged)),
        Err(_) => Err("must be one of: open, in_progress, waiting, resolved, closed, merged"),
    }
}

fn wanted_priority(number: i32) -> Result<Option<Priority>, &'static str> {
    match GrievancePriority::try_from(number) {
        Ok(GrievancePriority::Unspecified) => Ok(None),
        Ok(GrievancePriority::High) => Ok(Some(Priority::High)),
        Ok(GrievancePriority::Medium) => Ok(Some(Priority::Medium)),
        Ok(GrievancePriority::Low) => Ok(Some(Priority::Low)),
        Err(_) => Err("must be one of: high, medium, low"),
    }
}

/// One line that is looked for; nothing where it is blank.
fn line(text: Option<&str>, longest: usize) -> Result<Option<String>, String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > longest => Err(format!("must be at most {longest} characters")),
        Some(text) if text.contains(char::is_control) => Err("must not contain control characters".to_owned()),
        text => Ok(text.map(str::to_owned)),
    }
}

/// What a grievance may be about.
pub(crate) fn categories(config: &Config) -> Vec<GrievanceCategory> {
    let category = |(name, category): (&String, &crate::config::Category)| GrievanceCategory {
        name: name.clone(),
        sub_categories: category.sub_categories.clone(),
        sensitive: category.sensitive,
    };
    config.categories.iter().map(category).collect()
}
