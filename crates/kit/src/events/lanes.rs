//! Works items off: those of one subject one after the other, different subjects at once, a limited number held.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;

/// What is being worked on at the end gets this long.
const GRACE: Duration = Duration::from_secs(5);

/// Runs until the source ends or it is told to stop. An item that waits (for its next try) holds up only its own subject.
/// At the end what is being worked on is finished, what waits behind it is dropped.
pub(super) async fn run<T, W: Future<Output = ()>>(
    source: impl Stream<Item = T>,
    held_at_most: usize,
    stop: &CancellationToken,
    subject: impl Fn(&T) -> String,
    work: impl Fn(T) -> W,
) {
    let mut source = pin!(source);
    // A lane is there while one of its items is being worked on.
    let mut lanes: HashMap<String, VecDeque<T>> = HashMap::new();
    let mut working = FuturesUnordered::new();
    let mut held = 0;
    let start = |subject: String, item: T| {
        let done = work(item);
        async move {
            done.await;
            subject
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(subject) = working.next() => {
                held -= 1;
                match lanes.get_mut(&subject).and_then(VecDeque::pop_front) {
                    Some(next) => working.push(start(subject, next)),
                    None => drop(lanes.remove(&subject)),
                }
            }
            item = source.next(), if held < held_at_most => {
                let Some(item) = item else { break };
                held += 1;
                let subject = subject(&item);
                if let Some(lane) = lanes.get_mut(&subject) {
                    lane.push_back(item);
                } else {
                    lanes.insert(subject.clone(), VecDeque::new());
                    working.push(start(subject, item));
                }
            }
        }
    }
    let _ = tokio::time::timeout(GRACE, async { while working.next().await.is_some() {} }).await;
}
