//! What goes wrong.

use super::{
    agenda::{Act, Happening, IonIndex},
    world::World,
};
use crate::node::Command;

impl World {
    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Start(ion) | Act::Restart(ion) => self.start(ion),
            Act::Command(ion, command) => self.command(ion, *command),
            Act::Submit(plan) => {
                self.submit(plan);
            }
            Act::CancelOf(ion) => self.cancel_of(ion),
            Act::Crash(ion) => self.crash(ion),
            Act::Replace(ion) => {
                let options = self.ions[ion].options;
                self.add(options, 0);
            }
            Act::Split(percent) => self.split(percent),
            Act::Heal => self.heal(),
            Act::RelayDown(relay) => self.stop_relay(relay),
            Act::RelayUp(relay) => self.start_relay(relay),
            Act::Break => self.break_any(),
            Act::Hide(ion, percent) => self.ions[ion].tick_percent = percent,
            Act::Move(ion, nebula) => self.join(ion, nebula),
        }
    }

    /// A random ion, dead or alive.
    pub(super) fn any_ion(&mut self) -> IonIndex {
        let ion = self.rng.below(self.ions.len() as u64);
        usize::try_from(ion).unwrap_or(0)
    }

    /// Ends an ion where it stands, without a goodbye.
    pub fn crash(&mut self, ion: usize) {
        if !self.ions[ion].is_alive {
            return;
        }
        self.trace.note(self.now_ms, ion, "crashes", None, 0);
        let life = self.ions[ion].life;
        self.break_all_of(ion);
        let body = &mut self.ions[ion];
        body.is_alive = false;
        body.node = None;
        body.berths.clear();
        body.views.clear();
        for relay in 0..self.relays.len() {
            let delay = self.between(100, 5_000);
            self.later(delay, Happening::Forgotten { relay, ion, life });
        }
    }

    /// Starts a crashed ion again, with its key and its settings.
    pub fn restart(&mut self, ion: usize) {
        self.start(ion);
    }

    /// Cuts the world in two; so many ions of a hundred are on the other side,
    /// and the last relay with them.
    pub fn split(&mut self, percent: u64) {
        for ion in 0..self.ions.len() {
            self.ions[ion].side = u64::from(self.rng.below(100) < percent);
        }
        self.cut();
    }

    /// Cuts these ions off from the others; the last relay is on their side.
    pub fn cut_off(&mut self, ions: &[usize]) {
        for ion in ions {
            self.ions[*ion].side = 1;
        }
        self.cut();
    }

    fn cut(&mut self) {
        self.trace.note(self.now_ms, 0, "(all) are cut in two", None, 0);
        if self.relays.len() > 1
            && let Some(relay) = self.relays.last_mut()
        {
            relay.side = 1;
        }
        for relay in 0..self.relays.len() {
            self.notice_relay(relay, 8_000);
        }
    }

    /// Makes the world whole again.
    pub fn heal(&mut self) {
        for ion in &mut self.ions {
            ion.side = 0;
        }
        for relay in &mut self.relays {
            relay.side = 0;
        }
    }

    /// Moves an ion to another nebula.
    pub fn join(&mut self, ion: usize, nebula: usize) {
        if !self.ions[ion].is_alive {
            return;
        }
        let body = &mut self.ions[ion];
        body.nebula = Some(nebula);
        body.nebulas.push(nebula);
        let invitation = self.invitations[nebula].encode();
        self.command(ion, Command::Join { invitation });
    }

    /// Ends every fault, and lets every ion work.
    pub fn calm(&mut self) {
        self.trace.note(self.now_ms, 0, "(all) have peace", None, 0);
        self.heal();
        self.conditions.silent_loss_permille = 0;
        self.conditions.mishaps_percent = 0;
        for relay in 0..self.relays.len() {
            self.start_relay(relay);
        }
        for ion in 0..self.ions.len() {
            self.ions[ion].tick_percent = 100;
            self.ions[ion].options.skew_ms = 0;
            if self.ions[ion].is_paused {
                self.command(ion, Command::Pause { paused: false });
            }
        }
    }
}
