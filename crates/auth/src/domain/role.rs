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

/// The roles that somebody with this role may give out.
pub fn managed_by(who: Role) -> Vec<Role> {
    (1..)
        .map_while(|number| Role::try_from(number).ok())
        .filter(|role| may_manage(who, *role))
        .collect()
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
            assert!(managed_by(role).is_empty());
        }
        assert_eq!(managed_by(Role::Admin).len(), 6);
        let of_warden = managed_by(Role::Warden);
        assert!(of_warden.len() == 5 && !of_warden.contains(&Role::Admin));
    }
}
