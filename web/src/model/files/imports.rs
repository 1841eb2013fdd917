//! Files on their way in: which wait in the page, which the ion reads, which wait
//! for their file since the page that had it is gone, what came of the others.
//!
//! Numbers of imports begin with the time at which the page was opened: an import
//! may outlive its page, and another shall not have its number.
//!
//! Bounds: [`IMPORTS_MAX`] files at a time; the ion has [`GIVEN_MAX`] of them
//! that are not halted, the rest waits here.

use node_core::node::{
    Problem,
    files::{IMPORTS_MAX, ImportView, Wish},
};

use super::name;
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
    /// It waits for its file, which is to be chosen again: an earlier page began it,
    /// or what was chosen for it was not taken, and why.
    Left(Option<Problem>),
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
    /// Whether it goes on by itself, or is halted.
    pub fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Given)
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.is_under_way() || self.is_left()
    }

    /// Whether it waits for its file.
    pub fn is_left(&self) -> bool {
        matches!(self.stage, Stage::Left(_))
    }

    /// How far it is, in words.
    pub fn words(&self) -> String {
        let Self { chosen, done_bytes, rate, .. } = self;
        let sizes = format::part(*done_bytes, chosen.bytes);
        match (&self.stage, self.is_paused) {
            (Stage::Failed(problem), _) => format!("{} {}", problem.why, problem.remedy),
            (Stage::Done, _) => "here".to_owned(),
            (Stage::Left(None), _) => format!("{sizes} here; drop the same file again to go on"),
            (Stage::Left(Some(problem)), _) => format!(
                "{} {} {sizes} of it are here, and wait for the same file",
                problem.why, problem.remedy
            ),
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
    /// None, for a page that was opened at that time, in milliseconds since 1970.
    pub fn since(opened_ms: u64) -> Self {
        // Fewer than that are begun in a millisecond.
        Self { list: Vec::new(), last: opened_ms << 10 }
    }

    /// Whether a file goes on by itself, or is halted.
    pub fn is_under_way(&self) -> bool {
        self.list.iter().any(Import::is_under_way)
    }

    /// Takes files that were chosen; their numbers, for as many as there is room
    /// for. One that is waited for goes on, where it was to stand. What had ended
    /// before goes, unless something is under way.
    pub fn add(&mut self, chosen: Vec<Chosen>) -> Vec<u64> {
        if !self.is_under_way() {
            self.fold();
        }
        let room = IMPORTS_MAX.saturating_sub(self.list.len());
        let mut numbers = Vec::new();
        let is_alone = chosen.len() == 1;
        for chosen in chosen.into_iter().take(room) {
            if let Some(left) = self.left_of(&chosen, is_alone) {
                let path = std::mem::take(&mut left.chosen.path);
                (left.chosen, left.stage) = (Chosen { path, ..chosen }, Stage::Waiting);
                numbers.push(left.import);
                continue;
            }
            self.last += 1;
            numbers.push(self.last);
            self.list.push(Import { import: self.last, chosen, ..Import::default() });
        }
        numbers
    }

    /// The import that waits for such a file: of that size and path, or of that name where
    /// it was chosen alone: of many, another may have the name. Whether it is the same, its
    /// hashes tell.
    fn left_of(&mut self, chosen: &Chosen, is_alone: bool) -> Option<&mut Import> {
        let is_left = |one: &Import| one.is_left() && one.chosen.bytes == chosen.bytes;
        let is_there = |one: &Import| is_left(one) && one.chosen.path == chosen.path;
        let is_called = |one: &Import| is_left(one) && name(&one.chosen.path) == name(&chosen.path);
        let place = self.list.iter().position(is_there);
        let called = || self.list.iter().position(is_called).filter(|_| is_alone);
        let place = place.or_else(called)?;
        self.list.get_mut(place)
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

    /// Takes how those that are under way stand, and those that were left.
    pub fn take(&mut self, views: &[ImportView]) {
        let is_known = |one: &Import| views.iter().any(|view| view.import == one.import);
        self.list.retain(|one| !one.is_left() || is_known(one));
        for view in views {
            if view.is_left && self.get(view.import).is_none() {
                let (path, bytes) = (view.path.clone(), view.bytes);
                let chosen = Chosen { path, bytes, ..Chosen::default() };
                let (import, stage) = (view.import, Stage::Left(None));
                self.list.push(Import { import, chosen, stage, ..Import::default() });
            }
            if let Some(one) = self.get(view.import) {
                if view.is_left && one.is_under_way() {
                    // The ion does not have the file yet.
                    continue;
                }
                if view.is_left && !one.is_left() {
                    one.stage = Stage::Left(match std::mem::take(&mut one.stage) {
                        Stage::Failed(problem) => Some(problem),
                        _ => None,
                    });
                }
                one.done_bytes = view.done_bytes.min(one.chosen.bytes);
                (one.rate, one.is_paused) = (view.bytes_per_second, view.is_paused);
            }
        }
    }

    /// Takes how one ended; one that waited for its file is waited for no more.
    pub fn ended(&mut self, import: u64, result: Result<(), Problem>) {
        self.list.retain(|one| one.import != import || !one.is_left());
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
        let gone = |one: &Import| match import {
            Some(import) => import == one.import && one.is_open(),
            None => one.is_under_way(),
        };
        // One that the ion does not have yet may be one that it waits for.
        let all = self.list.iter().filter(|one| gone(one));
        let wishes = all.map(|one| Wish::CancelImport { import: one.import }).collect();
        self.list.retain(|one| !gone(one));
        wishes
    }

    /// Takes away what has ended.
    pub fn fold(&mut self) {
        self.list.retain(Import::is_open);
    }

    fn get(&mut self, import: u64) -> Option<&mut Import> {
        self.list.iter_mut().find(|one| one.import == import)
    }

    /// All of them in one line: `12 of 40 files, 310 of 900 MiB, 14 s left`.
    pub fn words(&self) -> String {
        let (mut files, mut done, mut bytes, mut rate) = (0, 0, 0, 0);
        let mut here = 0;
        let left = self.list.iter().filter(|one| one.is_left()).count() as u64;
        let is_counted = |one: &&Import| !matches!(one.stage, Stage::Failed(_) | Stage::Left(_));
        for one in self.list.iter().filter(is_counted) {
            files += 1;
            here += u64::from(one.stage == Stage::Done);
            done += one.done_bytes;
            bytes += one.chosen.bytes;
            rate += one.rate;
        }
        if left > 0 && left == self.list.len() as u64 {
            return format!("{} only in part", format::counted(left, "file"));
        }
        if here == files {
            let failed = match self.list.len() as u64 - files - left {
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
        let moving = || self.list.iter().filter(|one| !one.is_left());
        let sum = |of: fn(&Import) -> u64| moving().map(of).sum();
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
