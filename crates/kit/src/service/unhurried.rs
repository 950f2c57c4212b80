//! Connections that write what their streams have to say once all of them that are ready have had their turn.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

/// Answers that become ready together go out together: for a short answer the write costs more than all the rest. Whoever
/// writes is called again after the tasks that wait already, and by then has their bytes too.
pub(super) struct Unhurried<S> {
    stream: S,
    /// The others have had their turn.
    may_write: bool,
}

/// The connections that come in.
///
/// Without delay by the system: it would hold an answer back until the one before it is acknowledged. The server's own
/// setting for that says nothing of listeners that it is given.
pub(super) fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Unhurried<TcpStream>>> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    incoming.map(|stream| stream.map(Unhurried::new))
}

impl<S: Unpin> Unhurried<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            may_write: false,
        }
    }

    /// The stream, once the others have had their turn.
    fn poll_turn(&mut self, context: &Context<'_>) -> Poll<Pin<&mut S>> {
        if !self.may_write {
            self.may_write = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Pin::new(&mut self.stream))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unhurried<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unhurried<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context)).poll_write(context, bytes)
    }

    /// No: HTTP/2 then copies more answers into one buffer before it writes, those of up to 1 KiB instead of 256 bytes.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.may_write = false;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Connected<ConnectInfo = TcpConnectInfo>> Connected for Unhurried<S> {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{Arc, Mutex},
    };

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// What happened, in its order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Log {
        fn note(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }
    }

    impl AsyncWrite for Log {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.note(std::str::from_utf8(bytes).unwrap());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.note("flushed");
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.note("shut down");
            Poll::Ready(Ok(()))
        }
    }

    async fn a_turn_of_the_others() {
        let mut had_it = false;
        poll_fn(|context| {
            if std::mem::replace(&mut had_it, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    #[tokio::test]
    async fn those_who_are_ready_have_their_turn_before_each_flush_is_written() {
        let log = Log::default();
        let mut connection = Unhurried::new(log.clone());
        let writing = tokio::spawn(async move {
            for answers in [["one", "two"], ["three", "four"]] {
                for answer in answers {
                    connection.write_all(answer.as_bytes()).await.unwrap();
                }
                connection.flush().await.unwrap();
            }
            connection.shutdown().await.unwrap();
        });
        let others = log.clone();
        let working = tokio::spawn(async move {
            others.note("work");
            a_turn_of_the_others().await;
            others.note("more work");
        });
        writing.await.unwrap();
        working.await.unwrap();
        let wanted = [
            "work",
            "one",
            "two",
            "flushed",
            "more work",
            "three",
            "four",
            "flushed",
            "shut down",
        ];
        assert_eq!(*log.0.lock().unwrap(), wanted);
    }

    #[tokio::test]
    async fn what_comes_in_is_not_delayed_by_the_system() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = std::pin::pin!(incoming(listener));
        let (came, went) = tokio::join!(incoming.next(), TcpStream::connect(address));
        went.unwrap();
        assert!(came.unwrap().unwrap().stream.nodelay().unwrap());
    }
}
