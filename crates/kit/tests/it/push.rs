//! Both ways of push take the same notice; what FCM adds is tested beside it.

mod fcm;
mod google;

use std::sync::Arc;

use kit::{
    Clock,
    port::OpenError,
    push::{self, Delivery, Notice, Push},
};
use url::Url;

use self::google::Google;
use crate::log::Heard;

fn notice(device_token: &str) -> Notice {
    Notice {
        device_token: device_token.to_owned(),
        title: "Leave approved".to_owned(),
        body: "Your leave from 3 to 5 March is approved".to_owned(),
        data: vec![("leave_id".to_owned(), "42".to_owned())],
    }
}

async fn open(url: &str, clock: &Clock) -> Result<Arc<dyn Push>, OpenError> {
    push::open(&Url::parse(url).unwrap(), clock.clone()).await
}

async fn on_every_way(check: impl AsyncFn(&dyn Push)) {
    let google = Google::start().await;
    println!("to the log");
    check(&*open("log://", &google.clock).await.unwrap()).await;
    println!("by FCM");
    check(&*open(&google.url(""), &google.clock).await.unwrap()).await;
}

#[tokio::test]
async fn a_notice_is_accepted() {
    on_every_way(async |push| {
        assert_eq!(push.send(&notice("phone")).await.unwrap(), Delivery::Accepted);
        let bare = Notice {
            title: "सूचना".to_owned(),
            data: Vec::new(),
            ..notice("phone")
        };
        assert_eq!(push.send(&bare).await.unwrap(), Delivery::Accepted);
    })
    .await;
}

#[tokio::test]
async fn notices_at_once_are_all_accepted() {
    on_every_way(async |push| {
        let notices: Vec<_> = (0..20).map(|number| notice(&format!("phone-{number}"))).collect();
        let sent = futures_util::future::join_all(notices.iter().map(|notice| push.send(notice))).await;
        for outcome in sent {
            assert_eq!(outcome.unwrap(), Delivery::Accepted);
        }
    })
    .await;
}

#[tokio::test]
async fn a_url_that_does_not_fit_is_said_in_one_sentence() {
    let why = async |url: &str| open(url, &Clock::system()).await.err().unwrap().why;
    assert_eq!(
        why("apns://x").await,
        "unknown scheme \"apns\", expected one of log, fcm"
    );
    assert_eq!(
        why("log://?level=info").await,
        "unknown parameter \"level\", none is expected"
    );
    let missing = "the parameter credentials is missing: the path of the service account's JSON file";
    assert_eq!(why("fcm://project").await, missing);
}

#[tokio::test]
async fn the_log_says_nothing_of_what_was_sent_to_whom() {
    let google = Google::start().await;
    let heard = Heard::listen();
    for url in ["log://", &google.url("")] {
        let push = open(url, &google.clock).await.unwrap();
        push.send(&notice("phone-of-asha")).await.unwrap();
        push.send(&notice("busy")).await.ok();
    }
    let text = heard.text();
    assert!(text.contains("a notice was handed over to the log"), "{text}");
    for private in ["asha", "Leave approved", "3 to 5 March", "token-1", "PRIVATE KEY"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}
