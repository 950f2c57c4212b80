//! What tests do behind a service's back: they look into its database, write there, and say what other services say.

use prost::{Message, Name};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::World;
use crate::{
    db,
    events::{Actor, Event},
    json,
};

#[derive(FromQueryResult)]
struct Text {
    text: String,
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

impl World {
    /// Publishes an event of another service, as its relay would.
    pub async fn hear<M: Message + Name + 'static>(&self, kind: &str, subject: Uuid, version: i64, data: &M) {
        let source = kind.split('.').next().unwrap_or_default();
        let event = Event {
            specversion: "1.0".to_owned(),
            id: self.clock.new_id(),
            source: format!("/hostelpulse/{source}"),
            kind: format!("hostelpulse.{kind}.v1"),
            time: self.clock.now(),
            subject: subject.to_string(),
            datacontenttype: "application/json".to_owned(),
            version,
            traceparent: None,
            actor: Actor::default(),
            data: json::to_value(data),
        };
        self.host.bus.publish(&event).await.expect("the bus takes it");
    }

    /// Writes to the database as nobody else may; how many rows that were.
    pub async fn write(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> u64 {
        let txn = self.db.begin().await.expect("a transaction");
        let rows = db::execute(&*txn, sql, values).await;
        let rows = rows.expect("the statement is right");
        txn.commit().await.expect("it is committed");
        rows
    }

    /// The column `text` of a query.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let statement = db::statement(self.db.reader(), sql, []);
        let rows = Text::find_by_statement(statement).all(self.db.reader()).await;
        let rows = rows.expect("the query is right");
        rows.into_iter().map(|row| row.text).collect()
    }

    /// How many rows a table has, or those of `table WHERE …`.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS number FROM {table}");
        let statement = db::statement(self.db.reader(), sql, []);
        let row = Number::find_by_statement(statement).one(self.db.reader()).await;
        row.expect("the query is right").expect("a count is a row").number
    }

    /// The events of one type that were written, as JSON, in their order.
    pub async fn told(&self, kind: &str) -> Vec<serde_json::Value> {
        let rows = self.rows("SELECT event AS text FROM outbox ORDER BY id").await;
        let read = |text: &String| serde_json::from_str(text).expect("an event is JSON");
        let events = rows.iter().map(read);
        let kind = format!("hostelpulse.{kind}.v1");
        events
            .filter(|event: &serde_json::Value| event["type"] == kind)
            .collect()
    }
}
