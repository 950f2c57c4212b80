//! What a test finds in the database afterwards.

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;

use crate::hostel::Hostel;

impl Hostel {
    /// The events of one type, in the order in which they happened: `user.signed_in` for `hostelpulse.user.signed_in.v1`.
    pub(crate) async fn events(&self, kind: &str) -> Vec<Value> {
        let sql = "SELECT event FROM outbox WHERE kind = $1 ORDER BY id";
        let kind = format!("hostelpulse.{kind}.v1");
        let statement = Statement::from_sql_and_values(self.world.db.backend(), sql, [kind.into()]);
        let rows = self.world.db.reader().query_all_raw(statement).await.unwrap();
        let text = |row: &sea_orm::QueryResult| row.try_get::<String>("", "event").unwrap();
        rows.iter()
            .map(|row| serde_json::from_str(&text(row)).unwrap())
            .collect()
    }

    /// Everything that is kept beside the tables of accounts: events, and answers for repetitions.
    pub(crate) async fn kept(&self) -> String {
        let reader = self.world.db.reader();
        let rows = |sql: &str| reader.query_all_raw(Statement::from_string(self.world.db.backend(), sql));
        let mut all = String::new();
        for row in rows("SELECT event FROM outbox").await.unwrap() {
            all += &row.try_get::<String>("", "event").unwrap();
        }
        for row in rows("SELECT answer FROM idempotency").await.unwrap() {
            all += &String::from_utf8_lossy(&row.try_get::<Vec<u8>>("", "answer").unwrap());
        }
        all
    }
}
