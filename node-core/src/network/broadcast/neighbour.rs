//! What the broadcast keeps of one neighbour.

use super::{seen::Marks, wire::Id};
use crate::{
    network::budget::{Bucket, Budget, Rate},
    platform::Time,
};

/// Frames that a neighbour may send.
pub const NEIGHBOUR_FRAMES: Rate = Rate { per_s: 400, burst: 2_000 };
/// Bytes that a neighbour may send.
pub const NEIGHBOUR_BYTES: Rate = Rate { per_s: 2 << 20, burst: 8 << 20 };
/// Frames that a neighbour is given: fewer than it takes, so that the flood of others
/// that passes by is not held against this ion.
pub const GIVEN_FRAMES: Rate = Rate { per_s: 300, burst: 1_500 };
/// Bytes that a neighbour is given.
pub const GIVEN_BYTES: Rate = Rate { per_s: 3 << 19, burst: 6 << 20 };
/// Bytes that a neighbour is sent because it asks for them.
pub const REPAIR_BYTES: Rate = Rate { per_s: 512 << 10, burst: 4 << 20 };
/// Promised rumours that a neighbour may fail to send.
pub const UNKEPT_PROMISES: Rate = Rate { per_s: 8, burst: 128 };
/// Announcements that wait for the next batch; beyond, the first are dropped.
pub const PENDING_MAX: usize = 1_024;

/// One offence in a second is told at most: more would only say it again.
const COMPLAINTS: Rate = Rate { per_s: 1, burst: 1 };

#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) is_eager: bool,
    /// By which entries know it.
    pub(super) mark: Marks,
    /// What it is told of with the next batch.
    pub(super) pending: Vec<(Id, u16)>,
    pub(super) dues: Dues,
}

/// What a neighbour may still do; outlives its session.
#[derive(Debug)]
pub(super) struct Dues {
    taken: Budget,
    given: Budget,
    repaired: Bucket,
    unkept: Bucket,
    complaints: Bucket,
}

impl Dues {
    pub(super) fn new(now: Time) -> Self {
        Self {
            taken: Budget::new(NEIGHBOUR_FRAMES, NEIGHBOUR_BYTES, now),
            given: Budget::new(GIVEN_FRAMES, GIVEN_BYTES, now),
            repaired: Bucket::new(REPAIR_BYTES, now),
            unkept: Bucket::new(UNKEPT_PROMISES, now),
            complaints: Bucket::new(COMPLAINTS, now),
        }
    }
}

impl Neighbour {
    pub(super) fn new(mark: Marks, is_eager: bool, dues: Dues) -> Self {
        Self { is_eager, mark, pending: Vec::new(), dues }
    }

    pub(super) fn announce(&mut self, id: Id, hops: u16) {
        if self.pending.len() >= PENDING_MAX {
            self.pending.remove(0);
        }
        self.pending.push((id, hops));
    }

    /// Whether a frame of that length is within what it may send.
    pub(super) fn takes(&mut self, now: Time, bytes: usize) -> bool {
        self.dues.taken.spend(now, bytes)
    }

    /// Whether it is given a frame of that length.
    pub(super) fn gives(&mut self, now: Time, bytes: usize) -> bool {
        self.dues.given.spend(now, bytes)
    }

    /// Whether it may be sent that many bytes again.
    pub(super) fn repairs(&mut self, now: Time, bytes: usize) -> bool {
        self.dues.repaired.take(now, bytes as u64)
    }

    /// Whether one more promise that it did not keep is borne.
    pub(super) fn forgives(&mut self, now: Time) -> bool {
        self.dues.unkept.take(now, 1)
    }

    /// Whether an offence is to be told.
    pub(super) fn complains(&mut self, now: Time) -> bool {
        self.dues.complaints.take(now, 1)
    }
}
