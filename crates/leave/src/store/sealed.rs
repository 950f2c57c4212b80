//! What is sealed, for sealing it anew.

use kit::db::Txn;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::{execute, statement};

/// A column whose values are sealed, each about the id of its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub table: &'static str,
    pub id: &'static str,
    pub name: &'static str,
}

/// Every one of them. Letters are not among them: they are gone before anybody needs an older key.
pub(crate) const COLUMNS: [Column; 3] = [
    Column {
        table: "leave",
        id: "id",
        name: "details",
    },
    Column {
        table: "decision",
        id: "id",
        name: "comments",
    },
    Column {
        table: "guardian",
        id: "student_id",
        name: "email",
    },
];

#[derive(FromQueryResult)]
struct Sealed {
    id: Uuid,
    value: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl Column {
    /// How many are sealed otherwise than with this prefix.
    pub(crate) async fn count_not_with_prefix(self, db: &impl ConnectionTrait, prefix: &[u8]) -> Result<i64, DbErr> {
        let sql = format!(
            "SELECT COUNT(*) AS count FROM {} WHERE {}",
            self.table,
            self.begins_otherwise(prefix)
        );
        let row = Count::find_by_statement(statement(db, &sql, [prefix.to_vec().into()]));
        Ok(row.one(db).await?.map(|row| row.count).unwrap_or_default())
    }

    /// What is sealed otherwise than with this prefix, by id.
    pub(crate) async fn not_with_prefix(
        self,
        db: &impl ConnectionTrait,
        prefix: &[u8],
        after: Uuid,
        limit: u64,
    ) -> Result<Vec<(Uuid, Vec<u8>)>, DbErr> {
        let Self { table, id, name } = self;
        let sql = format!(
            "SELECT {id} AS id, {name} AS value FROM {table} WHERE {} AND {id} > $2 ORDER BY {id} LIMIT {limit}",
            self.begins_otherwise(prefix)
        );
        let rows = Sealed::find_by_statement(statement(db, &sql, [prefix.to_vec().into(), after.into()]));
        Ok(rows.all(db).await?.into_iter().map(|row| (row.id, row.value)).collect())
    }

    /// Puts the same, sealed anew, in place of what is still there.
    pub(crate) async fn replace_in_txn(self, txn: &Txn, id: Uuid, old: Vec<u8>, anew: Vec<u8>) -> Result<u64, DbErr> {
        let sql = format!(
            "UPDATE {} SET {name} = $1 WHERE {} = $2 AND {name} = $3",
            self.table,
            self.id,
            name = self.name
        );
        execute(&**txn, &sql, [anew.into(), id.into(), old.into()]).await
    }

    fn begins_otherwise(self, prefix: &[u8]) -> String {
        let name = self.name;
        format!("{name} IS NOT NULL AND substr({name}, 1, {}) <> $1", prefix.len())
    }
}
