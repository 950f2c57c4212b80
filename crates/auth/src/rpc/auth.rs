//! `hostelpulse.auth.v1.Auth`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    auth::{
        LoginRequest, LoginWithSecondFactorRequest, LogoutRequest, MeRequest, RefreshRequest, SignInOutcome, User,
        auth_server,
    },
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    events,
    operations::{App, login, logout, me, refresh, second_factor},
};

pub(crate) struct AuthRpc(pub Arc<App>);

#[tonic::async_trait]
impl auth_server::Auth for AuthRpc {
    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<SignInOutcome>, Status> {
        let caller = Caller::of(&request)?;
        let attempt = convert::attempt(request.into_inner())?;
        let outcome = login::login(&self.0, &caller, attempt).await?;
        Ok(Response::new(convert::login_outcome(outcome)))
    }

    async fn login_with_second_factor(
        &self,
        request: Request<LoginWithSecondFactorRequest>,
    ) -> Result<Response<SignInOutcome>, Status> {
        let caller = Caller::of(&request)?;
        let (token, code) = convert::second_step(request.get_ref())?;
        let done = second_factor::sign_in::sign_in(&self.0, &caller, token, code).await?;
        Ok(Response::new(SignInOutcome {
            recovery_codes: done.recovery_codes,
            ..convert::signed_in(done.signed_in)
        }))
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<SignInOutcome>, Status> {
        let caller = Caller::of(&request)?;
        let token = convert::refresh_token(request.get_ref())?;
        let done = refresh::refresh(&self.0, &caller, token).await?;
        Ok(Response::new(convert::signed_in(done)))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        logout::logout(&self.0, &caller, request.get_ref().refresh_token.as_deref()).await?;
        Ok(Response::new(Nothing {}))
    }

    async fn me(&self, request: Request<MeRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let user = me::me(&self.0, &caller).await?;
        Ok(Response::new(events::message(&user)))
    }
}
