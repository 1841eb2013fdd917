//! Changes that are made together.

use ion_map::Map;

use super::{Error, KEY_BYTES_MAX, Table};
use crate::platform::storage::within;

/// Most changes in one write.
pub const CHANGES_MAX: usize = 4_096;
/// Most bytes of keys and values in one write: 32 blocks of 1 MiB.
pub const WRITE_BYTES_MAX: usize = 33 << 20;

/// What each key is set to, with `None` for removals.
pub(crate) type ByKey = Map<(Table, Vec<u8>), Option<Vec<u8>>>;

/// Puts and deletes over several tables. Of several to one key the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    changes: ByKey,
    bytes: usize,
}

impl Changes {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// And sets the value at a key.
    #[must_use]
    pub fn put(mut self, table: Table, key: impl Into<Vec<u8>>, value: Vec<u8>) -> Self {
        self.set(table, key.into(), Some(value));
        self
    }

    /// And removes a key; one that is not there is no error.
    #[must_use]
    pub fn delete(mut self, table: Table, key: impl Into<Vec<u8>>) -> Self {
        self.set(table, key.into(), None);
        self
    }

    /// How many changes there are; at most [`CHANGES_MAX`] can be written.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of keys and values; at most [`WRITE_BYTES_MAX`] can be written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn set(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        let key_bytes = key.len();
        self.bytes += key_bytes + length(value.as_ref());
        if let Some(before) = self.changes.insert((table, key), value) {
            self.bytes -= key_bytes + length(before.as_ref());
        }
    }

    /// The changes, once all are within the limits.
    pub(crate) fn checked(self) -> Result<ByKey, Error> {
        if self.changes.len() > CHANGES_MAX {
            return Err(Error::TooMany { entries_max: CHANGES_MAX });
        }
        within("write", self.bytes, WRITE_BYTES_MAX)?;
        for ((table, key), value) in &self.changes {
            within("key", key.len(), KEY_BYTES_MAX)?;
            within("value", length(value.as_ref()), table.value_bytes_max())?;
        }
        Ok(self.changes)
    }
}

fn length(value: Option<&Vec<u8>>) -> usize {
    value.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_to_a_key_counts() {
        let changes = Changes::new()
            .put(Table::Meta, "a", vec![1; 10])
            .delete(Table::Meta, "a")
            .put(Table::Chunks, "a", vec![2; 5])
            .put(Table::Chunks, "a", vec![3; 2]);
        assert_eq!((changes.len(), changes.bytes()), (2, 1 + 1 + 2));
        let changes: Vec<_> = changes.checked().expect("within limits").into_iter().collect();
        let chunk = ((Table::Chunks, b"a".to_vec()), Some(vec![3; 2]));
        assert_eq!(changes, [chunk, ((Table::Meta, b"a".to_vec()), None)]);
    }
}
