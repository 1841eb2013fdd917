//! The records of jobs among the other machines: they are files, and what they
//! lack the coordinator has done.

use std::sync::Arc;

use ion_map::Map;

use super::{
    event::{Event, RecordView},
    files::OURS,
    jobs::tell_results,
    machine::{Effect, Node, Step},
    words,
};
use crate::{
    compute::{
        JobId, Parts,
        coordinator::{self, Done},
        view::{JobState, JobView, Waiting},
    },
    platform::Time,
    records::{self, Input, Name, Row, form::INPUTS_FILE_BYTES_MAX},
    store::{
        files::{File, FilePath, JOBS, Known, What},
        library::{self, Edit, Parcel},
        manifest::MEDIA_TYPE_ANY,
    },
};

/// How often the files of records are looked through where their names changed, in
/// milliseconds.
const LIST_MS: u64 = 500;
/// And where only those who hold them may have, in milliseconds.
const LIST_AGAIN_MS: u64 = 2_000;

/// What the node keeps of records beside their machine.
#[derive(Default)]
pub(super) struct Shelf {
    listed_at: Option<Time>,
    read_at: Option<Time>,
    /// What is being removed, and by which request.
    removing: Map<u64, FilePath>,
    edits: u64,
    /// Whether names below the folder changed since they were looked through.
    pub(super) has_news: bool,
}

impl Node {
    /// What the nebula keeps is another's from now on.
    pub(super) fn begin_records(&mut self) {
        self.shelf = Shelf { has_news: true, ..Shelf::default() };
        self.push(Step::Records(Input::Begin));
    }

    pub(super) fn tick_records(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.shelf.listed_at.is_none_or(|at| now.since_ms(at) >= LIST_MS) {
            self.shelf.listed_at = Some(now);
            let live = self.mesh.directory().entries().keys().copied().collect();
            self.push(Step::Records(Input::Live(live)));
            let is_old = self.shelf.read_at.is_none_or(|at| now.since_ms(at) >= LIST_AGAIN_MS);
            self.drop_left();
            if std::mem::take(&mut self.shelf.has_news) || is_old {
                self.shelf.read_at = Some(now);
                self.push(Step::Records(Input::Listed(self.record_rows())));
            }
            if self.records.take_changed() {
                let views = self.records.views().into_iter().map(|view| self.record_view(view));
                effects.push(Effect::Tell(Event::Records(views.collect())));
            }
        }
        self.push(Step::Records(Input::Tick));
    }

    /// What an earlier life of this ion began to store nobody goes on with.
    fn drop_left(&mut self) {
        let left = self.files.library.imports();
        let left = left.filter(|one| one.is_left && one.import & OURS != 0);
        for import in left.map(|one| one.import).collect::<Vec<_>>() {
            self.push(Step::Files(library::Input::Cancel(import)));
        }
    }

    fn record_rows(&self) -> Vec<Row> {
        let Ok(folder) = JOBS.parse::<FilePath>() else { return Vec::new() };
        let standing = self.files.library.tree().standing_below(&folder);
        let row = |(path, known): (&FilePath, &Known)| match &known.version.what {
            What::File(file) if file.size <= INPUTS_FILE_BYTES_MAX => Some(Row {
                path: path.clone(),
                author: known.author,
                at_ms: known.stamp.ms,
                file: file.manifest,
                bytes: file.size,
                is_held: self.is_held(file),
            }),
            What::File(_) | What::Folder | What::Gone => None,
        };
        standing.filter_map(row).collect()
    }

    /// Whether the whole of a file is here, or with an ion that is there.
    fn is_held(&self, file: &File) -> bool {
        let copies = self.files.library.copies(&file.manifest, file.size);
        copies.live > 0 || copies.here_bytes >= file.size
    }

    fn record_view(&self, view: records::View) -> RecordView {
        let is_running = view.state == JobState::Running;
        RecordView {
            owner: view.owner.to_string(),
            owner_name: self.name_of(&view.owner),
            is_own: view.owner == self.own,
            job: view.job,
            id: view.id,
            name: view.name,
            at_ms: view.at_ms,
            tasks: view.tasks,
            done: view.done,
            state: view.state,
            coordinator_name: if is_running {
                self.name_of(&view.coordinator)
            } else {
                String::new()
            },
        }
    }

    /// The user wants to see a job that the nebula keeps.
    pub(super) fn open_job(&mut self, owner: &str, job: JobId, effects: &mut Vec<Effect>) {
        match owner.parse() {
            Ok(owner) => self.push(Step::Records(Input::Open(Name { job, owner }))),
            Err(_) => effects.push(Effect::Tell(Event::Problem(words::no_such_record()))),
        }
    }

    /// The user wants a job to be kept no longer.
    pub(super) fn forget_job(&mut self, owner: &str, job: JobId, effects: &mut Vec<Effect>) {
        match owner.parse() {
            Ok(owner) => self.push(Step::Records(Input::Forget(Name { job, owner }))),
            Err(_) => effects.push(Effect::Tell(Event::Problem(words::no_such_record()))),
        }
    }

    pub(super) fn step_records(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.records.handle(now, input, &mut asked);
        for effect in asked {
            self.asked_by_records(effect, effects);
        }
    }

    fn asked_by_records(&mut self, effect: records::Effect, effects: &mut Vec<Effect>) {
        use records::Effect as Asked;
        match effect {
            Asked::Store(number, path, bytes) => {
                let media_type = MEDIA_TYPE_ANY.to_owned();
                let parcel = Parcel { path, media_type, modified_ms: self.wall_ms, bytes };
                self.push(Step::Files(library::Input::Import(number | OURS, parcel)));
            }
            Asked::Give(number, bytes) => {
                self.push(Step::Files(library::Input::Source(number | OURS, Ok(bytes))));
            }
            Asked::Read(number, file, from, bytes) => {
                let request = number | OURS;
                self.push(Step::Files(library::Input::Read { request, file, from, bytes }));
            }
            Asked::Remove(path) => self.remove_record(path),
            Asked::Begin(name, parts, done) => {
                let job = name.at(self.own);
                self.submit(coordinator::Input::Submit { job, parts: *parts, name, done });
            }
            Asked::Done(name, span) => {
                self.submit(coordinator::Input::Done { job: name.at(self.own), span });
            }
            Asked::Cancelled(name) if name.owner == self.own => {
                self.submit(coordinator::Input::Cancel { job: name.job });
            }
            Asked::Release(name) | Asked::Cancelled(name) => self.release(name),
            Asked::Hold(name, is_held) => {
                self.submit(coordinator::Input::Hold { job: name.at(self.own), is_held });
            }
            Asked::Opened(name, parts) => {
                let Parts { program, binary, inputs, about, .. } = *parts;
                effects.push(Effect::Tell(Event::Opened {
                    owner: name.owner.to_string(),
                    is_own: name.owner == self.own,
                    name: name.job,
                    job: name.at(self.own),
                    program,
                    binary: binary.to_vec().into(),
                    inputs: Arc::unwrap_or_clone(inputs),
                    about,
                }));
            }
            Asked::Count(name, first, results) => {
                let job = name.at(self.own);
                self.submit(coordinator::Input::Count { job, first, results });
            }
            Asked::Tell(name, first, results) => {
                tell_results(name.at(self.own), first, results, effects);
            }
            Asked::View(view) => effects.push(Effect::Tell(Event::Job(self.with_names(*view)))),
        }
    }

    /// Results of a job that this ion coordinates.
    pub(super) fn record_results(&mut self, job: JobId, first: u64, results: Vec<Done>) {
        let Some(name) = self.coordinator.name_of(job) else { return };
        if name.owner == self.own {
            for done in &results {
                *self.credits.entry(done.ion).or_default() += 1;
            }
        }
        self.push(Step::Records(Input::Results(name, first, results)));
    }

    /// Whether a view of the coordinator's is for the user, and not of a job for which
    /// this ion only stands in.
    pub(super) fn shown_job(&self, mut view: JobView) -> Option<JobView> {
        let told = self.records.told(view.job)?;
        if view.state == JobState::Finished && told < view.tasks {
            view.state = JobState::Running;
            view.waiting = Waiting::Reading;
        }
        Some(view)
    }

    fn release(&mut self, name: Name) {
        self.submit(coordinator::Input::Release { job: name.at(self.own) });
    }

    /// Deleted first, as its bytes are given up only then.
    fn remove_record(&mut self, path: FilePath) {
        self.shelf.edits += 1;
        let request = self.shelf.edits | OURS;
        self.push(Step::Files(library::Input::Edit(request, Edit::Remove(path.clone()))));
        self.shelf.removing.insert(request, path);
    }

    /// A change is on disk: what stood where something was removed is given up for good.
    pub(super) fn record_edited(&mut self, request: u64) {
        if let Some(path) = self.shelf.removing.remove(&request) {
            self.push(Step::Files(library::Input::Edit(OURS, Edit::Erase(path))));
        }
        self.shelf.has_news = true;
    }
}
