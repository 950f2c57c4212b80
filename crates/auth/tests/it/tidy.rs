//! What is forgotten by the clock.

use std::time::{Duration, Instant};

use auth::Auth;
use kit::testing::World;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, config},
    people::{DESK, PHONE},
};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_ended_long_ago_goes_and_what_lives_stays() {
    let hostel = Hostel::open().await;
    hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.unwrap();
    let live = hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
    let mut token = live.refresh_token().to_owned();
    for _ in 0..3 {
        token = hostel.refresh(&token).await.unwrap().refresh_token().to_owned();
    }
    let now = hostel.world.clock.now();
    let month_ago = now - chrono::Duration::days(31);
    let sql = "UPDATE session SET ended_at = $1 WHERE user_agent = $2";
    assert_eq!(hostel.write(sql, [month_ago.into(), PHONE.0.into()]).await, 1);
    // Spent long ago, in a session that lives.
    let sql = "UPDATE refresh_token SET spent_at = $1 WHERE spent_at IS NOT NULL";
    assert_eq!(hostel.write(sql, [month_ago.into()]).await, 3);
    let half_a_year_ago = now - chrono::Duration::days(181);
    let sql = "UPDATE device SET last_seen_at = $1";
    assert_eq!(hostel.write(sql, [half_a_year_ago.into()]).await, 2);

    // It tidies up when it starts.
    let stores = hostel.world.stop().await;
    let hostel = Hostel {
        world: World::on::<Auth>(stores, config()).await,
    };
    let end = Instant::now() + PATIENCE;
    while hostel.count("session").await > 1 || hostel.count("device").await > 0 {
        assert!(Instant::now() < end, "nothing was tidied up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(hostel.count("refresh_token").await, 4);
    // The oldest copy is still found out.
    let copied = hostel.refresh(live.refresh_token()).await;
    assert_eq!(crate::hostel::code(copied).1, "TOKEN_REUSED");
}
