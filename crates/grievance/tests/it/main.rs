//! The grievance service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod asking;
mod changing;
mod copies;
mod deeds;
mod desk;
mod desk_calendar;
mod desk_crossing;
mod desk_figures;
mod desk_late;
mod desk_merge;
mod desk_secret;
mod desk_sight;
mod desk_talk;
mod ending;
mod images;
mod images_busy;
mod laid;
mod numbers;
mod privacy;
mod raising;
mod reading;
mod rounds;
mod together;
