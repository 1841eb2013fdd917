//! A file's ledger: its media type, its size, and the names of its chunks in
//! order, as a tree of blocks in DAG-CBOR, none of which grows with the file.
//!
//! The manifest is the root. Where all chunks fit into [`LINKS_MAX`] links it
//! names them itself; else it names lists, which name chunks, or lists of
//! chunks. All but the last of each are full, so that a file's size and chunk
//! length say how deep the tree is and how many links stand in each block of
//! it: [`Manifest::decode`] and [`Walk`] refuse every other number, and there is
//! no depth that a manifest could lie about. A block cannot name itself, as it
//! would have to contain its own hash; and a walk goes down as many levels as
//! the size says, whatever the blocks contain.
//!
//! [`Builder`] makes the tree from chunks that come one by one, [`Walk`] reads
//! the part of it that a range of bytes needs. Both hold one block a level.
//!
//! Refused: other versions, sizes that the links do not bear out, media types
//! that are none, and any encoding but the one that [`Manifest::encode`] gives.
//! Bounds: [`LINKS_MAX`], [`FILE_BYTES_MAX`], [`MEDIA_TYPE_BYTES_MAX`],
//! [`CHUNK_BYTES_MIN`].

mod build;
mod shape;
mod walk;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use build::Builder;
pub use walk::{Piece, Step, Walk};

use self::shape::Shape;
use super::chunk::{Block, CHUNK_BYTES, Cid, Codec};
use crate::codec;

/// Links in one block.
pub const LINKS_MAX: u64 = LINKS as u64;
/// A file, in bytes: 16 TiB.
pub const FILE_BYTES_MAX: u64 = CHUNK_BYTES as u64 * LINKS_MAX * LINKS_MAX;
/// The shortest chunk length that a manifest may state, in bytes. With it the
/// largest file's tree has two levels of lists.
pub const CHUNK_BYTES_MIN: u32 = 1 << 10;
/// A media type, in bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 128;
/// What a file is of which nothing else is known.
pub const MEDIA_TYPE_ANY: &str = "application/octet-stream";

const LINKS: usize = 4_096;
/// The version of manifests and lists.
const VERSION: u32 = 1;
/// A link in DAG-CBOR, in bytes.
const LINK_BYTES: usize = 41;
/// What stands around the links, in bytes.
const REST_BYTES_MAX: usize = MEDIA_TYPE_BYTES_MAX + 128;
/// A manifest or a list, in bytes; no more than any other block.
const NODE_BYTES_MAX: usize = LINKS * LINK_BYTES + REST_BYTES_MAX;
const _: () = assert!(NODE_BYTES_MAX <= CHUNK_BYTES as usize);

/// A file's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    media_type: String,
    shape: Shape,
    links: Vec<Cid>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    version: u32,
    media_type: String,
    size: u64,
    chunk_bytes: u32,
    links: Vec<Cid>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    links: Vec<Cid>,
}

/// Any of them, whatever else it says.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Manifest {
    /// What the file is, for example `image/png`.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The file's size, in bytes.
    pub const fn size(&self) -> u64 {
        self.shape.size
    }

    /// The length of every chunk but the last, in bytes.
    pub const fn chunk_bytes(&self) -> u32 {
        self.shape.chunk_bytes
    }

    /// How many chunks the file has; equal ones count as often as they occur.
    pub const fn chunks(&self) -> u64 {
        self.shape.chunks()
    }

    /// Reads a range of the file's bytes; what of it lies beyond the file's end
    /// is left out. [`Walk`] asks for the lists that it needs.
    pub fn walk(&self, range: std::ops::Range<u64>) -> Walk {
        Walk::new(self.shape, self.links.clone(), range)
    }

    /// As it is stored and sent.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&Root {
            version: VERSION,
            media_type: self.media_type.clone(),
            size: self.shape.size,
            chunk_bytes: self.shape.chunk_bytes,
            links: self.links.clone(),
        })
    }

    /// The block that it is.
    pub fn block(&self) -> Block {
        Block::of(Codec::DagCbor, self.encode())
    }

    /// From bytes of anybody; that they are those of the manifest's name is for
    /// the caller to check.
    ///
    /// # Errors
    /// Whatever it is that makes them no manifest.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let root: Root = read(bytes)?;
        check_version(root.version)?;
        check_media_type(&root.media_type)?;
        let shape = Shape::new(root.size, root.chunk_bytes, LINKS_MAX)?;
        shape.check_links(&root.links, shape.depth(), 0)?;
        let manifest = Self { media_type: root.media_type, shape, links: root.links };
        if manifest.encode() == bytes { Ok(manifest) } else { Err(Refusal::Malformed) }
    }
}

impl List {
    fn block(links: Vec<Cid>) -> Block {
        Block::of(Codec::DagCbor, codec::encode(&Self { version: VERSION, links }))
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Cid>, Refusal> {
        let list: Self = read(bytes)?;
        check_version(list.version)?;
        if codec::encode(&list) == bytes { Ok(list.links) } else { Err(Refusal::Malformed) }
    }
}

/// Checks a media type: `type/subtype`, perhaps with parameters, in visible
/// ASCII and spaces.
///
/// # Errors
/// [`Refusal::MediaType`].
pub fn check_media_type(text: &str) -> Result<(), Refusal> {
    let is_visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let has_two_parts = essence
        .split_once('/')
        .is_some_and(|(kind, of)| !kind.is_empty() && !of.is_empty() && !of.contains('/'));
    let is_good =
        is_visible && has_two_parts && !essence.contains(' ') && text.len() <= MEDIA_TYPE_BYTES_MAX;
    if is_good { Ok(()) } else { Err(Refusal::MediaType) }
}

fn check_version(version: u32) -> Result<(), Refusal> {
    if version == VERSION { Ok(()) } else { Err(Refusal::Version { version }) }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    codec::decode(bytes, NODE_BYTES_MAX).ok_or_else(|| {
        match codec::decode::<Versioned>(bytes, NODE_BYTES_MAX) {
            Some(Versioned { version }) if version != VERSION => Refusal::Version { version },
            _ => Refusal::Malformed,
        }
    })
}

/// Why bytes are no part of a file's ledger, or chunks make no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No manifest and no list, or not written as one has to be.
    #[error("the bytes are no ledger of a file")]
    Malformed,
    /// Made by a version of the program that this one does not know.
    #[error("the file's ledger has version {version}, and only {VERSION} is known here")]
    Version {
        /// Its version.
        version: u32,
    },
    /// Not a media type, or too long.
    #[error("not a media type of at most {MEDIA_TYPE_BYTES_MAX} bytes, such as image/png")]
    MediaType,
    /// Chunks shorter or longer than any ion makes them.
    #[error("a chunk has {CHUNK_BYTES_MIN} to {CHUNK_BYTES} bytes")]
    ChunkLength,
    /// Longer than [`FILE_BYTES_MAX`].
    #[error("a file has at most {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Another number of links than the file's size makes it.
    #[error("the file's size needs {expected} links here, and there are {found}")]
    Links {
        /// As many as the size makes it.
        expected: u64,
        /// As many as there are.
        found: u64,
    },
    /// A list stands where a chunk should, or a chunk where a list should.
    #[error("a list of chunks and a chunk were taken for each other")]
    Kind,
    /// The bytes are not those of the block's name.
    #[error("the bytes are not those that the block's name stands for")]
    Bytes,
    /// A chunk has another length than the file's size makes it.
    #[error("the chunk should have {expected} bytes and has {found}")]
    ChunkSize {
        /// As many as the size makes it.
        expected: u32,
        /// As many as there are.
        found: u64,
    },
    /// A list that nobody asked for.
    #[error("no list is needed now")]
    Unasked,
}
