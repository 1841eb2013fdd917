//! What keeps files: a tree of nodes, as the system sees it.
//!
//! A file system stores and counts; it decides nothing. Which names are allowed,
//! what may be replaced by what, and how a path is walked is said once, above it
//! (`paths`), for every implementation. Paths do not come this far: each function
//! takes a folder and one name in it. What a caller owes stands with each function.
//!
//! There is one implementation, [`InMemory`]. One that has to wait, such as for
//! files of which another machine holds the bytes, would answer with a third
//! outcome beside a value and an error number: that it lacks something, and has
//! changed nothing. The system would hand that on, the lane would suspend the guest
//! and have its driver bring what is missing, and the whole call would be repeated.
//! So a function either does all of what it is asked or nothing, and reads may give
//! less than was wanted.

mod in_memory;

pub(crate) use in_memory::InMemory;
pub use in_memory::NODES_MAX;

use super::Errno;

/// A file, folder or symbolic link. Its number is never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(pub(crate) u64);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes.
    File,
    /// Names of nodes.
    Folder,
    /// A path, relative to the folder that it stands in.
    Link,
}

impl Kind {
    /// As the interface numbers it.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Folder => 3,
            Self::File => 4,
            Self::Link => 7,
        }
    }
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New<'a> {
    /// An empty file.
    File,
    /// An empty folder.
    Folder,
    /// A symbolic link to that path.
    Link(&'a str),
}

/// When a node was last used, in nanoseconds since 1970. Reading does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// Its contents were read: only ever set by `*_set_times`.
    pub(crate) accessed_ns: u64,
    /// Its contents changed.
    pub(crate) modified_ns: u64,
    /// Anything of it changed.
    pub(crate) changed_ns: u64,
}

impl Times {
    /// All at once.
    pub(crate) fn at(now_ns: u64) -> Self {
        Self { accessed_ns: now_ns, modified_ns: now_ns, changed_ns: now_ns }
    }
}

/// What is known of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// What it is.
    pub(crate) kind: Kind,
    /// Bytes of a file or of a link's path; names in a folder.
    pub(crate) size: u64,
    /// Names that it has.
    pub(crate) links: u64,
    /// When it was used.
    pub(crate) times: Times,
    /// Whether it is other than it was given, or has another name.
    pub(crate) is_written: bool,
}

/// A name in a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// What follows comes behind this number.
    pub(crate) cookie: u64,
    /// The name.
    pub(crate) name: &'a str,
    /// What it names.
    pub(crate) node: Node,
}

/// A tree of nodes. A node that is not there answers as
/// [`Errno::NoEntry`], one of another kind as [`Errno::Invalid`].
pub(crate) trait FileSystem {
    /// The folder that all else is in.
    fn root(&self) -> Node;

    /// What is known of a node.
    fn stat(&self, node: Node) -> Result<Stat, Errno>;

    /// The folder that a folder is in; the root is in itself.
    fn parent(&self, folder: Node) -> Result<Node, Errno>;

    /// What a name in a folder names.
    fn find(&self, folder: Node, name: &str) -> Result<Option<Node>, Errno>;

    /// The first name behind a cookie, 0 for the first of all. Cookies stay what
    /// they are while names come and go.
    fn next(&self, folder: Node, cookie: u64) -> Result<Option<Entry<'_>>, Errno>;

    /// Where a symbolic link points.
    fn target(&self, link: Node) -> Result<&str, Errno>;

    /// Bytes of a file from there on: at most so many, at least one except at its end.
    fn read(&self, file: Node, at: u64, bytes_max: usize) -> Result<&[u8], Errno>;

    /// Writes all, with zeros in what lies between the end and `at`. Errors:
    /// [`Errno::NoSpace`].
    fn write(&mut self, file: Node, at: u64, bytes: &[u8], now_ns: u64) -> Result<(), Errno>;

    /// Cuts a file, or adds zeros to it. Errors: [`Errno::NoSpace`].
    fn resize(&mut self, file: Node, size: u64, now_ns: u64) -> Result<(), Errno>;

    /// Sets a node's times.
    fn set_times(&mut self, node: Node, times: Times) -> Result<(), Errno>;

    /// Makes a node. The name is free. Errors: [`Errno::NoSpace`], and
    /// [`Errno::NoEntry`] in a folder that was removed.
    fn create(
        &mut self,
        folder: Node,
        name: &str,
        new: New<'_>,
        now_ns: u64,
    ) -> Result<Node, Errno>;

    /// Gives a node that is no folder another name, which is free. Errors as of `create`.
    fn link(&mut self, folder: Node, name: &str, node: Node, now_ns: u64) -> Result<(), Errno>;

    /// Takes a name away. It is there; if it names a folder, that is empty.
    fn unlink(&mut self, folder: Node, name: &str, now_ns: u64) -> Result<(), Errno>;

    /// Moves a name, which is there, to where the name is free. A folder is not
    /// moved into itself. Errors as of `create`.
    fn rename(&mut self, from: (Node, &str), to: (Node, &str), now_ns: u64) -> Result<(), Errno>;

    /// Keeps a node for as long as it is open, whether or not it has a name.
    fn open(&mut self, node: Node);

    /// Ends one [`FileSystem::open`].
    fn close(&mut self, node: Node);

    /// Bytes that there is room for.
    fn room(&self) -> u64;
}
