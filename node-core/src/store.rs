//! The nebula's memory and disk.
//!
//! [`kv`] is the small shared memory that every ion holds: signed entries that
//! merge without a master. Files are chunks plus entries that name them.
//! [`chunk`] names blocks by their content, [`manifest`] is a file's ledger of
//! them, [`files`] gives files places in folders. [`exchange`] brings blocks
//! from ion to ion, [`replicas`] sees to it that there are enough of them.
//!
//! Machines decide here; [`driver`] keeps, what is sent is for the mesh.

pub mod blocks;
pub mod chunk;
pub mod driver;
pub mod exchange;
pub mod files;
mod kept;
pub mod kv;
pub mod library;
pub mod mail;
pub mod manifest;
pub mod replicas;
pub mod source;
