//! More fixtures as verbs: people with devices, their sessions, and what is left of them in the database.

pub(crate) use kit::testing::told;
use kit::upstream::Channel;
use kit::{Fault, access::metadata};
use proto::{
    auth::{
        EndSessionRequest, ListSessionsRequest, LoginRequest, LogoutRequest, RefreshRequest, Session, SignInOutcome,
        sessions_client::SessionsClient,
    },
    types::Nothing,
};
use tonic::Request;

use crate::hostel::{Hostel, PASSWORD};

pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0";

/// A device: what it calls itself, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Device(pub &'static str, pub &'static str);

pub(crate) const DESK: Device = Device(FIREFOX, "203.0.113.7");
pub(crate) const PHONE: Device = Device("okhttp/4.12.0", "198.51.100.20");

impl Hostel {
    /// A request as the gateway sends it for somebody with this device.
    pub(crate) fn from<T>(&self, device: Device, mut request: Request<T>) -> Request<T> {
        let token = self.world.host.tokens("gateway").token().unwrap();
        let headers = request.metadata_mut();
        headers.insert(metadata::FORWARDED_BY, token.parse().unwrap());
        headers.insert(metadata::CLIENT_AGENT, device.0.parse().unwrap());
        headers.insert(metadata::CLIENT_IP, device.1.parse().unwrap());
        request
    }

    pub(crate) async fn try_login_on(
        &self,
        device: Device,
        identifier: &str,
        password: &str,
    ) -> Result<SignInOutcome, Fault> {
        let request = LoginRequest {
            identifier: identifier.to_owned(),
            password: password.to_owned(),
            cookie: false,
        };
        told(self.auth().login(self.from(device, Request::new(request))).await)
    }

    /// Signs in with everybody's password.
    pub(crate) async fn sign_in(&self, identifier: &str) -> SignInOutcome {
        self.try_login(identifier, PASSWORD).await.unwrap()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<SignInOutcome, Fault> {
        let refresh_token = token.to_owned();
        told(self.auth().refresh(RefreshRequest { refresh_token }).await)
    }

    pub(crate) async fn logout(&self, access: &str, refresh_token: Option<&str>) -> Result<Nothing, Fault> {
        let refresh_token = refresh_token.map(str::to_owned);
        let request = self.world.request(access, LogoutRequest { refresh_token });
        told(self.auth().logout(request).await)
    }

    fn sessions_rpcs(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.world.channel.clone())
    }

    pub(crate) async fn sessions(&self, access: &str) -> Vec<Session> {
        let request = self.world.request(access, ListSessionsRequest::default());
        told(self.sessions_rpcs().list_sessions(request).await)
            .unwrap()
            .sessions
    }

    pub(crate) async fn end_session(&self, access: &str, id: &str) -> Result<Nothing, Fault> {
        let request = self.world.request(access, EndSessionRequest { id: id.to_owned() });
        told(self.sessions_rpcs().end_session(request).await)
    }

    pub(crate) async fn end_others(&self, access: &str) -> Result<u32, Fault> {
        let request = self.world.request(access, Nothing {});
        told(self.sessions_rpcs().end_other_sessions(request).await).map(|answer| answer.ended)
    }
}
