//! Raising grievances: what numbers without gaps cost. The product beside the same transaction by hand, with the counter of the year and
//! without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use grievance::Grievances;
use hostelpulse::{Composed, Gateways, SERVICES, run_services};
use kit::upstream::Channel;
use kit::{
    Clock, Db,
    config::Config,
    service::{Host, sections},
    telemetry,
};
use proto::grievance::{RaiseGrievanceRequest, grievances_client::GrievancesClient};
use sea_orm::{ConnectionTrait as _, Statement, Value};
use tokio::task::JoinSet;
use tonic::{Code, Request};

use crate::product::token_of;

/// So many raise at once, in turns.
const AT_ONCE: [usize; 3] = [1, 8, 32];
/// A number that no counter gets to.
const FAR: i64 = 1_000_000_000;
/// Takes away what measurements write.
const EMPTY: [&str; 4] = [
    "DELETE FROM ticket",
    "DELETE FROM ticket_number",
    "DELETE FROM change",
    "DELETE FROM outbox",
];

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// A PostgreSQL server, `postgres://user:password@host:port`, instead of SQLite. The databases `bench_tickets_…` are made there
    /// and stay.
    #[arg(long)]
    postgres: Option<url::Url>,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let telemetry = telemetry::init("bench", "error", None)?;
    let folder = tempfile::tempdir()?;
    let config = config(folder.path().to_owned(), options.postgres.as_ref());
    let time = Duration::from_secs(options.seconds);
    let by_hand = by_hand(config.clone(), time).await?;
    let with = Gateways {
        gateway: false,
        demo: true,
    };
    let Composed { host, .. } = Box::pin(run_services(config, Some(&telemetry), &SERVICES, with)).await?;
    println!(
        "{:<10} {:>12} {:>16} {:>16} {:>9}",
        "at once", "product/s", "with counter/s", "without it/s", "ratio"
    );
    for (at_once, [numbered, bare]) in AT_ONCE.into_iter().zip(by_hand) {
        let product = product(&host, at_once, time).await?;
        println!(
            "{at_once:<10} {product:>12.0} {numbered:>16.0} {bare:>16.0} {:>9.2}",
            numbered / bare
        );
    }
    println!("ratio: the transaction by hand with the counter of the year against the same without");
    gapless(&host).await
}

fn config(data: std::path::PathBuf, postgres: Option<&url::Url>) -> Config {
    let mut config: Config = kit::config::Loader::empty(sections());
    config.base.data = data;
    config.set("limits.enabled", false);
    config.base.database_url = postgres.map(|server| {
        let mut url = server.clone();
        url.set_path("/bench_tickets_{service}");
        url
    });
    config
}

/// Grievances a second over gRPC, each by a student of the demo.
async fn product(host: &Host, at_once: usize, time: Duration) -> anyhow::Result<f64> {
    let channel = host.upstreams.channel("grievance").context("no channel to grievance")?;
    let mut raising = JoinSet::new();
    let mut tokens = Vec::new();
    for number in 1..=at_once {
        tokens.push(token_of(host, &format!("REG-2026-{number:03}")).await?);
    }
    let begun = Instant::now();
    for token in tokens {
        let client = GrievancesClient::new(channel.clone());
        raising.spawn(raise_for(client, token, time));
    }
    rate(raising, begun).await
}

async fn raise_for(mut client: GrievancesClient<Channel>, token: String, time: Duration) -> anyhow::Result<u64> {
    let (begun, mut raised) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let mut request = Request::new(RaiseGrievanceRequest {
            category: "electrical".to_owned(),
            sub_category: Some("fan".to_owned()),
            priority: "high".to_owned(),
            description: "The ceiling fan makes a loud noise.".to_owned(),
            sensitive: None,
        });
        request
            .metadata_mut()
            .insert("authorization", format!("Bearer {token}").parse()?);
        match client.raise_grievance(request).await {
            Ok(_) => raised += 1,
            // On a busy machine somebody waits too long for a connection, and asks again.
            Err(busy) if busy.code() == Code::Unavailable => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(raised)
}

/// For each number at once: transactions a second with the counter and without.
async fn by_hand(config: Config, time: Duration) -> anyhow::Result<Vec<[f64; 2]>> {
    let names = SERVICES.map(hostelpulse::Service::name);
    let host = Host::open(config, &names).await?;
    let (_, db) = host.create::<Grievances>().await?;
    // On a server there is what the last measurement left.
    execute(&db, &EMPTY).await?;
    let free = Arc::new(AtomicI64::new(FAR));
    let mut rates = Vec::new();
    for at_once in AT_ONCE {
        let mut both = [0.0; 2];
        for (rate_of, is_numbered) in both.iter_mut().zip([true, false]) {
            let (mut writing, begun) = (JoinSet::new(), Instant::now());
            for _ in 0..at_once {
                let by_hand = write_for(db.clone(), host.clock.clone(), free.clone(), is_numbered, time);
                writing.spawn(by_hand);
            }
            *rate_of = rate(writing, begun).await?;
        }
        rates.push(both);
    }
    // Nobody is to hear of what was written by hand, and its numbers are free again.
    execute(&db, &EMPTY).await?;
    db.close().await?;
    host.lifecycle.run(std::future::ready(())).await?;
    Ok(rates)
}

async fn rate(mut all: JoinSet<anyhow::Result<u64>>, begun: Instant) -> anyhow::Result<f64> {
    let mut done = 0;
    while let Some(one) = all.join_next().await {
        done += one??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    Ok(rate)
}

async fn write_for(
    db: Db,
    clock: Clock,
    free: Arc<AtomicI64>,
    is_numbered: bool,
    time: Duration,
) -> anyhow::Result<u64> {
    let (begun, mut written) = (Instant::now(), 0);
    while begun.elapsed() < time {
        write(&db, &clock, &free, is_numbered).await?;
        written += 1;
    }
    Ok(written)
}

/// What raising writes, without the rest of the product.
async fn write(db: &Db, clock: &Clock, free: &AtomicI64, is_numbered: bool) -> anyhow::Result<()> {
    let (id, now) = (clock.new_id(), clock.now());
    let statement = |sql: &str, values: Vec<Value>| Statement::from_sql_and_values(db.backend(), sql, values);
    let txn = db.begin().await?;
    let change = "INSERT INTO change (id, ticket_id, field, after, author_role, internal, changed_at) \
                  VALUES ($1, $2, 'status', 'open', 'student', FALSE, $3)";
    let values = vec![clock.new_id().into(), id.into(), now.into()];
    txn.execute_raw(statement(change, values)).await?;
    let number = if is_numbered {
        let next = "INSERT INTO ticket_number (year, last) VALUES (2026, 1) \
                    ON CONFLICT (year) DO UPDATE SET last = ticket_number.last + 1 RETURNING last";
        let row = txn.query_one_raw(statement(next, Vec::new())).await?;
        row.context("no number")?.try_get::<i64>("", "last")?
    } else {
        free.fetch_add(1, Ordering::Relaxed)
    };
    let ticket = "INSERT INTO ticket (id, year, number, version, student_id, category, priority, description, sensitive, status, \
                  clock_from, due_at, escalation, created_at, updated_at) VALUES ($1, 2026, $2, 1, $1, 'electrical', 1, \
                  'The ceiling fan makes a loud noise.', FALSE, 'open', $3, $3, 0, $3, $3)";
    txn.execute_raw(statement(ticket, vec![id.into(), number.into(), now.into()]))
        .await?;
    let event = "INSERT INTO outbox (id, subject, version, kind, event, occurred_at, attempts, published_at) \
                 VALUES ($1, $2, 1, 'none', '{}', $3, 0, $3)";
    txn.execute_raw(statement(event, vec![clock.new_id().into(), id.into(), now.into()]))
        .await?;
    txn.commit().await?;
    Ok(())
}

async fn execute(db: &Db, statements: &[&str]) -> anyhow::Result<()> {
    let txn = db.begin().await?;
    for sql in statements {
        txn.execute_unprepared(sql).await?;
    }
    txn.commit().await?;
    Ok(())
}

/// A measurement of numbers with gaps would be none.
async fn gapless(host: &Host) -> anyhow::Result<()> {
    let (_, db) = host.create::<Grievances>().await?;
    let sql = "SELECT COUNT(*) AS gapped FROM \
               (SELECT year FROM ticket GROUP BY year HAVING COUNT(*) <> MAX(number)) AS years";
    let row = db
        .reader()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await?;
    let gapped: i64 = row.context("no count")?.try_get("", "gapped")?;
    anyhow::ensure!(gapped == 0, "the numbers have gaps in so many years: {gapped}");
    println!("every number from the first to the last of each year is there once");
    Ok(())
}
