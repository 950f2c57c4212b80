//! `hostelpulse.auth.v1.Auth`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    auth::{JwksResponse, LoginRequest, LoginResponse, MeRequest, User, auth_server},
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    events,
    operations::{App, login, me},
};

pub(crate) struct AuthRpc(pub Arc<App>);

#[tonic::async_trait]
impl auth_server::Auth for AuthRpc {
    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let caller = Caller::of(&request)?;
        let attempt = convert::attempt(request.into_inner())?;
        let signed_in = login::login(&self.0, &caller, attempt).await?;
        Ok(Response::new(convert::signed_in(signed_in)))
    }

    async fn me(&self, request: Request<MeRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let user = me::me(&self.0, &caller).await?;
        Ok(Response::new(events::message(&user)))
    }

    async fn jwks(&self, _: Request<Nothing>) -> Result<Response<JwksResponse>, Status> {
        Ok(Response::new(JwksResponse {
            jwks: self.0.signer.jwks().to_owned(),
        }))
    }
}
