//! A stream as a WebSocket: it lives as long as its token, is pinged, and never waits for a client that takes nothing.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    web::Payload,
};
use actix_ws::{Message, MessageStream, ProtocolError, Session};
use bytes::Bytes;
use kit::{Fault, fault::Kind};
use tokio::time::{interval, timeout};

use super::watch::{Happening, Watch, error_message};
use crate::{
    config::Deadlines,
    refusal::Refusal,
    visit::{SUBPROTOCOL, Visit},
};

/// Why a socket is closed, as its client is told.
mod code {
    pub(super) const DONE: u16 = 1000;
    pub(super) const STOPPING: u16 = 1001;
    pub(super) const PROTOCOL: u16 = 1002;
    pub(super) const TOO_LARGE: u16 = 1009;
    pub(super) const FAILED: u16 = 1011;
    pub(super) const TOO_SLOW: u16 = 1013;
    pub(super) const SIGNED_OUT: u16 = 4401;
}

/// Browsers let any page open a WebSocket anywhere, so the page is asked after here.
pub(super) fn admit(visit: &Visit<'_>) -> Result<(), Refusal> {
    if visit.face.origins.admits(visit.request) {
        Ok(())
    } else {
        Err(Fault::forbidden("Pages of this origin may not open a stream").into())
    }
}

/// Answers the handshake; the socket then lives in a task of its own.
pub(super) fn open(visit: &Visit<'_>, watch: Watch, payload: Payload) -> Result<HttpResponse, Refusal> {
    let config = &visit.face.config;
    let (answer, session, messages) = handshake(visit.request, payload)?;
    let farewell = Rc::new(Cell::new(None));
    let socket = Socket {
        session,
        messages: messages.max_frame_size(config.sizes.frame),
        watch,
        heard: Instant::now(),
        ping: Duration::from_secs(config.deadlines.ping_seconds),
        patience: patience(&config.deadlines),
    };
    let last_word = farewell.clone();
    actix_web::rt::spawn(async move {
        // The session must end after the last word is known: its end lets the body say it.
        let mut socket = socket;
        last_word.set(socket.run().await);
        drop(socket);
    });
    Ok(answer.map_body(|_, body| BoxBody::new(Farewell { body, last: farewell })))
}

fn patience(deadlines: &Deadlines) -> Duration {
    Duration::from_secs(deadlines.slow_seconds)
}

fn handshake(request: &HttpRequest, payload: Payload) -> Result<(HttpResponse, Session, MessageStream), Refusal> {
    actix_ws::handle_with_protocols(request, payload, &[SUBPROTOCOL])
        .map_err(|error| Refusal::invalid("upgrade", format!("is no WebSocket handshake: {error}")))
}

struct Socket {
    session: Session,
    messages: MessageStream,
    watch: Watch,
    /// When the client was last heard.
    heard: Instant,
    ping: Duration,
    /// How long one message may wait for the client.
    patience: Duration,
}

impl Socket {
    /// Runs until one side ends it; the code is for the closing frame, `None` when nobody is there to read it.
    async fn run(&mut self) -> Option<u16> {
        let mut pings = interval(self.ping);
        pings.reset();
        loop {
            let ended = tokio::select! {
                happening = self.watch.next() => self.pass_on(happening).await,
                message = self.messages.recv() => self.hear(message).await,
                _ = pings.tick() => self.ping().await,
            };
            if let Err(code) = ended {
                return code;
            }
        }
    }

    async fn pass_on(&mut self, happening: Happening) -> Result<(), Option<u16>> {
        match happening {
            Happening::Message(text) => self.send(text).await,
            Happening::Ended => Err(Some(code::DONE)),
            Happening::Stopping => Err(Some(code::STOPPING)),
            Happening::Failed(fault) if fault.kind == Kind::Unauthenticated => Err(Some(code::SIGNED_OUT)),
            Happening::Failed(fault) => {
                self.send(error_message(&fault)).await?;
                Err(Some(code::FAILED))
            }
        }
    }

    /// The session holds a few dozen messages; one that finds no room in time means that the client takes nothing.
    async fn send(&mut self, text: String) -> Result<(), Option<u16>> {
        match timeout(self.patience, self.session.text(text)).await {
            Ok(sent) => sent.map_err(|_| None),
            Err(_) => Err(Some(code::TOO_SLOW)),
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, ProtocolError>>) -> Result<(), Option<u16>> {
        self.heard = Instant::now();
        match message {
            None => Err(None),
            Some(Ok(Message::Close(_))) => Err(Some(code::DONE)),
            Some(Ok(Message::Ping(bytes))) => match timeout(self.patience, self.session.pong(&bytes)).await {
                Ok(sent) => sent.map_err(|_| None),
                Err(_) => Err(Some(code::TOO_SLOW)),
            },
            // A stream hears nothing but signs of life.
            Some(Ok(_)) => Ok(()),
            Some(Err(ProtocolError::Overflow)) => Err(Some(code::TOO_LARGE)),
            Some(Err(_)) => Err(Some(code::PROTOCOL)),
        }
    }

    async fn ping(&mut self) -> Result<(), Option<u16>> {
        if self.heard.elapsed() > self.ping * 2 {
            return Err(Some(code::STOPPING));
        }
        match timeout(self.patience, self.session.ping(b"")).await {
            Ok(sent) => sent.map_err(|_| None),
            Err(_) => Err(Some(code::TOO_SLOW)),
        }
    }
}

/// The socket's body with a closing frame at its end. The frame has a place of its own, so a client whose buffer is full
/// still reads why it was closed when it takes the rest.
struct Farewell {
    body: BoxBody,
    last: Rc<Cell<Option<u16>>>,
}

impl MessageBody for Farewell {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.body.as_pin_mut().poll_next(context) {
            Poll::Ready(None) => Poll::Ready(self.last.take().map(|code| Ok(closing_frame(code)))),
            other => other,
        }
    }
}

/// A final frame (0x80) of kind close (0x08) with two bytes of payload (RFC 6455, 5.5.1).
fn closing_frame(code: u16) -> Bytes {
    let [high, low] = code.to_be_bytes();
    Bytes::copy_from_slice(&[0x88, 2, high, low])
}
