//! What is known of an ion that blocks are fetched from: how fast it delivers,
//! how much may be asked of it, whether it keeps its promises.

use ion_map::Map;

use super::wire::Piece;
use crate::{
    platform::Time,
    store::chunk::{CHUNK_BYTES, Cid},
};

/// What may be asked of one ion at once, in bytes, and a block beyond it.
pub(super) const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// What may be asked of an ion that nothing is known of, in bytes.
const WINDOW_BYTES_FIRST: u64 = 2 << 20;
/// How long asked bytes may queue at the sender, in milliseconds: longer than
/// the time in which the receiver takes a turn.
const QUEUE_MS: u64 = 500;
/// The shortest time over which a rate is measured, in milliseconds.
const SAMPLE_MS: u64 = 200;
/// What an ion is taken to deliver before it did, in bytes a second.
const RATE_GUESS: u64 = 64 << 10;
/// Shortest silence of one that was asked that counts, in milliseconds.
const SILENCE_MS_MIN: u64 = 3_000;
/// Longest silence that is borne, in milliseconds.
const SILENCE_MS_MAX: u64 = 15_000;
/// Silences, without a block between, until an ion is put aside.
const SILENCES_MAX: u32 = 3;
/// For how long, in milliseconds.
const ASIDE_SILENT_MS: u64 = 60_000;
/// For how long one is put aside that sent other bytes, in milliseconds.
const ASIDE_LIAR_MS: u64 = 600_000;
/// Bytes beyond what was asked for, cancelled or not, before it is an offence.
const UNASKED_BYTES_MAX: u64 = 1 << 20;

/// How an ion broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Offence {
    /// It sent what is no message, or parts that do not fit together.
    #[error("it sent what is no message of the store room")]
    Malformed,
    /// It sent other bytes than those of the block.
    #[error("it sent other bytes than those of the block")]
    Altered,
    /// It says that it has blocks and does not send them.
    #[error("it says that it has blocks and does not send them")]
    Silent,
    /// It sends what nobody asked for.
    #[error("it sends what nobody asked for")]
    Unasked,
}

/// A block on its way.
#[derive(Debug)]
pub(super) struct Flight {
    asked_at: Time,
    bytes_max: u32,
    total: Option<u32>,
    bytes: Vec<u8>,
}

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// More is to come.
    Part,
    /// The whole block is here, unverified.
    Whole(Vec<u8>),
    /// The ion broke the rules.
    Offence(Offence),
}

/// What is known of an ion.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) flights: Map<Cid, Flight>,
    /// When it was last asked who has what.
    pub(super) sought_at: Time,
    window_bytes: u64,
    /// In bytes a second; 0 before it delivered anything.
    rate: u64,
    /// The shortest time from asking to the first piece, in milliseconds.
    latency_ms: u64,
    sampled_at: Time,
    sampled_bytes: u64,
    heard_at: Time,
    /// How long it had been silent when it was last asked for nothing any more,
    /// in milliseconds: others that are faster do not hide who sends nothing.
    silent_ms: u64,
    silences: u32,
    aside_until: Time,
    /// What may still come of what was cancelled, in bytes.
    late_bytes: u64,
    unasked_bytes: u64,
}

impl Peer {
    pub(super) fn new(now: Time) -> Self {
        Self {
            flights: Map::new(),
            sought_at: now,
            window_bytes: WINDOW_BYTES_FIRST,
            rate: 0,
            latency_ms: SILENCE_MS_MIN,
            sampled_at: now,
            sampled_bytes: 0,
            heard_at: now,
            silent_ms: 0,
            silences: 0,
            aside_until: Time::ZERO,
            late_bytes: 0,
            unasked_bytes: 0,
        }
    }

    pub(super) const fn rate(&self) -> u64 {
        self.rate
    }

    /// The better come first: they are asked before the others.
    pub(super) const fn rank(&self) -> (u32, u64) {
        (self.silences, u64::MAX - self.rate)
    }

    pub(super) fn is_aside(&self, now: Time) -> bool {
        now < self.aside_until
    }

    /// Whether a block may be asked of it now: as soon as less than a window is
    /// to come, so that a slow ion has its next block to send when it is done.
    pub(super) fn has_room(&self, now: Time) -> bool {
        let is_short = self.flights.is_empty() || self.coming_bytes() < self.window_bytes;
        is_short && !self.is_aside(now)
    }

    pub(super) fn flying_bytes(&self) -> u64 {
        self.flights.values().map(|flight| u64::from(flight.bytes_max)).sum()
    }

    /// What of it has not come yet, at most.
    fn coming_bytes(&self) -> u64 {
        let came: u64 = self.flights.values().map(|flight| flight.bytes.len() as u64).sum();
        self.flying_bytes().saturating_sub(came)
    }

    /// How long it would take to deliver all that it was asked for and so many
    /// bytes more, in milliseconds.
    pub(super) fn wait_ms(&self, now: Time, more: u32) -> u64 {
        let rate = if self.rate == 0 { RATE_GUESS } else { self.rate };
        let bytes = self.coming_bytes() + u64::from(more);
        let silent_ms = if self.flights.is_empty() { 0 } else { now.since_ms(self.heard_at) };
        bytes * 1_000 / rate + silent_ms
    }

    pub(super) fn ask(&mut self, now: Time, cid: Cid, bytes_max: u32) {
        if self.flights.is_empty() {
            (self.sampled_at, self.sampled_bytes) = (now, 0);
            self.heard_at = now.minus_ms(self.silent_ms);
        }
        let flight = Flight { asked_at: now, bytes_max, total: None, bytes: Vec::new() };
        self.flights.insert(cid, flight);
    }

    /// It need not send this any more; it may have begun to.
    pub(super) fn release(&mut self, now: Time, cid: &Cid) -> bool {
        let Some(flight) = self.flights.remove(cid) else { return false };
        let rest = u64::from(flight.bytes_max).saturating_sub(flight.bytes.len() as u64);
        self.late_bytes = (self.late_bytes + rest).min(2 * WINDOW_BYTES_MAX);
        if self.flights.is_empty() {
            self.silent_ms = now.since_ms(self.heard_at);
        }
        true
    }

    /// Takes a piece that keeps the wire's bounds.
    pub(super) fn piece(&mut self, now: Time, piece: &Piece) -> Taken {
        let Some(flight) = self.flights.get_mut(&piece.cid) else {
            return self.unasked(piece.bytes.len());
        };
        let fits = piece.offset as usize == flight.bytes.len()
            && piece.total <= flight.bytes_max
            && flight.total.is_none_or(|total| total == piece.total);
        if !fits {
            return Taken::Offence(Offence::Malformed);
        }
        if flight.total.is_none() {
            self.latency_ms = self.latency_ms.min(now.since_ms(flight.asked_at));
            flight.bytes.reserve_exact(piece.total as usize);
        }
        flight.total = Some(piece.total);
        flight.bytes.extend_from_slice(&piece.bytes);
        let is_whole = flight.bytes.len() == piece.total as usize;
        (self.heard_at, self.silent_ms) = (now, 0);
        self.measure(now, piece.bytes.len() as u64);
        if !is_whole {
            return Taken::Part;
        }
        let flight = self.flights.remove(&piece.cid).expect("it was there a moment ago");
        Taken::Whole(flight.bytes)
    }

    /// A block came and is what it should be.
    pub(super) fn delivered(&mut self) {
        self.silences = 0;
    }

    /// Whether it has been silent for too long with something asked of it. Then
    /// less is asked of it, and after some times nothing for a while.
    pub(super) fn is_silent(&self, now: Time) -> bool {
        !self.flights.is_empty() && now.since_ms(self.heard_at) >= self.patience_ms()
    }

    /// Counts a silence; whether it is put aside for it.
    pub(super) fn silence(&mut self, now: Time) -> bool {
        self.silences += 1;
        self.window_bytes /= 2;
        (self.heard_at, self.silent_ms) = (now, 0);
        // One that never delivered has only its word.
        let is_over = self.silences >= if self.rate == 0 { 2 } else { SILENCES_MAX };
        if is_over {
            self.put_aside(now, Offence::Silent);
        }
        is_over
    }

    pub(super) fn put_aside(&mut self, now: Time, offence: Offence) {
        let ms = if offence == Offence::Silent { ASIDE_SILENT_MS } else { ASIDE_LIAR_MS };
        self.aside_until = now.plus_ms(ms);
        self.window_bytes = 0;
        (self.rate, self.silences) = (0, 1);
    }

    fn patience_ms(&self) -> u64 {
        if self.rate == 0 {
            return SILENCE_MS_MIN;
        }
        let block_ms = u64::from(CHUNK_BYTES) * 1_000 / self.rate;
        (4 * (self.latency_ms + block_ms)).clamp(SILENCE_MS_MIN, SILENCE_MS_MAX)
    }

    fn unasked(&mut self, bytes: usize) -> Taken {
        let bytes = bytes as u64;
        if let Some(rest) = self.late_bytes.checked_sub(bytes) {
            self.late_bytes = rest;
            return Taken::Part;
        }
        self.unasked_bytes += bytes;
        if self.unasked_bytes <= UNASKED_BYTES_MAX {
            return Taken::Part;
        }
        self.unasked_bytes = 0;
        Taken::Offence(Offence::Unasked)
    }

    /// The window is what comes in the latency and [`QUEUE_MS`]. As long as a
    /// window takes less than that, the next is larger; on a full link it stays.
    fn measure(&mut self, now: Time, bytes: u64) {
        self.sampled_bytes += bytes;
        let ms = now.since_ms(self.sampled_at);
        if ms < SAMPLE_MS {
            return;
        }
        let sample = (self.sampled_bytes * 1_000 / ms).max(1);
        self.rate = if self.rate == 0 { sample } else { (3 * self.rate + sample) / 4 };
        self.window_bytes =
            (self.rate * (self.latency_ms + QUEUE_MS) / 1_000).min(WINDOW_BYTES_MAX);
        (self.sampled_at, self.sampled_bytes) = (now, 0);
    }
}
