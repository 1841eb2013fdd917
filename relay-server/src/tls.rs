//! Encrypted HTTP: certificates from files, or one that the relay makes.
//!
//! A certificate that it makes names this machine and what the operator adds,
//! is kept in the data folder, and is made anew when the names change or the
//! year after its making has come; it is valid for at most two years. TLS 1.2
//! and 1.3 only. Bounds: files as for other private files.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    config::Tls,
    private_file::{self, FileError},
};

/// A certificate chain's file, in bytes.
const CHAIN_BYTES_MAX: u64 = 1 << 20;
const FOLDER: &str = "tls";
/// An average year, in seconds.
const YEAR_SECONDS: u64 = 31_556_952;

/// Why https cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key file cannot be read.
    #[error("the {what} {} cannot be read: {reason}; it must be a PEM file that this user may read", path.display())]
    File {
        /// Which file.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not serve together.
    #[error("the certificate {} and its key cannot be used together: {reason}", path.display())]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made could not be kept, or read again.
    #[error(transparent)]
    Kept(#[from] FileError),
}

/// What encrypts connections; none where the configuration says plain http.
pub(crate) fn acceptor(
    tls: &Tls,
    listen: SocketAddr,
    data_dir: &Path,
) -> Result<Option<TlsAcceptor>, TlsError> {
    let (cert, key) = match tls {
        Tls::Off => return Ok(None),
        Tls::Files { cert, key } => (cert.clone(), key.clone()),
        Tls::SelfMade { names } => self_made(&all_names(names, listen), data_dir)?,
    };
    let chain = read_chain(&cert)?;
    let secret = read_key(&key)?;
    let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair {
        path: cert.clone(),
        reason: error.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong =
        |reason: String| TlsError::File { what: "certificate", path: path.to_owned(), reason };
    let bytes = read_bounded(path).map_err(wrong)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() {
        Err(wrong("there is no certificate in it".to_owned()))
    } else {
        Ok(chain)
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let wrong =
        |reason: String| TlsError::File { what: "private key", path: path.to_owned(), reason };
    let bytes = read_bounded(path).map_err(wrong)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > CHAIN_BYTES_MAX {
        return Err(format!("it is longer than {CHAIN_BYTES_MAX} bytes"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// This machine's usual names, where it listens, and what was asked for.
fn all_names(asked: &[String], listen: SocketAddr) -> Vec<String> {
    let mut names: Vec<String> = asked.to_vec();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let here =
        if listen.ip().is_unspecified() { crate::local_address() } else { Some(listen.ip()) };
    names.extend(here.as_ref().map(IpAddr::to_string));
    names.sort();
    names.dedup();
    names
}

/// The kept certificate and key, made where they are missing or no longer fit.
fn self_made(names: &[String], data_dir: &Path) -> Result<(PathBuf, PathBuf), TlsError> {
    let folder = data_dir.join(FOLDER);
    fs::create_dir_all(&folder)
        .map_err(|error| FileError::Folder { path: folder.clone(), reason: error.to_string() })?;
    let (cert, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made_for = folder.join("made-for");
    let year = this_year();
    let wanted = format!("{year}\n{}\n", names.join("\n"));
    let kept = private_file::read(&made_for)?;
    let is_there = cert.exists() && private_file::read(&key)?.is_some();
    if !is_there || kept.as_deref() != Some(wanted.as_bytes()) {
        let (cert_pem, key_pem) = make(names, year)?;
        private_file::write(&key, key_pem.as_bytes())?;
        private_file::write(&cert, cert_pem.as_bytes())?;
        private_file::write(&made_for, wanted.as_bytes())?;
        tracing::info!(?names, "made a certificate");
    }
    Ok((cert, key))
}

fn make(names: &[String], year: i32) -> Result<(String, String), rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(names)?;
    params.not_before = rcgen::date_time_ymd(year, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 2, 1, 1);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Ionosphere relay");
    params.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    let key = rcgen::KeyPair::generate()?;
    let cert = params.self_signed(&key)?;
    Ok((cert.pem(), key.serialize_pem()))
}

fn this_year() -> i32 {
    #[expect(clippy::disallowed_methods, reason = "certificates have dates; no machine reads this")]
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    1970 + i32::try_from(seconds / YEAR_SECONDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_file::tests::Folder;

    const LISTEN: &str = "127.0.0.1:1";

    fn open(tls: &Tls, folder: &Folder) -> Result<bool, String> {
        let listen = LISTEN.parse().expect("it is an address");
        let acceptor = acceptor(tls, listen, &folder.0).map_err(|error| error.to_string())?;
        Ok(acceptor.is_some())
    }

    #[test]
    fn one_that_was_made_is_kept_until_the_names_change() {
        let folder = Folder::new("tls");
        let made = |names: &[&str]| {
            let names = names.iter().map(ToString::to_string).collect();
            assert_eq!(open(&Tls::SelfMade { names }, &folder), Ok(true));
            fs::read(folder.0.join("tls/certificate.pem")).expect("it is there")
        };
        let first = made(&["pi.local"]);
        assert_eq!(made(&["pi.local"]), first);
        assert_ne!(made(&["pi.local", "192.168.1.20"]), first);
    }

    #[test]
    fn files_that_do_not_serve_are_named() {
        let folder = Folder::new("tls-files");
        let (cert, key) = (folder.0.join("cert"), folder.0.join("key"));
        let tls = Tls::Files { cert: cert.clone(), key: key.clone() };
        let refused = |part: &str| {
            let error = open(&tls, &folder).expect_err("it is refused");
            assert!(error.contains(part), "{error}");
        };
        refused("certificate");
        fs::write(&cert, "hello").expect("it is written");
        refused("no certificate in it");
        let (one, _) = make(&["a".to_owned()], 2026).expect("it is made");
        let (_, other_key) = make(&["a".to_owned()], 2026).expect("it is made");
        fs::write(&cert, one).expect("it is written");
        refused("private key");
        fs::write(&key, other_key).expect("it is written");
        refused("together");
    }
}
