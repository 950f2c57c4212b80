//! `hostelpulse.auth.v1.Users`.

use std::sync::Arc;

use kit::{
    access::Caller,
    idempotency::{self, Attempt},
};
use proto::{
    auth::{
        ChangeRoleRequest, CreateFirstAdminRequest, CreateUserRequest, DeactivateUserRequest, GetUserRequest,
        InviteUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User, users_server,
    },
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    Error,
    domain::{State, user::Change},
    events,
    operations::{App, change, create, install, invite, list},
};

pub(crate) struct UsersRpc(pub Arc<App>);

#[tonic::async_trait]
impl users_server::Users for UsersRpc {
    async fn create_user(&self, request: Request<CreateUserRequest>) -> Result<Response<User>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let manager = app.manager(&caller).await?;
        let prepared = create::prepare(app, manager, convert::new_user(&request, app.config.password_policy)?).await?;
        let once = match idempotency::begin(&app.db, &app.clock, &caller, "CreateUser", &request).await? {
            Attempt::Repeated(answer) => return Ok(Response::new(answer)),
            Attempt::First(once) => once,
        };
        let user = create::store_in_txn(app, &caller, &once, prepared).await?;
        let answer = events::message(&user);
        once.commit(&answer).await.map_err(Error::from)?;
        app.post.wake();
        Ok(Response::new(answer))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (users, page) = list::list(&self.0, &caller, convert::query(request.into_inner())?).await?;
        Ok(Response::new(ListUsersResponse {
            users: users.iter().map(events::message).collect(),
            page: Some(page),
        }))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let user = list::get(&self.0, &caller, convert::id(&request.get_ref().id)?).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn update_user(&self, request: Request<UpdateUserRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let (id, wanted) = convert::change(request.get_ref())?;
        let user = change::change(&self.0, &caller, id, &wanted).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn deactivate_user(&self, request: Request<DeactivateUserRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id(&request.get_ref().id)?;
        let wanted = Change {
            state: Some(State::Deactivated),
            ..Change::default()
        };
        let user = change::change(&self.0, &caller, id, &wanted).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn change_role(&self, request: Request<ChangeRoleRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let (id, wanted) = convert::role_change(request.get_ref())?;
        let user = change::change(&self.0, &caller, id, &wanted).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn create_first_admin(&self, request: Request<CreateFirstAdminRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let new = convert::first_admin(request.get_ref(), self.0.config.password_policy)?;
        let user = install::first_admin(&self.0, &caller, &request.get_ref().setup_token, new).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn invite_user(&self, request: Request<InviteUserRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        invite::invite(&self.0, &caller, convert::id(&request.get_ref().id)?).await?;
        Ok(Response::new(Nothing {}))
    }
}
