//! Streams between ions, as the driver keeps them.

use std::rc::Rc;

use super::{
    agenda::{Happening, IonIndex, StreamIndex},
    world::World,
};
use crate::{
    identity::IonId,
    network::{
        News,
        neighbours::wire::VERSION,
        ways::Way,
        wire::{Opening, Room, decode, encode},
    },
    node::Input,
};

/// One stream.
pub(super) struct Stream {
    pub(super) from: IonIndex,
    pub(super) to: IonIndex,
    from_life: u32,
    to_life: u32,
    room: Room,
    carrier: Carrier,
    /// When its last frame arrives: later ones do not overtake it.
    last_ms: u64,
    /// Nothing arrives any more.
    is_broken: bool,
}

/// What a stream goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// A direct connection.
    Direct,
    /// The circuit of a relay, in that life of it.
    Relay(usize, u32),
}

/// What one ion's driver keeps of another ion.
#[derive(Default)]
pub(super) struct Ends {
    /// The first bytes of every stream; `None` when nothing may be sent.
    opening: Option<Rc<[u8]>>,
    outbound: [Option<StreamIndex>; Room::ALL.len()],
    inbound: [Option<StreamIndex>; Room::ALL.len()],
    /// The first bytes of the inbound ones.
    theirs: Vec<u8>,
}

/// Tells sessions apart in a trace.
fn session_mark(opening: &[u8]) -> u64 {
    decode(opening).map_or(0, |opening: Opening| opening.session % 10_000)
}

fn place(room: Room) -> usize {
    match room {
        Room::Link => 0,
        Room::Compute => 1,
        Room::Mesh => 2,
        Room::Kv => 3,
        Room::Store => 4,
    }
}

impl World {
    pub(super) fn reach(&mut self, ion: IonIndex, other: &IonId, opening: &Rc<[u8]>) {
        let Some(&to) = self.by_id.get(other) else { return };
        self.trace.note(self.now_ms, ion, "reaches for", Some(to), session_mark(opening));
        self.ions[ion].ends.entry(to).or_default().opening = Some(opening.clone());
    }

    pub(super) fn send(&mut self, ion: IonIndex, other: &IonId, room: Room, bytes: Vec<u8>) {
        let Some(&to) = self.by_id.get(other) else { return };
        self.check_send(ion, to, room, &bytes);
        let Some(stream) = self.outbound(ion, to, room) else { return };
        let length = bytes.len() as u64;
        self.carry(stream, bytes, false);
        if room == Room::Store {
            self.store_bytes += length;
            let (life, other) = (self.ions[ion].life, *other);
            let input = Input::Network(News::Sent(other));
            self.later(1, Happening::Input { ion, life, input });
        }
    }

    /// The stream to send on, opened where there is none.
    fn outbound(&mut self, ion: IonIndex, to: IonIndex, room: Room) -> Option<StreamIndex> {
        let ends = self.ions[ion].ends.get(&to)?;
        if let Some(stream) = ends.outbound[place(room)] {
            return Some(stream);
        }
        let opening = ends.opening.clone()?;
        let Some(carrier) = self.carrier(ion, to) else {
            let life = self.ions[ion].life;
            let delay = self.between(20, 2_000);
            // Whatever else is sent meanwhile goes nowhere.
            self.ions[ion].ends.entry(to).or_default().opening = None;
            self.later(delay, Happening::Unreached { ion, life, other: to });
            return None;
        };
        let stream = self.streams.len();
        self.streams.push(Stream {
            from: ion,
            to,
            from_life: self.ions[ion].life,
            to_life: self.ions[to].life,
            room,
            carrier,
            last_ms: self.now_ms,
            is_broken: false,
        });
        self.ions[ion].ends.entry(to).or_default().outbound[place(room)] = Some(stream);
        self.carry(stream, opening.to_vec(), true);
        Some(stream)
    }

    /// The best connection between two ions, made where there is none: a
    /// direct one where both can, which a relay's circuit helps to make.
    fn carrier(&mut self, ion: IonIndex, to: IonIndex) -> Option<Carrier> {
        let way = if self.are_connected(ion, to) {
            Carrier::Direct
        } else {
            let relay = self.path(ion, to)?;
            if self.ions[ion].options.can_direct && self.ions[to].options.can_direct {
                self.connect_directly(ion, to);
                Carrier::Direct
            } else {
                Carrier::Relay(relay, self.relays[relay].life)
            }
        };
        let told = match way {
            Carrier::Direct => Way::Direct,
            Carrier::Relay(..) => Way::Relayed,
        };
        if self.ions[ion].is_node() {
            let (id, life) = (self.ions[to].id, self.ions[ion].life);
            let input = Input::Network(News::Way(id, told, String::new()));
            self.later(0, Happening::Input { ion, life, input });
        }
        Some(way)
    }

    /// Lets a direct connection stand between two living ions.
    pub(super) fn connect_directly(&mut self, one: IonIndex, other: IonIndex) {
        let lives = |a: IonIndex, b: IonIndex| (self.ions[a].life, self.ions[b].life);
        let (low, high) = (one.min(other), one.max(other));
        self.direct.insert((low, high), lives(low, high));
    }

    /// Whether a direct connection stands between two ions.
    pub(super) fn are_connected(&self, one: IonIndex, other: IonIndex) -> bool {
        let (low, high) = (one.min(other), one.max(other));
        let Some(&(low_life, high_life)) = self.direct.get(&(low, high)) else { return false };
        self.is_living(low, low_life)
            && self.is_living(high, high_life)
            && self.ions[low].side == self.ions[high].side
    }

    fn carry(&mut self, stream: StreamIndex, bytes: Vec<u8>, is_opening: bool) {
        let Stream { room, from, to, .. } = self.streams[stream];
        let lost = self.conditions.silent_loss_permille;
        if room == Room::Compute && !is_opening && lost > 0 && self.rng.below(1_000) < lost {
            self.trace.note_bytes(self.now_ms, from, "loses a frame to", to, &bytes);
            return;
        }
        let at = self.arrival(stream);
        self.agenda.add(at, Happening::Arrive { stream, bytes, is_opening });
    }

    /// When a frame sent now arrives: after those before it.
    fn arrival(&mut self, stream: StreamIndex) -> u64 {
        let (min, max) = (self.conditions.latency_ms_min, self.conditions.latency_ms_max);
        let soonest = self.now_ms + self.between(min, max);
        let last = &mut self.streams[stream].last_ms;
        *last = soonest.max(*last);
        *last
    }

    pub(super) fn arrive(&mut self, stream: StreamIndex, bytes: Vec<u8>, is_opening: bool) {
        if self.streams[stream].is_broken {
            return;
        }
        if !self.is_whole(stream) {
            self.break_stream(stream);
            return;
        }
        let Stream { from, to, room, .. } = self.streams[stream];
        let id = self.ions[from].id;
        if is_opening {
            let mark = session_mark(&bytes);
            let what = match room {
                Room::Link => "sees a link stream of",
                Room::Compute => "sees a compute stream of",
                Room::Mesh => "sees a mesh stream of",
                Room::Kv => "sees a memory stream of",
                Room::Store => "sees a store stream of",
            };
            self.trace.note(self.now_ms, to, what, Some(from), mark);
            self.accept(stream, &bytes);
            self.hand(to, Input::Network(News::Opened(id, room, bytes)));
            return;
        }
        let is_current = self.ions[to]
            .ends
            .get(&from)
            .is_some_and(|ends| ends.inbound[place(room)] == Some(stream));
        if is_current {
            self.trace.note_bytes(self.now_ms, to, "hears", from, &bytes);
            self.hand(to, Input::Network(News::Frame(id, room, bytes)));
        }
    }

    /// Whether both ends and what is between them are still those of the
    /// stream, and nothing stands between them.
    fn is_whole(&self, stream: StreamIndex) -> bool {
        let it = &self.streams[stream];
        let is_living = self.is_living(it.from, it.from_life) && self.is_living(it.to, it.to_life);
        is_living
            && match it.carrier {
                Carrier::Direct => self.are_connected(it.from, it.to),
                Carrier::Relay(relay, life) => {
                    let there = &self.relays[relay];
                    there.is_up && there.life == life && self.are_together(it.from, it.to, relay)
                }
            }
    }

    /// An opening unlike those before begins a new session: what is older
    /// goes, in silence. A room opened once more in the same session replaces
    /// its older stream.
    fn accept(&mut self, stream: StreamIndex, opening: &[u8]) {
        let Stream { from, to, room, .. } = self.streams[stream];
        let ends = self.ions[to].ends.entry(from).or_default();
        let has_older = ends.inbound.iter().any(Option::is_some);
        let is_anew = has_older && ends.theirs != opening;
        ends.theirs = opening.to_vec();
        if is_anew {
            self.drop_streams(to, from);
        }
        self.ions[to].ends.entry(from).or_default().inbound[place(room)] = Some(stream);
    }

    /// Drops all streams of a pair at one side; the other side hears of each
    /// after the frames that are on their way.
    fn drop_streams(&mut self, ion: IonIndex, other: IonIndex) {
        let Some(ends) = self.ions[ion].ends.get_mut(&other) else { return };
        let outbound = std::mem::take(&mut ends.outbound);
        let inbound = std::mem::take(&mut ends.inbound);
        for stream in outbound.into_iter().flatten() {
            let at = self.arrival(stream);
            self.agenda.add(at, Happening::Gone { stream, at_sender: false });
        }
        for stream in inbound.into_iter().flatten() {
            let delay =
                self.between(self.conditions.latency_ms_min, self.conditions.latency_ms_max);
            self.later(delay, Happening::Gone { stream, at_sender: true });
        }
    }

    /// One end hears that a stream is gone: for it the connection ended.
    pub(super) fn gone(&mut self, stream: StreamIndex, at_sender: bool) {
        let Stream { from, to, room, from_life, to_life, .. } = self.streams[stream];
        let (ion, other, life) =
            if at_sender { (from, to, from_life) } else { (to, from, to_life) };
        if !self.is_living(ion, life) {
            return;
        }
        let Some(ends) = self.ions[ion].ends.get_mut(&other) else { return };
        let kept = if at_sender { ends.outbound } else { ends.inbound };
        if kept[place(room)] != Some(stream) {
            return;
        }
        ends.opening = None;
        self.trace.note(self.now_ms, ion, "loses its connection to", Some(other), 0);
        self.drop_streams(ion, other);
        let id = self.ions[other].id;
        self.hand(ion, Input::Network(News::Closed(id)));
    }

    pub(super) fn unreached(&mut self, ion: IonIndex, life: u32, other: IonIndex) {
        if !self.is_living(ion, life) {
            return;
        }
        self.trace.note(self.now_ms, ion, "cannot reach", Some(other), 0);
        self.drop_streams(ion, other);
        let id = self.ions[other].id;
        self.hand(ion, Input::Network(News::Failed(id)));
    }

    pub(super) fn close(&mut self, ion: IonIndex, other: &IonId) {
        let Some(&to) = self.by_id.get(other) else { return };
        self.trace.note(self.now_ms, ion, "closes", Some(to), 0);
        if let Some(ends) = self.ions[ion].ends.get_mut(&to) {
            ends.opening = None;
        }
        self.drop_streams(ion, to);
    }

    /// Tells whoever sent a wrong proof, and closes.
    pub(super) fn refuse(&mut self, ion: IonIndex, other: &IonId) {
        let Some(&to) = self.by_id.get(other) else { return };
        self.trace.note(self.now_ms, ion, "refuses", Some(to), 0);
        let Some(ends) = self.ions[ion].ends.get_mut(&to) else { return };
        ends.opening = None;
        let inbound = std::mem::take(&mut ends.inbound);
        let mut told = false;
        for stream in inbound.into_iter().flatten() {
            // The sender's streams are the ones that the refusal travels on.
            let sender = &mut self.ions[to].ends.entry(ion).or_default().outbound;
            if let Some(place) = sender.iter_mut().find(|place| **place == Some(stream)) {
                *place = None;
                told = true;
            }
        }
        self.drop_streams(ion, to);
        if told {
            let life = self.ions[to].life;
            let delay =
                self.between(self.conditions.latency_ms_min, self.conditions.latency_ms_max);
            self.later(delay, Happening::Unreached { ion: to, life, other: ion });
        }
    }

    /// Ends a stream where it stands; each end hears of it late or never, but
    /// not both never.
    pub(super) fn break_stream(&mut self, stream: StreamIndex) {
        if std::mem::replace(&mut self.streams[stream].is_broken, true) {
            return;
        }
        self.breaks += 1;
        let Stream { from, to, carrier, .. } = self.streams[stream];
        if carrier == Carrier::Direct {
            self.direct.remove(&(from.min(to), from.max(to)));
        }
        self.trace.note(self.now_ms, from, "has a stream broken to", Some(to), stream as u64);
        let deaf = self.rng.below(4);
        for (number, at_sender) in [(0, true), (1, false)] {
            if deaf != number {
                let delay = self.between(10, 3_000);
                self.later(delay, Happening::Gone { stream, at_sender });
            }
        }
    }

    /// Breaks every stream that a relay carries.
    pub(super) fn break_relayed(&mut self, relay: usize, life: u32) {
        for stream in 0..self.streams.len() {
            if self.streams[stream].carrier == Carrier::Relay(relay, life) {
                self.break_stream(stream);
            }
        }
    }

    /// An ion is no more: its streams end, sooner or later.
    pub(super) fn break_all_of(&mut self, ion: IonIndex) {
        let ends = std::mem::take(&mut self.ions[ion].ends);
        for ends in ends.into_values() {
            for stream in ends.outbound.into_iter().chain(ends.inbound).flatten() {
                self.break_stream(stream);
            }
        }
    }

    /// Breaks some stream of a random linked pair.
    pub(super) fn break_any(&mut self) {
        let ion = self.any_ion();
        let ends = &self.ions[ion].ends;
        if ends.is_empty() {
            return;
        }
        let chosen = usize::try_from(self.rng.below(ends.len() as u64)).unwrap_or(0);
        let Some(ends) = self.ions[ion].ends.values().nth(chosen) else { return };
        let streams: Vec<StreamIndex> =
            ends.outbound.iter().chain(&ends.inbound).flatten().copied().collect();
        for stream in streams {
            self.break_stream(stream);
        }
    }

    /// What a member of a nebula opens a stream from one ion to another with.
    pub fn opening(&self, nebula: usize, from: usize, to: usize) -> Vec<u8> {
        let membership = self.invitations[nebula].membership();
        let proof = membership.prove(&self.ions[from].id, &self.ions[to].id);
        encode(&Opening { version: VERSION, proof, session: 1 })
    }

    /// What an outsider heard so far.
    pub fn mail(&self, outsider: usize) -> &[Input] {
        &self.ions[outsider].mail
    }

    /// Sends a frame as an outsider would: a stream of the room with these
    /// first bytes, then the frames.
    pub fn intrude(
        &mut self,
        outsider: usize,
        ion: usize,
        room: Room,
        opening: Vec<u8>,
        frames: Vec<Vec<u8>>,
    ) {
        let ends = self.ions[outsider].ends.entry(ion).or_default();
        ends.opening = Some(opening.into());
        ends.outbound[place(room)] = None;
        let Some(stream) = self.outbound(outsider, ion, room) else { return };
        for frame in frames {
            self.carry(stream, frame, false);
        }
    }
}
