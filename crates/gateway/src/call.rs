//! One call of a service, with messages as the bytes that they are on the wire.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::Stream;
use http::uri::PathAndQuery;
use kit::Fault;
use kit::upstream::Channel;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
};

/// Messages between us and services may be this large.
const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// An rpc that can be called.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) channel: Channel,
    pub(crate) path: PathAndQuery,
}

impl Rpc {
    /// Calls with one message and waits for one.
    pub(crate) async fn unary(&self, message: Bytes, metadata: MetadataMap, limit: Duration) -> Result<Bytes, Fault> {
        let request = Self::request(message, metadata, Some(limit));
        within(limit, async {
            let mut grpc = self.ready().await?;
            grpc.unary(request, self.path.clone(), RawCodec)
                .await
                .map_err(|status| fault(&status))
        })
        .await
        .map(tonic::Response::into_inner)
    }

    /// Calls with one message; the stream that comes back has no deadline, only its beginning has.
    pub(crate) async fn server_stream(
        &self,
        message: Bytes,
        metadata: MetadataMap,
        limit: Duration,
    ) -> Result<Streaming<Bytes>, Fault> {
        let request = Self::request(message, metadata, None);
        within(limit, async {
            let mut grpc = self.ready().await?;
            let answer = grpc.server_streaming(request, self.path.clone(), RawCodec).await;
            answer.map_err(|status| fault(&status))
        })
        .await
        .map(tonic::Response::into_inner)
    }

    /// Calls with a stream of messages and waits for one.
    pub(crate) async fn client_stream<S>(
        &self,
        messages: S,
        metadata: MetadataMap,
        limit: Duration,
    ) -> Result<Bytes, Fault>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let request = Self::request(messages, metadata, Some(limit));
        within(limit, async {
            let mut grpc = self.ready().await?;
            let answer = grpc.client_streaming(request, self.path.clone(), RawCodec).await;
            answer.map_err(|status| fault(&status))
        })
        .await
        .map(tonic::Response::into_inner)
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Fault> {
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        grpc.ready().await.map_err(|error| {
            tracing::warn!(rpc = self.path.as_str(), %error, "a service is not reachable");
            unreachable_service()
        })?;
        Ok(grpc)
    }

    fn request<T>(message: T, metadata: MetadataMap, limit: Option<Duration>) -> Request<T> {
        let mut request = Request::from_parts(metadata, tonic::Extensions::default(), message);
        if let Some(limit) = limit {
            request.set_timeout(limit);
        }
        request
    }
}

/// What a status means. One that was made here because the connection broke carries its cause; those that came over the
/// wire carry none.
pub(crate) fn fault(status: &Status) -> Fault {
    let broke = std::error::Error::source(status).is_some();
    if broke
        && matches!(
            status.code(),
            Code::Unknown | Code::Internal | Code::Cancelled | Code::Unavailable
        )
        && !timed_out(status)
    {
        tracing::warn!(code = ?status.code(), cause = status.message(), "a call broke off");
        return unreachable_service();
    }
    Fault::from_status(status)
}

/// Our own side of the deadline reports itself as an error of the transport.
fn timed_out(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn unreachable_service() -> Fault {
    Fault::unavailable("The service is not reachable at the moment")
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Fault::deadline_exceeded()))
}

/// Passes messages through as bytes: what they mean is between the client's JSON and the service.
struct RawCodec;
struct RawEncoder;
struct RawDecoder;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = RawEncoder;
    type Decoder = RawDecoder;

    fn encoder(&mut self) -> RawEncoder {
        RawEncoder
    }

    fn decoder(&mut self) -> RawDecoder {
        RawDecoder
    }
}

impl Encoder for RawEncoder {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for RawDecoder {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}
