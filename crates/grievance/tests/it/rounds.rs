//! What is done by the clock, again and again: closing what was resolved, taking away what is left of pictures.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use futures_util::{StreamExt as _, stream};
use grievance::Config;
use kit::{
    files::{Files, Key},
    testing::TestStores,
};
use proto::grievance::{GrievanceStatus, ReopenGrievanceRequest};
use uuid::Uuid;

use crate::{
    desk::{Desk, told, until},
    images::{add, small},
    laid::Laid,
};

/// A desk that looks at its tickets all the time.
fn watchful() -> Config {
    Config {
        look_every_seconds: 1,
        ..Config::default()
    }
}

#[tokio::test]
async fn each_is_closed_when_its_own_week_is_over() {
    let desk = Desk::open_with(watchful()).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let (first, second, again) = (
        desk.raise(&asha).await,
        desk.raise(&asha).await,
        desk.raise(&asha).await,
    );
    desk.resolve(&first.id).await;
    desk.resolve(&again.id).await;
    desk.world.clock.advance(Duration::days(3));
    // A round that says how late it is does not meet the end of it.
    until("the second is late", async || {
        (desk.told("grievance.overdue_announced").await.len() == 1).then_some(())
    })
    .await;
    desk.resolve(&second.id).await;
    let reopen = ReopenGrievanceRequest {
        id: again.id.clone(),
        comments: None,
    };
    told(desk.grievances().reopen_grievance(desk.by(&asha, reopen)).await).unwrap();
    // To the very end it can be reopened.
    desk.world.clock.advance(Duration::days(4));
    let status = async |id: &str| desk.get(&warden, id).await.unwrap().status();
    assert_eq!(status(&first.id).await, GrievanceStatus::Resolved);
    desk.world.clock.advance(Duration::seconds(1));
    let closed = async |id: &str| (status(id).await == GrievanceStatus::Closed).then_some(());
    until("the first is closed", async || closed(&first.id).await).await;
    assert_eq!(status(&second.id).await, GrievanceStatus::Resolved);
    assert_eq!(status(&again.id).await, GrievanceStatus::Open);
    desk.world.clock.advance(Duration::days(3));
    until("the second is closed", async || closed(&second.id).await).await;
    assert_eq!(status(&again.id).await, GrievanceStatus::Open);
    assert_eq!(desk.told("grievance.closed").await.len(), 2);
    let history = desk.history(&warden, &first.id).await;
    assert_eq!(history.iter().filter(|field| *field == "status").count(), 3);
}

/// More than are looked for at once, one of them damaged.
#[tokio::test]
async fn all_are_closed_once_and_a_damaged_one_keeps_none_back() {
    const MANY: i64 = 210;
    let desk = Desk::open_with(watchful()).await;
    let asha = desk.student(1).await;
    let resolved_at = desk.world.clock.now() + Duration::days(1);
    for number in 1..=MANY {
        let resolved = Laid {
            status: "resolved",
            due_at: None,
            resolved: Some((desk.warden, resolved_at)),
            ..Laid::of(&desk, &asha, number)
        };
        resolved.lay(&desk).await;
    }
    desk.write("UPDATE ticket SET priority = 9 WHERE number = 2", []).await;
    desk.world.clock.advance(Duration::days(8) + Duration::seconds(1));
    until("all but one are closed", async || {
        (desk.count("ticket WHERE status = 'closed'").await == MANY - 1).then_some(())
    })
    .await;
    let closed = desk.told("grievance.closed").await;
    let each: HashSet<&str> = closed.iter().filter_map(|event| event["subject"].as_str()).collect();
    let all = usize::try_from(MANY - 1).unwrap();
    assert_eq!((closed.len(), each.len()), (all, all));
    // Mended, it is closed in the next round.
    desk.write("UPDATE ticket SET priority = 1 WHERE number = 2", []).await;
    until("the last one is closed", async || {
        (desk.told("grievance.closed").await.len() == all + 1).then_some(())
    })
    .await;
}

/// A file as it lies there when a process ended in the middle of things.
async fn leave_behind(desk: &Desk, files: &dyn Files, (state, since): (&str, DateTime<Utc>)) -> Uuid {
    let id = desk.world.clock.new_id();
    let key = format!("grievances/zz/{}", id.simple());
    let body = stream::once(async { Ok(Bytes::from_static(b"sealed")) }).boxed();
    files
        .put(&Key::parse(key.clone()).unwrap(), "application/octet-stream", body)
        .await
        .unwrap();
    desk.write(
        "INSERT INTO stored_file (file_key, state, since) VALUES ($1, $2, $3)",
        [key.into(), state.into(), since.into()],
    )
    .await;
    id
}

async fn is_stored(files: &dyn Files, id: Uuid) -> bool {
    let key = Key::parse(format!("grievances/zz/{}", id.simple())).unwrap();
    files.get(&key).await.unwrap().is_some()
}

#[tokio::test]
async fn what_was_left_behind_is_taken_away_and_nothing_else() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    add(&desk, &asha, &ticket, &small()).await.unwrap();
    let now = desk.world.clock.now();
    let files = kit::files::open(&desk.world.host.stores.files).await.unwrap();
    let files = &*files;
    let doomed = leave_behind(&desk, files, ("doomed", now)).await;
    let stuck = leave_behind(&desk, files, ("arriving", now - Duration::minutes(61))).await;
    let arriving = leave_behind(&desk, files, ("arriving", now - Duration::minutes(59))).await;
    // Its object is gone already: that is no reason to keep it.
    let gone = leave_behind(&desk, files, ("doomed", now)).await;
    files
        .delete(&Key::parse(format!("grievances/zz/{}", gone.simple())).unwrap())
        .await
        .unwrap();

    let stores: TestStores = desk.world.stop().await;
    let desk = Desk::open_beside(stores, Config::default(), Vec::new()).await;
    until("three are taken away", async || {
        (desk.count("stored_file").await == 2).then_some(())
    })
    .await;
    assert_eq!(desk.count("stored_file WHERE state = 'kept'").await, 1);
    assert_eq!(desk.count("stored_file WHERE state = 'arriving'").await, 1);
    let files = kit::files::open(&desk.world.host.stores.files).await.unwrap();
    let files = &*files;
    assert!(!is_stored(files, doomed).await && !is_stored(files, stuck).await);
    assert!(is_stored(files, arriving).await);
    let kept = desk
        .rows("SELECT file_key AS text FROM stored_file WHERE state = 'kept'")
        .await;
    assert!(
        files
            .get(&Key::parse(kept[0].clone()).unwrap())
            .await
            .unwrap()
            .is_some()
    );
}
