//! What every port has to do, whoever holds the channels.

use std::{
    collections::{BTreeSet, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use ion_webrtc::{
    description::SdpKind,
    port::{ChannelId, Command, DRAINED_BYTES, Event, PeerConnectionId, Port, State},
};

use crate::{
    peers::in_time,
    place::{Net, network, port},
};

/// The number of the only connection on either side.
const ID: PeerConnectionId = PeerConnectionId(1);
const MESSAGE_BYTES: usize = 16 << 10;

/// What came and was not taken, and who waits for it.
type Heard = Arc<Mutex<(VecDeque<Event>, Option<Waker>)>>;

/// A port, and what came of it.
struct Side {
    port: Box<dyn Port>,
    heard: Heard,
}

impl Side {
    fn new(net: &Net) -> Self {
        let (mut port, heard) = (port(net), Heard::default());
        let to = heard.clone();
        port.listen(Box::new(move |event| {
            let mut heard = to.lock().expect("nobody panics with it");
            heard.0.push_back(event);
            heard.1.take().into_iter().for_each(Waker::wake);
        }));
        let mut side = Self { port: Box::new(port), heard };
        side.port.post(Command::Create { id: ID, ice_servers: Vec::new() });
        side
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Event> {
        let mut heard = self.heard.lock().expect("nobody panics with it");
        heard.1 = Some(cx.waker().clone());
        heard.0.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    async fn next(&mut self) -> Event {
        in_time(poll_fn(|cx| self.poll_next(cx))).await
    }

    /// Drops events up to one of these.
    async fn until<T>(&mut self, mut is_it: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = is_it(self.next().await) {
                return found;
            }
        }
    }

    fn open(&mut self, number: u32) -> ChannelId {
        self.open_named(number, "")
    }

    fn open_named(&mut self, number: u32, label: &str) -> ChannelId {
        let (channel, label) = (ChannelId(number), label.to_owned());
        self.port.post(Command::Open { id: ID, channel, label, negotiated: None });
        channel
    }

    async fn opened(&mut self, channel: ChannelId) {
        self.until(|event| (event == Event::Opened { id: ID, channel }).then_some(())).await;
    }

    fn send(&mut self, channel: ChannelId, bytes: Vec<u8>) {
        self.port.post(Command::Send { id: ID, channel, bytes });
    }

    fn close(&mut self, channel: ChannelId) {
        self.port.post(Command::CloseChannel { id: ID, channel });
    }

    async fn described(&mut self, other: &mut Self, kind: SdpKind) {
        self.port.post(Command::Describe { id: ID, credentials: None });
        let sdp = self
            .until(|event| match event {
                Event::Described { sdp, .. } => Some(sdp),
                _ => None,
            })
            .await;
        other.port.post(Command::SetRemote { id: ID, kind, sdp });
    }

    /// Counts the messages of one channel up to that many, which have to come
    /// after the channel and in order.
    async fn take(&mut self, count: usize) -> ChannelId {
        let (mut from, mut taken) = (None, 0);
        while taken < count {
            match self.next().await {
                Event::Inbound { channel, .. } => from = Some(channel),
                Event::Message { channel, bytes, .. } => {
                    assert_eq!(Some(channel), from);
                    assert_eq!(bytes[..8], (taken as u64).to_be_bytes());
                    taken += 1;
                }
                _ => {}
            }
        }
        from.expect("messages came on it")
    }
}

/// The message with this number.
fn message(number: usize) -> Vec<u8> {
    let mut message = (number as u64).to_be_bytes().to_vec();
    message.resize(MESSAGE_BYTES, 7);
    message
}

/// Two sides of one connection, which has carried nothing yet.
async fn connected() -> (Side, Side, Net) {
    let network = network();
    let (mut a, mut b) = (Side::new(&network), Side::new(&network));
    a.open_named(2, "init");
    a.described(&mut b, SdpKind::Offer).await;
    b.described(&mut a, SdpKind::Answer).await;
    let mut standing = BTreeSet::new();
    while standing.len() < 2 {
        let next = poll_fn(|cx| match a.poll_next(cx) {
            Poll::Ready(event) => Poll::Ready((true, event)),
            Poll::Pending => b.poll_next(cx).map(|event| (false, event)),
        });
        let (is_a, event) = in_time(next).await;
        let other = if is_a { &mut b } else { &mut a };
        match event {
            Event::State { state: State::Connected, .. } => drop(standing.insert(is_a)),
            Event::Candidate { candidate: Some(candidate), .. } => {
                other.port.post(Command::AddCandidate { id: ID, candidate });
            }
            _ => {}
        }
    }
    (a, b, network)
}

pub(crate) async fn what_is_sent_comes_in_order_and_is_told_to_have_left() {
    let (mut a, mut b, _net) = connected().await;
    let channel = a.open(4);
    a.opened(channel).await;
    let count = 2 * DRAINED_BYTES / MESSAGE_BYTES;
    (0..count).for_each(|number| a.send(channel, message(number)));
    b.take(count).await;
    let mut left = 0;
    while left + DRAINED_BYTES < count * MESSAGE_BYTES {
        left += a
            .until(|event| match event {
                Event::Drained { bytes, .. } => Some(bytes),
                _ => None,
            })
            .await;
    }
    assert!(left <= count * MESSAGE_BYTES, "more has left than was sent");
}

pub(crate) async fn nothing_is_lost_of_a_channel_that_is_used_at_once() {
    let (mut a, mut b, _net) = connected().await;
    for number in 2..22 {
        let channel = a.open(2 * number);
        a.opened(channel).await;
        a.send(channel, message(0));
        let theirs = b.take(1).await;
        b.send(theirs, message(0));
        let is_back = |event| matches!(event, Event::Message { .. }).then_some(());
        a.until(is_back).await;
    }
}

pub(crate) async fn a_channel_is_closed_for_both_after_what_was_sent() {
    let (mut a, mut b, _net) = connected().await;
    let channel = a.open(4);
    a.opened(channel).await;
    (0..20).for_each(|number| a.send(channel, message(number)));
    a.close(channel);
    let theirs = b.take(20).await;
    for (side, channel) in [(&mut a, channel), (&mut b, theirs)] {
        let closed = Event::ChannelClosed { id: ID, channel };
        side.until(|event| (event == closed).then_some(())).await;
    }
}

pub(crate) async fn a_channel_that_is_given_up_before_it_is_open_ends() {
    let (mut a, mut b, _net) = connected().await;
    let given_up = a.open(4);
    a.close(given_up);
    let kept = a.open(6);
    a.opened(kept).await;
    a.send(kept, message(0));
    // Of those that came there, the one with a message is left in the end.
    let (mut living, mut used) = (BTreeSet::new(), None);
    while used.is_none_or(|used| living != BTreeSet::from([used])) {
        match b.next().await {
            Event::Inbound { label, .. } if label == "init" => {}
            Event::Inbound { channel, .. } => drop(living.insert(channel)),
            Event::ChannelClosed { channel, .. } => drop(living.remove(&channel)),
            Event::Message { channel, .. } => used = Some(channel),
            _ => {}
        }
    }
}

pub(crate) async fn a_closed_connection_is_closed_for_the_other_side() {
    let (mut a, mut b, _net) = connected().await;
    let channel = a.open(4);
    a.opened(channel).await;
    a.send(channel, message(0));
    b.take(1).await;
    a.port.post(Command::Close { id: ID });
    b.until(|event| (event == Event::Closed { id: ID }).then_some(())).await;
}

/// Makes tests of all of these.
macro_rules! every_port_story {
    ($case:ident) => {
        $case!(ports, what_is_sent_comes_in_order_and_is_told_to_have_left);
        $case!(ports, nothing_is_lost_of_a_channel_that_is_used_at_once);
        $case!(ports, a_channel_is_closed_for_both_after_what_was_sent);
        $case!(ports, a_channel_that_is_given_up_before_it_is_open_ends);
        $case!(ports, a_closed_connection_is_closed_for_the_other_side);
    };
}

pub(crate) use every_port_story;
