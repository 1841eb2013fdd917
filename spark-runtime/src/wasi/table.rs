//! Every function of the interface, with its signature.

use super::{Fault, GuestMemory, System};

/// A parameter's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// `i32`.
    I32,
    /// `i64`.
    I64,
}

type Run = fn(&mut System, &mut dyn GuestMemory, &[u64]) -> Result<(), Fault>;

/// One function of the interface.
pub(crate) struct Function {
    /// Its name as an import.
    pub(crate) name: &'static str,
    /// One letter per parameter: `i` for `i32`, `I` for `i64`.
    letters: &'static str,
    /// What it does.
    pub(super) run: Run,
}

impl Function {
    /// Its parameters. Every function but `proc_exit` returns one `i32`, the error number.
    pub(crate) fn parameters(&self) -> impl ExactSizeIterator<Item = Parameter> {
        self.letters
            .bytes()
            .map(|letter| if letter == b'I' { Parameter::I64 } else { Parameter::I32 })
    }

    /// Whether it returns an error number.
    pub(crate) fn has_result(&self) -> bool {
        self.name != "proc_exit"
    }
}

/// Every function of the interface.
pub(crate) fn functions() -> &'static [Function] {
    FUNCTIONS
}

const fn function(name: &'static str, letters: &'static str, run: Run) -> Function {
    Function { name, letters, run }
}

const FUNCTIONS: &[Function] = &[
    function("args_get", "ii", System::args_get),
    function("args_sizes_get", "ii", System::args_sizes_get),
    function("environ_get", "ii", System::environ_get),
    function("environ_sizes_get", "ii", System::environ_sizes_get),
    function("clock_res_get", "ii", System::clock_res_get),
    function("clock_time_get", "iIi", System::clock_time_get),
    function("fd_advise", "iIIi", System::fd_advise),
    function("fd_allocate", "iII", System::fd_allocate),
    function("fd_close", "i", System::fd_close),
    function("fd_datasync", "i", System::fd_datasync),
    function("fd_fdstat_get", "ii", System::fd_fdstat_get),
    function("fd_fdstat_set_flags", "ii", System::fd_fdstat_set_flags),
    function("fd_fdstat_set_rights", "iII", System::fd_fdstat_set_rights),
    function("fd_filestat_get", "ii", System::fd_filestat_get),
    function("fd_filestat_set_size", "iI", System::fd_filestat_set_size),
    function("fd_filestat_set_times", "iIIi", System::fd_filestat_set_times),
    function("fd_pread", "iiiIi", System::fd_pread),
    function("fd_prestat_get", "ii", System::fd_prestat_get),
    function("fd_prestat_dir_name", "iii", System::fd_prestat_dir_name),
    function("fd_pwrite", "iiiIi", System::fd_pwrite),
    function("fd_read", "iiii", System::fd_read),
    function("fd_readdir", "iiiIi", System::fd_readdir),
    function("fd_renumber", "ii", System::fd_renumber),
    function("fd_seek", "iIii", System::fd_seek),
    function("fd_sync", "i", System::fd_sync),
    function("fd_tell", "ii", System::fd_tell),
    function("fd_write", "iiii", System::fd_write),
    function("path_create_directory", "iii", System::path_create_directory),
    function("path_filestat_get", "iiiii", System::path_filestat_get),
    function("path_filestat_set_times", "iiiiIIi", System::path_filestat_set_times),
    function("path_link", "iiiiiii", System::path_link),
    function("path_open", "iiiiiIIii", System::path_open),
    function("path_readlink", "iiiiii", System::path_readlink),
    function("path_remove_directory", "iii", System::path_remove_directory),
    function("path_rename", "iiiiii", System::path_rename),
    function("path_symlink", "iiiii", System::path_symlink),
    function("path_unlink_file", "iii", System::path_unlink_file),
    function("poll_oneoff", "iiii", System::poll_oneoff),
    function("proc_exit", "i", System::proc_exit),
    function("proc_raise", "i", System::not_offered),
    function("random_get", "ii", System::random_get),
    function("sched_yield", "", System::sched_yield),
    function("sock_accept", "iii", System::needs_socket),
    function("sock_recv", "iiiiii", System::needs_socket),
    function("sock_send", "iiiii", System::needs_socket),
    function("sock_shutdown", "ii", System::needs_socket),
];
