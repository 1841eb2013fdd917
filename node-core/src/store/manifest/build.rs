//! Makes a file's ledger while its chunks come, one after the other.

use super::{FILE_BYTES_MAX, LINKS_MAX, List, Manifest, Refusal, check_media_type, shape::Shape};
use crate::store::chunk::{Block, Cid, Codec};

/// Takes chunks and gives lists as they become full; holds one block's links a
/// level.
#[derive(Clone, Debug)]
pub struct Builder {
    shape: Shape,
    /// Links that stand in no block yet; those of chunks first. Each has one
    /// at least, but the first.
    levels: Vec<Vec<Cid>>,
}

impl Builder {
    /// A file without chunks yet. [`CHUNK_BYTES`](crate::store::chunk::CHUNK_BYTES)
    /// is the usual length of a chunk, in bytes.
    ///
    /// # Errors
    /// [`Refusal::ChunkLength`].
    pub fn new(chunk_bytes: u32) -> Result<Self, Refusal> {
        Self::with_fanout(chunk_bytes, LINKS_MAX)
    }

    pub(super) fn with_fanout(chunk_bytes: u32, fanout: u64) -> Result<Self, Refusal> {
        Ok(Self { shape: Shape::new(0, chunk_bytes, fanout)?, levels: vec![Vec::new()] })
    }

    /// What has been taken, in bytes.
    pub const fn size(&self) -> u64 {
        self.shape.size
    }

    /// Takes the next chunk: its name and its length, in bytes. All but the
    /// last have the same length, and none is empty: an empty file has no chunk.
    ///
    /// # Errors
    /// [`Refusal::ChunkSize`] after a shorter one or of a wrong length,
    /// [`Refusal::Kind`] of what is no chunk, [`Refusal::TooLarge`]. Then nothing has changed.
    pub fn push(&mut self, cid: Cid, bytes: u32, lists: &mut Vec<Block>) -> Result<(), Refusal> {
        let expected = self.shape.chunk_bytes;
        let is_whole = self.shape.size.is_multiple_of(u64::from(expected));
        if !is_whole || !(1..=expected).contains(&bytes) {
            return Err(Refusal::ChunkSize { expected, found: u64::from(bytes) });
        }
        if cid.codec() != Codec::Raw {
            return Err(Refusal::Kind);
        }
        if self.shape.size + u64::from(bytes) > FILE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        self.shape.size += u64::from(bytes);
        self.add(0, cid, lists);
        Ok(())
    }

    /// The manifest of all that was taken, after the lists that were not full.
    ///
    /// # Errors
    /// [`Refusal::MediaType`].
    pub fn finish(mut self, media_type: &str, lists: &mut Vec<Block>) -> Result<Manifest, Refusal> {
        check_media_type(media_type)?;
        let mut level = 0;
        while level + 1 < self.levels.len() {
            self.close(level, lists);
            level += 1;
        }
        let links = self.levels.pop().expect("there is always one level");
        Ok(Manifest { media_type: media_type.to_owned(), shape: self.shape, links })
    }

    /// Adds a link; a full block is closed only when one more comes, so that
    /// what fits into the root stays there.
    fn add(&mut self, level: usize, link: Cid, lists: &mut Vec<Block>) {
        if self.levels[level].len() as u64 == self.shape.fanout {
            self.close(level, lists);
        }
        self.levels[level].push(link);
    }

    fn close(&mut self, level: usize, lists: &mut Vec<Block>) {
        let list = List::block(std::mem::take(&mut self.levels[level]));
        if level + 1 == self.levels.len() {
            self.levels.push(Vec::new());
        }
        self.add(level + 1, list.cid, lists);
        lists.push(list);
    }
}
