//! Numbers for whoever answers for the hostel, of what they may see.

use chrono::{DateTime, Days, Duration, NaiveTime, Utc};
use kit::access::Caller;

use super::App;
use crate::{
    Error,
    domain::{Ages, Pause, Period, Recurring, Taken, elapsed, instant, recurring},
    store::{
        self,
        ticket::figures::{self, Times},
    },
};

/// Tickets whose times are read at once.
const A_BATCH: u64 = 1000;
/// More rooms are not told of.
const MOST_ROOMS: usize = 100;

/// How grievances stand, and how long they take.
pub(crate) struct Figures {
    pub period: Period,
    /// By category.
    pub open: Vec<(String, Ages)>,
    pub overdue: u64,
    pub first_response: Taken,
    pub resolution: Taken,
    pub rooms: Vec<Recurring>,
}

pub(crate) async fn figures(app: &App, caller: &Caller, period: Period) -> Result<Figures, Error> {
    let (first_response, resolution) = taken(app, caller, period).await?;
    let since = app.clock.now() - Duration::days(app.config.recurring_days.into());
    let counts = figures::rooms(app, caller, since).await?;
    let mut rooms = recurring(counts, app.config.recurring_count.into());
    rooms.truncate(MOST_ROOMS);
    Ok(Figures {
        period,
        open: figures::open(app, caller).await?,
        overdue: figures::overdue(app, caller).await?,
        first_response,
        resolution,
        rooms,
    })
}

/// How long the first response and the resolution took of what was raised in the period, in working time.
async fn taken(app: &App, caller: &Caller, period: Period) -> Result<(Taken, Taken), Error> {
    let (mut response, mut resolution) = (Taken::default(), Taken::default());
    let raised = moments(app, period);
    let mut after = None;
    loop {
        let batch = figures::times(app, caller, raised, after, A_BATCH).await?;
        let ids: Vec<_> = batch.iter().map(|times| times.id).collect();
        let mut pauses = store::pause::of_tickets(app.db.reader(), &ids).await?;
        for times in &batch {
            let pauses = pauses.remove(&times.id).unwrap_or_default();
            count(app, times, &pauses, (&mut response, &mut resolution));
        }
        match batch.last() {
            Some(last) if batch.len() as u64 == A_BATCH => after = Some((last.created_at, last.id)),
            _ => return Ok((response, resolution)),
        }
    }
}

fn count(app: &App, times: &Times, pauses: &[Pause], (response, resolution): (&mut Taken, &mut Taken)) {
    if let Some(at) = times.first_response_at {
        response.add(elapsed((times.created_at, at), &app.calendar, pauses));
    }
    if let Some(at) = times.resolved_at {
        resolution.add(elapsed((times.clock_from, at), &app.calendar, pauses));
    }
}

/// From the first moment of a period to the first one after it.
fn moments(app: &App, period: Period) -> (DateTime<Utc>, DateTime<Utc>) {
    let midnight = |day: chrono::NaiveDate| instant(app.timezone, day.and_time(NaiveTime::MIN));
    let next = period.to.checked_add_days(Days::new(1)).unwrap_or(period.to);
    (midnight(period.from), midnight(next))
}
