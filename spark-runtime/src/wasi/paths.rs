//! From a path to what it names, never out of the folder that it starts in.
//!
//! A path is UTF-8 without NUL; `..` above the folder in which it starts, and an
//! absolute path, are [`Errno::NotCapable`], in what a symbolic link says too. What
//! walks is charged for each step. Bounds, and what is beyond them:
//!
//! | bound | beyond it |
//! |---|---|
//! | [`PATH_BYTES_MAX`], [`NAME_BYTES_MAX`], [`PATH_STEPS_MAX`] | [`Errno::NameTooLong`] |
//! | [`PATH_LINKS_MAX`] | [`Errno::Loop`] |

use super::{
    Errno, GuestMemory, System,
    file_system::{Kind, Node},
};

/// A path, or what a symbolic link says, in bytes.
pub const PATH_BYTES_MAX: u32 = 4096;
/// One name of a path, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Names that are walked for one path, those of symbolic links included.
pub const PATH_STEPS_MAX: usize = 4096;
/// Symbolic links that are followed for one path.
pub const PATH_LINKS_MAX: usize = 40;

/// Fuel for each name that is walked.
const STEP_FUEL: u64 = 128;

/// Whether a symbolic link at the end of a path stands for what it points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// No: it is the name that counts.
    Never,
    /// Only with a slash behind it.
    WithSlash,
    /// Yes.
    Always,
}

impl Follow {
    /// What the interface's flags for looking up say.
    pub(super) fn from_flags(flags: u32) -> Result<Self, Errno> {
        match flags {
            0 => Ok(Self::WithSlash),
            1 => Ok(Self::Always),
            _ => Err(Errno::Invalid),
        }
    }
}

/// Where a path ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder that the last name is in.
    pub(super) folder: Node,
    /// The last name; empty where the path ends in a folder itself, such as `.`.
    pub(super) name: String,
    /// What is there.
    pub(super) node: Option<Node>,
    /// Whether the name has a slash behind it. Then what is there is a folder.
    pub(super) has_slash: bool,
}

impl Place {
    /// What is there, which has to be.
    pub(super) fn found(&self) -> Result<Node, Errno> {
        self.node.ok_or(Errno::NoEntry)
    }

    /// Refuses a place that is taken, or that only a folder could have.
    pub(super) fn expect_free(&self) -> Result<(), Errno> {
        match self.node {
            Some(_) => Err(Errno::Exists),
            None if self.has_slash => Err(Errno::NoEntry),
            None => Ok(()),
        }
    }
}

impl System {
    /// A path in the guest's memory.
    pub(super) fn path(
        &mut self,
        memory: &dyn GuestMemory,
        at: u32,
        bytes: u32,
    ) -> Result<String, Errno> {
        if bytes > PATH_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        self.charge_bytes(u64::from(bytes));
        let mut path = vec![0; bytes as usize];
        memory.read(at, &mut path)?;
        let path = String::from_utf8(path).map_err(|_| Errno::IllegalSequence)?;
        if path.contains('\0') {
            return Err(Errno::Invalid);
        }
        if path.is_empty() { Err(Errno::NoEntry) } else { Ok(path) }
    }

    /// Walks a path from a folder.
    pub(super) fn resolve(
        &mut self,
        folder: Node,
        path: &str,
        follow: Follow,
    ) -> Result<Place, Errno> {
        Walk { system: self, folders: vec![folder], rest: Vec::new(), links: 0, steps: 0 }
            .walk(path, follow)
    }

    /// Whether a folder is another one or somewhere in it.
    pub(super) fn is_inside(&mut self, folder: Node, other: Node) -> Result<bool, Errno> {
        let mut folder = folder;
        loop {
            self.work = self.work.saturating_add(STEP_FUEL);
            let parent = self.files.parent(folder)?;
            if folder == other || parent == folder {
                return Ok(folder == other);
            }
            folder = parent;
        }
    }
}

/// One path on its way.
struct Walk<'a> {
    system: &'a mut System,
    /// The folders that lead to where it is. The first is the one it started in.
    folders: Vec<Node>,
    /// Names that are still to come, the next one last; before them all, an empty one
    /// where the path ends in a slash.
    rest: Vec<String>,
    links: usize,
    steps: usize,
}

impl Walk<'_> {
    fn walk(mut self, path: &str, follow: Follow) -> Result<Place, Errno> {
        self.push(path)?;
        while let Some(name) = self.rest.pop() {
            self.step()?;
            match name.as_str() {
                "" | "." => {}
                ".." => self.leave()?,
                _ => {
                    if let Some(place) = self.enter(name, follow)? {
                        return Ok(place);
                    }
                }
            }
        }
        let folder = self.here();
        Ok(Place { folder, name: String::new(), node: Some(folder), has_slash: false })
    }

    /// Puts the names of a path before those that are still to come.
    fn push(&mut self, path: &str) -> Result<(), Errno> {
        if path.starts_with('/') {
            return Err(Errno::NotCapable);
        }
        // A slash at the very end says that a folder must stand there; others say nothing.
        if path.ends_with('/') && self.rest.is_empty() {
            self.rest.push(String::new());
        }
        let names = path.split('/').rev().filter(|name| !name.is_empty());
        self.rest.extend(names.map(str::to_owned));
        Ok(())
    }

    fn step(&mut self) -> Result<(), Errno> {
        self.steps += 1;
        self.system.work = self.system.work.saturating_add(STEP_FUEL);
        if self.steps > PATH_STEPS_MAX { Err(Errno::NameTooLong) } else { Ok(()) }
    }

    fn here(&self) -> Node {
        self.folders.last().copied().unwrap_or_else(|| self.system.files.root())
    }

    fn leave(&mut self) -> Result<(), Errno> {
        if self.folders.len() < 2 {
            return Err(Errno::NotCapable);
        }
        self.folders.pop();
        Ok(())
    }

    /// Goes on by one name; the place, when it was the last.
    fn enter(&mut self, name: String, follow: Follow) -> Result<Option<Place>, Errno> {
        if name.len() > NAME_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        let folder = self.here();
        let is_last = self.rest.len() < 2 && self.rest.iter().all(String::is_empty);
        let has_slash = is_last && !self.rest.is_empty();
        let Some(node) = self.system.files.find(folder, &name)? else {
            let place = Place { folder, name, node: None, has_slash };
            return if is_last { Ok(Some(place)) } else { Err(Errno::NoEntry) };
        };
        let is_followed =
            !is_last || follow == Follow::Always || follow == Follow::WithSlash && has_slash;
        match self.system.files.stat(node)?.kind {
            Kind::Link if is_followed => self.follow(node).map(|()| None),
            Kind::File | Kind::Link if !is_last || has_slash => Err(Errno::NotFolder),
            Kind::Folder if !is_last => {
                self.folders.push(node);
                Ok(None)
            }
            _ => Ok(Some(Place { folder, name, node: Some(node), has_slash })),
        }
    }

    fn follow(&mut self, link: Node) -> Result<(), Errno> {
        self.links += 1;
        if self.links > PATH_LINKS_MAX {
            return Err(Errno::Loop);
        }
        let target = self.system.files.target(link)?.to_owned();
        self.push(&target)
    }
}
