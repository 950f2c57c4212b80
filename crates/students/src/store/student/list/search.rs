//! Finding students by the beginnings of words.

use sea_orm::{
    ColumnTrait as _, DbBackend, QueryFilter as _, Select,
    sea_query::{Expr, ExprTrait as _, IntoColumnRef, Query, SelectStatement, SimpleExpr},
};

use super::{
    super::{Column, Entity, student_word},
    Filter,
};

/// How those with the words of a search are found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Search {
    /// By the words: right where few have them.
    ByWords,
    /// By looking at each in the order of the list until the page is full: right where many have them.
    InOrder,
}

pub(super) fn searched(
    mut wanted: Select<Entity>,
    filter: &Filter,
    search: Search,
    backend: DbBackend,
) -> Select<Entity> {
    match found(&filter.terms) {
        Some(found) if search == Search::ByWords => wanted.filter(is_among(found, backend)),
        _ => {
            for term in &filter.terms {
                wanted = wanted.filter(has_word(term, (Entity, Column::Id)));
            }
            wanted
        }
    }
}

/// The ids of those who have words for all of these beginnings, each once; `None` where nothing is searched for. Whoever was
/// erased has no words.
pub(super) fn found(terms: &[String]) -> Option<SelectStatement> {
    // The longest begins the fewest words.
    let (place, longest) = terms.iter().enumerate().max_by_key(|(_, term)| term.len())?;
    let mut found = Query::select();
    found
        .column((FOUND, student_word::Column::StudentId))
        .from_as(student_word::Entity, FOUND)
        .and_where(begins_with(FOUND, longest))
        .and_where(is_first(FOUND, longest));
    for (other, term) in terms.iter().enumerate() {
        if other != place {
            found.and_where(has_word(term, (FOUND, student_word::Column::StudentId)));
        }
    }
    Some(found)
}

/// What the table is called where students are found by it, and where it is asked about one.
const FOUND: &str = "found";
const OWN: &str = "own";

fn is_among(found: SelectStatement, backend: DbBackend) -> SimpleExpr {
    if backend == DbBackend::Postgres {
        // Found first and then looked up by id: it would rather read all students than trust that these are few.
        let found = Expr::SubQuery(None, Box::new(found.into()));
        Expr::cust_with_expr("student.id = ANY (ARRAY $1)", found)
    } else {
        Column::Id.in_subquery(found)
    }
}

/// Whether a student has a word that begins so.
fn has_word(term: &str, student: impl IntoColumnRef) -> SimpleExpr {
    let mut words = Query::select();
    words
        .column((OWN, student_word::Column::StudentId))
        .from_as(student_word::Entity, OWN)
        .and_where(begins_with(OWN, term))
        .and_where(Expr::col((OWN, student_word::Column::StudentId)).eq(Expr::col(student)));
    Expr::exists(words)
}

/// A range of the index: no character of the text means anything but itself.
fn begins_with(table: &'static str, text: &str) -> SimpleExpr {
    let word = || Expr::col((table, student_word::Column::Word));
    let from = word().gte(text);
    match end_of_range(text) {
        Some(end) => from.and(word().lt(end)),
        None => from,
    }
}

/// Whether a word is the first of its student's that begins so: it does not share as much with the one before it.
fn is_first(table: &'static str, text: &str) -> SimpleExpr {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Expr::col((table, student_word::Column::Shared)).lt(length)
}

/// The first text behind all that begin with this one; `None` where there is none behind them.
fn end_of_range(text: &str) -> Option<String> {
    let mut before: Vec<char> = text.chars().collect();
    while let Some(last) = before.pop() {
        // Bytes of UTF-8 sort as the characters do. Between the two halves of a range of characters lie those that are none.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            before.push(next);
            return Some(before.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_range_holds_what_begins_so_and_nothing_else(text in "\\PC{1,6}", other in "\\PC{0,8}") {
            let end = end_of_range(&text);
            let holds = |word: &str| word >= text.as_str() && end.as_deref().is_none_or(|end| word < end);
            prop_assert_eq!(holds(&other), other.starts_with(&text));
            let longer = format!("{text}{other}");
            prop_assert!(holds(&longer));
        }
    }

    #[test]
    fn the_ends_of_what_characters_there_are() {
        assert_eq!(end_of_range("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(end_of_range("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(end_of_range("\u{10ffff}"), None);
    }
}
