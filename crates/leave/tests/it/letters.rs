//! Letters to guardians as wardens see them: waiting, sent, given up, sent again.

use std::path::PathBuf;

use chrono::TimeDelta;
use kit::testing::TestStores;
use proto::{
    leave::{GuardianState, GuardianWord, LetterState},
    options::Role,
};

use crate::{
    gate::as_warden,
    guardians::{PARENT, answer, asked, asking, set, token},
    hostel::{Hostel, reason, until},
};

async fn word(hostel: &Hostel, id: &str) -> GuardianWord {
    as_warden(hostel, id).await.guardian.unwrap()
}

/// A try that was under way when the clock was moved is put off from then on: time goes on.
async fn letter_becomes(hostel: &Hostel, id: &str, state: LetterState) -> GuardianWord {
    until(state.as_str_name(), async || {
        hostel.world.clock.advance(TimeDelta::seconds(10));
        let word = word(hostel, id).await;
        (word.letter() == state).then_some(word)
    })
    .await
}

/// Where letters are put, and where that folder is while nobody can put one there.
fn mail(stores: &TestStores) -> (PathBuf, PathBuf) {
    let data = stores.config().base.data;
    (data.join("mail"), data.join("mail-away"))
}

#[tokio::test]
async fn a_letter_waits_until_it_is_sent_and_its_link_ends() {
    let hostel = asking().await;
    let (folder, away) = mail(&hostel.world.stores);
    std::fs::rename(&folder, &away).unwrap();
    let (asha, id) = asked(&hostel).await;
    until("a try", async || {
        (hostel.count("guardian_link WHERE tries > 0").await == 1).then_some(())
    })
    .await;
    let waiting = word(&hostel, &id).await;
    assert_eq!(
        (waiting.state(), waiting.letter()),
        (GuardianState::Asked, LetterState::Waiting)
    );
    assert_eq!(waiting.letter_at, waiting.at);
    let link = waiting.link_expires_at.unwrap().seconds - waiting.at.unwrap().seconds;
    assert_eq!(link, 48 * 3600);

    // The first try may still be under way: whichever is the one that gets through, it is five minutes later then.
    hostel.world.clock.advance(TimeDelta::minutes(5));
    std::fs::rename(&away, &folder).unwrap();
    let sent = letter_becomes(&hostel, &id, LetterState::Sent).await;
    assert_eq!(sent.link_expires_at, waiting.link_expires_at);
    let asked_at = waiting.at.unwrap().seconds;
    let (later, now) = (
        sent.letter_at.unwrap().seconds - asked_at,
        hostel.world.clock.now().timestamp() - asked_at,
    );
    assert!((300..=now).contains(&later), "{later} of {now}");

    // A student is told the same of their own, a guard nothing, and of what asks nobody there is nothing.
    let own = hostel.get_as(asha.id, Role::Student, &id).await.unwrap();
    assert_eq!(own.guardian.unwrap().letter(), LetterState::Sent);
    let mut other = hostel.home(7, 8);
    other.leave_type = "medical".to_owned();
    let other = hostel.ask(&asha, other).await.unwrap();
    let nobody = other.guardian.unwrap();
    assert_eq!((nobody.letter, nobody.link_expires_at), (None, None));
    let granted = hostel.approve(&other.id).await.unwrap();
    let at_gate = hostel.get_as(hostel.guard, Role::Guard, &granted.id).await.unwrap();
    assert_eq!(at_gate.guardian, None);
}

#[tokio::test]
async fn a_letter_that_never_left_is_told_as_failed() {
    let hostel = asking().await;
    let (folder, away) = mail(&hostel.world.stores);
    std::fs::rename(&folder, &away).unwrap();
    let (asha, late) = asked(&hostel).await;
    until("a try", async || {
        (hostel.count("guardian_link WHERE tries > 0").await == 1).then_some(())
    })
    .await;
    hostel.world.clock.advance(TimeDelta::hours(49));
    let failed = letter_becomes(&hostel, &late, LetterState::Failed).await;
    assert_eq!(failed.state(), GuardianState::Asked);
    assert!(failed.letter_at.unwrap().seconds > failed.link_expires_at.unwrap().seconds);

    // What would fail again is given up at once. The folder stays away: the first try, which has the letter as it was
    // written, may still be under way.
    let spoilt = hostel.ask(&asha, hostel.home(7, 8)).await.unwrap();
    until("a try", async || {
        (hostel
            .count("guardian_link WHERE letter IS NOT NULL AND tries > 0")
            .await
            == 1)
            .then_some(())
    })
    .await;
    let spoil = "UPDATE guardian_link SET letter = $1 WHERE letter IS NOT NULL";
    assert_eq!(hostel.write(spoil, [vec![7_u8; 60].into()]).await, 1);
    hostel.world.clock.advance(TimeDelta::minutes(5));
    let failed = letter_becomes(&hostel, &spoilt.id, LetterState::Failed).await;
    assert!(failed.letter_at.unwrap().seconds < failed.link_expires_at.unwrap().seconds);
    let tokens = "guardian_link WHERE letter IS NOT NULL";
    assert_eq!(hostel.count(tokens).await, 0);
}

#[tokio::test]
async fn the_same_address_said_again_sends_the_letter_again() {
    let hostel = asking().await;
    let (asha, id) = asked(&hostel).await;
    let first = token(&hostel, PARENT, 1).await;
    let before = letter_becomes(&hostel, &id, LetterState::Sent).await;
    hostel.world.clock.advance(TimeDelta::hours(1));
    set(&hostel, asha.id, PARENT).await.unwrap();
    let second = token(&hostel, PARENT, 2).await;
    let after = letter_becomes(&hostel, &id, LetterState::Sent).await;
    let later = after.link_expires_at.unwrap().seconds - before.link_expires_at.unwrap().seconds;
    assert!(later >= 3600, "{later}");
    assert_eq!(reason(answer(&hostel, &first, "approve").await), "LINK_EXPIRED");
    answer(&hostel, &second, "approve").await.unwrap();
    assert_eq!(word(&hostel, &id).await.state(), GuardianState::Approved);
}
