//! Files on their way in: which wait in the page, which the ion reads, what
//! came of the others.
//!
//! Bounds: [`IMPORTS_MAX`] files at a time; the ion has [`GIVEN_MAX`] of them
//! that are not halted, the rest waits here.

use node_core::node::{
    Problem,
    files::{IMPORTS_MAX, ImportView, Wish},
};

use crate::model::format;

/// Files that the ion reads, or is about to, at a time.
pub const GIVEN_MAX: usize = 16;

/// What the page knows of a file that was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Where it shall stand.
    pub path: String,
    /// Its media type, as the browser says; may be empty.
    pub media_type: String,
    /// When it was changed, in milliseconds since 1970.
    pub modified_ms: u64,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Whether a file stands there already.
    pub is_new_version: bool,
}

/// Where an import stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It waits in the page.
    #[default]
    Waiting,
    /// The ion has it.
    Given,
    /// It is here.
    Done,
    /// It is not, and why.
    Failed(Problem),
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Its name, and that of its source.
    pub import: u64,
    /// What was chosen.
    pub chosen: Chosen,
    /// How much of it is on disk, in bytes.
    pub done_bytes: u64,
    /// How much comes in a second, in bytes.
    pub rate: u64,
    /// Whether the user halted it.
    pub is_paused: bool,
    /// Where it stands.
    pub stage: Stage,
}

impl Import {
    /// Whether it has not ended.
    pub fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Given)
    }

    /// How far it is, in words.
    pub fn words(&self) -> String {
        let Self { chosen, done_bytes, rate, .. } = self;
        let sizes = format::part(*done_bytes, chosen.bytes);
        match (&self.stage, self.is_paused) {
            (Stage::Failed(problem), _) => format!("{} {}", problem.why, problem.remedy),
            (Stage::Done, _) => "here".to_owned(),
            (_, true) => format!("{sizes}, paused"),
            (Stage::Waiting, false) => format!("{}, waits", format::bytes(chosen.bytes)),
            (Stage::Given, false) => sizes + &speed(*rate, chosen.bytes - done_bytes),
        }
    }
}

/// All of them, in the order in which they were chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// By number.
    pub list: Vec<Import>,
    last: u64,
}

impl Imports {
    /// Whether a file has not ended.
    pub fn is_under_way(&self) -> bool {
        self.list.iter().any(Import::is_under_way)
    }

    /// Takes files that were chosen; their numbers, for as many as there is room
    /// for. What had ended before goes, unless something is under way.
    pub fn add(&mut self, chosen: Vec<Chosen>) -> Vec<u64> {
        if !self.is_under_way() {
            self.list.clear();
        }
        let room = IMPORTS_MAX.saturating_sub(self.list.len());
        let mut numbers = Vec::new();
        for chosen in chosen.into_iter().take(room) {
            self.last += 1;
            numbers.push(self.last);
            self.list.push(Import { import: self.last, chosen, ..Import::default() });
        }
        numbers
    }

    /// The next file for the ion, if it shall have another one.
    pub fn give(&mut self) -> Option<(u64, Wish)> {
        let is_given = |one: &&Import| one.stage == Stage::Given && !one.is_paused;
        if self.list.iter().filter(is_given).count() >= GIVEN_MAX {
            return None;
        }
        let waits = |one: &&mut Import| one.stage == Stage::Waiting && !one.is_paused;
        let next = self.list.iter_mut().find(waits)?;
        next.stage = Stage::Given;
        let Chosen { path, media_type, modified_ms, bytes, .. } = next.chosen.clone();
        let import = next.import;
        Some((import, Wish::Import { import, path, media_type, modified_ms, bytes }))
    }

    /// Takes how those that are under way stand.
    pub fn take(&mut self, views: &[ImportView]) {
        for view in views {
            if let Some(one) = self.get(view.import) {
                one.done_bytes = view.done_bytes.min(one.chosen.bytes);
                (one.rate, one.is_paused) = (view.bytes_per_second, view.is_paused);
            }
        }
    }

    /// Takes how one ended.
    pub fn ended(&mut self, import: u64, result: Result<(), Problem>) {
        if let Some(one) = self.get(import) {
            one.rate = 0;
            one.stage = match result {
                Ok(()) => {
                    one.done_bytes = one.chosen.bytes;
                    Stage::Done
                }
                Err(problem) => Stage::Failed(problem),
            };
        }
    }

    /// Ends all that are under way, for that reason.
    pub fn interrupt(&mut self, problem: &Problem) {
        for one in self.list.iter_mut().filter(|one| one.is_under_way()) {
            one.stage = Stage::Failed(problem.clone());
        }
    }

    /// Halts one, or all where none is named, or goes on; what to ask for that.
    pub fn pause(&mut self, import: Option<u64>, paused: bool) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for one in &mut self.list {
            if import.is_none_or(|import| import == one.import) && one.is_under_way() {
                one.is_paused = paused;
                one.rate = 0;
                if one.stage == Stage::Given {
                    wishes.push(Wish::Pause { import: one.import, paused });
                }
            }
        }
        wishes
    }

    /// Gives one up, or all where none is named; what to ask for that.
    pub fn cancel(&mut self, import: Option<u64>) -> Vec<Wish> {
        let gone =
            |one: &Import| import.is_none_or(|import| import == one.import) && one.is_under_way();
        let given = self.list.iter().filter(|one| gone(one) && one.stage == Stage::Given);
        let wishes = given.map(|one| Wish::CancelImport { import: one.import }).collect();
        self.list.retain(|one| !gone(one));
        wishes
    }

    /// Takes away what has ended.
    pub fn fold(&mut self) {
        self.list.retain(Import::is_under_way);
    }

    fn get(&mut self, import: u64) -> Option<&mut Import> {
        self.list.iter_mut().find(|one| one.import == import)
    }

    /// All of them in one line: `12 of 40 files, 310 of 900 MiB, 14 s left`.
    pub fn words(&self) -> String {
        let (mut files, mut done, mut bytes, mut rate) = (0, 0, 0, 0);
        let mut here = 0;
        let whole = self.list.iter().filter(|one| !matches!(one.stage, Stage::Failed(_)));
        for one in whole {
            files += 1;
            here += u64::from(one.stage == Stage::Done);
            done += one.done_bytes;
            bytes += one.chosen.bytes;
            rate += one.rate;
        }
        if here == files {
            let failed = match self.list.len() as u64 - files {
                0 => String::new(),
                failed => format!(", {} not", format::count(failed)),
            };
            return format!("{} brought in{failed}", format::counted(files, "file"));
        }
        let sizes = format::part(done, bytes);
        format!("{here} of {}, {sizes}", format::counted(files, "file"))
            + &speed(rate, bytes - done)
    }

    /// How far all of them are, from 0 to 100.
    pub fn percent(&self) -> f64 {
        let sum = |of: fn(&Import) -> u64| self.list.iter().map(of).sum();
        format::percent(sum(|one| one.done_bytes), sum(|one| one.chosen.bytes).max(1))
    }
}

fn speed(rate: u64, left: u64) -> String {
    if rate == 0 {
        return String::new();
    }
    let left_ms = left.saturating_mul(1_000) / rate;
    format!(", {}/s, {} left", format::bytes(rate), format::duration(left_ms.max(1_000)))
}
