//! The entries of one store in memory, for the backends that keep them whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Batch, ENTRIES_MAX, Error};

/// Keys and values, never more than [`ENTRIES_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Entries(BTreeMap<String, ByteBuf>);

impl Entries {
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).map(|value| value.to_vec())
    }

    pub(crate) fn list(&self, prefix: &str) -> Vec<String> {
        let from = self.0.range(prefix.to_owned()..);
        from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// These entries after a batch; on error nothing changed, as `self` is as it was.
    pub(crate) fn after(&self, batch: Batch) -> Result<Self, Error> {
        let mut entries = self.0.clone();
        for (key, value) in batch.checked()? {
            match value {
                Some(value) => drop(entries.insert(key, ByteBuf::from(value))),
                None => drop(entries.remove(&key)),
            }
        }
        if entries.len() > ENTRIES_MAX {
            return Err(Error::TooMany { entries_max: ENTRIES_MAX });
        }
        Ok(Self(entries))
    }

    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}
