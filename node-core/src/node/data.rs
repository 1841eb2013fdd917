//! The shared memory, as the user sees and changes it.
//!
//! Reads are answered at once from what this ion holds; a key that is not here
//! is waited for until neighbours have been heard, at most [`GET_MS_MAX`].
//!
//! Bounds: [`LIST_MAX`] entries or [`LIST_BYTES`] bytes in one list,
//! [`SPACES_MAX`] spaces, [`GETS_MAX`] reads that wait.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ion_map::Map;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    event::{Event, Problem},
    files::{HOLDS_WATCH, NAMES_WATCH, OURS},
    machine::{Effect, Node, Step},
    mail::{MAIL, MAIL_WATCH},
    words,
};
use crate::{
    identity::{IonId, MemberKeys, Membership, NebulaId},
    network::{broadcast::PAYLOAD_BYTES_MAX, mesh, wire::Room},
    platform::Time,
    store::{
        driver,
        files::SPACE,
        kv::{
            self, Change, Entry, Key, Kv, Space,
            machine::{Effect as Asked, Input},
            table::Span,
        },
        library, mail,
    },
};

/// Entries of one list.
pub const LIST_MAX: usize = 200;
/// Bytes of one list, unless a single entry is more.
pub const LIST_BYTES: usize = 1 << 20;
/// Spaces that are listed.
pub const SPACES_MAX: usize = 256;
/// Reads that wait for neighbours.
pub const GETS_MAX: usize = 256;
/// How long they wait, in milliseconds.
pub const GET_MS_MAX: u64 = 2_000;

/// What the user wants of the shared memory. Requests and watches are named by
/// the asker, with numbers below 2^63.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Make these changes, all or none; answered by [`News::Put`] once they are
    /// on disk.
    Put {
        /// Its name.
        request: u64,
        /// At most [`GROUP_MAX`](kv::seal::GROUP_MAX).
        changes: Vec<Change>,
    },
    /// What stands at a key; answered by [`News::Got`].
    Get {
        /// Its name.
        request: u64,
        /// The key.
        key: Key,
    },
    /// What stands at keys that begin so; answered by [`News::Listed`].
    List {
        /// Its name.
        request: u64,
        /// Where.
        space: Space,
        /// What the names begin with; empty for all.
        prefix: String,
        /// Only names after this one; empty for the first.
        after: String,
    },
    /// The spaces in which anything stands; answered by [`News::Spaces`].
    Spaces {
        /// Its name.
        request: u64,
    },
    /// Conflicts that were decided lately; answered by [`News::Conflicts`].
    Conflicts {
        /// Its name.
        request: u64,
    },
    /// Tell of every change at keys that begin so, by [`News::Changed`].
    Watch {
        /// Its name.
        watch: u64,
        /// Where.
        space: Space,
        /// What the names begin with.
        prefix: String,
    },
    /// Tell no more.
    Unwatch {
        /// Its name.
        watch: u64,
    },
    /// How many other ions surely hold a write; answered by [`News::Held`].
    Holders {
        /// Its name.
        request: u64,
        /// The number that [`News::Put`] gave.
        number: u64,
    },
}

/// What the user is told of the shared memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// The changes are made and on disk, or none is.
    Put {
        /// As asked.
        request: u64,
        /// A number by which [`Wish::Holders`] knows the write, or why not.
        result: Result<u64, Problem>,
    },
    /// What stands at a key.
    Got {
        /// As asked.
        request: u64,
        /// `None` where nothing does, as far as this ion and its neighbours know.
        entry: Option<EntryView>,
    },
    /// What stands there, by name.
    Listed {
        /// As asked.
        request: u64,
        /// The entries.
        entries: Vec<EntryView>,
        /// Whether more stand behind the last of them.
        is_more: bool,
    },
    /// The spaces in which anything stands.
    Spaces {
        /// As asked.
        request: u64,
        /// In order.
        spaces: Vec<Space>,
        /// This ion, which has spaces of its own.
        own: IonId,
    },
    /// Conflicts, newest first.
    Conflicts {
        /// As asked.
        request: u64,
        /// The entry that stands, and the one that does not.
        conflicts: Vec<(EntryView, EntryView)>,
    },
    /// These changed.
    Changed {
        /// As asked.
        watch: u64,
        /// As they are now; without a value where nothing stands any more.
        entries: Vec<EntryView>,
    },
    /// How many others hold a write, at least: neighbours are counted.
    Held {
        /// As asked.
        request: u64,
        /// How many.
        ions: u32,
    },
}

/// An entry, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Where.
    pub key: Key,
    /// What; `None` where nothing stands any more.
    pub value: Option<ByteBuf>,
    /// Who wrote it: an ion's id.
    pub author: String,
    /// Its readable name.
    pub author_name: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// When it ends by itself, if it does.
    pub ends_ms: Option<u64>,
}

/// The memory of the present nebula, and who waits for it.
pub(super) struct Memory {
    kv: Option<Kv>,
    /// Tells one nebula's disk from another's.
    life: u64,
    /// Reads that wait, with the time they began at.
    gets: Map<u64, (Time, Key)>,
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { kv: None, life: 0, gets: Map::new() }
    }
}

impl Node {
    /// From now on the memory is that of another nebula.
    pub(super) fn remember(
        &mut self,
        nebula: NebulaId,
        membership: &Membership,
        effects: &mut Vec<Effect>,
    ) {
        // What was asked of the nebula before is answered by what was known there.
        self.answer_gets(|_, _, _| true, effects);
        let keys = Arc::new(MemberKeys::new(self.keys.clone(), membership));
        self.memory.kv = Some(Kv::new(keys, PAYLOAD_BYTES_MAX));
        self.memory.life += 1;
        self.push(Step::Kv(Input::Clock(self.wall_ms)));
        let name = nebula.short_hex();
        effects.push(Effect::Disk(driver::Order::Open(self.memory.life, name.clone())));
        self.begin_files(name, effects);
        self.begin_mail(effects);
    }

    /// What the disk tells.
    pub(super) fn disk(&mut self, life: u64, news: driver::News, effects: &mut Vec<Effect>) {
        if life != self.memory.life {
            return;
        }
        let is_opened = matches!(news, driver::News::Opened(_));
        let input = match news {
            driver::News::Records(records) => Input::Records(records),
            driver::News::Opened(awake_ms) => Input::Opened(awake_ms),
            driver::News::Written(number, result) => Input::Written(number, result),
            driver::News::Lost => Input::Lost,
            driver::News::NoDisk(why) => {
                return effects.push(Effect::Tell(Event::Problem(words::no_disk(&why))));
            }
        };
        self.push(Step::Kv(input));
        if is_opened {
            self.push(Step::Names(None));
        }
    }

    /// All entries that files and letters are made of, as they stand, and the
    /// deletions of letters, which tell that they were taken. Names of files that
    /// wait for their time come first: a clock that is behind deletes no blocks.
    pub(super) fn names(&self) -> Vec<Entry> {
        let Some(kv) = &self.memory.kv else { return Vec::new() };
        let names = Space::Members(SPACE.to_owned()).span("");
        let holds = (vec![b'o'], vec![b'p']);
        let waiting = kv.waiting(Span { from: &names.0, to: &names.1 }).cloned();
        let mut entries: Vec<Entry> = waiting.collect();
        let mail = mail::span();
        for (from, to) in [&names, &holds, &mail] {
            entries.extend(kv.range(Span { from, to }).cloned());
        }
        let of_mail = kv.table().range(Span { from: &mail.0, to: &mail.1 });
        entries.extend(of_mail.filter(|entry| entry.is_tombstone()).cloned());
        entries
    }

    /// What the shared memory takes, and letters of that, in bytes.
    pub(super) fn memory_bytes(&self) -> (usize, usize) {
        let Some(kv) = &self.memory.kv else { return (0, 0) };
        let (from, to) = mail::span();
        let letters = kv.table().range(Span { from: &from, to: &to });
        (kv.bytes(), letters.map(Entry::cost_bytes).sum())
    }

    pub(super) fn data(&mut self, now: Time, wish: Wish, effects: &mut Vec<Effect>) {
        match wish {
            Wish::Put { request, changes } => {
                if self.memory.kv.is_none() || request & OURS != 0 {
                    let result = Err(words::no_memory());
                    return tell(News::Put { request, result }, effects);
                }
                self.push(Step::Kv(Input::Put { ticket: request, changes }));
            }
            Wish::Get { request, key } => {
                if self.memory.gets.len() == GETS_MAX {
                    // The one that waited longest is answered by what is here.
                    let oldest = self.memory.gets.iter().min_by_key(|(_, (since, _))| *since);
                    let oldest = oldest.map(|(request, _)| *request);
                    self.answer_gets(|request, _, _| Some(*request) == oldest, effects);
                }
                self.memory.gets.insert(request, (now, key));
                self.answer_due_gets(now, effects);
            }
            Wish::List { request, space, prefix, after } => {
                self.list(request, &space, &prefix, &after, effects);
            }
            Wish::Spaces { request } => {
                let spaces = self.memory.kv.as_ref().map(|kv| kv.spaces(SPACES_MAX));
                let (spaces, own) = (spaces.unwrap_or_default(), self.own);
                tell(News::Spaces { request, spaces, own }, effects);
            }
            Wish::Conflicts { request } => {
                let both = |conflict: &kv::Conflict| {
                    (self.entry_view(&conflict.won), self.entry_view(&conflict.lost))
                };
                let conflicts = self.memory.kv.iter().flat_map(Kv::conflicts).map(both);
                let mut conflicts: Vec<_> = conflicts.collect();
                conflicts.reverse();
                tell(News::Conflicts { request, conflicts }, effects);
            }
            Wish::Watch { watch, .. } | Wish::Unwatch { watch } if watch & OURS != 0 => {}
            Wish::Watch { .. } if !self.memory.kv.as_ref().is_none_or(Kv::may_watch) => {
                effects.push(Effect::Tell(Event::Problem(words::too_many_watches())));
            }
            Wish::Watch { watch, space, prefix } => {
                self.push(Step::Kv(Input::Watch(watch, space.span(&prefix).0)));
            }
            Wish::Unwatch { watch } => self.push(Step::Kv(Input::Unwatch(watch))),
            Wish::Holders { request, number } => {
                let ions = self.memory.kv.as_ref().map_or(0, |kv| kv.holders(number));
                let ions = u32::try_from(ions).unwrap_or(u32::MAX);
                tell(News::Held { request, ions }, effects);
            }
        }
    }

    fn list(
        &self,
        request: u64,
        space: &Space,
        prefix: &str,
        after: &str,
        effects: &mut Vec<Effect>,
    ) {
        let (first, end) = space.span(prefix);
        let from = space.span(after).0.max(first.clone());
        let (mut entries, mut bytes, mut is_more) = (Vec::new(), 0, false);
        let span = Span { from: &from, to: &end };
        for entry in self.memory.kv.iter().flat_map(|kv| kv.range(span)) {
            if !entry.path().starts_with(&first) {
                break;
            }
            if entry.body().key.name == after {
                continue;
            }
            if entries.len() == LIST_MAX || bytes > LIST_BYTES {
                is_more = true;
                break;
            }
            bytes += entry.cost_bytes();
            entries.push(self.entry_view(entry));
        }
        tell(News::Listed { request, entries, is_more }, effects);
    }

    /// Answers reads whose key is here, or which have waited long enough.
    fn answer_due_gets(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_settled = self.memory.kv.as_ref().is_some_and(Kv::is_settled);
        self.answer_gets(
            |_, since, is_here| is_here || is_settled || now.since_ms(since) >= GET_MS_MAX,
            effects,
        );
    }

    /// Answers those reads for which this holds of their name, since when they
    /// wait, and whether the key is here.
    fn answer_gets(
        &mut self,
        is_due: impl Fn(&u64, Time, bool) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        let kv = self.memory.kv.as_ref();
        let answers = self.memory.gets.iter().filter_map(|(request, (since, key))| {
            let entry = kv.and_then(|kv| kv.get(key));
            is_due(request, *since, entry.is_some())
                .then(|| (*request, entry.map(|entry| self.entry_view(entry))))
        });
        let answers: Vec<_> = answers.collect();
        for (request, entry) in answers {
            self.memory.gets.remove(&request);
            tell(News::Got { request, entry }, effects);
        }
    }

    /// Time passes for the memory.
    pub(super) fn tick_memory(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let neighbours = self.mesh.neighbours().all();
        let linked = neighbours.iter().map(|neighbour| neighbour.ion).collect();
        self.push(Step::Kv(Input::Clock(self.wall_ms)));
        self.push(Step::Kv(Input::Links(linked)));
        self.push(Step::Kv(Input::Tick));
        self.answer_due_gets(now, effects);
    }

    pub(super) fn step_kv(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let Some(kv) = &mut self.memory.kv else { return };
        let mut asked = Vec::new();
        kv.handle(now, input, &mut asked);
        let life = self.memory.life;
        for effect in asked {
            match effect {
                Asked::Write(number, records) => {
                    effects.push(Effect::Disk(driver::Order::Write(life, number, records)));
                }
                Asked::Awake(at_ms) => {
                    effects.push(Effect::Disk(driver::Order::Awake(life, at_ms)));
                }
                Asked::Say(ion, bytes) => {
                    self.push(Step::Mesh(mesh::Input::Say(ion, Room::Kv, bytes)));
                }
                Asked::Tell(bytes) => self.push(Step::Mesh(mesh::Input::Entries(bytes))),
                Asked::Done(ticket, result) if ticket & MAIL == MAIL => {
                    self.mail_written(now, ticket, result, effects);
                }
                Asked::Done(ticket, result) if ticket & OURS != 0 => {
                    self.push(Step::Files(library::Input::Put(ticket & !OURS, result.map(drop))));
                }
                Asked::Done(request, result) => {
                    let result = result.map_err(|why| words::not_written(&why));
                    tell(News::Put { request, result }, effects);
                }
                Asked::Changed(NAMES_WATCH | HOLDS_WATCH | MAIL_WATCH, entries) => {
                    self.push(Step::Names(Some(entries)));
                }
                Asked::Changed(watch, entries) => {
                    let entries = entries.iter().map(|entry| self.entry_view(entry)).collect();
                    tell(News::Changed { watch, entries }, effects);
                }
                Asked::Decayed(count) => {
                    effects.push(Effect::Tell(Event::Notice(words::decayed(count))));
                }
                Asked::NotKept(why) => {
                    effects.push(Effect::Tell(Event::Problem(words::not_kept(&why))));
                }
                Asked::Offence(ion) => self.push(Step::Mesh(mesh::Input::Offence(ion))),
            }
        }
    }

    fn entry_view(&self, entry: &Entry) -> EntryView {
        let body = entry.body();
        EntryView {
            key: body.key.clone(),
            value: body.value.clone(),
            author: body.author.to_string(),
            author_name: self.name_of(&body.author),
            at_ms: body.stamp.ms,
            ends_ms: body.ends_ms,
        }
    }
}

fn tell(news: News, effects: &mut Vec<Effect>) {
    effects.push(Effect::Tell(Event::Data(news)));
}
