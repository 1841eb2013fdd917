//! What a person chose or dropped: files with their paths, folders gone through.
//!
//! Bounds: [`IMPORTS_MAX`] files of what was dropped; folders as deep as paths may be.

use js_sys::{Array, Promise, Reflect};
use node_core::node::files::IMPORTS_MAX;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use crate::model::files::joined;

/// Files and their paths below the folder that they go to.
pub(crate) type Found = Vec<(String, File)>;

/// Levels of folders that are gone through.
const LEVELS_MAX: usize = 64;

/// The files of a field, at most so many; those of a folder have its path.
pub(crate) fn of_field(files: &FileList, most: usize) -> Found {
    let path = |file: &File| {
        let below = Reflect::get(file, &"webkitRelativePath".into()).ok()?.as_string()?;
        (!below.is_empty()).then_some(below)
    };
    let all = (0..files.length()).filter_map(|at| files.get(at)).take(most);
    all.map(|file| (path(&file).unwrap_or_else(|| file.name()), file)).collect()
}

/// What was dropped. The list lives only as long as the event: it is taken at
/// once, and gone through later.
pub(super) fn of_drop(transfer: &DataTransfer) -> Vec<FileSystemEntry> {
    let items = transfer.items();
    let all = (0..items.length()).filter_map(|at| items.get(at));
    all.filter_map(|item| item.webkit_get_as_entry().ok().flatten()).collect()
}

/// The files of what was dropped. What cannot be read is left out; how many.
pub(super) async fn all(entries: Vec<FileSystemEntry>) -> (Found, usize) {
    let (mut found, mut unread) = (Vec::new(), 0);
    let below = |entry| (String::new(), 0, entry);
    let mut open: Vec<(String, usize, FileSystemEntry)> =
        entries.into_iter().rev().map(below).collect();
    while let Some((folder, level, entry)) = open.pop() {
        let path = joined(&folder, &entry.name());
        if entry.is_file() {
            match file(entry.unchecked_ref()).await {
                Ok(file) => found.push((path, file)),
                Err(_) => unread += 1,
            }
        } else if level < LEVELS_MAX
            && let Ok(inside) = entries_of(entry.unchecked_ref()).await
        {
            open.extend(inside.into_iter().rev().map(|one| (path.clone(), level + 1, one)));
        } else {
            unread += 1;
        }
        if found.len() > IMPORTS_MAX {
            break;
        }
    }
    (found, unread)
}

async fn file(entry: &FileSystemFileEntry) -> Result<File, JsValue> {
    let read = Promise::new(&mut |done, failed| {
        entry.file_with_callback_and_callback(&done, &failed);
    });
    JsFuture::from(read).await?.dyn_into()
}

async fn entries_of(folder: &FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut all = Vec::new();
    loop {
        let mut refused = None;
        let read = Promise::new(&mut |done, failed| {
            refused = reader.read_entries_with_callback_and_callback(&done, &failed).err();
        });
        if let Some(why) = refused {
            return Err(why);
        }
        // They come a hundred at a time; an empty list ends them.
        let some: Array = JsFuture::from(read).await?.unchecked_into();
        if some.length() == 0 || all.len() > IMPORTS_MAX {
            return Ok(all);
        }
        all.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}
