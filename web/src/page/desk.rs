//! What every view looks at and acts by: the page's signals, and the actions
//! that post commands. It lives as long as the page.

use std::{rc::Rc, sync::Arc, time::Duration};

use leptos::prelude::*;
use node_core::node::{
    Command, Event, IonView, JobId, Phase, Problem, RecordView, Status, TaskView, WorkView,
    event::{AttemptView, CheckView, EchoView, Pairing},
};
use spark_runtime::inspect::Inspection;

use super::{browser, files::Shelf, raw::State};
use crate::{
    bridge::{Bridge, Heard},
    model::{
        data::Data,
        gallery::Spark,
        ice::Trial,
        job::{JOBS_MAX, Job},
        mail::Mail,
        map::Map,
        network::{self, Echo, Echoes},
        news::{News, problem},
        pairing::Role,
        picked::Reading,
        request::Request,
        route::Route,
        setup::Form,
        words::phase_key,
    },
};

/// How long a notice is shown.
const NOTICE_SHOWN: Duration = Duration::from_secs(12);

/// The desk, as views pass it around.
pub(crate) type At = &'static Desk;

/// A job and the signal that carries it.
#[derive(Clone, Copy)]
pub(crate) struct JobHandle {
    /// Its name.
    pub(crate) id: JobId,
    /// How it stands.
    pub(crate) job: RwSignal<Job>,
}

/// What is laid over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Nothing.
    None,
    /// How to invite others.
    Invite,
    /// Linking two ions by codes.
    Pair,
    /// The keys.
    Keys,
}

/// Where a module came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// The gallery.
    Gallery(Box<Spark>),
    /// A file of that name.
    File(String),
    /// A job that ran here, with the form of another like it.
    Again(Box<Form>),
}

/// The module that is being set up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bench {
    /// None is.
    Empty,
    /// It is fetched, read or inspected.
    Loading(Source),
    /// It cannot be used.
    Refused(Problem),
    /// It can be run.
    Ready(Arc<[u8]>, Inspection),
}

/// The last request to inspect, and what it was about until it is answered.
type Inspecting = (u64, Option<(Source, Arc<[u8]>)>);

/// The page's state.
pub(crate) struct Desk {
    pub(crate) route: RwSignal<Route>,
    pub(crate) status: RwSignal<Status>,
    pub(crate) ions: RwSignal<Vec<IonView>>,
    pub(crate) map: RwSignal<Map>,
    /// Newest first.
    pub(crate) jobs: RwSignal<Vec<JobHandle>>,
    /// Jobs that the nebula keeps, newest first.
    pub(crate) records: RwSignal<Vec<RecordView>>,
    pub(crate) news: RwSignal<News>,
    /// A word that needs nothing done; empty when there is none.
    pub(crate) notice: RwSignal<String>,
    pub(crate) dialog: RwSignal<Dialog>,
    pub(crate) gallery: RwSignal<Option<Result<Vec<Spark>, String>>>,
    pub(crate) bench: RwSignal<Bench>,
    pub(crate) form: RwSignal<Form>,
    /// How far the reading of files for the form is.
    pub(crate) reading: State<Reading>,
    /// Where pairing stands, and since when, in milliseconds of the page's clock.
    pub(crate) pairing: RwSignal<(Pairing, f64)>,
    /// What the person chose to do in pairing.
    pub(crate) role: RwSignal<Role>,
    /// Newest first.
    pub(crate) attempts: RwSignal<Vec<AttemptView>>,
    /// The self-test's steps; empty until one was asked for.
    pub(crate) checks: RwSignal<Vec<CheckView>>,
    pub(crate) echoes: RwSignal<Echoes>,
    /// What the Data page shows.
    pub(crate) data: RwSignal<Data>,
    /// What ran here and for whom, the latest job first.
    pub(crate) work: State<Vec<WorkView>>,
    /// The last answer about a task.
    pub(crate) asked: State<Option<TaskView>>,
    /// What the Mail page shows.
    pub(crate) mail: State<Mail>,
    /// What the Files page shows, and what is under way there.
    pub(crate) files: Shelf,
    /// The last trial of a STUN or TURN server.
    pub(crate) trial: RwSignal<Option<Trial>>,
    /// When the present ion was started, in milliseconds of the page's clock.
    pub(crate) ion_started_ms: RwSignal<f64>,
    /// Owns the signals of jobs, which outlive the views that start them.
    owner: Owner,
    inspecting: RwSignal<Inspecting>,
    bridge: StoredValue<Option<Rc<Bridge>>, LocalStorage>,
}

impl Desk {
    /// An empty desk, kept for the page's lifetime.
    pub(crate) fn new(route: Route) -> At {
        Box::leak(Box::new(Self {
            route: RwSignal::new(route),
            status: RwSignal::new(Status::default()),
            ions: RwSignal::new(Vec::new()),
            map: RwSignal::new(Map::default()),
            jobs: RwSignal::new(Vec::new()),
            records: RwSignal::new(Vec::new()),
            news: RwSignal::new(News::default()),
            notice: RwSignal::new(String::new()),
            dialog: RwSignal::new(Dialog::None),
            gallery: RwSignal::new(None),
            bench: RwSignal::new(Bench::Empty),
            form: RwSignal::new(Form::default()),
            reading: State::new(Reading::default()),
            pairing: RwSignal::new((Pairing::Idle, 0.0)),
            role: RwSignal::new(Role::Open),
            attempts: RwSignal::new(Vec::new()),
            checks: RwSignal::new(Vec::new()),
            echoes: RwSignal::new(Echoes::default()),
            data: RwSignal::new(Data::default()),
            work: State::new(Vec::new()),
            asked: State::new(None),
            mail: State::new(Mail::default()),
            files: Shelf::new(),
            trial: RwSignal::new(None),
            ion_started_ms: RwSignal::new(0.0),
            owner: Owner::new(),
            inspecting: RwSignal::new((0, None)),
            bridge: StoredValue::new_local(None),
        }))
    }

    /// Takes the connection to the ion.
    pub(crate) fn connect(&self, bridge: Rc<Bridge>) {
        self.bridge.set_value(Some(bridge));
    }

    /// Posts a command; says so when the ion is gone.
    pub(crate) fn post(&self, command: Command) {
        let taken = self
            .bridge
            .with_value(|bridge| bridge.as_ref().is_some_and(|bridge| bridge.post(command)));
        if !taken {
            self.tell(problem(
                "That could not be done",
                "The ion of this tab is not answering.",
                "Wait a moment and try again; if it stays so, reload the page.",
            ));
        }
    }

    /// The same for a command that is given again before long: it is given up where the
    /// ion does not listen, and nobody is told.
    pub(crate) fn try_post(&self, command: &Command) {
        self.bridge
            .with_value(|bridge| bridge.as_ref().is_some_and(|bridge| bridge.try_post(command)));
    }

    /// Hands a file to the ion, to be read under that number; whether it took it.
    pub(crate) fn hand(&self, source: u64, file: &web_sys::File) -> bool {
        self.bridge
            .with_value(|bridge| bridge.as_ref().is_some_and(|bridge| bridge.hand(source, file)))
    }

    /// Shows a problem until it is dismissed.
    pub(crate) fn tell(&self, problem: Problem) {
        self.news.update(|news| news.add(problem));
    }

    /// Takes what the bridge heard.
    pub(crate) fn hear(&self, heard: Heard) {
        match heard {
            Heard::Event(event) => self.event(*event),
            Heard::Slot(index) => browser::keep_slot(index),
            Heard::Restarted(why) => self.restarted(&why),
            Heard::GaveUp(why) => self.gave_up(&why),
        }
    }

    /// Hands a job to the ion; its place.
    pub(crate) fn run(&self, request: Request) -> Route {
        let id = browser::random_id();
        self.form.update(|form| form.results = None);
        self.post(request.command(id));
        self.add(Job::new(id, request));
        Route::Job(id)
    }

    fn add(&self, job: Job) {
        let id = job.view.job;
        let handle = JobHandle { id, job: self.owner.with(|| RwSignal::new(job)) };
        self.jobs.update(|jobs| {
            jobs.insert(0, handle);
            forget_oldest(jobs);
        });
    }

    /// The job of a name, if the page knows it.
    pub(crate) fn job(&self, id: JobId) -> Option<JobHandle> {
        self.jobs.with_untracked(|jobs| jobs.iter().find(|handle| handle.id == id).copied())
    }

    /// Puts a module on the bench: it is inspected by the ion.
    pub(crate) fn inspect(&self, source: Source, binary: Vec<u8>) {
        let request = self.inspecting.with_untracked(|(last, _)| last + 1);
        let kept = Arc::from(binary.as_slice());
        self.inspecting.set((request, Some((source.clone(), kept))));
        self.bench.set(Bench::Loading(source));
        self.post(Command::Inspect { request, binary });
    }

    /// Asks where a task stands, and why.
    pub(crate) fn ask(&self, job: JobId, task: u64) {
        self.post(Command::AskTask(job, task));
    }

    /// Clears the bench.
    pub(crate) fn clear_bench(&self) {
        self.inspecting.update(|(_, source)| *source = None);
        self.bench.set(Bench::Empty);
    }

    /// What the ion's clock says now, in milliseconds since it started.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to be positive; casts from floats saturate"
    )]
    pub(crate) fn ion_clock_ms(&self) -> u64 {
        (browser::now_ms() - self.ion_started_ms.get()).max(0.0) as u64
    }

    /// Sends a word to an ion that comes back.
    pub(crate) fn echo(&self, ion: &str) {
        let mut request = 0;
        self.echoes.update(|echoes| request = echoes.ask(ion));
        self.post(Command::Echo { request, ion: ion.to_owned() });
    }

    /// Shows where pairing stands, whether the ion said so or will in a moment.
    pub(crate) fn show_pairing(&self, pairing: Pairing) {
        self.pairing.set((pairing, browser::now_ms()));
    }

    /// Gives pairing up, and begins anew with the two roles.
    pub(crate) fn cancel_pairing(&self) {
        self.role.set(Role::Open);
        self.show_pairing(Pairing::Idle);
        self.post(Command::CancelPairing);
    }

    fn event(&self, event: Event) {
        match event {
            Event::Status(status) => self.take_status(status),
            Event::Ions(ions) => {
                self.map.update(|map| map.settle(ions.iter().map(|ion| ion.id.as_str())));
                self.echoes.update(|echoes| echoes.keep(&ions));
                self.ions.set(ions);
            }
            Event::Job(view) => {
                if let Some(handle) = self.job(view.job) {
                    handle.job.update(|job| job.update(view));
                }
            }
            Event::Opened { is_own, job, program, binary, inputs, about, .. } => {
                if let Some(handle) = self.job(job) {
                    return handle.job.update(Job::resume);
                }
                let (together, retries) = Request::of_about(&about);
                let (binary, names) = (binary.into_vec().into(), Arc::default());
                let request = Request { program, binary, inputs, names, together, retries };
                self.add(Job::kept(job, request, is_own));
            }
            Event::Task(view) => self.asked.set(Some(*view)),
            Event::Work(rows) => self.work.set(rows),
            Event::Records(records) => self.records.set(records),
            Event::Results { job, first, results } => {
                if let Some(handle) = self.job(job) {
                    // They come by the hundred a second; the job's view follows ten times
                    // a second, and has all of it drawn.
                    handle.job.update_untracked(|job| job.take(first, results));
                }
            }
            Event::Refused { job, problem } => match self.job(job) {
                Some(handle) => handle.job.update(|job| job.refuse(problem)),
                None => self.tell(problem),
            },
            Event::Inspected { request, result } => self.inspected(request, result),
            Event::Echoed { request, result } => self.echoed(request, result),
            Event::IceTried { request, result } => self.ice_tried(request, result),
            Event::Pairing(pairing) => self.paired(pairing),
            Event::Attempts(attempts) => self.attempts.set(attempts),
            Event::Diagnosis(checks) => self.checks.set(checks),
            Event::Data(news) => self.data_told(news),
            Event::Files(news) => self.files_told(news),
            Event::Mail(news) => self.mail_told(news),
            // No page listens to a room yet.
            Event::Said { .. } | Event::Present { .. } => {}
            Event::Problem(problem) => self.tell(problem),
            Event::Notice(word) => self.say(word),
        }
    }

    fn echoed(&self, request: u64, result: Result<EchoView, Problem>) {
        let echo = match result {
            Ok(view) => Echo::Back(network::echoed(&view)),
            Err(problem) => Echo::Lost(format!("{} {}", problem.why, problem.remedy)),
        };
        self.echoes.update(|echoes| echoes.answer(request, echo));
    }

    fn paired(&self, pairing: Pairing) {
        if let Pairing::Done { name } = &pairing
            && self.dialog.get_untracked() != Dialog::Pair
        {
            self.say(format!("Linked with {name}."));
        }
        self.show_pairing(pairing);
    }

    /// Shows a word for a while; it needs nothing done.
    pub(super) fn say(&self, word: String) {
        let shown = self.notice;
        shown.set(word.clone());
        let hide = move || {
            if shown.with_untracked(|now| *now == word) {
                shown.set(String::new());
            }
        };
        set_timeout(hide, NOTICE_SHOWN);
    }

    fn take_status(&self, status: Status) {
        let before = self.status.with_untracked(|status| status.phase);
        if status.phase == Phase::Joined && before != Phase::Joined {
            browser::mark_joined();
        }
        browser::show_phase(phase_key(status.phase));
        if let Some(nebula) = &status.nebula {
            browser::keep_invitation((!nebula.is_open).then_some(nebula.invitation.as_str()));
        }
        self.status.set(status);
    }

    fn inspected(&self, request: u64, result: Result<Inspection, Problem>) {
        let mut asked = None;
        self.inspecting.update_untracked(|(last, source)| {
            if *last == request {
                asked = source.take();
            }
        });
        let Some((source, binary)) = asked else { return };
        match result {
            Err(problem) => self.bench.set(Bench::Refused(problem)),
            Ok(inspection) => {
                self.reading.update(Reading::stop);
                let form = match source {
                    Source::Gallery(spark) => Form::of_spark(&spark),
                    Source::File(name) => Form::of_file(&name, &inspection),
                    Source::Again(form) => *form,
                };
                self.form.update(|old| {
                    *old = match old.results.take() {
                        Some(results) => form.over(results),
                        None => form,
                    }
                });
                self.bench.set(Bench::Ready(binary, inspection));
            }
        }
    }

    fn restarted(&self, why: &str) {
        self.interrupt_jobs();
        self.tell(problem(
            "The ion of this tab stopped and was started again",
            &format!("{}.", why.trim_end_matches('.')),
            "Nothing needs doing: it joins again by itself, and goes on with jobs that were \
             running here from what the nebula keeps of them.",
        ));
    }

    fn gave_up(&self, why: &str) {
        self.interrupt_jobs();
        self.tell(problem(
            "The ion of this tab does not start",
            &format!("{}.", why.trim_end_matches('.')),
            "Reload the page. If it stays so, open it in another browser, and tell whoever \
             runs the relay.",
        ));
    }

    fn interrupt_jobs(&self) {
        self.status.set(Status::default());
        self.ions.set(Vec::new());
        self.records.set(Vec::new());
        self.map.set(Map::default());
        self.show_pairing(Pairing::Idle);
        self.attempts.set(Vec::new());
        self.checks.set(Vec::new());
        self.echoes.set(Echoes::default());
        self.trial.set(None);
        self.work.set(Vec::new());
        self.asked.set(None);
        self.files_interrupted();
        self.mail.update(Mail::interrupted);
        self.ion_started_ms.set(browser::now_ms());
        if matches!(self.bench.get_untracked(), Bench::Loading(_)) {
            self.clear_bench();
        }
        for handle in self.jobs.get_untracked() {
            handle.job.update(Job::interrupt);
        }
    }
}

fn forget_oldest(jobs: &mut Vec<JobHandle>) {
    if jobs.len() <= JOBS_MAX {
        return;
    }
    let has_ended = |handle: &JobHandle| !handle.job.with_untracked(Job::is_open);
    if let Some(oldest) = jobs.iter().rposition(has_ended) {
        jobs.remove(oldest).job.dispose();
    }
}
