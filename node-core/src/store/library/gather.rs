//! Brings together what a range of a file needs: its ledger, the lists that lead
//! to the range, and the blocks in it; what is not here is fetched.

use std::{collections::VecDeque, ops::Range};

use ion_map::{Map, Set};

use super::held::{Held, Owner};
use crate::{
    platform::Time,
    store::{
        chunk::{CHUNK_BYTES, Cid},
        exchange::Wanted,
        manifest::{Manifest, Piece, Step, Walk},
    },
};

/// Blocks of one range that may be fetched at once, so that a part of a file
/// leaves room for others.
pub(super) const ASKED_MAX: usize = 192;

/// Blocks of a range: a file cut into more is told to be none. Ions cut files
/// into blocks of 1 MiB, of which a part has 64.
const PIECES_MAX: usize = 1_536;

/// What for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To keep it.
    Keep,
    /// To tell the user its bytes, under that name.
    Read(u64),
}

/// What it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A block of the ledger has to be read.
    Ledger(Cid),
    /// These blocks have to be fetched.
    Fetch(Vec<Wanted>),
    /// Blocks that were asked for have to come.
    Wait,
    /// All is here.
    Ready,
    /// It cannot be had: the ledger is not what it should be.
    Refused,
}

/// One range of a file.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) file: Cid,
    pub(super) owner: Owner,
    pub(super) purpose: Purpose,
    pub(super) since: Time,
    range: Range<u64>,
    walk: Option<Walk>,
    /// The next block of the ledger, while it is not walked to its end.
    ledger: Option<Cid>,
    is_refused: bool,
    /// Blocks of the ledger and their lengths, as far as they were read.
    lists: Vec<(Cid, u32)>,
    pieces: Vec<Piece>,
    /// Blocks that have not been looked for.
    unasked: VecDeque<Wanted>,
    asked: Set<Cid>,
    /// What was read for the user.
    bytes: Map<Cid, Vec<u8>>,
}

impl Gather {
    pub(super) fn new(
        now: Time,
        file: Cid,
        range: Range<u64>,
        owner: Owner,
        purpose: Purpose,
    ) -> Self {
        Self {
            file,
            owner,
            purpose,
            since: now,
            range,
            walk: None,
            ledger: Some(file),
            is_refused: false,
            lists: Vec::new(),
            pieces: Vec::new(),
            unasked: VecDeque::new(),
            asked: Set::new(),
            bytes: Map::new(),
        }
    }

    /// What it waits for now.
    pub(super) fn next(&mut self, held: &Held) -> Next {
        if self.is_refused {
            return Next::Refused;
        }
        if let Some(cid) = self.ledger {
            if held.has(&cid) {
                return Next::Ledger(cid);
            }
            if self.asked.insert(cid) {
                return Next::Fetch(vec![Wanted { cid, bytes_max: CHUNK_BYTES }]);
            }
            return Next::Wait;
        }
        let mut wanted = Vec::new();
        while self.asked.len() < ASKED_MAX
            && let Some(one) = self.unasked.pop_front()
        {
            if !held.has(&one.cid) && self.asked.insert(one.cid) {
                wanted.push(one);
            }
        }
        match (wanted.is_empty(), self.asked.is_empty()) {
            (false, _) => Next::Fetch(wanted),
            (true, false) => Next::Wait,
            (true, true) => Next::Ready,
        }
    }

    /// Whether it waits for that block to come.
    pub(super) fn asks(&self, cid: &Cid) -> bool {
        self.asked.contains(cid)
    }

    pub(super) fn asked(&self) -> impl Iterator<Item = &Cid> {
        self.asked.iter()
    }

    /// A block came, or has to be asked for once more.
    pub(super) fn came(&mut self, cid: &Cid) {
        self.asked.remove(cid);
    }

    /// A block has to be asked for again.
    pub(super) fn again(&mut self, cid: Cid) {
        if self.asked.remove(&cid) && self.ledger != Some(cid) {
            self.unasked.push_back(Wanted { cid, bytes_max: CHUNK_BYTES });
        }
    }

    /// Gives the bytes of the ledger's block that it waits for. Whether they are
    /// that block's: it is refused then if they make no ledger.
    pub(super) fn read(&mut self, cid: Cid, bytes: &[u8]) -> bool {
        if self.ledger != Some(cid) {
            return true;
        }
        if !cid.is_of(bytes) {
            return false;
        }
        self.lists.push((cid, u32::try_from(bytes.len()).unwrap_or(CHUNK_BYTES)));
        let given = match &mut self.walk {
            Some(walk) => walk.give(bytes),
            None => Manifest::decode(bytes)
                .map(|manifest| self.walk = Some(manifest.walk(self.range.clone()))),
        };
        self.is_refused = given.is_err();
        self.ledger = None;
        self.step();
        self.is_refused |= self.pieces.len() > PIECES_MAX;
        true
    }

    fn step(&mut self) {
        let Some(walk) = &mut self.walk else { return };
        loop {
            match walk.step() {
                Step::End => return,
                Step::Chunk(_) if self.pieces.len() > PIECES_MAX => return,
                Step::List(cid) => return self.ledger = Some(cid),
                Step::Chunk(piece) => {
                    let (cid, bytes_max) = (piece.cid, piece.bytes);
                    self.unasked.push_back(Wanted { cid, bytes_max });
                    self.pieces.push(piece);
                }
            }
        }
    }

    /// The blocks that whoever keeps the range keeps.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (Cid, u32)> {
        let pieces = self.pieces.iter().map(|piece| (piece.cid, piece.bytes));
        self.lists.iter().copied().chain(pieces)
    }

    /// Blocks that were here and are not any more are asked for; whether there
    /// are none.
    pub(super) fn is_all_here(&mut self, held: &Held) -> bool {
        let lost: Vec<_> = self.blocks().filter(|(cid, _)| !held.has(cid)).collect();
        for (cid, bytes_max) in &lost {
            self.unasked.push_back(Wanted { cid: *cid, bytes_max: *bytes_max });
        }
        lost.is_empty()
    }

    /// Blocks that have to be read for the user.
    pub(super) fn blocks_unread(&self) -> Vec<Cid> {
        let cids = self.pieces.iter().map(|piece| piece.cid);
        cids.filter(|cid| !self.bytes.contains_key(cid)).collect()
    }

    /// Takes a block's bytes for the user, if it needs them; whether they are not
    /// others than the block's.
    pub(super) fn keep(&mut self, cid: Cid, bytes: &[u8]) -> bool {
        if !self.pieces.iter().any(|piece| piece.cid == cid) {
            return true;
        }
        let is_good = cid.is_of(bytes);
        if is_good {
            self.bytes.insert(cid, bytes.to_vec());
        }
        is_good
    }

    /// The bytes of the range, once all blocks are read; `None` where one has
    /// another length than the ledger says.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for piece in &self.pieces {
            all.extend_from_slice(piece.of(self.bytes.get(&piece.cid)?).ok()?);
        }
        Some(all)
    }
}
