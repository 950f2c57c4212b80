//! Every query of this service. Rows become domain types here; entities are private to this room.

mod entity;
pub(crate) mod erased;
mod migration;

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity},
    db::{Rows, Txn},
    page::{Order, Paging},
};
use proto::options::Role;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbBackend, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, Statement, Value, sea_query::Expr,
};

use entity::{Column, Entity, Model};
pub use migration::Migrator;

use crate::{
    Error,
    domain::{Chain, Entry, Fact, Hash, chain::Digest},
};

/// Entries that are read at once.
pub(crate) const BATCH: u64 = 500;

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// What a caller may see; every read for a caller starts here.
fn visible_to(caller: &Caller) -> Select<Entity> {
    match caller.identity {
        Identity::User {
            role: Role::Admin | Role::Warden,
            ..
        } => Entity::find(),
        _ => Entity::find().filter(Expr::val(false)),
    }
}

pub(crate) async fn list(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: &Filter,
    order: Order,
    paging: Paging,
) -> Result<(Vec<Entry>, u64), Error> {
    let wanted = filter.apply(visible_to(caller));
    let total = wanted.clone().count(db).await?;
    // The order of the chain is the order of recording; times of several services may cross by moments.
    let wanted = match order {
        Order::Ascending => wanted.order_by_asc(Column::OccurredAt).order_by_asc(Column::Sequence),
        Order::Descending => wanted.order_by_desc(Column::OccurredAt).order_by_desc(Column::Sequence),
    };
    let rows = wanted.offset(paging.offset()).limit(paging.limit()).all(db).await?;
    Ok((rows.into_iter().map(from_row).collect(), total))
}

/// The next entries that a caller wants, after a place in the chain.
pub(crate) async fn matching_after(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: &Filter,
    sequence: u64,
    limit: u64,
) -> Result<Vec<Entry>, Error> {
    next(db, filter.apply(visible_to(caller)), sequence, limit).await
}

/// The next entries about somebody, or of what they did.
pub(crate) async fn about(
    db: &impl ConnectionTrait,
    subject: &str,
    sequence: u64,
    limit: u64,
) -> Result<Vec<Entry>, Error> {
    let theirs = Condition::any()
        .add(Column::ResourceId.eq(subject))
        .add(Column::ActorId.eq(subject));
    next(db, Entity::find().filter(theirs), sequence, limit).await
}

/// The next entries of the chain, for the chain's own sake.
pub(crate) async fn after(db: &impl ConnectionTrait, sequence: u64, limit: u64) -> Result<Vec<Entry>, Error> {
    next(db, Entity::find(), sequence, limit).await
}

async fn next(db: &impl ConnectionTrait, from: Select<Entity>, sequence: u64, limit: u64) -> Result<Vec<Entry>, Error> {
    let after = from.filter(Column::Sequence.gt(stored(sequence)));
    let rows = after.order_by_asc(Column::Sequence).limit(limit).all(db).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

pub(crate) async fn insert_in_txn(txn: &Txn, entries: Vec<Entry>) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns = [
        "sequence",
        "id",
        "occurred_at",
        "actor_id",
        "actor_role",
        "action",
        "resource_type",
        "resource_id",
        "details",
        "salt",
        "digest",
        "hash",
    ];
    let (table, values) = ("entry", entries.into_iter().map(into_row).collect());
    let rows = Rows { table, columns, values };
    txn.execute_raw(rows.insert(txn.get_database_backend(), "")?).await?;
    Ok(())
}

fn into_row(entry: Entry) -> [Value; 12] {
    [
        stored(entry.sequence).into(),
        entry.fact.id.into(),
        entry.fact.occurred_at.into(),
        entry.fact.actor_id.into(),
        entry.fact.actor_role.into(),
        entry.fact.action.into(),
        entry.fact.resource_type.into(),
        entry.fact.resource_id.into(),
        entry.details.into(),
        entry.salt.into(),
        entry.digest.to_string().into(),
        entry.hash.to_string().into(),
    ]
}

/// A row whose place is none of the chain's. Rows and head are read at one moment.
pub(crate) async fn outside_the_chain(db: &impl ConnectionTrait) -> Result<Option<u64>, Error> {
    let sql = "SELECT MIN(sequence) AS place FROM entry \
               WHERE sequence < 1 OR sequence > (SELECT entries FROM chain_head WHERE id = 1)";
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?;
    let place: Option<i64> = row.map(|row| row.try_get("", "place")).transpose()?.flatten();
    Ok(place.map(|place| u64::try_from(place).unwrap_or_default()))
}

/// The end of the chain as it was recorded with the last entry.
pub(crate) async fn head(db: &impl ConnectionTrait) -> Result<Chain, Error> {
    read_head(db, "").await
}

/// The same, held until the transaction ends: entries are linked one after the other.
pub(crate) async fn head_in_txn(txn: &Txn) -> Result<Chain, Error> {
    let lock = if txn.get_database_backend() == DbBackend::Postgres {
        " FOR UPDATE"
    } else {
        ""
    };
    read_head(&**txn, lock).await
}

pub(crate) async fn set_head_in_txn(txn: &Txn, chain: Chain) -> Result<(), Error> {
    let sql = "UPDATE chain_head SET entries = $1, hash = $2 WHERE id = 1";
    let values = [stored(chain.entries).into(), chain.head.to_string().into()];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values))
        .await?;
    Ok(())
}

async fn read_head(db: &impl ConnectionTrait, lock: &str) -> Result<Chain, Error> {
    let broken = |what| Error::Inconsistent {
        table: "chain_head",
        row: 1,
        what,
    };
    let sql = format!("SELECT entries, hash FROM chain_head WHERE id = 1{lock}");
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?;
    let row = row.ok_or_else(|| broken("is missing"))?;
    let (entries, hash): (i64, String) = (row.try_get("", "entries")?, row.try_get("", "hash")?);
    Ok(Chain {
        entries: u64::try_from(entries).map_err(|_| broken("entries is negative"))?,
        head: Hash::parse(&hash).ok_or_else(|| broken("hash is no SHA-256"))?,
    })
}

impl Filter {
    fn apply(&self, mut select: Select<Entity>) -> Select<Entity> {
        let equal = [
            (Column::ActorId, &self.actor),
            (Column::Action, &self.action),
            (Column::ResourceType, &self.resource_type),
            (Column::ResourceId, &self.resource_id),
        ];
        for (column, wanted) in equal {
            if let Some(wanted) = wanted {
                select = select.filter(column.eq(wanted.as_str()));
            }
        }
        if let Some(from) = self.from {
            select = select.filter(Column::OccurredAt.gte(from));
        }
        if let Some(to) = self.to {
            select = select.filter(Column::OccurredAt.lt(to));
        }
        select
    }
}

/// Places in the chain stay far below 2⁶³.
fn stored(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// A row that somebody edited into nonsense is no error here: it becomes an entry that does not verify.
fn from_row(row: Model) -> Entry {
    Entry {
        sequence: u64::try_from(row.sequence).unwrap_or_default(),
        fact: Fact {
            id: row.id,
            occurred_at: row.occurred_at,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            action: row.action,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
        },
        details: row.details,
        salt: row.salt,
        digest: Digest::parse(&row.digest).unwrap_or(Digest::NONE),
        hash: Hash::parse(&row.hash).unwrap_or(Chain::EMPTY.head),
    }
}
