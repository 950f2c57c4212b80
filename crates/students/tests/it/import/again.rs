//! The same request again: with its key the first report is given again, and nothing is done.

use chrono::Duration;
use kit::{Fault, access::metadata};
use proto::{options::Role, students::ImportReport};
use uuid::Uuid;

use super::{
    breaks::{impatient, some},
    counts, pieces,
};
use crate::{
    auth::Mood,
    hostel::{Hostel, code},
    trail::until,
};

impl Hostel {
    async fn import_with_key(&self, by: Uuid, file: &str, dry_run: &str) -> Result<ImportReport, Fault> {
        let token = self.world.keys.token_of(by, Role::Warden);
        let mut request = self
            .world
            .request(&token, pieces(file.as_bytes(), &[("dry_run", dry_run)]));
        let key = "k-1".parse().unwrap();
        request.metadata_mut().insert(metadata::IDEMPOTENCY_KEY, key);
        self.send(request).await
    }
}

#[tokio::test]
async fn the_first_report_is_given_again_and_nothing_is_done() {
    let hostel = Hostel::open().await;
    let warden = hostel.world.clock.new_id();
    let first = hostel.import_with_key(warden, &some(3), "false").await.unwrap();
    assert_eq!(counts(&first), (3, 0, 0));
    let before = hostel.written().await;
    assert_eq!(hostel.import_with_key(warden, &some(3), "false").await.unwrap(), first);
    assert_eq!(hostel.written().await, before);
    for (other, dry_run) in [(some(4), "false"), (some(3), "true")] {
        let refused = hostel.import_with_key(warden, &other, dry_run).await;
        assert_eq!(code(refused).1, "IDEMPOTENCY_KEY_REUSED");
    }
    // Somebody else's key is another, and without one the file is looked at anew.
    let other = hostel.world.clock.new_id();
    let of_other = hostel.import_with_key(other, &some(3), "false").await.unwrap();
    assert_eq!(counts(&of_other), (0, 3, 0));
    assert_eq!(counts(&hostel.import(some(3)).await), (0, 3, 0));
    hostel.world.clock.advance(Duration::hours(25));
    let later = hostel.import_with_key(warden, &some(3), "false").await.unwrap();
    assert_eq!(counts(&later), (0, 3, 0), "a day later it is another request");
}

#[tokio::test]
async fn a_request_that_is_still_at_work_is_not_done_twice() {
    let hostel = Hostel::open().await;
    let warden = hostel.world.clock.new_id();
    hostel.auth.is(Mood::Pondering);
    let file = some(3);
    let first = hostel.import_with_key(warden, &file, "false");
    let meanwhile = async {
        until("the first is at work", async || {
            (hostel.count("account_intent").await == 3).then_some(())
        })
        .await;
        let refused = hostel.import_with_key(warden, &some(3), "false").await.unwrap_err();
        hostel.auth.is(Mood::Well);
        (refused.kind.http(), refused.reason)
    };
    let (first, meanwhile) = tokio::join!(first, meanwhile);
    assert_eq!(meanwhile, (409, "CONFLICT".into()));
    let first = first.unwrap();
    assert_eq!(counts(&first), (3, 0, 0));
    assert_eq!(hostel.import_with_key(warden, &some(3), "false").await.unwrap(), first);
}

#[tokio::test]
async fn what_did_not_come_to_an_end_is_tried_again() {
    let hostel = Hostel::open_with(impatient()).await;
    let warden = hostel.world.clock.new_id();
    hostel.auth.is(Mood::Down);
    let failed = hostel.import_with_key(warden, &some(2), "false").await.unwrap();
    assert_eq!(counts(&failed), (0, 0, 2));
    let refused = hostel.import_with_key(warden, "no header", "false").await;
    assert_eq!(code(refused).1, "VALIDATION_ERROR");
    hostel.auth.is(Mood::Well);
    hostel.all_is_seen_through().await;
    let done = hostel.import_with_key(warden, &some(2), "false").await.unwrap();
    assert_eq!(counts(&done), (2, 0, 0));
}

/// What a process leaves that ends in the middle: the claim.
#[tokio::test]
async fn a_claim_of_a_process_that_ended_does_not_hold_for_ever() {
    let hostel = Hostel::open().await;
    let warden = hostel.world.clock.new_id();
    hostel.import_with_key(warden, &some(2), "false").await.unwrap();
    let at_work = vec![0xff_u8];
    let left = hostel
        .write("UPDATE idempotency SET answer = $1", [at_work.into()])
        .await;
    assert_eq!(left, 1);
    hostel.world.clock.advance(Duration::minutes(14));
    let early = hostel.import_with_key(warden, &some(2), "false").await.unwrap_err();
    assert_eq!(early.kind.http(), 409);
    hostel.world.clock.advance(Duration::minutes(2));
    let again = hostel.import_with_key(warden, &some(2), "false").await.unwrap();
    assert_eq!(counts(&again), (0, 2, 0));
}
