//! Relays: who is connected, who registered where, who can reach whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    agenda::{Happening, IonIndex},
    world::World,
};
use crate::{
    network::{News, bootstrap::Bootstrap, relays::RelayIndex},
    node::Input,
};

/// A relay.
pub(super) struct Relay {
    pub(super) is_up: bool,
    pub(super) life: u32,
    pub(super) side: u64,
    /// Ions that it relays for, with the life that they had.
    reserved: BTreeMap<IonIndex, u32>,
    names: BTreeMap<String, BTreeSet<IonIndex>>,
}

impl Default for Relay {
    fn default() -> Self {
        Self { is_up: true, life: 0, side: 0, reserved: BTreeMap::new(), names: BTreeMap::new() }
    }
}

/// What an ion's driver knows of one of its relays.
#[derive(Clone, Copy)]
pub(super) struct Berth {
    relay: usize,
    is_connected: bool,
}

impl World {
    fn relay_delay(&mut self) -> u64 {
        let (min, max) = (self.conditions.latency_ms_min, self.conditions.latency_ms_max);
        self.between(2 * min, 2 * max)
    }

    fn answer(&mut self, ion: IonIndex, input: Input) {
        let life = self.ions[ion].life;
        let delay = self.relay_delay();
        self.later(delay, Happening::Input { ion, life, input });
    }

    fn can_use(&self, ion: IonIndex, relay: usize) -> bool {
        self.relays[relay].is_up && self.ions[ion].side == self.relays[relay].side
    }

    fn relay_at(&self, ion: IonIndex, index: RelayIndex) -> Option<usize> {
        let berth = self.ions[ion].berths.get(index).filter(|berth| berth.is_connected)?;
        let is_known = self.relays[berth.relay].reserved.get(&ion) == Some(&self.ions[ion].life);
        (is_known && self.can_use(ion, berth.relay)).then_some(berth.relay)
    }

    pub(super) fn fetch_bootstrap(&mut self, ion: IonIndex) {
        let is_there = (0..self.relays.len()).any(|relay| self.can_use(ion, relay));
        let nebula = self.has_open_nebula.then(|| self.invitations[0].encode());
        let relays = (0..self.relays.len()).map(|relay| format!("/relay/{relay}")).collect();
        let result = if is_there {
            Ok(Bootstrap { version: 1, relays, nebula, ..Bootstrap::default() })
        } else {
            Err("nothing answers".to_owned())
        };
        self.answer(ion, Input::Bootstrap(result));
    }

    pub(super) fn connect(&mut self, ion: IonIndex, index: RelayIndex, address: &str) {
        let relay = address.rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
        let Some(relay) = relay.filter(|relay| *relay < self.relays.len()) else {
            self.answer(
                ion,
                Input::Network(News::RelayLost(index, "there is no such relay".to_owned())),
            );
            return;
        };
        let berths = &mut self.ions[ion].berths;
        berths.resize(berths.len().max(index + 1), Berth { relay, is_connected: false });
        if self.can_use(ion, relay) {
            self.ions[ion].berths[index] = Berth { relay, is_connected: true };
            let life = self.ions[ion].life;
            self.relays[relay].reserved.insert(ion, life);
            self.answer(ion, Input::Network(News::Reserved(index)));
        } else {
            self.ions[ion].berths[index] = Berth { relay, is_connected: false };
            self.answer(
                ion,
                Input::Network(News::RelayLost(index, "it does not answer".to_owned())),
            );
        }
    }

    pub(super) fn disconnect(&mut self, ion: IonIndex, index: RelayIndex) {
        let Some(berth) = self.ions[ion].berths.get_mut(index) else { return };
        berth.is_connected = false;
        let relay = berth.relay;
        self.relays[relay].forget(ion);
        self.ions[ion].relay_losses += 1;
    }

    /// How often an ion gave up a relay or lost it.
    pub fn relay_losses(&self, ion: usize) -> u64 {
        self.ions[ion].relay_losses
    }

    pub(super) fn register(&mut self, ion: IonIndex, index: RelayIndex, name: String) {
        if let Some(relay) = self.relay_at(ion, index) {
            self.relays[relay].names.entry(name).or_default().insert(ion);
            self.answer(ion, Input::Network(News::Registered(index)));
        }
    }

    pub(super) fn unregister(&mut self, ion: IonIndex, index: RelayIndex, name: &str) {
        let Some(relay) = self.relay_at(ion, index) else { return };
        if let Some(names) = self.relays[relay].names.get_mut(name) {
            names.remove(&ion);
        }
    }

    pub(super) fn discover(&mut self, ion: IonIndex, index: RelayIndex, name: &str) {
        let Some(relay) = self.relay_at(ion, index) else { return };
        let there = self.relays[relay].names.get(name).into_iter().flatten();
        let found =
            there.filter(|other| **other != ion).map(|other| self.ions[*other].id).collect();
        self.answer(ion, Input::Network(News::Found(index, found)));
    }

    /// The relay by which one ion reaches another, if there is one.
    pub(super) fn path(&self, from: IonIndex, to: IonIndex) -> Option<usize> {
        (0..self.relays.len()).find(|relay| {
            let reserved = &self.relays[*relay].reserved;
            let knows = |ion: IonIndex| reserved.get(&ion) == Some(&self.ions[ion].life);
            self.ions[to].is_alive
                && knows(from)
                && knows(to)
                && self.relays[*relay].is_up
                && self.are_together(from, to, *relay)
        })
    }

    /// Whether nothing stands between two ions and a relay.
    pub(super) fn are_together(&self, one: IonIndex, other: IonIndex, relay: usize) -> bool {
        let side = self.relays[relay].side;
        self.ions[one].side == side && self.ions[other].side == side
    }

    /// An outsider may use every relay without asking.
    pub(super) fn berth_outsider(&mut self, ion: IonIndex) {
        let life = self.ions[ion].life;
        for relay in &mut self.relays {
            relay.reserved.insert(ion, life);
        }
    }

    pub(super) fn forgotten(&mut self, relay: usize, ion: IonIndex, life: u32) {
        let is_same = self.relays[relay].reserved.get(&ion) == Some(&life);
        let is_back = self.is_living(ion, life) && self.can_use(ion, relay);
        if is_same && !is_back {
            self.relays[relay].forget(ion);
        }
    }

    /// An ion notices that a relay has gone, unless it is back already.
    pub(super) fn relay_gone(&mut self, relay: usize, ion: IonIndex, life: u32) {
        if !self.is_living(ion, life) {
            return;
        }
        let knows = self.relays[relay].reserved.get(&ion) == Some(&life);
        if knows && self.can_use(ion, relay) {
            return;
        }
        let berths = &mut self.ions[ion].berths;
        let lost = |berth: &Berth| berth.relay == relay && berth.is_connected;
        let Some(index) = berths.iter().position(lost) else { return };
        berths[index].is_connected = false;
        self.ions[ion].relay_losses += 1;
        self.trace.note(self.now_ms, ion, "loses relay", None, relay as u64);
        self.hand(ion, Input::Network(News::RelayLost(index, "the connection ended".to_owned())));
    }

    /// Stops a relay: it forgets everybody, and everybody notices within a
    /// few seconds.
    pub fn stop_relay(&mut self, relay: usize) {
        if !std::mem::take(&mut self.relays[relay].is_up) {
            return;
        }
        self.trace.note(self.now_ms, relay, "is a relay that stops", None, 0);
        self.relays[relay].reserved.clear();
        self.relays[relay].names.clear();
        let life = self.relays[relay].life;
        self.break_relayed(relay, life);
        self.notice_relay(relay, 3_000);
    }

    /// Every ion looks within `ms` milliseconds whether the relay still stands.
    pub(super) fn notice_relay(&mut self, relay: usize, ms: u64) {
        for ion in 0..self.ions.len() {
            let life = self.ions[ion].life;
            let delay = self.between(0, ms);
            self.later(delay, Happening::RelayGone { relay, ion, life });
            self.later(delay, Happening::Forgotten { relay, ion, life });
        }
    }

    /// Starts a relay that was stopped.
    pub fn start_relay(&mut self, relay: usize) {
        if !self.relays[relay].is_up {
            self.relays[relay].is_up = true;
            self.relays[relay].life += 1;
        }
    }

    /// Lets a relay tell an ion of another that never registered there.
    pub fn gossip(&mut self, ion: usize, about: usize) {
        let id = self.ions[about].id;
        self.answer(ion, Input::Network(News::Found(0, vec![id])));
    }
}

impl Relay {
    fn forget(&mut self, ion: IonIndex) {
        self.reserved.remove(&ion);
        for names in self.names.values_mut() {
            names.remove(&ion);
        }
    }
}
