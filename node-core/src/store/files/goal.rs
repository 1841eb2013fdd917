//! How many copies there should be of what stands at a path: an entry of its own,
//! `path//goal` in [`SPACE`](super::SPACE), where the later write wins; for the
//! folder that all are in, `//goal`. What has none has that of the folder it is in;
//! records of jobs have [`JOBS_GOAL`], since a job goes on only where they are.
//!
//! Refused: goals of no copy or of more than [`GOAL_MAX`]. Bounds: [`GOALS_MAX`].

use ion_map::Map;

use super::{FilePath, JOBS, Refusal, Tree, Write};
use crate::{
    codec,
    store::replicas::{GOAL, GOAL_MAX},
};

/// Goals that are heeded.
pub const GOALS_MAX: usize = 4_096;
/// Copies of what stands in [`JOBS`], unless another goal is said of it.
pub const JOBS_GOAL: u8 = 5;
/// What follows the path in an entry's name.
const MARK: &str = "//goal";
/// An encoded goal, in bytes.
const VALUE_BYTES_MAX: usize = 16;
/// The form's version.
const VERSION: u32 = 1;

/// How many copies there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// So many, from 1 to [`GOAL_MAX`].
    pub copies: u8,
    /// Since when, in milliseconds since 1970; 0 where nobody said so.
    pub since_ms: u64,
    /// Whether it is said of this very path.
    pub is_own: bool,
}

/// Goals by path; that of the folder that all are in has the empty one.
pub(super) type Goals = Map<String, (u8, u64)>;

/// Of an entry's name, the path that its goal is for.
pub fn path_of(name: &str) -> Option<&str> {
    name.strip_suffix(MARK)
}

fn entry(path: &str, copies: Option<u8>) -> Write {
    let value = copies.map(|copies| codec::encode(&(VERSION, copies)));
    Write { name: format!("{path}{MARK}"), value }
}

fn read(value: &[u8]) -> Option<u8> {
    let (version, copies) = codec::decode::<(u32, u8)>(value, VALUE_BYTES_MAX)?;
    (version == VERSION && is_goal(copies)).then_some(copies)
}

fn is_goal(copies: u8) -> bool {
    (1..=GOAL_MAX).contains(&copies.into())
}

/// Whether a path is another one or below it.
fn is_in(path: &str, folder: &FilePath) -> bool {
    let below = path.strip_prefix(folder.as_str());
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

impl Tree {
    /// Takes the goal that stands for a path now: its value, and when it was
    /// written, in milliseconds since 1970. What cannot be read is none.
    pub(super) fn take_goal(&mut self, path: &str, said: Option<(&[u8], u64)>) {
        let goal = said.and_then(|(value, at_ms)| Some((read(value)?, at_ms)));
        match goal {
            Some(goal) if self.may_have_goal(path) => {
                self.goals.insert(path.to_owned(), goal);
            }
            _ => drop(self.goals.remove(path)),
        }
    }

    fn may_have_goal(&self, path: &str) -> bool {
        let has_room = self.goals.len() < GOALS_MAX || self.goals.contains_key(path);
        has_room && (path.is_empty() || path.parse::<FilePath>().is_ok())
    }

    /// How many copies there should be of what stands at a path; the empty one is
    /// the folder that all are in.
    pub fn goal(&self, path: &str) -> Goal {
        let mut here = path;
        loop {
            if let Some((copies, since_ms)) = self.goals.get(here) {
                let is_own = here.len() == path.len();
                return Goal { copies: *copies, since_ms: *since_ms, is_own };
            }
            if here == JOBS {
                return Goal { copies: JOBS_GOAL, since_ms: 0, is_own: false };
            }
            if here.is_empty() {
                let copies = u8::try_from(GOAL).unwrap_or(u8::MAX);
                return Goal { copies, since_ms: 0, is_own: false };
            }
            here = here.rsplit_once('/').map_or("", |(folder, _)| folder);
        }
    }

    /// Sets the goal of a path, or lets it have that of its folder; `None` is the
    /// folder that all are in.
    ///
    /// # Errors
    /// [`Refusal::Goal`], [`Refusal::Missing`] where nothing stands there,
    /// [`Refusal::TooMany`].
    pub fn set_goal(
        &self,
        path: Option<&FilePath>,
        copies: Option<u8>,
    ) -> Result<Vec<Write>, Refusal> {
        if copies.is_some_and(|copies| !is_goal(copies)) {
            return Err(Refusal::Goal);
        }
        let text = path.map_or("", FilePath::as_str);
        if path.is_some_and(|path| self.standing_in(path).is_empty()) {
            return Err(Refusal::Missing { path: text.to_owned() });
        }
        if copies.is_some() && !self.may_have_goal(text) {
            return Err(Refusal::TooMany);
        }
        Ok(vec![entry(text, copies)])
    }

    /// What moves the goals of what stands at and below a path to another one. Others
    /// stay: anybody may have invented them.
    pub(super) fn move_goals(&self, from: &FilePath, to: &FilePath) -> Vec<Write> {
        let moved = self.goals.iter().filter(|(path, _)| is_in(path, from) && self.stands(path));
        let both = moved.filter_map(|(path, (copies, _))| {
            let target: FilePath = format!("{to}{}", &path[from.as_str().len()..]).parse().ok()?;
            Some([entry(target.as_str(), Some(*copies)), entry(path, None)])
        });
        both.flatten().collect()
    }

    fn stands(&self, path: &str) -> bool {
        path.parse().is_ok_and(|path: FilePath| !self.standing_in(&path).is_empty())
    }

    /// What takes away the goals at and below a path where nothing stands.
    pub(super) fn drop_goals(&self, path: &FilePath) -> impl Iterator<Item = Write> {
        let is_gone = |path: &str| !self.stands(path);
        let inside = self.goals.keys().filter(move |other| is_in(other, path) && is_gone(other));
        inside.map(|path| entry(path, None))
    }
}
