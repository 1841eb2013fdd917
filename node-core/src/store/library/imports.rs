//! Imports, from the first byte to the name.

use super::{
    ACTIVE_MAX, Effect, Error, IMPORTS_MAX, Library, Putter, READ_BYTES, Writing,
    held::{Held, Owner},
    import::{Import, Parcel, Stage, is_long_ago, sized},
};
use crate::{
    platform::{Time, storage},
    store::{
        chunk::{Block, Cid},
        files::Refusal,
        manifest::check_media_type,
        replicas::{self, Part},
    },
};

impl Library {
    pub(super) fn import(
        &mut self,
        now: Time,
        import: u64,
        parcel: Parcel,
        effects: &mut Vec<Effect>,
    ) {
        let left = self.imports.get(&import).filter(|left| left.is_left_of(&parcel));
        let left_bytes = left.map(|left| left.left_bytes);
        let is_taken = self.imports.len() >= IMPORTS_MAX || self.imports.contains_key(&import);
        let refused = if is_taken && left_bytes.is_none() {
            Some(Error::Busy)
        } else {
            let checked = check_media_type(&parcel.media_type).map_err(Refusal::from);
            checked.and_then(|()| self.tree.check_place(&parcel.path)).err().map(Error::Refused)
        };
        if let Some(why) = refused {
            effects.push(Effect::Forget(import));
            effects.push(Effect::Imported(import, parcel.path, Err(why)));
            return;
        }
        let mut begun = Import::new(parcel);
        begun.left_bytes = left_bytes.unwrap_or_default();
        self.imports.insert(import, begun);
        self.is_changed = true;
        if self.is_open() {
            self.advance_imports(now, effects);
        }
    }

    /// Takes a record that was on disk.
    pub(super) fn load(&mut self, key: &[u8], value: &[u8]) {
        let Some(Owner::Import(import, 0)) = self.held.load(key, value) else { return };
        if let Some((parcel, since_ms)) = Parcel::decode(value)
            && !is_long_ago(since_ms, self.wall_ms)
            && self.imports.len() < IMPORTS_MAX
        {
            self.imports.entry(import).or_insert_with(|| Import::left(parcel, since_ms));
        }
    }

    /// Lets those go that nobody came for.
    pub(super) fn end_left(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let late = self.imports.iter().filter(|(_, one)| one.is_left_for_long(self.wall_ms));
        for number in late.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.end_import(now, number, Err(Error::Cancelled), effects);
        }
    }

    pub(super) fn pause(
        &mut self,
        now: Time,
        import: u64,
        is_paused: bool,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(import) = self.imports.get_mut(&import) {
            import.is_paused = is_paused;
            self.is_changed = true;
        }
        self.advance_imports(now, effects);
    }

    /// Lets every import that may do its next step.
    pub(super) fn advance_imports(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if !self.is_open() {
            return;
        }
        let is_active = |import: &&mut Import| import.is_begun() && !import.is_paused;
        let active = self.imports.values_mut().filter(|import| is_active(import)).count();
        let waiting = self.imports.values_mut().filter(|import| import.stage == Stage::Waiting);
        for import in
            waiting.filter(|import| !import.is_paused).take(ACTIVE_MAX.saturating_sub(active))
        {
            import.begin(now);
        }
        let mut read = Vec::new();
        for (number, import) in &mut self.imports {
            if let Some((from, bytes)) = import.read() {
                effects.push(Effect::Source(*number, from, bytes));
            }
            if import.is_read() && !import.is_paused {
                read.push(*number);
            }
        }
        for number in read {
            self.close_import(now, number, effects);
        }
    }

    pub(super) fn sourced(
        &mut self,
        now: Time,
        number: u64,
        result: Result<Vec<u8>, String>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(import) = self.imports.get_mut(&number) else { return };
        let taken = result.and_then(|bytes| {
            let length = bytes.len() as u64;
            import.take(&bytes).map(|blocks| (blocks, length))
        });
        match taken {
            Ok(_) if !self.held.has_room() => {
                let full = storage::Error::TooMany { entries_max: super::BLOCKS_MAX };
                self.end_import(now, number, Err(full.into()), effects);
            }
            Ok((blocks, bytes)) => {
                import.writes += 1;
                self.keep_blocks(number, blocks, bytes, effects);
                self.advance_imports(now, effects);
            }
            Err(why) => self.end_import(now, number, Err(Error::Source(why)), effects),
        }
    }

    fn keep_blocks(
        &mut self,
        number: u64,
        blocks: Vec<(u64, Block)>,
        bytes: u64,
        effects: &mut Vec<Effect>,
    ) {
        let mut changes = Vec::new();
        let first = Owner::Import(number, 0);
        let import = self.imports.get(&number).filter(|_| !self.held.is_whole(&first));
        let is_long = |import: &&Import| import.parcel.bytes > READ_BYTES.into();
        if let Some(import) = import.filter(is_long) {
            changes.push(self.held.note(first, import.parcel.encode(self.wall_ms)));
        }
        for (part, block) in blocks {
            let (size, owner) = (sized(&block), Owner::Import(number, part));
            changes.extend(self.held.own(owner, size, Some(block.bytes)));
        }
        self.write(Writing::Import(number, bytes), changes, effects);
    }

    pub(super) fn import_written(
        &mut self,
        now: Time,
        number: u64,
        bytes: u64,
        result: Result<(), storage::Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(import) = self.imports.get_mut(&number) else { return };
        import.writes -= 1;
        if let Err(why) = result {
            return self.end_import(now, number, Err(why.into()), effects);
        }
        import.advance(now, bytes);
        if import.stage == Stage::Closing {
            self.adopt(now, number, effects);
        } else {
            self.advance_imports(now, effects);
        }
    }

    /// All was read and is on disk: now its ledger.
    fn close_import(&mut self, now: Time, number: u64, effects: &mut Vec<Effect>) {
        let Some(import) = self.imports.get_mut(&number) else { return };
        import.stage = Stage::Closing;
        match import.close() {
            Ok(ledger) => {
                import.writes += 1;
                let ledger = ledger.into_iter().map(|block| (0, block)).collect();
                self.keep_blocks(number, ledger, 0, effects);
            }
            Err(why) => self.end_import(now, number, Err(Error::Source(why)), effects),
        }
    }

    /// Its blocks become those of the file's parts, part by part.
    fn adopt(&mut self, now: Time, number: u64, effects: &mut Vec<Effect>) {
        let Some(import) = self.imports.get_mut(&number) else { return };
        import.stage = Stage::Adopting;
        let Some(file) = import.file else { return };
        let parts: Vec<_> = import.parts().collect();
        import.writes = parts.len();
        let is_whole =
            parts.iter().flat_map(|(_, blocks)| blocks).all(|(cid, _)| self.held.has(cid));
        if !is_whole {
            // Another write with one of its blocks failed.
            let full = Err(storage::Error::QuotaExceeded.into());
            return self.end_import(now, number, full, effects);
        }
        // The ledger is the first part's until all have it.
        for (part, blocks) in parts.into_iter().rev() {
            let owner = Owner::Part(Part { file, number: part });
            let mut changes = Vec::new();
            for block in blocks {
                changes.extend(self.held.own(owner, block, None));
            }
            changes.push(Held::whole(owner));
            changes.extend(self.held.drop(&Owner::Import(number, part)));
            self.write(Writing::Adopt(number), changes, effects);
        }
    }

    pub(super) fn adopted(
        &mut self,
        now: Time,
        number: u64,
        result: Result<(), storage::Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(import) = self.imports.get_mut(&number) else { return };
        import.writes -= 1;
        if let Err(why) = result {
            return self.end_import(now, number, Err(why.into()), effects);
        }
        if import.writes > 0 {
            return;
        }
        import.stage = Stage::Naming;
        let Some(file) = import.to_file() else { return };
        let (path, parts) = (import.parcel.path.clone(), import.parts().count() as u64);
        for number in 0..parts {
            let part = Part { file: file.manifest, number };
            self.held.set_whole(Owner::Part(part));
            self.unsaid.insert(super::holdings::bucket(&part.file));
            let own = self.own;
            self.care(now, replicas::Input::Holds(own, part), effects);
        }
        match self.tree.put(&path, file) {
            Ok(writes) => self.put_names(Putter::Import(number), &writes, effects),
            Err(why) => self.end_import(now, number, Err(why.into()), effects),
        }
    }

    /// Gives an import up. Once its name is being written it is too late: the
    /// name would stand for what is not there.
    pub(super) fn cancel_import(&mut self, now: Time, number: u64, effects: &mut Vec<Effect>) {
        if self.imports.get(&number).is_some_and(|import| import.stage != Stage::Naming) {
            self.end_import(now, number, Err(Error::Cancelled), effects);
        }
    }

    /// An import ends; what it wrote goes unless it has its name, or others need
    /// the same file.
    pub(super) fn end_import(
        &mut self,
        now: Time,
        number: u64,
        result: Result<Cid, Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(import) = self.imports.remove(&number) else { return };
        let mut owners = self.held.of_import(number);
        if let (Err(_), Some(file)) = (&result, import.file)
            && !self.is_needed(&file)
        {
            let parts = import.parts().map(|(number, _)| Part { file, number });
            owners.extend(parts.map(Owner::Part));
            self.unsaid.insert(super::holdings::bucket(&file));
        }
        for owner in &owners {
            self.drop_owner(owner, effects);
        }
        effects.push(Effect::Forget(number));
        effects.push(Effect::Imported(number, import.parcel.path, result));
        self.is_changed = true;
        self.advance_imports(now, effects);
    }
}
