//! Messages of the contract to the domain's words and back. What does not parse is named, all of it at once.

use kit::{
    Fault,
    clock::timestamp,
    fault::Fields,
    page::{Order, Paging},
};
use proto::{
    auth::{
        ChangePasswordRequest, ChangeRoleRequest, CreateFirstAdminRequest, CreateUserRequest, EndedSessions,
        ExchangeApiKeyRequest, ForgotPasswordRequest, ListSessionsResponse, ListUsersRequest, LoginRequest,
        LoginWithSecondFactorRequest, RefreshRequest, ResetPasswordRequest, Session, SetUpAtLoginRequest, SetUpRequest,
        SignInOutcome, SignedInUser, UpdateUserRequest,
    },
    options::Role,
};
use uuid::Uuid;

use crate::{
    domain::{Email, NewPassword, PersonName, State, code::Code, device, password::Policy, user::Change},
    operations::{
        change_password::Wish,
        create::NewUser,
        list::Query,
        login::{Attempt, Outcome, SignedIn},
        reset::Reset,
        second_factor::set_up,
        sessions::Listing,
    },
    store::{
        self,
        user::{Filter, SortBy},
    },
};

const LONGEST_IDENTIFIER: usize = 254;
const LONGEST_PASSWORD: usize = 1024;
const LONGEST_TOKEN: usize = 1024;
const LONGEST_CODE: usize = 40;
const LONGEST_CHALLENGE: usize = 200;
const LONGEST_KEY: usize = 200;

pub(crate) fn id(text: &str) -> Result<Uuid, Fault> {
    kit::id::parse(text).map_err(|expected| Fault::invalid("id", expected))
}

pub(crate) fn attempt(request: LoginRequest) -> Result<Attempt, Fault> {
    let mut fields = Fields::default();
    let identifier = fields.take("identifier", identifier(&request.identifier));
    let password = fields.take("password", password(request.password));
    let (Some(identifier), Some(password)) = (identifier, password) else {
        return Err(fields.fault());
    };
    Ok(Attempt { identifier, password })
}

/// A refresh token that may be one; whether it is, the store knows.
pub(crate) fn refresh_token(request: &RefreshRequest) -> Result<&str, Fault> {
    bounded(&request.refresh_token, LONGEST_TOKEN).map_err(|why| Fault::invalid("refresh_token", why))
}

pub(crate) fn listing(listing: Listing) -> ListSessionsResponse {
    let current = listing.current;
    let session = |one: store::session::Session| Session {
        id: one.id.to_string(),
        device: device::words(one.user_agent.as_deref()),
        ip: one.ip,
        created_at: Some(timestamp(one.created_at)),
        last_used_at: Some(timestamp(one.last_used_at)),
        expires_at: Some(timestamp(one.expires_at)),
        is_current: one.id == current,
    };
    ListSessionsResponse {
        sessions: listing.sessions.into_iter().map(session).collect(),
        page: Some(listing.page),
    }
}

pub(crate) fn ended_sessions(ids: &[Uuid]) -> EndedSessions {
    EndedSessions {
        ids: ids.iter().map(Uuid::to_string).collect(),
    }
}

/// The challenge's token and the code of a second step; whether they are right, the operation says.
pub(crate) fn second_step(request: &LoginWithSecondFactorRequest) -> Result<(&str, &str), Fault> {
    let mut fields = Fields::default();
    let token = fields.take("challenge_token", bounded(&request.challenge_token, LONGEST_CHALLENGE));
    let code = fields.take("code", bounded(&request.code, LONGEST_CODE));
    token.zip(code).ok_or_else(|| fields.fault())
}

pub(crate) fn challenge_token(request: &SetUpAtLoginRequest) -> Result<&str, Fault> {
    bounded(&request.challenge_token, LONGEST_CHALLENGE).map_err(|why| Fault::invalid("challenge_token", why))
}

pub(crate) fn set_up(request: SetUpRequest) -> Result<set_up::Request, Fault> {
    let mut fields = Fields::default();
    fields.take("current_password", bounded(&request.current_password, LONGEST_PASSWORD));
    let given = request.code.as_deref().filter(|code| !code.is_empty());
    fields.take("code", given.map(|code| bounded(code, LONGEST_CODE)).transpose());
    if !fields.is_empty() {
        return Err(fields.fault());
    }
    Ok(set_up::Request {
        current_password: request.current_password,
        code: request.code,
    })
}

/// A code of whatever kind.
pub(crate) fn code(text: &str) -> Result<&str, Fault> {
    bounded(text, LONGEST_CODE).map_err(|why| Fault::invalid("code", why))
}

/// What may be an API key.
pub(crate) fn key(request: &ExchangeApiKeyRequest) -> Result<&str, Fault> {
    bounded(&request.key, LONGEST_KEY).map_err(|why| Fault::invalid("key", why))
}

/// A text that must be there and keep within its bounds.
fn bounded(text: &str, longest: usize) -> Result<&str, &'static str> {
    match text.len() {
        0 => Err("is required"),
        length if length > longest => Err("is too long"),
        _ => Ok(text),
    }
}

pub(crate) fn login_outcome(outcome: Outcome) -> SignInOutcome {
    match outcome {
        Outcome::SignedIn(done) => signed_in(done),
        Outcome::Challenge(challenge) => SignInOutcome {
            mfa_required: true,
            challenge_token: Some(challenge.token),
            mfa_setup_required: challenge.must_set_up,
            ..SignInOutcome::default()
        },
    }
}

pub(crate) fn signed_in(signed_in: SignedIn) -> SignInOutcome {
    let user = signed_in.user;
    SignInOutcome {
        access_token: Some(signed_in.access_token),
        refresh_token: Some(signed_in.refresh_token),
        token_type: Some("Bearer".to_owned()),
        expires_in: u32::try_from(signed_in.expires_in.num_seconds()).ok(),
        user: Some(SignedInUser {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            role: user.role.into(),
            name: user.name.as_str().to_owned(),
        }),
        ..SignInOutcome::default()
    }
}

pub(crate) fn new_user(request: &CreateUserRequest, policy: Policy) -> Result<NewUser, Fault> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&request.email));
    let name = fields.take("name", PersonName::parse(&request.name));
    let role = fields.take("role", known_role(request.role()));
    let password = request.password.as_deref();
    let password = password.map(|text| NewPassword::parse(text, policy, request.role()));
    let password = fields.take("password", password.transpose());
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

pub(crate) fn first_admin(request: &CreateFirstAdminRequest, policy: Policy) -> Result<NewUser, Fault> {
    let mut fields = Fields::default();
    let token = fields.take("setup_token", setup_token(&request.setup_token));
    let email = fields.take("email", Email::parse(&request.email));
    let name = fields.take("name", PersonName::parse(&request.name));
    let password = fields.take("password", NewPassword::parse(&request.password, policy, Role::Admin));
    let (Some(_), Some(email), Some(name), Some(password)) = (token, email, name, password) else {
        return Err(fields.fault());
    };
    Ok(NewUser {
        email,
        name,
        role: Role::Admin,
        registration_no: None,
        password: Some(password),
    })
}

pub(crate) fn change(request: &UpdateUserRequest) -> Result<(Uuid, Change), Fault> {
    let mut fields = Fields::default();
    let id = fields.take("id", kit::id::parse(&request.id));
    let name = fields.take("name", request.name.as_deref().map(PersonName::parse).transpose());
    let (Some(id), Some(name)) = (id, name) else {
        return Err(fields.fault());
    };
    let state = request
        .is_active
        .map(|is_active| if is_active { State::Active } else { State::Deactivated });
    Ok((
        id,
        Change {
            name,
            state,
            role: None,
        },
    ))
}

pub(crate) fn role_change(request: &ChangeRoleRequest) -> Result<(Uuid, Change), Fault> {
    let mut fields = Fields::default();
    let id = fields.take("id", kit::id::parse(&request.id));
    let role = fields.take("role", known_role(request.role()));
    let (Some(id), Some(_)) = (id, role) else {
        return Err(fields.fault());
    };
    let change = Change {
        role,
        ..Change::default()
    };
    Ok((id, change))
}

pub(crate) fn forgot(request: ForgotPasswordRequest) -> Result<String, Fault> {
    identifier(&request.identifier).map_err(|why| Fault::invalid("identifier", why))
}

/// What the new password must be like is for the operation to say.
pub(crate) fn reset(request: ResetPasswordRequest) -> Result<Reset, Fault> {
    let mut fields = Fields::default();
    let identifier = fields.take("identifier", identifier(&request.identifier));
    let code = fields.take("otp", Code::parse(&request.otp));
    let new_password = fields.take("new_password", password(request.new_password));
    let (Some(identifier), Some(code), Some(new_password)) = (identifier, code, new_password) else {
        return Err(fields.fault());
    };
    Ok(Reset {
        identifier,
        code,
        new_password,
    })
}

pub(crate) fn password_change(request: ChangePasswordRequest) -> Result<Wish, Fault> {
    let mut fields = Fields::default();
    let current_password = fields.take("current_password", password(request.current_password));
    let new_password = fields.take("new_password", password(request.new_password));
    let (Some(current_password), Some(new_password)) = (current_password, new_password) else {
        return Err(fields.fault());
    };
    Ok(Wish {
        current_password,
        new_password,
    })
}

/// What may be the token of a set-up link; whether it is, the operation says.
fn setup_token(text: &str) -> Result<&str, &'static str> {
    if text.contains('\0') {
        return Err("must not contain a NUL character");
    }
    bounded(text, LONGEST_CHALLENGE)
}

fn identifier(text: &str) -> Result<String, &'static str> {
    let trimmed = bounded(text.trim(), LONGEST_IDENTIFIER)?;
    if trimmed.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(trimmed.to_owned())
}

fn password(text: String) -> Result<String, &'static str> {
    bounded(&text, LONGEST_PASSWORD)?;
    Ok(text)
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
