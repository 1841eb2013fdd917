//! What is to be passed on: a queue per neighbour that it came from, and one
//! of this ion's own, served in turn, so that nobody's messages hold up the
//! others'.
//!
//! Bounds: [`OWN_BYTES_MAX`] of its own, [`TRANSIT_BYTES_MAX`] of each
//! neighbour, and [`OUT_BYTES`] in a second.

use std::collections::VecDeque;

use ion_map::Map;

use crate::{
    identity::IonId,
    network::budget::{Bucket, Rate},
    platform::Time,
};

/// This ion's own frames that wait, in bytes: some messages of the largest kind.
pub const OWN_BYTES_MAX: usize = 16 << 20;
/// A neighbour's frames that wait here, in bytes.
pub const TRANSIT_BYTES_MAX: usize = 2 << 20;
/// What leaves for others, in bytes.
pub const OUT_BYTES: Rate = Rate { per_s: 4 << 20, burst: 2 << 20 };

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<(IonId, Vec<u8>)>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Outbox {
    own: IonId,
    /// By the ion that the frames came from: a neighbour, or this one.
    queues: Map<IonId, Queue>,
    /// Who was served last.
    last: Option<IonId>,
    pace: Bucket,
}

impl Outbox {
    pub(super) fn new(own: IonId) -> Self {
        let pace = Bucket::new(OUT_BYTES, Time::ZERO);
        Self { own, queues: Map::new(), last: None, pace }
    }

    /// Whether that many bytes more from this source can wait.
    pub(super) fn has_room(&self, source: IonId, bytes: usize) -> bool {
        let limit = if source == self.own { OWN_BYTES_MAX } else { TRANSIT_BYTES_MAX };
        let waiting = self.queues.get(&source).map_or(0, |queue| queue.bytes);
        waiting.saturating_add(bytes) <= limit
    }

    pub(super) fn push(&mut self, source: IonId, to: IonId, frame: Vec<u8>) {
        let queue = self.queues.entry(source).or_default();
        queue.bytes += frame.len();
        queue.frames.push_back((to, frame));
    }

    /// The next frame that may leave.
    pub(super) fn pop(&mut self, now: Time) -> Option<(IonId, Vec<u8>)> {
        let source = self.turn()?;
        let queue = self.queues.get_mut(&source)?;
        let bytes = queue.frames.front()?.1.len();
        if !self.pace.take(now, bytes as u64) {
            return None;
        }
        let frame = queue.frames.pop_front();
        queue.bytes -= bytes;
        if queue.frames.is_empty() {
            self.queues.remove(&source);
        }
        self.last = Some(source);
        frame
    }

    /// A neighbour is gone: what was for it is dropped.
    pub(super) fn down(&mut self, ion: &IonId) {
        self.queues.retain(|_, queue| {
            queue.frames.retain(|(to, _)| to != ion);
            queue.bytes = queue.frames.iter().map(|(_, frame)| frame.len()).sum();
            !queue.frames.is_empty()
        });
    }

    /// Whose turn it is: the first behind the one that was served last.
    fn turn(&self) -> Option<IonId> {
        let behind = self.last.and_then(|last| {
            let after = (std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded);
            self.queues.range(after).next()
        });
        behind.or_else(|| self.queues.first_key_value()).map(|(source, _)| *source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(salt: u8) -> IonId {
        IonId::from_bytes([salt; 32])
    }

    #[test]
    fn sources_are_served_in_turn() {
        let mut outbox = Outbox::new(ion(0));
        for number in 0..3 {
            outbox.push(ion(1), ion(9), vec![1, number]);
        }
        outbox.push(ion(2), ion(9), vec![2, 0]);
        outbox.push(ion(0), ion(9), vec![0, 0]);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop(Time::ZERO)).collect();
        let order: Vec<_> = order.into_iter().map(|(_, frame)| (frame[0], frame[1])).collect();
        assert_eq!(order, [(0, 0), (1, 0), (2, 0), (1, 1), (1, 2)]);
    }

    #[test]
    fn it_keeps_to_its_pace_and_its_room() {
        let mut outbox = Outbox::new(ion(0));
        let frame = vec![0; 1 << 20];
        for _ in 0..4 {
            outbox.push(ion(1), ion(9), frame.clone());
        }
        assert!(!outbox.has_room(ion(1), 1));
        assert!(outbox.has_room(ion(0), OWN_BYTES_MAX));
        let popped =
            |outbox: &mut Outbox, ms| std::iter::from_fn(|| outbox.pop(Time::from_ms(ms))).count();
        assert_eq!(popped(&mut outbox, 0), 2);
        assert_eq!(popped(&mut outbox, 249), 0);
        assert_eq!(popped(&mut outbox, 250), 1);
        outbox.down(&ion(9));
        assert_eq!(popped(&mut outbox, 9_000), 0);
        assert!(outbox.has_room(ion(1), TRANSIT_BYTES_MAX));
    }
}
