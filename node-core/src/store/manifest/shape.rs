//! What a file's size and chunk length say of its tree: how deep it is, how
//! many links each block has, how long each chunk is.

use super::{CHUNK_BYTES_MIN, FILE_BYTES_MAX, Refusal};
use crate::store::chunk::{CHUNK_BYTES, Cid, Codec};

/// A tree's shape. Its numbers are checked when it is made, so that nothing
/// here overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The file, in bytes.
    pub(super) size: u64,
    /// A chunk but the last, in bytes.
    pub(super) chunk_bytes: u32,
    /// Links in a block; less than the usual number only in tests.
    pub(super) fanout: u64,
}

impl Shape {
    pub(super) fn new(size: u64, chunk_bytes: u32, fanout: u64) -> Result<Self, Refusal> {
        if !(CHUNK_BYTES_MIN..=CHUNK_BYTES).contains(&chunk_bytes) {
            return Err(Refusal::ChunkLength);
        }
        if size > FILE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        Ok(Self { size, chunk_bytes, fanout })
    }

    /// Chunks in all.
    pub(super) const fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk_bytes as u64)
    }

    /// Levels of lists between the root and the chunks.
    pub(super) const fn depth(&self) -> u32 {
        let (mut depth, mut reach) = (0, self.fanout);
        while reach < self.chunks() {
            depth += 1;
            reach *= self.fanout;
        }
        depth
    }

    /// Chunks below one link of a block with so many levels below it.
    pub(super) const fn span(&self, level: u32) -> u64 {
        self.fanout.pow(level)
    }

    /// The length of a chunk, in bytes.
    pub(super) fn chunk_len(&self, index: u64) -> u32 {
        let rest = self.size.saturating_sub(index * u64::from(self.chunk_bytes));
        u32::try_from(rest).map_or(self.chunk_bytes, |rest| rest.min(self.chunk_bytes))
    }

    /// Whether these are links of a block with so many levels below it, whose
    /// first chunk is that one.
    pub(super) fn check_links(&self, links: &[Cid], level: u32, first: u64) -> Result<(), Refusal> {
        let rest = self.chunks().saturating_sub(first);
        let expected = rest.div_ceil(self.span(level)).min(self.fanout);
        let found = links.len() as u64;
        if found != expected {
            return Err(Refusal::Links { expected, found });
        }
        let codec = if level == 0 { Codec::Raw } else { Codec::DagCbor };
        let is_kind = links.iter().all(|link| link.codec() == codec);
        if is_kind { Ok(()) } else { Err(Refusal::Kind) }
    }
}
