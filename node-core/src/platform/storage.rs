//! A store of small settings: an ion's key, its name, its nebulas.
//!
//! What it promises: when a write resolves, it survives the death of the tab
//! and of the browser's process; a batch is there whole or not at all. The
//! futures are lazy: one that is never polled writes nothing, and of one that
//! is dropped half-way it is not known whether it wrote, except that it did not
//! write a part.
//!
//! What it refuses: large values (chunks have their own store), queries other
//! than by prefix, and more than [`ENTRIES_MAX`] entries, so that every
//! backend can rewrite or list the whole. Limits are checked before anything
//! is touched and are the same on every platform.

mod entries;

use futures::future::LocalBoxFuture;
use ion_map::Map;

pub(crate) use entries::Entries;

/// Longest name of a store, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Most entries in one store, and most changes in one batch.
pub const ENTRIES_MAX: usize = 1_024;

/// One named store. Clones are the same store.
pub trait Storage: Clone + 'static {
    /// The value at a key.
    fn get(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<Vec<u8>>, Error>>;

    /// All keys that begin with `prefix`, in ascending order.
    fn list(&self, prefix: &str) -> LocalBoxFuture<'static, Result<Vec<String>, Error>>;

    /// Makes all changes of a batch, or none and an error.
    fn write(&self, batch: Batch) -> LocalBoxFuture<'static, Result<(), Error>>;

    /// Sets the value at a key.
    fn put(&self, key: &str, value: Vec<u8>) -> LocalBoxFuture<'static, Result<(), Error>> {
        self.write(Batch::new().put(key, value))
    }

    /// Removes a key; one that is not there is no error.
    fn delete(&self, key: &str) -> LocalBoxFuture<'static, Result<(), Error>> {
        self.write(Batch::new().delete(key))
    }
}

/// Changes that are made together. Of several to one key the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Map<String, Option<Vec<u8>>>,
}

impl Batch {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// And sets the value at a key.
    #[must_use]
    pub fn put(mut self, key: &str, value: Vec<u8>) -> Self {
        self.changes.insert(key.to_owned(), Some(value));
        self
    }

    /// And removes a key.
    #[must_use]
    pub fn delete(mut self, key: &str) -> Self {
        self.changes.insert(key.to_owned(), None);
        self
    }

    /// The changes by key, with `None` for removals, once all are within the limits.
    pub(crate) fn checked(self) -> Result<Map<String, Option<Vec<u8>>>, Error> {
        if self.changes.len() > ENTRIES_MAX {
            return Err(Error::TooMany { entries_max: ENTRIES_MAX });
        }
        for (key, value) in &self.changes {
            within("key", key.len(), KEY_BYTES_MAX)?;
            within("value", value.as_ref().map_or(0, Vec::len), VALUE_BYTES_MAX)?;
        }
        Ok(self.changes)
    }
}

/// Why a store could not be opened, read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This machine gives no storage: private windows, blocked site data, a
    /// folder that can't be made.
    #[error("no storage is available: {reason}")]
    Unavailable {
        /// What the machine said.
        reason: String,
    },
    /// The machine gives no more space.
    #[error("the storage is full; nothing was written")]
    QuotaExceeded,
    /// One key, value or write is over its limit.
    #[error("a {what} of {bytes} bytes is over the limit of {bytes_max}")]
    TooLarge {
        /// `"key"`, `"value"` or `"write"`.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The store, or what is asked or written at once, would hold too many entries.
    #[error("more than {entries_max} entries are too many for one store or one call")]
    TooMany {
        /// The limit.
        entries_max: usize,
    },
    /// A store can't have this name.
    #[error("a store's name has 1 to {NAME_BYTES_MAX} characters of a-z, 0-9 and -")]
    BadName,
    /// Somebody else holds the storage and does not let go.
    #[error("the storage is held by another tab or program")]
    Blocked,
    /// What is stored can't be read. It is left as it is.
    #[error("what is stored can't be read: {reason}")]
    Corrupt {
        /// Where and how.
        reason: String,
    },
    /// What was stored was deleted or replaced under us, or can't be reached
    /// again: this handle is of no more use, and what was there may be lost.
    #[error("the storage was deleted or closed by the machine: {reason}")]
    Gone {
        /// What happened.
        reason: String,
    },
    /// The machine failed in another way; nothing was written.
    #[error("the storage failed: {reason}")]
    Failed {
        /// What the machine said.
        reason: String,
    },
}

/// Refuses names that could mean anything but a store.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(Error::BadName);
    }
    Ok(())
}

pub(crate) fn within(what: &'static str, bytes: usize, bytes_max: usize) -> Result<(), Error> {
    if bytes > bytes_max {
        return Err(Error::TooLarge { what, bytes, bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        assert_eq!(check_name("slot-12"), Ok(()));
        for name in ["", "..", "a/b", "Slot", "a b", "ü", &"a".repeat(NAME_BYTES_MAX + 1)] {
            assert_eq!(check_name(name), Err(Error::BadName), "{name}");
        }
    }

    #[test]
    fn the_last_change_to_a_key_counts() {
        let batch = Batch::new().put("a", vec![1]).delete("a").put("b", vec![2]).put("b", vec![3]);
        let changes: Vec<_> = batch.checked().expect("within limits").into_iter().collect();
        assert_eq!(changes, [("a".to_owned(), None), ("b".to_owned(), Some(vec![3]))]);
    }
}
