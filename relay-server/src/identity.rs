//! What a relay keeps across restarts: its key and its open nebula.
//!
//! Both are made at the first start. A file that is damaged is never replaced:
//! a new key would be another relay, and a new nebula would part those who
//! come from those who are there.

use std::path::Path;

use libp2p::identity::Keypair;
use node_core::identity::Invitation;
use rand::Rng as _;

use crate::private_file::{self, FileError, damaged};

const KEY_FILE: &str = "identity.key";
const NEBULA_FILE: &str = "nebula.invitation";

/// The relay's key from its data folder, made where there is none. The file
/// holds the key in libp2p's protobuf form.
pub(crate) fn key(data_dir: &Path) -> Result<Keypair, FileError> {
    let path = data_dir.join(KEY_FILE);
    if let Some(bytes) = private_file::read(&path)? {
        return Keypair::from_protobuf_encoding(&bytes).map_err(|error| damaged(&path, &error));
    }
    let key = Keypair::generate_ed25519();
    let bytes = key.to_protobuf_encoding().map_err(|error| damaged(&path, &error))?;
    private_file::write(&path, &bytes)?;
    Ok(key)
}

/// The open nebula's invitation code, founded under this name (which the
/// configuration has checked) where there is none.
pub(crate) fn open_nebula(data_dir: &Path, name: &str) -> Result<String, FileError> {
    let path = data_dir.join(NEBULA_FILE);
    if let Some(bytes) = private_file::read(&path)? {
        return read_invitation(&path, &bytes);
    }
    let mut random = [0; 48];
    rand::rng().fill_bytes(&mut random);
    let founded = Invitation::found(name, true, Vec::new(), &random);
    let code = founded.map_err(|error| damaged(&path, &error))?.encode();
    private_file::write(&path, code.as_bytes())?;
    Ok(code)
}

fn read_invitation(path: &Path, bytes: &[u8]) -> Result<String, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|error| damaged(path, &error))?;
    let invitation = Invitation::decode(text).map_err(|error| damaged(path, &error))?;
    Ok(invitation.encode())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::private_file::tests::Folder;

    #[test]
    fn key_and_nebula_stay_the_same() {
        let folder = Folder::new("identity");
        let peer = |()| key(&folder.0).expect("there is a key").public().to_peer_id();
        assert_eq!(peer(()), peer(()));
        let nebula = open_nebula(&folder.0, "class").expect("it is founded");
        assert_eq!(open_nebula(&folder.0, "other").expect("it is read"), nebula);
        let invitation = Invitation::decode(&nebula).expect("it is an invitation");
        assert!(invitation.is_open);
        assert_eq!(invitation.name, "class");
    }

    #[test]
    fn damage_is_told_and_nothing_is_replaced() {
        let folder = Folder::new("damage");
        for (file, content) in [(KEY_FILE, b"not a key".as_slice()), (NEBULA_FILE, b"\xff")] {
            private_file::write(&folder.0.join(file), content).expect("it is written");
        }
        let error = key(&folder.0).expect_err("it is damaged").to_string();
        assert!(error.contains("damaged") && error.contains("move it away"), "{error}");
        assert!(open_nebula(&folder.0, "class").is_err());
        assert_eq!(fs::read(folder.0.join(KEY_FILE)).expect("it is there"), b"not a key");
    }
}
