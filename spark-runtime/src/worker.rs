//! What answers an ion's requests, in a tab's worker or in a native thread.
//!
//! Reports of calls that came together wait for each other, at most [`TELL_MS`]; and a
//! call that takes longer than [`YIELD_MS`] lets those behind it go elsewhere. Both are
//! seen to whenever a guest looks at the clock.
//!
//! Keeps the last [`MODULES_MAX`] modules compiled, the one unused for longest
//! is dropped. A run of a module that is not here is answered, not ignored:
//! the ion loads it again. What a module was refused for is kept in its place.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    Clock, Lane, Module, Report, Runtime, Stop,
    run::stopped,
    wire::{FromGuest, ModuleHash, ToGuest},
};

/// Modules kept compiled.
pub const MODULES_MAX: usize = 8;
/// How long a report waits for those after it, in milliseconds.
pub const TELL_MS: u64 = 10;
/// How long calls wait for the one before them, in milliseconds.
pub const YIELD_MS: u64 = 20;
/// Output of reports that wait, in bytes, unless a single one has more.
pub const TELL_BYTES: usize = 256 << 10;

/// Takes an answer to the ion.
pub type Tell = Rc<dyn Fn(FromGuest)>;

/// Answers one request at a time.
#[derive(Default)]
pub struct Worker {
    runtime: Runtime,
    /// The most recently used last.
    modules: Vec<(ModuleHash, Result<Module, Stop>)>,
}

impl Worker {
    /// A worker that holds no module.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what is asked, and tells what came of it.
    pub fn handle(&mut self, message: ToGuest, clock: &Clock, tell: &Tell) {
        match message {
            ToGuest::Load { module, binary } => self.load(module, &binary),
            ToGuest::Run { run, module, lane, calls, limits } => {
                let module = self.find(module).unwrap_or_else(|| {
                    let reason = "it no longer has the module".to_owned();
                    Err(Stop::WorkerLost { reason })
                });
                let course = Rc::new(Course::new(run, calls.len(), clock, tell));
                let looking = course.clone();
                let clock: Clock = Rc::new(move || looking.look());
                for call in &calls {
                    if !course.begins() {
                        break;
                    }
                    course.ends(match &module {
                        Ok(module) => self.runtime.run(module, lane, call, &limits, &clock),
                        Err(stop) => stopped(stop.clone()),
                    });
                }
                course.tell();
            }
            ToGuest::Inspect { run, binary } => {
                tell(FromGuest::Inspected { run, result: self.runtime.inspect(&binary) });
            }
        }
    }

    fn load(&mut self, hash: ModuleHash, binary: &[u8]) {
        if self.find(hash).is_some() {
            return;
        }
        if self.modules.len() == MODULES_MAX {
            drop(self.modules.remove(0));
        }
        let module = self.runtime.load(binary);
        if let Ok(module) = &module {
            // Before the first task comes. A lane that refuses it does so again then.
            let _ = module.compile(Lane::Automatic);
        }
        self.modules.push((hash, module));
    }

    fn find(&mut self, hash: ModuleHash) -> Option<Result<Module, Stop>> {
        let at = self.modules.iter().position(|(kept, _)| *kept == hash)?;
        self.modules[at..].rotate_left(1);
        self.modules.last().map(|(_, module)| module.clone())
    }
}

/// How far one run has come.
struct Course {
    run: u64,
    clock: Clock,
    tell: Tell,
    /// Calls that have not begun.
    left: Cell<usize>,
    /// The first look at the clock since the call was begun.
    began_ms: Cell<Option<u64>>,
    /// Reports that are not told yet.
    waiting: RefCell<Vec<Report>>,
    waiting_bytes: Cell<usize>,
    told_ms: Cell<Option<u64>>,
}

impl Course {
    fn new(run: u64, calls: usize, clock: &Clock, tell: &Tell) -> Self {
        Self {
            run,
            clock: clock.clone(),
            tell: tell.clone(),
            left: Cell::new(calls),
            began_ms: Cell::new(None),
            waiting: RefCell::default(),
            waiting_bytes: Cell::new(0),
            told_ms: Cell::new(None),
        }
    }

    /// Whether the next call is to be made here.
    fn begins(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        self.began_ms.set(None);
        left > 0
    }

    fn ends(&self, report: Report) {
        let output = report.stdout.len() + report.stderr.len() + report.files.len();
        self.waiting_bytes.set(self.waiting_bytes.get() + output);
        self.waiting.borrow_mut().push(report);
        if self.waiting_bytes.get() >= TELL_BYTES {
            self.tell();
        }
    }

    /// The clock's time. Tells what has waited for long enough.
    fn look(&self) -> u64 {
        let now_ms = (self.clock)();
        if passed(&self.told_ms, now_ms) >= TELL_MS {
            self.told_ms.set(Some(now_ms));
            self.tell();
        }
        if passed(&self.began_ms, now_ms) >= YIELD_MS && self.left.get() > 0 {
            (self.tell)(FromGuest::Yielded { run: self.run, calls: self.left.take() });
        }
        now_ms
    }

    fn tell(&self) {
        self.waiting_bytes.set(0);
        let reports = self.waiting.take();
        if !reports.is_empty() {
            (self.tell)(FromGuest::Done { run: self.run, reports });
        }
    }
}

/// Milliseconds since a time, which is now if it is not known yet.
fn passed(since_ms: &Cell<Option<u64>>, now_ms: u64) -> u64 {
    let since = since_ms.get().unwrap_or(now_ms);
    since_ms.set(Some(since));
    now_ms.saturating_sub(since)
}
