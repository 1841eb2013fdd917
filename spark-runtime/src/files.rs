//! Files that a run is given, and those that it leaves.
//!
//! A command finds what it was given in the folder `/`, and nothing else of anybody's
//! files. They are copies in memory, which are gone when the run has ended, but for
//! those that were wanted back. A call and a report carry them as bytes: who only
//! hands them on knows nothing of them. The bytes are what
//! [`wire::encode`](crate::wire::encode) makes of a [`Given`], and of a list of
//! [`File`]s in the report.
//!
//! Bounds: [`FILES_BYTES_MAX`], less where the run's memory limit is less; what is
//! left counts as output, so that [`Limits::output_bytes_max`](crate::Limits) holds
//! for both together.

use serde::{Deserialize, Serialize};

use crate::{
    Stop, arguments,
    wasi::{Errno, FileSystem, InMemory, Kind, NAME_BYTES_MAX, New, Node, PATH_BYTES_MAX},
    wire,
};

/// All that one run's files hold, in bytes; a file or a name counts for some more.
pub const FILES_BYTES_MAX: u64 = 64 << 20;
/// What a file that is left counts for beside its path and contents, in bytes.
const FILE_BYTES: u64 = 32;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Names with `/` between them, from the folder on.
    pub path: String,
    /// What is in it.
    #[serde(with = "serde_bytes")]
    pub contents: Vec<u8>,
}

/// What a run is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// In the folder, each path once. Folders are made for them.
    pub files: Vec<File>,
    /// Whether the report is to carry the files that the run made or changed.
    pub are_wanted_back: bool,
}

/// The file system of a run, and whether its files are wanted back. The error is a
/// [`Stop::WrongArgument`] that counts the files from 1.
pub(crate) fn given(bytes: &[u8], room: u64, now_ns: u64) -> Result<(InMemory, bool), Stop> {
    let mut system = InMemory::new(room.min(FILES_BYTES_MAX), now_ns);
    if bytes.is_empty() {
        return Ok((system, false));
    }
    let Given { files, are_wanted_back } =
        wire::decode(bytes).ok_or_else(|| wrong(0, "a list of files in DAG-CBOR", ""))?;
    for (index, File { path, contents }) in files.iter().enumerate() {
        add(&mut system, path, contents, now_ns)
            .map_err(|expected| wrong(index, expected, path))?;
    }
    system.settle();
    Ok((system, are_wanted_back))
}

fn wrong(index: usize, expected: &str, given: &str) -> Stop {
    Stop::WrongArgument {
        name: "files".to_owned(),
        position: index + 1,
        expected: expected.to_owned(),
        given: arguments::shown(given),
    }
}

/// Adds a file and the folders on its way. The error says what was expected.
fn add(
    system: &mut InMemory,
    path: &str,
    contents: &[u8],
    now_ns: u64,
) -> Result<(), &'static str> {
    let is_name = |name: &str| {
        !matches!(name, "" | "." | "..") && name.len() <= NAME_BYTES_MAX && !name.contains('\0')
    };
    if path.len() > PATH_BYTES_MAX as usize || !path.split('/').all(is_name) {
        return Err("a path of names of at most 255 bytes, without `.`, `..` and NUL");
    }
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut folder = system.root();
    for name in folders.split('/').filter(|name| !name.is_empty()) {
        folder = enter(system, folder, name, now_ns)?;
    }
    let is_free = system.find(folder, name).is_ok_and(|found| found.is_none());
    if !is_free {
        return Err("a path that no other file has or leads through");
    }
    let file = system.create(folder, name, New::File, now_ns).map_err(full)?;
    system.write(file, 0, contents, now_ns).map_err(full)
}

fn enter(
    system: &mut InMemory,
    folder: Node,
    name: &str,
    now_ns: u64,
) -> Result<Node, &'static str> {
    match system.find(folder, name) {
        Ok(None) => system.create(folder, name, New::Folder, now_ns).map_err(full),
        Ok(Some(node)) if system.stat(node).is_ok_and(|stat| stat.kind == Kind::Folder) => Ok(node),
        Ok(Some(_)) | Err(_) => Err("a path that no other file has or leads through"),
    }
}

fn full(_: Errno) -> &'static str {
    "small enough for the memory that the run has for files"
}

/// The files that were made or changed, in the order of their paths; `None` when they
/// take more bytes than that, or one has a longer path than it could be given by.
pub(crate) fn left(system: &dyn FileSystem, bytes_max: u64) -> Option<Vec<File>> {
    let mut folders = vec![Folder { node: system.root(), parent: 0, name: String::new() }];
    let (mut files, mut bytes) = (Vec::new(), 0);
    let mut index = 0;
    while index < folders.len() {
        let folder = folders[index].node;
        let mut cookie = 0;
        while let Ok(Some(entry)) = system.next(folder, cookie) {
            cookie = entry.cookie;
            let Ok(stat) = system.stat(entry.node) else { continue };
            match stat.kind {
                Kind::Folder => folders.push(Folder {
                    node: entry.node,
                    parent: index,
                    name: entry.name.to_owned(),
                }),
                Kind::File if stat.is_written => {
                    let path = path(&folders, index, entry.name)?;
                    bytes += stat.size + path.len() as u64 + FILE_BYTES;
                    if bytes > bytes_max {
                        return None;
                    }
                    files.push(File { path, contents: contents(system, entry.node) });
                }
                Kind::File | Kind::Link => {}
            }
        }
        index += 1;
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Some(files)
}

/// A folder that was found, and the one that it was found in.
struct Folder {
    node: Node,
    parent: usize,
    name: String,
}

fn path(folders: &[Folder], mut folder: usize, name: &str) -> Option<String> {
    let mut names = vec![name];
    let mut bytes = name.len();
    while folder != 0 {
        names.push(&folders[folder].name);
        bytes += folders[folder].name.len() + 1;
        if bytes > PATH_BYTES_MAX as usize {
            return None;
        }
        folder = folders[folder].parent;
    }
    names.reverse();
    Some(names.join("/"))
}

fn contents(system: &dyn FileSystem, file: Node) -> Vec<u8> {
    let mut contents = Vec::new();
    while let Ok(bytes) = system.read(file, contents.len() as u64, usize::MAX) {
        if bytes.is_empty() {
            break;
        }
        contents.extend(bytes);
    }
    contents
}
