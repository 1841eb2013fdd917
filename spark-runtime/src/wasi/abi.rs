//! Error numbers, and the ways in which a call can end.

/// An error number, as the interface numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Errno {
    /// No error.
    Success = 0,
    /// Not an open descriptor, or not one for this.
    BadDescriptor = 8,
    /// It is in use.
    Busy = 10,
    /// There is something of that name.
    Exists = 20,
    /// A pointer outside the guest's memory.
    Fault = 21,
    /// Text that is not UTF-8.
    IllegalSequence = 25,
    /// An argument that means nothing.
    Invalid = 28,
    /// A folder, where something else is needed.
    IsFolder = 31,
    /// Too many symbolic links, or one where none may be.
    Loop = 32,
    /// As many descriptors are open as may be.
    TooManyOpen = 33,
    /// A path, or a name in it, that is too long.
    NameTooLong = 37,
    /// There is nothing of that name.
    NoEntry = 44,
    /// No room is left for files.
    NoSpace = 51,
    /// Not offered here.
    NoSystem = 52,
    /// Not a folder.
    NotFolder = 54,
    /// A folder with something in it.
    NotEmpty = 55,
    /// Not a socket.
    NotSocket = 57,
    /// Never allowed.
    NotPermitted = 63,
    /// A stream has no position.
    Pipe = 70,
    /// The descriptor lacks the right, or the path leads out of its folder.
    NotCapable = 76,
}

/// What ends a guest from within a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// `proc_exit`.
    Exit(i32),
    /// More output than the limit.
    OutputLimit,
}

/// Why a call did not succeed.
pub(crate) enum Fault {
    /// The guest is told.
    Errno(Errno),
    /// The guest ends.
    Halt(Halt),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Halt> for Fault {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}
