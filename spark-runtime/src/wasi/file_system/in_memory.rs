//! Files that are there for one run.
//!
//! Bounds: [`NODES_MAX`] nodes; bytes of contents, names and links together as
//! [`InMemory::new`] is told, where a node counts for [`NODE_BYTES`] and a name for
//! [`NAME_BYTES`] more than it has. Beyond either it answers [`Errno::NoSpace`].

use std::collections::BTreeMap;

use super::{Entry, FileSystem, Kind, New, Node, Stat, Times};
use crate::wasi::Errno;

/// Files, folders and symbolic links together.
pub const NODES_MAX: usize = 65_536;
/// What a node counts for beside its contents, in bytes.
const NODE_BYTES: u64 = 128;
/// What a name counts for beside its length, in bytes.
const NAME_BYTES: u64 = 64;

/// A file system in memory.
pub(crate) struct InMemory {
    nodes: BTreeMap<Node, Inode>,
    /// The number of the newest node.
    newest: u64,
    /// The number of the newest name.
    newest_cookie: u64,
    bytes: u64,
    bytes_max: u64,
}

/// What there is of a node.
struct Inode {
    body: Body,
    links: u64,
    /// How often it is open.
    opened: u32,
    times: Times,
    is_written: bool,
}

enum Body {
    File(Vec<u8>),
    Folder(Folder),
    Link(String),
}

struct Folder {
    parent: Node,
    names: BTreeMap<String, (u64, Node)>,
    /// The names in the order in which they came.
    order: BTreeMap<u64, String>,
}

impl Folder {
    fn new(parent: Node) -> Self {
        Self { parent, names: BTreeMap::new(), order: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, cookie: u64, node: Node) {
        self.names.insert(name.to_owned(), (cookie, node));
        self.order.insert(cookie, name.to_owned());
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let (cookie, node) = self.names.remove(name)?;
        self.order.remove(&cookie);
        Some(node)
    }
}

impl Inode {
    fn new(body: Body, now_ns: u64) -> Self {
        Self { body, links: 1, opened: 0, times: Times::at(now_ns), is_written: true }
    }

    fn touch(&mut self, now_ns: u64) {
        self.times.modified_ns = now_ns;
        self.times.changed_ns = now_ns;
        self.is_written = true;
    }

    fn bytes(&self) -> u64 {
        let contents = match &self.body {
            Body::File(bytes) => bytes.len(),
            Body::Link(target) => target.len(),
            Body::Folder(_) => 0,
        };
        contents as u64 + NODE_BYTES
    }
}

impl InMemory {
    /// An empty folder, with room for so many bytes.
    pub(crate) fn new(bytes_max: u64, now_ns: u64) -> Self {
        let root = Node(1);
        let inode = Inode::new(Body::Folder(Folder::new(root)), now_ns);
        Self {
            nodes: BTreeMap::from([(root, inode)]),
            newest: root.0,
            newest_cookie: 0,
            bytes: 0,
            bytes_max,
        }
    }

    /// From now on what is there counts as given.
    pub(crate) fn settle(&mut self) {
        for inode in self.nodes.values_mut() {
            inode.is_written = false;
        }
    }

    fn inode(&self, node: Node) -> Result<&Inode, Errno> {
        self.nodes.get(&node).ok_or(Errno::NoEntry)
    }

    fn inode_mut(&mut self, node: Node) -> Result<&mut Inode, Errno> {
        self.nodes.get_mut(&node).ok_or(Errno::NoEntry)
    }

    fn file(&self, node: Node) -> Result<&Vec<u8>, Errno> {
        match &self.inode(node)?.body {
            Body::File(bytes) => Ok(bytes),
            Body::Folder(_) | Body::Link(_) => Err(Errno::Invalid),
        }
    }

    fn folder(&self, node: Node) -> Result<&Folder, Errno> {
        match &self.inode(node)?.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) | Body::Link(_) => Err(Errno::Invalid),
        }
    }

    fn folder_mut(&mut self, node: Node, now_ns: u64) -> Result<&mut Folder, Errno> {
        let inode = self.inode_mut(node)?;
        inode.touch(now_ns);
        match &mut inode.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) | Body::Link(_) => Err(Errno::Invalid),
        }
    }

    /// Refuses a folder that was removed while it was open.
    fn expect_named(&self, folder: Node) -> Result<(), Errno> {
        if self.inode(folder)?.links > 0 { Ok(()) } else { Err(Errno::NoEntry) }
    }

    fn expect_room(&self, bytes: u64) -> Result<(), Errno> {
        if bytes <= self.room() { Ok(()) } else { Err(Errno::NoSpace) }
    }

    fn name(&mut self, folder: Node, name: &str, node: Node, now_ns: u64) -> Result<(), Errno> {
        self.newest_cookie += 1;
        let cookie = self.newest_cookie;
        self.folder_mut(folder, now_ns)?.add(name, cookie, node);
        Ok(())
    }

    fn free_if_gone(&mut self, node: Node) {
        if self.nodes.get(&node).is_some_and(|inode| inode.links == 0 && inode.opened == 0)
            && let Some(inode) = self.nodes.remove(&node)
        {
            self.bytes -= inode.bytes();
        }
    }

    /// Sets a file's length, and counts it.
    fn set_size(&mut self, node: Node, size: u64) -> Result<(), Errno> {
        let was = self.file(node)?.len() as u64;
        let more = size.saturating_sub(was);
        let length = usize::try_from(size).map_err(|_| Errno::NoSpace)?;
        self.expect_room(more)?;
        if let Body::File(bytes) = &mut self.inode_mut(node)?.body {
            let additional = length.saturating_sub(bytes.len());
            bytes.try_reserve(additional).map_err(|_| Errno::NoSpace)?;
            bytes.resize(length, 0);
            // What is not counted any more must not be kept; growing again is charged for.
            if bytes.capacity() / 2 > length {
                bytes.shrink_to(length);
            }
        }
        self.bytes = self.bytes - was + size;
        Ok(())
    }
}

impl FileSystem for InMemory {
    fn root(&self) -> Node {
        Node(1)
    }

    fn stat(&self, node: Node) -> Result<Stat, Errno> {
        let inode = self.inode(node)?;
        let (kind, size) = match &inode.body {
            Body::File(bytes) => (Kind::File, bytes.len()),
            Body::Folder(folder) => (Kind::Folder, folder.names.len()),
            Body::Link(target) => (Kind::Link, target.len()),
        };
        let Inode { links, times, is_written, .. } = *inode;
        Ok(Stat { kind, size: size as u64, links, times, is_written })
    }

    fn parent(&self, folder: Node) -> Result<Node, Errno> {
        Ok(self.folder(folder)?.parent)
    }

    fn find(&self, folder: Node, name: &str) -> Result<Option<Node>, Errno> {
        Ok(self.folder(folder)?.names.get(name).map(|(_, node)| *node))
    }

    fn next(&self, folder: Node, cookie: u64) -> Result<Option<Entry<'_>>, Errno> {
        let folder = self.folder(folder)?;
        let following = folder.order.range(cookie.saturating_add(1)..).next();
        Ok(following.and_then(|(cookie, name)| {
            let (_, node) = folder.names.get(name)?;
            Some(Entry { cookie: *cookie, name, node: *node })
        }))
    }

    fn target(&self, link: Node) -> Result<&str, Errno> {
        match &self.inode(link)?.body {
            Body::Link(target) => Ok(target),
            Body::File(_) | Body::Folder(_) => Err(Errno::Invalid),
        }
    }

    fn read(&self, file: Node, at: u64, bytes_max: usize) -> Result<&[u8], Errno> {
        let bytes = self.file(file)?;
        let start = usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let end = start.saturating_add(bytes_max).min(bytes.len());
        Ok(&bytes[start..end])
    }

    fn write(&mut self, file: Node, at: u64, bytes: &[u8], now_ns: u64) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = at.checked_add(bytes.len() as u64).ok_or(Errno::NoSpace)?;
        let size = self.file(file)?.len() as u64;
        self.set_size(file, size.max(end))?;
        let inode = self.inode_mut(file)?;
        inode.touch(now_ns);
        if let (Body::File(contents), Ok(start)) = (&mut inode.body, usize::try_from(at)) {
            contents[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Ok(())
    }

    fn resize(&mut self, file: Node, size: u64, now_ns: u64) -> Result<(), Errno> {
        self.set_size(file, size)?;
        self.inode_mut(file)?.touch(now_ns);
        Ok(())
    }

    fn set_times(&mut self, node: Node, times: Times) -> Result<(), Errno> {
        self.inode_mut(node)?.times = times;
        Ok(())
    }

    fn create(
        &mut self,
        folder: Node,
        name: &str,
        new: New<'_>,
        now_ns: u64,
    ) -> Result<Node, Errno> {
        let body = match new {
            New::File => Body::File(Vec::new()),
            New::Folder => Body::Folder(Folder::new(folder)),
            New::Link(target) => Body::Link(target.to_owned()),
        };
        let inode = Inode::new(body, now_ns);
        let bytes = name_bytes(name) + inode.bytes();
        self.expect_named(folder)?;
        self.expect_room(bytes)?;
        if self.nodes.len() >= NODES_MAX {
            return Err(Errno::NoSpace);
        }
        self.newest += 1;
        let node = Node(self.newest);
        self.name(folder, name, node, now_ns)?;
        self.nodes.insert(node, inode);
        self.bytes += bytes;
        Ok(node)
    }

    fn link(&mut self, folder: Node, name: &str, node: Node, now_ns: u64) -> Result<(), Errno> {
        self.expect_named(folder)?;
        self.expect_room(name_bytes(name))?;
        let inode = self.inode_mut(node)?;
        inode.links += 1;
        inode.times.changed_ns = now_ns;
        inode.is_written = true;
        self.name(folder, name, node, now_ns)?;
        self.bytes += name_bytes(name);
        Ok(())
    }

    fn unlink(&mut self, folder: Node, name: &str, now_ns: u64) -> Result<(), Errno> {
        let node = self.folder_mut(folder, now_ns)?.take(name).ok_or(Errno::NoEntry)?;
        self.bytes -= name_bytes(name);
        let inode = self.inode_mut(node)?;
        inode.links -= 1;
        inode.times.changed_ns = now_ns;
        self.free_if_gone(node);
        Ok(())
    }

    fn rename(&mut self, from: (Node, &str), to: (Node, &str), now_ns: u64) -> Result<(), Errno> {
        self.expect_named(to.0)?;
        self.expect_room(name_bytes(to.1).saturating_sub(name_bytes(from.1)))?;
        let node = self.folder_mut(from.0, now_ns)?.take(from.1).ok_or(Errno::NoEntry)?;
        self.name(to.0, to.1, node, now_ns)?;
        self.bytes = self.bytes + name_bytes(to.1) - name_bytes(from.1);
        let inode = self.inode_mut(node)?;
        inode.times.changed_ns = now_ns;
        inode.is_written = true;
        if let Body::Folder(folder) = &mut inode.body {
            folder.parent = to.0;
        }
        Ok(())
    }

    fn open(&mut self, node: Node) {
        if let Some(inode) = self.nodes.get_mut(&node) {
            inode.opened += 1;
        }
    }

    fn close(&mut self, node: Node) {
        if let Some(inode) = self.nodes.get_mut(&node) {
            inode.opened = inode.opened.saturating_sub(1);
            self.free_if_gone(node);
        }
    }

    fn room(&self) -> u64 {
        self.bytes_max.saturating_sub(self.bytes)
    }
}

fn name_bytes(name: &str) -> u64 {
    name.len() as u64 + NAME_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_a_file_is_kept_no_longer() {
        const BYTES: u64 = 1 << 20;
        let mut files = InMemory::new(2 * BYTES, 0);
        let room = files.room();
        let file = files.create(files.root(), "file", New::File, 0).expect("there is room");
        let left = files.room();
        for size in [BYTES, 0, BYTES, 1, BYTES, BYTES / 4] {
            files.resize(file, size, 0).expect("there is room");
            assert_eq!(files.room(), left - size);
            let kept = files.file(file).expect("it is one").capacity() as u64;
            assert!(kept <= 2 * size, "{kept} bytes are kept for {size}");
        }
        files.unlink(files.root(), "file", 0).expect("it is there");
        assert_eq!(files.room(), room);
    }
}
