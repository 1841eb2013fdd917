//! What a descriptor may be used for, in the interface's own bits.
//!
//! A right is asked for by every function that has one. Who opens a path asks for
//! rights among those that the folder hands on; what has no meaning for what was
//! opened is left out. Rights can be given up and never taken back.

/// Rights, as the interface numbers them.
pub(super) type Rights = u64;

pub(super) const FD_DATASYNC: Rights = 1;
pub(super) const FD_READ: Rights = 1 << 1;
pub(super) const FD_SEEK: Rights = 1 << 2;
pub(super) const FD_FDSTAT_SET_FLAGS: Rights = 1 << 3;
pub(super) const FD_SYNC: Rights = 1 << 4;
pub(super) const FD_TELL: Rights = 1 << 5;
pub(super) const FD_WRITE: Rights = 1 << 6;
pub(super) const FD_ADVISE: Rights = 1 << 7;
pub(super) const FD_ALLOCATE: Rights = 1 << 8;
pub(super) const PATH_CREATE_DIRECTORY: Rights = 1 << 9;
pub(super) const PATH_CREATE_FILE: Rights = 1 << 10;
pub(super) const PATH_LINK_SOURCE: Rights = 1 << 11;
pub(super) const PATH_LINK_TARGET: Rights = 1 << 12;
pub(super) const PATH_OPEN: Rights = 1 << 13;
pub(super) const FD_READDIR: Rights = 1 << 14;
pub(super) const PATH_READLINK: Rights = 1 << 15;
pub(super) const PATH_RENAME_SOURCE: Rights = 1 << 16;
pub(super) const PATH_RENAME_TARGET: Rights = 1 << 17;
pub(super) const PATH_FILESTAT_GET: Rights = 1 << 18;
pub(super) const PATH_FILESTAT_SET_SIZE: Rights = 1 << 19;
pub(super) const PATH_FILESTAT_SET_TIMES: Rights = 1 << 20;
pub(super) const FD_FILESTAT_GET: Rights = 1 << 21;
pub(super) const FD_FILESTAT_SET_SIZE: Rights = 1 << 22;
pub(super) const FD_FILESTAT_SET_TIMES: Rights = 1 << 23;
pub(super) const PATH_SYMLINK: Rights = 1 << 24;
pub(super) const PATH_REMOVE_DIRECTORY: Rights = 1 << 25;
pub(super) const PATH_UNLINK_FILE: Rights = 1 << 26;
pub(super) const POLL_FD_READWRITE: Rights = 1 << 27;

/// Every right there is, those of sockets included.
pub(super) const ALL: Rights = (1 << 30) - 1;

/// Those that both streams have.
const STREAM: Rights = FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;
/// Those of standard input.
pub(super) const INPUT: Rights = STREAM | FD_READ;
/// Those of standard output and standard error.
pub(super) const OUTPUT: Rights = STREAM | FD_WRITE;

/// Those that mean something for a file.
pub(super) const FILE: Rights = FD_DATASYNC
    | FD_READ
    | FD_SEEK
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | FD_TELL
    | FD_WRITE
    | FD_ADVISE
    | FD_ALLOCATE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_SIZE
    | FD_FILESTAT_SET_TIMES
    | POLL_FD_READWRITE;

/// Those that mean something for a folder.
pub(super) const FOLDER: Rights = FD_DATASYNC
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | PATH_CREATE_DIRECTORY
    | PATH_CREATE_FILE
    | PATH_LINK_SOURCE
    | PATH_LINK_TARGET
    | PATH_OPEN
    | FD_READDIR
    | PATH_READLINK
    | PATH_RENAME_SOURCE
    | PATH_RENAME_TARGET
    | PATH_FILESTAT_GET
    | PATH_FILESTAT_SET_SIZE
    | PATH_FILESTAT_SET_TIMES
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_TIMES
    | PATH_SYMLINK
    | PATH_REMOVE_DIRECTORY
    | PATH_UNLINK_FILE;
