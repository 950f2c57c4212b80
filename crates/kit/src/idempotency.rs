//! The same request twice is one effect: the first answer is kept beside the effect, in the same transaction, and given
//! again to whoever repeats the request with its `Idempotency-Key`.

mod answers;

use std::ops::Deref;

use chrono::{DateTime, Duration, Utc};
use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, prelude::*, schema};
use sha2::{Digest as _, Sha256};

pub use answers::Answers;

use crate::{
    Clock, Db, Fault,
    access::{Caller, Identity},
    db::{self, Txn},
};

/// How long an answer is kept.
const KEPT: Duration = Duration::hours(24);

/// What a request turns out to be.
pub enum Attempt<M> {
    /// The first of its kind: do the work in this transaction.
    First(Once),
    /// A repetition: this was the answer.
    Repeated(M),
}

/// What a request turns out to be whose work shares its transaction with that of others.
pub enum Shared<M> {
    /// The first of its kind: do the work, and keep its answer beside it.
    First(Place),
    /// A repetition: this was the answer.
    Repeated(M),
}

/// The place of an answer that is to come in the same transaction; nowhere where the caller sent no key.
#[must_use = "the request is done again where its answer is not kept"]
pub struct Place(Option<Slot>);

/// What a request turns out to be whose work takes longer than a transaction may.
pub enum Claimed<M> {
    /// The first of its kind: do the work, then keep its answer or let go.
    First(Claim),
    /// A repetition: this was the answer.
    Repeated(M),
}

/// The place of an answer that is to come: who repeats the request meanwhile hears that it is still at work.
#[must_use = "nobody gets another try before the answer is kept or the claim let go"]
pub struct Claim(Option<Slot>);

/// Stands where the answer will be while a claimed request is at work. No message is encoded so: there is no such field.
const AT_WORK: &[u8] = &[0xff];

/// The transaction of a request that is done once.
pub struct Once {
    txn: Txn,
    place: Place,
}

struct Slot {
    caller: String,
    rpc: &'static str,
    /// As the client sent it; only its hash is kept.
    sent: String,
    key: String,
}

/// Begins the work of `request`, or finds the answer that was given before.
pub async fn begin<M: Message + Default>(
    db: &Db,
    clock: &Clock,
    caller: &Caller,
    rpc: &'static str,
    request: &impl Message,
) -> Result<Attempt<M>, Fault> {
    let txn = db.begin().await.map_err(|error| db::fault(&error))?;
    Ok(match begin_in_txn(&txn, clock, caller, rpc, request).await? {
        Shared::First(place) => Attempt::First(Once { txn, place }),
        Shared::Repeated(answer) => Attempt::Repeated(answer),
    })
}

/// The same in a transaction that does the work of several requests. Of two with one key the second has to wait for another one.
pub async fn begin_in_txn<M: Message + Default>(
    txn: &Txn,
    clock: &Clock,
    caller: &Caller,
    rpc: &'static str,
    request: &impl Message,
) -> Result<Shared<M>, Fault> {
    let Some(slot) = Slot::of(caller, rpc) else {
        return Ok(Shared::First(Place(None)));
    };
    let fingerprint = slot.fingerprint(&request.encode_to_vec());
    let claimed = slot.claim(txn, clock, &fingerprint).await;
    if claimed.map_err(|error| in_flight(&error))? {
        return Ok(Shared::First(Place(Some(slot))));
    }
    let found = slot.find(&**txn).await.map_err(|error| db::fault(&error))?;
    let found = found.ok_or_else(|| Fault::internal("an answer vanished while it was looked for"))?;
    found.repeated(&fingerprint).map(Shared::Repeated)
}

/// The answer that `request` was given before, for work that begins long before its transaction.
pub async fn answered<M: Message + Default>(
    db: &Db,
    caller: &Caller,
    rpc: &'static str,
    request: &impl Message,
) -> Result<Option<M>, Fault> {
    let Some(slot) = Slot::of(caller, rpc) else {
        return Ok(None);
    };
    let found = slot.find(db.reader()).await.map_err(|error| db::fault(&error))?;
    let fingerprint = slot.fingerprint(&request.encode_to_vec());
    found.map(|found| found.repeated(&fingerprint)).transpose()
}

/// Whether a request with the caller's key was answered or begun before, this or another: for work that cannot tell them apart
/// before it has all of the request.
pub async fn is_used(db: &Db, caller: &Caller, rpc: &'static str) -> Result<bool, Fault> {
    let Some(slot) = Slot::of(caller, rpc) else {
        return Ok(false);
    };
    let found = slot.find(db.reader()).await.map_err(|error| db::fault(&error))?;
    Ok(found.is_some())
}

/// Claims `request` for work of many transactions, or finds the answer that was given before. A claim that is older than
/// `longest` was left behind by a process that ended.
pub async fn claim<M: Message + Default>(
    db: &Db,
    clock: &Clock,
    caller: &Caller,
    (rpc, longest): (&'static str, Duration),
    request: &impl Message,
) -> Result<Claimed<M>, Fault> {
    let Some(slot) = Slot::of(caller, rpc) else {
        return Ok(Claimed::First(Claim(None)));
    };
    let fingerprint = slot.fingerprint(&request.encode_to_vec());
    let claiming = async {
        let txn = db.begin().await?;
        slot.let_go(&txn, clock.now() - longest).await?;
        if slot.claim(&txn, clock, &fingerprint).await? {
            slot.keep(&txn, AT_WORK.to_vec()).await?;
            txn.commit().await?;
            return Ok(None);
        }
        slot.find(&*txn).await
    };
    let found = claiming.await.map_err(|error: DbErr| in_flight(&error))?;
    match found {
        Some(found) => found.repeated(&fingerprint).map(Claimed::Repeated),
        None => Ok(Claimed::First(Claim(Some(slot)))),
    }
}

impl Claim {
    /// Keeps the answer.
    pub async fn keep(self, db: &Db, answer: &impl Message) -> Result<(), DbErr> {
        let Some(slot) = self.0 else { return Ok(()) };
        let txn = db.begin().await?;
        slot.keep(&txn, answer.encode_to_vec()).await?;
        txn.commit().await
    }

    /// There is no answer to keep: the same request again is another try.
    pub async fn release(self, db: &Db, clock: &Clock) -> Result<(), DbErr> {
        let Some(slot) = self.0 else { return Ok(()) };
        let txn = db.begin().await?;
        slot.let_go(&txn, clock.now()).await?;
        txn.commit().await
    }
}

/// What stands for a request that must not run twice at once, if its caller asked for that: the same for the same key.
pub fn request_key(caller: &Caller, rpc: &'static str) -> Option<String> {
    Slot::of(caller, rpc).map(|slot| format!("{}/{}/{}", slot.caller, slot.rpc, slot.key))
}

/// What the first request left.
struct Found {
    fingerprint: String,
    answer: Vec<u8>,
}

impl Found {
    fn repeated<M: Message + Default>(self, fingerprint: &str) -> Result<M, Fault> {
        if self.fingerprint != fingerprint {
            return Err(Fault::refused(
                "IDEMPOTENCY_KEY_REUSED",
                "This Idempotency-Key was used with another request",
            ));
        }
        if self.answer == AT_WORK {
            return Err(still_at_work());
        }
        M::decode(self.answer.as_slice()).map_err(Fault::internal)
    }
}

impl Place {
    /// Keeps the answer with whatever else the transaction writes.
    pub async fn keep(self, txn: &Txn, answer: &impl Message) -> Result<(), DbErr> {
        match &self.0 {
            Some(slot) => slot.keep(txn, answer.encode_to_vec()).await,
            None => Ok(()),
        }
    }
}

impl Once {
    /// Keeps the answer and commits everything.
    pub async fn commit(self, answer: &impl Message) -> Result<(), DbErr> {
        self.place.keep(&self.txn, answer).await?;
        self.txn.commit().await
    }
}

impl Deref for Once {
    type Target = Txn;

    fn deref(&self) -> &Txn {
        &self.txn
    }
}

impl Slot {
    fn of(caller: &Caller, rpc: &'static str) -> Option<Self> {
        let sent = caller.idempotency_key.clone()?;
        let key = hex::encode(Sha256::digest(&sent));
        let caller = match &caller.identity {
            Identity::User { id, .. } => id.to_string(),
            Identity::Service { name } => name.clone(),
            Identity::Nobody => return None,
        };
        Some(Self { caller, rpc, sent, key })
    }

    /// What tells one request from another. The request may hold a password: without the client's key, which is not kept,
    /// nobody can try passwords against it.
    fn fingerprint(&self, request: &[u8]) -> String {
        let mut hasher = Sha256::new();
        hasher.update((self.sent.len() as u64).to_be_bytes());
        hasher.update(&self.sent);
        hasher.update(request);
        hex::encode(hasher.finalize())
    }

    /// Of several at once the database lets one in; on PostgreSQL the others wait here until it has committed.
    async fn claim(&self, txn: &Txn, clock: &Clock, fingerprint: &str) -> Result<bool, DbErr> {
        let now = clock.now();
        let forget = "DELETE FROM idempotency WHERE caller = $1 AND rpc = $2 AND key = $3 AND created_at < $4";
        self.execute(txn, forget, [(now - KEPT).into()]).await?;
        let claim = "INSERT INTO idempotency (caller, rpc, key, fingerprint, created_at, answer) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let rows = self
            .execute(txn, claim, [fingerprint.into(), now.into(), Vec::<u8>::new().into()])
            .await?;
        Ok(rows == 1)
    }

    /// Ends a claim that was made until then and has no answer.
    async fn let_go(&self, txn: &Txn, until: DateTime<Utc>) -> Result<(), DbErr> {
        let forget =
            "DELETE FROM idempotency WHERE caller = $1 AND rpc = $2 AND key = $3 AND answer = $4 AND created_at <= $5";
        self.execute(txn, forget, [AT_WORK.to_vec().into(), until.into()])
            .await
            .map(drop)
    }

    async fn find(&self, db: &impl ConnectionTrait) -> Result<Option<Found>, DbErr> {
        let find = "SELECT fingerprint, answer FROM idempotency WHERE caller = $1 AND rpc = $2 AND key = $3";
        let row = db
            .query_one_raw(self.statement(db.get_database_backend(), find, []))
            .await?;
        let found = |row: QueryResult| {
            Ok(Found {
                fingerprint: row.try_get("", "fingerprint")?,
                answer: row.try_get("", "answer")?,
            })
        };
        row.map(found).transpose()
    }

    async fn keep(&self, txn: &Txn, answer: Vec<u8>) -> Result<(), DbErr> {
        let keep = "UPDATE idempotency SET answer = $4 WHERE caller = $1 AND rpc = $2 AND key = $3";
        self.execute(txn, keep, [answer.into()]).await.map(drop)
    }

    async fn execute<const N: usize>(&self, txn: &Txn, sql: &str, more: [Value; N]) -> Result<u64, DbErr> {
        Ok(txn
            .execute_raw(self.statement(txn.get_database_backend(), sql, more))
            .await?
            .rows_affected())
    }

    fn statement<const N: usize>(&self, backend: DbBackend, sql: &str, more: [Value; N]) -> Statement {
        let slot = [self.caller.as_str().into(), self.rpc.into(), self.key.as_str().into()];
        Statement::from_sql_and_values(backend, sql, slot.into_iter().chain(more))
    }
}

/// Waiting for the first request took longer than a lock may: it is still at work.
fn in_flight(error: &DbErr) -> Fault {
    let fault = db::fault(error);
    if error.to_string().contains("lock timeout") {
        return still_at_work();
    }
    fault
}

fn still_at_work() -> Fault {
    Fault::conflict(
        "CONFLICT",
        "The first request with this Idempotency-Key is still at work",
    )
}

/// The migration that makes the table; every service's migrator has it.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "kit_0001_idempotency"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("idempotency")
            .col(schema::string("caller"))
            .col(schema::string("rpc"))
            .col(schema::string("key"))
            .col(schema::string("fingerprint"))
            .col(schema::timestamp_with_time_zone("created_at"))
            .col(schema::binary("answer"))
            .primary_key(Index::create().col("caller").col("rpc").col("key"));
        manager.create_table(table).await?;
        let mut index = Index::create();
        manager
            .create_index(
                index
                    .name("ix_idempotency_created_at")
                    .table("idempotency")
                    .col("created_at")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("idempotency").to_owned()).await
    }
}

/// Forgets answers that are past their time; says how many.
pub async fn purge(db: &Db, clock: &Clock) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    let sql = "DELETE FROM idempotency WHERE created_at < $1";
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, [(clock.now() - KEPT).into()]);
    let rows = txn.execute_raw(statement).await?.rows_affected();
    txn.commit().await?;
    Ok(rows)
}
