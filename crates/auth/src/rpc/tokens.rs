//! `hostelpulse.auth.v1.Tokens`.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::BoxStream};
use kit::access::Caller;
use proto::{
    auth::{EndedSessions, ExchangeApiKeyRequest, ExchangeApiKeyResponse, JwksResponse, tokens_server},
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{App, api_keys::exchange, watch};

pub(crate) struct TokensRpc(pub Arc<App>);

#[tonic::async_trait]
impl tokens_server::Tokens for TokensRpc {
    type WatchEndedStream = BoxStream<'static, Result<EndedSessions, Status>>;

    async fn jwks(&self, _: Request<Nothing>) -> Result<Response<JwksResponse>, Status> {
        Ok(Response::new(JwksResponse {
            jwks: self.0.signer.jwks(self.0.clock.now()),
        }))
    }

    async fn watch_ended(&self, _: Request<Nothing>) -> Result<Response<Self::WatchEndedStream>, Status> {
        let ended = watch::watch(self.0.clone()).map(|ended| Ok(convert::ended_sessions(&ended?)));
        Ok(Response::new(ended.boxed()))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let exchanged = exchange::exchange(&self.0, &caller, convert::key(request.get_ref())?).await?;
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: exchanged.access_token,
            expires_in: u32::try_from(exchanged.life.num_seconds()).unwrap_or_default(),
        }))
    }
}
