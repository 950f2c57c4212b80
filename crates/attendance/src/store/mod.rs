//! Every query of this service. What a caller may see is decided in `session::visible_to`, where every read for a caller starts.

pub(crate) mod access_point;
pub(crate) mod batch;
pub(crate) mod block;
pub(crate) mod changed;
pub(crate) mod device;
pub(crate) mod ending;
mod entity;
pub(crate) mod flag;
pub(crate) mod keep;
pub(crate) mod leave;
pub(crate) mod live;
pub(crate) mod mark;
mod migration;
pub(crate) mod place;
pub(crate) mod privacy;
pub(crate) mod report;
pub(crate) mod roll;
pub(crate) mod scan;
pub(crate) mod session;
pub(crate) mod stamp;
pub(crate) mod student;
pub(crate) mod untold;

use kit::db::{execute, statement};

pub use migration::Migrator;
pub(crate) use migration::partitions;
