//! Relays: staying connected to them, being found there, asking who is there.
//!
//! A relay that was lost is tried again, at first soon, then ever less often.
//! Once it relays for this ion, the ion registers under its nebula's namespace
//! and asks who else did: at once, often while alone, rarely in company, for
//! newcomers reach for those they find.
//!
//! Bounds: [`RELAYS_MAX`] relays, [`FOUND_MAX`] ions taken from one answer.

use crate::{identity::IonId, platform::Time};

/// Relays that one ion uses.
pub const RELAYS_MAX: usize = super::bootstrap::RELAYS_MAX;
/// Ions that are taken from one answer.
pub const FOUND_MAX: usize = 1_000;
/// How soon a lost relay is tried again at first, in milliseconds; doubles.
pub const RETRY_MS: u64 = 500;
/// How long at most until a lost relay is tried again, in milliseconds.
pub const RETRY_MS_MAX: u64 = 5_000;
/// How long reaching a relay and registering there may take, in milliseconds.
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
    /// Its address.
    pub address: String,
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
            Input::Lost(index, problem) => self.lost(now, index, problem),
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
        for address in addresses {
            // One relay may have several addresses; the first one known is used.
            let is_new = self.relays.iter().all(|relay| peer(&relay.address) != peer(&address));
            if is_new && self.relays.len() < RELAYS_MAX {
                self.relays.push(Relay::new(now, address));
                self.connect(now, self.relays.len() - 1, effects);
            }
        }
        self.changed = true;
    }

    fn connect(&mut self, now: Time, index: RelayIndex, effects: &mut Vec<Effect>) {
        self.set(index, State::Reaching(now));
        effects.push(Effect::Connect(index, self.relays[index].address.clone()));
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

    fn lost(&mut self, now: Time, index: RelayIndex, problem: String) {
        let Some(relay) = self.relays.get_mut(index) else { return };
        if let State::Resting(_) = relay.state {
            return;
        }
        let rest = RETRY_MS.saturating_mul(1 << relay.failures.min(16)).min(RETRY_MS_MAX);
        relay.failures += 1;
        relay.problem = problem;
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
                    self.lost(now, index, "it did not answer in time".to_owned());
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

impl Relay {
    fn new(now: Time, address: String) -> Self {
        let state = State::Resting(now);
        Self { address, state, problem: String::new(), failures: 0, asked_at: None }
    }

    /// Whether it relays for this ion.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Reserved(_) | State::Registered(_) | State::Unlisted(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(relays: &mut Relays, ms: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        relays.handle(Time::from_ms(ms), input, &mut effects);
        effects
    }

    fn joined() -> Relays {
        let mut relays = Relays::default();
        handle(&mut relays, 0, Input::Namespace("ours".to_owned()));
        handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
        handle(&mut relays, 0, Input::Company(0));
        handle(&mut relays, 10, Input::Reserved(0));
        handle(&mut relays, 20, Input::Registered(0));
        relays
    }

    #[test]
    fn a_relay_is_reached_then_registered_at_and_asked() {
        let mut relays = Relays::default();
        handle(&mut relays, 0, Input::Namespace("ours".to_owned()));
        let known = handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
        assert_eq!(known, [Effect::Connect(0, "/relay".to_owned())]);
        let reserved = handle(&mut relays, 5, Input::Reserved(0));
        let namespace = "ours".to_owned();
        let expected =
            [Effect::Register(0, namespace.clone()), Effect::Discover(0, namespace.clone())];
        assert_eq!(reserved, expected);
        assert!(!relays.is_registered());
        let registered = handle(&mut relays, 9, Input::Registered(0));
        assert_eq!(registered, [Effect::Discover(0, namespace)]);
        assert!(relays.is_registered());
    }

    #[test]
    fn a_lost_relay_is_tried_ever_less_often() {
        let mut relays = joined();
        let mut now = 100;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            handle(&mut relays, now, Input::Lost(0, "gone".to_owned()));
            let begin = now;
            while handle(&mut relays, now, Input::Tick).is_empty() {
                now += 100;
            }
            pauses.push(now - begin);
        }
        assert_eq!(pauses[..3], [500, 1_000, 2_000]);
        assert_eq!(pauses[7], RETRY_MS_MAX);
        assert!(relays.are_down());
        assert_eq!(relays.all()[0].problem, "gone");
    }

    #[test]
    fn an_ion_asks_often_while_alone_only() {
        let mut relays = joined();
        assert_eq!(handle(&mut relays, 20 + ASK_ALONE_MS, Input::Tick).len(), 1);
        handle(&mut relays, 3_000, Input::Company(1));
        assert_eq!(handle(&mut relays, 20 + 3 * ASK_ALONE_MS, Input::Tick), []);
        assert_eq!(handle(&mut relays, 3_000 + ASK_MS, Input::Tick).len(), 1);
    }

    #[test]
    fn a_relay_that_never_answers_is_given_up() {
        let mut relays = Relays::default();
        handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
        assert_eq!(handle(&mut relays, REACH_MS, Input::Tick), []);
        let late = handle(&mut relays, REACH_MS + 1, Input::Tick);
        assert_eq!(late, [Effect::Disconnect(0)]);
    }

    #[test]
    fn a_registration_is_renewed_before_it_lapses_and_stands_meanwhile() {
        let mut relays = joined();
        handle(&mut relays, 100, Input::Company(1));
        let effects = handle(&mut relays, 21 + REGISTER_MS, Input::Tick);
        assert_eq!(effects[0], Effect::Register(0, "ours".to_owned()));
        assert!(relays.is_registered());
        assert_eq!(handle(&mut relays, 30 + REGISTER_MS, Input::Registered(0)), []);
    }

    #[test]
    fn a_relay_without_room_is_kept_and_asked_again() {
        let mut relays = joined();
        handle(&mut relays, 100, Input::Company(1));
        handle(&mut relays, 200, Input::Unlisted(0, "full".to_owned()));
        assert!(!relays.is_registered() && !relays.are_down());
        assert_eq!(relays.all()[0].problem, "full");
        let mut effects = Vec::new();
        for seconds in 1..=REGISTER_MS / 1_000 + 1 {
            effects.extend(handle(&mut relays, 200 + seconds * 1_000, Input::Tick));
        }
        assert!(effects.contains(&Effect::Register(0, "ours".to_owned())), "{effects:?}");
        assert!(effects.contains(&Effect::Discover(0, "ours".to_owned())), "{effects:?}");
        assert!(!effects.contains(&Effect::Disconnect(0)), "{effects:?}");
        handle(&mut relays, 60_000, Input::Registered(0));
        assert!(relays.is_registered());
        assert_eq!(relays.all()[0].problem, "");
        handle(&mut relays, 60_001, Input::Lost(0, "gone".to_owned()));
        handle(&mut relays, 60_002, Input::Unlisted(0, "full".to_owned()));
        assert!(relays.are_down(), "a late answer brings no relay back");
    }

    #[test]
    fn another_nebula_means_another_registration() {
        let mut relays = joined();
        let effects = handle(&mut relays, 50, Input::Namespace("other".to_owned()));
        let expected = [
            Effect::Unregister(0, "ours".to_owned()),
            Effect::Register(0, "other".to_owned()),
            Effect::Discover(0, "other".to_owned()),
        ];
        assert_eq!(effects, expected);
        assert!(!relays.is_registered());
    }
}
