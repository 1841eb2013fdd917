//! A stream: one data channel, read and written as bytes.
//!
//! Writes make frames of at most 16 KiB and wait while 4 MiB are on the way.
//! Closing says that no more comes and does not wait for the other side;
//! dropping resets what was not finished. What was received is read to its end
//! before an error shows.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

use crate::{
    port::{ChannelId, PeerConnectionId},
    shared::Shared,
};

/// One stream of a [`Muxer`](crate::Muxer).
pub struct Stream {
    shared: Shared,
    id: (PeerConnectionId, ChannelId),
}

impl Stream {
    pub(crate) fn new(shared: Shared, id: PeerConnectionId, channel: ChannelId) -> Self {
        Self { shared, id: (id, channel) }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.with(|inner| inner.hub.poll_read(self.id, cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.with(|inner| inner.hub.poll_write(self.id, cx, buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is written is with the browser already.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.with(|inner| inner.hub.poll_close_write(self.id, cx))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (id, channel) = self.id;
        self.shared.with(|inner| inner.hub.drop_stream(id, channel));
    }
}
