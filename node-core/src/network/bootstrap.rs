//! What a page is told by the relay that serves it: `/bootstrap.json`.

use serde::{Deserialize, Serialize};

/// The version that this code writes and reads.
pub const VERSION: u32 = 1;
/// The document's length, in bytes.
pub const BOOTSTRAP_BYTES_MAX: usize = 16 << 10;
/// Relays that are taken from it.
pub const RELAYS_MAX: usize = 8;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The document's version.
    pub version: u32,
    /// Relay addresses, whole, with `/p2p/…`, nearest first.
    pub relays: Vec<String>,
    /// The open nebula's invitation, if the relay offers one.
    pub nebula: Option<String>,
}

impl Bootstrap {
    /// Reads the document; the error is a sentence for people.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > BOOTSTRAP_BYTES_MAX {
            return Err(format!("it is longer than {BOOTSTRAP_BYTES_MAX} bytes"));
        }
        let mut read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.version != VERSION {
            return Err(format!("it is of version {}, this page knows {VERSION}", read.version));
        }
        read.relays.truncate(RELAYS_MAX);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_needs_and_says_what_is_wrong() {
        let json = br#"{"version":1,"relays":["/ip4/127.0.0.1/tcp/8080/ws"],"nebula":null}"#;
        assert_eq!(Bootstrap::read(json).map(|read| read.relays.len()), Ok(1));
        assert!(Bootstrap::read(b"<html>").is_err());
        let newer = br#"{"version":2,"relays":[],"nebula":null}"#;
        assert_eq!(Bootstrap::read(newer), Err("it is of version 2, this page knows 1".to_owned()));
    }
}
