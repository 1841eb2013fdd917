//! Why a peer does not get what it asked for, in words and by number.

use node_core::network::driver::rendezvous::{
    record::RecordError,
    wire::{Refused, Status},
};

/// Why a peer does not get what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A registration names no namespace.
    #[error("a registration needs a namespace")]
    NamespaceMissing,
    /// A namespace is longer than names may be.
    #[error("a namespace has at most 255 bytes")]
    NamespaceTooLong,
    /// Somebody asks for everybody.
    #[error("a namespace is required")]
    NamespaceRequired,
    /// The record is none, or not the peer's.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A time is too short or too long.
    #[error("a registration lasts between 30 seconds and 2 hours")]
    TtlOutOfRange,
    /// A cookie was not given for this namespace, or by an earlier relay.
    #[error("the cookie is not of this namespace and this relay")]
    CookieInvalid,
    /// The peer has registrations enough.
    #[error("a peer registers in at most 8 namespaces")]
    PeerFull,
    /// The peer's network has its share of the registrations, and all are taken.
    #[error("the rendezvous has no room for more ions from your network; try again later")]
    Full,
    /// It asks more often than it may.
    #[error("too many questions; ask again in a minute")]
    TooMany,
}

impl Refusal {
    /// The specification's word for it.
    fn status(self) -> Status {
        match self {
            Self::NamespaceMissing | Self::NamespaceTooLong => Status::InvalidNamespace,
            Self::Record(RecordError::OfAnother) | Self::NamespaceRequired => Status::NotAuthorized,
            Self::Record(_) => Status::InvalidRecord,
            Self::TtlOutOfRange => Status::InvalidTtl,
            Self::CookieInvalid => Status::InvalidCookie,
            Self::PeerFull | Self::Full | Self::TooMany => Status::Unavailable,
        }
    }
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self { status: why.status(), words: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_specifications_numbers() {
        let numbers = [
            (Refusal::NamespaceMissing, 100),
            (Refusal::NamespaceTooLong, 100),
            (Refusal::Record(RecordError::TooLong), 101),
            (Refusal::Record(RecordError::Invalid), 101),
            (Refusal::TtlOutOfRange, 102),
            (Refusal::CookieInvalid, 103),
            (Refusal::NamespaceRequired, 200),
            (Refusal::Record(RecordError::OfAnother), 200),
            (Refusal::PeerFull, 400),
            (Refusal::Full, 400),
            (Refusal::TooMany, 400),
        ];
        for (why, number) in numbers {
            assert_eq!(Refused::from(why).status.number(), number, "{why}");
        }
    }
}
