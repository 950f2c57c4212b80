//! What a test finds in the database afterwards.

use std::path::Path;

use kit::testing::TestStores;
pub(crate) use kit::testing::until;
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use serde_json::Value;

use crate::hostel::Hostel;

impl Hostel {
    pub(crate) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let db = self.world.db.reader();
        let statement = Statement::from_string(db.get_database_backend(), sql.to_owned());
        db.query_all_raw(statement).await.unwrap()
    }

    /// Everything that happened to one student or other subject, in the order of its versions: kind and version.
    pub(crate) async fn history(&self, subject: &str) -> Vec<(String, i64)> {
        let of_subject = |event: &Value| event["subject"] == subject;
        let short = |event: &Value| {
            let kind = event["type"].as_str().unwrap();
            let kind = kind.trim_start_matches("hostelpulse.").trim_end_matches(".v1");
            (kind.to_owned(), event["version"].as_i64().unwrap())
        };
        let mut history: Vec<_> = self
            .events()
            .await
            .iter()
            .filter(|event| of_subject(event))
            .map(short)
            .collect();
        history.sort_by_key(|(_, version)| *version);
        history
    }

    /// The events of one type: `student.moved` for `hostelpulse.student.moved.v1`.
    pub(crate) async fn events_of(&self, kind: &str) -> Vec<Value> {
        let kind = format!("hostelpulse.{kind}.v1");
        let events = self.events().await;
        events.into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// All events, in the order in which they were made.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let rows = self.rows("SELECT event FROM outbox ORDER BY id").await;
        let text = |row: &QueryResult| row.try_get::<String>("", "event").unwrap();
        rows.iter()
            .map(|row| serde_json::from_str(&text(row)).unwrap())
            .collect()
    }

    /// How many live in a room, as the room says and as its people say.
    pub(crate) async fn occupancy(&self, room: &str) -> (i64, i64) {
        let is_it = |row: &QueryResult| row.try_get::<uuid::Uuid>("", "id").unwrap().to_string() == room;
        let rooms = self.rows("SELECT id, occupied FROM room").await;
        let said: i32 = rooms
            .iter()
            .find(|row| is_it(row))
            .unwrap()
            .try_get("", "occupied")
            .unwrap();
        let people = self
            .rows("SELECT room_id AS id FROM student WHERE room_id IS NOT NULL")
            .await;
        let living = people.iter().filter(|row| is_it(row)).count();
        (said.into(), i64::try_from(living).unwrap())
    }

    /// Every byte that the database holds: its files, or on a server its tables, as text.
    pub(crate) async fn everything_kept(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if TestStores::on_servers() {
            for table in [
                "student",
                "student_word",
                "stay",
                "outbox",
                "idempotency",
                "account_intent",
            ] {
                // A row as text writes bytes in hexadecimal.
                for row in self.rows(&format!("SELECT t::text AS line FROM {table} AS t")).await {
                    all.extend(row.try_get::<String>("", "line").unwrap().into_bytes());
                }
            }
            for (table, column) in [("student", "private"), ("idempotency", "answer")] {
                for row in self.rows(&format!("SELECT {column} AS bytes FROM {table}")).await {
                    all.extend(row.try_get::<Vec<u8>>("", "bytes").unwrap());
                }
            }
            return all;
        }
        let config = self.world.stores.config();
        read_all(&config.base.data, &mut all);
        all
    }
}

fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.extend(std::fs::read(&path).unwrap());
        }
    }
}
