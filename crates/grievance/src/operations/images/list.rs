//! Listing the pictures of a grievance.

use kit::{access::Caller, page::Paging};
use proto::{grievance as message, types::Page};

use super::super::{App, read};
use crate::{Error, domain::TicketRef, rpc::convert_tickets, store};

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    paging: Paging,
) -> Result<(Vec<message::GrievanceImage>, Page), Error> {
    let db = app.db.reader();
    let ticket = read::find(app, db, caller, ticket).await?;
    let (images, total) = store::image::page(db, ticket.id, paging).await?;
    let told = images.iter().map(|image| convert_tickets::image(app, image));
    Ok((told.collect(), paging.of(total)))
}
