//! `hostelpulse.auth.v1.SecondFactor`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    auth::{
        ConfirmRequest, DisableRequest, Enrolment, RecoveryCodes, RenewRecoveryCodesRequest, SecondFactorState,
        SetUpAtLoginRequest, SetUpRequest, second_factor_server,
    },
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{
    App,
    second_factor::{confirm, disable, renew, set_up, state},
};

pub(crate) struct SecondFactorRpc(pub Arc<App>);

#[tonic::async_trait]
impl second_factor_server::SecondFactor for SecondFactorRpc {
    async fn get_second_factor(&self, request: Request<Nothing>) -> Result<Response<SecondFactorState>, Status> {
        let caller = Caller::of(&request)?;
        let standing = state::state(&self.0, &caller).await?;
        Ok(Response::new(SecondFactorState {
            is_enabled: standing.is_enabled,
            is_required: standing.is_required,
            recovery_codes_left: u32::try_from(standing.recovery_codes_left).unwrap_or(u32::MAX),
        }))
    }

    async fn set_up(&self, request: Request<SetUpRequest>) -> Result<Response<Enrolment>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = convert::set_up(request.into_inner())?;
        let enrolment = set_up::set_up(&self.0, &caller, wanted).await?;
        Ok(Response::new(answer(enrolment)))
    }

    async fn set_up_at_login(&self, request: Request<SetUpAtLoginRequest>) -> Result<Response<Enrolment>, Status> {
        let enrolment = set_up::set_up_at_login(&self.0, convert::challenge_token(request.get_ref())?).await?;
        Ok(Response::new(answer(enrolment)))
    }

    async fn confirm(&self, request: Request<ConfirmRequest>) -> Result<Response<RecoveryCodes>, Status> {
        let caller = Caller::of(&request)?;
        let recovery_codes = confirm::confirm(&self.0, &caller, convert::code(&request.get_ref().code)?).await?;
        Ok(Response::new(RecoveryCodes { recovery_codes }))
    }

    async fn renew_recovery_codes(
        &self,
        request: Request<RenewRecoveryCodesRequest>,
    ) -> Result<Response<RecoveryCodes>, Status> {
        let caller = Caller::of(&request)?;
        let recovery_codes = renew::renew(&self.0, &caller, convert::code(&request.get_ref().code)?).await?;
        Ok(Response::new(RecoveryCodes { recovery_codes }))
    }

    async fn disable(&self, request: Request<DisableRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        disable::disable(&self.0, &caller, convert::code(&request.get_ref().code)?).await?;
        Ok(Response::new(Nothing {}))
    }
}

fn answer(enrolment: set_up::Enrolment) -> Enrolment {
    Enrolment {
        secret: enrolment.secret,
        otpauth_url: enrolment.url,
        qr_image_url: enrolment.picture,
    }
}
