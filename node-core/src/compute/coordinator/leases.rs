//! Who has which tasks of one job in hand.
//!
//! A lease is *held* at first: nobody else gets the task. It is *lapsed* when
//! its ion stopped saying that it has the task, and *overdue* when the ion goes
//! on saying so beyond the time that a task may take: then others may try as
//! well. A lapsed or overdue lease still lets its ion give the result, so that
//! the first valid one counts, whoever it is from.
//!
//! Bounds: [`LEASES_PER_TASK_MAX`] leases of one task.

use ion_map::{LongMap, Map, Set};

use super::{LEASE_MS, LEASES_PER_TASK_MAX};
use crate::{compute::view::LeaseView, identity::IonId, platform::Time};

/// The leases of one job.
#[derive(Debug, Default)]
pub(super) struct Leases {
    tasks: LongMap<u64, Vec<Lease>>,
    /// Leases that each ion has in hand, or 0; those that lapsed do not count.
    in_hand: Map<IonId, usize>,
}

#[derive(Debug)]
struct Lease {
    ion: IonId,
    given_at: Time,
    renewed_at: Time,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    Overdue,
    Lapsed,
}

impl Leases {
    /// Gives a task to an ion. Beyond [`LEASES_PER_TASK_MAX`] the oldest lease
    /// of the task is forgotten.
    pub(super) fn give(&mut self, now: Time, ion: IonId, task: u64) {
        self.take(ion, task);
        if self.tasks.get(&task).is_some_and(|leases| leases.len() >= LEASES_PER_TASK_MAX) {
            self.remove(task, 0);
        }
        let lease = Lease { ion, given_at: now, renewed_at: now, state: State::Held };
        self.tasks.entry(task).or_default().push(lease);
        *self.in_hand.entry(ion).or_default() += 1;
    }

    /// The ion says that it still has the task in hand.
    pub(super) fn renew(&mut self, now: Time, ion: IonId, task: u64) {
        let leases = self.tasks.get_mut(&task).into_iter().flatten();
        for lease in leases.filter(|lease| lease.ion == ion) {
            lease.renewed_at = now;
        }
    }

    /// Ends an ion's lease of a task; whether there was one.
    pub(super) fn take(&mut self, ion: IonId, task: u64) -> bool {
        let leases = self.tasks.get(&task);
        let place = leases.and_then(|all| all.iter().position(|lease| lease.ion == ion));
        place.is_some_and(|place| self.remove(task, place))
    }

    /// Ends all leases of a task; the ions that were overdue with it.
    pub(super) fn settle(&mut self, task: u64) -> Vec<IonId> {
        let mut overdue = Vec::new();
        for lease in self.tasks.remove(&task).unwrap_or_default() {
            self.count_out(&lease);
            if lease.state == State::Overdue {
                overdue.push(lease.ion);
            }
        }
        overdue
    }

    /// Lets leases lapse that nobody renewed, and those be overdue that are
    /// older than `ms_max`; the tasks concerned.
    pub(super) fn age(&mut self, now: Time, ms_max: u64) -> Vec<u64> {
        let mut open = Vec::new();
        for (task, leases) in self.tasks.iter_mut() {
            for lease in leases {
                let state = lease.state_at(now, ms_max);
                if state == lease.state {
                    continue;
                }
                if state == State::Lapsed {
                    count_out(&mut self.in_hand, lease.ion);
                }
                lease.state = state;
                open.push(*task);
            }
        }
        open
    }

    /// Tasks that an ion may give results for.
    pub(super) fn of(&self, ion: IonId) -> Vec<u64> {
        let mine = |leases: &Vec<Lease>| leases.iter().any(|lease| lease.ion == ion);
        self.tasks.iter().filter(|(_, leases)| mine(leases)).map(|(task, _)| *task).collect()
    }

    /// Whether the ion may give the task's result.
    pub(super) fn allows(&self, ion: IonId, task: u64) -> bool {
        self.leases(task).any(|lease| lease.ion == ion)
    }

    /// Whether the ion has the task in hand, as far as it says.
    pub(super) fn has_in_hand(&self, ion: IonId, task: u64) -> bool {
        self.leases(task).any(|lease| lease.ion == ion && lease.state != State::Lapsed)
    }

    /// How many ions have the task, and keep it from others.
    pub(super) fn held(&self, task: u64) -> usize {
        self.leases(task).filter(|lease| lease.state == State::Held).count()
    }

    /// Ions that keep a task from others.
    pub(super) fn holders(&self) -> Set<IonId> {
        let all = self.tasks.iter().flat_map(|(_, leases)| leases);
        all.filter(|lease| lease.state == State::Held).map(|lease| lease.ion).collect()
    }

    /// Whether any ion has the task in hand.
    pub(super) fn is_out(&self, task: u64) -> bool {
        self.leases(task).any(|lease| lease.state != State::Lapsed)
    }

    /// How many tasks an ion has in hand.
    pub(super) fn count_of(&self, ion: &IonId) -> usize {
        self.in_hand.get(ion).copied().unwrap_or_default()
    }

    /// How many tasks are in the hand of any ion.
    pub(super) fn tasks_out(&self) -> usize {
        self.tasks.keys().filter(|task| self.is_out(**task)).count()
    }

    /// Who has a task, as it is shown.
    pub(super) fn views(
        &self,
        now: Time,
        task: u64,
        name: &dyn Fn(&IonId) -> String,
    ) -> Vec<LeaseView> {
        let view = |lease: &Lease| LeaseView {
            ion: name(&lease.ion),
            since_ms: now.since_ms(lease.given_at),
            heard_ms: now.since_ms(lease.renewed_at),
            is_kept: lease.state == State::Held,
        };
        self.leases(task).map(view).collect()
    }

    fn leases(&self, task: u64) -> impl Iterator<Item = &Lease> {
        self.tasks.get(&task).into_iter().flatten()
    }

    /// Ends one lease of a task by its place; whether it was there.
    fn remove(&mut self, task: u64, place: usize) -> bool {
        let Some(leases) = self.tasks.get_mut(&task).filter(|all| place < all.len()) else {
            return false;
        };
        let lease = leases.remove(place);
        if leases.is_empty() {
            self.tasks.remove(&task);
        }
        self.count_out(&lease);
        true
    }

    fn count_out(&mut self, lease: &Lease) {
        if lease.state != State::Lapsed {
            count_out(&mut self.in_hand, lease.ion);
        }
    }
}

impl Lease {
    fn state_at(&self, now: Time, ms_max: u64) -> State {
        let is_silent = now.since_ms(self.renewed_at) > LEASE_MS;
        let is_late = now.since_ms(self.given_at) > ms_max;
        match self.state {
            State::Lapsed => State::Lapsed,
            _ if is_silent => State::Lapsed,
            _ if is_late => State::Overdue,
            state => state,
        }
    }
}

fn count_out(in_hand: &mut Map<IonId, usize>, ion: IonId) {
    if let Some(count) = in_hand.get_mut(&ion) {
        *count = count.saturating_sub(1);
    }
}
