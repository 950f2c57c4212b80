//! Messages of the contract to the domain's words and back. What does not parse is named, all of it at once.

use kit::{
    Fault,
    fault::Violation,
    page::{Order, Paging},
};
use proto::{
    auth::{CreateUserRequest, ListUsersRequest, LoginRequest, LoginResponse, SignedInUser, UpdateUserRequest},
    options::Role,
};
use uuid::Uuid;

use crate::{
    domain::{Email, NewPassword, PersonName, State, user::Change},
    operations::{
        create::NewUser,
        list::Query,
        login::{Attempt, SignedIn},
    },
    store::user::{Filter, SortBy},
};

const LONGEST_IDENTIFIER: usize = 254;
const LONGEST_PASSWORD: usize = 1024;

/// Collects what is wrong with the fields of a request.
#[derive(Default)]
struct Fields(Vec<Violation>);

impl Fields {
    fn take<T, E: Into<String>>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|why| self.0.push(Violation::new(field, why))).ok()
    }

    fn fault(self) -> Fault {
        Fault::validation(self.0)
    }
}

pub(crate) fn id(text: &str) -> Result<Uuid, Fault> {
    Uuid::parse_str(text).map_err(|_| Fault::invalid("id", "must be a UUID"))
}

pub(crate) fn attempt(request: LoginRequest) -> Result<Attempt, Fault> {
    let mut fields = Fields::default();
    let in_bounds = |text: &str, longest: usize| match text.len() {
        0 => Err("is required"),
        length if length > longest => Err("is too long"),
        _ => Ok(()),
    };
    if request.identifier.chars().any(char::is_control) {
        fields
            .0
            .push(Violation::new("identifier", "must not contain control characters"));
    }
    fields.take("identifier", in_bounds(&request.identifier, LONGEST_IDENTIFIER));
    fields.take("password", in_bounds(&request.password, LONGEST_PASSWORD));
    if !fields.0.is_empty() {
        return Err(fields.fault());
    }
    Ok(Attempt {
        identifier: request.identifier.trim().to_owned(),
        password: request.password,
    })
}

pub(crate) fn signed_in(signed_in: SignedIn) -> LoginResponse {
    let user = signed_in.user;
    LoginResponse {
        access_token: signed_in.access_token,
        refresh_token: signed_in.refresh_token,
        token_type: "Bearer".to_owned(),
        expires_in: u32::try_from(signed_in.expires_in.num_seconds()).unwrap_or_default(),
        user: Some(SignedInUser {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            role: user.role.into(),
            name: user.name.as_str().to_owned(),
        }),
    }
}

pub(crate) fn new_user(request: &CreateUserRequest) -> Result<NewUser, Fault> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&request.email));
    let name = fields.take("name", PersonName::parse(&request.name));
    let role = fields.take("role", known_role(request.role()));
    let password = request.password.as_deref().map(NewPassword::parse).transpose();
    let password = fields.take("password", password);
    let (Some(email), Some(name), Some(role), Some(password)) = (email, name, role, password) else {
        return Err(fields.fault());
    };
    Ok(NewUser {
        email,
        name,
        role,
        registration_no: None,
        password,
    })
}

pub(crate) fn change(request: &UpdateUserRequest) -> Result<(Uuid, Change), Fault> {
    let mut fields = Fields::default();
    let id = fields.take("id", Uuid::parse_str(&request.id).map_err(|_| "must be a UUID"));
    let name = fields.take("name", request.name.as_deref().map(PersonName::parse).transpose());
    let (Some(id), Some(name)) = (id, name) else {
        return Err(fields.fault());
    };
    let state = request
        .is_active
        .map(|is_active| if is_active { State::Active } else { State::Deactivated });
    Ok((id, Change { name, state }))
}

pub(crate) fn query(request: ListUsersRequest) -> Result<Query, Fault> {
    let sort_by = match request.sort_by.as_deref() {
        None | Some("created_at") => SortBy::CreatedAt,
        Some("name") => SortBy::Name,
        Some("email") => SortBy::Email,
        Some(_) => return Err(Fault::invalid("sort_by", "must be one of: name, email, created_at")),
    };
    let role = match request.role {
        None => None,
        Some(_) => Some(known_role(request.role()).map_err(|why| Fault::invalid("role", why))?),
    };
    Ok(Query {
        sort: (sort_by, Order::parse(request.order.as_deref(), Order::Ascending)?),
        paging: Paging::new(request.page, request.limit)?,
        filter: Filter {
            role,
            is_active: request.is_active,
            search: request.search.filter(|text| !text.is_empty()),
        },
    })
}

fn known_role(role: Role) -> Result<Role, &'static str> {
    if role == Role::Unspecified {
        return Err("must be one of: student, warden, guard, staff, teacher, admin");
    }
    Ok(role)
}
