//! Where files have no rights of this kind, a user's own folder is private by
//! inheritance.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use super::FileError;

pub(super) fn owner_only(_: &mut OpenOptions) {}

pub(super) fn check(_: &Path, _: &File) -> io::Result<Result<(), FileError>> {
    Ok(Ok(()))
}
