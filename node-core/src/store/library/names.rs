//! Names: what the user changes, and what imports get, as writes of the shared
//! memory.

use serde_bytes::ByteBuf;

use super::{Edit, Effect, Error, Library, Putter, Putting};
use crate::{
    platform::Time,
    store::{
        files::{SPACE, Version, Write},
        kv::{self, Key, Space, seal::GROUP_MAX},
    },
};

impl Library {
    /// Changes names for the user.
    pub(super) fn edit(&mut self, request: u64, edit: &Edit, effects: &mut Vec<Effect>) {
        let writes = match edit {
            Edit::Folder(path) => self.tree.make_folder(path),
            Edit::Remove(path) => self.tree.remove(path),
            Edit::Rename(from, to) => self.tree.rename(from, to),
            Edit::Restore(path, id) => self.tree.restore(path, *id),
            Edit::Erase(path) => self.tree.erase(path),
            Edit::Goal(path, copies) => self.tree.set_goal(path.as_ref(), *copies),
        };
        match writes {
            Ok(writes) => self.put_names(Putter::Edit(request), &writes, effects),
            Err(why) => effects.push(Effect::Edited(request, Err(why.into()))),
        }
    }

    /// Writes names, in batches: all of one stand or none.
    pub(super) fn put_names(&mut self, who: Putter, writes: &[Write], effects: &mut Vec<Effect>) {
        let number = self.next_number();
        let batches = batches(writes);
        if batches.is_empty() {
            return self.put_ended(who, Ok(()), effects);
        }
        self.putting.insert(number, Putting { who, left: batches.len() });
        for batch in batches {
            let ticket = self.next_number();
            self.puts.insert(ticket, number);
            effects.push(Effect::Put(ticket, batch.into_iter().map(change).collect()));
        }
    }

    pub(super) fn put_done(
        &mut self,
        now: Time,
        ticket: u64,
        result: Result<(), kv::machine::Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(number) = self.puts.remove(&ticket) else { return };
        let Some(putting) = self.putting.get_mut(&number) else { return };
        putting.left -= 1;
        if putting.left > 0 && result.is_ok() {
            return;
        }
        let who = putting.who;
        self.putting.remove(&number);
        if who == Putter::Nobody && result.is_err() {
            // It is said again a little later.
            self.say_all();
            self.said_at = now;
        }
        self.put_ended(who, result.map_err(Error::from), effects);
        self.advance_imports(now, effects);
    }

    fn put_ended(&mut self, who: Putter, result: Result<(), Error>, effects: &mut Vec<Effect>) {
        match who {
            Putter::Edit(request) => effects.push(Effect::Edited(request, result)),
            Putter::Import(number) => {
                let file = self.imports.get(&number).and_then(|import| import.file);
                let result = result.and_then(|()| file.ok_or(Error::NoFile));
                self.end_import(self.care_at, number, result, effects);
            }
            Putter::Nobody => {}
        }
    }
}

/// As many writes together as fit; those of one path are not parted unless they
/// alone are too many.
fn batches(writes: &[Write]) -> Vec<Vec<Write>> {
    let path = |write: &Write| Version::read_name(&write.name).ok().map(|(path, _)| path);
    let of_paths = writes.chunk_by(|one, next| path(one) == path(next));
    let mut batches: Vec<Vec<Write>> = Vec::new();
    for part in of_paths.flat_map(|of_path| of_path.chunks(GROUP_MAX)) {
        match batches.last_mut() {
            Some(batch) if batch.len() + part.len() <= GROUP_MAX => batch.extend_from_slice(part),
            _ => batches.push(part.to_vec()),
        }
    }
    batches
}

fn change(Write { name, value }: Write) -> kv::Change {
    let key = Key { space: Space::Members(SPACE.to_owned()), name };
    kv::Change { key, value: value.map(ByteBuf::from), lasts_ms: None }
}
