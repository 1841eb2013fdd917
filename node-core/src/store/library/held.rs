//! Which blocks are on disk, and for whom.
//!
//! A block is kept while somebody owns it: a part of a file that this ion looks
//! after, an import under way, or a file that its user looks at. What is owned
//! stands on disk beside the blocks ([`Change`]), in the same transactions, so
//! that after a crash at any moment no owner names a block that is not there,
//! and no block is there that nobody owns.
//!
//! Bounds: [`BLOCKS_MAX`] blocks.

use ion_map::{LongMap, Map, Set};

use crate::store::{
    chunk::{CHUNK_BYTES, CID_BYTES, Cid},
    replicas::Part,
};

/// Blocks that one ion holds: 256 GiB of the usual length.
pub const BLOCKS_MAX: usize = 1 << 20;

/// Who keeps blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// An import under way, and which part of the file it is that comes.
    Import(u64, u64),
    /// A part of a file.
    Part(Part),
    /// A file that the user looks at, or did since this ion began.
    Visit(Cid),
}

impl Owner {
    /// What its records begin with: owners of one kind have one length.
    fn key(&self) -> Vec<u8> {
        let (kind, cid, numbers) = match self {
            Self::Import(import, part) => (0, None, [*import, *part]),
            Self::Part(part) => (1, Some(part.file), [part.number, 0]),
            Self::Visit(file) => (2, Some(*file), [0, 0]),
        };
        let mut key = vec![kind];
        key.extend(cid.into_iter().flat_map(Cid::to_bytes));
        key.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        key
    }

    /// An owner from the beginning of a record's key, and what follows.
    fn read(key: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = key.split_first()?;
        let (cid, rest) = rest.split_at_checked(if *kind == 0 { 0 } else { CID_BYTES })?;
        let (numbers, rest) = rest.split_first_chunk::<16>()?;
        let [first, second] = [&numbers[..8], &numbers[8..]].map(|number| {
            u64::from_be_bytes(*number.first_chunk().expect("a half of sixteen is eight"))
        });
        let owner = match kind {
            0 => Self::Import(first, second),
            1 => Self::Part(Part { file: Cid::from_bytes(cid).ok()?, number: first }),
            2 => Self::Visit(Cid::from_bytes(cid).ok()?),
            _ => return None,
        };
        Some((owner, rest))
    }
}

/// One change of what is on disk. Those of one write are made whole or not at
/// all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Keep these bytes under this name.
    Bytes(Cid, Vec<u8>),
    /// Delete them.
    Delete(Cid),
    /// Keep a record; an empty value too.
    Record(Vec<u8>, Vec<u8>),
    /// Delete a record.
    Forget(Vec<u8>),
}

/// A block and its length, in bytes.
pub(super) type Sized = (Cid, u32);

/// What one owner keeps.
#[derive(Clone, Debug, Default)]
struct Owned {
    cids: Set<Cid>,
    bytes: u64,
    is_whole: bool,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    owners: u32,
    bytes: u32,
    is_on_disk: bool,
}

/// What is held. Blocks that are being written have owners already, but are not
/// told to be here; those that are being deleted are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    owners: Map<Owner, Owned>,
    counts: LongMap<Cid, Count>,
    bytes: u64,
}

impl Held {
    /// Takes a record that was on disk; one that cannot be read is left alone.
    /// Whose it is, where it names no block.
    pub(super) fn load(&mut self, key: &[u8], value: &[u8]) -> Option<Owner> {
        let (owner, rest) = Owner::read(key)?;
        if rest.is_empty() {
            self.set_whole(owner);
            return Some(owner);
        }
        if let (Ok(cid), Ok(bytes)) = (Cid::from_bytes(rest), value.try_into()) {
            self.add(owner, (cid, u32::from_le_bytes(bytes).min(CHUNK_BYTES)));
            self.written(&cid);
        }
        None
    }

    /// Whether a block is on disk.
    pub(super) fn has(&self, cid: &Cid) -> bool {
        self.counts.get(cid).is_some_and(|count| count.is_on_disk)
    }

    /// All blocks of files, in bytes; each once.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn has_room(&self) -> bool {
        self.counts.len() < BLOCKS_MAX
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.owners.keys()
    }

    /// What an import keeps, part by part.
    pub(super) fn of_import(&self, import: u64) -> Vec<Owner> {
        let is_its = |owner: &&Owner| matches!(owner, Owner::Import(other, _) if *other == import);
        self.owners.keys().filter(is_its).copied().collect()
    }

    pub(super) fn is_whole(&self, owner: &Owner) -> bool {
        self.owners.get(owner).is_some_and(|owned| owned.is_whole)
    }

    #[cfg(test)]
    pub(super) fn owns(&self, owner: &Owner, cid: &Cid) -> bool {
        self.owners.get(owner).is_some_and(|owned| owned.cids.contains(cid))
    }

    /// What an owner keeps, in bytes.
    pub(super) fn bytes_of(&self, owner: &Owner) -> u64 {
        self.owners.get(owner).map_or(0, |owned| owned.bytes)
    }

    /// Lets an owner keep a block; what has to be written for it, with the
    /// block's bytes unless they are on disk.
    pub(super) fn own(
        &mut self,
        owner: Owner,
        (cid, bytes): Sized,
        body: Option<Vec<u8>>,
    ) -> Vec<Change> {
        let key = [&owner.key()[..], &cid.to_bytes()].concat();
        let record = Change::Record(key, bytes.to_le_bytes().to_vec());
        let body = body.filter(|_| !self.has(&cid)).map(|body| Change::Bytes(cid, body));
        self.add(owner, (cid, bytes));
        body.into_iter().chain([record]).collect()
    }

    /// What says that an owner keeps all that it should.
    pub(super) fn whole(owner: Owner) -> Change {
        Change::Record(owner.key(), Vec::new())
    }

    /// What says of an import which file it is.
    pub(super) fn note(&mut self, owner: Owner, parcel: Vec<u8>) -> Change {
        self.set_whole(owner);
        Change::Record(owner.key(), parcel)
    }

    /// A block is on disk now, unless nobody keeps it any more.
    pub(super) fn written(&mut self, cid: &Cid) {
        if let Some(count) = self.counts.get_mut(cid) {
            count.is_on_disk = true;
        }
    }

    fn add(&mut self, owner: Owner, (cid, bytes): Sized) {
        let keeps = self.owners.entry(owner).or_default();
        if !keeps.cids.insert(cid) {
            return;
        }
        keeps.bytes += u64::from(bytes);
        let new = Count { owners: 0, bytes, is_on_disk: false };
        let count = self.counts.entry(cid).or_insert(new);
        if count.owners == 0 {
            self.bytes += u64::from(bytes);
        }
        count.owners += 1;
    }

    pub(super) fn set_whole(&mut self, owner: Owner) {
        self.owners.entry(owner).or_default().is_whole = true;
    }

    /// An owner keeps nothing any more; what has to be changed on disk for it.
    pub(super) fn drop(&mut self, owner: &Owner) -> Vec<Change> {
        let Some(gone) = self.owners.remove(owner) else { return Vec::new() };
        let key = owner.key();
        let mut changes = vec![Change::Forget(key.clone())];
        for cid in &gone.cids {
            changes.push(Change::Forget([&key[..], &cid.to_bytes()].concat()));
            if self.release(cid) {
                changes.push(Change::Delete(*cid));
            }
        }
        changes
    }

    /// A block is not what it should be: nobody keeps it any more. The owners
    /// that did, which are whole no longer, and what has to be changed on disk.
    pub(super) fn lose(&mut self, cid: &Cid) -> (Vec<Owner>, Vec<Change>) {
        let mut changes = vec![Change::Delete(*cid)];
        let mut losers = Vec::new();
        let bytes = self.counts.remove(cid).map_or(0, |count| u64::from(count.bytes));
        self.bytes -= bytes;
        for (owner, owned) in &mut self.owners {
            if owned.cids.remove(cid) {
                owned.is_whole = false;
                // A ledger's claim may have been counted, which is not the block's own length.
                owned.bytes = owned.bytes.saturating_sub(bytes);
                changes.push(Change::Forget(owner.key()));
                changes.push(Change::Forget([&owner.key()[..], &cid.to_bytes()].concat()));
                losers.push(*owner);
            }
        }
        (losers, changes)
    }

    /// Whether nobody keeps it any more.
    fn release(&mut self, cid: &Cid) -> bool {
        let Some(count) = self.counts.get_mut(cid) else { return false };
        count.owners -= 1;
        if count.owners > 0 {
            return false;
        }
        self.bytes -= u64::from(count.bytes);
        self.counts.remove(cid);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::chunk::Codec;

    fn cid(number: u8) -> Cid {
        Cid::of(Codec::Raw, &[number])
    }

    fn part(number: u64) -> Owner {
        Owner::Part(Part { file: Cid::of(Codec::DagCbor, b"a file"), number })
    }

    /// Makes changes as a disk would.
    fn write(records: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Record(key, value) => drop(records.insert(key, value)),
                Change::Forget(key) => drop(records.remove(&key)),
                Change::Bytes(cid, bytes) => drop(records.insert(cid.to_bytes().to_vec(), bytes)),
                Change::Delete(cid) => drop(records.remove(&cid.to_bytes()[..])),
            }
        }
    }

    #[test]
    fn what_is_on_disk_is_known_again() {
        let (mut held, mut records) = (Held::default(), BTreeMap::new());
        for (owner, number) in [(Owner::Import(7, 1), 1), (part(3), 1), (part(3), 2)] {
            write(&mut records, held.own(owner, (cid(number), 1), Some(vec![number])));
            assert!(!held.has(&cid(2)), "it is not on disk yet");
            held.written(&cid(number));
        }
        write(&mut records, vec![Held::whole(part(3))]);
        assert_eq!(held.bytes(), 2, "a block of two owners counts once");
        let mut again = Held::default();
        for (key, value) in &records {
            again.load(key, value);
        }
        assert!(again.is_whole(&part(3)) && !again.is_whole(&Owner::Import(7, 1)));
        assert!(again.owns(&part(3), &cid(2)) && !again.owns(&Owner::Import(7, 1), &cid(2)));
        assert_eq!((again.bytes(), again.bytes_of(&part(3))), (2, 2));
        for owner in [part(3), Owner::Import(7, 1)] {
            write(&mut records, again.drop(&owner));
        }
        assert_eq!((again.bytes(), records.len()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn a_block_stays_while_anybody_keeps_it() {
        let mut held = Held::default();
        for owner in [part(1), Owner::Visit(cid(9))] {
            held.own(owner, (cid(1), 5), None);
            held.written(&cid(1));
        }
        let deletes = |changes: &[Change]| changes.contains(&Change::Delete(cid(1)));
        assert!(!deletes(&held.drop(&part(1))) && held.has(&cid(1)));
        assert!(deletes(&held.drop(&Owner::Visit(cid(9)))) && !held.has(&cid(1)));
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn who_kept_what_decayed_is_whole_no_longer() {
        let mut held = Held::default();
        for number in [1, 2] {
            held.own(part(number), (cid(1), 5), None);
            held.set_whole(part(number));
        }
        let (losers, changes) = held.lose(&cid(1));
        assert_eq!(losers, [part(1), part(2)]);
        assert!(changes.contains(&Change::Delete(cid(1))) && !held.has(&cid(1)));
        assert!(!held.is_whole(&part(1)) && held.bytes() == 0 && held.bytes_of(&part(1)) == 0);
    }

    #[test]
    fn records_of_something_else_are_left_alone() {
        let mut held = Held::default();
        for key in [&b""[..], b"\x03abc", &[1; 40], &[0; 18], &[2; 200]] {
            held.load(key, b"1234");
        }
        assert_eq!(held.owners().count(), 0);
    }
}
