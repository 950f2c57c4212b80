//! `hostelpulse.auth.v1.ApiKeys`.

use std::sync::Arc;

use kit::{
    Fault,
    access::Caller,
    fault::Fields,
    idempotency::{self, Attempt},
    page::Paging,
};
use proto::auth::{
    ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest,
    api_keys_server,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    Error,
    domain::api_key::{self, AllowedIps, KeyName},
    events::api_key::message,
    operations::{
        App,
        api_keys::{
            create::{self, NewKey},
            list, revoke,
        },
    },
};

pub(crate) struct ApiKeysRpc(pub Arc<App>);

#[tonic::async_trait]
impl api_keys_server::ApiKeys for ApiKeysRpc {
    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let new = new_key(&request)?;
        let owner = create::prepare(app, &caller, &new).await?;
        let once = match idempotency::begin(&app.db, &app.clock, &caller, "CreateApiKey", &request).await? {
            Attempt::Repeated(answer) => return Ok(Response::new(answer)),
            Attempt::First(once) => once,
        };
        let (key, secret) = create::store_in_txn(app, &caller, &once, owner, new).await?;
        // What is kept for a repetition does not hold the key: nobody reads it out of the database.
        let mut answer = CreateApiKeyResponse {
            key: None,
            api_key: Some(message(&key)),
        };
        once.commit(&answer).await.map_err(Error::from)?;
        answer.key = Some(secret.expose().to_owned());
        Ok(Response::new(answer))
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let caller = Caller::of(&request)?;
        let paging = Paging::new(request.get_ref().page, request.get_ref().limit)?;
        let (keys, page) = list::list(&self.0, &caller, paging).await?;
        Ok(Response::new(ListApiKeysResponse {
            api_keys: keys.iter().map(message).collect(),
            page: Some(page),
        }))
    }

    async fn revoke_api_key(&self, request: Request<RevokeApiKeyRequest>) -> Result<Response<ApiKey>, Status> {
        let caller = Caller::of(&request)?;
        let key = revoke::revoke(&self.0, &caller, convert::id(&request.get_ref().id)?).await?;
        Ok(Response::new(message(&key)))
    }
}

fn new_key(request: &CreateApiKeyRequest) -> Result<NewKey, Fault> {
    let mut fields = Fields::default();
    let name = fields.take("name", KeyName::parse(&request.name));
    let role = fields.take("role", api_key::role(request.role()));
    let life = fields.take("expires_in_days", api_key::days(request.expires_in_days));
    let allowed_ips = fields.take("allowed_ips", AllowedIps::parse(&request.allowed_ips));
    let (Some(name), Some(role), Some(life), Some(allowed_ips)) = (name, role, life, allowed_ips) else {
        return Err(fields.fault());
    };
    Ok(NewKey {
        name,
        role,
        life,
        allowed_ips,
    })
}
