//! The access points of blocks, and scans by phones that see them.

use chrono::Duration;
use kit::{Fault, fault::Kind};
use proto::{
    attendance::{
        AccessPoint, BlockAccessPoints, GetAccessPointsRequest, ScanRequest, SeenAccessPoint, SetAccessPointsRequest,
    },
    options::Role,
};

use crate::{
    gate::{Gate, told},
    roll_call::{RollCall, Terms, scan, sync},
};

fn point(bssid: &str, label: Option<&str>) -> AccessPoint {
    AccessPoint {
        bssid: bssid.to_owned(),
        label: label.map(str::to_owned),
    }
}

async fn set(gate: &Gate, block: &str, access_points: Vec<AccessPoint>) -> Result<BlockAccessPoints, Fault> {
    let request = SetAccessPointsRequest {
        block: block.to_owned(),
        access_points,
    };
    let request = gate.of(gate.world.clock.new_id(), Role::Admin, request);
    told(gate.access_points().set_access_points(request).await)
}

async fn get(gate: &Gate, block: &str) -> BlockAccessPoints {
    let request = GetAccessPointsRequest {
        block: block.to_owned(),
    };
    told(gate.access_points().get_access_points(gate.by_warden(request)).await).unwrap()
}

#[tokio::test]
async fn a_set_takes_the_place_of_the_one_before() {
    let gate = Gate::open().await;
    assert!(get(&gate, "A").await.access_points.is_empty());
    let first = vec![
        point("3C-84-6A-12-34-57", None),
        point("3c:84:6a:12:34:56", Some(" First floor ")),
    ];
    let answer = set(&gate, "A", first).await.unwrap();
    let expected = [
        point("3c:84:6a:12:34:56", Some("First floor")),
        point("3c:84:6a:12:34:57", None),
    ];
    assert_eq!(answer.access_points, expected);
    assert_eq!(
        get(&gate, "a").await,
        answer,
        "blocks are the same without regard to case"
    );
    set(&gate, "A", vec![point("3c:84:6a:12:34:57", None)]).await.unwrap();
    assert_eq!(get(&gate, "A").await.access_points, [point("3c:84:6a:12:34:57", None)]);
    set(&gate, "B", vec![point("3c:84:6a:12:34:57", None)]).await.unwrap();
    set(&gate, "A", Vec::new()).await.unwrap();
    assert!(get(&gate, "A").await.access_points.is_empty());
    assert_eq!(get(&gate, "B").await.access_points.len(), 1);
    let events = gate.told("access_points.set").await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["version"].as_i64().unwrap(),
                event["data"]["block"]["block"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [(1, "A".into()), (2, "A".into()), (1, "B".into()), (3, "A".into())]
    );
    assert_eq!(events[0]["subject"], events[1]["subject"]);
}

#[tokio::test]
async fn each_that_is_wrong_is_named_by_its_place() {
    let gate = Gate::open().await;
    set(&gate, "A", vec![point("3c:84:6a:12:34:57", None)]).await.unwrap();
    let wrong = vec![
        point("3c:84:6a:12:34:56", None),
        point("3c:84:6a:12:34", None),
        point("3C:84:6A:12:34:56", None),
    ];
    let refused = set(&gate, "A", wrong).await.unwrap_err();
    let fields: Vec<_> = refused.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["access_points[1].bssid", "access_points[2].bssid"]);
    assert_eq!(refused.violations[1].error, "is the same as access_points[0].bssid");
    assert_eq!(get(&gate, "A").await.access_points.len(), 1, "nothing changed");
    assert_eq!(
        set(&gate, " ", Vec::new()).await.unwrap_err().violations[0].field,
        "block"
    );
}

const GROUND: &str = "3c:84:6a:12:34:56";
const FIRST_FLOOR: &str = "3c:84:6a:12:34:57";
const ELSEWHERE: &str = "3c:84:6a:12:34:99";

/// A gate whose block A has two access points, and block B another.
async fn gate_with_points() -> Gate {
    let gate = Gate::open().await;
    set(&gate, "A", vec![point(GROUND, None), point(FIRST_FLOOR, None)])
        .await
        .unwrap();
    set(&gate, "B", vec![point(ELSEWHERE, None)]).await.unwrap();
    gate
}

async fn open(gate: &Gate, require: &'static str) -> RollCall {
    let terms = Terms {
        require,
        ..Terms::default()
    };
    RollCall::open_on(gate, "A", 1, terms).await
}

/// A scan by a phone that sees these.
fn seeing(scan: ScanRequest, seen: &[(&str, Option<i32>)]) -> ScanRequest {
    let seen = seen.iter().map(|(bssid, rssi)| SeenAccessPoint {
        bssid: (*bssid).to_owned(),
        rssi: *rssi,
    });
    ScanRequest {
        access_points: seen.collect(),
        ..scan
    }
}

/// What speaks for the scans that marked somebody.
async fn evidence(gate: &Gate) -> Vec<String> {
    let sql = "SELECT evidence AS text FROM scan WHERE outcome = 'marked' ORDER BY id";
    gate.rows(sql).await
}

#[tokio::test]
async fn a_roll_call_that_asks_for_access_points_takes_who_sees_one_of_the_block() {
    let gate = gate_with_points().await;
    let asha = gate.student(1, "A", 1).await;
    let call = open(&gate, r#"["qr","access_point"]"#).await;
    let strong = Some(-30);
    for (what, seen) in [
        ("none", &[][..]),
        ("another block's", &[(ELSEWHERE, strong)]),
        (
            "nobody's",
            &[("00:00:00:00:00:01", strong), ("ff:ff:ff:ff:ff:ff", None)],
        ),
    ] {
        let fault = scan(&gate, &asha, seeing(call.at_display(&gate), seen))
            .await
            .unwrap_err();
        assert_eq!(
            (fault.reason.as_ref(), fault.kind),
            ("ACCESS_POINT_MISMATCH", Kind::Refused),
            "{what}"
        );
    }
    assert_eq!(gate.count("mark").await, 0);
    let seen = [(ELSEWHERE, strong), ("3C-84-6A-12-34-57", strong), (GROUND, Some(-90))];
    let answer = scan(&gate, &asha, seeing(call.at_display(&gate), &seen)).await.unwrap();
    assert!(answer.attendance_marked);
    let evidence = evidence(&gate).await;
    assert!(
        evidence[0].contains(r#"{"factor":"access_point","strength":0.9}"#),
        "{evidence:?}"
    );
    // What is no address is told by its place.
    let wrong = [(GROUND, None), ("3c:84:6a", None)];
    let fault = scan(&gate, &asha, seeing(call.at_display(&gate), &wrong))
        .await
        .unwrap_err();
    assert_eq!(fault.violations[0].field, "access_points[1].bssid");
}

#[tokio::test]
async fn the_set_of_the_moment_counts() {
    let gate = gate_with_points().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = open(&gate, r#"["qr","access_point"]"#).await;
    let sees = |bssid| seeing(call.at_display(&gate), &[(bssid, None)]);
    set(&gate, "A", vec![point(FIRST_FLOOR, None)]).await.unwrap();
    assert_eq!(
        scan(&gate, &asha, sees(GROUND)).await.unwrap_err().reason,
        "ACCESS_POINT_MISMATCH"
    );
    assert!(scan(&gate, &asha, sees(FIRST_FLOOR)).await.unwrap().attendance_marked);
    // A block of which nobody said anything is never seen.
    set(&gate, "A", Vec::new()).await.unwrap();
    assert_eq!(
        scan(&gate, &ben, sees(FIRST_FLOOR)).await.unwrap_err().reason,
        "ACCESS_POINT_MISMATCH"
    );
}

#[tokio::test]
async fn where_nobody_asks_for_access_points_they_speak_for_a_scan_or_not_at_all() {
    let gate = gate_with_points().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = open(&gate, r#"["qr","proximity"]"#).await;
    for (pupil, bssid) in [(&asha, GROUND), (&ben, ELSEWHERE)] {
        let sent = seeing(call.at_display(&gate), &[(bssid, None)]);
        assert!(scan(&gate, pupil, sent).await.unwrap().attendance_marked);
    }
    let speaks: Vec<bool> = evidence(&gate)
        .await
        .iter()
        .map(|text| text.contains("access_point"))
        .collect();
    assert_eq!(speaks, [true, false]);
}

#[tokio::test]
async fn late_scans_need_access_points_too() {
    let gate = gate_with_points().await;
    let asha = gate.student(1, "A", 1).await;
    let call = open(&gate, r#"["qr","access_point"]"#).await;
    gate.world.clock.advance(Duration::minutes(10));
    let late = |minutes| call.offline(call.opened_at + Duration::minutes(minutes));
    let sent = vec![
        late(1),
        seeing(late(2), &[(ELSEWHERE, None)]),
        seeing(late(3), &[(GROUND, None)]),
    ];
    let results = sync(&gate, &asha, sent).await;
    let codes: Vec<_> = results.iter().map(|result| result.code.as_deref()).collect();
    assert_eq!(
        codes,
        [Some("ACCESS_POINT_MISMATCH"), Some("ACCESS_POINT_MISMATCH"), None]
    );
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present offline");
}
