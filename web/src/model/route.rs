//! Places of the page and their addresses.

use node_core::node::JobId;

/// A place. An address names exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`
    Overview,
    /// `/jobs`
    Jobs,
    /// `/jobs/<id in hexadecimal>`
    Job(JobId),
    /// `/sparks`
    Sparks,
    /// `/sparks/<name>`: one spark of the gallery, being set up.
    Spark(String),
    /// `/files`, `/files/<folder>/`: a folder's path, its names encoded.
    Files(String),
    /// `/files/<path>`: a file, opened.
    File(String),
    /// `/data`
    Data,
    /// `/network`
    Network,
    /// `/ions`
    Ions,
    /// `/mail`
    Mail,
    /// `/settings`
    Settings,
    /// Any other address.
    Unknown,
}

impl Route {
    /// Reads an address's path; what is not known is [`Route::Unknown`].
    pub fn parse(path: &str) -> Self {
        if let Some(files) = path.strip_prefix("/files/") {
            return Self::parse_file(files).unwrap_or(Self::Unknown);
        }
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (first, second, rest) = (parts.next(), parts.next(), parts.next());
        match (first, second, rest) {
            (None, None, None) => Self::Overview,
            (Some("jobs"), None, None) => Self::Jobs,
            (Some("jobs"), Some(id), None) => {
                JobId::from_str_radix(id, 16).map_or(Self::Unknown, Self::Job)
            }
            (Some("sparks"), None, None) => Self::Sparks,
            (Some("sparks"), Some(name), None) if is_name(name) => Self::Spark(name.to_owned()),
            (Some("files"), None, None) => Self::Files(String::new()),
            (Some("data"), None, None) => Self::Data,
            (Some("network"), None, None) => Self::Network,
            (Some("ions"), None, None) => Self::Ions,
            (Some("mail"), None, None) => Self::Mail,
            (Some("settings"), None, None) => Self::Settings,
            _ => Self::Unknown,
        }
    }

    fn parse_file(encoded: &str) -> Option<Self> {
        let path = decoded(encoded.trim_end_matches('/'))?;
        let is_folder = path.is_empty() || encoded.ends_with('/');
        Some(if is_folder { Self::Files(path) } else { Self::File(path) })
    }

    /// Whether it is a place in Files.
    pub fn is_in_files(&self) -> bool {
        matches!(self, Self::Files(_) | Self::File(_))
    }

    /// The address of the page that shows it: all of Files is one page, and what
    /// is not known has one, too.
    pub fn page(&self) -> String {
        match self {
            Self::Files(_) | Self::File(_) => "/files".to_owned(),
            Self::Unknown => "/?".to_owned(),
            other => other.path(),
        }
    }

    /// The address's path.
    pub fn path(&self) -> String {
        match self {
            Self::Overview | Self::Unknown => "/".to_owned(),
            Self::Jobs => "/jobs".to_owned(),
            Self::Job(id) => format!("/jobs/{id:013x}"),
            Self::Sparks => "/sparks".to_owned(),
            Self::Spark(name) => format!("/sparks/{name}"),
            Self::Files(folder) if folder.is_empty() => "/files".to_owned(),
            Self::Files(folder) => format!("/files/{}/", encoded(folder)),
            Self::File(path) => format!("/files/{}", encoded(path)),
            Self::Data => "/data".to_owned(),
            Self::Network => "/network".to_owned(),
            Self::Ions => "/ions".to_owned(),
            Self::Mail => "/mail".to_owned(),
            Self::Settings => "/settings".to_owned(),
        }
    }

    /// The page's name, as the title and the rail say it.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::Job(_) => "Job",
            Self::Sparks | Self::Spark(_) => "Sparks",
            Self::Files(_) | Self::File(_) => "Files",
            Self::Data => "Data",
            Self::Network => "Network",
            Self::Ions => "Ions",
            Self::Mail => "Mail",
            Self::Settings => "Settings",
            Self::Unknown => "Not found",
        }
    }

    /// Whether an entry of the rail stands for this place.
    pub fn belongs_to(&self, entry: &Self) -> bool {
        self.section() == entry.section()
    }

    fn section(&self) -> u8 {
        match self {
            Self::Overview => 0,
            Self::Jobs | Self::Job(_) => 1,
            Self::Sparks | Self::Spark(_) => 2,
            Self::Network => 3,
            Self::Ions => 4,
            Self::Settings => 5,
            Self::Unknown => 6,
            Self::Data => 7,
            Self::Files(_) | Self::File(_) => 8,
            Self::Mail => 9,
        }
    }
}

/// The longest name of a spark that an address may carry.
pub const NAME_CHARS_MAX: usize = 64;

fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The longest path that an address may carry, in bytes, decoded.
pub const PATH_BYTES_MAX: usize = 960;

/// A path as an address carries it. Dots are encoded, too: a relay takes what
/// ends like a file for one of its own.
pub fn encoded(path: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~') {
            text.push(byte.into());
        } else {
            text.push('%');
            text.push(DIGITS[usize::from(byte >> 4)].into());
            text.push(DIGITS[usize::from(byte & 15)].into());
        }
    }
    text
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first == b'%' {
            let (digits, behind) = behind.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(*first);
        }
    }
    if bytes.len() > PATH_BYTES_MAX {
        return None;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_again_by_its_address() {
        let places = [
            Route::Overview,
            Route::Jobs,
            Route::Job(0x1f_2e3d),
            Route::Sparks,
            Route::Spark("word-count".to_owned()),
            Route::Files(String::new()),
            Route::Files("Ferien 2025/Grün & blau".to_owned()),
            Route::File("Ferien 2025/100 %/a?b#c.jpg".to_owned()),
            Route::Data,
            Route::Network,
            Route::Ions,
            Route::Mail,
            Route::Settings,
        ];
        for place in places {
            assert_eq!(Route::parse(&place.path()), place);
        }
    }

    #[test]
    fn all_of_files_is_one_page() {
        for place in [Route::Files("a".to_owned()), Route::File("a/b".to_owned())] {
            assert_eq!(Route::parse(&place.page()), Route::Files(String::new()));
        }
        for place in [Route::Unknown, Route::Overview, Route::Job(7)] {
            assert_eq!(Route::parse(&place.page()), place);
        }
    }

    #[test]
    fn strange_addresses_are_unknown() {
        for path in ["/x", "/jobs/zz", "/jobs/1/2", "/sparks/%3Cb%3E", "/ions/1", "/network/1"] {
            assert_eq!(Route::parse(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn a_file_has_an_address_that_no_relay_takes_for_its_own() {
        let address = Route::File("a/notes.tar.gz".to_owned()).path();
        assert_eq!(address, "/files/a/notes%2Etar%2Egz");
        assert_eq!(Route::parse("/files/a.txt"), Route::File("a.txt".to_owned()));
        assert_eq!(Route::parse("/files/"), Route::Files(String::new()));
        for path in ["/files/%", "/files/%4", "/files/%zz", "/files/%ff"] {
            assert_eq!(Route::parse(path), Route::Unknown, "{path}");
        }
        assert_eq!(Route::parse(&format!("/files/{}", "a".repeat(961))), Route::Unknown);
    }

    #[test]
    fn a_job_lights_up_jobs() {
        assert!(Route::Job(1).belongs_to(&Route::Jobs));
        assert!(!Route::Job(1).belongs_to(&Route::Ions));
    }
}
