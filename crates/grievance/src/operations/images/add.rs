//! Adding a picture: its file is read and written anew first, then everything else happens in one transaction.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kit::{
    Fault,
    access::Caller,
    events::outbox,
    files::{Incoming, kept},
    idempotency::{self, Attempt},
    picture::PictureError,
};
use proto::grievance as message;
use sea_orm::ConnectionTrait;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::{App, read, step};
use crate::{
    Error,
    domain::{Image, MOST_IMAGES, Noted, Ticket, TicketRef},
    events,
    picture::{self, Picture},
    rpc::convert_tickets,
    store,
};

const RPC: &str = "AddImage";
/// What all keys of pictures begin with.
const PREFIX: &str = "grievances/";
/// A picture is short: who takes longer than this keeps others waiting.
const LONGEST_UPLOAD: Duration = Duration::from_mins(1);
/// In the store it is bytes that only this service can read.
const STORED_AS: &str = "application/octet-stream";

pub(crate) async fn add(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    file: Incoming,
) -> Result<message::GrievanceImage, Error> {
    let (sender, _) = caller.user()?;
    let ticket = read::find(app, app.db.reader(), caller, ticket).await?;
    // Nothing is received that cannot be kept; but of a repeated request the answer counts, and only its whole file tells which it is.
    if idempotency::request_key(caller, RPC).is_none() {
        refuse_more(app.db.reader(), &ticket).await?;
    }
    let (picture, sent) = receive(app, sender, file).await?;
    let image = image(app, &ticket, &picture);
    let request = format!("{}\n{}", ticket.id, hex::encode(sent));
    store_sealed(app, &image, picture.bytes).await?;
    let kept = keep(app, caller, &image, &request).await;
    if !matches!(kept, Ok(Outcome::Added(_))) {
        give_up(app, &image).await;
    }
    match kept? {
        Outcome::Added(told) | Outcome::Repeated(told) => Ok(told),
    }
}

/// How many pictures a ticket has that may have another one.
async fn refuse_more(db: &impl ConnectionTrait, ticket: &Ticket) -> Result<usize, Error> {
    if !ticket.state.is_unfinished() {
        return Err(Error::stands(ticket));
    }
    let present = store::image::of_ticket(db, ticket.id).await?.len();
    if present >= MOST_IMAGES {
        return Err(Error::TooManyImages);
    }
    Ok(present)
}

/// What became of a picture that arrived.
enum Outcome {
    Added(message::GrievanceImage),
    /// The request was a repetition: this was the answer to the first one.
    Repeated(message::GrievanceImage),
}

/// The picture that was sent, written anew, and the digest of the file as it was sent.
async fn receive(app: &App, sender: Uuid, file: Incoming) -> Result<(Picture, [u8; 32]), Error> {
    // Held until the picture is made: what is in memory meanwhile has a bound.
    let _arriving = app.arriving.take(sender).await?;
    let reading = tokio::time::timeout(LONGEST_UPLOAD, read_all(file));
    let bytes = reading.await.map_err(|_| Fault::deadline_exceeded())??;
    let sent = Sha256::digest(&bytes).into();
    let turn = app.darkroom.take().await?;
    let made = turn.run(move || picture::anew(&bytes)).await;
    let picture = made.map_err(Fault::internal)?.map_err(refused)?;
    Ok((picture, sent))
}

async fn read_all(mut file: Incoming) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = file.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn refused(error: PictureError) -> Fault {
    match error {
        PictureError::NoPicture => Fault::unsupported_media("The file must be a JPEG or PNG"),
        PictureError::TooLarge(what) => Fault::invalid("file", format!("is too large a picture: {what}")),
        PictureError::Unreadable(_) => Fault::invalid("file", "must be a whole JPEG or PNG"),
        PictureError::Unwritable(error) => Fault::internal(error),
    }
}

fn image(app: &App, ticket: &Ticket, picture: &Picture) -> Image {
    Image {
        id: app.clock.new_id(),
        ticket_id: ticket.id,
        key: kept::random_key(PREFIX),
        kind: picture.kind,
        size: picture.bytes.len() as u64,
        width: picture.width,
        height: picture.height,
        sha256: Sha256::digest(&picture.bytes).into(),
        created_at: app.clock.now(),
    }
}

async fn store_sealed(app: &App, image: &Image, bytes: Vec<u8>) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    kept::announce_in_txn(&txn, &[&image.key], image.created_at).await?;
    txn.commit().await?;
    let sealed = Bytes::from(app.pictures.seal(&bytes, image.id.as_bytes()));
    let body = stream::once(async { Ok(sealed) }).boxed();
    if let Err(error) = app.files.put(&image.key, STORED_AS, body).await {
        give_up(app, image).await;
        return Err(error.into());
    }
    Ok(())
}

/// The picture, its note, its event and the answer: all of it or nothing.
async fn keep(app: &App, caller: &Caller, image: &Image, request: &String) -> Result<Outcome, Error> {
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::Repeated(id) => return repeated(app, &id).await.map(Outcome::Repeated),
        Attempt::First(once) => once,
    };
    // Held to the end: pictures of one ticket are added one after the other, so that each counts those before it.
    let ticket = store::ticket::lock_in_txn(&once, image.ticket_id).await?;
    let ticket = ticket.ok_or(Error::UnknownTicket)?;
    if is_erased(&**once, &ticket).await? {
        return Err(Error::UnknownTicket);
    }
    let present = refuse_more(&**once, &ticket).await?;
    store::image::insert_in_txn(&once, image).await?;
    if !kept::keep_in_txn(&once, &[&image.key], app.clock.now()).await? {
        return Err(Fault::deadline_exceeded().into());
    }
    let after = step::touch_in_txn(app, caller, &once, &ticket).await?;
    let noted = Noted {
        field: "images",
        before: Some(present.to_string()),
        after: Some((present + 1).to_string()),
    };
    store::change::note_in_txn(&once, &step::changes(app, caller, &after, &[noted])).await?;
    outbox::add(&once, events::image_added(&app.clock, caller, &after, image.id)).await?;
    once.commit(&image.id.as_bytes().to_vec()).await?;
    Ok(Outcome::Added(convert_tickets::image(app, image)))
}

/// Whether its student was forgotten while the picture arrived: nothing of them is added after that.
async fn is_erased(db: &impl ConnectionTrait, ticket: &Ticket) -> Result<bool, Error> {
    if ticket.description.is_empty() {
        return Ok(true);
    }
    let student = store::student::find(db, ticket.student_id).await?;
    Ok(student.is_some_and(|student| !student.active))
}

/// The answer to the first request, with a link that is good from now on.
async fn repeated(app: &App, id: &[u8]) -> Result<message::GrievanceImage, Error> {
    let id = Uuid::from_slice(id).map_err(Fault::internal)?;
    let image = store::image::find(app.db.reader(), id)
        .await?
        .ok_or(Error::UnknownImage)?;
    Ok(convert_tickets::image(app, &image))
}

/// Takes back what has arrived. What was kept after all (a commit whose outcome nobody heard) stays; what fails here is done by the job.
async fn give_up(app: &App, image: &Image) {
    let doom = async {
        let txn = app.db.begin().await?;
        let doomed = kept::give_up_in_txn(&txn, &[&image.key], app.clock.now()).await?;
        txn.commit().await?;
        Ok::<_, Error>(doomed)
    };
    match doom.await {
        Ok(doomed) => kept::delete_now(&app.db, &*app.files, &doomed).await,
        Err(error) => tracing::warn!(%error, "a picture could not be taken back, trying again later"),
    }
}
