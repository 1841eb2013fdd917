//! The rules that hold after every step, and those that hold in the end.

use std::collections::BTreeSet;

use super::{
    agenda::IonIndex,
    jobs::Stage,
    world::{Ion, World},
};
use crate::{
    compute::wire::{self, Message, TASKS_HELD_MAX},
    network::wire::Room,
    node::{Node, machine::TICK_IDLE_MS},
};

impl World {
    /// What holds for one ion after each of its steps.
    pub(super) fn check_ion(&mut self, ion: IonIndex) {
        let running = self.ions[ion].guests.running();
        if self.ions[ion].is_paused && running > 0 {
            self.fail(|| format!("ion {ion} is paused and runs {running} guests"));
        }
    }

    /// Nothing above the link room goes to an ion of another nebula.
    pub(super) fn check_send(&mut self, ion: IonIndex, to: IonIndex, room: Room, bytes: &[u8]) {
        let may_hear = match room {
            Room::Link => return,
            // Whoever moves says goodbye to those it leaves.
            Room::Mesh => self.were_together(ion, to),
            Room::Compute | Room::Kv | Room::Store => self.have_met(ion, to),
        };
        if !may_hear {
            self.fail(|| format!("ion {ion} tells ion {to} of another nebula of its work"));
        }
        let is_tasks = bytes.get(..7) == Some(b"\xa1eTasks");
        if is_tasks && let Ok(Message::Tasks { tasks, .. }) = wire::decode(bytes) {
            let count = tasks.len();
            if count == 0 || count > TASKS_HELD_MAX {
                self.fail(|| format!("ion {ion} gives {count} tasks at once"));
            }
        }
    }

    /// Whether one ion is in a nebula in which the other is or was.
    pub(super) fn have_met(&self, one: IonIndex, other: IonIndex) -> bool {
        let here = self.ions[one].nebula.unwrap_or(0);
        self.ions[other].nebulas.contains(&here)
    }

    /// Whether two ions are or were in one nebula.
    pub(super) fn were_together(&self, one: IonIndex, other: IonIndex) -> bool {
        let nebulas = &self.ions[other].nebulas;
        self.ions[one].nebulas.iter().any(|nebula| nebulas.contains(nebula))
    }

    /// What is missing until the world is at rest, if anything.
    pub fn unsettled(&self) -> Option<String> {
        self.open_job().or_else(|| self.missing_link()).or_else(|| self.restless_ion())
    }

    /// A job that a living ion waits for.
    pub fn open_job(&self) -> Option<String> {
        let mut jobs = self.books.jobs.iter();
        let open =
            jobs.find(|(_, job)| job.stage == Stage::Open && self.is_living(job.watcher, job.life));
        open.map(|(id, job)| {
            let (next, all) = (job.next, job.plan.inputs.len());
            format!("job {id} of ion {} has told {next} results of {all}", job.plan.owner)
        })
    }

    /// A pair that is not linked and should be, or is and should not.
    pub fn missing_link(&self) -> Option<String> {
        (0..self.ions.len()).find_map(|ion| self.missing_link_of(ion))
    }

    fn missing_link_of(&self, ion: IonIndex) -> Option<String> {
        let body = &self.ions[ion];
        if !body.is_node() {
            return None;
        }
        let seen: Vec<Option<&IonIndex>> =
            body.views.iter().map(|view| self.by_name.get(&view.id)).collect();
        for other in (0..self.ions.len()).filter(|other| *other != ion) {
            let peer = &self.ions[other];
            let should = peer.is_node()
                && peer.nebula.unwrap_or(0) == body.nebula.unwrap_or(0)
                && self.can_meet(ion, other);
            let does = seen.contains(&Some(&other));
            if should != does {
                let verb = if does { "is" } else { "is not" };
                return Some(format!("ion {ion} {verb} linked to ion {other}"));
            }
        }
        None
    }

    /// Whether two ions can hear of each other: over a relay, or over others on
    /// their side of a cut.
    fn can_meet(&self, one: IonIndex, other: IonIndex) -> bool {
        self.path(one, other).is_some() || self.are_connected_by_others(one, other)
    }

    /// Whether direct connections lead from one ion to another.
    fn are_connected_by_others(&self, one: IonIndex, other: IonIndex) -> bool {
        let mut reached = BTreeSet::from([one]);
        let mut next = vec![one];
        while let Some(ion) = next.pop() {
            for there in 0..self.ions.len() {
                let nebula = |ion: IonIndex| self.ions[ion].nebula.unwrap_or(0);
                if nebula(there) == nebula(one)
                    && self.are_connected(ion, there)
                    && reached.insert(there)
                {
                    next.push(there);
                }
            }
        }
        reached.contains(&other)
    }

    /// An ion that has something to do although every job has ended.
    pub fn restless_ion(&self) -> Option<String> {
        let is_restless = |body: &&Ion| {
            let is_busy = body.node.as_ref().is_some_and(|node| node.tick_ms() < TICK_IDLE_MS);
            body.is_node() && (is_busy || body.guests.running() > 0)
        };
        let found = self.ions.iter().position(|body| is_restless(&body));
        found.map(|ion| {
            let guests = self.ions[ion].guests.running();
            let node = self.ions[ion].node.as_ref();
            let owners = node.map(Node::works_for).unwrap_or_default();
            let owners: Vec<_> = owners.iter().map(|owner| self.by_id.get(owner)).collect();
            format!("ion {ion} still works, with {guests} guests, for jobs of {owners:?}")
        })
    }
}

impl Ion {
    /// Whether it lives and runs a node.
    pub(super) fn is_node(&self) -> bool {
        self.is_alive && self.node.is_some()
    }
}
