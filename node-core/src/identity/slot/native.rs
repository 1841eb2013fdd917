//! Slots of native programs: one locked file each, in the folder of the
//! settings. The system gives a lock back when its process ends, however.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    rc::Rc,
};

use futures::future::{FutureExt, LocalBoxFuture};

use super::{Hold, NoSlot, Slots};
use crate::platform::native::make_folder;

/// The slots of one folder.
#[derive(Clone, Debug)]
pub struct HostSlots {
    folder: Rc<Path>,
}

impl HostSlots {
    /// The slots of that folder, which is made when it is first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into() }
    }

    fn lock(&self, index: u32) -> Result<Option<File>, NoSlot> {
        let path = self.folder.join(format!("slot-{index}.lock"));
        let failed = |error: &dyn std::fmt::Display| NoSlot::Failed {
            reason: format!("{}: {error}", path.display()),
        };
        make_folder(&self.folder).map_err(|error| failed(&error))?;
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }
}

impl Slots for HostSlots {
    fn try_hold(&self, index: u32) -> LocalBoxFuture<'static, Result<Option<Hold>, NoSlot>> {
        let slots = self.clone();
        async move { Ok(slots.lock(index)?.map(Hold::new)) }.boxed_local()
    }
}
