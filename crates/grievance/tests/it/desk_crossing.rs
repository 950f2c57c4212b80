//! Merges that cross each other: whoever waits for whom, all of them end, and nobody has to follow more than one step.

use futures_util::future::join_all;
use kit::{db::Txn, fault::Kind};
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult as _, Statement, Value};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::desk::{Desk, until};

#[derive(sea_orm::FromQueryResult)]
struct Waiting {
    number: i64,
}

impl Desk {
    /// Waits until so many transactions wait for a lock.
    async fn waiting(&self, number: i64) {
        let sql = "SELECT COUNT(*) AS number FROM pg_stat_activity \
                   WHERE wait_event_type = 'Lock' AND datname = current_database()";
        until("a transaction that waits", async || {
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            let row = Waiting::find_by_statement(statement).one(self.world.db.reader()).await;
            (row.unwrap().unwrap().number == number).then_some(())
        })
        .await;
    }

    async fn longest_way(&self) -> i64 {
        self.count("ticket a JOIN ticket b ON b.id = a.merged_into WHERE b.status = 'merged'")
            .await
    }
}

async fn run(txn: &Txn, sql: &str, values: impl IntoIterator<Item = Value>) {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    txn.execute_raw(statement).await.unwrap();
}

/// What begins to follow the duplicate while its lock is waited for is not locked out of order.
#[tokio::test]
async fn a_merge_that_finds_a_new_follower_begins_again() {
    let desk = Desk::open().await;
    if desk.world.db.backend() != DbBackend::Postgres {
        return; // One writer at a time waits for nobody.
    }
    let asha = desk.student(1).await;
    let raise = async || -> Uuid { desk.raise(&asha).await.id.parse().unwrap() };
    let (follower, duplicate, target) = (raise().await, raise().await, raise().await);

    // One merge is about to commit that the follower follows the duplicate.
    let first = desk.world.db.begin().await.unwrap();
    run(
        &first,
        "SELECT id FROM ticket WHERE id = $1 FOR UPDATE",
        [duplicate.into()],
    )
    .await;
    let merged =
        "UPDATE ticket SET status = 'merged', merged_into = $2, merged_at = updated_at, due_at = NULL WHERE id = $1";
    run(&first, merged, [follower.into(), duplicate.into()]).await;

    let (duplicate, into) = (duplicate.to_string(), target.to_string());
    let merging = desk.merge(&duplicate, &into);
    let others = async {
        desk.waiting(1).await;
        // Somebody else locks in order, the follower before the target.
        let second = desk.world.db.begin().await.unwrap();
        let (locked, has_locked) = oneshot::channel();
        let in_order = async {
            run(
                &second,
                "SELECT id FROM ticket WHERE id = $1 FOR UPDATE",
                [follower.into()],
            )
            .await;
            locked.send(()).unwrap();
            desk.waiting(1).await;
            run(
                &second,
                "SELECT id FROM ticket WHERE id = $1 FOR UPDATE",
                [target.into()],
            )
            .await;
            second.commit().await.unwrap();
        };
        let commit = async {
            desk.waiting(2).await;
            first.commit().await.unwrap();
            has_locked.await.unwrap();
        };
        tokio::join!(in_order, commit);
    };
    let (merged, ()) = tokio::join!(merging, others);
    merged.unwrap();
    assert_eq!(desk.longest_way().await, 0);
    assert_eq!(desk.count("ticket WHERE status = 'merged'").await, 2);
}

#[tokio::test]
async fn chains_that_are_made_from_all_sides_at_once_end_in_one_step() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    for _ in 0..6 {
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(desk.raise(&asha).await.id);
        }
        let pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (2, 1), (1, 0), (3, 1), (0, 2)];
        let outcomes = join_all(pairs.map(|(from, into)| desk.merge(&ids[from], &ids[into]))).await;
        assert!(outcomes.iter().any(Result::is_ok));
        for fault in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(fault.kind, Kind::Refused | Kind::Conflict), "{fault}");
        }
        assert_eq!(desk.longest_way().await, 0);
    }
}
