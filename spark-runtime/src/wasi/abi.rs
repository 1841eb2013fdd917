//! Error numbers, and the ways in which a call can end.

/// An error number, as the interface numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Errno {
    /// No error.
    Success = 0,
    /// Not an open descriptor, or not one for this.
    BadDescriptor = 8,
    /// A pointer outside the guest's memory.
    Fault = 21,
    /// An argument that means nothing.
    Invalid = 28,
    /// Not offered here.
    NoSystem = 52,
    /// Not a socket.
    NotSocket = 57,
    /// Not possible with this descriptor.
    NotSupported = 58,
    /// A stream has no position.
    Pipe = 70,
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
