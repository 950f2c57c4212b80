//! No sequence of calls makes of a leave what it must not be.

use proptest::prelude::*;

use super::*;

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, 1).unwrap() + chrono::Days::new(number.into())
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_796_000_000 + second, 0).unwrap()
}

fn asked(chain: &[Approver], guardian: Guardian, document_required: bool) -> Leave {
    Leave {
        id: Uuid::from_u128(1),
        version: 1,
        student_id: Uuid::from_u128(2),
        leave_type: LeaveType::Home,
        days: Days::new(day(10), day(19)).unwrap(),
        asked_to: day(19),
        details: Details::default(),
        retroactive: false,
        extends: None,
        root_id: Uuid::from_u128(1),
        chain: chain.to_vec(),
        state: State::Pending { step: 0 },
        guardian,
        document_required,
        asked_at: at(0),
        changed_at: at(0),
    }
}

fn word(by: u128, role: Role) -> Word {
    Word {
        by: Uuid::from_u128(by),
        role,
        at: at(60),
    }
}

const WARDEN: [Approver; 1] = [Approver::Warden];
const BOTH: [Approver; 2] = [Approver::Warden, Approver::Admin];

#[test]
fn a_chain_is_walked_step_by_step_by_different_people() {
    let leave = asked(&BOTH, Guardian::NONE, false);
    let leave = leave.approve(word(7, Role::Admin), Seen::default()).unwrap();
    assert_eq!(
        (leave.state, leave.waits_for()),
        (State::Pending { step: 1 }, Some(Approver::Admin))
    );
    let earlier = [word(7, Role::Admin).decided()];
    let seen = Seen {
        earlier: &earlier,
        ..Seen::default()
    };
    let by_warden = leave.clone().approve(word(8, Role::Warden), seen);
    let taken = TakenStep {
        step: 0,
        taken: earlier[0],
        waits_for: Approver::Admin,
    };
    assert_eq!(by_warden.unwrap_err(), Refusal::StepTaken(taken));
    let rejected = leave.clone().reject(word(8, Role::Warden), &earlier);
    assert_eq!(rejected.unwrap_err(), Refusal::StepTaken(taken));
    let by_the_same = leave.clone().approve(word(7, Role::Admin), seen);
    assert_eq!(by_the_same.unwrap_err(), Refusal::SameApprover);
    let granted = leave.approve(word(9, Role::Admin), seen).unwrap();
    assert!(granted.is_granted() && granted.waits_for().is_none());
}

#[test]
fn whose_step_is_yet_to_come_waits() {
    let leave = asked(&[Approver::Admin, Approver::Warden], Guardian::NONE, false);
    let early = leave.approve(word(7, Role::Warden), Seen::default());
    assert_eq!(early.unwrap_err(), Refusal::NotYourTurn(Approver::Admin));
}

#[test]
fn whoever_decides_second_is_told_what_was_decided() {
    let rejected = asked(&WARDEN, Guardian::NONE, false)
        .reject(word(7, Role::Warden), &[])
        .unwrap();
    let decided = Decided {
        by: Uuid::from_u128(7),
        at: at(60),
    };
    let again = rejected.clone().approve(word(8, Role::Warden), Seen::default());
    assert_eq!(again.unwrap_err(), Refusal::Decided(StateName::Rejected, decided));
    let taken_back = rejected.cancel(Uuid::from_u128(2), at(90), day(0));
    assert_eq!(taken_back.unwrap_err(), Refusal::Decided(StateName::Rejected, decided));
}

#[test]
fn a_document_is_needed_for_the_last_step_alone() {
    let leave = asked(&BOTH, Guardian::NONE, true);
    let leave = leave.approve(word(7, Role::Warden), Seen::default()).unwrap();
    let without = leave.clone().approve(word(8, Role::Admin), Seen::default());
    assert_eq!(without.unwrap_err(), Refusal::DocumentRequired);
    let seen = Seen {
        has_document: true,
        ..Seen::default()
    };
    assert!(leave.approve(word(8, Role::Admin), seen).unwrap().is_granted());
}

#[test]
fn a_guardian_is_waited_for_or_passed_over_in_so_many_words() {
    let leave = asked(&WARDEN, Guardian::asked(at(0)), false);
    let passed_over = Seen {
        without_guardian: true,
        ..Seen::default()
    };
    let without = leave.clone().approve(word(7, Role::Warden), Seen::default());
    assert_eq!(without.unwrap_err(), Refusal::GuardianNotApproved(GuardianState::Asked));
    assert!(
        leave
            .clone()
            .approve(word(7, Role::Warden), passed_over)
            .unwrap()
            .is_granted()
    );
    let refused = leave.clone().answer(false, at(30)).unwrap();
    let against = refused.clone().approve(word(7, Role::Warden), Seen::default());
    assert_eq!(
        against.unwrap_err(),
        Refusal::GuardianNotApproved(GuardianState::Refused)
    );
    assert!(refused.answer(true, at(40)).is_err(), "one answer");
    let agreed = leave.answer(true, at(30)).unwrap();
    assert!(
        agreed
            .approve(word(7, Role::Warden), Seen::default())
            .unwrap()
            .is_granted()
    );
}

#[test]
fn a_granted_leave_is_taken_back_until_the_day_before() {
    let granted = asked(&WARDEN, Guardian::NONE, false)
        .approve(word(7, Role::Warden), Seen::default())
        .unwrap();
    let student = granted.student_id;
    let before = granted.clone().cancel(student, at(90), day(9)).unwrap();
    assert_eq!(
        before.state.decided().map(|decided| decided.by),
        Some(Uuid::from_u128(7))
    );
    assert!(!before.holds_days());
    assert_eq!(granted.cancel(student, at(90), day(10)).unwrap_err(), Refusal::Begun);
    // What nobody granted can be taken back late, too.
    let pending = asked(&WARDEN, Guardian::NONE, false);
    assert!(pending.cancel(student, at(90), day(30)).is_ok());
}

#[test]
fn what_nobody_used_is_ended_by_its_days() {
    let warden = Uuid::from_u128(7);
    let granted = asked(&WARDEN, Guardian::NONE, false)
        .approve(word(7, Role::Warden), Seen::default())
        .unwrap();
    let ended = |leave: &Leave, today: u32| leave.clone().end_unused(warden, at(90), day(today));
    for today in [9, 10] {
        assert_eq!(ended(&granted, today).unwrap().state.name(), StateName::Cancelled);
    }
    for today in [11, 19] {
        let shorter = ended(&granted, today).unwrap();
        assert!(shorter.is_granted() && shorter.days.to() == day(today - 1));
        // Said again, it is no more.
        assert_eq!(ended(&shorter, today).unwrap_err(), Refusal::Ended(day(today - 1)));
    }
    assert_eq!(ended(&granted, 20).unwrap_err(), Refusal::Ended(day(19)));
    let late = Leave {
        retroactive: true,
        ..granted
    };
    for today in [10, 15, 30] {
        assert_eq!(ended(&late, today).unwrap().state.name(), StateName::Cancelled);
    }
    let pending = asked(&WARDEN, Guardian::NONE, false);
    assert_eq!(ended(&pending, 30).unwrap().state.name(), StateName::Cancelled);
}

#[derive(Clone, Debug)]
enum Call {
    Approve(u128, Role, bool, bool),
    Reject(u128, Role),
    Cancel(u32),
    EndEarly(u32),
    EndUnused(u32),
    Answer(bool),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let role = || {
        prop_oneof![
            Just(Role::Warden),
            Just(Role::Admin),
            Just(Role::Guard),
            Just(Role::Student)
        ]
    };
    let call = prop_oneof![
        (7_u128..10, role(), any::<bool>(), any::<bool>())
            .prop_map(|(by, role, document, alone)| Call::Approve(by, role, document, alone)),
        (7_u128..10, role()).prop_map(|(by, role)| Call::Reject(by, role)),
        (0_u32..25).prop_map(Call::Cancel),
        (0_u32..25).prop_map(Call::EndEarly),
        (0_u32..25).prop_map(Call::EndUnused),
        any::<bool>().prop_map(Call::Answer),
    ];
    proptest::collection::vec(call, 1..12)
}

/// Which states may follow which.
fn may_follow(before: StateName, after: StateName) -> bool {
    use StateName::{Approved, Cancelled, Pending, Rejected};
    before == after
        || matches!(
            (before, after),
            (Pending, Approved | Rejected | Cancelled) | (Approved, Cancelled)
        )
}

proptest! {
    #[test]
    fn no_sequence_of_calls_reaches_what_must_not_be(
        calls in calls(),
        with_both: bool,
        asks_guardian: bool,
        document_required: bool,
    ) {
        let chain: &[Approver] = if with_both { &BOTH } else { &WARDEN };
        let guardian = if asks_guardian { Guardian::asked(at(0)) } else { Guardian::NONE };
        let mut leave = asked(chain, guardian, document_required);
        let mut earlier: Vec<Decided> = Vec::new();
        let (mut had_document, mut was_alone) = (false, false);
        for call in calls {
            let before = leave.clone();
            let after = match &call {
                Call::Approve(by, role, has_document, without_guardian) => {
                    let seen = Seen { has_document: *has_document, earlier: &earlier, without_guardian: *without_guardian };
                    leave.clone().approve(word(*by, *role), seen)
                }
                Call::Reject(by, role) => leave.clone().reject(word(*by, *role), &earlier),
                Call::Cancel(today) => leave.clone().cancel(leave.student_id, at(90), day(*today)),
                Call::EndEarly(today) => leave.clone().end_early(day(*today), at(90)),
                Call::EndUnused(today) => leave.clone().end_unused(leave.student_id, at(90), day(*today)),
                Call::Answer(agrees) => leave.clone().answer(*agrees, at(90)),
            };
            let Ok(after) = after else { continue };
            if let Call::Approve(by, role, has_document, without_guardian) = call {
                prop_assert!(matches!(role, Role::Warden | Role::Admin));
                let decided = word(by, role).decided();
                prop_assert!(!earlier.contains(&decided));
                earlier.push(decided);
                had_document |= has_document;
                was_alone |= without_guardian;
            }
            prop_assert!(may_follow(before.state.name(), after.state.name()), "{before:?} -> {after:?}");
            prop_assert!(after.days.from() == before.days.from() && after.days.to() <= before.days.to());
            prop_assert!(after.days == before.days || before.is_granted());
            prop_assert_eq!(after.waits_for().is_some(), after.state.name() == StateName::Pending);
            if after.is_granted() {
                prop_assert_eq!(earlier.len(), chain.len());
                prop_assert!(had_document || !document_required);
                prop_assert!(was_alone || after.guardian.allows());
            }
            leave = after;
        }
    }
}
