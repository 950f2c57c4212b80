//! Guardians: where they are written to, the letter, the page, the one answer.

use chrono::TimeDelta;
use futures_util::future::join_all;
use kit::{Fault, testing::TestStores};
use leave::{Config, domain::Rules};
use proto::{
    leave::{
        AnswerQuestionRequest, ApproveLeaveRequest, GetGuardianRequest, Guardian, GuardianState, LeaveState,
        SetGuardianRequest, ShowQuestionRequest,
    },
    options::Role,
};
use uuid::Uuid;

use crate::{
    gate::as_warden,
    hostel::{Hostel, Pupil, reason, told, until, wrong_fields},
};

pub(crate) const PARENT: &str = "parent@family.example";

/// A hostel that asks guardians before anybody goes home.
pub(crate) async fn asking() -> Hostel {
    let mut config = Config::default();
    config.types.home = Rules {
        guardian: true,
        ..Rules::default()
    };
    Hostel::open_with(config).await
}

pub(crate) async fn set(hostel: &Hostel, student: Uuid, email: &str) -> Result<Guardian, Fault> {
    let request = SetGuardianRequest {
        student_id: student.to_string(),
        email: email.to_owned(),
    };
    told(hostel.guardians().set_guardian(hostel.by_warden(request)).await)
}

async fn get(hostel: &Hostel, student: Uuid) -> Result<Guardian, Fault> {
    let request = GetGuardianRequest {
        student_id: student.to_string(),
    };
    told(hostel.guardians().get_guardian(hostel.by_admin(request)).await)
}

/// The page as anybody sees it who has the link.
async fn show(hostel: &Hostel, token: &str) -> Result<String, Fault> {
    let request = ShowQuestionRequest {
        token: token.to_owned(),
    };
    told(hostel.guardians().show_question(request).await).map(|page| page.html)
}

pub(crate) async fn answer(hostel: &Hostel, token: &str, answer: &str) -> Result<String, Fault> {
    let request = AnswerQuestionRequest {
        token: token.to_owned(),
        answer: answer.to_owned(),
    };
    told(hostel.guardians().answer_question(request).await).map(|page| page.html)
}

/// The letters to an address, each as it was written.
fn letters_to(stores: &TestStores, address: &str) -> Vec<String> {
    let folder = stores.config().base.data.join("mail");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .collect();
    paths.sort();
    let letters = paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    letters
        .filter(|letter| letter.contains(&format!("To: {address}\r\n")))
        .collect()
}

/// The token of the link in the `number`-th letter to an address, counted from 1.
pub(crate) async fn token(hostel: &Hostel, address: &str, number: usize) -> String {
    let letter = until("a letter to a guardian", async || {
        letters_to(&hostel.world.stores, address).into_iter().nth(number - 1)
    })
    .await;
    let whole = letter.replace("=\r\n", "");
    let (_, link) = whole.split_once("/guardian/").unwrap();
    link.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect()
}

async fn state(hostel: &Hostel, id: &str) -> GuardianState {
    as_warden(hostel, id).await.guardian.unwrap().state()
}

/// A student whose guardian is known, and the leave that was asked for.
pub(crate) async fn asked(hostel: &Hostel) -> (Pupil, String) {
    let asha = hostel.student(1, "A").await;
    set(hostel, asha.id, PARENT).await.unwrap();
    let leave = hostel.ask(&asha, hostel.home(3, 4)).await.unwrap();
    (asha, leave.id)
}

#[tokio::test]
async fn nobody_is_asked_whose_address_nobody_said() {
    let hostel = asking().await;
    let asha = hostel.student(1, "A").await;
    assert_eq!(reason(hostel.ask(&asha, hostel.home(3, 4)).await), "GUARDIAN_UNKNOWN");
    assert_eq!(hostel.count("leave").await + hostel.count("leave_day").await, 0);
    assert_eq!(reason(get(&hostel, asha.id).await), "NOT_FOUND");
    assert_eq!(
        reason(set(&hostel, hostel.world.clock.new_id(), PARENT).await),
        "NOT_FOUND"
    );
    assert_eq!(wrong_fields(set(&hostel, asha.id, "nobody").await), ["email"]);
    let kept = set(&hostel, asha.id, PARENT).await.unwrap();
    assert_eq!(
        (kept.email.as_str(), kept.set_by.clone()),
        (PARENT, hostel.warden.to_string())
    );
    assert_eq!(get(&hostel, asha.id).await.unwrap(), kept);
    // Another kind of leave asks nobody.
    let mut other = hostel.home(3, 4);
    other.leave_type = "medical".to_owned();
    let leave = hostel.ask(&asha, other).await.unwrap();
    assert_eq!(state(&hostel, &leave.id).await, GuardianState::None);
    // The address lies nowhere in the open.
    let dump = kit::testing::contents(hostel.world.db.reader()).await.join("\n");
    assert!(!dump.contains(PARENT));
    assert_eq!(hostel.told("guardian.changed").await.len(), 1);
}

#[tokio::test]
async fn nobody_is_written_to_about_somebody_who_is_gone() {
    let hostel = asking().await;
    let asha = hostel.student(1, "A").await;
    hostel
        .write("UPDATE student SET active = FALSE WHERE id = $1", [asha.id.into()])
        .await;
    assert_eq!(reason(set(&hostel, asha.id, PARENT).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_guardian_agrees_by_the_link_of_the_letter_once() {
    let hostel = asking().await;
    let (asha, id) = asked(&hostel).await;
    assert_eq!(state(&hostel, &id).await, GuardianState::Asked);
    assert_eq!(reason(hostel.approve(&id).await), "GUARDIAN_NOT_APPROVED");
    let token = token(&hostel, PARENT, 1).await;
    until("the letter off the queue", async || {
        (hostel.count("guardian_link WHERE letter IS NOT NULL").await == 0).then_some(())
    })
    .await;

    // Whatever looks through mail may open it as often as it likes.
    for _ in 0..3 {
        let page = show(&hostel, &token).await.unwrap();
        assert!(
            page.contains("May Student 1 be away?") && page.contains("Pune"),
            "{page}"
        );
        assert!(!page.contains("9876543210") && !page.contains("<script"), "{page}");
    }
    assert_eq!(state(&hostel, &id).await, GuardianState::Asked);
    assert!(hostel.told("leave.answered").await.is_empty());
    assert_eq!(reason(answer(&hostel, &token, "maybe").await), "VALIDATION_ERROR");
    assert_eq!(reason(answer(&hostel, "guessed", "approve").await), "NOT_FOUND");

    let answers = join_all((0..5).map(|_| answer(&hostel, &token, "approve"))).await;
    let (agreed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(agreed.len() == 1 && agreed[0].as_ref().unwrap().contains("You agree"));
    assert!(refused.into_iter().map(reason).all(|reason| reason == "LINK_USED"));
    assert_eq!(reason(show(&hostel, &token).await), "LINK_USED");
    assert_eq!(state(&hostel, &id).await, GuardianState::Approved);
    let told = hostel.told("leave.answered").await;
    assert_eq!((told.len(), &told[0]["data"]["approved"]), (1, &true.into()));
    assert_eq!(hostel.approve(&id).await.unwrap().status(), LeaveState::Approved);
    let own = hostel.get_as(asha.id, Role::Student, &id).await.unwrap();
    assert_eq!(own.guardian.unwrap().state(), GuardianState::Approved);
    let dump = kit::testing::contents(hostel.world.db.reader()).await.join("\n");
    assert!(!dump.contains(&token));
}

#[tokio::test]
async fn a_refusal_is_passed_over_only_with_words() {
    let hostel = asking().await;
    let (_, id) = asked(&hostel).await;
    let token = token(&hostel, PARENT, 1).await;
    let page = answer(&hostel, &token, "refuse").await.unwrap();
    assert!(page.contains("You do not agree"), "{page}");
    assert_eq!(reason(hostel.approve(&id).await), "GUARDIAN_NOT_APPROVED");
    let passing = |comments: Option<&str>| ApproveLeaveRequest {
        id: id.clone(),
        comments: comments.map(str::to_owned),
        without_guardian: Some(true),
    };
    let silent = told(hostel.decisions().approve_leave(hostel.by_warden(passing(None))).await);
    assert_eq!(wrong_fields(silent), ["comments"]);
    let words = passing(Some("The other parent called"));
    let granted = told(hostel.decisions().approve_leave(hostel.by_warden(words)).await).unwrap();
    assert!(granted.decisions[0].without_guardian);
}

#[tokio::test]
async fn a_link_ends_with_its_time_and_with_the_question() {
    let hostel = asking().await;
    let (asha, id) = asked(&hostel).await;
    let first = token(&hostel, PARENT, 1).await;
    hostel.cancel(&asha, &id).await.unwrap();
    assert_eq!(reason(show(&hostel, &first).await), "ALREADY_DECIDED");
    assert_eq!(reason(answer(&hostel, &first, "approve").await), "ALREADY_DECIDED");

    let leave = hostel.ask(&asha, hostel.home(3, 4)).await.unwrap();
    let second = token(&hostel, PARENT, 2).await;
    hostel.world.clock.advance(TimeDelta::hours(48));
    assert_eq!(reason(show(&hostel, &second).await), "LINK_EXPIRED");
    assert_eq!(reason(answer(&hostel, &second, "approve").await), "LINK_EXPIRED");
    assert_eq!(state(&hostel, &leave.id).await, GuardianState::Asked);
}

#[tokio::test]
async fn with_another_address_the_guardian_is_asked_again_there() {
    let hostel = asking().await;
    let (asha, id) = asked(&hostel).await;
    let wrong = token(&hostel, PARENT, 1).await;
    set(&hostel, asha.id, "other@family.example").await.unwrap();
    assert_eq!(reason(answer(&hostel, &wrong, "approve").await), "LINK_EXPIRED");
    let right = token(&hostel, "other@family.example", 1).await;
    answer(&hostel, &right, "approve").await.unwrap();
    assert_eq!(state(&hostel, &id).await, GuardianState::Approved);
    // Who answered is not asked again.
    set(&hostel, asha.id, PARENT).await.unwrap();
    assert_eq!(hostel.count("guardian_link").await, 2);
    assert_eq!(hostel.told("guardian.changed").await.len(), 3);
}
