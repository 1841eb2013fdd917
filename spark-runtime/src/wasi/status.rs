//! Sizes, places and times of what is open or named, and what a folder lists.

use super::{
    Errno, Fault, GuestMemory, System,
    arguments::{long, words},
    descriptors::{Open, known},
    file_system::{Kind, Node, Stat, Times},
    memory::{length, offset},
    paths::Follow,
    rights,
};

/// Which times are to be set, as the interface numbers them.
const ACCESSED: u16 = 1;
const ACCESSED_NOW: u16 = 2;
const MODIFIED: u16 = 4;
const MODIFIED_NOW: u16 = 8;

const ADVICE_MAX: u32 = 5;

/// The one device that there is; streams are of none.
const DEVICE: u64 = 1;
/// Before each name that a folder lists.
const ENTRY_BYTES: usize = 24;
/// Fuel for each name that a folder lists.
const ENTRY_FUEL: u64 = 64;
/// Where the names of a folder begin, behind `.` and `..`.
const NAMES_FROM: u64 = 2;

impl System {
    /// `fd_seek(fd, offset, whence, newoffset)`.
    pub(super) fn fd_seek(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, _, whence, place_at] = words(arguments);
        let by = long(arguments, 1).cast_signed();
        if by == 0 && whence == 1 {
            return self.tell(memory, fd, place_at);
        }
        let (node, at) = self.file(fd, rights::FD_SEEK)?;
        let from = match whence {
            0 => 0,
            1 => at,
            2 => self.files.stat(node)?.size,
            _ => return Err(Errno::Invalid.into()),
        };
        let place = from.checked_add_signed(by).ok_or(Errno::Invalid)?;
        if i64::try_from(place).is_err() {
            return Err(Errno::Invalid.into());
        }
        memory.write_u64(place_at, place)?;
        if let Open::File { at, .. } = &mut self.descriptors.get_mut(fd)?.open {
            *at = place;
        }
        Ok(())
    }

    /// `fd_tell(fd, offset)`.
    pub(super) fn fd_tell(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, place_at] = words(arguments);
        self.tell(memory, fd, place_at)
    }

    /// Who may seek may tell.
    fn tell(&self, memory: &mut dyn GuestMemory, fd: u32, place_at: u32) -> Result<(), Fault> {
        let (_, at) = self.file(fd, 0)?;
        if self.descriptors.get(fd)?.rights & (rights::FD_SEEK | rights::FD_TELL) == 0 {
            return Err(Errno::NotCapable.into());
        }
        Ok(memory.write_u64(place_at, at)?)
    }

    /// `fd_advise(fd, offset, len, advice)`: nothing is made of it.
    pub(super) fn fd_advise(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, _, _, advice] = words(arguments);
        self.file(fd, rights::FD_ADVISE)?;
        let is_range = long(arguments, 1).checked_add(long(arguments, 2)).is_some();
        if is_range && advice <= ADVICE_MAX { Ok(()) } else { Err(Errno::Invalid.into()) }
    }

    /// `fd_allocate(fd, offset, len)`: makes a file that long, unless it is.
    pub(super) fn fd_allocate(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        let (node, _) = self.file(fd, rights::FD_ALLOCATE)?;
        let (from, bytes) = (long(arguments, 1), long(arguments, 2));
        let end = from.checked_add(bytes).filter(|_| bytes > 0).ok_or(Errno::Invalid)?;
        if end > self.files.stat(node)?.size { self.resize(node, end) } else { Ok(()) }
    }

    /// `fd_filestat_set_size(fd, size)`.
    pub(super) fn fd_filestat_set_size(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        let descriptor = self.descriptors.get(fd)?;
        descriptor.expect(rights::FD_FILESTAT_SET_SIZE)?;
        let node = descriptor.node().ok_or(Errno::Invalid)?;
        self.resize(node, long(arguments, 1))
    }

    fn resize(&mut self, node: Node, size: u64) -> Result<(), Fault> {
        let more = size.saturating_sub(self.files.stat(node)?.size);
        self.charge_bytes(more.min(self.files.room()));
        Ok(self.files.resize(node, size, self.now_ns())?)
    }

    /// `fd_filestat_get(fd, stat)`: nothing is known of a stream but that it is one link.
    pub(super) fn fd_filestat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, stat_at] = words(arguments);
        let descriptor = self.descriptors.get(fd)?;
        descriptor.expect(rights::FD_FILESTAT_GET)?;
        let mut stat = [0; 64];
        match descriptor.node() {
            Some(node) => stat = written(node, &self.files.stat(node)?),
            None => stat[24] = 1,
        }
        Ok(memory.write(stat_at, &stat)?)
    }

    /// `path_filestat_get(fd, flags, path, path_len, stat)`.
    pub(super) fn path_filestat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, lookup, path_at, path_bytes, stat_at] = words(arguments);
        let (right, follow) = (rights::PATH_FILESTAT_GET, Follow::from_flags(lookup)?);
        let place = self.place(memory, (fd, right), (path_at, path_bytes), follow)?;
        let node = place.found()?;
        Ok(memory.write(stat_at, &written(node, &self.files.stat(node)?))?)
    }

    /// `fd_filestat_set_times(fd, atim, mtim, fst_flags)`.
    pub(super) fn fd_filestat_set_times(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, _, _, which] = words(arguments);
        let descriptor = self.descriptors.get(fd)?;
        descriptor.expect(rights::FD_FILESTAT_SET_TIMES)?;
        let node = descriptor.node().ok_or(Errno::Invalid)?;
        self.set_times(node, long(arguments, 1), long(arguments, 2), which)
    }

    /// `path_filestat_set_times(fd, flags, path, path_len, atim, mtim, fst_flags)`.
    pub(super) fn path_filestat_set_times(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, lookup, path_at, path_bytes, _, _, which] = words(arguments);
        let (right, follow) = (rights::PATH_FILESTAT_SET_TIMES, Follow::from_flags(lookup)?);
        let place = self.place(memory, (fd, right), (path_at, path_bytes), follow)?;
        self.set_times(place.found()?, long(arguments, 4), long(arguments, 5), which)
    }

    fn set_times(
        &mut self,
        node: Node,
        accessed_ns: u64,
        modified_ns: u64,
        which: u32,
    ) -> Result<(), Fault> {
        let which = known(which, ACCESSED | ACCESSED_NOW | MODIFIED | MODIFIED_NOW)?;
        let now_ns = self.now_ns();
        let chosen = |given_ns, was_ns, given, now| match (which & given, which & now) {
            (0, 0) => Ok(was_ns),
            (_, 0) => Ok(given_ns),
            (0, _) => Ok(now_ns),
            (_, _) => Err(Errno::Invalid),
        };
        let was = self.files.stat(node)?.times;
        let times = Times {
            accessed_ns: chosen(accessed_ns, was.accessed_ns, ACCESSED, ACCESSED_NOW)?,
            modified_ns: chosen(modified_ns, was.modified_ns, MODIFIED, MODIFIED_NOW)?,
            changed_ns: now_ns,
        };
        Ok(self.files.set_times(node, times)?)
    }

    /// `fd_readdir(fd, buf, buf_len, cookie, bufused)`: a buffer that is not filled says
    /// that there is no more; the last entry may be cut.
    pub(super) fn fd_readdir(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffer_at, room, _, used_at] = words(arguments);
        let folder = self.folder(fd, rights::FD_READDIR)?;
        memory.check(buffer_at, room)?;
        memory.check(used_at, 4)?;
        let (mut cookie, mut used) = (long(arguments, 3), 0);
        while used < room {
            let Some((next, entry)) = self.entry(folder, cookie)? else { break };
            let part = &entry[..entry.len().min((room - used) as usize)];
            memory.write(offset(buffer_at, used)?, part)?;
            used += length(part.len());
            cookie = next;
            self.work = self.work.saturating_add(ENTRY_FUEL);
        }
        self.charge_bytes(u64::from(used));
        Ok(memory.write_u32(used_at, used)?)
    }

    /// What a folder lists behind a cookie, and the next cookie.
    fn entry(&self, folder: Node, cookie: u64) -> Result<Option<(u64, Vec<u8>)>, Errno> {
        let (next, name, node) = match cookie {
            0 => (1, ".", folder),
            1 => (NAMES_FROM, "..", self.files.parent(folder)?),
            _ => match self.files.next(folder, cookie - NAMES_FROM)? {
                Some(entry) => (entry.cookie + NAMES_FROM, entry.name, entry.node),
                None => return Ok(None),
            },
        };
        let kind = if cookie < NAMES_FROM { Kind::Folder } else { self.files.stat(node)?.kind };
        let mut entry = [0; ENTRY_BYTES].to_vec();
        entry[..8].copy_from_slice(&next.to_le_bytes());
        entry[8..16].copy_from_slice(&node.0.to_le_bytes());
        entry[16..20].copy_from_slice(&length(name.len()).to_le_bytes());
        entry[20] = kind.number();
        entry.extend(name.as_bytes());
        Ok(Some((next, entry)))
    }
}

/// A node as the guest reads it.
fn written(node: Node, stat: &Stat) -> [u8; 64] {
    let mut bytes = [0; 64];
    let Times { accessed_ns, modified_ns, changed_ns } = stat.times;
    let fields = [
        (0, DEVICE),
        (8, node.0),
        (24, stat.links),
        (32, stat.size),
        (40, accessed_ns),
        (48, modified_ns),
        (56, changed_ns),
    ];
    for (at, value) in fields {
        bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    bytes[16] = stat.kind.number();
    bytes
}
