//! The key in a slot: an Ed25519 seed with a checksum.
//!
//! A record that can't be read is never overwritten: it is moved aside in the
//! same batch that stores its successor, so that what was there can still be
//! looked at.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::platform::{
    Batch, Storage,
    storage::{Error, VALUE_BYTES_MAX},
};

/// Where the record is; its number is the version of the format.
const KEY: &str = "identity/v1/seed";
/// Where damaged records are kept, followed by eight bytes of their hash.
const DAMAGED_PREFIX: &str = "identity/v1/damaged/";
/// Longest record.
const RECORD_BYTES_MAX: usize = 128;
const CHECK_BYTES: usize = 8;

/// The record, as DAG-CBOR.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    seed: ByteBuf,
    check: ByteBuf,
}

/// An identity's secret and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct LoadedKey {
    /// The seed of an Ed25519 key pair. Secret.
    pub seed: [u8; 32],
    /// Where it came from.
    pub origin: Origin,
}

impl std::fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedKey").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was stored here before.
    Stored,
    /// There was none; it was made and stored.
    Created,
    /// What was stored is damaged; a new one was made and stored.
    Replaced {
        /// What is wrong with the old record.
        reason: String,
        /// The key under which the old record is kept.
        kept_as: String,
    },
}

/// The key of this store; made from `random`, and stored, if there is none or
/// it is damaged. Fails when the store can't be read or written; then nothing
/// changed.
pub async fn load_or_create_key(
    storage: &impl Storage,
    random: impl FnOnce(&mut [u8]),
) -> Result<LoadedKey, Error> {
    let Some(stored) = storage.get(KEY).await? else {
        let seed = make(random);
        storage.put(KEY, encode(&seed)?).await?;
        return Ok(LoadedKey { seed, origin: Origin::Created });
    };
    match decode(&stored) {
        Ok(seed) => Ok(LoadedKey { seed, origin: Origin::Stored }),
        Err(reason) => replace(storage, stored, reason, make(random)).await,
    }
}

async fn replace(
    storage: &impl Storage,
    mut damaged: Vec<u8>,
    reason: String,
    seed: [u8; 32],
) -> Result<LoadedKey, Error> {
    let hash = blake3::hash(&damaged);
    let kept_as = format!("{DAMAGED_PREFIX}{}", &hash.to_hex()[..2 * CHECK_BYTES]);
    damaged.truncate(VALUE_BYTES_MAX);
    storage.write(Batch::new().put(&kept_as, damaged).put(KEY, encode(&seed)?)).await?;
    Ok(LoadedKey { seed, origin: Origin::Replaced { reason, kept_as } })
}

fn make(random: impl FnOnce(&mut [u8])) -> [u8; 32] {
    let mut seed = [0; 32];
    random(&mut seed);
    seed
}

fn encode(seed: &[u8; 32]) -> Result<Vec<u8>, Error> {
    let record = Record { seed: ByteBuf::from(*seed), check: ByteBuf::from(check(seed)) };
    ion_codec::to_vec(&record).map_err(|error| Error::Failed { reason: error.to_string() })
}

fn decode(bytes: &[u8]) -> Result<[u8; 32], String> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {RECORD_BYTES_MAX} fit", bytes.len()));
    }
    let record: Record = ion_codec::from_slice(bytes).map_err(|error| error.to_string())?;
    let seed: [u8; 32] = record.seed.as_slice().try_into().map_err(|_| "a seed has 32 bytes")?;
    // Decoders are lenient; the record as we write it is the only right one.
    let is_as_written = encode(&seed).is_ok_and(|written| written == bytes);
    if is_as_written { Ok(seed) } else { Err("its checksum is wrong".to_owned()) }
}

fn check(seed: &[u8; 32]) -> [u8; CHECK_BYTES] {
    let hash = blake3::derive_key("ionosphere 2025 identity record checksum v1", seed);
    std::array::from_fn(|index| hash[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record's format: changing these bytes needs another [`KEY`] and a
    /// way to read the old one.
    #[test]
    fn golden() {
        let record = encode(&[1; 32]).expect("plain data");
        let expected = [
            &b"\xa2\x64seed\x58\x20"[..],
            &[1; 32],
            b"\x65check\x48\x50\x19\xc4\x6c\x3e\x17\x7f\x8d",
        ];
        assert_eq!(record, expected.concat());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let record = encode(&[7; 32]).expect("plain data");
        assert_eq!(decode(&record), Ok([7; 32]));
        for bit in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(decode(&record[..length]).is_err(), "{length} bytes");
        }
    }
}
