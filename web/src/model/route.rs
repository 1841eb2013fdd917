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
    /// `/data`
    Data,
    /// `/network`
    Network,
    /// `/ions`
    Ions,
    /// `/settings`
    Settings,
    /// Any other address.
    Unknown,
}

impl Route {
    /// Reads an address's path; what is not known is [`Route::Unknown`].
    pub fn parse(path: &str) -> Self {
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
            (Some("data"), None, None) => Self::Data,
            (Some("network"), None, None) => Self::Network,
            (Some("ions"), None, None) => Self::Ions,
            (Some("settings"), None, None) => Self::Settings,
            _ => Self::Unknown,
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
            Self::Data => "/data".to_owned(),
            Self::Network => "/network".to_owned(),
            Self::Ions => "/ions".to_owned(),
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
            Self::Data => "Data",
            Self::Network => "Network",
            Self::Ions => "Ions",
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
        }
    }
}

/// The longest name of a spark that an address may carry.
pub const NAME_CHARS_MAX: usize = 64;

fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
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
            Route::Data,
            Route::Network,
            Route::Ions,
            Route::Settings,
        ];
        for place in places {
            assert_eq!(Route::parse(&place.path()), place);
        }
    }

    #[test]
    fn strange_addresses_are_unknown() {
        for path in ["/x", "/jobs/zz", "/jobs/1/2", "/sparks/%3Cb%3E", "/ions/1", "/network/1"] {
            assert_eq!(Route::parse(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn a_job_lights_up_jobs() {
        assert!(Route::Job(1).belongs_to(&Route::Jobs));
        assert!(!Route::Job(1).belongs_to(&Route::Ions));
    }
}
