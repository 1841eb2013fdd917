//! Connections of ions that say nothing. They take places from others, and a
//! silent stream now and then would keep them.

use ion_map::Map;
use libp2p::{PeerId, swarm::ConnectionId};

use super::{Driver, Session};
use crate::{
    identity::IonId,
    platform::{Platform, Time},
};

/// How long an ion that connected to us may open no room, in milliseconds.
pub(super) const SILENT_MS: u64 = 30_000;

/// Connections that others made, and when something was last to be said there.
#[derive(Default)]
pub(super) struct Strangers(Map<ConnectionId, (PeerId, Time)>);

impl Strangers {
    pub(super) fn connected(&mut self, now: Time, id: ConnectionId, peer: PeerId) {
        self.0.insert(id, (peer, now));
    }

    pub(super) fn closed(&mut self, id: ConnectionId) {
        self.0.remove(&id);
    }

    /// Those that were silent too long, now forgotten.
    fn silent(&mut self, now: Time, speaks: impl Fn(&PeerId) -> bool) -> Vec<ConnectionId> {
        for (peer, since) in self.0.values_mut() {
            if speaks(peer) {
                *since = now;
            }
        }
        let late = self.0.iter().filter(|(_, (_, since))| now.since_ms(*since) >= SILENT_MS);
        let late: Vec<ConnectionId> = late.map(|(id, _)| *id).collect();
        for id in &late {
            self.0.remove(id);
        }
        late
    }
}

impl<P: Platform> Driver<P> {
    pub(super) fn close_silent(&mut self) {
        let speaks = |peer: &PeerId| {
            let session = IonId::from_peer(peer).and_then(|ion| self.sessions.get(&ion));
            session.is_some_and(Session::has_opening)
                || self.relays.values().any(|relay| relay.peer == *peer)
        };
        for id in self.strangers.silent(self.platform.now(), speaks) {
            self.swarm.close_connection(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_for_long_is_left() {
        let (mut strangers, at) = (Strangers::default(), Time::from_ms);
        let peers = [PeerId::random(), PeerId::random()];
        for (id, peer) in peers.into_iter().enumerate() {
            strangers.connected(at(0), ConnectionId::new_unchecked(id), peer);
        }
        let first = |peer: &PeerId| *peer == peers[0];
        assert!(strangers.silent(at(SILENT_MS - 1), first).is_empty());
        let silent = strangers.silent(at(SILENT_MS), first);
        assert_eq!(silent, [ConnectionId::new_unchecked(1)]);
        assert!(strangers.silent(at(2 * SILENT_MS - 1), |_| false).is_empty());
        let silent = strangers.silent(at(2 * SILENT_MS), |_| false);
        assert_eq!(silent, [ConnectionId::new_unchecked(0)]);
    }
}
