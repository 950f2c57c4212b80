//! The bus of one process. It keeps nothing: an event counts as published when every consumer that wants it has applied
//! or parked it, so the outbox row is there until then and a crash loses nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, future::try_join_all, stream};
use sea_orm::DbErr;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::{
    Bus, Consumer, Event, Subscription,
    bus::refused,
    consumer::{HELD, Outcome, TRIES},
    lanes,
    parked::{self, Parked, Shelf, Which},
    topic,
};
use crate::port::PortError;

/// How often a consumer looks whether the operator gave something back.
const LOOK_FOR_REPLAYS: Duration = Duration::from_secs(2);
const REPLAYS_AT_ONCE: usize = 16;

#[derive(Default)]
pub(super) struct Memory {
    /// Everybody who was ever declared, running or not.
    addresses: Mutex<HashMap<String, Address>>,
}

struct Address {
    topics: Vec<String>,
    /// Closed once the consumer has stopped.
    letters: mpsc::Sender<Letter>,
    /// The other end, until the consumer runs: letters wait for it from the moment that it is declared.
    unopened: Option<mpsc::Receiver<Letter>>,
    /// Something was given back.
    replay: Arc<Notify>,
}

struct Letter {
    event: Arc<Event>,
    answer: oneshot::Sender<Result<(), PortError>>,
}

#[async_trait]
impl Bus for Memory {
    async fn publish(&self, event: &Event) -> Result<(), PortError> {
        let event = Arc::new(event.clone());
        let deliveries = self
            .who_wants(&event.kind)
            .into_iter()
            .map(|(consumer, letters)| deliver(consumer, letters, event.clone()));
        try_join_all(deliveries).await.map(drop)
    }

    async fn declare(&self, subscriptions: &[Subscription]) -> Result<(), PortError> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        for subscription in subscriptions {
            let address = addresses.entry(subscription.consumer.clone());
            address
                .or_insert_with(|| Address::of(subscription))
                .topics
                .clone_from(&subscription.topics);
        }
        Ok(())
    }

    async fn consume(&self, consumer: Consumer, stop: CancellationToken) -> Result<(), PortError> {
        let (letters, replay) = self.move_in(&consumer)?;
        let place = consumer.shelf();
        let received = lanes::run(
            ReceiverStream::new(letters),
            HELD,
            &stop,
            |letter: &Letter| letter.event.subject.clone(),
            |letter| open(&consumer, &place, letter, &stop),
        );
        tokio::join!(received, replay_on_request(&consumer, &place, &replay, &stop));
        Ok(())
    }

    async fn parked(&self, place: &Shelf, which: &Which) -> Result<Vec<Parked>, PortError> {
        parked::list(place, which).await.map_err(|error| no_shelf(&error))
    }

    async fn replay(&self, place: &Shelf, which: &Which) -> Result<u64, PortError> {
        let marked = parked::request_replay(place, which).await;
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = addresses.get(&place.consumer) {
            address.replay.notify_one();
        }
        marked.map_err(|error| no_shelf(&error))
    }

    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}

impl Memory {
    fn who_wants(&self, kind: &str) -> Vec<(String, mpsc::Sender<Letter>)> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let wants = |address: &Address| address.topics.iter().any(|pattern| topic::matches(pattern, kind));
        let wanted = addresses.iter().filter(|(_, address)| wants(address));
        wanted
            .map(|(consumer, address)| (consumer.clone(), address.letters.clone()))
            .collect()
    }

    fn move_in(&self, consumer: &Consumer) -> Result<(mpsc::Receiver<Letter>, Arc<Notify>), PortError> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let subscription = consumer.subscription();
        let address = addresses
            .entry(subscription.consumer.clone())
            .or_insert_with(|| Address::of(subscription));
        address.topics.clone_from(&subscription.topics);
        let letters = match address.unopened.take() {
            Some(letters) => letters,
            None if address.letters.is_closed() => {
                let (sender, receiver) = mpsc::channel(HELD);
                address.letters = sender;
                receiver
            }
            None => return Err(refused(format!("the consumer {} runs already", subscription.consumer))),
        };
        Ok((letters, address.replay.clone()))
    }
}

impl Address {
    fn of(subscription: &Subscription) -> Self {
        let (letters, unopened) = mpsc::channel(HELD);
        Self {
            topics: subscription.topics.clone(),
            letters,
            unopened: Some(unopened),
            replay: Arc::default(),
        }
    }
}

async fn deliver(consumer: String, letters: mpsc::Sender<Letter>, event: Arc<Event>) -> Result<(), PortError> {
    let not_running = || refused(format!("the consumer {consumer} does not run"));
    let (answer, answered) = oneshot::channel();
    let sent = letters.send(Letter { event, answer }).await;
    sent.map_err(|_| not_running())?;
    answered.await.unwrap_or_else(|_| Err(not_running()))
}

async fn open(consumer: &Consumer, shelf: &Shelf, letter: Letter, stop: &CancellationToken) {
    let outcome = work(consumer, shelf, &letter.event, stop).await;
    // Nobody waits for the answer any more when the relay gave up; it asks again later.
    let _ = letter.answer.send(outcome);
}

async fn work(
    consumer: &Consumer,
    shelf: &Shelf,
    event: &Arc<Event>,
    stop: &CancellationToken,
) -> Result<(), PortError> {
    // What is parked already has had its tries; it gets one more each time that it comes along.
    let was_parked = parked::holds(shelf, event.id).await.map_err(|error| no_shelf(&error))?;
    let tried = if was_parked { TRIES - 1 } else { 0 };
    match consumer.work(event, tried, stop).await {
        Outcome::Done if was_parked => parked::remove(shelf, event.id).await.map_err(|error| no_shelf(&error)),
        Outcome::Done => Ok(()),
        Outcome::Stopped => Err(refused(format!("the consumer {} stopped", shelf.consumer))),
        Outcome::Poison(failure) => parked::put(shelf, event, &failure)
            .await
            .map_err(|error| no_shelf(&error)),
    }
}

async fn replay_on_request(consumer: &Consumer, shelf: &Shelf, replay: &Notify, stop: &CancellationToken) {
    loop {
        let outcome = replay_some(consumer, shelf, stop).await;
        if let Err(error) = &outcome {
            tracing::debug!(consumer = shelf.consumer, %error, "parked events cannot be read at the moment");
        }
        if matches!(outcome, Ok(replayed) if replayed > 0) && !stop.is_cancelled() {
            continue; // there may be more
        }
        tokio::select! {
            () = replay.notified() => {}
            () = tokio::time::sleep(LOOK_FOR_REPLAYS) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn replay_some(consumer: &Consumer, shelf: &Shelf, stop: &CancellationToken) -> Result<usize, DbErr> {
    let events = parked::to_replay(shelf, REPLAYS_AT_ONCE).await?;
    let found = events.len();
    let mut ends = stream::iter(events)
        .map(|event| replay_one(consumer, shelf, event, stop))
        .buffer_unordered(REPLAYS_AT_ONCE);
    while let Some(end) = ends.next().await {
        end?;
    }
    Ok(found)
}

async fn replay_one(consumer: &Consumer, shelf: &Shelf, event: Event, stop: &CancellationToken) -> Result<(), DbErr> {
    let event = Arc::new(event);
    match consumer.work(&event, 0, stop).await {
        Outcome::Done => parked::remove(shelf, event.id).await,
        Outcome::Poison(failure) => parked::put(shelf, &event, &failure).await,
        Outcome::Stopped => Ok(()),
    }
}

fn no_shelf(error: &DbErr) -> PortError {
    refused(format!("the consumer's database: {error}"))
}
