//! A binding request's bytes, and those of its answer.
//!
//! Refused, which means left without an answer: everything that is not a
//! binding request of RFC 8489 with its magic cookie, whole and with well
//! formed attributes, and requests longer than [`REQUEST_BYTES_MAX`]. A request
//! that demands what we do not know is answered with error 420, as the RFC
//! has it.
//!
//! Specification: RFC 8489, sections 5, 6.3.1, 14.2, 14.8, 14.9.

use std::net::SocketAddr;

use stun::{
    Error,
    agent::TransactionId,
    attributes::{
        ATTR_MESSAGE_INTEGRITY, ATTR_MESSAGE_INTEGRITY_SHA256, ATTR_NONCE, ATTR_PASSWORD_ALGORITHM,
        ATTR_PRIORITY, ATTR_REALM, ATTR_USE_CANDIDATE, ATTR_USER_HASH, ATTR_USERNAME, AttrType,
    },
    error_code::{CODE_UNKNOWN_ATTRIBUTE, ErrorCodeAttribute},
    message::{
        BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, MESSAGE_HEADER_SIZE, Message, Setter,
    },
    uattrs::UnknownAttributes,
    xoraddr::XorMappedAddress,
};

/// Bytes of a request; longer ones are not read.
pub(super) const REQUEST_BYTES_MAX: usize = 548;
/// Bytes of an answer: a header and an address (IPv6), or an error that
/// names [`UNKNOWN_MAX`] attributes.
pub(super) const RESPONSE_BYTES_MAX: usize = 44;

/// Attributes that an error names.
const UNKNOWN_MAX: usize = 4;
/// What asks for or carries authentication, which a server that wants none
/// passes over; and what ICE adds, which some clients send.
const PASSED_OVER: [AttrType; 9] = [
    ATTR_USERNAME,
    ATTR_MESSAGE_INTEGRITY,
    ATTR_REALM,
    ATTR_NONCE,
    ATTR_MESSAGE_INTEGRITY_SHA256,
    ATTR_PASSWORD_ALGORITHM,
    ATTR_USER_HASH,
    ATTR_PRIORITY,
    ATTR_USE_CANDIDATE,
];

/// The answer to these bytes, which came from there; none where they ask
/// nothing that can be answered.
pub(super) fn answer(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let request = read(request)?;
    let unknown = unknown(&request);
    let response =
        if unknown.0.is_empty() { mapped(&request, from) } else { refused(&request, &unknown) };
    let response = response.ok()?.raw;
    debug_assert!(response.len() <= RESPONSE_BYTES_MAX, "answers are short");
    Some(response)
}

/// A binding request; the crate itself passes over what follows a message, and
/// over the two bits that tell STUN from others.
fn read(bytes: &[u8]) -> Option<Message> {
    if bytes.len() > REQUEST_BYTES_MAX || !bytes.starts_with(&BINDING_REQUEST.value().to_be_bytes())
    {
        return None;
    }
    let mut request = Message::new();
    request.unmarshal_binary(bytes).ok()?;
    let length = usize::try_from(request.length).ok()?;
    (MESSAGE_HEADER_SIZE + length == bytes.len() && length.is_multiple_of(4)).then_some(request)
}

/// The attributes that must be understood and are not, the first of them.
fn unknown(request: &Message) -> UnknownAttributes {
    let mut unknown = Vec::new();
    for attribute in &request.attributes.0 {
        let kind = attribute.typ;
        let is_unknown = kind.required() && !PASSED_OVER.contains(&kind);
        if is_unknown && unknown.len() < UNKNOWN_MAX && !unknown.contains(&kind) {
            unknown.push(kind);
        }
    }
    UnknownAttributes(unknown)
}

fn mapped(request: &Message, from: SocketAddr) -> Result<Message, Error> {
    let address = XorMappedAddress { ip: from.ip(), port: from.port() };
    response(request.transaction_id, &[&BINDING_SUCCESS, &address])
}

/// An error without words, so that it is short.
fn refused(request: &Message, unknown: &UnknownAttributes) -> Result<Message, Error> {
    let error = ErrorCodeAttribute { code: CODE_UNKNOWN_ATTRIBUTE, reason: Vec::new() };
    response(request.transaction_id, &[&BINDING_ERROR, &error, unknown])
}

fn response(id: TransactionId, parts: &[&dyn Setter]) -> Result<Message, Error> {
    let mut response = Message { transaction_id: id, ..Message::new() };
    response.write_header();
    for part in parts {
        part.add_to(&mut response)?;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use stun::message::MAGIC_COOKIE;

    use super::*;

    const ID: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

    fn request(attributes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(attributes.len()).expect("it is short").to_be_bytes();
        [&[0, 1], &length[..], &MAGIC_COOKIE.to_be_bytes(), &ID, attributes].concat()
    }

    fn from(text: &str) -> SocketAddr {
        text.parse().expect("it is an address")
    }

    /// The address and the id are those of RFC 5769, section 2.2.
    #[test]
    fn an_ipv4_address_is_told_as_the_rfc_shows_it() {
        let told = answer(&request(&[]), from("192.0.2.1:32853")).expect("it is answered");
        let attribute = b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";
        assert_eq!(
            told,
            [&b"\x01\x01\x00\x0c"[..], &MAGIC_COOKIE.to_be_bytes(), &ID, attribute].concat()
        );
    }

    /// The same of section 2.3.
    #[test]
    fn an_ipv6_address_is_told_as_the_rfc_shows_it() {
        let from = from("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
        let told = answer(&request(&[]), from).expect("it is answered");
        let attribute = b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\
            \xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
        assert_eq!(
            told,
            [&b"\x01\x01\x00\x18"[..], &MAGIC_COOKIE.to_be_bytes(), &ID, attribute].concat()
        );
    }

    #[test]
    fn what_may_be_passed_over_is() {
        // SOFTWARE "abcde" with its padding, USERNAME "u".
        let attributes = b"\x80\x22\x00\x05abcde\0\0\0\x00\x06\x00\x01u\0\0\0";
        let told = answer(&request(attributes), from("192.0.2.1:1")).expect("it is answered");
        assert_eq!(told[..2], BINDING_SUCCESS.value().to_be_bytes());
    }

    #[test]
    fn a_demand_that_is_not_known_is_refused_by_its_number() {
        // CHANGE-REQUEST, twice, and a number that nobody has.
        let attributes = b"\x00\x03\x00\x04\0\0\0\x06\x00\x03\x00\x04\0\0\0\x06\x7f\xff\x00\x00";
        let told = answer(&request(attributes), from("192.0.2.1:1")).expect("it is answered");
        assert_eq!(told[..4], *b"\x01\x11\x00\x10");
        assert_eq!(told[20..], *b"\x00\x09\x00\x04\0\0\x04\x14\x00\x0a\x00\x04\x00\x03\x7f\xff");
        let many: Vec<u8> =
            (0x100_u16..0x120).flat_map(|kind| [kind.to_be_bytes(), [0; 2]].concat()).collect();
        let told = answer(&request(&many), from("[::1]:1")).expect("it is answered");
        assert!(told.len() <= RESPONSE_BYTES_MAX, "{}", told.len());
    }

    #[test]
    fn everything_else_is_left_without_an_answer() {
        let good = request(&[]);
        let changed = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = byte;
            changed
        };
        let silent = [
            Vec::new(),
            good[..19].to_vec(),
            [&good[..], &[0; 4]].concat(),
            // An indication, an answer, another method, a length of its own, an
            // old cookie.
            changed(1, 0x11),
            changed(0, 1),
            changed(1, 3),
            changed(3, 4),
            changed(4, 0),
            request(b"\x80\x22\x00\x05abcd"),
            request(b"\x80\x22\xff\xff"),
            request(&[0x80; 2]),
            request(&[0x80, 0x22, 0, 0].repeat(140)),
        ];
        for bytes in silent {
            assert_eq!(answer(&bytes, from("192.0.2.1:1")), None, "{bytes:?}");
        }
    }

    /// Noise in valid requests never panics and never gets a long answer; some
    /// of it is answered, so what lies behind the first check was tried.
    #[test]
    fn noise_is_answered_shortly_or_not_at_all() {
        const ROUNDS: u32 = 200_000;
        const SEED: u64 = 7;
        let mut rng = StdRng::seed_from_u64(SEED);
        let valid = request(b"\x80\x22\x00\x05abcde\0\0\0\x00\x03\x00\x04\0\0\0\x06\x00\x06\0\0");
        let mut past = 0;
        for round in 0..ROUNDS {
            let mut bytes = valid.clone();
            for _ in 0..rng.random_range(1..=3) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
            if rng.random_ratio(1, 8) {
                bytes.truncate(rng.random_range(0..bytes.len()));
            }
            if let Some(told) = answer(&bytes, from("[::1]:1")) {
                past += 1;
                assert!(told.len() <= RESPONSE_BYTES_MAX, "seed {SEED}, round {round}");
            }
        }
        println!("{past} of {ROUNDS} mutated requests were answered");
        assert!((ROUNDS / 50..ROUNDS).contains(&past), "{past} of {ROUNDS}");
    }
}
