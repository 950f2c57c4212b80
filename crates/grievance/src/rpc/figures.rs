//! `hostelpulse.grievance.v1.Figures`.

use std::sync::Arc;

use chrono::{Duration, NaiveDate};
use kit::{Fault, access::Caller, fault::Fields};
use proto::grievance::{
    GetGrievanceFiguresRequest, GrievanceFigures, OpenByAge, OpenByCategory, RecurringRoom, TimeTaken, figures_server,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::{Ages, Period, Recurring, Taken},
    operations::{
        App,
        figures::{self, Figures},
    },
};

const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 2).expect("a day");
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 30).expect("a day");

pub(crate) struct FiguresRpc(pub Arc<App>);

#[tonic::async_trait]
impl figures_server::Figures for FiguresRpc {
    async fn get_grievance_figures(
        &self,
        request: Request<GetGrievanceFiguresRequest>,
    ) -> Result<Response<GrievanceFigures>, Status> {
        let caller = Caller::of(&request)?;
        let today = self.0.clock.now().with_timezone(&self.0.timezone).date_naive();
        let period = period(request.get_ref(), today)?;
        let found = figures::figures(&self.0, &caller, period).await?;
        Ok(Response::new(told(found)))
    }
}

fn period(request: &GetGrievanceFiguresRequest, today: NaiveDate) -> Result<Period, Fault> {
    let mut fields = Fields::default();
    let from = fields.take("from", request.from.as_deref().map(day).transpose());
    let to = fields.take("to", request.to.as_deref().map(day).transpose());
    let (Some(from), Some(to)) = (from, to) else {
        return Err(fields.fault());
    };
    Period::new(from, to, today).map_err(|expected| Fault::invalid("to", expected))
}

fn day(text: &str) -> Result<NaiveDate, &'static str> {
    // The databases keep days of four-digit years, here as in every zone.
    let day = text.parse().ok().filter(|day| (EARLIEST..=LATEST).contains(day));
    day.ok_or("must be a day, YYYY-MM-DD")
}

fn told(figures: Figures) -> GrievanceFigures {
    let Figures {
        period,
        open,
        overdue,
        mut first_response,
        mut resolution,
        rooms,
    } = figures;
    let all = open.iter().fold(Ages::default(), |sum, (_, ages)| sum.and(*ages));
    let category = |(category, open)| OpenByCategory {
        category,
        open: Some(ages(open)),
    };
    GrievanceFigures {
        from: period.from.to_string(),
        to: period.to.to_string(),
        open_by_age: Some(ages(all)),
        open_by_category: open.into_iter().map(category).collect(),
        first_response: Some(taken(&mut first_response)),
        resolution: Some(taken(&mut resolution)),
        recurring_rooms: rooms.into_iter().map(room).collect(),
        overdue,
    }
}

fn ages(ages: Ages) -> OpenByAge {
    OpenByAge {
        up_to_1_day: ages.up_to_1_day,
        up_to_3_days: ages.up_to_3_days,
        up_to_7_days: ages.up_to_7_days,
        older: ages.older,
        total: ages.total(),
    }
}

fn taken(taken: &mut Taken) -> TimeTaken {
    let minutes = |time: Duration| time.as_seconds_f64() / 60.0;
    TimeTaken {
        count: taken.count(),
        median_minutes: taken.within(50).map(minutes),
        p90_minutes: taken.within(90).map(minutes),
    }
}

fn room(room: Recurring) -> RecurringRoom {
    RecurringRoom {
        block: room.block,
        room_no: room.room_no,
        count: room.count,
        categories: room.categories.into_iter().collect(),
    }
}
