//! Fixtures around passwords: what people do with them, and the mail that they get.

use std::sync::Arc;

use auth::{Auth, Config};
use chrono::DateTime;
pub(crate) use kit::testing::until;
use kit::upstream::Channel;
use kit::{
    Clock, Fault,
    mail::Mail,
    service::Host,
    testing::{Keys, TestStores, World},
};
use proto::auth::{
    ChangePasswordRequest, ChangeRoleRequest, CreateUserRequest, ForgotPasswordRequest, InviteUserRequest,
    ResetPasswordRequest, User, passwords_client::PasswordsClient,
};
use proto::options::Role;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::hostel::{Hostel, somebody};

/// One process of the service, with a mail port of the test's own.
pub(crate) async fn process(
    stores: &TestStores,
    clock: &Clock,
    config: Config,
    mail: Arc<dyn Mail>,
) -> (Host, kit::Db) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut host = Host::open_at(stores.config(), &["auth"], clock.clone()).await.unwrap();
    host.mail = mail;
    let (service, db) = host.create_with::<Auth>(config).await.unwrap();
    host.start(service, db.clone()).unwrap();
    host.begin().await.unwrap();
    (host, db)
}

impl Hostel {
    pub(crate) async fn open_with(config: Config) -> Self {
        Self {
            world: World::start_with::<Auth>(config).await,
        }
    }

    pub(crate) async fn open_with_mail(mail: Arc<dyn Mail>) -> Self {
        let stores = TestStores::default();
        let clock = Clock::mock(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let (host, db) = process(&stores, &clock, crate::hostel::config(), mail).await;
        let world = World {
            keys: Keys::new(clock.clone()),
            clock,
            db,
            channel: host.upstreams.channel("auth").unwrap(),
            host,
            stores,
        };
        Self { world }
    }

    fn passwords(&self) -> PasswordsClient<Channel> {
        PasswordsClient::new(self.world.channel.clone())
    }

    pub(crate) async fn try_forgot(&self, identifier: &str) -> Result<(), Fault> {
        let identifier = identifier.to_owned();
        let answer = self
            .passwords()
            .forgot_password(ForgotPasswordRequest { identifier })
            .await;
        answer.map(drop).map_err(|status| Fault::from_status(&status))
    }

    pub(crate) async fn forgot(&self, identifier: &str) {
        self.try_forgot(identifier).await.unwrap();
    }

    pub(crate) async fn reset(&self, identifier: &str, otp: &str, new_password: &str) -> Result<(), Fault> {
        let request = ResetPasswordRequest {
            identifier: identifier.to_owned(),
            otp: otp.to_owned(),
            new_password: new_password.to_owned(),
        };
        let answer = self.passwords().reset_password(request).await;
        answer.map(drop).map_err(|status| Fault::from_status(&status))
    }

    pub(crate) async fn change_password(&self, token: &str, current: &str, new: &str) -> Result<(), Fault> {
        let request = ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
        };
        let answer = self
            .passwords()
            .change_password(self.world.request(token, request))
            .await;
        answer.map(drop).map_err(|status| Fault::from_status(&status))
    }

    pub(crate) async fn change_role(&self, token: &str, id: &str, role: Role) -> Result<User, Fault> {
        let request = ChangeRoleRequest {
            id: id.to_owned(),
            role: role.into(),
        };
        let answer = self.users().change_role(self.world.request(token, request)).await;
        Ok(answer.map_err(|status| Fault::from_status(&status))?.into_inner())
    }

    pub(crate) async fn invite(&self, token: &str, id: &str) -> Result<(), Fault> {
        let request = self.world.request(token, InviteUserRequest { id: id.to_owned() });
        let answer = self.users().invite_user(request).await;
        answer.map(drop).map_err(|status| Fault::from_status(&status))
    }

    /// Creates somebody who is to choose their own password.
    pub(crate) async fn create_invited(&self, token: &str, email: &str, role: Role) -> User {
        let request = CreateUserRequest {
            password: None,
            ..somebody(email, role)
        };
        self.try_create(token, request).await.unwrap()
    }

    /// Every mail to an address, in the order in which they were written.
    pub(crate) fn mails_to(&self, address: &str) -> Vec<String> {
        let folder = self.world.host.config.base.data.join("mail");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
            .collect();
        paths.sort();
        let mails = paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        mails
            .filter(|mail| mail.contains(&format!("To: {address}\r\n")))
            .collect()
    }

    /// Waits for the `number`-th mail to an address, counted from 1.
    pub(crate) async fn mail(&self, address: &str, number: usize) -> String {
        let what = format!("mail {number} to {address}");
        until(&what, async || self.mails_to(address).into_iter().nth(number - 1)).await
    }

    /// The code of the `number`-th mail to an address.
    pub(crate) async fn mailed_code(&self, address: &str, number: usize) -> String {
        code_in(&self.mail(address, number).await)
    }

    /// Waits until no letter is left to be written.
    pub(crate) async fn no_letter_waits(&self) {
        until("an empty queue of letters", async || {
            self.rows("SELECT id AS text FROM letter")
                .await
                .is_empty()
                .then_some(())
        })
        .await;
    }

    /// The column `text` of a query.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.world.db.backend(), sql);
        let rows = self.world.db.reader().query_all_raw(statement).await.unwrap();
        let text = |row: sea_orm::QueryResult| {
            let text = row.try_get::<String>("", "text");
            text.unwrap_or_else(|_| format!("{:?}", row.try_get::<uuid::Uuid>("", "text")))
        };
        rows.into_iter().map(text).collect()
    }
}

/// The code that a mail shows.
pub(crate) fn code_in(mail: &str) -> String {
    let mut lines = mail.lines().map(str::trim);
    let code = lines.find(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()));
    code.unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

/// Another code than this one.
pub(crate) fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}
