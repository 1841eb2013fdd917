//! Results of one job that do not count yet: too few ions agree on them, or
//! their ion is trusted and its next check is not passed.
//!
//! A *trial* is one task's results so far. It is settled when as many ions as
//! are needed returned the same report, bit by bit; who returned another one was
//! outvoted. Where the job's owner returned one itself, only that one settles it:
//! no others outvote the ion that its user trusts. A trusted ion's result needs nobody else, unless it is drawn for a
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
        spans::Span,
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
    own: IonId,
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
    /// Tasks of which another copy is wanted now.
    pub(super) checked: Vec<u64>,
}

impl Trials {
    pub(super) fn new(trust: Trust, own: IonId) -> Self {
        Self { trust, own, open: LongMap::new(), unchecked: Map::new(), bytes: 0 }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.trust, self.own);
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
            Some(trial) => trial.needed.saturating_sub(trial.most(self.own)),
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
            let is_drawn = reputations.draws(&ion);
            let state = if is_drawn { State::Checking } else { State::OnTrust };
            let list = self.unchecked.entry(ion).or_default();
            list.push(Unchecked { task, state });
            let run = list.iter().rev().take_while(|one| one.state == State::OnTrust).count();
            let is_due = run >= UNCHECKED_MAX;
            let checked = if is_due { check_one(list, run, reputations) } else { None };
            let checked = checked.or(is_drawn.then_some(task));
            if let Some(task) = checked {
                self.need(task, 2);
            }
            return Outcome { checked: checked.into_iter().collect(), ..Outcome::default() };
        }
        self.need(task, self.trust.ions());
        for ion in self.heard(task) {
            self.mark(ion, task, State::Checking);
        }
        self.decide(task)
    }

    /// Has one result of each of these ions checked that has some on trust, and none
    /// that is being checked: nothing else would let them count. The tasks concerned.
    pub(super) fn check_rest(
        &mut self,
        is_concerned: impl Fn(&IonId) -> bool,
        reputations: &mut Reputations,
    ) -> Vec<u64> {
        let mut tasks = Vec::new();
        for (ion, list) in self.unchecked.iter_mut().filter(|(ion, _)| is_concerned(ion)) {
            debug_assert!(!list.is_empty(), "{ion:?} has no list where nothing waits");
            if list.iter().any(|one| one.state == State::Checking) {
                continue;
            }
            let run = list.iter().rev().take_while(|one| one.state == State::OnTrust).count();
            tasks.extend(check_one(list, run, reputations));
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

    /// Tasks of a run that have results and are not settled.
    pub(super) fn begun_in(&self, span: &Span) -> Vec<u64> {
        let begun = self.open.range_from(&span.start).map(|(task, _)| *task);
        begun.take_while(|task| *task < span.end).collect()
    }

    /// Who has returned a result of a task that is not settled.
    pub(super) fn heard(&self, task: u64) -> Vec<IonId> {
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
        if trial.most(self.own) < trial.needed {
            if trial.opinions.len() >= OPINIONS_MAX {
                let last = trial.opinions.last().map(|opinion| opinion.by.clone());
                outcome.settled = self.drop(task);
                // What they signed are other reports.
                let unsigned = |voice: Voice| Voice { receipt: ByteBuf::new(), ..voice };
                let by = last.unwrap_or_default().into_iter().map(unsigned).collect();
                outcome.settled.push(Settled { task, by, report: undecided() });
            }
            return outcome;
        }
        let Some(trial) = self.take(task) else { return outcome };
        let winner = trial.leading(self.own);
        for (place, Opinion { report, by }) in trial.opinions.into_iter().enumerate() {
            if Some(place) != winner {
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

    /// The place of the result that may settle it: that of the job's owner, else one
    /// that most ions returned.
    fn leading(&self, own: IonId) -> Option<usize> {
        let is_own = |opinion: &Opinion| opinion.by.iter().any(|voice| voice.ion == own);
        let most = || (0..self.opinions.len()).max_by_key(|place| self.opinions[*place].by.len());
        self.opinions.iter().position(is_own).or_else(most)
    }

    /// How many ions returned that result.
    fn most(&self, own: IonId) -> usize {
        self.leading(own).map_or(0, |place| self.opinions[place].by.len())
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

/// Has one of an ion's last results checked, of so many that are on trust: any of
/// them, so that none is safer to lie in than another. It stands for all before it,
/// and goes behind them.
fn check_one(list: &mut Vec<Unchecked>, run: usize, reputations: &mut Reputations) -> Option<u64> {
    let first = list.len().checked_sub(run).filter(|_| run > 0)?;
    let Unchecked { task, .. } = list.remove(first + reputations.below(run));
    list.push(Unchecked { task, state: State::Checking });
    Some(task)
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
    const OWN: IonId = IonId::from_bytes([3; 32]);

    /// [`GOOD`] has so many good results that it is never drawn for a check.
    fn never_drawn() -> Reputations {
        let mut reputations = Reputations::new([1; 32]);
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

    /// The tasks that wait for another copy.
    fn checked(trials: &Trials, tasks: std::ops::Range<u64>) -> Vec<u64> {
        tasks.filter(|task| trials.has_begun(*task) && trials.wanted(*task) == 1).collect()
    }

    #[test]
    fn of_every_so_many_results_one_is_checked_that_nobody_foresees() {
        let mut places = Vec::new();
        let mut reputations = never_drawn();
        for _ in 0..20 {
            let mut trials = Trials::new(Trust::Adaptive, OWN);
            for task in 0..3 * UNCHECKED_MAX as u64 {
                assert!(hear(&mut trials, GOOD, task, &mut reputations).is_empty());
            }
            for run in 0..3 {
                let first = run * UNCHECKED_MAX as u64;
                let one = checked(&trials, first..first + UNCHECKED_MAX as u64);
                assert_eq!(one.len(), 1, "{one:?}");
                places.push(one[0] - first);
            }
        }
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 15, "{places:?}");
    }

    #[test]
    fn a_check_that_is_passed_frees_nothing_behind_one_that_is_open() {
        let (mut trials, mut reputations) = (Trials::new(Trust::Adaptive, OWN), never_drawn());
        for task in 0..70 {
            hear(&mut trials, GOOD, task, &mut reputations);
        }
        let (first, second) = (checked(&trials, 0..32)[0], checked(&trials, 32..64)[0]);
        assert_eq!(hear(&mut trials, OTHER, second, &mut reputations), [second]);
        let mut free = hear(&mut trials, OTHER, first, &mut reputations);
        free.sort_unstable();
        assert_eq!(free, (0..64).filter(|task| *task != second).collect::<Vec<_>>());
        assert_eq!(trials.bytes(), 6 * report_bytes(&Report::default()));
        assert_eq!(trials.distrust(GOOD), (64..70).collect::<Vec<_>>());
        assert_eq!(trials.bytes(), 0);
    }

    #[test]
    fn nobody_outvotes_the_owner() {
        let (mut trials, mut reputations) =
            (Trials::new(Trust::Copies(2), OWN), Reputations::new([1; 32]));
        let lie = Report { fuel: 1, ..Report::default() };
        let voice = |ion| Voice { ion, receipt: ByteBuf::new() };
        hear(&mut trials, OWN, 0, &mut reputations);
        for ion in [GOOD, OTHER] {
            let told = trials.hear(voice(ion), 0, lie.clone(), &mut reputations);
            assert_eq!(told, Outcome::default());
        }
        let honest = IonId::from_bytes([9; 32]);
        let told = trials.hear(voice(honest), 0, Report::default(), &mut reputations);
        assert_eq!((told.outvoted, told.settled.len()), (vec![GOOD, OTHER], 1));
        assert_eq!(told.confirmed, [OWN, honest]);
    }
}
