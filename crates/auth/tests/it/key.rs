//! Fixtures as verbs: tools with an API key.

use kit::upstream::Channel;
use kit::{Fault, access::metadata, testing::patiently};
use proto::{
    auth::{
        ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, ExchangeApiKeyRequest, ExchangeApiKeyResponse,
        ListApiKeysRequest, RevokeApiKeyRequest, api_keys_client::ApiKeysClient,
    },
    options::Role,
};
use tonic::{Request, metadata::AsciiMetadataValue};

use crate::{factor::plain, hostel::Hostel};

pub(crate) fn key(role: Role, allowed_ips: &[&str]) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        name: "Gate tablet".to_owned(),
        role: role.into(),
        expires_in_days: None,
        allowed_ips: allowed_ips.iter().map(|&ip| ip.to_owned()).collect(),
    }
}

impl Hostel {
    pub(crate) fn api_keys(&self) -> ApiKeysClient<Channel> {
        ApiKeysClient::new(self.world.channel.clone())
    }

    pub(crate) async fn try_create_key(
        &self,
        token: &str,
        request: CreateApiKeyRequest,
    ) -> Result<CreateApiKeyResponse, Fault> {
        plain(self.api_keys().create_api_key(self.world.request(token, request)).await)
    }

    /// The key, and what is known of it.
    pub(crate) async fn create_key(&self, token: &str, request: CreateApiKeyRequest) -> (String, ApiKey) {
        let answer = self.try_create_key(token, request).await.unwrap();
        (answer.key().to_owned(), answer.api_key.unwrap())
    }

    /// The same, as a client that comes back when it is asked to.
    pub(crate) async fn create_key_patiently(
        &self,
        token: &str,
        request: CreateApiKeyRequest,
    ) -> Result<ApiKey, Fault> {
        let made = patiently(async || self.try_create_key(token, request.clone()).await).await;
        made.map(|answer| answer.api_key.unwrap())
    }

    pub(crate) async fn create_key_once(
        &self,
        token: &str,
        request: CreateApiKeyRequest,
        idempotency_key: &str,
    ) -> Result<CreateApiKeyResponse, Fault> {
        let mut request = self.world.request(token, request);
        let value = AsciiMetadataValue::try_from(idempotency_key).unwrap();
        request.metadata_mut().insert("idempotency-key", value);
        plain(self.api_keys().create_api_key(request).await)
    }

    pub(crate) async fn list_keys(&self, token: &str) -> Result<Vec<ApiKey>, Fault> {
        let request = self.world.request(
            token,
            ListApiKeysRequest {
                page: None,
                limit: None,
            },
        );
        Ok(plain(self.api_keys().list_api_keys(request).await)?.api_keys)
    }

    pub(crate) async fn revoke_key(&self, token: &str, id: &str) -> Result<ApiKey, Fault> {
        let request = self.world.request(token, RevokeApiKeyRequest { id: id.to_owned() });
        plain(self.api_keys().revoke_api_key(request).await)
    }

    pub(crate) async fn exchange(&self, key: &str) -> Result<ExchangeApiKeyResponse, Fault> {
        self.send_key(key, |_| {}).await
    }

    /// As the gateway sends it for a client at this address.
    pub(crate) async fn exchange_from(&self, key: &str, address: &str) -> Result<ExchangeApiKeyResponse, Fault> {
        let service = self.world.host.tokens("gateway").token().unwrap();
        self.send_key(key, |request| {
            let forwarded_by = AsciiMetadataValue::try_from(&*service).unwrap();
            request.metadata_mut().insert(metadata::FORWARDED_BY, forwarded_by);
            claim_address(request, address);
        })
        .await
    }

    /// As anybody sends it who claims an address of their own accord.
    pub(crate) async fn exchange_claiming(&self, key: &str, address: &str) -> Result<ExchangeApiKeyResponse, Fault> {
        self.send_key(key, |request| claim_address(request, address)).await
    }

    async fn send_key(
        &self,
        key: &str,
        with: impl FnOnce(&mut Request<ExchangeApiKeyRequest>),
    ) -> Result<ExchangeApiKeyResponse, Fault> {
        let mut request = Request::new(ExchangeApiKeyRequest { key: key.to_owned() });
        with(&mut request);
        plain(self.tokens().exchange_api_key(request).await)
    }
}

fn claim_address<T>(request: &mut Request<T>, address: &str) {
    let address = AsciiMetadataValue::try_from(address).unwrap();
    request.metadata_mut().insert(metadata::CLIENT_IP, address);
}
