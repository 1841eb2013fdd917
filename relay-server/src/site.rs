//! The site that this relay serves: its files, in the forms that travel.
//!
//! Every file is held plain and, where smaller, as brotli and gzip; nothing is
//! compressed while serving. A file whose name carries its hash (`-` and 16
//! hexadecimal digits before the ending, as trunk writes them) may be kept by
//! browsers for ever, every other one is asked for again by its `ETag`.
//!
//! It refuses paths that are not in its list: there is no file system behind
//! it, so nothing else can be reached. Bounds: what the build packed.

use std::collections::BTreeMap;

use axum::body::Bytes;

/// Length of the hash in a hashed file name, in characters.
const NAME_HASH_CHARS: usize = 16;

/// A packed file as the build script writes it: path, hash, plain, brotli, gzip.
type Packed =
    (&'static str, &'static str, &'static [u8], Option<&'static [u8]>, Option<&'static [u8]>);

const PACKED: &[Packed] = include!(concat!(env!("OUT_DIR"), "/site_files.rs"));

/// One file of the site.
#[derive(Clone, Debug)]
pub struct File {
    /// The bytes as they are.
    pub plain: Bytes,
    /// The same with brotli, where that is smaller.
    pub brotli: Option<Bytes>,
    /// The same with gzip, where that is smaller.
    pub gzip: Option<Bytes>,
    /// The hash of the plain bytes, in hexadecimal digits.
    pub hash: String,
}

/// A form in which a file travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Brotli, `br`.
    Brotli,
    /// Gzip, `gzip`.
    Gzip,
}

impl Encoding {
    /// The value of `Content-Encoding`; none for the plain form.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }
}

impl File {
    /// The best form that a client with these `Accept-Encoding` values takes.
    pub fn choose(&self, accepted: &str) -> (Encoding, &Bytes) {
        if let Some(brotli) = self.brotli.as_ref().filter(|_| accepts(accepted, "br")) {
            return (Encoding::Brotli, brotli);
        }
        if let Some(gzip) = self.gzip.as_ref().filter(|_| accepts(accepted, "gzip")) {
            return (Encoding::Gzip, gzip);
        }
        (Encoding::Plain, &self.plain)
    }
}

/// The site's files by path, without a leading slash.
#[derive(Clone, Debug, Default)]
pub struct Site {
    files: BTreeMap<String, File>,
}

impl Site {
    /// What the build packed into this program; empty where it found no site.
    pub fn embedded() -> Self {
        let file = |&(path, hash, plain, brotli, gzip): &Packed| {
            let file = File {
                plain: Bytes::from_static(plain),
                brotli: brotli.map(Bytes::from_static),
                gzip: gzip.map(Bytes::from_static),
                hash: hash.to_owned(),
            };
            (path.to_owned(), file)
        };
        Self { files: PACKED.iter().map(file).collect() }
    }

    /// A site of these files, by path without a leading slash.
    pub fn from_files(files: impl IntoIterator<Item = (String, File)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Whether there is no page to serve.
    pub fn is_empty(&self) -> bool {
        !self.files.contains_key("index.html")
    }

    /// The file that answers a request for this path, and the path under which
    /// it is kept. A path that is no file and has no file ending is one of the
    /// page's own routes and gets the page.
    pub fn find(&self, path: &str) -> Option<(&str, &File)> {
        let path = path.trim_start_matches('/');
        let is_route = || path.rsplit('/').next().is_none_or(|last| !last.contains('.'));
        let found = self.files.get_key_value(path);
        let found = found.or_else(|| self.files.get_key_value("index.html").filter(|_| is_route()));
        found.map(|(path, file)| (path.as_str(), file))
    }
}

/// The media type that a file's ending stands for.
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "jpg" | "jpeg" => "image/jpeg",
        "pbm" => "image/x-portable-bitmap",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the file's name carries its hash, so that it never changes.
pub fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['.', '-', '_']).skip(1).any(is_name_hash)
}

fn is_name_hash(part: &str) -> bool {
    part.len() == NAME_HASH_CHARS
        && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `Accept-Encoding` names this coding with a weight above zero.
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        is_named && !parts.any(is_zero_weight)
    })
}

fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(brotli: bool, gzip: bool) -> File {
        let some = |is_there: bool, text: &'static str| {
            is_there.then(|| Bytes::from_static(text.as_bytes()))
        };
        File {
            plain: Bytes::from_static(b"plain"),
            brotli: some(brotli, "brotli"),
            gzip: some(gzip, "gzip"),
            hash: "00".to_owned(),
        }
    }

    #[test]
    fn the_smallest_accepted_form_is_chosen() {
        let both = file(true, true);
        assert_eq!(both.choose("gzip, deflate, br").0, Encoding::Brotli);
        assert_eq!(both.choose("gzip;q=0.5").0, Encoding::Gzip);
        assert_eq!(both.choose("br;q=0, gzip").0, Encoding::Gzip);
        assert_eq!(both.choose("br; q=0.000").0, Encoding::Plain);
        assert_eq!(both.choose("").0, Encoding::Plain);
        assert_eq!(file(false, true).choose("br, gzip").0, Encoding::Gzip);
    }

    #[test]
    fn routes_get_the_page_and_unknown_files_nothing() {
        let site = Site::from_files([
            ("index.html".to_owned(), file(false, false)),
            ("a/b.js".to_owned(), file(false, false)),
        ]);
        let path = |wanted| site.find(wanted).map(|(path, _)| path);
        assert_eq!(path("/"), Some("index.html"));
        assert_eq!(path("/jobs/17"), Some("index.html"));
        assert_eq!(path("/a/b.js"), Some("a/b.js"));
        assert_eq!(path("/a/c.js"), None);
        assert_eq!(path("/../index.html"), None);
    }

    #[test]
    fn hashed_names_are_told_from_others() {
        assert!(is_hashed("web-0123456789abcdef_bg.wasm"));
        assert!(is_hashed("x/style-0123456789abcdef.css"));
        assert!(!is_hashed("style.css"));
        assert!(!is_hashed("service.js"), "browsers would never look for the next one");
        assert!(!is_hashed("0123456789abcdef.css"));
        assert!(!is_hashed("style-0123456789abcde.css"));
        assert!(!is_hashed("style-0123456789ABCDEF.css"));
    }

    #[test]
    fn endings_have_their_types() {
        assert_eq!(content_type("a_bg.wasm"), "application/wasm");
        assert_eq!(content_type("a.webmanifest"), "application/manifest+json");
        assert_eq!(content_type("LICENSE"), "application/octet-stream");
    }
}
