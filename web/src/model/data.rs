//! The Data page's state: one space of the shared memory, as far as it is
//! listed, kept up to date by what is watched.
//!
//! Bounds: [`SHOWN_MAX`] entries are kept; a search narrows them.

use std::collections::BTreeMap;

use node_core::{
    node::Problem,
    node::data::{EntryView, News, Wish},
    store::kv::{Change, Key, Space},
};

/// Entries that are kept of one space.
pub const SHOWN_MAX: usize = 2_000;
/// Characters of a value that a row shows.
pub const PREVIEW_CHARS: usize = 120;
/// The space that is there from the beginning.
pub const FIRST_SPACE: &str = "shared";

/// How a value is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// Text, and whether that is the whole of it.
    Text(String, bool),
    /// So many bytes that are no text.
    Bytes(usize),
}

/// A value as a row shows it.
pub fn preview(value: &[u8]) -> Preview {
    let Some(text) = text(value) else { return Preview::Bytes(value.len()) };
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(PREVIEW_CHARS).collect();
    Preview::Text(shown, chars.next().is_none())
}

/// A value as text, if it is any.
pub fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let is_plain = |char: char| !char.is_control() || matches!(char, '\n' | '\t' | '\r');
    text.chars().all(is_plain).then_some(text)
}

/// Who may write in a space, in words.
pub fn rule(space: &Space, own: Option<&Space>) -> String {
    match space {
        Space::Members(_) => "every ion may write".to_owned(),
        Space::Own(..) if own.is_some_and(|own| same_owner(own, space)) => {
            "only this ion may write".to_owned()
        }
        Space::Own(..) => "only its owner may write".to_owned(),
        Space::Named(authors, _) => format!("{} named ions may write", authors.len()),
    }
}

fn same_owner(one: &Space, other: &Space) -> bool {
    matches!((one, other), (Space::Own(one, _), Space::Own(other, _)) if one == other)
}

/// Whether this ion may write there.
pub fn may_write(space: &Space, own: Option<&Space>) -> bool {
    match (space, own) {
        (Space::Members(_), _) => true,
        (_, Some(own @ Space::Own(ion, _))) => space.admits(ion) || same_owner(own, space),
        _ => false,
    }
}

/// What became of the last write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Nothing was written.
    Nothing,
    /// It is being written.
    Writing,
    /// It is on disk under that number, and so many other ions hold it.
    Kept(u64, u32),
    /// It was not written.
    Refused(Problem),
}

/// What became of the last key that was asked for by its whole name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// None was.
    Nothing,
    /// It is looked for here, then asked of the others.
    Asked(String),
    /// It is there.
    Here(Box<EntryView>),
    /// As far as this ion and its neighbours know it is not there.
    Absent(String),
}

/// The state.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The space that is shown.
    pub space: Space,
    /// What the keys shown begin with.
    pub prefix: String,
    /// The spaces that there are.
    pub spaces: Vec<Space>,
    /// What this ion's own spaces look like, once known.
    pub own: Option<Space>,
    /// By name.
    pub entries: BTreeMap<String, EntryView>,
    /// Whether there are more behind the last.
    pub is_more: bool,
    /// Whether the first list has come.
    pub is_listed: bool,
    /// Conflicts that were decided lately, newest first: what stands, what not.
    pub conflicts: Vec<(EntryView, EntryView)>,
    /// What became of the last write.
    pub saved: Saved,
    /// What was deleted last, until something else is done.
    pub deleted: Option<EntryView>,
    /// What became of the last key that was asked for.
    pub got: Got,
    /// The last request; only its answer counts.
    request: u64,
    listing: u64,
    writing: u64,
    getting: u64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            space: Space::Members(FIRST_SPACE.to_owned()),
            prefix: String::new(),
            spaces: Vec::new(),
            own: None,
            entries: BTreeMap::new(),
            is_more: false,
            is_listed: false,
            conflicts: Vec::new(),
            saved: Saved::Nothing,
            deleted: None,
            got: Got::Nothing,
            request: 0,
            listing: 0,
            writing: 0,
            getting: 0,
        }
    }
}

impl Data {
    fn next(&mut self) -> u64 {
        self.request += 1;
        self.request
    }

    /// Shows a space, or the part of it that begins so; what to ask for that.
    pub fn show(&mut self, space: Space, prefix: String) -> Vec<Wish> {
        let before = self.listing;
        if self.space != space {
            self.put_away();
        }
        (self.space, self.prefix) = (space, prefix);
        self.entries.clear();
        (self.is_more, self.is_listed) = (false, false);
        self.listing = self.next();
        let (watch, request) = (self.listing, self.next());
        let (space, prefix) = (self.space.clone(), self.prefix.clone());
        vec![
            Wish::Unwatch { watch: before },
            Wish::Watch { watch, space: space.clone(), prefix: prefix.clone() },
            Wish::List { request: watch, space, prefix, after: String::new() },
            Wish::Spaces { request },
            Wish::Conflicts { request },
        ]
    }

    /// What to ask to see what stands at a key.
    pub fn get(&mut self, name: &str) -> Wish {
        self.got = Got::Asked(name.to_owned());
        self.getting = self.next();
        let key = Key { space: self.space.clone(), name: name.to_owned() };
        Wish::Get { request: self.getting, key }
    }

    /// Shows no key any more that was asked for.
    pub fn put_away(&mut self) {
        (self.got, self.getting) = (Got::Nothing, 0);
    }

    /// Drops what has ended by that time, in milliseconds since 1970; whether
    /// anything had.
    pub fn expire(&mut self, now_ms: u64) -> bool {
        let count = self.entries.len();
        self.entries.retain(|_, entry| entry.ends_ms.is_none_or(|ends_ms| ends_ms > now_ms));
        self.entries.len() < count
    }

    /// What to ask for the entries behind the last.
    pub fn more(&self) -> Wish {
        let after = self.entries.last_key_value().map_or(String::new(), |(name, _)| name.clone());
        let (space, prefix) = (self.space.clone(), self.prefix.clone());
        Wish::List { request: self.listing, space, prefix, after }
    }

    /// What to ask to write a value.
    pub fn put(&mut self, key: Key, value: Option<Vec<u8>>, lasts_ms: Option<u64>) -> Wish {
        self.saved = Saved::Writing;
        let is_here = key.space == self.space;
        let old = self.entries.get(&key.name).filter(|_| is_here).cloned();
        self.deleted = if value.is_none() { old } else { None };
        self.writing = self.next();
        let value = value.map(Into::into);
        Wish::Put { request: self.writing, changes: vec![Change { key, value, lasts_ms }] }
    }

    /// What to ask to learn how far the last write has spread.
    pub fn holders(&mut self) -> Option<Wish> {
        let Saved::Kept(number, _) = self.saved else { return None };
        Some(Wish::Holders { request: self.writing, number })
    }

    /// What to ask now and then: which spaces there are, and how far the last
    /// write has spread.
    pub fn refresh(&mut self) -> Vec<Wish> {
        let request = self.next();
        let spaces = Wish::Spaces { request };
        self.holders().into_iter().chain([spaces]).collect()
    }

    /// Whether the ion tells nothing new: the page stays as it is.
    pub fn knows(&self, news: &News) -> bool {
        matches!(news, News::Spaces { spaces, .. } if self.own.is_some() && *spaces == self.spaces)
    }

    /// Takes what the ion tells; what to ask then.
    pub fn take(&mut self, news: News) -> Vec<Wish> {
        match news {
            News::Listed { request, entries, is_more } if request == self.listing => {
                (self.is_more, self.is_listed) = (is_more, true);
                self.add(entries);
            }
            News::Changed { watch, entries } if watch == self.listing => {
                self.add(entries);
                let request = self.next();
                return vec![Wish::Spaces { request }, Wish::Conflicts { request }];
            }
            News::Spaces { spaces, own, .. } => {
                self.own = Some(Space::Own(own, String::new()));
                self.spaces = spaces;
            }
            News::Conflicts { conflicts, .. } => self.conflicts = conflicts,
            News::Put { request, result } if request == self.writing => {
                self.saved = match result {
                    Ok(number) => Saved::Kept(number, 0),
                    Err(problem) => Saved::Refused(problem),
                };
                return self.holders().into_iter().collect();
            }
            News::Held { request, ions } if request == self.writing => {
                if let Saved::Kept(_, known) = &mut self.saved {
                    *known = ions;
                }
            }
            News::Got { request, entry } if request == self.getting => {
                if let Got::Asked(name) = &self.got {
                    let absent = Got::Absent(name.clone());
                    let there = entry.filter(|entry| entry.value.is_some());
                    self.got = there.map_or(absent, |entry| Got::Here(Box::new(entry)));
                }
            }
            News::Listed { .. }
            | News::Changed { .. }
            | News::Put { .. }
            | News::Held { .. }
            | News::Got { .. } => {}
        }
        Vec::new()
    }

    fn add(&mut self, entries: Vec<EntryView>) {
        for entry in entries {
            let name = entry.key.name.clone();
            if entry.value.is_none() {
                self.entries.remove(&name);
            } else if self.entries.len() < SHOWN_MAX || self.entries.contains_key(&name) {
                self.entries.insert(name, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, value: Option<&str>) -> EntryView {
        EntryView {
            key: Key { space: Space::Members(FIRST_SPACE.to_owned()), name: name.to_owned() },
            value: value.map(|value| value.as_bytes().to_vec().into()),
            author: "a".to_owned(),
            author_name: "quiet-heron".to_owned(),
            at_ms: 1,
            ends_ms: None,
        }
    }

    fn names(data: &Data) -> Vec<&str> {
        data.entries.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_list_follows_what_changes_and_only_the_last_counts() {
        let mut data = Data::default();
        data.show(data.space.clone(), String::new());
        let listing = data.listing;
        let listed = |request, names: &[&str]| News::Listed {
            request,
            entries: names.iter().map(|name| view(name, Some("x"))).collect(),
            is_more: false,
        };
        data.take(listed(listing, &["a", "b"]));
        data.take(News::Changed {
            watch: listing,
            entries: vec![view("c", Some("y")), view("a", None)],
        });
        assert_eq!(names(&data), ["b", "c"]);
        data.show(data.space.clone(), "x".to_owned());
        data.take(listed(listing, &["old"]));
        assert!(names(&data).is_empty() && !data.is_listed);
    }

    #[test]
    fn a_key_is_got_by_its_whole_name_and_only_the_last_counts() {
        let mut data = Data::default();
        data.get("a");
        let first = data.getting;
        data.get("b");
        data.take(News::Got { request: first, entry: Some(view("a", Some("x"))) });
        assert_eq!(data.got, Got::Asked("b".to_owned()));
        data.take(News::Got { request: data.getting, entry: Some(view("b", Some("y"))) });
        assert_eq!(data.got, Got::Here(Box::new(view("b", Some("y")))));
        for gone in [None, Some(view("c", None))] {
            data.get("c");
            data.take(News::Got { request: data.getting, entry: gone });
            assert_eq!(data.got, Got::Absent("c".to_owned()));
        }
        data.show(Space::Members("other".to_owned()), String::new());
        assert_eq!(data.got, Got::Nothing, "it was a key of another space");
    }

    #[test]
    fn what_has_ended_is_shown_no_more() {
        let mut data = Data::default();
        let ends = |name, ends_ms| EntryView { ends_ms, ..view(name, Some("x")) };
        data.add(vec![ends("a", None), ends("b", Some(10)), ends("c", Some(11))]);
        assert!(!data.expire(9) && data.expire(10) && !data.expire(10));
        assert_eq!(names(&data), ["a", "c"]);
    }

    #[test]
    fn what_was_deleted_can_be_brought_back() {
        let mut data = Data::default();
        data.show(data.space.clone(), String::new());
        data.add(vec![view("a", Some("x"))]);
        let key = view("a", None).key;
        data.put(key.clone(), None, None);
        assert_eq!(data.deleted, Some(view("a", Some("x"))));
        data.take(News::Put { request: data.writing, result: Ok(7) });
        assert_eq!(data.saved, Saved::Kept(7, 0));
        data.take(News::Held { request: data.writing, ions: 2 });
        assert_eq!(data.saved, Saved::Kept(7, 2));
        data.put(key, Some(b"x".to_vec()), None);
        assert_eq!(data.deleted, None);
    }

    #[test]
    fn spaces_that_are_known_change_nothing() {
        let mut data = Data::default();
        let own = node_core::identity::IonId::from_bytes([1; 32]);
        let told = |names: &[&str]| {
            let spaces = names.iter().map(|name| Space::Members((*name).to_owned())).collect();
            News::Spaces { request: 1, spaces, own }
        };
        assert!(!data.knows(&told(&[])), "it does not know yet who it is");
        data.take(told(&["a"]));
        assert!(data.knows(&told(&["a"])) && !data.knows(&told(&["a", "b"])));
        assert!(data.refresh().iter().any(|wish| matches!(wish, Wish::Spaces { .. })));
    }

    #[test]
    fn values_are_shown_as_what_they_are() {
        assert_eq!(preview(b"blue"), Preview::Text("blue".to_owned(), true));
        assert_eq!(preview(&[0, 1, 2]), Preview::Bytes(3));
        assert_eq!(preview(&[0xff]), Preview::Bytes(1));
        let long = "x".repeat(PREVIEW_CHARS + 1);
        assert_eq!(preview(long.as_bytes()), Preview::Text("x".repeat(PREVIEW_CHARS), false));
    }
}
