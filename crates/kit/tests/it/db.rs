//! The database port: the same promises on SQLite and PostgreSQL.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    Db, Fault,
    db::{self, MigrateError},
    fault::Kind,
    testing::TestStores,
};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, FromQueryResult, Statement, Value};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

struct First;

impl MigratorTrait for First {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Things)]
    }
}

struct Nothing;

impl MigratorTrait for Nothing {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

struct Things;

impl MigrationName for Things {
    fn name(&self) -> &'static str {
        "test_0001_things"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Things {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE TABLE thing (name VARCHAR(100) NOT NULL, number BIGINT NOT NULL, CONSTRAINT uq_thing UNIQUE (name))";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}

/// A fresh database with its table, and what keeps it.
async fn fresh() -> (Db, Url, TestStores) {
    let stores = TestStores::default();
    let config = stores.config();
    let url = config.base.stores().unwrap().database_of("things");
    let db = Db::open(&url, 4).await.unwrap();
    assert_eq!(db.migrate::<First>().await.unwrap(), 1);
    (db, url, stores)
}

async fn add(db: &Db, name: &str) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    let sql = "INSERT INTO thing (name, number) VALUES ($1, 1)";
    txn.execute_raw(Statement::from_sql_and_values(db.backend(), sql, [name.into()]))
        .await?;
    txn.commit().await
}

async fn count(db: &Db) -> i64 {
    let sql = Statement::from_string(db.backend(), "SELECT COUNT(*) AS number FROM thing");
    db.reader()
        .query_one_raw(sql)
        .await
        .unwrap()
        .unwrap()
        .try_get("", "number")
        .unwrap()
}

#[tokio::test]
async fn what_is_committed_stays_and_what_is_dropped_never_was() {
    let (db, url, _stores) = fresh().await;
    add(&db, "kept").await.unwrap();
    let txn = db.begin().await.unwrap();
    txn.execute_unprepared("INSERT INTO thing (name, number) VALUES ('dropped', 1)")
        .await
        .unwrap();
    drop(txn);
    assert_eq!(count(&db).await, 1);
    db.close().await.unwrap();
    let again = Db::open(&url, 2).await.unwrap();
    assert_eq!(again.migrate::<First>().await.unwrap(), 0);
    assert_eq!(count(&again).await, 1);
}

#[tokio::test]
async fn of_many_writers_at_once_none_is_turned_away() {
    let (db, ..) = fresh().await;
    let names: Vec<String> = (0..40).map(|number| format!("thing {number}")).collect();
    let outcomes = futures_util::future::join_all(names.iter().map(|name| add(&db, name))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(count(&db).await, 40);
}

#[tokio::test]
async fn counting_up_at_once_loses_nothing() {
    let (db, ..) = fresh().await;
    add(&db, "counter").await.unwrap();
    let up = async || {
        let txn = db.begin().await.unwrap();
        txn.execute_unprepared("UPDATE thing SET number = number + 1 WHERE name = 'counter'")
            .await
            .unwrap();
        txn.commit().await.unwrap();
    };
    futures_util::future::join_all((0..50).map(|_| up())).await;
    let sql = Statement::from_string(db.backend(), "SELECT number FROM thing WHERE name = 'counter'");
    let row = db.reader().query_one_raw(sql).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "number").unwrap(), 51);
}

#[tokio::test]
async fn a_unique_constraint_that_says_no_is_told_from_other_errors() {
    let (db, ..) = fresh().await;
    add(&db, "one").await.unwrap();
    let taken = add(&db, "one").await.unwrap_err();
    assert!(db::unique_violation(&taken).is_some(), "{taken}");
    let other = db
        .begin()
        .await
        .unwrap()
        .execute_unprepared("SELECT * FROM nowhere")
        .await
        .unwrap_err();
    assert!(db::unique_violation(&other).is_none());
    assert_eq!(db::fault(&other).kind, Kind::Internal);
    add(&db, "two").await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let (db, ..) = fresh().await;
    add(&db, "kept").await.unwrap();
    match db.migrate::<Nothing>().await {
        Err(MigrateError::DatabaseIsNewer(name)) => assert_eq!(name, "test_0001_things"),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let url = Url::parse(&format!("sqlite://{}/things.db", file.display())).unwrap();
    let said = Db::open(&url, 1).await.err().unwrap().to_string();
    assert!(
        said.starts_with(&format!("database at {url}: the folder cannot be made")),
        "{said}"
    );
}

#[tokio::test]
async fn an_unknown_scheme_is_named_with_the_known_ones() {
    let url = Url::parse("mysql://hp:hush@db/things").unwrap();
    let said = Db::open(&url, 1).await.err().unwrap().to_string();
    assert!(
        said.contains("unknown scheme \"mysql\", expected one of sqlite, postgres"),
        "{said}"
    );
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_one_clear_sentence_without_the_password() {
    let port = free_port().await;
    let url = Url::parse(&format!("postgres://hp:hush@127.0.0.1:{port}/things")).unwrap();
    let begun = Instant::now();
    let said = Db::open(&url, 1).await.err().unwrap().to_string();
    assert!(said.starts_with("database at postgres://hp:***@127.0.0.1"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_on() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("postgres://hp:hush@{}/things", silent.local_addr().unwrap())).unwrap();
    let given_up = tokio::time::timeout(Duration::from_secs(30), Db::open(&url, 1)).await;
    assert!(given_up.unwrap().is_err());
}

#[tokio::test]
async fn a_wrong_password_is_one_clear_sentence() {
    if !TestStores::on_servers() {
        return; // SQLite has no passwords
    }
    let (_, mut url, _stores) = fresh().await;
    url.set_password(Some("wrong-guess")).unwrap();
    let said = Db::open(&url, 1).await.err().unwrap().to_string();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("wrong-guess"), "{said}");
}

#[tokio::test]
async fn waiting_for_a_lock_ends_and_means_try_again() {
    if !TestStores::on_servers() {
        return; // SQLite's writers queue for one connection
    }
    let (db, ..) = fresh().await;
    add(&db, "held").await.unwrap();
    let holder = db.begin().await.unwrap();
    holder
        .execute_unprepared("UPDATE thing SET number = 2 WHERE name = 'held'")
        .await
        .unwrap();
    let second = db.begin().await.unwrap();
    let refused = second
        .execute_unprepared("UPDATE thing SET number = 3 WHERE name = 'held'")
        .await
        .unwrap_err();
    let fault: Fault = db::fault(&refused);
    assert_eq!(fault.kind, Kind::Unavailable, "{refused}");
    assert!(fault.retry_after.is_some());
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn text_with_a_nul_is_kept_or_the_callers_mistake() {
    let (db, ..) = fresh().await;
    if let Err(error) = add(&db, "a\0b").await {
        assert_eq!(db::fault(&error).kind, Kind::Validation, "{error}");
    }
}

/// A value of each kind that rows take.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
struct AllKinds {
    number: i64,
    id: Option<Uuid>,
    day: Option<NaiveDate>,
    at: Option<DateTime<Utc>>,
    yes: Option<bool>,
    few: Option<i32>,
    meters: Option<f64>,
    token: Option<Vec<u8>>,
    said: Option<String>,
}

impl AllKinds {
    fn full(number: i64) -> Self {
        Self {
            number,
            id: Some(Uuid::from_u128(7)),
            day: NaiveDate::from_ymd_opt(2026, 7, 1),
            at: DateTime::from_timestamp_micros(1_795_000_000_123_456),
            yes: Some(true),
            few: Some(-4),
            meters: Some(0.1 + 0.2),
            token: Some(vec![0, 255, b'\\', b'"']),
            said: Some("a \"b\", {NULL} \\ \n ü".to_owned()),
        }
    }

    fn empty(number: i64) -> Self {
        Self {
            number,
            id: None,
            day: None,
            at: None,
            yes: None,
            few: None,
            meters: None,
            token: None,
            said: None,
        }
    }

    fn values(self) -> [Value; 9] {
        [
            self.number.into(),
            self.id.into(),
            self.day.into(),
            self.at.into(),
            self.yes.into(),
            self.few.into(),
            self.meters.into(),
            self.token.into(),
            self.said.into(),
        ]
    }
}

#[tokio::test]
async fn rows_come_back_as_they_were() {
    let (db, _, _stores) = fresh().await;
    let kinds = match db.backend() {
        DbBackend::Postgres => ["UUID", "DATE", "TIMESTAMPTZ", "BYTEA"],
        _ => ["uuid_text", "date_text", "timestamp_with_timezone_text", "blob"],
    };
    let [id, day, at, token] = kinds;
    let sql = format!(
        "CREATE TABLE kinds (number BIGINT, id {id}, day {day}, at {at}, yes BOOLEAN, few INTEGER, \
         meters DOUBLE PRECISION, token {token}, said TEXT)"
    );
    let txn = db.begin().await.unwrap();
    txn.execute_unprepared(&sql).await.unwrap();
    let (full, empty) = (AllKinds::full, AllKinds::empty);
    // With nothing missing, with something missing in each column, with hardly anything there, and again with nothing missing:
    // a statement that was prepared for one must not be taken for another.
    let batches = [
        vec![full(1), full(2)],
        vec![full(3), empty(4), full(5)],
        vec![empty(6)],
        vec![full(7)],
    ];
    for batch in &batches {
        let rows = db::Rows {
            table: "kinds",
            columns: ["number", "id", "day", "at", "yes", "few", "meters", "token", "said"],
            values: batch.iter().cloned().map(AllKinds::values).collect(),
        };
        let insert = rows.insert(db.backend(), "").unwrap();
        txn.execute_raw(insert).await.unwrap();
    }
    let (these, numbers) = db::one_of(db.backend(), "number", 0, 1..=7_i64).unwrap();
    let sql = format!("SELECT * FROM kinds WHERE {these} ORDER BY number");
    let kept = AllKinds::find_by_statement(db::statement(&*txn, sql, numbers));
    assert_eq!(kept.all(&*txn).await.unwrap(), batches.concat());
}
