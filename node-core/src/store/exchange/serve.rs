//! The sending half: who wants what, and what is on its way to whom.
//!
//! Bounds, for each ion: [`QUEUE_MAX`] blocks wanted, [`AHEAD_MAX`] in memory,
//! [`DATA_MAX`] frames that the transport has not taken, [`SOUGHT_MAX`] names
//! that it would like to hear of, [`LOOKS_MAX`] questions at once. For all of
//! them, [`LOADED_MAX`] blocks are in memory; [`READS_MAX`] are read at once, in
//! turns.

use std::{collections::VecDeque, sync::Arc};

use ion_map::{Map, Set};

use super::{
    Asker, Effect, PEERS_MAX,
    wire::{Message, PIECE_BYTES_MAX, Piece, encode, in_messages},
};
use crate::{identity::IonId, store::chunk::Cid};

/// Blocks that one ion may want at once; more are answered as not there.
pub(super) const QUEUE_MAX: usize = 256;
/// Frames with data for one ion that the transport has not taken.
pub(super) const DATA_MAX: usize = 4;
/// Names that one ion would like to hear of.
const SOUGHT_MAX: usize = 1_024;
/// Questions of one ion that are not answered yet; more are dropped.
const LOOKS_MAX: usize = 8;
/// Blocks that are read for one ion before it is their turn: a read waits for the
/// browser's other processes, for longer than a block is under way.
const AHEAD_MAX: usize = 4;
/// Blocks in memory for all ions: where there are many, each has fewer of them.
/// Those that came early keep theirs, so that for a while there may be twice as
/// many.
pub(super) const LOADED_MAX: usize = 64;
const _: () = assert!(LOADED_MAX >= PEERS_MAX);
/// Blocks that are read at once.
const READS_MAX: usize = 8;

#[derive(Debug)]
struct Loaded {
    cid: Cid,
    bytes: Arc<[u8]>,
    sent: usize,
}

#[derive(Debug, Default)]
struct Client {
    queue: VecDeque<Cid>,
    reading: Set<Cid>,
    loaded: VecDeque<Loaded>,
    data: usize,
    sought: Set<Cid>,
    looks: usize,
}

impl Client {
    fn wants_read(&self, ahead: usize) -> bool {
        self.reading.len() + self.loaded.len() < ahead && !self.queue.is_empty()
    }
}

/// The half.
#[derive(Debug, Default)]
pub(super) struct Serve {
    clients: Map<IonId, Client>,
    reading: Set<Cid>,
    /// Whose block was read last.
    turn: Option<IonId>,
}

impl Serve {
    pub(super) fn linked(&mut self, ion: IonId) {
        self.clients.entry(ion).or_default();
    }

    pub(super) fn lost(&mut self, ion: &IonId) {
        self.clients.remove(ion);
    }

    pub(super) fn seek(&mut self, ion: IonId, cids: Vec<Cid>, effects: &mut Vec<Effect>) {
        let Some(client) = self.clients.get_mut(&ion) else { return };
        if client.looks < LOOKS_MAX {
            client.looks += 1;
            effects.push(Effect::Look(Asker::Other(ion), cids));
        }
    }

    pub(super) fn looked(
        &mut self,
        ion: IonId,
        have: &[Cid],
        lack: &[Cid],
        effects: &mut Vec<Effect>,
    ) {
        let Some(client) = self.clients.get_mut(&ion) else { return };
        client.looks = client.looks.saturating_sub(1);
        let room = SOUGHT_MAX - client.sought.len();
        client.sought.extend(lack.iter().copied().take(room));
        send(ion, have, Message::Have, effects);
        send(ion, lack, Message::Lack, effects);
    }

    /// A block came here: tells who would like to hear of it.
    pub(super) fn stored(&mut self, cid: Cid, effects: &mut Vec<Effect>) {
        for (ion, client) in &mut self.clients {
            if client.sought.remove(&cid) {
                send(*ion, &[cid], Message::Have, effects);
            }
        }
    }

    pub(super) fn want(&mut self, ion: IonId, cids: &[Cid], effects: &mut Vec<Effect>) {
        let Some(client) = self.clients.get_mut(&ion) else { return };
        let mut refused = Vec::new();
        for cid in cids {
            if client.queue.len() == QUEUE_MAX {
                refused.push(*cid);
            } else if !client.queue.contains(cid) {
                client.queue.push_back(*cid);
            }
        }
        send(ion, &refused, Message::Lack, effects);
        self.pump(effects);
    }

    pub(super) fn cancel(&mut self, ion: IonId, cids: &[Cid], effects: &mut Vec<Effect>) {
        let Some(client) = self.clients.get_mut(&ion) else { return };
        let cids: Set<Cid> = cids.iter().copied().collect();
        client.queue.retain(|cid| !cids.contains(cid));
        client.loaded.retain(|loaded| !cids.contains(&loaded.cid));
        client.reading.retain(|cid| !cids.contains(cid));
        self.pump(effects);
    }

    pub(super) fn read(&mut self, cid: Cid, bytes: Option<Arc<[u8]>>, effects: &mut Vec<Effect>) {
        if !self.reading.remove(&cid) {
            return;
        }
        let is_corrupt = bytes.as_ref().is_some_and(|bytes| !cid.is_of(bytes));
        if is_corrupt {
            effects.push(Effect::Corrupt(cid));
        }
        let bytes = bytes.filter(|_| !is_corrupt);
        for (ion, client) in &mut self.clients {
            if !client.reading.remove(&cid) {
                continue;
            }
            match &bytes {
                Some(bytes) => {
                    let bytes = Arc::clone(bytes);
                    client.loaded.push_back(Loaded { cid, bytes, sent: 0 });
                }
                None => send(*ion, &[cid], Message::Lack, effects),
            }
        }
        self.pump(effects);
    }

    pub(super) fn sent(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        if let Some(client) = self.clients.get_mut(&ion) {
            client.data = client.data.saturating_sub(1);
        }
        self.pump(effects);
    }

    /// Sends what may be sent, and reads what is next.
    pub(super) fn pump(&mut self, effects: &mut Vec<Effect>) {
        for (ion, client) in &mut self.clients {
            while client.data < DATA_MAX
                && let Some(frame) = next_piece(&mut client.loaded)
            {
                client.data += 1;
                effects.push(Effect::Data(*ion, frame));
            }
        }
        while let Some(ion) = self.next_reader() {
            self.turn = Some(ion);
            let client = self.clients.get_mut(&ion).expect("it is one of them");
            let cid = client.queue.pop_front().expect("it wants something");
            client.reading.insert(cid);
            if self.reading.insert(cid) {
                effects.push(Effect::Read(cid));
            }
        }
    }

    /// Whose turn it is to have a block read.
    fn next_reader(&self) -> Option<IonId> {
        if self.reading.len() >= READS_MAX {
            return None;
        }
        let ahead = (LOADED_MAX / self.clients.len().max(1)).min(AHEAD_MAX);
        let after = self.clients.iter().filter(|(ion, _)| Some(**ion) > self.turn);
        let mut turns = after.chain(self.clients.iter());
        turns.find(|(_, client)| client.wants_read(ahead)).map(|(ion, _)| *ion)
    }
}

/// The next piece of what is loaded.
fn next_piece(loaded: &mut VecDeque<Loaded>) -> Option<Vec<u8>> {
    let first = loaded.front_mut()?;
    let end = (first.sent + PIECE_BYTES_MAX).min(first.bytes.len());
    let piece = Piece {
        cid: first.cid,
        offset: u32::try_from(first.sent).expect("a block is not that long"),
        total: u32::try_from(first.bytes.len()).expect("a block is not that long"),
        bytes: first.bytes[first.sent..end].to_vec(),
    };
    first.sent = end;
    if end == first.bytes.len() {
        loaded.pop_front();
    }
    Some(encode(&Message::Piece(piece)))
}

fn send(ion: IonId, cids: &[Cid], kind: fn(Vec<Cid>) -> Message, effects: &mut Vec<Effect>) {
    effects.extend(in_messages(cids, kind).into_iter().map(|frame| Effect::Send(ion, frame)));
}
