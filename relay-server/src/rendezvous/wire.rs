//! The rendezvous' messages as bytes: protobuf, as the libp2p specification's
//! `rendezvous/README.md` has it.
//!
//! Only what a server needs: requests are read, responses written. A request
//! is at most [`REQUEST_BYTES_MAX`] long; the registry's bounds keep responses
//! within [`RESPONSE_BYTES_MAX`], which clients read.

mod protobuf;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use protobuf::{Field, Fields, Writer};

pub(super) use protobuf::WireError;

/// Bytes of a request: a record, a namespace and some room.
pub(super) const REQUEST_BYTES_MAX: u64 = 16 << 10;
/// Bytes of a response that clients read.
pub(super) const RESPONSE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a registration in an answer besides namespace and record: four
/// tags, four lengths, a time.
pub(super) const REGISTRATION_OVERHEAD_MAX: usize = 32;

/// The kinds of message, by their number.
mod kind {
    pub(super) const REGISTER: u64 = 0;
    pub(super) const REGISTER_RESPONSE: u64 = 1;
    pub(super) const UNREGISTER: u64 = 2;
    pub(super) const DISCOVER: u64 = 3;
    pub(super) const DISCOVER_RESPONSE: u64 = 4;
}

/// A message's fields, by their number.
mod message {
    pub(super) const KIND: u32 = 1;
    pub(super) const REGISTER: u32 = 2;
    pub(super) const REGISTER_RESPONSE: u32 = 3;
    pub(super) const UNREGISTER: u32 = 4;
    pub(super) const DISCOVER: u32 = 5;
    pub(super) const DISCOVER_RESPONSE: u32 = 6;
}

/// All is well.
const STATUS_OK: u64 = 0;

/// What a peer asks. Nothing in it is checked but its form; a namespace that
/// is not given is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// To be found under this namespace for so many seconds.
    Register { namespace: String, record: Vec<u8>, ttl_s: Option<u64> },
    /// To be found there no longer.
    Unregister { namespace: String },
    /// Who is found there: so many at most, and only who registered after the
    /// answer that gave this cookie.
    Discover { namespace: String, limit: Option<u64>, cookie: Option<Vec<u8>> },
}

/// What a peer is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// It is registered for so many seconds.
    Registered { ttl_s: u64 },
    /// It is not.
    NotRegistered(Refusal),
    /// These are registered.
    Found(Found),
    /// It is not told.
    NotFound(Refusal),
}

/// The registrations of one namespace, or some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(super) namespace: Arc<str>,
    pub(super) registrations: Vec<Told>,
    /// What asks for those after these.
    pub(super) cookie: Vec<u8>,
}

/// One registration, as others are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(super) record: Arc<[u8]>,
    /// The seconds that it has left, at least one.
    pub(super) ttl_s: u64,
}

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
    /// A record is longer than records may be.
    #[error("a signed peer record has at most 8 KiB")]
    RecordTooLong,
    /// A record cannot be read, or its signature is wrong.
    #[error("the signed peer record is not valid")]
    RecordInvalid,
    /// A record is of another than who sends it.
    #[error("a peer registers only itself")]
    RecordOfAnother,
    /// A time is too short or too long.
    #[error("a registration lasts between 30 seconds and 2 hours")]
    TtlOutOfRange,
    /// A cookie was not given for this namespace, or by an earlier relay.
    #[error("the cookie is not of this namespace and this relay")]
    CookieInvalid,
    /// The peer has registrations enough.
    #[error("a peer registers in at most 8 namespaces")]
    PeerFull,
    /// All peers have registrations enough.
    #[error("the rendezvous is full; try again later")]
    Full,
}

impl Refusal {
    /// The specification's number for it.
    fn status(self) -> u64 {
        match self {
            Self::NamespaceMissing | Self::NamespaceTooLong => 100,
            Self::RecordTooLong | Self::RecordInvalid => 101,
            Self::TtlOutOfRange => 102,
            Self::CookieInvalid => 103,
            Self::NamespaceRequired | Self::RecordOfAnother => 200,
            Self::PeerFull | Self::Full => 400,
        }
    }
}

/// Reads a request. Fields that it does not know are passed over, and of a
/// field that comes twice the last counts.
pub(super) fn decode(bytes: &[u8]) -> Result<Request, WireError> {
    let mut kind = None;
    let (mut register, mut unregister, mut discover) = (None, None, None);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            message::KIND => kind = Some(field.integer()?),
            message::REGISTER => register = Some(field.bytes()?),
            message::UNREGISTER => unregister = Some(field.bytes()?),
            message::DISCOVER => discover = Some(field.bytes()?),
            _ => {}
        }
    }
    let body = |body: Option<_>| body.ok_or(WireError::NoBody);
    match kind.ok_or(WireError::NoKind)? {
        kind::REGISTER => decode_register(body(register)?),
        kind::UNREGISTER => decode_unregister(body(unregister)?),
        kind::DISCOVER => decode_discover(body(discover)?),
        _ => Err(WireError::NotARequest),
    }
}

fn decode_register(bytes: &[u8]) -> Result<Request, WireError> {
    let (mut namespace, mut record, mut ttl_s) = (String::new(), Vec::new(), None);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            1 => namespace = text(field)?,
            2 => record = field.bytes()?.to_vec(),
            3 => ttl_s = Some(field.integer()?),
            _ => {}
        }
    }
    Ok(Request::Register { namespace, record, ttl_s })
}

fn decode_unregister(bytes: &[u8]) -> Result<Request, WireError> {
    let mut namespace = String::new();
    for field in Fields::new(bytes) {
        let field = field?;
        // The second one, an id, is deprecated: a peer speaks for itself.
        if field.number == 1 {
            namespace = text(field)?;
        }
    }
    Ok(Request::Unregister { namespace })
}

fn decode_discover(bytes: &[u8]) -> Result<Request, WireError> {
    let (mut namespace, mut limit, mut cookie) = (String::new(), None, None);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            1 => namespace = text(field)?,
            2 => limit = Some(field.integer()?),
            3 => cookie = Some(field.bytes()?.to_vec()),
            _ => {}
        }
    }
    Ok(Request::Discover { namespace, limit, cookie })
}

fn text(field: Field<'_>) -> Result<String, WireError> {
    let text = std::str::from_utf8(field.bytes()?).map_err(|_| WireError::NotText)?;
    Ok(text.to_owned())
}

/// A response with its length before it.
pub(super) fn frame(response: &Response) -> Vec<u8> {
    let body = encode(response);
    debug_assert!(body.len() <= RESPONSE_BYTES_MAX, "the registry keeps answers short");
    let mut frame = Writer::default();
    frame.length_and(&body);
    frame.into_bytes()
}

/// A response's bytes.
fn encode(response: &Response) -> Vec<u8> {
    let mut writer = Writer::default();
    match response {
        Response::Registered { .. } | Response::NotRegistered(_) => {
            writer.integer(message::KIND, kind::REGISTER_RESPONSE);
            writer.bytes(message::REGISTER_RESPONSE, &register_response(response));
        }
        Response::Found(_) | Response::NotFound(_) => {
            writer.integer(message::KIND, kind::DISCOVER_RESPONSE);
            writer.bytes(message::DISCOVER_RESPONSE, &discover_response(response));
        }
    }
    writer.into_bytes()
}

fn register_response(response: &Response) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Response::Registered { ttl_s } = response {
        writer.integer(1, STATUS_OK);
        writer.integer(3, *ttl_s);
    }
    if let Response::NotRegistered(why) = response {
        writer.integer(1, why.status());
        writer.bytes(2, why.to_string().as_bytes());
    }
    writer.into_bytes()
}

fn discover_response(response: &Response) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Response::Found(found) = response {
        for told in &found.registrations {
            writer.bytes(1, &registration(&found.namespace, told));
        }
        writer.bytes(2, &found.cookie);
        writer.integer(3, STATUS_OK);
    }
    if let Response::NotFound(why) = response {
        writer.integer(3, why.status());
        writer.bytes(4, why.to_string().as_bytes());
    }
    writer.into_bytes()
}

fn registration(namespace: &str, told: &Told) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(1, namespace.as_bytes());
    writer.bytes(2, &told.record);
    writer.integer(3, told.ttl_s);
    writer.into_bytes()
}
