//! The access points of blocks.

use kit::Fault;
use proto::{
    attendance::{AccessPoint, BlockAccessPoints, GetAccessPointsRequest, SetAccessPointsRequest},
    options::Role,
};

use crate::gate::{Gate, told};

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
