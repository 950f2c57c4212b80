//! The demo: one user a role and forty students, all with one password.

use auth::NewAccount;
use proto::options::Role;

pub(crate) const PASSWORD: &str = "Demo@1234";
const STUDENTS: usize = 40;
const FIRST_NAMES: [&str; 10] = [
    "Asha", "Bilal", "Chitra", "Dev", "Esha", "Farhan", "Gauri", "Harish", "Ila", "Jatin",
];
const LAST_NAMES: [&str; 4] = ["Verma", "Khan", "Iyer", "Das"];

/// Everybody in the demo.
pub(crate) fn accounts() -> Vec<NewAccount> {
    let staff = [
        ("admin", "Anita Admin", Role::Admin),
        ("warden", "Wahid Warden", Role::Warden),
        ("guard", "Gopal Guard", Role::Guard),
        ("staff", "Sunita Staff", Role::Staff),
        ("teacher", "Tara Teacher", Role::Teacher),
    ];
    let staff = staff.into_iter().map(|(address, name, role)| NewAccount {
        email: format!("{address}@demo.local"),
        name: name.to_owned(),
        role,
        registration_no: None,
    });
    staff.chain((1..=STUDENTS).map(student)).collect()
}

fn student(number: usize) -> NewAccount {
    let suffix = if number == 1 { String::new() } else { number.to_string() };
    let (first, last) = (
        FIRST_NAMES[(number - 1) % FIRST_NAMES.len()],
        LAST_NAMES[(number - 1) / FIRST_NAMES.len()],
    );
    NewAccount {
        email: format!("student{suffix}@demo.local"),
        name: format!("{first} {last}"),
        role: Role::Student,
        registration_no: Some(format!("REG-2026-{number:03}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_as_documented() {
        let all = accounts();
        assert_eq!(all.len(), 45);
        assert_eq!(all[5].email, "student@demo.local");
        assert_eq!(all[5].registration_no.as_deref(), Some("REG-2026-001"));
        assert_eq!(all[6].email, "student2@demo.local");
        let names: std::collections::HashSet<_> = all.iter().map(|one| &one.name).collect();
        assert_eq!(names.len(), 45);
    }
}
