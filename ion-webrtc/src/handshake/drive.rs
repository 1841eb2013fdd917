//! Runs a handshake: between a signaling stream, the port and the clock.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite, FutureExt};
use futures_timer::Delay;
use libp2p::Stream;

use super::{Effect, Input, Session};
use crate::{
    failure::Failure,
    port::Command,
    shared::Owned,
    signaling::{Decoder, Message},
};

/// How much is read at once, in bytes.
const READ_BYTES: usize = 4_096;

/// A signaling stream with what was read and not understood yet, and what is
/// said and not written yet. Both are bounded by the machine's and the
/// decoder's own limits.
pub(crate) struct Signals {
    stream: Stream,
    decoder: Decoder,
    unsent: VecDeque<u8>,
    is_flushed: bool,
}

impl Signals {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, decoder: Decoder::default(), unsent: VecDeque::new(), is_flushed: true }
    }

    fn say(&mut self, message: &Message) {
        self.unsent.extend(message.encode());
        self.is_flushed = false;
    }

    /// Writes what can be written. What fails shows when reading.
    fn write(&mut self, cx: &mut Context<'_>) {
        while !self.unsent.is_empty() {
            let (bytes, _) = self.unsent.as_slices();
            match Pin::new(&mut self.stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(written)) if written > 0 => drop(self.unsent.drain(..written)),
                Poll::Ready(_) => return self.unsent.clear(),
                Poll::Pending => return,
            }
        }
        if !self.is_flushed && Pin::new(&mut self.stream).poll_flush(cx).is_ready() {
            self.is_flushed = true;
        }
    }

    /// The next message; `Ok(None)` when there are no more.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Failure>> {
        self.write(cx);
        loop {
            match self.decoder.next() {
                Ok(Some(message)) => return Poll::Ready(Ok(Some(message))),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(Failure::Signaling)),
            }
            let mut buffer = [0; READ_BYTES];
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Ok(None)),
                Poll::Ready(Ok(read)) => self.decoder.push(&buffer[..read]),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The offer that a peer's stream begins with.
    pub(crate) async fn offer(&mut self, time_max: Duration) -> Result<String, Failure> {
        let mut late = Delay::new(time_max);
        poll_fn(|cx| {
            if late.poll_unpin(cx).is_ready() {
                return Poll::Ready(Err(Failure::Signaling));
            }
            self.poll_message(cx).map(|message| match message? {
                Some(Message::Offer(sdp)) => Ok(sdp),
                Some(_) => Err(Failure::Signaling),
                None => Err(Failure::Refused),
            })
        })
        .await
    }

    /// Says what is left to say and that no more comes.
    pub(crate) async fn close(mut self, time_max: Duration) {
        let mut late = Delay::new(time_max);
        poll_fn(|cx| {
            self.write(cx);
            if late.poll_unpin(cx).is_ready() {
                return Poll::Ready(());
            }
            if !self.is_flushed {
                return Poll::Pending;
            }
            Pin::new(&mut self.stream).poll_close(cx).map(|_| ())
        })
        .await;
    }
}

/// A handshake under way.
pub(crate) struct Drive<'a> {
    owned: &'a Owned,
    session: Session,
    signals: Option<Signals>,
    late: Delay,
    /// Whether the browser's word that no way works is final. It is not while
    /// the other side has yet to hear of us.
    is_patient: bool,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(owned: &'a Owned, session: Session, time_max: Duration) -> Self {
        let late = Delay::new(time_max);
        Self { owned, session, signals: None, late, is_patient: false }
    }

    pub(crate) fn signaled(mut self, signals: Signals) -> Self {
        self.signals = Some(signals);
        self
    }

    pub(crate) fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    /// Runs it to its end; gives the signaling stream back, if there was one,
    /// so that it can be closed. Where it fails, the stream is reset.
    pub(crate) async fn run(mut self, first: Vec<Input>) -> Result<Option<Signals>, Failure> {
        let mut inputs = VecDeque::from(first);
        loop {
            let input = match inputs.pop_front() {
                Some(input) => input,
                None => poll_fn(|cx| self.poll_input(cx)).await,
            };
            let mut effects = Vec::new();
            self.session.handle(input, &mut effects);
            for effect in effects {
                match effect {
                    Effect::Done => return Ok(self.signals),
                    Effect::Fail(failure) => return Err(failure),
                    effect => self.perform(effect),
                }
            }
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Input> {
        let id = self.owned.id;
        while let Poll::Ready(input) = self.owned.shared.with(|inner| inner.hub.poll_news(id, cx)) {
            if input != Input::Unreachable || !self.is_patient {
                return Poll::Ready(input);
            }
        }
        if let Some(signals) = &mut self.signals {
            match signals.poll_message(cx) {
                Poll::Ready(Ok(Some(message))) => return Poll::Ready(Input::Received(message)),
                Poll::Ready(Ok(None)) => {
                    self.signals = None;
                    return Poll::Ready(Input::SignalingEnded);
                }
                Poll::Ready(Err(_)) => {
                    self.signals = None;
                    return Poll::Ready(Input::Malformed);
                }
                Poll::Pending => {}
            }
        }
        self.late.poll_unpin(cx).map(|()| Input::TimedOut)
    }

    fn perform(&mut self, effect: Effect) {
        let id = self.owned.id;
        if let Effect::Send(message) = effect {
            if let Some(signals) = &mut self.signals {
                signals.say(&message);
            }
            return;
        }
        self.owned.shared.with(|inner| match effect {
            Effect::OpenInit => inner.hub.open_init(id),
            Effect::Describe => inner.hub.post(Command::Describe { id, credentials: None }),
            Effect::SetRemote(kind, sdp) => {
                inner.hub.post(Command::SetRemote { id, kind, sdp });
            }
            Effect::Add(candidate) => inner.hub.post(Command::AddCandidate { id, candidate }),
            Effect::Send(_) | Effect::Done | Effect::Fail(_) => {}
        });
    }
}
