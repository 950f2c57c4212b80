//! What happens to second factors.

use kit::{Clock, access::Caller, events::Draft};
use proto::auth::{UserRecoveryCodeUsed, UserSecondFactorChanged};
use uuid::Uuid;

use super::SOURCE;

/// What happened to a second factor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Enabled,
    Disabled,
    CodesRenewed,
}

/// A second factor changed; `version` is the account's after it.
pub(crate) fn changed(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), what: What) -> Draft {
    let what = match what {
        What::Enabled => "enabled",
        What::Disabled => "disabled",
        What::CodesRenewed => "codes_renewed",
    };
    let event = UserSecondFactorChanged {
        user_id: user.to_string(),
        what: what.to_owned(),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A recovery code was used, so many are left.
pub(crate) fn recovery_code_used(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), left: u64) -> Draft {
    let event = UserRecoveryCodeUsed {
        user_id: user.to_string(),
        left: u32::try_from(left).unwrap_or(u32::MAX),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}
