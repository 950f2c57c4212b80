//! `hostelpulse.auth.v1.Passwords`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    auth::{ChangePasswordRequest, ForgotPasswordRequest, ResetPasswordRequest, passwords_server},
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{App, change_password, forgot, reset};

pub(crate) struct PasswordsRpc(pub Arc<App>);

#[tonic::async_trait]
impl passwords_server::Passwords for PasswordsRpc {
    async fn forgot_password(&self, request: Request<ForgotPasswordRequest>) -> Result<Response<Nothing>, Status> {
        forgot::forgot(&self.0, convert::forgot(request.into_inner())?).await?;
        Ok(Response::new(Nothing {}))
    }

    async fn reset_password(&self, request: Request<ResetPasswordRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        reset::reset(&self.0, &caller, convert::reset(request.into_inner())?).await?;
        Ok(Response::new(Nothing {}))
    }

    async fn change_password(&self, request: Request<ChangePasswordRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        let wish = convert::password_change(request.into_inner())?;
        change_password::change_password(&self.0, &caller, wish).await?;
        Ok(Response::new(Nothing {}))
    }
}
