//! What is done to names: opening, making, linking, moving and removing.
//!
//! The rules of POSIX hold. What they leave open: a folder has one name, a symbolic
//! link says a relative path, and nothing at the end of a path is followed that
//! would be made, moved or removed.

use super::{
    Errno, Fault, GuestMemory, System,
    arguments::{long, words},
    descriptors::{Descriptor, FLAGS, Open, known},
    file_system::{Kind, New, Node},
    memory::length,
    paths::{Follow, Place},
    rights::{self, Rights},
};

/// How a path is to be opened, as the interface numbers it.
const CREATE: u16 = 1;
const FOLDER: u16 = 2;
const EXCLUSIVE: u16 = 4;
const TRUNCATE: u16 = 8;

const FLAG_DSYNC: u16 = 2;
const FLAG_RSYNC: u16 = 8;
const FLAG_SYNC: u16 = 16;

/// What is asked for with a path that is opened.
struct Wish {
    how: u16,
    rights: Rights,
    inheriting: Rights,
    flags: u16,
}

impl Wish {
    fn has(&self, how: u16) -> bool {
        self.how & how != 0
    }

    /// The rights that the folder must have.
    fn folder_rights(&self) -> Rights {
        let create = if self.has(CREATE) { rights::PATH_CREATE_FILE } else { 0 };
        let truncate = if self.has(TRUNCATE) { rights::PATH_FILESTAT_SET_SIZE } else { 0 };
        rights::PATH_OPEN | create | truncate
    }

    /// The rights that the folder must hand on.
    fn handed_on(&self) -> Rights {
        let has = |flag| self.flags & flag != 0;
        let data = if has(FLAG_DSYNC) { rights::FD_DATASYNC } else { 0 };
        let all = if has(FLAG_RSYNC | FLAG_SYNC) { rights::FD_SYNC } else { 0 };
        self.rights | self.inheriting | data | all
    }
}

impl System {
    /// `path_open(fd, dirflags, path, path_len, oflags, base, inheriting, fdflags, opened_fd)`.
    pub(super) fn path_open(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, lookup, path_at, path_bytes, how, _, _, flags, opened_at] = words(arguments);
        let wish = Wish {
            how: known(how, CREATE | FOLDER | EXCLUSIVE | TRUNCATE)?,
            rights: long(arguments, 5),
            inheriting: long(arguments, 6),
            flags: known(flags, FLAGS)?,
        };
        let folder = self.folder(fd, wish.folder_rights())?;
        if wish.handed_on() & !self.descriptors.get(fd)?.inheriting != 0 {
            return Err(Errno::NotCapable.into());
        }
        let mut follow = Follow::from_flags(lookup)?;
        if wish.has(CREATE) && wish.has(EXCLUSIVE) {
            follow = Follow::Never;
        }
        memory.check(opened_at, 4)?;
        self.descriptors.expect_room()?;
        let path = self.path(memory, path_at, path_bytes)?;
        let place = self.resolve(folder, &path, follow)?;
        let descriptor = self.opened(&place, &wish)?;
        let fd = self.descriptors.add(descriptor)?;
        if let Some(node) = descriptor.node() {
            self.files.open(node);
        }
        Ok(memory.write_u32(opened_at, fd)?)
    }

    fn opened(&mut self, place: &Place, wish: &Wish) -> Result<Descriptor, Errno> {
        let node = match place.node {
            Some(_) if wish.has(CREATE) && wish.has(EXCLUSIVE) => return Err(Errno::Exists),
            Some(node) => node,
            None if !wish.has(CREATE) => return Err(Errno::NoEntry),
            None if wish.has(FOLDER) => return Err(Errno::Invalid),
            None if place.has_slash => return Err(Errno::IsFolder),
            None => self.files.create(place.folder, &place.name, New::File, self.now_ns())?,
        };
        let (open, meaningful, inheriting) = match self.files.stat(node)?.kind {
            Kind::Link => return Err(Errno::Loop),
            Kind::File if wish.has(FOLDER) => return Err(Errno::NotFolder),
            Kind::File => (Open::File { node, at: 0 }, rights::FILE, 0),
            Kind::Folder if wish.has(CREATE | TRUNCATE) => return Err(Errno::IsFolder),
            Kind::Folder if wish.rights & rights::FD_WRITE != 0 => return Err(Errno::IsFolder),
            Kind::Folder => {
                (Open::Folder { node, is_given: false }, rights::FOLDER, wish.inheriting)
            }
        };
        if wish.has(TRUNCATE) {
            self.files.resize(node, 0, self.now_ns())?;
        }
        let rights = wish.rights & meaningful;
        Ok(Descriptor { open, rights, inheriting, flags: wish.flags })
    }

    /// `path_create_directory(fd, path, path_len)`.
    pub(super) fn path_create_directory(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, path_at, path_bytes] = words(arguments);
        let right = rights::PATH_CREATE_DIRECTORY;
        let place = self.place(memory, (fd, right), (path_at, path_bytes), Follow::Never)?;
        if place.node.is_some() {
            return Err(Errno::Exists.into());
        }
        self.files.create(place.folder, &place.name, New::Folder, self.now_ns())?;
        Ok(())
    }

    /// `path_symlink(old_path, old_path_len, fd, new_path, new_path_len)`.
    pub(super) fn path_symlink(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [target_at, target_bytes, fd, path_at, path_bytes] = words(arguments);
        let place =
            self.place(memory, (fd, rights::PATH_SYMLINK), (path_at, path_bytes), Follow::Never)?;
        let target = self.path(memory, target_at, target_bytes)?;
        if target.starts_with('/') {
            return Err(Errno::NotPermitted.into());
        }
        place.expect_free()?;
        self.files.create(place.folder, &place.name, New::Link(&target), self.now_ns())?;
        Ok(())
    }

    /// `path_readlink(fd, path, path_len, buf, buf_len, bufused)`: what does not fit is cut.
    pub(super) fn path_readlink(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, path_at, path_bytes, buffer_at, room, used_at] = words(arguments);
        let place =
            self.place(memory, (fd, rights::PATH_READLINK), (path_at, path_bytes), Follow::Never)?;
        memory.check(used_at, 4)?;
        let target = self.files.target(place.found()?)?.as_bytes();
        let used = &target[..target.len().min(room as usize)];
        memory.write(buffer_at, used)?;
        Ok(memory.write_u32(used_at, length(used.len()))?)
    }

    /// `path_link(old_fd, old_flags, old_path, old_path_len, new_fd, new_path, new_path_len)`.
    pub(super) fn path_link(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [old_fd, lookup, old_at, old_bytes, fd, path_at, path_bytes] = words(arguments);
        let follow = match Follow::from_flags(lookup)? {
            Follow::Always => Follow::Always,
            Follow::Never | Follow::WithSlash => Follow::Never,
        };
        let right = rights::PATH_LINK_SOURCE;
        let old = self.place(memory, (old_fd, right), (old_at, old_bytes), follow)?;
        let right = rights::PATH_LINK_TARGET;
        let place = self.place(memory, (fd, right), (path_at, path_bytes), Follow::Never)?;
        let node = old.found()?;
        place.expect_free()?;
        if self.files.stat(node)?.kind == Kind::Folder {
            return Err(Errno::NotPermitted.into());
        }
        self.files.link(place.folder, &place.name, node, self.now_ns())?;
        Ok(())
    }

    /// `path_unlink_file(fd, path, path_len)`: a file or a symbolic link.
    pub(super) fn path_unlink_file(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, path_at, path_bytes] = words(arguments);
        let right = rights::PATH_UNLINK_FILE;
        let place = self.place(memory, (fd, right), (path_at, path_bytes), Follow::Never)?;
        if self.files.stat(place.found()?)?.kind == Kind::Folder {
            return Err(Errno::IsFolder.into());
        }
        Ok(self.files.unlink(place.folder, &place.name, self.now_ns())?)
    }

    /// `path_remove_directory(fd, path, path_len)`: an empty one.
    pub(super) fn path_remove_directory(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, path_at, path_bytes] = words(arguments);
        let right = rights::PATH_REMOVE_DIRECTORY;
        let place = self.place(memory, (fd, right), (path_at, path_bytes), Follow::Never)?;
        let node = place.found()?;
        self.expect_empty(node)?;
        if place.name.is_empty() {
            return Err(Errno::Invalid.into());
        }
        Ok(self.files.unlink(place.folder, &place.name, self.now_ns())?)
    }

    /// `path_rename(fd, old_path, old_path_len, new_fd, new_path, new_path_len)`: what is
    /// there is replaced, a file by a file, an empty folder by a folder.
    pub(super) fn path_rename(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [old_fd, old_at, old_bytes, fd, path_at, path_bytes] = words(arguments);
        let right = rights::PATH_RENAME_SOURCE;
        let old = self.place(memory, (old_fd, right), (old_at, old_bytes), Follow::Never)?;
        let right = rights::PATH_RENAME_TARGET;
        let place = self.place(memory, (fd, right), (path_at, path_bytes), Follow::Never)?;
        let node = old.found()?;
        if old.name.is_empty() || place.name.is_empty() {
            return Err(Errno::Busy.into());
        }
        if place.node == Some(node) {
            return Ok(());
        }
        self.expect_movable(node, &place)?;
        let now_ns = self.now_ns();
        if place.node.is_some() {
            self.files.unlink(place.folder, &place.name, now_ns)?;
        }
        Ok(self.files.rename((old.folder, &old.name), (place.folder, &place.name), now_ns)?)
    }

    /// Refuses to move what cannot be where something else is, or is in itself.
    fn expect_movable(&mut self, node: Node, place: &Place) -> Result<(), Errno> {
        let is_folder = self.files.stat(node)?.kind == Kind::Folder;
        if is_folder && self.is_inside(place.folder, node)? {
            return Err(Errno::Invalid);
        }
        match place.node {
            Some(there) if is_folder => self.expect_empty(there),
            Some(there) if self.files.stat(there)?.kind == Kind::Folder => Err(Errno::IsFolder),
            None if place.has_slash && !is_folder => Err(Errno::NotFolder),
            Some(_) | None => Ok(()),
        }
    }

    fn expect_empty(&self, node: Node) -> Result<(), Errno> {
        if self.files.stat(node)?.kind != Kind::Folder {
            return Err(Errno::NotFolder);
        }
        if self.files.next(node, 0)?.is_some() { Err(Errno::NotEmpty) } else { Ok(()) }
    }

    /// Where a path leads from a folder that may be used so.
    pub(super) fn place(
        &mut self,
        memory: &dyn GuestMemory,
        (fd, right): (u32, Rights),
        (at, bytes): (u32, u32),
        follow: Follow,
    ) -> Result<Place, Errno> {
        let folder = self.folder(fd, right)?;
        let path = self.path(memory, at, bytes)?;
        self.resolve(folder, &path, follow)
    }
}
