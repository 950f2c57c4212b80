//! The trial service over gRPC: its rpcs by their paths.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use http::{Request as HttpRequest, Response as HttpResponse};
use kit::access::Caller;
use prost::Message;
use proto::types::FileChunk;
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;

use super::{
    Trial,
    messages::{EchoRequest, Empty, OneText, Thing, Tick, UpdateThingRequest, UploadResponse},
};

/// The service over gRPC.
#[derive(Clone)]
pub(crate) struct TrialServer(Trial);

impl TrialServer {
    pub(crate) fn new(trial: Trial) -> Self {
        Self(trial)
    }
}

impl NamedService for TrialServer {
    const NAME: &'static str = "hostelpulse.trial.v1.Trial";
}

impl tower::Service<HttpRequest<Body>> for TrialServer {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<HttpResponse<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let trial = self.0.clone();
        serve(trial, request).map(Ok).boxed()
    }
}

async fn serve(trial: Trial, request: HttpRequest<Body>) -> HttpResponse<Body> {
    let name = request.uri().path().rsplit('/').next().unwrap().to_owned();
    match name.as_str() {
        "Echo" => {
            let seen = trial.seen;
            unary(request, move |request: Request<EchoRequest>| async move {
                *seen.last_echo.lock().unwrap() = Some(request.get_ref().clone());
                let text = request.get_ref().text.clone();
                Trial::echo(&request, text)
            })
            .await
        }
        "Whoami" | "Rare" => {
            unary(request, |request: Request<Empty>| async move {
                Trial::echo(&request, String::new())
            })
            .await
        }
        "CreateThing" => {
            unary(request, |request: Request<OneText>| async move {
                let id = Caller::of(&request)?.idempotency_key.unwrap_or_default();
                Ok(Response::new(Thing {
                    id,
                    name: request.into_inner().text,
                }))
            })
            .await
        }
        "UpdateThing" => {
            let seen = trial.seen;
            unary(request, move |request: Request<UpdateThingRequest>| async move {
                *seen.last_update.lock().unwrap() = Some(request.get_ref().clone());
                Ok(Response::new(request.into_inner().thing.unwrap_or_default()))
            })
            .await
        }
        "ListThings" => {
            unary(
                request,
                |request| async move { Ok(Response::new(Trial::list(&request))) },
            )
            .await
        }
        "Guess" => unary(request, move |request| trial.guess(request)).await,
        "Enter" => unary(request, move |request| async move { Ok(trial.enter(&request)) }).await,
        "Renew" => unary(request, move |request| async move { trial.renew(&request) }).await,
        "Leave" => unary(request, move |request| async move { trial.leave(&request) }).await,
        "Fail" => unary(request, move |request| trial.fail(request)).await,
        "OpenForm" => unary(request, |request| async move { Trial::form(&request) }).await,
        "SendForm" => unary(request, |request| async move { Ok(Trial::sent(&request)) }).await,
        "DrawThing" => {
            let work = tower::service_fn(|request: Request<OneText>| async move { Ok(Trial::draw(&request)) });
            Grpc::new(ProstCodec::<FileChunk, OneText>::default())
                .server_streaming(work, request)
                .await
        }
        "ExportThings" => {
            let work = tower::service_fn(move |request: Request<OneText>| {
                let answer = trial.export(&request);
                async move { answer }
            });
            Grpc::new(ProstCodec::<FileChunk, OneText>::default())
                .server_streaming(work, request)
                .await
        }
        "Watch" => {
            let work = tower::service_fn(move |request: Request<OneText>| {
                let answer = trial.watch(&request);
                async move { answer }
            });
            Grpc::new(ProstCodec::<Tick, OneText>::default())
                .server_streaming(work, request)
                .await
        }
        "Upload" | "Import" => {
            let work = tower::service_fn(move |request| trial.clone().upload(request));
            Grpc::new(ProstCodec::<UploadResponse, FileChunk>::default())
                .client_streaming(work, request)
                .await
        }
        _ => Status::unimplemented(name).into_http(),
    }
}

async fn unary<Q, A, F, W>(request: HttpRequest<Body>, work: W) -> HttpResponse<Body>
where
    Q: Message + Default + Send + 'static,
    A: Message + Default + Send + 'static,
    F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
    W: FnOnce(Request<Q>) -> F + Clone,
{
    let work = tower::service_fn(move |request: Request<Q>| work.clone()(request));
    Grpc::new(ProstCodec::<A, Q>::default()).unary(work, request).await
}
