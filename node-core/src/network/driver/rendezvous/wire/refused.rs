//! A refusal: the specification's number for it, and words.

/// Bytes that are kept of a refusal's words.
pub const WORDS_BYTES_MAX: usize = 200;

/// Why a peer does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The kind of reason.
    pub status: Status,
    /// The reason in words, which are the other side's: for people only.
    pub words: String,
}

/// The kinds of reason that the specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The namespace is missing or too long.
    InvalidNamespace,
    /// The signed record is not valid, or too long.
    InvalidRecord,
    /// The time is too short or too long.
    InvalidTtl,
    /// The cookie is not one for this question.
    InvalidCookie,
    /// The peer may not ask this.
    NotAuthorized,
    /// Something went wrong at the other side.
    Internal,
    /// There is no room now.
    Unavailable,
    /// A number that the specification does not have.
    Other(u64),
}

impl Status {
    /// The specification's number.
    pub fn number(self) -> u64 {
        match self {
            Self::InvalidNamespace => 100,
            Self::InvalidRecord => 101,
            Self::InvalidTtl => 102,
            Self::InvalidCookie => 103,
            Self::NotAuthorized => 200,
            Self::Internal => 300,
            Self::Unavailable => 400,
            Self::Other(number) => number,
        }
    }

    fn from_number(number: u64) -> Self {
        match number {
            100 => Self::InvalidNamespace,
            101 => Self::InvalidRecord,
            102 => Self::InvalidTtl,
            103 => Self::InvalidCookie,
            200 => Self::NotAuthorized,
            300 => Self::Internal,
            400 => Self::Unavailable,
            other => Self::Other(other),
        }
    }
}

impl Refused {
    /// Keeps of the words what can be shown.
    pub(super) fn read(number: u64, words: &[u8]) -> Self {
        let kept = words.get(..WORDS_BYTES_MAX).unwrap_or(words);
        let words = String::from_utf8_lossy(kept);
        let words = words.chars().filter(|char| !char.is_control()).collect();
        Self { status: Status::from_number(number), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_specification() {
        for number in [100, 101, 102, 103, 200, 300, 400, 7, u64::MAX] {
            let status = Status::from_number(number);
            assert_eq!(status.number(), number);
            assert_eq!(matches!(status, Status::Other(_)), [7, u64::MAX].contains(&number));
        }
    }

    #[test]
    fn words_are_short_and_visible() {
        let words = [b"a\x1b[2Jb\xff\n".as_slice(), &[b'c'; 300]].concat();
        let refused = Refused::read(400, &words);
        assert!(refused.words.starts_with("a[2Jb\u{fffd}c"), "{}", refused.words);
        assert!(refused.words.len() <= WORDS_BYTES_MAX + 2, "{}", refused.words.len());
    }
}
