//! Ways to other ions: which connection to make, and which to talk over.
//!
//! There are two kinds: *direct*, and *relayed* through a relay's circuit. The
//! direct one is tried first; making it needs a circuit for the signaling, so
//! that a relayed connection usually stands before it. If no direct one stands
//! [`PATIENCE_MS`] after an ion was wanted, or if it failed, the relayed one is
//! used meanwhile, and the direct one is tried again, ever less often. As soon
//! as it stands it is used.
//!
//! The driver runs this machine; it is here, pure, so that its decisions can
//! be told as stories.

use ion_map::Map;

use crate::{identity::IonId, platform::Time};

/// How long a direct connection is waited for while a relayed one stands, in
/// milliseconds.
pub const PATIENCE_MS: u64 = 1_500;
/// How soon a direct connection is tried again at first, in milliseconds;
/// doubles.
pub const AGAIN_MS: u64 = 15_000;
/// How long at most until it is tried again, in milliseconds.
pub const AGAIN_MS_MAX: u64 = 600_000;
/// Ions that are kept in mind; more are not reached for.
pub const WAYS_MAX: usize = 512;

/// How another ion is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Through a relay.
    Relayed,
    /// From browser to browser, or from host to host.
    Direct,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An ion is to be talked to.
    Wanted(IonId),
    /// It is not to be talked to any more.
    Unwanted(IonId),
    /// A connection to an ion stands.
    Connected(IonId, Way),
    /// A connection to an ion ended.
    Disconnected(IonId, Way),
    /// A connection could not be made; why, as a sentence.
    Failed(IonId, Way, String),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a connection; answered by [`Input::Connected`] or [`Input::Failed`].
    Dial(IonId, Way),
    /// Talk over a connection of this kind from now on, and tell why it is
    /// not direct; empty where it is, or where the reason is not known yet.
    Use(IonId, Way, String),
    /// There is no way to that ion.
    Unreached(IonId),
}

/// The machine.
#[derive(Debug)]
pub struct Ways {
    /// Whether this ion can make direct connections at all.
    can_direct: bool,
    ways: Map<IonId, State>,
}

#[derive(Debug)]
struct State {
    /// Since when it is wanted.
    wanted_at: Option<Time>,
    direct: Kind,
    relayed: Kind,
    used: Option<(Way, String)>,
    /// When a direct connection may be tried again.
    again_at: Time,
    again_ms: u64,
    /// Why the last direct attempt failed.
    why: String,
}

/// Connections of one kind to one ion.
#[derive(Debug, Default)]
struct Kind {
    standing: u32,
    is_dialing: bool,
}

impl Ways {
    /// A machine for an ion that can, or cannot, connect directly.
    pub fn new(can_direct: bool) -> Self {
        Self { can_direct, ways: Map::new() }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Wanted(ion) => self.wanted(now, ion, effects),
            Input::Unwanted(ion) => self.unwanted(ion),
            Input::Connected(ion, way) => {
                if let Some(state) = self.state(now, ion) {
                    let kind = state.kind(way);
                    kind.standing += 1;
                    kind.is_dialing = false;
                    self.settle(now, ion, effects);
                }
            }
            Input::Disconnected(ion, way) => self.disconnected(now, ion, way, effects),
            Input::Failed(ion, way, why) => self.failed(now, ion, way, why, effects),
            Input::Tick => {
                for ion in self.ways.keys().copied().collect::<Vec<_>>() {
                    self.settle(now, ion, effects);
                }
            }
        }
    }

    /// The kind of connection that is talked over, and why it is not direct.
    pub fn used(&self, ion: &IonId) -> Option<(Way, &str)> {
        let (way, why) = self.ways.get(ion)?.used.as_ref()?;
        Some((*way, why))
    }

    fn state(&mut self, now: Time, ion: IonId) -> Option<&mut State> {
        if self.ways.len() >= WAYS_MAX && !self.ways.contains_key(&ion) {
            return None;
        }
        Some(self.ways.entry(ion).or_insert_with(|| State::new(now)))
    }

    fn wanted(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(state) = self.state(now, ion) else {
            effects.push(Effect::Unreached(ion));
            return;
        };
        state.wanted_at = Some(now);
        if !state.stands() {
            // Whoever is wanted anew is tried at once, whatever failed before.
            state.again_at = now;
        }
        // Said again, for whoever wants it anew knows nothing of before.
        state.used = None;
        self.settle(now, ion, effects);
    }

    fn unwanted(&mut self, ion: IonId) {
        if let Some(state) = self.ways.get_mut(&ion) {
            state.wanted_at = None;
            state.used = None;
        }
        self.forget_if_idle(ion);
    }

    fn disconnected(&mut self, now: Time, ion: IonId, way: Way, effects: &mut Vec<Effect>) {
        let Some(state) = self.ways.get_mut(&ion) else { return };
        let kind = state.kind(way);
        kind.standing = kind.standing.saturating_sub(1);
        let is_gone = kind.standing == 0;
        if is_gone && state.used.as_ref().is_some_and(|(used, _)| *used == way) {
            // What was on its way is lost: whoever wants it says so again.
            state.used = None;
            if state.wanted_at.take().is_some() {
                effects.push(Effect::Unreached(ion));
            }
        }
        self.settle(now, ion, effects);
        self.forget_if_idle(ion);
    }

    fn failed(&mut self, now: Time, ion: IonId, way: Way, why: String, effects: &mut Vec<Effect>) {
        let Some(state) = self.ways.get_mut(&ion) else { return };
        if !std::mem::take(&mut state.kind(way).is_dialing) {
            return;
        }
        if way == Way::Direct {
            state.why = why;
            state.again_at = now.plus_ms(state.again_ms);
            state.again_ms = (state.again_ms * 2).min(AGAIN_MS_MAX);
        } else if state.wanted_at.is_some() && !state.stands() && !state.direct.is_dialing {
            state.wanted_at = None;
            effects.push(Effect::Unreached(ion));
        }
        self.settle(now, ion, effects);
        self.forget_if_idle(ion);
    }

    /// Uses the best that stands, and asks for what is missing.
    fn settle(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let can_direct = self.can_direct;
        let Some(state) = self.ways.get_mut(&ion) else { return };
        let Some(wanted_at) = state.wanted_at else { return };
        if state.direct.standing > 0 {
            state.again_ms = AGAIN_MS;
            state.talk(ion, Way::Direct, String::new(), effects);
            return;
        }
        if can_direct && !state.direct.is_dialing && now >= state.again_at {
            state.direct.is_dialing = true;
            effects.push(Effect::Dial(ion, Way::Direct));
        }
        let is_late = now.since_ms(wanted_at) >= PATIENCE_MS || !state.direct.is_dialing;
        if state.relayed.standing > 0 {
            if is_late {
                state.talk(ion, Way::Relayed, state.why.clone(), effects);
            }
        } else if !state.direct.is_dialing && !state.relayed.is_dialing {
            state.relayed.is_dialing = true;
            effects.push(Effect::Dial(ion, Way::Relayed));
        }
    }

    fn forget_if_idle(&mut self, ion: IonId) {
        if self.ways.get(&ion).is_some_and(State::is_idle) {
            self.ways.remove(&ion);
        }
    }
}

impl State {
    fn new(now: Time) -> Self {
        Self {
            wanted_at: None,
            direct: Kind::default(),
            relayed: Kind::default(),
            used: None,
            again_at: now,
            again_ms: AGAIN_MS,
            why: String::new(),
        }
    }

    fn kind(&mut self, way: Way) -> &mut Kind {
        match way {
            Way::Direct => &mut self.direct,
            Way::Relayed => &mut self.relayed,
        }
    }

    fn stands(&self) -> bool {
        self.direct.standing + self.relayed.standing > 0
    }

    fn is_idle(&self) -> bool {
        let is_dialing = self.direct.is_dialing || self.relayed.is_dialing;
        self.wanted_at.is_none() && !self.stands() && !is_dialing
    }

    fn talk(&mut self, ion: IonId, way: Way, why: String, effects: &mut Vec<Effect>) {
        let now_used = Some((way, why));
        if self.used == now_used {
            return;
        }
        self.used.clone_from(&now_used);
        if let Some((way, why)) = now_used {
            effects.push(Effect::Use(ion, way, why));
        }
    }
}

#[cfg(test)]
mod tests;
