//! The receiving half: what is wanted, who has it, who is asked.

use ion_map::{Map, Set};

use super::{
    Asker, Effect, Failure, Offence, PEERS_MAX,
    peer::{Peer, Taken},
    wire::{Message, Piece, in_messages},
};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
    store::chunk::{CHUNK_BYTES, Cid},
};

/// Blocks that may be wanted at once.
pub const WANTED_MAX: usize = 1_024;
/// Blocks on their way or not yet stored, in bytes.
pub const FLIGHT_BYTES_MAX: u64 = 32 << 20;
/// Ions that may be asked for one block at a time.
const ASKED_MAX: usize = 2;
/// How often an ion that lacks rare blocks is asked again, in milliseconds.
const SEEK_MS: u64 = 5_000;
/// A block that so many hold is not sought any more.
const HOLDERS_ENOUGH: usize = 3;
/// How long a block may have nobody who offers it before the caller is told, in
/// milliseconds.
const ALONE_MS: u64 = 10_000;

/// In which order blocks are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The rarest first.
    Bulk,
    /// As they were given, before all bulk: to be played while they come.
    Playback,
}

/// A block that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub cid: Cid,
    /// How long it may be, in bytes; a longer one is not taken. At most
    /// [`CHUNK_BYTES`].
    pub bytes_max: u32,
}

#[derive(Debug)]
struct Want {
    bytes_max: u32,
    /// What comes first among blocks of one order: the place, or a random number.
    place: u64,
    order: Order,
    holders: Set<IonId>,
    asked: Vec<IonId>,
    /// Since when nobody offers it.
    alone_since: Time,
    is_told: bool,
}

impl Want {
    fn rank(&self) -> (bool, usize, u64) {
        match self.order {
            Order::Playback => (false, 0, self.place),
            Order::Bulk => (true, self.holders.len(), self.place),
        }
    }
}

/// The half.
#[derive(Debug)]
pub(super) struct Fetch {
    rng: Rng,
    /// Given to [`Effect::Look`], not yet answered.
    looking: Map<Cid, (Wanted, Order, u64)>,
    wants: Map<Cid, Want>,
    /// Lengths, in bytes.
    storing: Map<Cid, u64>,
    peers: Map<IonId, Peer>,
    count: u64,
}

impl Fetch {
    pub(super) fn new(rng: Rng) -> Self {
        let (looking, wants, storing) = (Map::new(), Map::new(), Map::new());
        Self { rng, looking, wants, storing, peers: Map::new(), count: 0 }
    }

    pub(super) fn room(&self) -> usize {
        WANTED_MAX - (self.wants.len() + self.looking.len() + self.storing.len()).min(WANTED_MAX)
    }

    pub(super) fn rate(&self, ion: &IonId) -> u64 {
        self.peers.get(ion).map_or(0, Peer::rate)
    }

    /// Whether there was room for it.
    pub(super) fn linked(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) -> bool {
        let is_known = self.peers.contains_key(&ion);
        if is_known || self.peers.len() == PEERS_MAX {
            return is_known;
        }
        self.peers.insert(ion, Peer::new(now));
        let cids: Vec<Cid> = self.wants.keys().copied().collect();
        send(ion, &cids, Message::Seek, effects);
        true
    }

    pub(super) fn lost(&mut self, now: Time, ion: &IonId, effects: &mut Vec<Effect>) {
        self.peers.remove(ion);
        for want in self.wants.values_mut() {
            want.asked.retain(|asked| asked != ion);
            if want.holders.remove(ion) && want.holders.is_empty() {
                want.alone_since = now;
            }
        }
        self.refill(now, effects);
    }

    pub(super) fn fetch(&mut self, wanted: Vec<Wanted>, order: Order, effects: &mut Vec<Effect>) {
        let mut looked = Vec::new();
        for one in wanted {
            if self.is_wanted(&one.cid) {
                continue;
            }
            if self.room() == 0 {
                effects.push(Effect::Failed(one.cid, Failure::TooMany));
                continue;
            }
            self.count += 1;
            let place = if order == Order::Bulk { self.rng.next_u64() } else { self.count };
            self.looking.insert(one.cid, (one, order, place));
            looked.push(one.cid);
        }
        if !looked.is_empty() {
            effects.push(Effect::Look(Asker::Own, looked));
        }
    }

    fn is_wanted(&self, cid: &Cid) -> bool {
        self.wants.contains_key(cid)
            || self.looking.contains_key(cid)
            || self.storing.contains_key(cid)
    }

    pub(super) fn looked(
        &mut self,
        now: Time,
        have: &[Cid],
        lack: &[Cid],
        effects: &mut Vec<Effect>,
    ) {
        let here = have.iter().filter(|cid| self.looking.remove(cid).is_some());
        effects.extend(here.map(|cid| Effect::Done(*cid)));
        let mut sought = Vec::new();
        for cid in lack {
            let Some((wanted, order, place)) = self.looking.remove(cid) else { continue };
            let (holders, asked) = (Set::new(), Vec::new());
            let bytes_max = wanted.bytes_max.min(CHUNK_BYTES);
            let (alone_since, is_told) = (now, false);
            let want = Want { bytes_max, place, order, holders, asked, alone_since, is_told };
            self.wants.insert(*cid, want);
            sought.push(*cid);
        }
        for ion in self.peers.keys() {
            send(*ion, &sought, Message::Seek, effects);
        }
    }

    pub(super) fn forget(&mut self, now: Time, cids: &[Cid], effects: &mut Vec<Effect>) {
        for cid in cids {
            self.looking.remove(cid);
            if let Some(want) = self.wants.remove(cid) {
                self.cancel(now, *cid, &want.asked, effects);
            }
        }
        self.refill(now, effects);
    }

    pub(super) fn have(&mut self, now: Time, ion: IonId, cids: &[Cid], effects: &mut Vec<Effect>) {
        if !self.peers.contains_key(&ion) {
            return;
        }
        for cid in cids {
            let Some(want) = self.wants.get_mut(cid) else { continue };
            want.holders.insert(ion);
            want.is_told = false;
        }
        self.refill(now, effects);
    }

    pub(super) fn lack(&mut self, now: Time, ion: IonId, cids: &[Cid], effects: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&ion) else { return };
        for cid in cids {
            peer.release(now, cid);
            let Some(want) = self.wants.get_mut(cid) else { continue };
            want.asked.retain(|asked| *asked != ion);
            if want.holders.remove(&ion) && want.holders.is_empty() {
                want.alone_since = now;
            }
        }
        self.refill(now, effects);
    }

    pub(super) fn piece(
        &mut self,
        now: Time,
        ion: IonId,
        piece: &Piece,
        effects: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(&ion) else { return };
        let cid = piece.cid;
        match peer.piece(now, piece) {
            Taken::Part => {}
            Taken::Offence(offence) => self.offends(now, ion, offence, effects),
            Taken::Whole(bytes) if cid.is_of(&bytes) => {
                peer.delivered();
                self.came(now, ion, cid, bytes, effects);
            }
            Taken::Whole(_) => self.offends(now, ion, Offence::Altered, effects),
        }
    }

    fn came(
        &mut self,
        now: Time,
        from: IonId,
        cid: Cid,
        bytes: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(want) = self.wants.remove(&cid) else { return };
        let others: Vec<IonId> = want.asked.into_iter().filter(|asked| *asked != from).collect();
        self.cancel(now, cid, &others, effects);
        self.storing.insert(cid, bytes.len() as u64);
        effects.push(Effect::Store(cid, bytes));
        self.refill(now, effects);
    }

    pub(super) fn stored(
        &mut self,
        now: Time,
        cid: Cid,
        is_stored: bool,
        effects: &mut Vec<Effect>,
    ) {
        if self.storing.remove(&cid).is_some() {
            let failed = Effect::Failed(cid, Failure::Disk);
            effects.push(if is_stored { Effect::Done(cid) } else { failed });
        }
        self.refill(now, effects);
    }

    /// Puts an ion aside; what it was asked for is asked of others.
    pub(super) fn offends(
        &mut self,
        now: Time,
        ion: IonId,
        offence: Offence,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(peer) = self.peers.get_mut(&ion) {
            peer.put_aside(now, offence);
        }
        effects.push(Effect::Offence(ion, offence));
        self.release_all(now, ion, effects);
        self.refill(now, effects);
    }

    pub(super) fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let silent = self.peers.iter().filter(|(_, peer)| peer.is_silent(now));
        for ion in silent.map(|(ion, _)| *ion).collect::<Vec<_>>() {
            let is_aside = self.peers.get_mut(&ion).is_some_and(|peer| peer.silence(now));
            if is_aside {
                effects.push(Effect::Offence(ion, Offence::Silent));
            }
            self.release_all(now, ion, effects);
        }
        self.seek_again(now, effects);
        self.tell_unavailable(now, effects);
        self.refill(now, effects);
    }

    fn seek_again(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (ion, peer) in &mut self.peers {
            if now.since_ms(peer.sought_at) < SEEK_MS {
                continue;
            }
            peer.sought_at = now;
            let is_rare =
                |want: &Want| want.holders.len() < HOLDERS_ENOUGH && !want.holders.contains(ion);
            let rare = self.wants.iter().filter(|(_, want)| is_rare(want));
            let cids: Vec<Cid> = rare.map(|(cid, _)| *cid).collect();
            send(*ion, &cids, Message::Seek, effects);
        }
    }

    fn tell_unavailable(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (cid, want) in &mut self.wants {
            let peers = &self.peers;
            let is_offered = want
                .holders
                .iter()
                .any(|ion| peers.get(ion).is_some_and(|peer| !peer.is_aside(now)));
            if is_offered {
                (want.alone_since, want.is_told) = (now, false);
            } else if !want.is_told && now.since_ms(want.alone_since) >= ALONE_MS {
                want.is_told = true;
                effects.push(Effect::Unavailable(*cid));
            }
        }
    }

    fn cancel(&mut self, now: Time, cid: Cid, asked: &[IonId], effects: &mut Vec<Effect>) {
        for ion in asked {
            if self.peers.get_mut(ion).is_some_and(|peer| peer.release(now, &cid)) {
                send(*ion, &[cid], Message::Cancel, effects);
            }
        }
    }

    fn release_all(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&ion) else { return };
        let cids: Vec<Cid> = peer.flights.keys().copied().collect();
        for cid in &cids {
            peer.release(now, cid);
        }
        for want in self.wants.values_mut() {
            want.asked.retain(|asked| *asked != ion);
        }
        send(ion, &cids, Message::Cancel, effects);
    }

    /// Asks every ion for as much as it may be asked for, the best first.
    fn refill(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut ions: Vec<_> = self.peers.iter().map(|(ion, peer)| (peer.rank(), *ion)).collect();
        ion_map::sort(&mut ions);
        let flying: u64 = self.peers.values().map(Peer::flying_bytes).sum();
        let mut bytes = flying + self.storing.values().sum::<u64>();
        for (_, ion) in ions {
            let mut cids = Vec::new();
            while bytes + u64::from(CHUNK_BYTES) <= FLIGHT_BYTES_MAX
                && let Some(cid) = self.pick(now, ion)
            {
                bytes += u64::from(self.ask(now, ion, cid));
                cids.push(cid);
            }
            send(ion, &cids, Message::Want, effects);
        }
    }

    fn ask(&mut self, now: Time, ion: IonId, cid: Cid) -> u32 {
        let want = self.wants.get_mut(&cid).expect("only what is wanted is picked");
        want.asked.push(ion);
        let peer = self.peers.get_mut(&ion).expect("only linked ions are asked");
        peer.ask(now, cid, want.bytes_max);
        want.bytes_max
    }

    /// The next block to ask this ion for: one that nobody is asked for, else
    /// one that it would deliver in half the time that it will take now.
    fn pick(&self, now: Time, ion: IonId) -> Option<Cid> {
        let peer = self.peers.get(&ion)?;
        if !peer.has_room(now) {
            return None;
        }
        let offered = || self.wants.iter().filter(|(_, want)| want.holders.contains(&ion));
        let open = offered().filter(|(_, want)| want.asked.is_empty());
        let best = open.min_by_key(|(_, want)| want.rank());
        best.or_else(|| {
            let slow = offered().filter(|(_, want)| {
                want.asked.len() < ASKED_MAX
                    && !want.asked.contains(&ion)
                    && self.wait_ms(now, want) > 2 * peer.wait_ms(now, want.bytes_max)
            });
            slow.max_by_key(|(_, want)| self.wait_ms(now, want))
        })
        .map(|(cid, _)| *cid)
    }

    /// How long the ions that are asked for a block will take, in milliseconds.
    fn wait_ms(&self, now: Time, want: &Want) -> u64 {
        let peers = want.asked.iter().filter_map(|ion| self.peers.get(ion));
        peers.map(|peer| peer.wait_ms(now, 0)).min().unwrap_or(u64::MAX)
    }
}

fn send(ion: IonId, cids: &[Cid], kind: fn(Vec<Cid>) -> Message, effects: &mut Vec<Effect>) {
    effects.extend(in_messages(cids, kind).into_iter().map(|frame| Effect::Send(ion, frame)));
}
