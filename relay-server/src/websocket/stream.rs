//! A WebSocket as a stream of bytes.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::Bytes,
    extract::ws::{Message, WebSocket},
};
use futures::{AsyncRead, AsyncWrite, Sink, Stream as Messages};

use crate::census::Ticket;

/// The longest message that is received, in bytes. Browsers send up to 1 MiB
/// at once; longer ones end the connection.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// The longest message that is sent, in bytes.
pub(crate) const WRITE_BYTES_MAX: usize = 64 << 10;

/// The bytes of a WebSocket's binary messages, both ways.
pub(crate) struct Stream<S = WebSocket> {
    socket: S,
    /// What of the last message was not read yet.
    unread: Bytes,
    /// The other side has said goodbye; reading on sends the answer to that.
    is_closing: bool,
    /// Nothing more will come.
    is_ended: bool,
    _ticket: Arc<Ticket>,
}

impl<S> Stream<S> {
    pub(crate) fn new(socket: S, ticket: Arc<Ticket>) -> Self {
        Self { socket, unread: Bytes::new(), is_closing: false, is_ended: false, _ticket: ticket }
    }
}

impl<S> Stream<S>
where
    S: Messages<Item = Result<Message, axum::Error>> + Unpin,
{
    /// Waits until there are unread bytes, or the end.
    fn poll_fill(&mut self, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() && !self.is_ended {
            match ready!(Pin::new(&mut self.socket).poll_next(ctx)) {
                None => self.is_ended = true,
                Some(Ok(_)) if self.is_closing => {}
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_))) => return Poll::Ready(Err(text_refused())),
                Some(Ok(Message::Close(_))) => self.is_closing = true,
                Some(Err(error)) => {
                    self.is_ended = true;
                    if !self.is_closing {
                        return Poll::Ready(Err(broken(error)));
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> AsyncRead for Stream<S>
where
    S: Messages<Item = Result<Message, axum::Error>> + Unpin,
{
    fn poll_read(
        self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_fill(ctx))?;
        let length = this.unread.len().min(buffer.len());
        buffer[..length].copy_from_slice(&this.unread.split_to(length));
        Poll::Ready(Ok(length))
    }
}

impl<S> AsyncWrite for Stream<S>
where
    S: Sink<Message, Error = axum::Error> + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(Pin::new(&mut self.socket).poll_ready(ctx)).map_err(broken)?;
        let length = bytes.len().min(WRITE_BYTES_MAX);
        let message = Message::Binary(Bytes::copy_from_slice(&bytes[..length]));
        Pin::new(&mut self.socket).start_send(message).map_err(broken)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(ctx).map_err(broken)
    }

    fn poll_close(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(ctx).map_err(broken)
    }
}

fn text_refused() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a text message where binary ones are expected")
}

fn broken(error: axum::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error)
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, net::IpAddr};

    use futures::{AsyncReadExt, AsyncWriteExt, executor::block_on};

    use super::*;
    use crate::census::Census;

    /// A socket that plays back messages and takes one message at a time.
    #[derive(Default)]
    struct Script {
        incoming: VecDeque<Message>,
        sent: Vec<Message>,
        is_full: bool,
        is_closed: bool,
    }

    impl Messages for Script {
        type Item = Result<Message, axum::Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.incoming.pop_front().map(Ok))
        }
    }

    impl Sink<Message> for Script {
        type Error = axum::Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
            if self.is_full { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
            self.sent.push(message);
            self.is_full = true;
            Ok(())
        }

        fn poll_flush(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<(), axum::Error>> {
            self.is_full = false;
            Poll::Ready(Ok(()))
        }

        fn poll_close(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<(), axum::Error>> {
            self.is_closed = true;
            Poll::Ready(Ok(()))
        }
    }

    fn stream(incoming: impl IntoIterator<Item = Message>) -> Stream<Script> {
        let ticket = Census::new(1, 1).admit(IpAddr::from([127, 0, 0, 1])).expect("it is empty");
        let script = Script { incoming: incoming.into_iter().collect(), ..Script::default() };
        Stream::new(script, Arc::new(ticket))
    }

    fn binary(bytes: &'static [u8]) -> Message {
        Message::Binary(Bytes::from_static(bytes))
    }

    #[test]
    fn boundaries_mean_nothing_and_a_goodbye_is_the_end() {
        let messages = [
            binary(b"ab"),
            binary(b""),
            Message::Ping(Bytes::from_static(b"?")),
            binary(b"cde"),
            Message::Close(None),
            binary(b"late"),
        ];
        let mut read = Vec::new();
        block_on(stream(messages).read_to_end(&mut read)).expect("it reads");
        assert_eq!(read, b"abcde");
    }

    #[test]
    fn a_text_is_refused() {
        let mut stream = stream([Message::Text("hello".into())]);
        let read = block_on(stream.read(&mut [0; 8]));
        assert_eq!(read.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn a_full_socket_makes_the_writer_wait() {
        let mut stream = stream([]);
        let long = vec![7; WRITE_BYTES_MAX + 1];
        let mut ctx = Context::from_waker(std::task::Waker::noop());
        let first = Pin::new(&mut stream).poll_write(&mut ctx, &long);
        assert!(matches!(first, Poll::Ready(Ok(WRITE_BYTES_MAX))));
        assert!(Pin::new(&mut stream).poll_write(&mut ctx, &long[..1]).is_pending());
        block_on(stream.flush()).expect("it flushes");
        block_on(stream.write_all(&long[..1])).expect("it is written now");
        assert_eq!(stream.socket.sent.len(), 2);
    }

    #[test]
    fn closing_says_goodbye() {
        let mut stream = stream([]);
        block_on(stream.close()).expect("it closes");
        assert!(stream.socket.is_closed);
    }
}
