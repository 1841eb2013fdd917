//! Which nebula this ion belongs to, which it knows, and what is kept of it.

use serde::{Deserialize, Serialize};

use super::{
    event::{Event, LinkLimits, NebulaView},
    machine::{Effect, Node},
    words,
};
use crate::{identity::Invitation, network::bootstrap::IceServer, store::chunk::Cid};

/// Nebulas that an ion remembers; the one joined longest ago makes room.
const NEBULAS_MAX: usize = 32;

/// What an ion keeps over reloads, beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// A name that the user chose; empty for that of the key.
    pub name: String,
    /// Guest workers to lend, once chosen or started.
    pub workers: Option<u16>,
    /// Whether to lend none.
    pub paused: bool,
    /// Nebulas that were joined by invitation, last joined last.
    pub nebulas: Vec<Invitation>,
    /// How many links to hold, once chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<LinkLimits>,
    /// STUN and TURN servers to use beside those that the relay names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ice_servers: Vec<IceServer>,
    /// Space to give to the nebula's files, in MiB, once chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_mib: Option<u32>,
    /// Files to keep here whatever others do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Cid>,
}

impl Settings {
    /// How many links to hold.
    pub fn links(&self) -> LinkLimits {
        self.links.unwrap_or_default()
    }
}

/// Where the ion belongs.
#[derive(Default)]
pub(super) struct Nebulas {
    /// Where it is.
    present: Option<Invitation>,
    /// The relay's open one.
    open: Option<Invitation>,
    /// Whether it wants to be in the open one, as soon as that is known.
    wants_open: bool,
}

impl Nebulas {
    pub(super) fn present(&self) -> Option<&Invitation> {
        self.present.as_ref()
    }
}

impl Node {
    pub(super) fn found_nebula(
        &mut self,
        name: &str,
        random: &[u8; 48],
        effects: &mut Vec<Effect>,
    ) {
        let unnamed = format!("{} nebula", self.own.readable_name());
        let name = if name.trim().is_empty() { &unnamed } else { name };
        match Invitation::found(name, false, Vec::new(), random) {
            Ok(invitation) => self.enter(invitation, effects),
            Err(why) => effects.push(Effect::Tell(Event::Problem(words::no_nebula(why)))),
        }
    }

    pub(super) fn join(&mut self, invitation: &str, effects: &mut Vec<Effect>) {
        match Invitation::decode(invitation) {
            Ok(invitation) => self.enter(invitation, effects),
            Err(why) => {
                // Whoever was invited somewhere did not ask for the open nebula:
                // their next job would go to strangers.
                let problem = words::bad_invitation(why, self.nebulas.present.is_none());
                effects.push(Effect::Tell(Event::Problem(problem)));
            }
        }
    }

    pub(super) fn join_default(&mut self, effects: &mut Vec<Effect>) {
        self.nebulas.wants_open = true;
        if let Some(open) = self.nebulas.open.clone() {
            self.enter(open, effects);
        }
    }

    /// The relay told its open nebula, or that it has none.
    pub(super) fn open_nebula(&mut self, code: Option<&str>, effects: &mut Vec<Effect>) {
        match code.map(Invitation::decode) {
            Some(Ok(open)) => self.nebulas.open = Some(open),
            Some(Err(why)) => {
                effects.push(Effect::Tell(Event::Problem(words::bad_invitation(why, true))));
            }
            None if self.nebulas.wants_open => {
                effects.push(Effect::Tell(Event::Problem(words::no_open_nebula())));
            }
            None => {}
        }
        if self.nebulas.wants_open {
            self.join_default(effects);
        }
    }

    pub(super) fn forget_nebula(&mut self, id: &str, effects: &mut Vec<Effect>) {
        self.settings.nebulas.retain(|known| known.nebula.to_string() != id);
        effects.push(Effect::Save(self.settings.clone()));
        if self.nebulas.present.as_ref().is_some_and(|here| here.nebula.to_string() == id) {
            self.join_default(effects);
        }
    }

    fn enter(&mut self, invitation: Invitation, effects: &mut Vec<Effect>) {
        self.nebulas.wants_open = false;
        if self.nebulas.present.as_ref() == Some(&invitation) {
            return;
        }
        if !invitation.is_open {
            let known = &mut self.settings.nebulas;
            known.retain(|known| known.nebula != invitation.nebula);
            known.push(invitation.clone());
            let over = known.len().saturating_sub(NEBULAS_MAX);
            known.drain(..over);
            effects.push(Effect::Save(self.settings.clone()));
        }
        self.know_relays(invitation.hints.clone());
        self.move_to(invitation.nebula, invitation.membership(), effects);
        self.nebulas.present = Some(invitation);
    }

    pub(super) fn nebula_view(&self) -> Option<NebulaView> {
        self.nebulas.present().map(view)
    }

    pub(super) fn nebula_views(&self) -> Vec<NebulaView> {
        self.settings.nebulas.iter().rev().map(view).collect()
    }
}

fn view(invitation: &Invitation) -> NebulaView {
    NebulaView {
        id: invitation.nebula.to_string(),
        name: invitation.name.clone(),
        is_open: invitation.is_open,
        invitation: invitation.encode(),
    }
}
