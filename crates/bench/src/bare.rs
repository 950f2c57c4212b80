//! What the product is held against: an actix handler that makes one typed tonic call and does nothing else, and one
//! that does not even do that.

use std::{io, net::SocketAddr};

use actix_web::{App, HttpResponse, HttpServer, web};
use hyper_util::rt::TokioIo;
use proto::{
    auth::{
        LoginRequest, LoginWithSecondFactorRequest, LogoutRequest, MeRequest, RefreshRequest, SignInOutcome, User,
        auth_client::AuthClient,
        auth_server::{Auth, AuthServer},
    },
    types::Nothing,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, Uri},
};

/// How much a pipe holds in each direction before the writer waits.
const PIPE: usize = 256 * 1024;

/// A service that answers from memory: no access layer, no database.
#[derive(Clone)]
struct Fixed(User);

#[tonic::async_trait]
impl Auth for Fixed {
    async fn login(&self, _: Request<LoginRequest>) -> Result<Response<SignInOutcome>, Status> {
        Err(Status::unimplemented("only me is measured"))
    }

    async fn me(&self, _: Request<MeRequest>) -> Result<Response<User>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn login_with_second_factor(
        &self,
        _: Request<LoginWithSecondFactorRequest>,
    ) -> Result<Response<SignInOutcome>, Status> {
        Err(Status::unimplemented("only me is measured"))
    }

    async fn refresh(&self, _: Request<RefreshRequest>) -> Result<Response<SignInOutcome>, Status> {
        Err(Status::unimplemented("only me is measured"))
    }

    async fn logout(&self, _: Request<LogoutRequest>) -> Result<Response<Nothing>, Status> {
        Err(Status::unimplemented("only me is measured"))
    }
}

/// A channel to the fixed service over an in-process pipe.
pub(crate) fn over_a_pipe(user: User) -> Channel {
    let (here, there) = tokio::io::duplex(PIPE);
    tokio::spawn(
        Server::builder()
            .add_service(AuthServer::new(Fixed(user)))
            .serve_with_incoming(tokio_stream::once(Ok::<_, io::Error>(there))),
    );
    let mut here = Some(TokioIo::new(here));
    let connector = tower::service_fn(move |_: Uri| {
        let here = here.take().ok_or_else(|| io::Error::other("the pipe is gone"));
        std::future::ready(here)
    });
    // A valid name: the pipe has no address.
    Endpoint::from_static("http://in.process").connect_with_connector_lazy(connector)
}

/// The same over loopback TCP.
pub(crate) async fn over_tcp(user: User) -> anyhow::Result<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(
        Server::builder()
            .tcp_nodelay(true)
            .add_service(AuthServer::new(Fixed(user)))
            .serve_with_incoming(incoming),
    );
    Ok(Endpoint::from_shared(url)?.tcp_nodelay(true).connect().await?)
}

/// Serves `/me` by one typed call on the channel, and `/` by none.
pub(crate) fn serve(channel: Channel) -> anyhow::Result<SocketAddr> {
    let client = AuthClient::new(channel);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(client.clone()))
            .route("/", web::get().to(|| async { HttpResponse::Ok().body("{}") }))
            .route("/me", web::get().to(me))
    })
    .disable_signals()
    .bind("127.0.0.1:0")?;
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    Ok(address)
}

async fn me(client: web::Data<AuthClient<Channel>>) -> HttpResponse {
    match client.get_ref().clone().me(MeRequest {}).await {
        Ok(answer) => {
            let user = answer.into_inner();
            HttpResponse::Ok().json(serde_json::json!({ "id": user.id, "email": user.email, "name": user.name }))
        }
        Err(_) => HttpResponse::BadGateway().finish(),
    }
}
