use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::*;
use crate::frame::encode_payload;

/// Keeps what is asked of it.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Command>>>);

impl Port for Recorder {
    fn listen(&mut self, _: crate::port::Sink) {}

    fn post(&mut self, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

impl Recorder {
    fn closed(&self) -> Vec<u32> {
        let commands = self.0.lock().unwrap();
        let closed = commands.iter().filter_map(|command| match command {
            Command::CloseChannel { channel, .. } => Some(channel.0),
            _ => None,
        });
        closed.collect()
    }

    fn is_pc_closed(&self) -> bool {
        self.0.lock().unwrap().iter().any(|command| matches!(command, Command::Close { .. }))
    }
}

fn linked(streams_max: usize) -> (Hub, Recorder, PeerConnectionId) {
    let recorder = Recorder::default();
    let config = Config { streams_max, ..Config::default() };
    let mut hub = Hub::new(config, recorder.clone());
    let id = hub.create(Asker::Ourselves).unwrap();
    hub.established(id, PeerId::random());
    (hub, recorder, id)
}

fn come(hub: &mut Hub, id: PeerConnectionId, channel: u32, label: &str) {
    let channel = ChannelId(channel);
    hub.event(Event::Inbound { id, channel, label: label.to_owned() });
}

fn flood(hub: &mut Hub, id: PeerConnectionId, channel: u32, bytes: usize) {
    let frame = Bytes::from(encode_payload(&[0; 16_000]).0);
    for _ in 0..=bytes / 16_000 {
        let (channel, bytes) = (ChannelId(channel), frame.clone());
        hub.event(Event::Message { id, channel, bytes });
    }
}

#[test]
fn channels_beyond_the_limit_are_closed_at_once() {
    let (mut hub, recorder, id) = linked(2);
    for channel in [1, 3, 5, 7] {
        come(&mut hub, id, channel, "");
    }
    assert_eq!(recorder.closed(), [5, 7]);
    hub.event(Event::ChannelClosed { id, channel: ChannelId(1) });
    come(&mut hub, id, 9, "");
    assert_eq!(recorder.closed(), [5, 7], "there is room again");
}

#[test]
fn init_is_never_a_stream_and_comes_once() {
    let (mut hub, recorder, id) = linked(8);
    come(&mut hub, id, 1, INIT_LABEL);
    let cx = Context::from_waker(Waker::noop());
    assert!(hub.poll_inbound(id, &cx).is_pending());
    assert_eq!(recorder.closed(), [] as [u32; 0], "it stands for a while");
    come(&mut hub, id, 3, INIT_LABEL);
    assert_eq!(recorder.closed(), [3]);
    come(&mut hub, id, 5, "");
    assert_eq!(hub.poll_inbound(id, &cx), Poll::Ready(Ok(ChannelId(5))));
}

#[test]
fn both_inits_are_closed_after_a_while() {
    let recorder = Recorder::default();
    let mut hub = Hub::new(Config::default(), recorder.clone());
    let id = hub.create(Asker::Ourselves).unwrap();
    hub.open_init(id);
    let ours = ChannelId(2);
    hub.event(Event::Opened { id, channel: ours });
    let cx = Context::from_waker(Waker::noop());
    assert_eq!(hub.poll_news(id, &cx), Poll::Ready(Input::InitOpened));
    hub.established(id, PeerId::random());
    come(&mut hub, id, 1, INIT_LABEL);
    let Poll::Ready(Ok(timed)) = hub.poll_timed(id, &cx) else { panic!("they have to be timed") };
    let [Timed::Init(first), Timed::Init(second)] = timed[..] else { panic!("two") };
    assert!(hub.poll_timed(id, &cx).is_pending(), "once");
    hub.close_init(id, first);
    hub.close_init(id, second);
    assert_eq!(recorder.closed(), [ours.0, 1]);
    hub.release(id);
    hub.close_init(id, first);
    assert_eq!(recorder.closed().len(), 2, "nothing is asked of what is no more");
}

#[test]
fn who_floods_a_stream_loses_it_and_who_floods_all_the_connection() {
    let (mut hub, recorder, id) = linked(8);
    come(&mut hub, id, 1, "");
    flood(&mut hub, id, 1, UNREAD_BYTES_MAX / 2);
    assert!(recorder.closed().is_empty());
    flood(&mut hub, id, 1, UNREAD_BYTES_MAX / 2);
    assert_eq!(recorder.closed(), [1]);
    for channel in [3, 5, 7, 9, 11] {
        come(&mut hub, id, channel, "");
        flood(&mut hub, id, channel, UNREAD_BYTES_MAX - (1 << 20));
    }
    assert!(recorder.is_pc_closed());
    let cx = Context::from_waker(Waker::noop());
    assert_eq!(hub.poll_inbound(id, &cx), Poll::Ready(Err(Failure::Flooded)));
}

#[test]
fn writing_waits_for_the_window() {
    let (mut hub, _, id) = linked(8);
    let cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(channel)) = hub.poll_outbound(id, &cx) else { panic!("there is room") };
    let at = (id, channel);
    let bytes = vec![0; 100_000];
    assert!(hub.poll_write(at, &cx, &[0; 100]).is_pending(), "not open yet");
    hub.event(Event::Opened { id, channel });
    let mut sent = 0;
    while let Poll::Ready(taken) = hub.poll_write(at, &cx, &bytes) {
        sent += taken.unwrap();
        assert!(sent < 2 * crate::port::WINDOW_BYTES, "there is no end to it");
    }
    hub.event(Event::Drained { id, channel, bytes: crate::port::DRAINED_BYTES });
    assert!(hub.poll_write(at, &cx, &[0; 100]).is_ready());
}

#[test]
fn silence_is_borne_for_a_while_and_not_for_ever() {
    let (mut hub, recorder, id) = linked(8);
    let cx = Context::from_waker(Waker::noop());
    hub.event(Event::State { id, state: State::Disconnected });
    let Poll::Ready(Ok(timed)) = hub.poll_timed(id, &cx) else { panic!("it has to be timed") };
    assert!(matches!(timed[..], [Timed::Disconnected]));
    assert!(hub.poll_timed(id, &cx).is_pending(), "once");
    hub.event(Event::State { id, state: State::Connected });
    hub.disconnected(id);
    assert!(!recorder.is_pc_closed(), "it was heard of again");
    hub.event(Event::State { id, state: State::Disconnected });
    hub.disconnected(id);
    assert!(recorder.is_pc_closed());
}

#[test]
fn events_of_what_is_no_more_harm_nobody() {
    let (mut hub, _, id) = linked(8);
    hub.release(id);
    let channel = ChannelId(1);
    come(&mut hub, id, 1, "");
    flood(&mut hub, id, 1, 100_000);
    hub.event(Event::Drained { id, channel, bytes: usize::MAX });
    hub.event(Event::Closed { id });
    hub.event(Event::Stats { id, stats: Stats::default() });
    assert!(hub.peers().is_empty());
}

/// A connection to a server, and its negotiated channel.
fn served() -> (Hub, Recorder, PeerConnectionId, ChannelId) {
    let recorder = Recorder::default();
    let mut hub = Hub::new(Config::default(), recorder.clone());
    let id = hub.create(Asker::Ourselves).unwrap();
    let channel = hub.open_negotiated(id, 0).unwrap();
    hub.event(Event::Opened { id, channel });
    (hub, recorder, id, channel)
}

fn flagged(hub: &mut Hub, id: PeerConnectionId, channel: ChannelId, flag: Flag) {
    hub.event(Event::Message { id, channel, bytes: encode_flag(flag).into() });
}

#[test]
fn a_negotiated_channel_keeps_its_number_to_the_end() {
    let (mut hub, recorder, id, channel) = served();
    let cx = Context::from_waker(Waker::noop());
    assert!(hub.poll_close_write((id, channel), &cx).is_ready());
    assert!(hub.poll_finished((id, channel), &cx).is_pending());
    hub.drop_stream(id, channel);
    assert!(hub.poll_finished((id, channel), &cx).is_pending());
    flagged(&mut hub, id, channel, Flag::Fin);
    assert!(hub.poll_finished((id, channel), &cx).is_ready());
    assert_eq!(recorder.closed(), [] as [u32; 0]);
    hub.release(id);
    assert!(recorder.is_pc_closed() && hub.connections.is_empty(), "it holds up nothing");
}

#[test]
fn a_server_gets_no_acknowledgement_until_it_sends_one() {
    let (mut hub, recorder, id, noise) = served();
    hub.established(id, PeerId::random());
    let acknowledged = |recorder: &Recorder| {
        let commands = recorder.0.lock().unwrap();
        let acknowledgement = encode_flag(Flag::FinAck);
        let is_it = |command: &&Command| matches!(command, Command::Send { bytes, .. } if *bytes == acknowledgement);
        commands.iter().filter(is_it).count()
    };
    come(&mut hub, id, 1, "");
    flagged(&mut hub, id, ChannelId(1), Flag::Fin);
    assert_eq!(acknowledged(&recorder), 0);
    flagged(&mut hub, id, noise, Flag::FinAck);
    come(&mut hub, id, 3, "");
    flagged(&mut hub, id, ChannelId(3), Flag::Fin);
    assert_eq!(acknowledged(&recorder), 1);
}

#[test]
fn a_server_gets_short_messages_until_it_is_known_to_be_newer() {
    let (mut hub, recorder, id, noise) = served();
    let cx = Context::from_waker(Waker::noop());
    let longest = |recorder: &Recorder| {
        let commands = recorder.0.lock().unwrap();
        let sent = commands.iter().map(|command| match command {
            Command::Send { bytes, .. } => bytes.len(),
            _ => 0,
        });
        sent.max().unwrap()
    };
    let written = hub.poll_write((id, noise), &cx, &[0; 16_000]);
    assert!(matches!(written, Poll::Ready(Ok(1..=8_192))), "{written:?}");
    assert!(longest(&recorder) <= 8 << 10);
    flagged(&mut hub, id, noise, Flag::FinAck);
    assert!(hub.poll_write((id, noise), &cx, &[0; 16_000]).is_ready());
    assert!(longest(&recorder) > 8 << 10);
}

#[test]
fn a_peer_that_asks_again_and_again_takes_its_own_places() {
    let mut hub = Hub::new(Config::default(), Recorder::default());
    let peer = PeerId::random();
    let ids: Vec<_> = (0..PEER_MAX).map(|_| hub.create(Asker::Peer(peer)).unwrap()).collect();
    hub.established(ids[0], peer);
    let later = hub.create(Asker::Peer(peer)).unwrap();
    let living = |hub: &Hub| {
        let living = hub.connections.iter().filter(|(_, one)| one.ended.is_none());
        living.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    assert_eq!(living(&hub), [ids[0], ids[2], later]);
    for id in [ids[2], later] {
        hub.established(id, peer);
    }
    let refused = hub.create(Asker::Peer(peer));
    assert!(matches!(refused, Err(Failure::TooMany(PEER_MAX))), "{refused:?}");
    assert!(hub.create(Asker::Peer(PeerId::random())).is_ok(), "others have places");
}

#[test]
fn strangers_leave_places_to_those_that_we_want() {
    let config = Config { peer_connections_max: 8, ..Config::default() };
    let mut hub = Hub::new(config, Recorder::default());
    let stranger = || Asker::Peer(PeerId::random());
    for _ in 0..6 {
        hub.create(stranger()).unwrap();
    }
    assert!(matches!(hub.create(stranger()), Err(Failure::TooMany(6))));
    for _ in 0..2 {
        hub.create(Asker::Ourselves).unwrap();
    }
    assert!(matches!(hub.create(Asker::Ourselves), Err(Failure::TooMany(8))));
}
