//! How many students there are.

use kit::access::Caller;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::{
    super::{sees_all, state_name},
    Filter, filtered,
    search::{Search, found, searched},
};
use crate::domain::State;

/// How many students a caller may see whom a filter asks for.
pub(super) async fn count(db: &impl ConnectionTrait, caller: &Caller, filter: &Filter) -> Result<u64, DbErr> {
    let backend = db.get_database_backend();
    let counting = match found(&filter.terms) {
        None if sees_all(caller) && filter.room.is_none() => of_the_tally(filter),
        Some(found) if sees_all(caller) && filter.is_search_alone() => number().from_subquery(found, "found").take(),
        _ => {
            let by_words = !filter.terms.is_empty() && backend == DbBackend::Sqlite;
            let wanted = searched(filtered(caller, filter, by_words), filter, Search::ByWords, backend);
            wanted.select_only().expr_as(Expr::cust(COUNT), NUMBER).into_query()
        }
    };
    let row = db.query_one(&counting).await?;
    let counted: i64 = row.map(|row| row.try_get("", NUMBER)).transpose()?.unwrap_or_default();
    Ok(u64::try_from(counted).unwrap_or_default())
}

const NUMBER: &str = "n";
const COUNT: &str = "COUNT(*)";

fn number() -> SelectStatement {
    Query::select().expr_as(Expr::cust(COUNT), NUMBER).take()
}

/// Of the kinds of students that the filter asks for. A student without a room lives in the block without a name.
fn of_the_tally(filter: &Filter) -> SelectStatement {
    let mut counting = Query::select();
    counting
        .expr_as(Expr::cust("CAST(COALESCE(SUM(number), 0) AS bigint)"), NUMBER)
        .from("student_tally");
    if let Some(block) = &filter.block {
        counting.and_where(Expr::col("block_folded").eq(block.as_str()));
    }
    if let Some(year) = filter.year {
        counting.and_where(Expr::col("year").eq(i64::from(year)));
    }
    if let Some(semester) = filter.semester {
        counting.and_where(Expr::col("semester").eq(i64::from(semester)));
    }
    if let Some(is_active) = filter.is_active {
        let state = if is_active { State::Active } else { State::Deactivated };
        counting.and_where(Expr::col("state").eq(state_name(state)));
    }
    counting
}

impl Filter {
    fn is_search_alone(&self) -> bool {
        let Self {
            block,
            year,
            semester,
            is_active,
            room,
            terms: _,
        } = self;
        block.is_none() && year.is_none() && semester.is_none() && is_active.is_none() && room.is_none()
    }
}
