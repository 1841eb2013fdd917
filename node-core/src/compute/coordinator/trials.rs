//! Results of one job that do not count yet: too few ions agree on them, or
//! their ion is trusted and its next check is not passed.
//!
//! A *trial* is one task's results so far. It is settled when as many ions as
//! are needed returned the same report, bit by bit; who returned another one was
//! outvoted. A trusted ion's result needs nobody else, unless it is drawn for a
//! check; it waits all the same until a later result of that ion was checked and
//! confirmed.
//!
//! Refused here: nothing. The job has checked that the ion had the task, that its
//! report keeps to the limits, and that it ended in a way that repeats anywhere.
//!
//! Bounds: [`OPINIONS_MAX`] different results of one task. As many trials as the
//! job's window has tasks; their bytes are counted in [`Trials::bytes`].

use ion_map::{LongMap, Map};
use serde_bytes::ByteBuf;
use spark_runtime::{Report, Stop};

use super::reputation::Reputations;
use crate::{
    compute::{
        trust::{Trust, UNCHECKED_MAX},
        wire::report_bytes,
    },
    identity::IonId,
};

/// Different results of one task, before it fails for that.
pub(super) const OPINIONS_MAX: usize = 8;

/// All trials of one job.
#[derive(Debug)]
pub(super) struct Trials {
    trust: Trust,
    open: LongMap<u64, Trial>,
    /// What each trusted ion returned since its last check, as it came.
    unchecked: Map<IonId, Vec<Unchecked>>,
    bytes: usize,
}

#[derive(Debug)]
struct Trial {
    /// How many ions must agree.
    needed: usize,
    opinions: Vec<Opinion>,
}

#[derive(Debug)]
struct Opinion {
    report: Report,
    by: Vec<Voice>,
}

/// An ion that returned a report, and its receipt; empty where it gave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) ion: IonId,
    pub(super) receipt: ByteBuf,
}

#[derive(Debug)]
struct Unchecked {
    task: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for a check of a later one.
    OnTrust,
    /// Another ion is to return the same.
    Checking,
    /// Another ion did.
    Confirmed,
}

/// A task's result that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) task: u64,
    /// Who returned it, the first one first.
    pub(super) by: Vec<Voice>,
    pub(super) report: Report,
}

/// What follows from one more result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) settled: Vec<Settled>,
    /// Who returned what others returned as well.
    pub(super) confirmed: Vec<IonId>,
    /// Who returned something else.
    pub(super) outvoted: Vec<IonId>,
}

impl Trials {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, open: LongMap::new(), unchecked: Map::new(), bytes: 0 }
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    /// How long the reports are that wait here, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many further ions a task without a result that counts needs.
    pub(super) fn wanted(&self, task: u64) -> usize {
        match self.open.get(&task) {
            Some(trial) => trial.needed.saturating_sub(trial.most()),
            None if self.trust == Trust::Adaptive => 1,
            None => self.trust.ions(),
        }
    }

    /// Whether any ion has returned a result of the task.
    pub(super) fn has_begun(&self, task: u64) -> bool {
        self.open.contains_key(&task)
    }

    /// Whether that ion has.
    pub(super) fn has_heard(&self, ion: IonId, task: u64) -> bool {
        self.open.get(&task).is_some_and(|trial| trial.has_heard(ion))
    }

    /// Takes a result of an ion that has not returned one of this task.
    pub(super) fn hear(
        &mut self,
        voice: Voice,
        task: u64,
        report: Report,
        reputations: &mut Reputations,
    ) -> Outcome {
        if self.trust == Trust::Once {
            let settled = vec![Settled { task, by: vec![voice], report }];
            return Outcome { settled, ..Outcome::default() };
        }
        let ion = voice.ion;
        let is_first = !self.open.contains_key(&task);
        self.add(voice, task, report);
        if is_first && self.trust == Trust::Adaptive && reputations.trusts(&ion) {
            let is_check = self.is_due(ion) || reputations.draws(&ion);
            let state = if is_check { State::Checking } else { State::OnTrust };
            self.unchecked.entry(ion).or_default().push(Unchecked { task, state });
            self.need(task, if is_check { 2 } else { 1 });
            return Outcome::default();
        }
        self.need(task, self.trust.ions());
        for ion in self.heard(task) {
            self.mark(ion, task, State::Checking);
        }
        self.decide(task)
    }

    /// Has the last result of each of these ions checked that has some on trust,
    /// and none that is being checked: nothing else would let them count. The
    /// tasks concerned.
    pub(super) fn check_rest(&mut self, is_concerned: impl Fn(&IonId) -> bool) -> Vec<u64> {
        let mut tasks = Vec::new();
        for (ion, list) in self.unchecked.iter_mut().filter(|(ion, _)| is_concerned(ion)) {
            debug_assert!(!list.is_empty(), "{ion:?} has no list where nothing waits");
            if list.iter().any(|one| one.state == State::Checking) {
                continue;
            }
            let last = list.iter_mut().rev().find(|one| one.state == State::OnTrust);
            if let Some(last) = last {
                last.state = State::Checking;
                tasks.push(last.task);
            }
        }
        for task in &tasks {
            self.need(*task, 2);
        }
        tasks
    }

    /// Forgets what an ion returned and what does not count yet; the tasks
    /// concerned.
    pub(super) fn distrust(&mut self, ion: IonId) -> Vec<u64> {
        self.unchecked.remove(&ion);
        let heard = self.open.iter().filter(|(_, trial)| trial.has_heard(ion));
        let tasks: Vec<u64> = heard.map(|(task, _)| *task).collect();
        for task in &tasks {
            self.unhear(ion, *task);
        }
        tasks
    }

    /// Forgets a task that is settled in another way; what counts because of that.
    pub(super) fn drop(&mut self, task: u64) -> Vec<Settled> {
        let mut settled = Vec::new();
        for ion in self.heard(task) {
            if let Some(list) = self.unchecked.get_mut(&ion) {
                list.retain(|one| one.task != task);
                self.release(ion, &mut settled);
            }
        }
        self.take(task);
        settled
    }

    /// Who has returned a result of a task that is not settled.
    fn heard(&self, task: u64) -> Vec<IonId> {
        let opinions = self.open.get(&task).into_iter().flat_map(|trial| &trial.opinions);
        opinions.flat_map(|opinion| opinion.by.iter().map(|voice| voice.ion)).collect()
    }

    fn add(&mut self, voice: Voice, task: u64, report: Report) {
        let trial = self.open.entry(task).or_insert_with(Trial::new);
        if let Some(same) = trial.opinions.iter_mut().find(|one| one.report == report) {
            self.bytes += voice.receipt.len();
            same.by.push(voice);
            return;
        }
        let opinion = Opinion { report, by: vec![voice] };
        self.bytes += opinion.bytes();
        trial.opinions.push(opinion);
    }

    fn take(&mut self, task: u64) -> Option<Trial> {
        let trial = self.open.remove(&task)?;
        self.bytes = self.bytes.saturating_sub(trial.bytes());
        Some(trial)
    }

    fn unhear(&mut self, ion: IonId, task: u64) {
        let Some(mut trial) = self.take(task) else { return };
        for opinion in &mut trial.opinions {
            opinion.by.retain(|voice| voice.ion != ion);
        }
        trial.opinions.retain(|opinion| !opinion.by.is_empty());
        if !trial.opinions.is_empty() {
            self.bytes += trial.bytes();
            self.open.insert(task, trial);
        }
    }

    /// Raises the number of ions that must agree on a task.
    fn need(&mut self, task: u64, ions: usize) {
        if let Some(trial) = self.open.get_mut(&task) {
            trial.needed = trial.needed.max(ions);
        }
    }

    /// Whether the next result of a trusted ion is checked, whatever is drawn.
    fn is_due(&self, ion: IonId) -> bool {
        let list = self.unchecked.get(&ion).map_or(&[][..], Vec::as_slice);
        let run = list.iter().rev().take_while(|one| one.state == State::OnTrust).count();
        run + 1 >= UNCHECKED_MAX
    }

    /// Notes how it stands with a task that an ion returned on trust, if it did.
    fn mark(&mut self, ion: IonId, task: u64, state: State) {
        let list = self.unchecked.get_mut(&ion).into_iter().flatten();
        for one in list.filter(|one| one.task == task) {
            one.state = state;
        }
    }

    /// Settles a task if enough ions agree, or if too many do not.
    fn decide(&mut self, task: u64) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(trial) = self.open.get(&task) else { return outcome };
        if trial.most() < trial.needed {
            if trial.opinions.len() >= OPINIONS_MAX {
                let last = trial.opinions.last().map(|opinion| opinion.by.clone());
                outcome.settled = self.drop(task);
                let by = last.unwrap_or_default();
                outcome.settled.push(Settled { task, by, report: undecided() });
            }
            return outcome;
        }
        let Some(trial) = self.take(task) else { return outcome };
        for Opinion { report, by } in trial.opinions {
            if by.len() < trial.needed {
                outcome.outvoted.extend(by.iter().map(|voice| voice.ion));
                continue;
            }
            outcome.confirmed.extend(by.iter().map(|voice| voice.ion));
            outcome.settled.push(Settled { task, by, report });
        }
        for ion in &outcome.confirmed {
            self.mark(*ion, task, State::Confirmed);
            self.release(*ion, &mut outcome.settled);
        }
        outcome
    }

    /// Lets the results of an ion count up to its last check that was passed,
    /// but for those behind one that is still open.
    fn release(&mut self, ion: IonId, settled: &mut Vec<Settled>) {
        let Some(list) = self.unchecked.get_mut(&ion) else { return };
        let open = list.iter().position(|one| one.state == State::Checking);
        let sure = &list[..open.unwrap_or(list.len())];
        let passed = sure.iter().rposition(|one| one.state == State::Confirmed);
        let free: Vec<Unchecked> = list.drain(..passed.map_or(0, |place| place + 1)).collect();
        if list.is_empty() {
            self.unchecked.remove(&ion);
        }
        for Unchecked { task, .. } in free.into_iter().filter(|one| one.state == State::OnTrust) {
            let opinions = self.take(task).map(|trial| trial.opinions).unwrap_or_default();
            let only = opinions.into_iter().next();
            settled.extend(only.map(|Opinion { report, by }| Settled { task, by, report }));
        }
    }
}

impl Trial {
    fn new() -> Self {
        Self { needed: 1, opinions: Vec::new() }
    }

    /// How many ions agree at most.
    fn most(&self) -> usize {
        self.opinions.iter().map(|opinion| opinion.by.len()).max().unwrap_or(0)
    }

    fn has_heard(&self, ion: IonId) -> bool {
        self.opinions.iter().any(|opinion| opinion.by.iter().any(|voice| voice.ion == ion))
    }

    fn bytes(&self) -> usize {
        self.opinions.iter().map(Opinion::bytes).sum()
    }
}

impl Opinion {
    fn bytes(&self) -> usize {
        let receipts: usize = self.by.iter().map(|voice| voice.receipt.len()).sum();
        report_bytes(&self.report) + receipts
    }
}

fn undecided() -> Report {
    let reason = format!("ions returned {OPINIONS_MAX} different results, and too few agreed");
    Report { stop: Some(Stop::WorkerLost { reason }), ..Report::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Time;

    const GOOD: IonId = IonId::from_bytes([1; 32]);
    const OTHER: IonId = IonId::from_bytes([2; 32]);

    /// [`GOOD`] has so many good results that it is never drawn for a check.
    fn never_drawn() -> Reputations {
        let mut reputations = Reputations::new(1);
        for _ in 0..100_000 {
            reputations.confirmed(Time::default(), GOOD);
        }
        reputations
    }

    /// The tasks that count because of one more result, all of which are alike.
    fn hear(trials: &mut Trials, ion: IonId, task: u64, reputations: &mut Reputations) -> Vec<u64> {
        let voice = Voice { ion, receipt: ByteBuf::new() };
        let outcome = trials.hear(voice, task, Report::default(), reputations);
        outcome.settled.iter().map(|settled| settled.task).collect()
    }

    #[test]
    fn every_so_many_results_one_is_checked_whatever_is_drawn() {
        let (mut trials, mut reputations) = (Trials::new(Trust::Adaptive), never_drawn());
        let checked = |task: u64| (task + 1).is_multiple_of(UNCHECKED_MAX as u64);
        for task in 0..100 {
            assert!(hear(&mut trials, GOOD, task, &mut reputations).is_empty());
            assert_eq!(trials.wanted(task), usize::from(checked(task)), "{task}");
        }
    }

    #[test]
    fn a_check_that_is_passed_frees_nothing_behind_one_that_is_open() {
        let (mut trials, mut reputations) = (Trials::new(Trust::Adaptive), never_drawn());
        for task in 0..70 {
            hear(&mut trials, GOOD, task, &mut reputations);
        }
        assert_eq!(hear(&mut trials, OTHER, 63, &mut reputations), [63]);
        let free = hear(&mut trials, OTHER, 31, &mut reputations);
        assert_eq!(free, [31].into_iter().chain(0..31).chain(32..63).collect::<Vec<_>>());
        assert_eq!(trials.bytes(), 6 * report_bytes(&Report::default()));
        assert_eq!(trials.distrust(GOOD), (64..70).collect::<Vec<_>>());
        assert_eq!(trials.bytes(), 0);
    }
}
