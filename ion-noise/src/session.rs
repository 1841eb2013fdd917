//! A secured stream: frames of at most 65,535 bytes, each after its length in
//! two bytes and sealed with the number that it has.
//!
//! What is written between two flushes leaves in as few frames as hold it. A
//! session keeps at most one frame in each direction.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};

use crate::symmetric::{Cipher, TAG_BYTES};

const LENGTH_BYTES: usize = 2;
const FRAME_BYTES_MAX: usize = u16::MAX as usize;
/// The most that a frame holds unsealed, in bytes. The field's other
/// implementation stays 1,008 bytes below this; both take what the other sends.
const TEXT_BYTES_MAX: usize = FRAME_BYTES_MAX - TAG_BYTES;

/// A stream whose bytes only the other side can read, and only it has sent.
pub struct Session<T> {
    stream: T,
    sending: Cipher,
    receiving: Cipher,
    outgoing: Outgoing,
    incoming: Incoming,
}

/// The frame that is filled or sent: its length, its text, once sealed its tag.
#[derive(Default)]
struct Outgoing {
    frame: Vec<u8>,
    /// How much of a sealed frame was sent; `None` while it is filled.
    sent: Option<usize>,
}

/// The frame that is received or read.
#[derive(Default)]
struct Incoming {
    length: [u8; LENGTH_BYTES],
    frame: Vec<u8>,
    /// How many bytes of length and frame are here.
    received: usize,
    /// What of the opened frame is not read yet.
    unread: std::ops::Range<usize>,
}

impl<T> Session<T> {
    pub(crate) fn new(stream: T, (sending, receiving): (Cipher, Cipher)) -> Self {
        let (outgoing, incoming) = (Outgoing::default(), Incoming::default());
        Self { stream, sending, receiving, outgoing, incoming }
    }
}

impl<T> std::fmt::Debug for Session<T> {
    /// Leaves keys and bytes out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Outgoing {
    /// Takes what the frame has room for; gives how much that is.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        if self.frame.is_empty() {
            self.frame.extend_from_slice(&[0; LENGTH_BYTES]);
        }
        let room = LENGTH_BYTES + TEXT_BYTES_MAX - self.frame.len();
        let taken = room.min(bytes.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        taken
    }

    fn is_full(&self) -> bool {
        self.frame.len() == LENGTH_BYTES + TEXT_BYTES_MAX
    }

    /// Seals the frame, if there is one that is not sealed.
    fn seal(&mut self, cipher: &mut Cipher) -> io::Result<()> {
        if self.frame.is_empty() || self.sent.is_some() {
            return Ok(());
        }
        let tag = cipher.seal(&[], &mut self.frame[LENGTH_BYTES..]).map_err(io::Error::other)?;
        self.frame.extend_from_slice(&tag);
        let length = u16::try_from(self.frame.len() - LENGTH_BYTES).expect("room was kept for it");
        self.frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        self.sent = Some(0);
        Ok(())
    }

    /// Sends what is sealed.
    fn poll_send<T>(&mut self, stream: &mut T, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        T: AsyncWrite + Unpin,
    {
        while let Some(sent) = self.sent {
            if sent == self.frame.len() {
                self.frame.clear();
                self.sent = None;
                break;
            }
            match ready!(Pin::new(&mut *stream).poll_write(cx, &self.frame[sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => self.sent = Some(sent + more),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Incoming {
    /// Receives a whole frame; `false` if the stream ended before it.
    fn poll_frame<T>(&mut self, stream: &mut T, cx: &mut Context<'_>) -> Poll<io::Result<bool>>
    where
        T: AsyncRead + Unpin,
    {
        loop {
            let part = match self.received.checked_sub(LENGTH_BYTES) {
                None => &mut self.length[self.received..],
                Some(start) => {
                    let length = usize::from(u16::from_be_bytes(self.length));
                    self.frame.resize(length, 0);
                    if start == length {
                        return Poll::Ready(Ok(true));
                    }
                    &mut self.frame[start..]
                }
            };
            match ready!(Pin::new(&mut *stream).poll_read(cx, part))? {
                0 if self.received == 0 => return Poll::Ready(Ok(false)),
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                more => self.received += more,
            }
        }
    }

    fn open(&mut self, cipher: &mut Cipher) -> io::Result<()> {
        let refused = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let text = cipher.open(&[], &mut self.frame).map_err(refused)?;
        self.unread = 0..text.len();
        self.received = 0;
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let taken = self.unread.len().min(bytes.len());
        let start = self.unread.start;
        bytes[..taken].copy_from_slice(&self.frame[start..start + taken]);
        self.unread.start += taken;
        taken
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Session<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, receiving, incoming, .. } = &mut *self;
        while incoming.unread.is_empty() {
            if !ready!(incoming.poll_frame(stream, cx))? {
                return Poll::Ready(Ok(0));
            }
            incoming.open(receiving)?;
        }
        Poll::Ready(Ok(incoming.take(bytes)))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Session<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, sending, outgoing, .. } = &mut *self;
        if outgoing.is_full() {
            outgoing.seal(sending)?;
        }
        ready!(outgoing.poll_send(stream, cx))?;
        Poll::Ready(Ok(outgoing.fill(bytes)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, sending, outgoing, .. } = &mut *self;
        outgoing.seal(sending)?;
        ready!(outgoing.poll_send(stream, cx))?;
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
