//! What no app of ours would send.

use kit::{clock::timestamp, fault::Kind};
use proto::attendance::{ScanRequest, SyncOutcome};

use crate::{
    gate::Gate,
    roll_call::{RollCall, about, meters_north, request, scan, sync},
};

/// Whatever is sent, it is the sender's mistake.
#[tokio::test]
async fn nothing_that_is_sent_is_a_failure_of_ours() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let good = call.code_now(&gate);
    let mut tokens: Vec<String> = (0..good.len()).map(|end| good[..end].to_owned()).collect();
    for place in 0..good.len() {
        for other in [
            "A", "B", "C", "Z", "_", "-", "a", "z", "0", "9", "é", "\0", ".", "=", " ", "+",
        ] {
            if !good[place..].starts_with(other) {
                tokens.push(format!("{}{other}{}", &good[..place], &good[place + 1..]));
            }
        }
        for extra in ["A", "=", "\n"] {
            tokens.push(format!("{}{extra}{}", &good[..place], &good[place..]));
        }
        tokens.push(format!("{}{}", &good[..place], &good[place + 1..]));
    }
    tokens.extend([1, 100, 1024, 1025, 9000].map(|length| "A".repeat(length)));
    let bodies = tokens.iter().enumerate().map(|(number, token)| {
        let mut body = request(token, meters_north(0.0));
        match number % 8 {
            0 => body.location = None,
            1 => body.otp = Some("\0\0\0\0\0\0".to_owned()),
            2 => body.counter = Some(u64::MAX),
            3 => {
                body.scanned_at = Some(prost_types::Timestamp {
                    seconds: i64::MIN,
                    nanos: -1,
                });
            }
            4 => body.signature = Some("%".repeat(90)),
            5 => body.location = Some(about(f64::INFINITY, f64::NAN)),
            _ => body.scanned_at = Some(timestamp(gate.world.clock.now())),
        }
        body
    });
    let bodies: Vec<ScanRequest> = bodies.collect();
    assert!(bodies.len() > 2000, "{}", bodies.len());
    let mut tried = 0;
    for some in bodies.chunks(100) {
        let answers = some.iter().map(|body| scan(&gate, &asha, body.clone()));
        for (body, answer) in some.iter().zip(futures_util::future::join_all(answers).await) {
            let fault = answer.unwrap_err();
            assert!(
                [Kind::Refused, Kind::Validation].contains(&fault.kind),
                "{body:?} was answered {fault}"
            );
            tried += 1;
        }
    }
    assert_eq!(tried, bodies.len());
    for some in bodies.chunks(50) {
        let results = sync(&gate, &asha, some.to_vec()).await;
        assert!(results.iter().all(|result| result.outcome() == SyncOutcome::Refused));
    }
    assert_eq!(gate.count("mark").await, 0);
}
