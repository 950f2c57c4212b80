//! Who stands above whom.

use proto::options::Role;

/// Whether somebody with the role `who` may give out `role`, or touch an account that has it: never above their own.
pub fn may_manage(who: Role, role: Role) -> bool {
    match who {
        Role::Admin => role != Role::Unspecified,
        Role::Warden => !matches!(role, Role::Admin | Role::Unspecified),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_out_more_than_they_have() {
        assert!(may_manage(Role::Admin, Role::Admin));
        assert!(may_manage(Role::Warden, Role::Warden));
        assert!(!may_manage(Role::Warden, Role::Admin));
        for role in [Role::Student, Role::Guard, Role::Staff, Role::Teacher] {
            assert!(may_manage(Role::Warden, role));
            assert!(!may_manage(role, Role::Student));
        }
    }
}
