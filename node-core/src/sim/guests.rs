//! Guest workers: they keep modules, run tasks for a while, and answer.

use std::collections::{BTreeMap, BTreeSet};

use spark_runtime::{Call, Limits, Report, Stop, inspect::Inspection, wire::ModuleHash};

use super::{
    agenda::{Happening, IonIndex},
    options::Temper,
    world::World,
};
use crate::{compute::guests, node::Input};

/// The guest workers of one ion.
#[derive(Default)]
pub(super) struct Guests {
    kept: BTreeSet<ModuleHash>,
    running: BTreeMap<u64, ModuleHash>,
    pub(super) lends: u16,
}

impl Guests {
    /// A guest ended by itself, the last of its run or not; whether the run had not
    /// been killed before.
    pub(super) fn end(&mut self, run: u64, is_last: bool) -> bool {
        if is_last { self.running.remove(&run).is_some() } else { self.running.contains_key(&run) }
    }

    pub(super) fn drop_module(&mut self, module: &ModuleHash) {
        self.kept.remove(module);
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }
}

/// How a guest's run goes.
enum Course {
    Well,
    Lie,
    Mishap(Stop),
    Silence,
}

impl World {
    pub(super) fn keep(&mut self, ion: IonIndex, module: ModuleHash, binary: &[u8]) {
        if *blake3::hash(binary).as_bytes() != module {
            self.fail(|| format!("ion {ion} keeps a module whose hash is wrong"));
        }
        self.ions[ion].guests.kept.insert(module);
    }

    pub(super) fn inspect(&mut self, ion: IonIndex, run: u64, binary: &[u8]) {
        let result = Ok(Inspection {
            bytes: binary.len() as u64,
            is_command: true,
            exports: Vec::new(),
            imports: Vec::new(),
            memory_bytes: 1 << 16,
            anatomy: Vec::new(),
        });
        let life = self.ions[ion].life;
        let delay = self.between(1, 30);
        self.later(
            delay,
            Happening::Input {
                ion,
                life,
                input: Input::Guests(guests::News::Inspected(run, result)),
            },
        );
    }

    pub(super) fn start_guests(
        &mut self,
        ion: IonIndex,
        run: u64,
        module: ModuleHash,
        calls: &[Call],
        limits: Limits,
    ) {
        self.trace.note(self.now_ms, ion, "runs", None, run);
        self.books.runs += calls.len() as u64;
        let guests = &mut self.ions[ion].guests;
        let (is_kept, is_new) =
            (guests.kept.contains(&module), guests.running.insert(run, module).is_none());
        let (running, lends) = (guests.running.len(), usize::from(guests.lends));
        if !is_kept || !is_new {
            self.fail(|| {
                format!("ion {ion} runs a module that it does not keep, or run {run} twice")
            });
        }
        if running > lends || self.ions[ion].is_paused {
            self.fail(|| format!("ion {ion} runs {running} guests, lends {lends}"));
        }
        let mut begins = Some(0);
        for (index, call) in calls.iter().enumerate() {
            let Call::Command { stdin, .. } = call else {
                self.fail(|| format!("ion {ion} makes another call than the job's"));
                return;
            };
            // Behind one that stays silent, none begins.
            let Some(after) = begins else { return };
            let is_last = index + 1 == calls.len();
            begins = self.let_run(ion, (run, is_last), module, stdin, limits, after);
        }
    }

    /// Lets a guest begin after so many milliseconds; after how many it ends, if it does.
    fn let_run(
        &mut self,
        ion: IonIndex,
        (run, is_last): (u64, bool),
        module: ModuleHash,
        input: &[u8],
        limits: Limits,
        begins: u64,
    ) -> Option<u64> {
        let Some(flavour) = self.books.flavours.get(&module).copied() else {
            self.fail(|| format!("ion {ion} runs a module that nobody submitted"));
            return None;
        };
        let body = &self.ions[ion];
        let (life, slowness) = (body.life, body.options.slowness);
        let ordinary = flavour.work_ms * slowness;
        let work = self.between(ordinary / 2, ordinary + ordinary / 2).max(1);
        let course = if work >= limits.wall_ms_max {
            Course::Mishap(Stop::Deadline { wall_ms_max: limits.wall_ms_max })
        } else {
            self.course(ion)
        };
        let (after, report) = match course {
            Course::Well => (work, flavour.answer(input)),
            Course::Lie => (work, self.lie(flavour.answer(input))),
            Course::Mishap(stop) => (work.min(limits.wall_ms_max), failed(stop)),
            Course::Silence => (u64::MAX, Report::default()),
        };
        if !matches!(report.stop, None | Some(Stop::Trap { .. })) || after == u64::MAX {
            self.books.mishaps.insert((module, input.to_vec(), ion));
        }
        if after == u64::MAX {
            return None;
        }
        let ends = begins.checked_add(after)?;
        self.later(ends, Happening::GuestEnds { ion, life, run, report, is_last });
        Some(ends)
    }

    fn course(&mut self, ion: IonIndex) -> Course {
        let lost = || Course::Mishap(Stop::WorkerLost { reason: "it died".to_owned() });
        match self.ions[ion].options.temper {
            Temper::Sound => Course::Well,
            Temper::Liar if self.rng.below(100) >= self.conditions.lies_percent => Course::Well,
            Temper::Liar => Course::Lie,
            Temper::Flaky if self.rng.below(100) >= self.conditions.mishaps_percent => Course::Well,
            Temper::Flaky if self.rng.below(4) == 0 => Course::Silence,
            Temper::Flaky | Temper::Broken => lost(),
        }
    }

    /// A report like the right one, with an output that nobody else makes up.
    fn lie(&mut self, right: Report) -> Report {
        let mut stdout = vec![0; 16];
        self.rng.fill(&mut stdout);
        Report { stop: None, stdout, ..right }
    }

    pub(super) fn kill_guest(&mut self, ion: IonIndex, run: u64) {
        self.trace.note(self.now_ms, ion, "kills", None, run);
        self.ions[ion].guests.running.remove(&run);
    }
}

fn failed(stop: Stop) -> Report {
    Report { stop: Some(stop), ..Report::default() }
}
