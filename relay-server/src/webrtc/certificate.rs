//! The certificate that WebRTC connections are made with. Its hash is part of
//! the relay's address, so it is made once and kept beside the relay's key.
//!
//! A file that is damaged is never replaced: another certificate would be
//! another address.

use std::path::Path;

use libp2p_webrtc::tokio::Certificate;

use crate::private_file::{self, FileError, damaged};

const FILE: &str = "webrtc.pem";
/// Before and after what the library writes first: until when the certificate
/// holds, as eight bytes in base64.
const EXPIRY: (&str, &str) = ("-----BEGIN EXPIRES-----", "-----END EXPIRES-----");
const EXPIRY_CHARS: usize = 12;

/// The relay's certificate from its data folder, made where there is none.
pub(crate) fn kept(data_dir: &Path) -> Result<Certificate, FileError> {
    let path = data_dir.join(FILE);
    if let Some(bytes) = private_file::read(&path)? {
        return read(&bytes).map_err(|reason| damaged(&path, &reason));
    }
    // The library makes it for ever, until the year 4096.
    let made = Certificate::generate(&mut rand::rng()).map_err(|error| damaged(&path, &error))?;
    private_file::write(&path, made.serialize_pem().as_bytes())?;
    Ok(made)
}

fn read(bytes: &[u8]) -> Result<Certificate, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    // The library panics where this is shorter.
    let expiry =
        text.trim_start().strip_prefix(EXPIRY.0).and_then(|rest| rest.split_once(EXPIRY.1));
    if expiry.is_none_or(|(expiry, _)| expiry.trim().len() != EXPIRY_CHARS) {
        return Err("it does not say until when it holds".to_owned());
    }
    Certificate::from_pem(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::private_file::tests::Folder;

    #[test]
    fn it_is_made_once_and_private() {
        let folder = Folder::new("webrtc");
        let hash = |()| kept(&folder.0).expect("there is one").fingerprint();
        assert_eq!(hash(()), hash(()));
        let other = Folder::new("webrtc-other");
        assert_ne!(kept(&other.0).expect("there is one").fingerprint(), hash(()));
        // What others could read is refused, so it was written for its owner only.
        private_file::read(&folder.0.join(FILE)).expect("it is private");
    }

    #[test]
    fn damage_is_told_and_nothing_is_replaced() {
        let folder = Folder::new("webrtc-damage");
        let path = folder.0.join(FILE);
        kept(&folder.0).expect("it is made");
        let good = fs::read_to_string(&path).expect("it is there");
        let short = format!("{}\r\nAAAA\r\n{}\r\n\n", EXPIRY.0, EXPIRY.1);
        let half = good[..good.len() / 2].to_owned();
        let other = good.replace("PRIVATE_KEY", "SECRET");
        for damage in ["", "hello", &short, &half, &other, "\u{0}"] {
            private_file::write(&path, damage.as_bytes()).expect("it is written");
            let error = kept(&folder.0).expect_err(damage).to_string();
            assert!(error.contains("damaged"), "{error}");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), damage);
        }
        private_file::write(&path, good.as_bytes()).expect("it is written");
        kept(&folder.0).expect("it is whole again");
    }
}
