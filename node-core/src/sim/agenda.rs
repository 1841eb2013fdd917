//! What is going to happen, in order of time.

use std::{cmp::Ordering, collections::BinaryHeap};

use spark_runtime::Report;

use crate::node::{Command, Input};

/// An ion by its place in the world.
pub(super) type IonIndex = usize;
/// A stream by its place in the world.
pub(super) type StreamIndex = usize;

/// One thing that happens.
pub(super) enum Happening {
    /// An ion's timer.
    Tick { ion: IonIndex, life: u32 },
    /// An ion is told something by one of its drivers.
    Input { ion: IonIndex, life: u32, input: Input },
    /// A stream's first bytes or a frame arrive.
    Arrive { stream: StreamIndex, bytes: Vec<u8>, is_opening: bool },
    /// An end of a stream hears that the stream is gone.
    Gone { stream: StreamIndex, at_sender: bool },
    /// Reaching for an ion comes to nothing.
    Unreached { ion: IonIndex, life: u32, other: IonIndex },
    /// A guest ends.
    GuestEnds { ion: IonIndex, life: u32, run: u64, report: Report, is_last: bool },
    /// A relay notices that an ion is no longer connected to it.
    Forgotten { relay: usize, ion: IonIndex, life: u32 },
    /// An ion notices that its relay is no longer there.
    RelayGone { relay: usize, ion: IonIndex, life: u32 },
    /// Something that was planned.
    Act(Act),
}

/// What a plan can do to the world.
pub(super) enum Act {
    Start(IonIndex),
    Command(IonIndex, Box<Command>),
    Submit(super::JobPlan),
    CancelOf(IonIndex),
    Crash(IonIndex),
    Restart(IonIndex),
    Replace(IonIndex),
    Split(u64),
    Heal,
    RelayDown(usize),
    RelayUp(usize),
    Break,
    Hide(IonIndex, u64),
    Move(IonIndex, usize),
}

/// The queue.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Entry>,
    added: u64,
}

struct Entry {
    at_ms: u64,
    number: u64,
    happening: Happening,
}

impl Agenda {
    pub(super) fn add(&mut self, at_ms: u64, happening: Happening) {
        self.added += 1;
        self.heap.push(Entry { at_ms, number: self.added, happening });
    }

    /// The next thing that happens not after `until_ms`, and when.
    pub(super) fn next(&mut self, until_ms: u64) -> Option<(u64, Happening)> {
        if self.heap.peek()?.at_ms > until_ms {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at_ms, entry.happening))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, so that the heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.number).cmp(&(self.at_ms, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}
