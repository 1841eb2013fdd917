//! Open descriptors, and what may be done with each.
//!
//! The three streams are 0 to 2, folders that were given come next; what is opened
//! takes the lowest number that is free. At most [`DESCRIPTORS_MAX`] are open, beyond
//! them it is [`Errno::TooManyOpen`].

use super::{
    Errno, Fault, GuestMemory, System,
    arguments::{long, words},
    file_system::{Kind, Node},
    memory::length,
    rights::{self, Rights},
};

/// Descriptors that one guest has open.
pub const DESCRIPTORS_MAX: usize = 1024;

/// Flags of an open descriptor, as the interface numbers them. All but this one are
/// kept and mean nothing here: nothing blocks, and nothing waits for a disk.
pub(super) const FLAG_APPEND: u16 = 1;
/// All flags of an open descriptor.
pub(super) const FLAGS: u16 = 0x1f;

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
    /// A file, and the place in it.
    File { node: Node, at: u64 },
    /// A folder; whether it was there when the guest began.
    Folder { node: Node, is_given: bool },
}

/// One open descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    pub(super) open: Open,
    /// What may be done with it.
    pub(super) rights: Rights,
    /// What may be done with what is opened through it.
    pub(super) inheriting: Rights,
    pub(super) flags: u16,
}

impl Descriptor {
    /// With rights that nothing inherits.
    pub(super) fn new(open: Open, rights: Rights) -> Self {
        Self { open, rights, inheriting: 0, flags: 0 }
    }

    /// The node behind it; a stream has none.
    pub(super) fn node(&self) -> Option<Node> {
        match self.open {
            Open::File { node, .. } | Open::Folder { node, .. } => Some(node),
            Open::Input | Open::Output | Open::Error => None,
        }
    }

    /// Refuses what it may not be used for.
    pub(super) fn expect(&self, rights: Rights) -> Result<(), Errno> {
        if self.rights & rights == rights { Ok(()) } else { Err(Errno::NotCapable) }
    }

    /// What kind of file the guest is told it is. A stream is of unknown kind, so that
    /// no library takes it for a terminal.
    fn kind(&self) -> u8 {
        match self.open {
            Open::File { .. } => Kind::File.number(),
            Open::Folder { .. } => Kind::Folder.number(),
            Open::Input | Open::Output | Open::Error => 0,
        }
    }
}

/// Descriptors by their number.
pub(super) struct Descriptors {
    open: Vec<Option<Descriptor>>,
    /// No number below this one is free.
    full_to: usize,
}

impl Descriptors {
    /// The three streams.
    pub(super) fn new() -> Self {
        let streams = [
            (Open::Input, rights::INPUT),
            (Open::Output, rights::OUTPUT),
            (Open::Error, rights::OUTPUT),
        ];
        let open = streams.map(|(open, rights)| Some(Descriptor::new(open, rights))).into();
        Self { open, full_to: streams.len() }
    }

    /// Whether another one may be opened.
    pub(super) fn expect_room(&mut self) -> Result<(), Errno> {
        if self.free() < DESCRIPTORS_MAX { Ok(()) } else { Err(Errno::TooManyOpen) }
    }

    /// Gives a descriptor its number.
    pub(super) fn add(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        self.expect_room()?;
        let free = self.free();
        if free == self.open.len() {
            self.open.push(None);
        }
        self.open[free] = Some(descriptor);
        Ok(length(free))
    }

    /// The lowest number that is free.
    fn free(&mut self) -> usize {
        while self.open.get(self.full_to).is_some_and(Option::is_some) {
            self.full_to += 1;
        }
        self.full_to
    }

    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.open.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BadDescriptor)
    }

    pub(super) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.open.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadDescriptor)
    }

    fn take(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        let open = self.open.get_mut(fd as usize).and_then(Option::take);
        let open = open.ok_or(Errno::BadDescriptor)?;
        self.full_to = self.full_to.min(fd as usize);
        Ok(open)
    }
}

impl System {
    /// A folder that may be used so.
    pub(super) fn folder(&self, fd: u32, rights: Rights) -> Result<Node, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        let Open::Folder { node, .. } = descriptor.open else { return Err(Errno::NotFolder) };
        descriptor.expect(rights)?;
        Ok(node)
    }

    /// A file that may be used so, and the place in it. A stream has no place, and a
    /// folder never has a right that means nothing for it.
    pub(super) fn file(&self, fd: u32, rights: Rights) -> Result<(Node, u64), Errno> {
        let descriptor = self.descriptors.get(fd)?;
        match descriptor.open {
            Open::File { node, at } => descriptor.expect(rights).map(|()| (node, at)),
            Open::Folder { .. } => Err(Errno::NotCapable),
            Open::Input | Open::Output | Open::Error => Err(Errno::Pipe),
        }
    }

    /// `fd_close(fd)`.
    pub(super) fn fd_close(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        if let Some(node) = self.descriptors.take(fd)?.node() {
            self.files.close(node);
        }
        Ok(())
    }

    /// `fd_renumber(from, to)`: `to`, which is open, is closed and becomes what `from` was.
    pub(super) fn fd_renumber(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [from, to] = words(arguments);
        self.descriptors.get(to)?;
        let moved = self.descriptors.take(from)?;
        // They may be the same.
        let replaced = self.descriptors.open[to as usize].replace(moved);
        if let Some(node) = replaced.and_then(|replaced| replaced.node()) {
            self.files.close(node);
        }
        Ok(())
    }

    /// `fd_fdstat_get(fd, stat)`.
    pub(super) fn fd_fdstat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, stat_at] = words(arguments);
        let descriptor = self.descriptors.get(fd)?;
        let mut stat = [0; 24];
        stat[0] = descriptor.kind();
        stat[2..4].copy_from_slice(&descriptor.flags.to_le_bytes());
        stat[8..16].copy_from_slice(&descriptor.rights.to_le_bytes());
        stat[16..].copy_from_slice(&descriptor.inheriting.to_le_bytes());
        Ok(memory.write(stat_at, &stat)?)
    }

    /// `fd_fdstat_set_flags(fd, flags)`.
    pub(super) fn fd_fdstat_set_flags(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, flags] = words(arguments);
        let descriptor = self.descriptors.get_mut(fd)?;
        descriptor.expect(rights::FD_FDSTAT_SET_FLAGS)?;
        descriptor.flags = known(flags, FLAGS)?;
        Ok(())
    }

    /// `fd_fdstat_set_rights(fd, base, inheriting)`: rights may only be given up.
    pub(super) fn fd_fdstat_set_rights(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        let (rights, inheriting) = (long(arguments, 1), long(arguments, 2));
        let descriptor = self.descriptors.get_mut(fd)?;
        if rights & !descriptor.rights != 0 || inheriting & !descriptor.inheriting != 0 {
            return Err(Errno::NotCapable.into());
        }
        (descriptor.rights, descriptor.inheriting) = (rights, inheriting);
        Ok(())
    }

    /// `fd_sync(fd)`: nothing waits to be written.
    pub(super) fn fd_sync(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        self.synced(arguments, rights::FD_SYNC)
    }

    /// `fd_datasync(fd)`: nothing waits to be written.
    pub(super) fn fd_datasync(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        self.synced(arguments, rights::FD_DATASYNC)
    }

    fn synced(&self, arguments: &[u64], right: Rights) -> Result<(), Fault> {
        let [fd] = words(arguments);
        let descriptor = self.descriptors.get(fd)?;
        match descriptor.node() {
            Some(_) => Ok(descriptor.expect(right)?),
            None => Ok(()),
        }
    }

    /// `fd_prestat_get(fd, prestat)`: libraries look for folders so, from 3 on, until
    /// there is none.
    pub(super) fn fd_prestat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, prestat_at] = words(arguments);
        let name = self.given(fd)?;
        let mut prestat = [0; 8];
        prestat[4..].copy_from_slice(&length(name.len()).to_le_bytes());
        Ok(memory.write(prestat_at, &prestat)?)
    }

    /// `fd_prestat_dir_name(fd, path, path_len)`.
    pub(super) fn fd_prestat_dir_name(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, path_at, room] = words(arguments);
        let name = self.given(fd)?;
        if room < length(name.len()) {
            return Err(Errno::NameTooLong.into());
        }
        Ok(memory.write(path_at, name.as_bytes())?)
    }

    /// The name of a folder that was there when the guest began.
    fn given(&self, fd: u32) -> Result<&'static str, Errno> {
        match self.descriptors.get(fd)?.open {
            Open::Folder { is_given: true, .. } => Ok(super::GIVEN_FOLDER),
            _ => Err(Errno::BadDescriptor),
        }
    }
}

/// Flags, when all of them are known.
pub(super) fn known(flags: u32, all: u16) -> Result<u16, Errno> {
    u16::try_from(flags).ok().filter(|flags| flags & !all == 0).ok_or(Errno::Invalid)
}
