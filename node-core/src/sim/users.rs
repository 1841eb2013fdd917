//! Users: they submit jobs and watch what they are told.

use spark_runtime::Stop;

use super::{
    agenda::{Act, IonIndex},
    jobs::{JobPlan, Stage, Watched},
    world::World,
};
use crate::{
    compute::{coordinator::VAIN_TASKS, receipt, wire::TASKS_HELD_MAX},
    identity::{Keys, SimKeys},
    node::{
        Command, Event, JobId, JobState, JobView, LinkKind, LinkLimits, RecordView, TaskResult,
    },
};

impl World {
    /// Submits a job at its owner, if that lives; gives its id.
    pub fn submit(&mut self, plan: JobPlan) -> u64 {
        let job: JobId = self.rng.next_u64();
        let owner = plan.owner;
        if !self.ions[owner].is_alive {
            return job;
        }
        let (flavour, inputs) = (plan.flavour, plan.inputs.clone());
        let binary = flavour.binary();
        self.books.flavours.insert(*blake3::hash(&binary).as_bytes(), flavour);
        let life = self.ions[owner].life;
        self.books.jobs.insert(
            job,
            Watched { plan, watcher: owner, life, next: 0, failures: 0, stage: Stage::Open },
        );
        let program = flavour.program();
        self.command(owner, Command::RunJob { job, program, binary, inputs, about: String::new() });
        job
    }

    /// Cancels a job.
    pub fn cancel(&mut self, job: u64) {
        let Some(watched) = self.books.jobs.get(&job) else { return };
        let owner = watched.plan.owner;
        self.command(owner, Command::CancelJob { job });
    }

    /// Cancels the first open job of an ion.
    pub(super) fn cancel_of(&mut self, ion: IonIndex) {
        let mut jobs = self.books.jobs.iter();
        let open = jobs.find(|(_, job)| job.plan.owner == ion && job.stage == Stage::Open);
        if let Some(job) = open.map(|(id, _)| *id) {
            self.cancel(job);
        }
    }

    /// How many results of a job its user was told.
    pub fn results_told(&self, job: u64) -> u64 {
        self.books.jobs.get(&job).map_or(0, |job| job.next)
    }

    /// How many failed tasks of a job its user was told.
    pub fn failures_told(&self, job: u64) -> u64 {
        self.books.jobs.get(&job).map_or(0, |job| job.failures)
    }

    /// Whether a job's user was told that all of it is done.
    pub fn is_finished(&self, job: u64) -> bool {
        self.books.jobs.get(&job).is_some_and(|job| job.stage == Stage::Finished)
    }

    /// What an ion's user was told of files and letters since this was last asked.
    pub fn take_told(&mut self, ion: usize) -> Vec<Event> {
        std::mem::take(&mut self.ions[ion].told)
    }

    /// How many ions an ion's user sees.
    pub fn links_seen(&self, ion: usize) -> usize {
        self.ions[ion].views.len()
    }

    /// How many links an ion's user sees.
    pub fn links_held(&self, ion: usize) -> usize {
        self.ions[ion].views.iter().filter(|view| view.link != LinkKind::Via).count()
    }

    pub(super) fn told(&mut self, ion: IonIndex, event: Event) {
        match event {
            Event::Ions(views) => {
                let links = views.iter().filter(|view| view.link != LinkKind::Via).count();
                let limit = usize::from(LinkLimits::default().max);
                if links > limit {
                    self.fail(|| format!("ion {ion} holds {links} links, and {limit} are allowed"));
                }
                self.ions[ion].views = views;
            }
            Event::Results { job, first, results } => self.told_results(ion, job, first, &results),
            Event::Job(view) => self.told_job(ion, &view),
            Event::Opened { job, name, .. } => self.watch(ion, job, name),
            Event::Records(records) => self.ions[ion].records = records,
            Event::Refused { job, .. } => self.set_stage(job, Stage::Refused),
            Event::Files(_) | Event::Mail(_) => self.ions[ion].told.push(event),
            Event::Problem(problem) => self.ions[ion].problems.push(problem.what),
            Event::Status(_)
            | Event::Task(_)
            | Event::Work(_)
            | Event::Inspected { .. }
            | Event::Echoed { .. }
            | Event::Said { .. }
            | Event::Present { .. }
            | Event::Pairing(_)
            | Event::Attempts(_)
            | Event::Diagnosis(_)
            | Event::IceTried { .. }
            | Event::Data(_)
            | Event::Notice(_) => {}
        }
    }

    /// A user sees a job from now on, and is told all of it.
    fn watch(&mut self, ion: IonIndex, job: JobId, name: JobId) {
        self.books.names.insert((ion, job), name);
        let life = self.ions[ion].life;
        if let Some(watched) = self.books.jobs.get_mut(&name) {
            (watched.watcher, watched.life) = (ion, life);
            (watched.next, watched.failures, watched.stage) = (0, 0, Stage::Open);
        }
    }

    /// The name at its owner of what a job is called at an ion.
    fn name_at(&self, ion: IonIndex, job: JobId) -> JobId {
        self.books.names.get(&(ion, job)).copied().unwrap_or(job)
    }

    /// The jobs that an ion's user is told that the nebula keeps.
    pub fn records(&self, ion: usize) -> &[RecordView] {
        &self.ions[ion].records
    }

    fn set_stage(&mut self, job: JobId, stage: Stage) {
        if let Some(watched) = self.books.jobs.get_mut(&job) {
            watched.stage = stage;
        }
    }

    fn told_results(&mut self, ion: IonIndex, job: JobId, first: u64, results: &[TaskResult]) {
        let job = self.name_at(ion, job);
        let Some(watched) = self.books.jobs.get_mut(&job) else {
            self.fail(|| format!("ion {ion} tells results of a job that nobody submitted"));
            return;
        };
        let (next, stage) = (watched.next, watched.stage);
        let other = watched.watcher;
        if ion != other {
            self.fail(|| format!("ion {ion} tells results of a job that ion {other} watches"));
            return;
        }
        watched.next += results.len() as u64;
        watched.failures += results.iter().filter(|one| one.report.stop.is_some()).count() as u64;
        self.books.told += results.len() as u64;
        if first != next || stage != Stage::Open {
            self.fail(|| {
                format!("job {job} tells results from {first}, but {next} is next ({stage:?})")
            });
        }
        for (task, result) in (first..).zip(results) {
            self.told_result(job, task, result);
        }
    }

    fn told_result(&mut self, job: JobId, task: u64, result: &TaskResult) {
        let plan = &self.books.jobs[&job].plan;
        let Some(input) = plan.inputs.get(task) else {
            self.fail(|| format!("job {job} tells a result for task {task}, which it has not"));
            return;
        };
        let runner = self.by_name.get(&result.ion).copied();
        let has_right_answer = match &result.report.stop {
            Some(Stop::Deadline { .. } | Stop::WorkerLost { .. }) => {
                let module = *blake3::hash(&plan.flavour.binary()).as_bytes();
                runner.is_some_and(|ion| self.books.has_mishap(module, &input, ion))
            }
            _ => result.report == plan.flavour.answer(&input),
        };
        let owner = plan.owner;
        if !self.has_receipt((owner, job, task), &input, result) {
            self.fail(|| format!("job {job} tells a result for task {task} without its receipt"));
        }
        if !has_right_answer {
            self.fail(|| {
                format!("job {job} tells a wrong result for task {task}: {:?}", result.report)
            });
        }
        let is_of_nebula = runner.is_some_and(|ion| self.were_together(owner, ion));
        if !is_of_nebula {
            self.fail(|| format!("job {job} has a result by ion {runner:?} of another nebula"));
        }
    }

    /// Whether the ion that is named signed that this is what it returned for the
    /// task of that owner and job.
    fn has_receipt(
        &self,
        (owner, job, task): (IonIndex, JobId, u64),
        input: &[u8],
        result: &TaskResult,
    ) -> bool {
        let keys = SimKeys::of(self.ions[owner].id);
        let verified = result.receipts.first().and_then(|bytes| {
            receipt::verify_by(bytes, |by, bytes, signature| keys.verify(by, bytes, signature)).ok()
        });
        verified.is_some_and(|one| {
            (one.owner, one.job, one.task) == (keys.own(), job, task)
                && one.ion.to_string() == result.ion
                && one.input == receipt::input_hash(input)
                && one.output == receipt::report_hash(&result.report)
        })
    }

    fn told_job(&mut self, ion: IonIndex, view: &JobView) {
        let has_only_failed = view.succeeded == 0 && view.failed >= VAIN_TASKS;
        if view.state == JobState::Paused && has_only_failed {
            // It was held as all failed; its user wants it none the less.
            let resume = Command::HoldJob { job: view.job, is_held: false };
            self.plan(1_000, Act::Command(ion, Box::new(resume)));
        }
        let job = self.name_at(ion, view.job);
        let Some(watched) = self.books.jobs.get_mut(&job) else { return };
        let told = watched.next;
        match view.state {
            JobState::Running | JobState::Paused => {}
            JobState::Finished => watched.stage = Stage::Finished,
            JobState::Cancelled => watched.stage = Stage::Cancelled,
        }
        if view.state == JobState::Finished
            && (told != view.tasks || view.succeeded + view.failed != told)
        {
            self.fail(|| {
                format!("ion {ion}: job {} is finished with {told} results told", view.job)
            });
        }
        let held = view.by_ion.iter().map(|share| share.running).max().unwrap_or(0);
        if held > TASKS_HELD_MAX as u64 {
            self.fail(|| format!("ion {ion}: an ion holds {held} tasks of job {}", view.job));
        }
    }
}
