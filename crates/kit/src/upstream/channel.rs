//! The channel that generated clients are made of.

use std::{
    error::Error,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use http::{Request, Response};
use tonic::{body::Body, transport};
use tower::Service;

use super::{place::Way, remote::Remote};

/// A way to a service. Cheap to clone.
#[derive(Clone)]
pub struct Channel(Kind);

#[derive(Clone)]
enum Kind {
    Here(Way),
    There(There),
}

struct There {
    service: Remote,
    /// Those of the runtime that calls.
    connections: Option<transport::Channel>,
}

impl Channel {
    pub(super) fn here(way: Way) -> Self {
        Self(Kind::Here(way))
    }

    pub(super) fn there(service: Remote) -> Self {
        Self(Kind::There(There {
            service,
            connections: None,
        }))
    }
}

impl There {
    fn connections(&mut self) -> &mut transport::Channel {
        self.connections.get_or_insert_with(|| self.service.channel())
    }
}

impl Clone for There {
    /// Another runtime may call by the clone.
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            connections: None,
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            Kind::Here(_) => Poll::Ready(Ok(())),
            Kind::There(there) => there.connections().poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &mut self.0 {
            Kind::Here(way) => way.clone().call(request).map(Ok).boxed(),
            Kind::There(there) => there.connections().call(request).err_into().boxed(),
        }
    }
}
