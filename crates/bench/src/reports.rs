//! Reports of attendance: 5,000 students, a roll call a day for half a year, asked for through the gateway.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{Days, NaiveDate};
use clap::Args;
use hostelpulse::{Composed, Gateways, SERVICES, run_services};
use kit::{Clock, Db, config::Config, telemetry};
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement, Value};

use crate::{hostel, tokens::Signer};

/// Everybody is copied within this time, and every report answered, or something is wrong.
const LIMIT: Duration = Duration::from_mins(2);
/// How often each report is asked for; the slowest is shown.
const TIMES: usize = 3;

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long, default_value_t = 5_000)]
    students: usize,
    /// On so many days each block and year had a roll call.
    #[arg(long, default_value_t = 180)]
    days: u64,
    /// A PostgreSQL server, `postgres://user:password@host:port`, with no databases `bench_…` on it yet.
    #[arg(long)]
    postgres: Option<url::Url>,
}

#[derive(FromQueryResult)]
struct Place {
    block_folded: String,
    year: i16,
}

#[derive(FromQueryResult)]
struct Count {
    number: i64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let telemetry = telemetry::init("bench", "error", None)?;
    let folder = tempfile::tempdir()?;
    let mut config = hostel::config(folder.path().to_owned(), options.postgres.as_ref());
    config.set("timezone", "UTC");
    hostel::fill(config.clone(), options.students).await?;
    let with = Gateways {
        gateway: true,
        demo: false,
    };
    let composed = run_services(config.clone(), Some(&telemetry), &SERVICES, with).await?;
    let Composed { listens, .. } = &composed;
    let address = listens.context("the gateway does not listen")?;
    let marks = lay_marks(&config, &options).await?;
    println!(
        "{marks} marks of {} students on {} days",
        options.students, options.days
    );
    let signer = Signer::of(&config).await?;
    let token = signer.token(signer.new_id(), "warden")?;
    let today = Clock::system().now().date_naive();
    let client = reqwest::Client::builder()
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
        .build()?;
    println!("{:<44} {:>12} {:>10}", "", "slowest ms", "bytes");
    for (report, back, query) in REPORTS {
        let from = today - Days::new(back);
        let url = format!("http://{address}/api/v1/attendance/reports?from={from}&to={today}&{query}");
        let mut slowest = (Duration::ZERO, 0);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = client.get(&url).bearer_auth(&token).send().await?;
            let status = answer.status();
            let body = answer.bytes().await?;
            anyhow::ensure!(status == 200, "{report}: {}", String::from_utf8_lossy(&body));
            slowest = slowest.max((begun.elapsed(), body.len()));
        }
        println!("{report:<44} {:>12.0} {:>10}", slowest.0.as_secs_f64() * 1e3, slowest.1);
    }
    Ok(())
}

/// What is asked for: in words, how many days back it begins, and the rest of the query.
const REPORTS: [(&str, u64, &str); 9] = [
    ("a month by student", 29, "group_by=student"),
    ("a month by day", 29, "group_by=day"),
    ("a month by roll call", 29, "group_by=session"),
    (
        "a month by student, one block and year",
        29,
        "group_by=student&block=B01&year=2",
    ),
    ("half a year by student", 179, "group_by=student"),
    ("a month by student, CSV", 29, "group_by=student&format=csv"),
    ("half a year by roll call, CSV", 179, "group_by=session&format=csv"),
    ("a month by student, PDF", 29, "group_by=student&format=pdf"),
    ("half a year by roll call, PDF", 179, "group_by=session&format=pdf"),
];

/// Settled roll calls of every block and year on every day, and a mark of everybody in each.
async fn lay_marks(config: &Config, options: &Options) -> anyhow::Result<i64> {
    let stores = config.base.stores().map_err(anyhow::Error::msg)?;
    let db = kit::service::open_database(config, &stores, "attendance").await?;
    let (clock, end) = (Clock::system(), Instant::now() + LIMIT);
    while count(&db, "student").await? < i64::try_from(options.students)? {
        anyhow::ensure!(Instant::now() < end, "attendance does not know every student");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let sql = "SELECT DISTINCT block_folded, year FROM student WHERE block_folded IS NOT NULL";
    let places = Place::find_by_statement(Statement::from_string(db.backend(), sql))
        .all(db.reader())
        .await?;
    let today = clock.now().date_naive();
    for back in 0..options.days {
        let day = today - Days::new(back);
        lay_day(&db, &clock, day, &places).await?;
    }
    if db.backend() == DbBackend::Postgres {
        // A server that runs for longer than a minute has done so by itself.
        db.reader().execute_unprepared("VACUUM ANALYZE").await?;
    }
    let marks = count(&db, "mark").await?;
    db.close().await?;
    Ok(marks)
}

async fn lay_day(db: &Db, clock: &Clock, day: NaiveDate, places: &[Place]) -> anyhow::Result<()> {
    let txn = db.begin().await?;
    if db.backend() == DbBackend::Postgres {
        let month = day.format("%Y_%m");
        let room = format!(
            "DO $$ BEGIN IF to_regclass('mark_{month}') IS NULL THEN EXECUTE format('CREATE TABLE mark_{month} PARTITION OF \
             mark FOR VALUES FROM (%L) TO (%L)', date_trunc('month', date '{day}')::date, \
             (date_trunc('month', date '{day}') + interval '1 month')::date); END IF; END $$"
        );
        txn.execute_unprepared(&room).await?;
    }
    let at = day.and_hms_opt(21, 0, 0).context("no such time")?.and_utc();
    for place in places {
        let id = clock.new_id();
        let sql = "INSERT INTO session (id, handle, block, block_folded, year, day, valid_from, valid_until, rotate_seconds, \
                   radius_meters, require, opened_by, closed_at, closed_by, settles_at, settled_at, version, changed_at) \
                   VALUES ($1, $2, $3, $3, $4, $5, $6, $6, 25, 2.0, '[\"qr\",\"proximity\"]', $1, $6, 'guard', $6, $6, 3, $6)";
        let handle = id.as_bytes()[8..].to_vec();
        let values: [Value; 6] = [
            id.into(),
            handle.into(),
            place.block_folded.as_str().into(),
            place.year.into(),
            day.into(),
            at.into(),
        ];
        txn.execute_raw(Statement::from_sql_and_values(db.backend(), sql, values))
            .await?;
    }
    // One of ten was away.
    let sql = "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) \
               SELECT session.day, session.id, student.id, \
               CASE WHEN student.registration_no LIKE '%7' THEN 'absent' ELSE 'present' END, 'scan', session.valid_from \
               FROM session JOIN student ON student.block_folded = session.block_folded AND student.year = session.year \
               WHERE session.day = $1";
    txn.execute_raw(Statement::from_sql_and_values(db.backend(), sql, [day.into()]))
        .await?;
    txn.commit().await?;
    Ok(())
}

async fn count(db: &Db, table: &str) -> anyhow::Result<i64> {
    let statement = Statement::from_string(db.backend(), format!("SELECT COUNT(*) AS number FROM {table}"));
    let row = Count::find_by_statement(statement).one(db.reader()).await?;
    Ok(row.context("no row")?.number)
}
