//! What muxers, streams and handshakes ask of the hub.

use std::{
    io,
    task::{Context, Poll, Waker},
};

use super::{CONNECTION_WINDOW_BYTES, Channel, Hub, Silence};
use crate::{
    failure::Failure,
    frame::encode_payload,
    half_close::CanWrite,
    handshake::Input,
    port::{ChannelId, Command, PeerConnectionId},
};

/// Bytes of one frame to a server that may be an older one: rust-libp2p's takes
/// messages of 8 KiB, though it means to take 16, and breaks the stream on more.
const PLAIN_PAYLOAD_BYTES_MAX: usize = (8 << 10) - 16;

/// What a muxer has to time.
pub(crate) enum Timed {
    /// This channel waits for the other side.
    Lingers(ChannelId),
    /// This channel named `init` is open.
    Init(ChannelId),
    /// Nothing is heard from the other side.
    Disconnected,
}

fn leave(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(old) if old.will_wake(cx.waker()) => {}
        _ => *waker = Some(cx.waker().clone()),
    }
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl Hub {
    /// The next thing that happened to a connection in negotiation.
    pub(crate) fn poll_news(&mut self, id: PeerConnectionId, cx: &Context<'_>) -> Poll<Input> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Input::Closed);
        };
        if let Some(input) = connection.news.pop_front() {
            return Poll::Ready(input);
        }
        leave(&mut connection.news_waker, cx);
        Poll::Pending
    }

    /// The next stream of the other side.
    pub(crate) fn poll_inbound(
        &mut self,
        id: PeerConnectionId,
        cx: &Context<'_>,
    ) -> Poll<Result<ChannelId, Failure>> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Err(Failure::Closed));
        };
        if let Some(id) = connection.inbound.pop_front() {
            if let Some(channel) = connection.channels.get_mut(&id) {
                channel.is_held = true;
            }
            return Poll::Ready(Ok(id));
        }
        if let Some(why) = &connection.ended {
            return Poll::Ready(Err(why.clone()));
        }
        leave(&mut connection.inbound_waker, cx);
        Poll::Pending
    }

    /// A new stream of ours; it need not be open yet.
    pub(crate) fn poll_outbound(
        &mut self,
        id: PeerConnectionId,
        cx: &Context<'_>,
    ) -> Poll<Result<ChannelId, Failure>> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Err(Failure::Closed));
        };
        if let Some(why) = &connection.ended {
            return Poll::Ready(Err(why.clone()));
        }
        if connection.count(false) >= self.config.streams_max {
            leave(&mut connection.outbound_waker, cx);
            return Poll::Pending;
        }
        let channel = connection.new_channel();
        let found = Channel { is_held: true, ..connection.channel() };
        connection.channels.insert(channel, found);
        self.post(Command::Open { id, channel, label: String::new(), negotiated: None });
        Poll::Ready(Ok(channel))
    }

    /// A stream on a channel that both sides have agreed on beforehand, to a
    /// server that may not know `FIN_ACK`.
    pub(crate) fn open_negotiated(
        &mut self,
        id: PeerConnectionId,
        number: u16,
    ) -> Result<ChannelId, Failure> {
        let connection = self.connections.get_mut(&id).ok_or(Failure::Closed)?;
        connection.is_plain = true;
        let channel = connection.new_channel();
        connection.negotiated = Some(channel);
        let found = Channel { is_held: true, ..connection.channel() };
        connection.channels.insert(channel, found);
        let negotiated = Some(number);
        self.post(Command::Open { id, channel, label: String::new(), negotiated });
        Ok(channel)
    }

    /// Ready once the other side has finished its direction of a channel, or can
    /// finish it no more.
    pub(crate) fn poll_finished(
        &mut self,
        (id, channel): (PeerConnectionId, ChannelId),
        cx: &Context<'_>,
    ) -> Poll<()> {
        let connection = self.connections.get_mut(&id);
        let Some(found) = connection.and_then(|one| one.channels.get_mut(&channel)) else {
            return Poll::Ready(());
        };
        if found.is_closed || found.half.is_read_finished() || found.half.is_reset() {
            return Poll::Ready(());
        }
        leave(&mut found.reader, cx);
        Poll::Pending
    }

    /// What has to be timed; an error when the connection is no more.
    pub(crate) fn poll_timed(
        &mut self,
        id: PeerConnectionId,
        cx: &Context<'_>,
    ) -> Poll<Result<Vec<Timed>, Failure>> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Err(Failure::Closed));
        };
        if let Some(why) = &connection.ended {
            return Poll::Ready(Err(why.clone()));
        }
        let mut timed: Vec<Timed> = connection.lingering.drain(..).map(Timed::Lingers).collect();
        timed.extend(connection.inits.drain(..).map(Timed::Init));
        if connection.silence == Silence::News {
            connection.silence = Silence::Known;
            timed.push(Timed::Disconnected);
        }
        leave(&mut connection.end_waker, cx);
        if timed.is_empty() { Poll::Pending } else { Poll::Ready(Ok(timed)) }
    }

    /// A channel has waited long enough for the other side.
    pub(crate) fn lingered(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.channels.contains_key(&channel) {
            connection.remove(channel, &mut self.wakes);
            self.post(Command::CloseChannel { id, channel });
        }
    }

    /// Nothing was heard for as long as is bearable.
    pub(crate) fn disconnected(&mut self, id: PeerConnectionId) {
        if self.connections.get(&id).is_some_and(|one| one.silence != Silence::None) {
            self.end(id, Failure::Silent);
        }
    }

    /// Reads what has come, before any error or end.
    pub(crate) fn poll_read(
        &mut self,
        (id, channel): (PeerConnectionId, ChannelId),
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Err(reset()));
        };
        let Some(found) = connection.channels.get_mut(&channel) else {
            return Poll::Ready(Err(reset()));
        };
        if !found.unread.is_empty() {
            let (read, freed) = found.read(buffer);
            connection.unread_bytes -= freed;
            return Poll::Ready(Ok(read));
        }
        if found.half.is_reset() {
            return Poll::Ready(Err(reset()));
        }
        if found.half.is_read_finished() || buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if found.is_closed {
            return Poll::Ready(Err(reset()));
        }
        leave(&mut found.reader, cx);
        Poll::Pending
    }

    /// Sends at most one frame; waits while the channel opens or is full.
    pub(crate) fn poll_write(
        &mut self,
        (id, channel): (PeerConnectionId, ChannelId),
        cx: &Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Poll::Ready(Err(reset()));
        };
        let is_full = connection.outstanding >= CONNECTION_WINDOW_BYTES;
        let Some(found) = connection.channels.get_mut(&channel) else {
            return Poll::Ready(Err(reset()));
        };
        match found.half.can_write() {
            CanWrite::Yes if !found.is_closed => {}
            CanWrite::Yes | CanWrite::Reset => return Poll::Ready(Err(reset())),
            CanWrite::Closed | CanWrite::Stopped => {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if is_full || !found.has_window() {
            leave(&mut found.writer, cx);
            return Poll::Pending;
        }
        let longest = if connection.is_plain { PLAIN_PAYLOAD_BYTES_MAX } else { usize::MAX };
        let (frame, taken) = encode_payload(&buffer[..buffer.len().min(longest)]);
        self.send(id, channel, frame);
        Poll::Ready(Ok(taken))
    }

    /// Finishes our direction. It does not wait for the other side to know.
    pub(crate) fn poll_close_write(
        &mut self,
        (id, channel): (PeerConnectionId, ChannelId),
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(connection) = self.connections.get_mut(&id) else { return Poll::Ready(Ok(())) };
        let Some(found) = connection.channels.get_mut(&channel) else {
            return Poll::Ready(Ok(()));
        };
        if !found.is_open && !found.is_closed {
            leave(&mut found.writer, cx);
            return Poll::Pending;
        }
        if let Some(flag) = found.half.close_write() {
            self.send_flag(id, channel, flag);
            self.close_if_done(id, channel);
        }
        Poll::Ready(Ok(()))
    }

    /// The stream object is gone.
    pub(crate) fn drop_stream(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        found.is_held = false;
        let freed = found.discard();
        connection.unread_bytes -= freed;
        if connection.negotiated == Some(channel) && connection.ended.is_none() {
            return;
        }
        if !found.is_open || found.is_closed {
            self.drop_channel(id, channel);
            return self.forget_if_unused(id);
        }
        if let Some(flag) = found.half.abandoned() {
            self.send_flag(id, channel, flag);
        }
        self.close_if_done(id, channel);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.channels.contains_key(&channel) {
            connection.lingering.push(channel);
            self.wakes.extend(connection.end_waker.take());
        }
    }

    /// Forgets a channel that was never open or is closed already.
    fn drop_channel(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let is_closed = connection.channels.get(&channel).is_some_and(|one| one.is_closed);
        connection.remove(channel, &mut self.wakes);
        if !is_closed {
            self.post(Command::CloseChannel { id, channel });
        }
    }
}
