//! Guests that are lists of calls to the system, each with the error number that it
//! is to answer. They call by the interface's own names and numbers.

use std::fmt::Write;

use spark_runtime::{
    Call, Limits, Report,
    files::{File, Given},
    wire,
};

use crate::guests::{run_with, still};

/// Every function of the interface but `proc_exit`, with a letter per parameter:
/// `i` for 32 bits, `I` for 64. After `wasi_snapshot_preview1.witx`.
pub(crate) const FUNCTIONS: [(&str, &str); 45] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_raise", "i"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// The folder that a guest is given.
pub(crate) const ROOT: i64 = 3;

/// Where a call that needs one finds its buffer: an address and a length.
const BUFFER: i64 = 16;
/// Where counts, places and descriptors are written.
pub(crate) const ANSWER: i64 = 32;
/// Where bytes are read to; the texts of the script begin some way behind.
pub(crate) const BYTES: i64 = 1024;
const TEXTS: i64 = 8192;

pub(crate) const BADF: i64 = 8;
pub(crate) const EXIST: i64 = 20;
pub(crate) const FAULT: i64 = 21;
pub(crate) const ILSEQ: i64 = 25;
pub(crate) const INVAL: i64 = 28;
pub(crate) const ISDIR: i64 = 31;
pub(crate) const LOOP: i64 = 32;
pub(crate) const MFILE: i64 = 33;
pub(crate) const NAMETOOLONG: i64 = 37;
pub(crate) const NOENT: i64 = 44;
pub(crate) const NOSPC: i64 = 51;
pub(crate) const NOTDIR: i64 = 54;
pub(crate) const NOTEMPTY: i64 = 55;
pub(crate) const PERM: i64 = 63;
pub(crate) const SPIPE: i64 = 70;
pub(crate) const NOTCAPABLE: i64 = 76;

pub(crate) const CREATE: i64 = 1;
pub(crate) const FOLDER: i64 = 2;
pub(crate) const EXCLUSIVE: i64 = 4;
pub(crate) const TRUNCATE: i64 = 8;

/// The rights of a file that is read and written, and of a folder.
pub(crate) const FILE_RIGHTS: i64 = 0x08e0_01ff;
pub(crate) const FOLDER_RIGHTS: i64 = 0x07bf_fe19;
pub(crate) const ALL_RIGHTS: i64 = 0x3fff_ffff;

/// A guest that makes one call after the other. The first that answers anything else
/// than it should ends it, with an exit code of the call's number and 1000 times what
/// it answered.
#[derive(Default)]
pub(crate) struct Script {
    body: String,
    texts: Vec<u8>,
    calls: usize,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Puts a text into memory; its address and length.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) -> (i64, i64) {
        let at = TEXTS + i64::try_from(self.texts.len()).unwrap();
        self.texts.extend(text.as_ref());
        (at, i64::try_from(text.as_ref().len()).unwrap())
    }

    /// Code of the test's own.
    pub(crate) fn code(&mut self, code: &str) -> &mut Self {
        self.body.push_str(code);
        self
    }

    /// Makes a call, which answers with that error number.
    pub(crate) fn call(&mut self, name: &str, arguments: &[i64], errno: i64) -> &mut Self {
        self.calls += 1;
        let call = call(name, arguments);
        let number = self.calls;
        writeln!(self.body, "(call $expect {call} (i32.const {errno}) (i32.const {number}))")
            .unwrap();
        self
    }

    /// Expects a number of 64 bits in memory.
    pub(crate) fn expect(&mut self, at: i64, value: i64) -> &mut Self {
        self.calls += 1;
        writeln!(
            self.body,
            "(if (i64.ne (i64.load (i32.const {at})) (i64.const {value}))
                (then (call $exit (i32.const {}))))",
            self.calls
        )
        .unwrap();
        self
    }

    /// Opens a path, following symbolic links. What is opened has the lowest number
    /// that is free.
    pub(crate) fn open(&mut self, path: &str, how: i64, rights: i64, errno: i64) -> &mut Self {
        let (at, bytes) = self.text(path);
        self.call("path_open", &[ROOT, 1, at, bytes, how, rights, rights, 0, ANSWER], errno)
    }

    /// Calls a function that takes a descriptor and a path, and nothing else.
    pub(crate) fn path(&mut self, name: &str, path: &str, errno: i64) -> &mut Self {
        let (at, bytes) = self.text(path);
        self.call(name, &[ROOT, at, bytes], errno)
    }

    /// `path_rename` or, with its flags, `path_link`.
    pub(crate) fn two(&mut self, name: &str, old: &str, new: &str, errno: i64) -> &mut Self {
        let ((old, old_bytes), (new, new_bytes)) = (self.text(old), self.text(new));
        let arguments = [ROOT, 0, old, old_bytes, ROOT, new, new_bytes];
        if name == "path_link" {
            return self.call(name, &arguments, errno);
        }
        self.call(name, &[ROOT, old, old_bytes, ROOT, new, new_bytes], errno)
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&mut self, target: &str, path: &str, errno: i64) -> &mut Self {
        let ((target, target_bytes), (at, bytes)) = (self.text(target), self.text(path));
        self.call("path_symlink", &[target, target_bytes, ROOT, at, bytes], errno)
    }

    /// Writes to a descriptor where it stands.
    pub(crate) fn write(&mut self, fd: i64, text: &str) -> &mut Self {
        let (at, bytes) = self.text(text);
        self.buffer(at, bytes).call("fd_write", &[fd, BUFFER, 1, ANSWER], 0).expect_count(bytes)
    }

    /// Reads at most so many bytes where a descriptor stands, and writes them to
    /// standard output, in brackets.
    pub(crate) fn read(&mut self, fd: i64, bytes: i64) -> &mut Self {
        self.buffer(BYTES, bytes).call("fd_read", &[fd, BUFFER, 1, ANSWER], 0).print_answer(BYTES)
    }

    /// The buffer that the next call with [`Script::BUFFER`] finds.
    pub(crate) fn buffer(&mut self, at: i64, bytes: i64) -> &mut Self {
        writeln!(
            self.body,
            "(i32.store (i32.const {BUFFER}) (i32.const {at}))
            (i32.store (i32.const {}) (i32.const {bytes}))",
            BUFFER + 4
        )
        .unwrap();
        self
    }

    /// Expects the count that the last call gave.
    pub(crate) fn expect_count(&mut self, count: i64) -> &mut Self {
        self.calls += 1;
        writeln!(
            self.body,
            "(if (i32.ne (i32.load (i32.const {ANSWER})) (i32.const {count}))
                (then (call $exit (i32.const {}))))",
            self.calls
        )
        .unwrap();
        self
    }

    /// Writes as many bytes as the last call counted to standard output, in brackets.
    pub(crate) fn print_answer(&mut self, at: i64) -> &mut Self {
        writeln!(self.body, "(call $print (i32.const {at}) (i32.load (i32.const {ANSWER})))")
            .unwrap();
        self
    }

    /// The buffer's address, as an argument.
    pub(crate) fn buffer_at() -> i64 {
        BUFFER
    }

    /// The module in the text format.
    pub(crate) fn module(&self) -> String {
        let imports: String =
            FUNCTIONS.iter().map(|(name, letters)| import(name, letters)).collect();
        let texts: String = self.texts.iter().fold(String::new(), |mut texts, byte| {
            write!(texts, "\\{byte:02x}").unwrap();
            texts
        });
        let body = &self.body;
        format!(
            r#"(module {imports}
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 4)
            (data (i32.const {TEXTS}) "{texts}") (data (i32.const 8) "[]")
            (func $expect (param $is i32) (param $wanted i32) (param $call i32)
                (if (i32.ne (local.get $is) (local.get $wanted)) (then (call $exit
                    (i32.add (i32.mul (i32.const 1000) (local.get $is)) (local.get $call))))))
            (func $put (param $at i32) (param $bytes i32)
                (i32.store (i32.const 48) (local.get $at)) (i32.store (i32.const 52) (local.get $bytes))
                (drop (call $fd_write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 56))))
            (func $print (param $at i32) (param $bytes i32)
                (call $put (i32.const 8) (i32.const 1))
                (call $put (local.get $at) (local.get $bytes))
                (call $put (i32.const 9) (i32.const 1)))
            (func (export "_start") (local $i i32) {body}))"#
        )
    }

    /// Runs it with these files, given back when they were changed.
    pub(crate) fn run(&self, files: &[(&str, &str)]) -> Report {
        self.run_with(files, &Limits { fuel_max: 1_000_000_000, ..Limits::default() })
    }

    /// Runs it within limits.
    pub(crate) fn run_with(&self, files: &[(&str, &str)], limits: &Limits) -> Report {
        run_with(&self.module(), &given(files), limits, still)
    }

    /// Runs it, expects it to end well, and gives its standard output.
    pub(crate) fn output(&self, files: &[(&str, &str)]) -> String {
        let report = self.run(files);
        assert_eq!(report.stop, None);
        String::from_utf8(report.stdout).unwrap()
    }
}

/// A call of a function of the interface, in the text format.
pub(crate) fn call(name: &str, arguments: &[i64]) -> String {
    let letters = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, letters)| letters);
    let letters = letters.unwrap_or_else(|| panic!("there is no {name}"));
    assert_eq!(letters.len(), arguments.len(), "{name}");
    let argument = |(letter, value): (char, &i64)| match letter {
        'I' => format!(" (i64.const {value})"),
        _ => format!(" (i32.const {})", value & 0xffff_ffff),
    };
    let arguments: Vec<String> = letters.chars().zip(arguments).map(argument).collect();
    let arguments = arguments.concat();
    format!("(call ${name}{arguments})")
}

fn import(name: &str, letters: &str) -> String {
    let kinds = letters
        .chars()
        .fold(String::new(), |kinds, letter| kinds + if letter == 'I' { " i64" } else { " i32" });
    format!(
        r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param{kinds}) (result i32)))"#
    )
}

/// A command with files that are wanted back.
pub(crate) fn given(files: &[(&str, &str)]) -> Call {
    let file = |&(path, contents): &(&str, &str)| File {
        path: path.to_owned(),
        contents: contents.as_bytes().to_vec(),
    };
    let files = files.iter().map(file).collect();
    Call::Command {
        arguments: Vec::new(),
        environment: Vec::new(),
        stdin: b"input".to_vec(),
        files: wire::encode(&Given { files, are_wanted_back: true }),
    }
}

/// The files that a report carries.
pub(crate) fn left(report: &Report) -> Vec<(String, String)> {
    if report.files.is_empty() {
        return Vec::new();
    }
    let files: Vec<File> = wire::decode(&report.files).unwrap();
    let text = |file: File| (file.path, String::from_utf8(file.contents).unwrap());
    files.into_iter().map(text).collect()
}
