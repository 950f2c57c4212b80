//! Lists of students.
//!
//! A page is read in three statements, whatever its length: how many there are, which are on the page, and those with their
//! rooms. The first reads a tally that the database keeps or, as the second does, indexes alone wherever it can. SQLite
//! knows nothing of how values are spread, and would rather sort what one filter finds than walk an index that is sorted
//! already: it is told by a `+` not to.

mod count;
mod search;

use std::collections::HashMap;

use kit::{
    access::Caller,
    keyring::Sealer,
    page::{Order, Paging},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select, Value,
    sea_query::{Expr, ExprTrait as _, SimpleExpr},
};
use uuid::Uuid;

use self::{
    count::count,
    search::{Search, searched},
};
use super::{Column, Entity, by_ids, from_row, state_name, visible_to, with_room};
use crate::{
    Error,
    domain::{State, Student},
};

/// So many students are expected at most, where it is decided how to go about a search.
const MANY: u64 = 50_000;

/// Which students to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// The block's name, folded.
    pub block: Option<String>,
    pub year: Option<u32>,
    pub semester: Option<u32>,
    pub is_active: Option<bool>,
    pub room: Option<Uuid>,
    /// Beginnings of words, in lower case; a student has words for all of them.
    pub terms: Vec<String>,
}

/// What a list of students is sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SortBy {
    Name,
    RegistrationNo,
    CreatedAt,
}

/// One page of the students whom a caller may see, and how many there are in all.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    filter: &Filter,
    sort: (SortBy, Order),
    paging: Paging,
) -> Result<(Vec<Student>, u64), Error> {
    let total = count(db, caller, filter).await?;
    if total <= paging.offset() {
        return Ok((Vec::new(), total));
    }
    let stretch = Stretch::of(paging, total);
    // Either as many are looked at as have the words, or as many as lie before the end of the page.
    let before_the_end = (stretch.skipped + stretch.length) * MANY / total;
    let search = if total <= before_the_end {
        Search::ByWords
    } else {
        Search::InOrder
    };
    let backend = db.get_database_backend();
    let on_sorted_index = backend == DbBackend::Sqlite;
    let wanted = searched(filtered(caller, filter, on_sorted_index), filter, search, backend);
    let order = if stretch.is_from_the_end {
        opposite(sort.1)
    } else {
        sort.1
    };
    let page = sorted(wanted, (sort.0, order))
        .offset(stretch.skipped)
        .limit(stretch.length);
    let mut ids: Vec<Uuid> = page.select_only().column(Column::Id).into_tuple().all(db).await?;
    if stretch.is_from_the_end {
        ids.reverse();
    }
    let students = by_ids(db, sealer, ids.iter().copied()).await?;
    let mut found: HashMap<Uuid, Student> = students.into_iter().map(|student| (student.id, student)).collect();
    Ok((ids.iter().filter_map(|id| found.remove(id)).collect(), total))
}

/// Where a page lies, counted from the nearer end: what lies before it is walked over.
struct Stretch {
    is_from_the_end: bool,
    skipped: u64,
    length: u64,
}

impl Stretch {
    fn of(paging: Paging, total: u64) -> Self {
        let length = std::cmp::min(paging.limit(), total.saturating_sub(paging.offset()));
        let behind = total.saturating_sub(paging.offset() + length);
        let is_from_the_end = behind < paging.offset();
        Self {
            is_from_the_end,
            skipped: if is_from_the_end { behind } else { paging.offset() },
            length,
        }
    }
}

fn opposite(order: Order) -> Order {
    match order {
        Order::Ascending => Order::Descending,
        Order::Descending => Order::Ascending,
    }
}

/// The students, erased ones too, whose ids come after this one, by id.
pub(crate) async fn after(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    id: Uuid,
    limit: u64,
) -> Result<Vec<Student>, Error> {
    let next = Entity::find()
        .filter(Column::Id.gt(id))
        .order_by_asc(Column::Id)
        .limit(limit);
    let rows = with_room(next).all(db).await?;
    rows.into_iter().map(|row| from_row(sealer, row)).collect()
}

/// The students whom a caller may see and a filter asks for, in no order; whoever was erased is not among them.
pub(crate) fn matching(caller: &Caller, filter: &Filter, backend: DbBackend) -> Select<Entity> {
    searched(filtered(caller, filter, false), filter, Search::ByWords, backend)
}

/// The same without the search. With `plus` no index is chosen for the sake of these filters, on SQLite.
fn filtered(caller: &Caller, filter: &Filter, plus: bool) -> Select<Entity> {
    let is = |column: Column, name: &str, value: Value| -> SimpleExpr {
        if plus {
            Expr::cust(format!("+student.{name}")).eq(value)
        } else {
            column.eq(value)
        }
    };
    // Written out: the indexes say the same, and a database compares the two as texts.
    let mut wanted = visible_to(caller).filter(Expr::cust("student.state <> 'erased'"));
    if let Some(block) = &filter.block {
        wanted = wanted.filter(is(Column::BlockFolded, "block_folded", block.as_str().into()));
    }
    if let Some(year) = filter.year {
        wanted = wanted.filter(is(Column::Year, "year", i64::from(year).into()));
    }
    if let Some(semester) = filter.semester {
        wanted = wanted.filter(is(Column::Semester, "semester", i64::from(semester).into()));
    }
    if let Some(is_active) = filter.is_active {
        let state = if is_active { State::Active } else { State::Deactivated };
        wanted = wanted.filter(is(Column::State, "state", state_name(state).into()));
    }
    // A room holds few: its own index is the one to use.
    if let Some(room) = filter.room {
        wanted = wanted.filter(Column::RoomId.eq(room));
    }
    wanted
}

/// The id makes the order complete, so that no row moves between pages.
pub(crate) fn sorted(students: Select<Entity>, (by, order): (SortBy, Order)) -> Select<Entity> {
    let column = match by {
        SortBy::Name => Column::NameFolded,
        SortBy::RegistrationNo => Column::RegistrationNoFolded,
        SortBy::CreatedAt => Column::CreatedAt,
    };
    let direction = match order {
        Order::Ascending => sea_orm::Order::Asc,
        Order::Descending => sea_orm::Order::Desc,
    };
    students
        .order_by(column, direction.clone())
        .order_by(Column::Id, direction)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use kit::{
        Clock,
        contact::{Email, PersonName, RegistrationNumber},
        service::Host,
        testing::TestStores,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Students,
        domain::{Private, Term},
        operations::App,
        store::student::insert_in_txn,
    };

    proptest! {
        #[test]
        fn a_page_is_the_same_from_either_end(page in 1_u32..40, limit in 1_u32..=100, total in 1_u64..500) {
            let paging = Paging::new(Some(page), Some(limit)).unwrap();
            prop_assume!(total > paging.offset());
            let all: Vec<u64> = (0..total).collect();
            let skip = |count: u64| usize::try_from(count).unwrap();
            let expected: Vec<u64> = all.iter().copied().skip(skip(paging.offset())).take(skip(paging.limit())).collect();
            let stretch = Stretch::of(paging, total);
            let walked: Vec<u64> = if stretch.is_from_the_end {
                let mut page: Vec<u64> = all.iter().rev().copied().skip(skip(stretch.skipped)).take(skip(stretch.length)).collect();
                page.reverse();
                page
            } else {
                all.iter().copied().skip(skip(stretch.skipped)).take(skip(stretch.length)).collect()
            };
            prop_assert_eq!(walked, expected);
            prop_assert!(stretch.skipped <= total / 2);
        }
    }

    fn somebody(clock: &Clock, number: u32) -> Student {
        Student {
            id: clock.new_id(),
            registration_no: RegistrationNumber::parse(&format!("REG-{number}")).unwrap(),
            name: PersonName::parse(&format!("Asha Number{number}")).unwrap(),
            email: Email::parse(&format!("s{number}@hostel.example")).unwrap(),
            private: Private::default(),
            term: Term::new(1, 1).unwrap(),
            room: None,
            state: State::Active,
            version: 1,
            created_at: clock.now(),
            updated_at: clock.now(),
        }
    }

    /// A service with students, numbered from 1; the stores go with what is returned beside it.
    async fn service_with(students: u32) -> (Arc<App>, TestStores) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stores = TestStores::default();
        let host = Host::open_at(stores.config(), &["auth", "students"], Clock::system());
        let (service, _) = host.await.unwrap().create::<Students>().await.unwrap();
        let app = service.0;
        let txn = app.db.begin().await.unwrap();
        for number in 1..=students {
            let student = somebody(&app.clock, number);
            insert_in_txn(&txn, &app.private, &student).await.unwrap();
        }
        txn.commit().await.unwrap();
        (app, stores)
    }

    #[tokio::test]
    async fn a_page_is_three_statements_whatever_its_length() {
        let (app, _stores) = service_with(30).await;
        let (statements, caller) = (Arc::new(AtomicU32::new(0)), Caller::service("test", String::new()));
        let mut db = app.db.reader().clone();
        let counted = statements.clone();
        db.set_metric_callback(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        for (limit, terms) in [
            (2, vec![]),
            (100, vec![]),
            (100, vec!["asha".to_owned(), "number".to_owned()]),
        ] {
            let paging = Paging::new(None, Some(limit)).unwrap();
            let filter = Filter {
                terms,
                ..Filter::default()
            };
            let sort = (SortBy::Name, Order::Ascending);
            let found = page(&db, &app.private, &caller, &filter, sort, paging).await.unwrap();
            assert_eq!((found.0.len(), found.1), (Ord::min(30, limit as usize), 30));
            assert_eq!(statements.swap(0, Ordering::SeqCst), 3);
        }
    }

    #[tokio::test]
    async fn everybody_comes_once_in_batches() {
        let (app, _stores) = service_with(5).await;
        let (mut last, mut batches) = (Uuid::nil(), Vec::new());
        loop {
            let batch = after(app.db.reader(), &app.private, last, 2).await.unwrap();
            let Some(student) = batch.last() else { break };
            last = student.id;
            batches.push(batch.len());
        }
        assert_eq!(batches, [2, 2, 1]);
    }

    #[tokio::test]
    async fn both_ways_of_searching_find_the_same() {
        let (app, _stores) = service_with(25).await;
        let caller = Caller::service("test", String::new());
        for (terms, year) in [
            ("n", None),
            ("number1", None),
            ("asha number2", None),
            ("r a", Some(1)),
            ("s", Some(2)),
        ] {
            let filter = Filter {
                terms: terms.split(' ').map(str::to_owned).collect(),
                year,
                ..Filter::default()
            };
            let mut found = Vec::new();
            for (search, plus) in [(Search::ByWords, false), (Search::InOrder, true)] {
                let backend = app.db.backend();
                let wanted = searched(filtered(&caller, &filter, plus), &filter, search, backend);
                let wanted = sorted(wanted, (SortBy::RegistrationNo, Order::Descending));
                let ids = wanted.select_only().column(Column::Id).into_tuple::<Uuid>();
                found.push(ids.all(app.db.reader()).await.unwrap());
            }
            assert_eq!(found[0], found[1], "{terms}");
            let total = count(app.db.reader(), &caller, &filter).await.unwrap();
            assert_eq!(total, found[0].len() as u64, "{terms}");
        }
    }
}
