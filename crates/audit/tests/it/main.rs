//! The audit service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod erased;
mod trail;

use std::time::{Duration, Instant};

use audit::Audit;
use kit::upstream::Channel;
use kit::{
    access::Caller,
    events::{Draft, outbox},
    testing::World,
};
use proto::{
    audit::{Entry, ListEntriesRequest, VerifyChainRequest, VerifyChainResponse, audit_client::AuditClient},
    auth::{User, UserCreated},
    options::Role,
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_mins(1);

/// The trail, and somebody who does things.
struct Trail {
    world: World,
}

impl Trail {
    async fn begin() -> Self {
        Self {
            world: World::start::<Audit>().await,
        }
    }

    fn audit(&self) -> AuditClient<Channel> {
        AuditClient::new(self.world.channel.clone())
    }

    /// Things happen, each to a user of its own; their ids. Returns when all are in the trail.
    async fn happen(&self, times: usize) -> Vec<Uuid> {
        let before = self.list(ListEntriesRequest::default()).await.1;
        let txn = self.world.db.begin().await.unwrap();
        let users: Vec<Uuid> = (0..times).map(|_| self.world.clock.new_id()).collect();
        for user in &users {
            let event = UserCreated {
                user: Some(User {
                    id: user.to_string(),
                    name: "=cmd()".to_owned(),
                    ..User::default()
                }),
            };
            let caller = Caller::service("=tests", "request-1".to_owned());
            outbox::add(&txn, Draft::new(&self.world.clock, &caller, "auth", *user, 1, &event))
                .await
                .unwrap();
            self.world.clock.advance(chrono::Duration::seconds(1));
        }
        txn.commit().await.unwrap();
        let end = Instant::now() + PATIENCE;
        while self.list(ListEntriesRequest::default()).await.1 < before + times as u64 {
            assert!(Instant::now() < end, "not everything reached the trail");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        users
    }

    /// One thing happens. Returns when it is in the trail.
    async fn happens<M: prost::Message + prost::Name + 'static>(
        &self,
        by: &Caller,
        subject: Uuid,
        version: i64,
        event: &M,
    ) {
        let before = self.list(ListEntriesRequest::default()).await.1;
        let txn = self.world.db.begin().await.unwrap();
        let draft = Draft::new(&self.world.clock, by, "tests", subject, version, event);
        outbox::add(&txn, draft).await.unwrap();
        txn.commit().await.unwrap();
        let end = Instant::now() + PATIENCE;
        while self.list(ListEntriesRequest::default()).await.1 == before {
            assert!(Instant::now() < end, "what happened did not reach the trail");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn list(&self, request: ListEntriesRequest) -> (Vec<Entry>, u64) {
        let request = self.world.by(Role::Warden, request);
        let answer = self.audit().list_entries(request).await.unwrap().into_inner();
        (answer.entries, answer.page.unwrap().total_items)
    }

    async fn verify(&self) -> VerifyChainResponse {
        let request = self.world.by(Role::Admin, VerifyChainRequest {});
        self.audit().verify_chain(request).await.unwrap().into_inner()
    }

    /// Waits until an rpc service of this server is as well as expected.
    async fn until_health_is(&self, name: &str, expected: ServingStatus) {
        let end = Instant::now() + PATIENCE;
        loop {
            let request = HealthCheckRequest {
                service: name.to_owned(),
            };
            let answer = HealthClient::new(self.world.channel.clone()).check(request).await;
            if answer.is_ok_and(|answer| answer.into_inner().status() == expected) {
                return;
            }
            assert!(Instant::now() < end, "{name:?} did not become {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Somebody with the keys to the database.
    async fn tamper(&self, sql: &str) {
        let txn = self.world.db.begin().await.unwrap();
        sea_orm::ConnectionTrait::execute_unprepared(&*txn, sql).await.unwrap();
        txn.commit().await.unwrap();
    }
}
