//! Bytes on their way from a page to its worker, by peer connection.
//!
//! Bound: [`UNACKNOWLEDGED_BYTES_MAX`] of all together; who has the most on the way
//! when there are more is to lose its connection, whoever sent the last of them.

use ion_map::Map;

use crate::port::PeerConnectionId;

/// Bytes that may be on the way to the worker. Where peers send more while the worker
/// does not take them, the one with the most loses its connection.
pub(crate) const UNACKNOWLEDGED_BYTES_MAX: usize = 64 << 20;

/// What is on the way.
#[derive(Debug, Default)]
pub(crate) struct Unacknowledged {
    all: usize,
    each: Map<PeerConnectionId, usize>,
}

impl Unacknowledged {
    /// So many bytes of a connection leave for the worker. Which connection is to be
    /// closed, where they are too many now.
    pub(crate) fn put(&mut self, id: PeerConnectionId, bytes: usize) -> Option<PeerConnectionId> {
        self.all += bytes;
        *self.each.entry(id).or_insert(0) += bytes;
        if self.all <= UNACKNOWLEDGED_BYTES_MAX {
            return None;
        }
        self.each.iter().max_by_key(|(_, bytes)| **bytes).map(|(id, _)| *id)
    }

    /// So many bytes of a connection have arrived.
    pub(crate) fn taken(&mut self, id: PeerConnectionId, bytes: usize) {
        let Some(left) = self.each.get_mut(&id) else { return };
        let taken = bytes.min(*left);
        *left -= taken;
        self.all -= taken;
        if *left == 0 {
            self.each.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PeerConnectionId = PeerConnectionId(1);
    const OTHER: PeerConnectionId = PeerConnectionId(2);

    #[test]
    fn who_has_the_most_on_the_way_is_closed() {
        let mut unacknowledged = Unacknowledged::default();
        assert_eq!(unacknowledged.put(ONE, UNACKNOWLEDGED_BYTES_MAX), None);
        assert_eq!(unacknowledged.put(OTHER, 1), Some(ONE), "not who sent the last byte");
        unacknowledged.taken(ONE, UNACKNOWLEDGED_BYTES_MAX);
        assert_eq!(unacknowledged.put(OTHER, UNACKNOWLEDGED_BYTES_MAX - 1), None);
        assert_eq!(unacknowledged.put(OTHER, 1), Some(OTHER));
    }

    #[test]
    fn nobody_acknowledges_more_than_was_sent() {
        let mut unacknowledged = Unacknowledged::default();
        unacknowledged.put(ONE, 5);
        unacknowledged.taken(ONE, 9);
        unacknowledged.taken(OTHER, 9);
        assert_eq!((unacknowledged.all, unacknowledged.each.len()), (0, 0));
    }
}
