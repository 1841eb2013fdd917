//! What travels between ions, and how connections come about and end.

use super::{Happening, NebulaWorld};
use crate::{
    identity::IonId,
    network::{mesh::Input, port::Attempt, wire::Room},
};

/// How long a failing attempt to connect takes, in milliseconds.
const FAILING_MS: u64 = 4_000;
/// How long it takes to make an offer or an answer, in milliseconds.
const OFFER_MS: u64 = 30;
/// Until a broken connection is noticed at the latest, in milliseconds.
const BREAK_MS: u64 = 1_000;

/// What travels from one ion to another.
pub(super) enum Parcel {
    Opened(Room, Vec<u8>),
    Frame(Room, Vec<u8>),
    Closed,
    Failed,
}

impl NebulaWorld {
    /// Milliseconds from one ion to another.
    pub(super) fn latency_ms(&self, one: usize, other: usize) -> u64 {
        let (from, to) = (self.ions[one].place, self.ions[other].place);
        let way = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        2 + way * self.options.latency_ms_max / 1_000
    }

    /// Whether a connection between the two can stand.
    fn can_connect(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.ions[one], &self.ions[other]);
        one.side == other.side && other.is_alive() && !(one.is_hidden && other.is_hidden)
    }

    /// Whether a frame from one gets to the other.
    fn reaches(&self, one: usize, other: usize) -> bool {
        let is_met = self.is_relay_up || self.met.contains(&pair(one, other)) || {
            // What stands needs no relay.
            self.ions[one].inbound.contains_key(&self.ions[other].id)
        };
        is_met && self.can_connect(one, other)
    }

    pub(super) fn send(&mut self, from: usize, ion: IonId, room: Room, bytes: Vec<u8>) {
        let Some(to) = self.index(&ion) else { return };
        let reaches = self.reaches(from, to);
        let Some(outbound) = self.ions[from].reached.get_mut(&ion) else { return };
        if !reaches {
            if room == Room::Link && !std::mem::replace(&mut outbound.is_failing, true) {
                // Nobody sent this: it holds up nothing that comes of another attempt.
                let failed = Happening::Arrival { from: to, to: from, parcel: Parcel::Failed };
                self.plan(FAILING_MS, failed);
            }
            return;
        }
        let opening = outbound.rooms.insert(room).then(|| outbound.opening.clone());
        if let Some(opening) = opening {
            self.carry(from, to, 0, Parcel::Opened(room, opening));
        }
        self.watch.sent(room, &bytes);
        self.carry(from, to, 0, Parcel::Frame(room, bytes));
        if self.rng.below(1_000_000) < self.options.breaks_per_million {
            self.break_off(from, to);
        }
    }

    /// Both ends notice it, each when it does.
    fn break_off(&mut self, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            let noticed_ms = self.rng.below(BREAK_MS);
            self.carry(from, to, noticed_ms, Parcel::Closed);
        }
    }

    /// Brings it after what is on its way already.
    fn carry(&mut self, from: usize, to: usize, extra_ms: u64, parcel: Parcel) {
        let delay_ms = self.latency_ms(from, to) + self.rng.below(5) + extra_ms;
        let now_ms = self.now_ms;
        let last_ms = self.ions[from].arrives_ms.entry(to).or_default();
        *last_ms = (now_ms + delay_ms).max(*last_ms);
        let delay_ms = *last_ms - now_ms;
        self.plan(delay_ms, Happening::Arrival { from, to, parcel });
    }

    pub(super) fn close(&mut self, index: usize, ion: IonId) {
        self.ions[index].drop_streams(&ion);
        if let Some(to) = self.index(&ion)
            && self.can_connect(index, to)
        {
            self.carry(index, to, 0, Parcel::Closed);
        }
    }

    /// As a driver does it: nothing comes of streams that ended.
    pub(super) fn arrive(&mut self, from: usize, to: usize, parcel: Parcel) {
        let (other, is_same_side) = (self.id(from), self.ions[from].side == self.ions[to].side);
        let ion = &mut self.ions[to];
        let input = match parcel {
            Parcel::Opened(room, bytes) if is_same_side => {
                ion.inbound.entry(other).or_default().insert(room);
                Input::Opened(other, room, bytes)
            }
            Parcel::Frame(room, bytes) if is_same_side => {
                if !ion.inbound.get(&other).is_some_and(|rooms| rooms.contains(room)) {
                    return;
                }
                Input::Frame(other, room, bytes)
            }
            Parcel::Opened(..) | Parcel::Frame(..) => return,
            Parcel::Closed => {
                ion.drop_streams(&other);
                Input::Closed(other)
            }
            Parcel::Failed => {
                if !ion.reached.get(&other).is_some_and(|outbound| outbound.is_failing) {
                    return;
                }
                ion.drop_streams(&other);
                Input::Failed(other)
            }
        };
        self.tell(to, input);
    }

    pub(super) fn offer(&mut self, index: usize, attempt: Attempt) {
        let description = Some(index.to_le_bytes().to_vec());
        self.plan(OFFER_MS, Happening::Tell(index, Input::Offer(attempt, description)));
    }

    pub(super) fn answer(&mut self, index: usize, attempt: Attempt, ion: IonId, offer: &[u8]) {
        let is_right = self.described(offer) == self.index(&ion);
        let description = is_right.then(|| index.to_le_bytes().to_vec());
        self.plan(OFFER_MS, Happening::Tell(index, Input::Answer(attempt, description)));
    }

    pub(super) fn accept(&mut self, index: usize, ion: IonId, answer: &[u8]) {
        let other = self.described(answer).filter(|other| self.id(*other) == ion);
        match other.filter(|other| self.can_connect(index, *other)) {
            Some(other) => {
                self.watch.met += 1;
                self.met.insert(pair(index, other));
                let own = self.id(index);
                self.plan(OFFER_MS, Happening::Tell(index, Input::Met(ion)));
                self.plan(OFFER_MS, Happening::Tell(other, Input::Met(own)));
            }
            None => self.plan(FAILING_MS, Happening::Tell(index, Input::Unmet(ion))),
        }
    }

    fn described(&self, description: &[u8]) -> Option<usize> {
        let index = usize::from_le_bytes(*description.first_chunk()?);
        (index < self.ions.len()).then_some(index)
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}
