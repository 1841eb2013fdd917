//! Taking a job from the user: everything is checked, the module is looked at
//! in a guest worker, and only then does the job begin.

use std::sync::Arc;

use ion_map::Map;
use spark_runtime::{Stop, inspect::Inspection, json_spark};

use super::{
    command::JobId,
    event::{Event, Problem, TaskResult},
    machine::{Effect, Node, Step},
    words,
};
use crate::{
    compute::{
        coordinator::{self, Done},
        guests,
        spans::Spans,
        spec::{Entry, Inputs, Parts, Program},
        trust::varying,
        wire::{check_module_size, check_program},
        worker,
    },
    network::mesh,
    platform::Time,
    records::{self, ABOUT_BYTES_MAX, Name},
};

/// How long looking at a module may take, in milliseconds.
const INSPECT_MS: u64 = 30_000;
/// Results in one event. A page takes an event at a time: what it does with one
/// must not hold it up for long, though the results of a whole window may come
/// at once when the first task of it ends last.
const TOLD_MAX: usize = 256;
/// Results in one event, in bytes, unless a single one is larger.
const TOLD_BYTES: usize = 1 << 20;
/// Modules that may be looked at at once.
const INSPECTIONS_MAX: usize = 16;

/// Modules that are being looked at.
#[derive(Default)]
pub(super) struct Inspections {
    open: Map<u64, (Time, For)>,
    runs: u64,
}

/// What a module is looked at for.
enum For {
    /// The user asked.
    User(u64),
    /// A job wants to run it.
    Job(Box<Submission>),
}

struct Submission {
    job: JobId,
    parts: Parts,
}

impl Node {
    pub(super) fn step_coordinator(&mut self, now: Time, input: coordinator::Input) {
        let mut asked = Vec::new();
        self.coordinator.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                coordinator::Effect::Send(ion, message) => self.say(ion, message),
                coordinator::Effect::Results { job, first, results } => {
                    self.record_results(job, first, results);
                }
                // Whoever stands in for an owner only holds back itself.
                coordinator::Effect::Held(job) => {
                    self.push(Step::Records(records::Input::Hold(job, true)));
                }
                coordinator::Effect::Offence(ion) => {
                    self.push(Step::Mesh(mesh::Input::Offence(ion)));
                }
            }
        }
    }

    pub(super) fn step_worker(
        &mut self,
        now: Time,
        input: worker::Input,
        effects: &mut Vec<Effect>,
    ) {
        let mut asked = Vec::new();
        self.worker.handle(now, input, &mut asked);
        for effect in asked {
            let order = match effect {
                worker::Effect::Keep(module, binary) => guests::Order::Keep(module, binary),
                worker::Effect::Drop(module) => guests::Order::Drop(module),
                worker::Effect::Run { run, module, lane, calls, limits } => {
                    guests::Order::Run(run, module, lane, calls, limits)
                }
                worker::Effect::Kill(run) => guests::Order::Kill(run),
                worker::Effect::Send(ion, message) => {
                    self.say(ion, message);
                    continue;
                }
                worker::Effect::Offence(ion) => {
                    self.push(Step::Mesh(mesh::Input::Offence(ion)));
                    continue;
                }
            };
            effects.push(Effect::Guests(order));
        }
        self.views.touch();
    }

    pub(super) fn inspect(
        &mut self,
        now: Time,
        request: u64,
        binary: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let result = match check_module_size(binary.len() as u64) {
            Ok(()) => self.look(now, binary.into(), For::User(request), effects),
            Err(why) => Err(words::refused(why)),
        };
        if let Err(problem) = result {
            effects.push(Effect::Tell(Event::Inspected { request, result: Err(problem) }));
        }
    }

    pub(super) fn run_job(
        &mut self,
        now: Time,
        job: JobId,
        (program, binary, inputs, mut about): (Program, Vec<u8>, Inputs, String),
        effects: &mut Vec<Effect>,
    ) {
        let result = self.check_job(job, &program, &binary, &inputs).and_then(|()| {
            let module = *blake3::hash(&binary).as_bytes();
            let binary: Arc<[u8]> = binary.into();
            if about.len() > ABOUT_BYTES_MAX {
                about.clear();
            }
            let parts =
                Parts { program, module, binary: binary.clone(), inputs: inputs.into(), about };
            let submission = Submission { job, parts };
            self.look(now, binary, For::Job(Box::new(submission)), effects)
        });
        if let Err(problem) = result {
            effects.push(Effect::Tell(Event::Refused { job, problem }));
        }
    }

    fn check_job(
        &self,
        job: JobId,
        program: &Program,
        binary: &[u8],
        inputs: &Inputs,
    ) -> Result<(), Problem> {
        check_module_size(binary.len() as u64).map_err(words::refused)?;
        check_program(program).map_err(words::refused)?;
        inputs.check().map_err(|why| words::bad_inputs(&why))?;
        if self.coordinator.knows(job) || !self.coordinator.has_room() {
            return Err(words::too_many_jobs());
        }
        Ok(())
    }

    fn look(
        &mut self,
        now: Time,
        binary: Arc<[u8]>,
        reason: For,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Problem> {
        if self.inspections.open.len() >= INSPECTIONS_MAX {
            return Err(words::too_many_jobs());
        }
        self.inspections.runs += 1;
        let run = self.inspections.runs;
        self.inspections.open.insert(run, (now, reason));
        effects.push(Effect::Guests(guests::Order::Inspect(run, binary)));
        Ok(())
    }

    pub(super) fn inspected(
        &mut self,
        run: u64,
        result: Result<Inspection, Stop>,
        effects: &mut Vec<Effect>,
    ) {
        let Some((_, reason)) = self.inspections.open.remove(&run) else { return };
        match reason {
            For::User(request) => {
                let result = result.map_err(|stop| words::cannot_run(&stop));
                effects.push(Effect::Tell(Event::Inspected { request, result }));
            }
            For::Job(submission) => self.begin_job(*submission, result, effects),
        }
    }

    fn begin_job(
        &mut self,
        submission: Submission,
        result: Result<Inspection, Stop>,
        effects: &mut Vec<Effect>,
    ) {
        let Submission { job, parts } = submission;
        let seen = result.map_err(|stop| words::cannot_run(&stop));
        match seen.and_then(|seen| fits(&seen, &parts.program)) {
            Ok(()) => {
                self.push(Step::Records(records::Input::Submit(job, Box::new(parts.clone()))));
                let (name, done) = (Name { job, owner: self.own }, Spans::default());
                self.submit(coordinator::Input::Submit { job, parts, name, done });
            }
            Err(problem) => effects.push(Effect::Tell(Event::Refused { job, problem })),
        }
    }

    pub(super) fn late_inspections(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let late = |since: &Time| now.since_ms(*since) > INSPECT_MS;
        let open = &mut self.inspections.open;
        let over: Vec<u64> =
            open.iter().filter(|(_, (since, _))| late(since)).map(|(run, _)| *run).collect();
        for run in over {
            effects.push(Effect::Guests(guests::Order::LookAway(run)));
            let reason = "no guest worker answered".to_owned();
            self.inspected(run, Err(Stop::WorkerLost { reason }), effects);
        }
    }
}

/// Tells results of a job, from a task on, in parts.
pub(super) fn tell_results(job: JobId, first: u64, results: Vec<Done>, effects: &mut Vec<Effect>) {
    let mut part = Part { job, first, results: Vec::new(), bytes: 0 };
    for done in results {
        if part.is_full() {
            part.tell(effects);
        }
        part.bytes += done.bytes();
        let Done { ion, report, receipts } = done;
        part.results.push(TaskResult { ion: ion.to_string(), report, receipts });
    }
    part.tell(effects);
}

/// Results that are told together.
struct Part {
    job: JobId,
    first: u64,
    results: Vec<TaskResult>,
    bytes: usize,
}

impl Part {
    fn is_full(&self) -> bool {
        self.results.len() >= TOLD_MAX || self.bytes >= TOLD_BYTES
    }

    /// Tells what there is, and begins the next one.
    fn tell(&mut self, effects: &mut Vec<Effect>) {
        let (job, first, results) = (self.job, self.first, std::mem::take(&mut self.results));
        self.first += results.len() as u64;
        self.bytes = 0;
        effects.push(Effect::Tell(Event::Results { job, first, results }));
    }
}

/// Whether a module can be called as the program says, and answers alike on all
/// ions where their answers are to be compared.
fn fits(seen: &Inspection, program: &Program) -> Result<(), Problem> {
    can_call(seen, &program.entry).map_err(|stop| words::cannot_run(&stop))?;
    match varying(seen) {
        Some(import) if program.trust.compares() => Err(words::cannot_compare(import)),
        _ => Ok(()),
    }
}

/// Whether a module has what the program calls, takes the arguments that are
/// the same for every task, and gets all that it wants.
fn can_call(seen: &Inspection, entry: &Entry) -> Result<(), Stop> {
    if let Some(import) = seen.imports.iter().find(|import| !import.offered) {
        let (module, name) = (import.module.clone(), import.name.clone());
        return Err(Stop::ImportNotOffered { module, name });
    }
    let name = match entry {
        Entry::Command { .. } if seen.is_command => return Ok(()),
        Entry::Command { .. } => "_start",
        Entry::Export { name, .. } => name.as_str(),
        Entry::Json => return json_spark::check(&seen.exports),
    };
    if let Some(signature) = seen.exports.iter().find(|export| export.name == name) {
        return entry.check_arguments(signature);
    }
    let exports = seen.exports.iter().map(|export| export.name.clone()).collect();
    Err(Stop::NoSuchExport { name: name.to_owned(), exports })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::compute::Trust;
    use crate::{
        identity::{IonId, SimKeys},
        node::{Birth, Command, Durability, Input as NodeInput, TaskView},
    };
    use spark_runtime::{
        Lane, Limits, Report,
        inspect::{Import, Signature},
    };

    fn node() -> Node {
        Node::new(Birth {
            keys: Arc::new(SimKeys::of(IonId::from_bytes([1; 32]))),
            settings: super::super::Settings::default(),
            storage: Durability::Kept,
            seed: 1,
            origin_ms: 0,
            now: Time::default(),
        })
    }

    fn step(node: &mut Node, ms: u64, input: NodeInput) -> Vec<Effect> {
        let mut effects = Vec::new();
        node.handle(Time::from_ms(ms), input, &mut effects);
        effects
    }

    #[test]
    fn an_inspection_that_is_given_up_leaves_its_guest_worker_free() {
        let mut node = node();
        let command = Command::Inspect { request: 5, binary: vec![0] };
        step(&mut node, 0, NodeInput::Command(command, Box::new([0; 48])));
        let away = Effect::Guests(guests::Order::LookAway(1));
        assert!(!step(&mut node, INSPECT_MS, NodeInput::Tick).contains(&away));
        let late = step(&mut node, INSPECT_MS + 1, NodeInput::Tick);
        assert!(late.contains(&away));
        let is_told = |effect: &Effect| {
            matches!(effect, Effect::Tell(Event::Inspected { request: 5, result: Err(_) }))
        };
        assert!(late.iter().any(is_told));
    }

    #[test]
    fn whoever_asks_about_a_job_that_is_not_here_is_answered() {
        let mut node = node();
        let mut ask = |command| step(&mut node, 0, NodeInput::Command(command, Box::new([0; 48])));
        let unknown = TaskView { job: 5, task: 1, ..TaskView::default() };
        let unknown = Event::Task(Box::new(unknown));
        assert!(ask(Command::AskTask(5, 1)).contains(&Effect::Tell(unknown)));
        assert!(ask(Command::ShowWork).contains(&Effect::Tell(Event::Work(Vec::new()))));
    }

    /// The first task and the number of each event's results.
    fn told(results: Vec<Report>) -> Vec<(u64, usize)> {
        let ion = IonId::from_bytes([2; 32]);
        let done = |report| Done { ion, report, receipts: Vec::new() };
        let results = results.into_iter().map(done).collect();
        let mut effects = Vec::new();
        tell_results(7, 5, results, &mut effects);
        let parts = effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(Event::Results { job: 7, first, results }) => Some((first, results.len())),
            _ => None,
        });
        parts.collect()
    }

    #[test]
    fn many_results_are_told_in_parts() {
        assert_eq!(told(vec![Report::default(); 3]), [(5, 3)]);
        let many = told(vec![Report::default(); 2 * TOLD_MAX + 1]);
        assert_eq!(many, [(5, TOLD_MAX), (5 + 256, TOLD_MAX), (5 + 512, 1)]);
        let large = Report { stdout: vec![0; TOLD_BYTES / 2], ..Report::default() };
        assert_eq!(told(vec![large; 5]), [(5, 2), (7, 2), (9, 1)]);
    }

    #[test]
    fn what_no_task_could_do_is_refused_before_any_task() {
        let add = Signature {
            name: "add".to_owned(),
            parameters: vec!["i32".to_owned(), "i32".to_owned()],
            results: vec![],
        };
        let seen = Inspection {
            bytes: 1,
            is_command: false,
            exports: vec![add],
            imports: vec![],
            memory_bytes: 0,
            anatomy: vec![],
        };
        let arguments = vec!["{}".to_owned(), "many".to_owned()];
        let entry = Entry::Export { name: "add".to_owned(), arguments };
        let problem = fits(&seen, &program(entry, Trust::Once)).expect_err("many is no number");
        assert_eq!(problem.what, "The job was not started.");
        assert!(problem.why.contains("\"many\"") && problem.why.contains("i32"), "{}", problem.why);
        assert!(problem.remedy.contains("of that type"), "{}", problem.remedy);
        let json = program(Entry::Json, Trust::Once);
        let problem = fits(&seen, &json).expect_err("it is no JSON spark");
        assert!(problem.why.contains("nebulark_ion_spark_construct() → i32"), "{}", problem.why);
        assert!(problem.remedy.contains("Export these"), "{}", problem.remedy);
    }

    fn program(entry: Entry, trust: Trust) -> Program {
        let (name, limits, lane) = (String::new(), Limits::default(), Lane::Automatic);
        Program { name, entry, limits, lane, trust }
    }

    #[test]
    fn what_may_differ_from_ion_to_ion_is_not_compared() {
        let import =
            Import { module: "ionosphere".to_owned(), name: "read".to_owned(), offered: true };
        let seen = Inspection {
            bytes: 1,
            is_command: true,
            exports: vec![],
            imports: vec![import],
            memory_bytes: 0,
            anatomy: vec![],
        };
        let entry = Entry::Command { arguments: vec![], environment: vec![], stdin: true };
        assert_eq!(fits(&seen, &program(entry.clone(), Trust::Once)), Ok(()));
        for trust in [Trust::Copies(2), Trust::Adaptive] {
            let problem = fits(&seen, &program(entry.clone(), trust)).expect_err("it may differ");
            assert!(problem.why.contains("`ionosphere.read`"), "{}", problem.why);
        }
    }
}
