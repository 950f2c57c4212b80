//! Fixtures as verbs: a hostel with an administrator, and what people do in it.

use std::ops::Deref;

use auth::{Auth, Config};
use kit::upstream::Channel;
use kit::{Fault, config::SecretText, testing::World};
use proto::{
    auth::{
        CreateUserRequest, DeactivateUserRequest, ListUsersRequest, LoginRequest, MeRequest, SignInOutcome,
        UpdateUserRequest, User, auth_client::AuthClient, tokens_client::TokensClient, users_client::UsersClient,
    },
    options::Role,
};
use tonic::{Code, Request, metadata::AsciiMetadataValue};

pub(crate) const ADMIN: &str = "admin@hostel.example";
pub(crate) const PASSWORD: &str = "Gate#2026x";

/// The service with one administrator, on cheap hashes.
pub(crate) struct Hostel {
    pub world: World,
}

pub(crate) fn config() -> Config {
    Config {
        bcrypt_cost: 4,
        admin_email: Some(ADMIN.to_owned()),
        admin_password: Some(SecretText(PASSWORD.to_owned().into())),
        ..Config::default()
    }
}

/// What is asked of the world is asked of it alike.
impl Deref for Hostel {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Hostel {
    pub(crate) async fn open() -> Self {
        Self {
            world: World::start_with::<Auth>(config()).await,
        }
    }

    pub(crate) fn auth(&self) -> AuthClient<Channel> {
        AuthClient::new(self.world.channel.clone())
    }

    pub(crate) fn tokens(&self) -> TokensClient<Channel> {
        TokensClient::new(self.world.channel.clone())
    }

    pub(crate) fn users(&self) -> UsersClient<Channel> {
        UsersClient::new(self.world.channel.clone())
    }

    pub(crate) async fn try_login(&self, identifier: &str, password: &str) -> Result<SignInOutcome, Fault> {
        let request = LoginRequest {
            identifier: identifier.to_owned(),
            password: password.to_owned(),
            cookie: false,
        };
        let answer = self
            .auth()
            .login(request)
            .await
            .map_err(|status| Fault::from_status(&status))?;
        Ok(answer.into_inner())
    }

    /// Signs in with everybody's password; the access token.
    pub(crate) async fn login(&self, identifier: &str) -> String {
        self.try_login(identifier, PASSWORD)
            .await
            .unwrap()
            .access_token()
            .to_owned()
    }

    pub(crate) async fn try_create(&self, token: &str, request: CreateUserRequest) -> Result<User, Fault> {
        self.send_create(self.world.request(token, request)).await
    }

    pub(crate) async fn create_with_key(
        &self,
        token: &str,
        request: CreateUserRequest,
        key: &str,
    ) -> Result<User, Fault> {
        let mut request = self.world.request(token, request);
        request
            .metadata_mut()
            .insert("idempotency-key", AsciiMetadataValue::try_from(key).unwrap());
        self.send_create(request).await
    }

    async fn send_create(&self, request: Request<CreateUserRequest>) -> Result<User, Fault> {
        let answer = self
            .users()
            .create_user(request)
            .await
            .map_err(|status| Fault::from_status(&status))?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn create(&self, token: &str, email: &str, role: Role) -> User {
        self.try_create(token, somebody(email, role)).await.unwrap()
    }

    pub(crate) async fn me(&self, token: &str) -> Result<User, Fault> {
        let answer = self.auth().me(self.world.request(token, MeRequest {})).await;
        Ok(answer.map_err(|status| Fault::from_status(&status))?.into_inner())
    }

    pub(crate) async fn update(&self, token: &str, request: UpdateUserRequest) -> Result<User, Fault> {
        let answer = self.users().update_user(self.world.request(token, request)).await;
        Ok(answer.map_err(|status| Fault::from_status(&status))?.into_inner())
    }

    pub(crate) async fn deactivate(&self, token: &str, id: &str) -> Result<User, Fault> {
        let request = DeactivateUserRequest { id: id.to_owned() };
        let answer = self.users().deactivate_user(self.world.request(token, request)).await;
        Ok(answer.map_err(|status| Fault::from_status(&status))?.into_inner())
    }

    /// The addresses of a listing, in its order, and how many there are in all.
    pub(crate) async fn list(&self, token: &str, request: ListUsersRequest) -> (Vec<String>, u64) {
        let answer = self
            .users()
            .list_users(self.world.request(token, request))
            .await
            .unwrap()
            .into_inner();
        (
            answer.users.into_iter().map(|user| user.email).collect(),
            answer.page.unwrap().total_items,
        )
    }
}

pub(crate) fn somebody(email: &str, role: Role) -> CreateUserRequest {
    CreateUserRequest {
        email: email.to_owned(),
        name: "Some Body".to_owned(),
        role: role.into(),
        password: Some(PASSWORD.to_owned()),
    }
}

/// The code of a call that must not go well.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> (Code, String) {
    let fault = outcome.unwrap_err();
    (fault.kind.grpc(), fault.reason.into_owned())
}
