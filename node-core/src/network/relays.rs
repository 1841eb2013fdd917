//! Relays: staying connected to them, being found there, asking who is there.
//!
//! A relay may have several addresses. They are tried one after the other, those
//! by WebSocket first and else in the order that they were told; the first that
//! leads to a reservation serves until it is lost.
//!
//! A relay that was lost is tried again, at first soon, then ever less often.
//! Once it relays for this ion, the ion registers under its nebula's namespace
//! and asks who else did: at once, often while alone, rarely in company, for
//! newcomers reach for those they find.
//!
//! Bounds: [`RELAYS_MAX`] relays, [`ADDRESSES_MAX`] of each, [`FOUND_MAX`] ions taken from one answer.

use crate::{identity::IonId, platform::Time};

/// Relays that one ion uses.
pub const RELAYS_MAX: usize = super::bootstrap::RELAYS_MAX;
/// Addresses of one relay; the ones told last stay.
pub const ADDRESSES_MAX: usize = super::bootstrap::ADDRESSES_MAX / RELAYS_MAX;
/// Ions that are taken from one answer.
pub const FOUND_MAX: usize = 1_000;
/// How soon a lost relay is tried again at first, in milliseconds; doubles.
pub const RETRY_MS: u64 = 500;
/// How long at most until a lost relay is tried again, in milliseconds.
pub const RETRY_MS_MAX: u64 = 5_000;
/// How long reaching a relay at one address and registering there may take, in
/// milliseconds.
pub const REACH_MS: u64 = 20_000;
/// Between two questions while no other ion is linked, in milliseconds.
pub const ASK_ALONE_MS: u64 = 2_000;
/// Between two questions otherwise, in milliseconds.
pub const ASK_MS: u64 = 20_000;
/// How long a registration lasts, in seconds: an ion that left is found for
/// that long at most.
pub const REGISTRATION_S: u64 = 120;
/// Between two registrations, in milliseconds.
pub const REGISTER_MS: u64 = 45_000;
const _: () = assert!(2 * REGISTER_MS < REGISTRATION_S * 1_000, "one may be lost");

/// A relay, by its place in the list that the machine was given.
pub type RelayIndex = usize;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// These are the relays, as addresses.
    Known(Vec<String>),
    /// Members register and ask under this name from now on.
    Namespace(String),
    /// A relay relays for this ion now.
    Reserved(RelayIndex),
    /// A relay took the registration.
    Registered(RelayIndex),
    /// A relay has no room for the registration; why, as a sentence. It relays
    /// for this ion all the same.
    Unlisted(RelayIndex, String),
    /// A relay is lost, or could not be reached, or refused; why, as a sentence.
    Lost(RelayIndex, String),
    /// A relay told who is there.
    Found(RelayIndex, Vec<IonId>),
    /// How many ions are linked.
    Company(usize),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Connect to a relay and reserve there.
    Connect(RelayIndex, String),
    /// Give up a connection that leads nowhere.
    Disconnect(RelayIndex),
    /// Register under a namespace.
    Register(RelayIndex, String),
    /// Take the registration back.
    Unregister(RelayIndex, String),
    /// Ask who else is registered.
    Discover(RelayIndex, String),
    /// Ions were found.
    Found(Vec<IonId>),
}

/// The machine.
#[derive(Debug, Default)]
pub struct Relays {
    relays: Vec<Relay>,
    namespace: Option<String>,
    has_company: bool,
    changed: bool,
}

/// A relay as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The address that it is reached at, or that was tried last.
    pub address: String,
    /// All of them, in the order in which they are tried.
    addresses: Vec<String>,
    /// Those that are left to try before it rests.
    untried: Vec<String>,
    /// How far the connection is.
    pub state: State,
    /// Why it is not connected; empty while it is or nothing is known.
    pub problem: String,
    failures: u32,
    asked_at: Option<Time>,
}

/// How far the connection to a relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being reached, since when.
    Reaching(Time),
    /// It relays for this ion, since when.
    Reserved(Time),
    /// Others find this ion there; when it registered.
    Registered(Time),
    /// It relays for this ion, and others do not find this ion there; when it
    /// refused the registration. It is asked again.
    Unlisted(Time),
    /// Left alone until then.
    Resting(Time),
}

impl Relays {
    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Known(addresses) => self.known(now, addresses, effects),
            Input::Namespace(namespace) => self.rename(now, namespace, effects),
            Input::Reserved(index) => {
                self.set(index, State::Reserved(now));
                self.register(index, effects);
                self.ask(now, index, effects);
            }
            Input::Registered(index) => {
                let is_renewal = self.is_registered_at(index);
                self.set(index, State::Registered(now));
                if is_renewal {
                    return;
                }
                // Whoever registered since the first question is found now.
                self.ask(now, index, effects);
            }
            Input::Unlisted(index, problem) => self.unlisted(now, index, problem),
            Input::Lost(index, problem) => self.lost(now, index, problem, effects),
            Input::Found(index, mut ions) => {
                if self.relays.get(index).is_some_and(Relay::is_up) {
                    ions.truncate(FOUND_MAX);
                    effects.push(Effect::Found(ions));
                }
            }
            Input::Company(ions) => self.has_company = ions > 0,
            Input::Tick => self.tick(now, effects),
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Relay] {
        &self.relays
    }

    /// Whether newcomers can find this ion.
    pub fn is_registered(&self) -> bool {
        self.relays.iter().any(|relay| matches!(relay.state, State::Registered(_)))
    }

    fn is_registered_at(&self, index: RelayIndex) -> bool {
        self.relays.get(index).is_some_and(|relay| matches!(relay.state, State::Registered(_)))
    }

    /// Whether all of them have failed at least once and none is up.
    pub fn are_down(&self) -> bool {
        self.relays.iter().all(|relay| !relay.is_up() && relay.failures > 0)
    }

    /// Whether what is shown changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn known(&mut self, now: Time, addresses: Vec<String>, effects: &mut Vec<Effect>) {
        let before = self.relays.len();
        for told in by_relay(addresses) {
            let is_it = |relay: &&mut Relay| peer(&relay.address) == peer(&told[0]);
            if let Some(relay) = self.relays.iter_mut().find(is_it) {
                relay.learn(told);
            } else if self.relays.len() < RELAYS_MAX {
                self.relays.push(Relay::new(now, told));
            }
        }
        for index in before..self.relays.len() {
            self.connect(now, index, effects);
        }
        self.changed = true;
    }

    /// Tries a relay at its first address, and may try the others after it.
    fn connect(&mut self, now: Time, index: RelayIndex, effects: &mut Vec<Effect>) {
        let relay = &mut self.relays[index];
        relay.untried = relay.addresses.clone();
        self.connect_next(now, index, effects);
    }

    /// Tries a relay at the next address that is left; whether there was one.
    fn connect_next(&mut self, now: Time, index: RelayIndex, effects: &mut Vec<Effect>) -> bool {
        let relay = &mut self.relays[index];
        if relay.untried.is_empty() {
            return false;
        }
        relay.address = relay.untried.remove(0);
        effects.push(Effect::Connect(index, relay.address.clone()));
        self.set(index, State::Reaching(now));
        true
    }

    fn rename(&mut self, now: Time, namespace: String, effects: &mut Vec<Effect>) {
        let before = self.namespace.replace(namespace);
        for index in 0..self.relays.len() {
            if !self.relays[index].is_up() {
                continue;
            }
            if let Some(before) = before.clone() {
                effects.push(Effect::Unregister(index, before));
            }
            self.set(index, State::Reserved(now));
            self.register(index, effects);
            self.ask(now, index, effects);
        }
    }

    fn register(&self, index: RelayIndex, effects: &mut Vec<Effect>) {
        if let Some(namespace) = self.namespace.clone() {
            effects.push(Effect::Register(index, namespace));
        }
    }

    fn ask(&mut self, now: Time, index: RelayIndex, effects: &mut Vec<Effect>) {
        let Some(namespace) = self.namespace.clone() else { return };
        if let Some(relay) = self.relays.get_mut(index) {
            relay.asked_at = Some(now);
            effects.push(Effect::Discover(index, namespace));
        }
    }

    fn lost(&mut self, now: Time, index: RelayIndex, problem: String, effects: &mut Vec<Effect>) {
        let Some(relay) = self.relays.get_mut(index) else { return };
        if let State::Resting(_) = relay.state {
            return;
        }
        if relay.is_first_try() {
            relay.problem = problem;
        }
        if let State::Reaching(_) = relay.state
            && self.connect_next(now, index, effects)
        {
            return;
        }
        let relay = &mut self.relays[index];
        let rest = RETRY_MS.saturating_mul(1 << relay.failures.min(16)).min(RETRY_MS_MAX);
        relay.failures += 1;
        relay.state = State::Resting(now.plus_ms(rest));
        self.changed = true;
    }

    fn unlisted(&mut self, now: Time, index: RelayIndex, problem: String) {
        // The answer may come after the relay was lost.
        if !self.relays.get(index).is_some_and(Relay::is_up) {
            return;
        }
        self.set(index, State::Unlisted(now));
        self.relays[index].problem = problem;
    }

    fn set(&mut self, index: RelayIndex, state: State) {
        let Some(relay) = self.relays.get_mut(index) else { return };
        relay.state = state;
        if relay.is_up() {
            relay.failures = 0;
            relay.problem.clear();
        }
        self.changed = true;
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for index in 0..self.relays.len() {
            match self.relays[index].state {
                State::Resting(until) if now >= until => self.connect(now, index, effects),
                // Without a namespace there is nothing to register, so nothing is late.
                State::Reserved(_) if self.namespace.is_none() => {}
                State::Reaching(since) | State::Reserved(since)
                    if now.since_ms(since) > REACH_MS =>
                {
                    effects.push(Effect::Disconnect(index));
                    self.lost(now, index, "it did not answer in time".to_owned(), effects);
                }
                State::Registered(since) => {
                    if now.since_ms(since) > REGISTER_MS {
                        // It stands until it is renewed or lapses.
                        self.set(index, State::Registered(now));
                        self.register(index, effects);
                    }
                    self.ask_if_due(now, index, effects);
                }
                State::Unlisted(since) => {
                    if now.since_ms(since) > REGISTER_MS {
                        self.relays[index].state = State::Unlisted(now);
                        self.register(index, effects);
                    }
                    self.ask_if_due(now, index, effects);
                }
                _ => {}
            }
        }
    }

    fn ask_if_due(&mut self, now: Time, index: RelayIndex, effects: &mut Vec<Effect>) {
        let wait = if self.has_company { ASK_MS } else { ASK_ALONE_MS };
        let asked_at = self.relays[index].asked_at;
        if asked_at.is_none_or(|at| now.since_ms(at) >= wait) {
            self.ask(now, index, effects);
        }
    }
}

/// Whom an address leads to: what stands behind its last `/p2p/`.
fn peer(address: &str) -> &str {
    address.rsplit_once("/p2p/").map_or(address, |(_, peer)| peer)
}

/// The addresses of each relay together, relays and addresses in the order that
/// they were told.
fn by_relay(addresses: Vec<String>) -> Vec<Vec<String>> {
    let mut relays: Vec<Vec<String>> = Vec::new();
    for address in addresses {
        match relays.iter_mut().find(|told| peer(&told[0]) == peer(&address)) {
            Some(told) => told.push(address),
            None => relays.push(vec![address]),
        }
    }
    relays
}

/// Whether an address is that of a WebSocket.
fn is_websocket(address: &str) -> bool {
    address.split('/').any(|part| matches!(part, "ws" | "wss"))
}

impl Relay {
    /// A relay with these addresses, of which there is one at least.
    fn new(now: Time, addresses: Vec<String>) -> Self {
        let mut relay = Self {
            address: addresses[0].clone(),
            addresses: Vec::new(),
            untried: Vec::new(),
            state: State::Resting(now),
            problem: String::new(),
            failures: 0,
            asked_at: None,
        };
        relay.learn(addresses);
        relay
    }

    /// Takes further addresses, which are tried from the next time on.
    fn learn(&mut self, mut told: Vec<String>) {
        told.append(&mut self.addresses);
        for address in told {
            if self.addresses.len() < ADDRESSES_MAX && !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        // Stable: each kind stays in the order that it was told.
        ion_map::sort_by_key(&mut self.addresses, |address| !is_websocket(address));
    }

    /// Whether no other address was tried before this one since it last rested.
    /// Its problem is the one to tell: what comes after it is second choice.
    fn is_first_try(&self) -> bool {
        self.is_up() || self.addresses.first() == Some(&self.address)
    }

    /// Whether it relays for this ion.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Reserved(_) | State::Registered(_) | State::Unlisted(_))
    }
}

#[cfg(test)]
mod tests;
