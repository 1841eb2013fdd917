//! The rendezvous' messages as bytes: protobuf, as the libp2p specification's
//! `rendezvous/README.md` has it.
//!
//! A request is at most [`REQUEST_BYTES_MAX`] long, a response
//! [`RESPONSE_BYTES_MAX`]. Nothing is checked but the form; of registrations
//! the first [`TOLD_MAX`] are read, of a refusal's words [`WORDS_BYTES_MAX`].

mod protobuf;
mod refused;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use protobuf::{Field, Fields, Writer};

pub use protobuf::WireError;
pub use refused::{Refused, Status, WORDS_BYTES_MAX};

/// Bytes of a request: a record, a namespace and some room.
pub const REQUEST_BYTES_MAX: u64 = 16 << 10;
/// Bytes of a response.
pub const RESPONSE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a registration in an answer besides namespace and record: four
/// tags, four lengths, a time.
pub const REGISTRATION_OVERHEAD_MAX: usize = 32;
/// Registrations in one answer; what comes after them is not read.
pub const TOLD_MAX: usize = 1_000;

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
pub enum Request {
    /// To be found under this namespace.
    Register {
        /// The name.
        namespace: String,
        /// Who registers, signed.
        record: Vec<u8>,
        /// For how many seconds.
        ttl_s: Option<u64>,
    },
    /// To be found there no longer.
    Unregister {
        /// The name.
        namespace: String,
    },
    /// Who is found there.
    Discover {
        /// The name.
        namespace: String,
        /// So many at most.
        limit: Option<u64>,
        /// Only who registered after the answer that gave this cookie.
        cookie: Option<Vec<u8>>,
    },
}

/// What a peer is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// It is registered.
    Registered {
        /// For how many seconds.
        ttl_s: u64,
    },
    /// It is not.
    NotRegistered(Refused),
    /// These are registered.
    Found(Found),
    /// It is not told.
    NotFound(Refused),
}

/// The registrations of one namespace, or some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who is registered.
    pub registrations: Vec<Told>,
    /// What asks for those after these.
    pub cookie: Vec<u8>,
}

/// One registration, as others are told of it. Clones share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where.
    pub namespace: Arc<str>,
    /// Who, signed.
    pub record: Arc<[u8]>,
    /// The seconds that it has left, at least one.
    pub ttl_s: u64,
}

/// Reads a request. Fields that it does not know are passed over, and of a
/// field that comes twice the last counts.
pub fn decode_request(bytes: &[u8]) -> Result<Request, WireError> {
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

/// Reads a response, in the same way. One without a status is well, as
/// protobuf has it: 0 may be left out.
pub fn decode_response(bytes: &[u8]) -> Result<Response, WireError> {
    let mut kind = None;
    let (mut register, mut discover) = (None, None);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            message::KIND => kind = Some(field.integer()?),
            message::REGISTER_RESPONSE => register = Some(field.bytes()?),
            message::DISCOVER_RESPONSE => discover = Some(field.bytes()?),
            _ => {}
        }
    }
    let body = |body: Option<_>| body.ok_or(WireError::NoBody);
    match kind.ok_or(WireError::NoKind)? {
        kind::REGISTER_RESPONSE => decode_registered(body(register)?),
        kind::DISCOVER_RESPONSE => decode_found(body(discover)?),
        _ => Err(WireError::NotAResponse),
    }
}

fn decode_registered(bytes: &[u8]) -> Result<Response, WireError> {
    let (mut status, mut words, mut ttl_s) = (STATUS_OK, &[][..], 0);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            1 => status = field.integer()?,
            2 => words = field.bytes()?,
            3 => ttl_s = field.integer()?,
            _ => {}
        }
    }
    match status {
        STATUS_OK => Ok(Response::Registered { ttl_s }),
        number => Ok(Response::NotRegistered(Refused::read(number, words))),
    }
}

fn decode_found(bytes: &[u8]) -> Result<Response, WireError> {
    let (mut registrations, mut cookie) = (Vec::new(), Vec::new());
    let (mut status, mut words) = (STATUS_OK, &[][..]);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            1 if registrations.len() >= TOLD_MAX => {}
            1 => registrations.push(decode_told(field.bytes()?)?),
            2 => cookie = field.bytes()?.to_vec(),
            3 => status = field.integer()?,
            4 => words = field.bytes()?,
            _ => {}
        }
    }
    match status {
        STATUS_OK => Ok(Response::Found(Found { registrations, cookie })),
        number => Ok(Response::NotFound(Refused::read(number, words))),
    }
}

fn decode_told(bytes: &[u8]) -> Result<Told, WireError> {
    // A registration in an answer has the form of one in a request.
    let Request::Register { namespace, record, ttl_s } = decode_register(bytes)? else {
        return Err(WireError::NoBody);
    };
    Ok(Told { namespace: namespace.into(), record: record.into(), ttl_s: ttl_s.unwrap_or(0) })
}

/// A request with its length before it.
pub fn frame_request(request: &Request) -> Vec<u8> {
    framed(&encode_request(request))
}

/// A response with its length before it.
pub fn frame_response(response: &Response) -> Vec<u8> {
    framed(&encode_response(response))
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Writer::default();
    frame.length_and(body);
    frame.into_bytes()
}

/// A request's bytes.
fn encode_request(request: &Request) -> Vec<u8> {
    let (kind, number) = match request {
        Request::Register { .. } => (kind::REGISTER, message::REGISTER),
        Request::Unregister { .. } => (kind::UNREGISTER, message::UNREGISTER),
        Request::Discover { .. } => (kind::DISCOVER, message::DISCOVER),
    };
    let mut body = Writer::default();
    match request {
        Request::Register { namespace, record, ttl_s } => {
            body.bytes(1, namespace.as_bytes());
            body.bytes(2, record);
            body.optional_integer(3, *ttl_s);
        }
        Request::Unregister { namespace } => body.bytes(1, namespace.as_bytes()),
        Request::Discover { namespace, limit, cookie } => {
            body.bytes(1, namespace.as_bytes());
            body.optional_integer(2, *limit);
            if let Some(cookie) = cookie {
                body.bytes(3, cookie);
            }
        }
    }
    let mut writer = Writer::default();
    writer.integer(message::KIND, kind);
    writer.bytes(number, &body.into_bytes());
    writer.into_bytes()
}

/// A response's bytes.
fn encode_response(response: &Response) -> Vec<u8> {
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
        writer.integer(1, why.status.number());
        writer.bytes(2, why.words.as_bytes());
    }
    writer.into_bytes()
}

fn discover_response(response: &Response) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Response::Found(found) = response {
        for told in &found.registrations {
            writer.bytes(1, &registration(told));
        }
        writer.bytes(2, &found.cookie);
        writer.integer(3, STATUS_OK);
    }
    if let Response::NotFound(why) = response {
        writer.integer(3, why.status.number());
        writer.bytes(4, why.words.as_bytes());
    }
    writer.into_bytes()
}

fn registration(told: &Told) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(1, told.namespace.as_bytes());
    writer.bytes(2, &told.record);
    writer.integer(3, told.ttl_s);
    writer.into_bytes()
}
