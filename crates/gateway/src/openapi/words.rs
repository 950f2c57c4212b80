//! Comments of the protos as sentences for people.

use kit::contract;
use prost_reflect::{FieldDescriptor, FileDescriptor, MethodDescriptor};
use proto::options::Access;

use super::bindings::Rpc;

/// The comment before a definition, its line breaks within a paragraph taken out.
pub(super) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let text = contract::comment(file, path);
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let is_list = paragraph.lines().any(|line| line.starts_with(['-', '*', '|']));
        if is_list {
            paragraph.to_owned()
        } else {
            paragraph.replace('\n', " ")
        }
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// What the service of an rpc is called: `Users`; `auth.Sessions` where other packages have Sessions too.
pub(super) fn service(method: &MethodDescriptor) -> String {
    let service = method.parent_service();
    let name = service.name();
    let mut all = method.parent_pool().services();
    let is_shared = all.any(|other| other.name() == name && other != *service);
    match contract::owner(method).filter(|_| is_shared) {
        Some(owner) => format!("{owner}.{name}"),
        None => name.to_owned(),
    }
}

pub(super) fn of_field(field: &FieldDescriptor) -> String {
    comment(&field.parent_message().parent_file(), field.path())
}

/// The first sentence without its full stop, and the rest.
pub(super) fn split_summary(comment: &str) -> (String, String) {
    let end = comment.find(". ").map(|at| at + 1).into_iter();
    let end = end.chain(comment.find("\n\n")).min().unwrap_or(comment.len());
    let (first, rest) = comment.split_at(end);
    (first.trim_end_matches('.').to_owned(), rest.trim().to_owned())
}

/// The name of a field as part of the name of a schema: `own_room` as `OwnRoom`.
pub(super) fn pascal(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// "Who may: admin, warden."
pub(super) fn who_may(access: &Access) -> String {
    if access.public {
        return "Who may: anybody, also without a token.".to_owned();
    }
    if access.authenticated {
        return "Who may: anybody who is signed in.".to_owned();
    }
    format!("Who may: {}.", roles(access).join(", "))
}

/// The roles by their names in JSON.
pub(super) fn roles(access: &Access) -> Vec<String> {
    let names = access.roles().map(|role| role.as_str_name().to_ascii_lowercase());
    names.collect()
}

/// `5 failures/minute/ip+identifier` as "5 failures a minute by ip and identifier".
pub(super) fn limits(rpc: &Rpc) -> Option<String> {
    let lines = rpc.options.limits.iter().map(|line| {
        let mut parts = line.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(count), Some(period), Some(keys)) => {
                let article = if period.starts_with('h') { "an" } else { "a" };
                let what = if count.ends_with("failures") { "" } else { " calls" };
                format!("{count}{what} {article} {period} by {}", keys.replace('+', " and "))
            }
            // The gateway refuses to start with such a line.
            _ => line.clone(),
        }
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| format!("Limits: {}.", lines.join("; ")))
}
