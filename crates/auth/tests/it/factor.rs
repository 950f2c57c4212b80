//! Fixtures as verbs: people with an authenticator app.

use auth::{Auth, Config, domain::totp::TotpSecret};
use chrono::Duration;
use kit::upstream::Channel;
use kit::{Fault, testing::World};
use proto::{
    auth::{
        ConfirmRequest, DisableRequest, Enrolment, LoginWithSecondFactorRequest, RenewRecoveryCodesRequest,
        SecondFactorState, SetUpAtLoginRequest, SetUpRequest, SignInOutcome, second_factor_client::SecondFactorClient,
    },
    types::Nothing,
};
use tonic::{Response, Status};

use crate::hostel::{Hostel, PASSWORD, config};

/// A phone with an authenticator app.
pub(crate) struct Phone(TotpSecret);

impl Phone {
    pub(crate) fn scan(answer: &Enrolment) -> Self {
        Self(TotpSecret::parse(&answer.secret).unwrap())
    }

    /// The code that it shows now.
    pub(crate) fn code(&self, hostel: &Hostel) -> String {
        self.code_in(hostel, 0)
    }

    /// The code that it shows in so many seconds.
    pub(crate) fn code_in(&self, hostel: &Hostel, seconds: i64) -> String {
        let at = hostel.world.clock.now() + Duration::seconds(seconds);
        self.0.code(at).digits()
    }

    /// Six digits that it does not show.
    pub(crate) fn wrong_code(&self, hostel: &Hostel) -> String {
        let shown = [-30, 0, 30].map(|seconds| self.code_in(hostel, seconds));
        let mut others = (0..4).map(|number| format!("{number:06}"));
        others.find(|other| !shown.contains(other)).unwrap()
    }
}

pub(crate) fn plain<T>(answer: Result<Response<T>, Status>) -> Result<T, Fault> {
    answer
        .map(Response::into_inner)
        .map_err(|status| Fault::from_status(&status))
}

impl Hostel {
    /// A hostel in which a role must have a second factor.
    pub(crate) async fn that_asks(role: &str) -> Self {
        let config = Config {
            mfa_required_roles: vec![role.to_owned()],
            ..config()
        };
        Self {
            world: World::start_with::<Auth>(config).await,
        }
    }

    pub(crate) fn factors(&self) -> SecondFactorClient<Channel> {
        SecondFactorClient::new(self.world.channel.clone())
    }

    pub(crate) async fn factor(&self, token: &str) -> SecondFactorState {
        let request = self.world.request(token, Nothing {});
        plain(self.factors().get_second_factor(request).await).unwrap()
    }

    pub(crate) async fn set_up(&self, token: &str, password: &str, code: Option<&str>) -> Result<Enrolment, Fault> {
        let request = SetUpRequest {
            current_password: password.to_owned(),
            code: code.map(str::to_owned),
        };
        plain(self.factors().set_up(self.world.request(token, request)).await)
    }

    pub(crate) async fn set_up_at_login(&self, challenge: &str) -> Result<Enrolment, Fault> {
        let request = SetUpAtLoginRequest {
            challenge_token: challenge.to_owned(),
        };
        plain(self.factors().set_up_at_login(request).await)
    }

    pub(crate) async fn confirm(&self, token: &str, code: &str) -> Result<Vec<String>, Fault> {
        let request = self.world.request(token, ConfirmRequest { code: code.to_owned() });
        Ok(plain(self.factors().confirm(request).await)?.recovery_codes)
    }

    pub(crate) async fn renew(&self, token: &str, code: &str) -> Result<Vec<String>, Fault> {
        let request = RenewRecoveryCodesRequest { code: code.to_owned() };
        let request = self.world.request(token, request);
        Ok(plain(self.factors().renew_recovery_codes(request).await)?.recovery_codes)
    }

    pub(crate) async fn disable(&self, token: &str, code: &str) -> Result<(), Fault> {
        let request = self.world.request(token, DisableRequest { code: code.to_owned() });
        plain(self.factors().disable(request).await).map(drop)
    }

    /// Switches a second factor on; the phone and the recovery codes. The phone's next code is half a minute away.
    pub(crate) async fn with_phone(&self, token: &str) -> (Phone, Vec<String>) {
        let phone = Phone::scan(&self.set_up(token, PASSWORD, None).await.unwrap());
        let codes = self.confirm(token, &phone.code(self)).await.unwrap();
        self.world.clock.advance(Duration::seconds(30));
        (phone, codes)
    }

    /// The first step of signing in; the challenge's token.
    pub(crate) async fn first_step(&self, identifier: &str) -> String {
        let answer = self.try_login(identifier, PASSWORD).await.unwrap();
        assert!(answer.mfa_required && answer.access_token.is_none() && answer.refresh_token.is_none());
        assert!(answer.user.is_none(), "nobody is signed in yet");
        answer.challenge_token().to_owned()
    }

    pub(crate) async fn second_step(&self, challenge: &str, code: &str) -> Result<SignInOutcome, Fault> {
        let request = LoginWithSecondFactorRequest {
            challenge_token: challenge.to_owned(),
            code: code.to_owned(),
            cookie: false,
        };
        plain(self.auth().login_with_second_factor(request).await)
    }
}
