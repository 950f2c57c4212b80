//! The attendance service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod access_points;
mod devices;
mod flags;
mod gate;
mod live;
mod phone;
mod privacy;
mod records;
mod records_by_hand;
mod records_copies;
mod records_keep;
mod records_leaves;
mod records_leaves_anew;
mod records_lists;
mod records_reports;
mod roll_call;
mod scan_checks;
mod scan_digits;
mod scan_fuzz;
mod scan_guard;
mod scan_places;
mod scan_races;
mod scan_reads;
mod scan_sync;
mod sessions_close;
mod sessions_code;
mod sessions_open;
mod sessions_read;
mod sessions_settle;
mod signed_late;
mod signed_scans;
mod telling;
mod tries;
