//! A binding request's bytes, and those of its answer.
//!
//! Refused, which means left without an answer: everything that is not a
//! binding request of RFC 8489 with its magic cookie, whole and with well
//! formed attributes, and requests longer than [`REQUEST_BYTES_MAX`]. A request
//! that demands what we do not know is answered with error 420, as the RFC
//! has it.
//!
//! Specification: RFC 8489, sections 5, 6.3.1, 14.2, 14.8, 14.9.

use std::net::{IpAddr, SocketAddr};

/// Bytes of a request; longer ones are not read.
pub(super) const REQUEST_BYTES_MAX: usize = 548;
/// Bytes of an answer: a header and an address (IPv6), or an error that
/// names [`UNKNOWN_MAX`] attributes.
pub(super) const RESPONSE_BYTES_MAX: usize = 44;

const HEADER_BYTES: usize = 20;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Attributes that an error names.
const UNKNOWN_MAX: usize = 4;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_RESPONSE: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Attributes from here on may be passed over.
const OPTIONAL: u16 = 0x8000;
/// What asks for or carries authentication, which a server that wants none
/// passes over: USERNAME, MESSAGE-INTEGRITY, REALM, NONCE,
/// MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH; and ICE's PRIORITY
/// and USE-CANDIDATE, which some clients send.
const PASSED_OVER: [u16; 9] =
    [0x0006, 0x0008, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0024, 0x0025];

/// The answer to these bytes, which came from there; none where they ask
/// nothing that can be answered.
pub(super) fn answer(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let (id, attributes) = read(request)?;
    let unknown = unknown(attributes)?;
    let (kind, body) = if unknown.is_empty() {
        (BINDING_RESPONSE, mapped_address(id, from))
    } else {
        (BINDING_ERROR, unknown_attributes(&unknown))
    };
    let mut response = Vec::with_capacity(RESPONSE_BYTES_MAX);
    response.extend(kind.to_be_bytes());
    response.extend(length(&body).to_be_bytes());
    response.extend(MAGIC);
    response.extend(id);
    response.extend(body);
    debug_assert!(response.len() <= RESPONSE_BYTES_MAX, "answers are short");
    Some(response)
}

/// A request's transaction id and attributes.
fn read(request: &[u8]) -> Option<(&[u8; 12], &[u8])> {
    if request.len() > REQUEST_BYTES_MAX {
        return None;
    }
    let (header, attributes) = request.split_first_chunk::<HEADER_BYTES>()?;
    let kind = u16::from_be_bytes([header[0], header[1]]);
    let length = u16::from_be_bytes([header[2], header[3]]);
    let is_whole = usize::from(length) == attributes.len() && length.is_multiple_of(4);
    let is_ours = kind == BINDING_REQUEST && header[4..8] == MAGIC;
    let id = header.last_chunk::<12>()?;
    (is_whole && is_ours).then_some((id, attributes))
}

/// The attributes that must be understood and are not, the first of them;
/// none where an attribute goes beyond the end.
fn unknown(mut attributes: &[u8]) -> Option<Vec<u16>> {
    let mut unknown = Vec::new();
    while !attributes.is_empty() {
        let (head, rest) = attributes.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (_, rest) = rest.split_at_checked(length.next_multiple_of(4))?;
        attributes = rest;
        let is_unknown = kind < OPTIONAL && !PASSED_OVER.contains(&kind);
        if is_unknown && unknown.len() < UNKNOWN_MAX && !unknown.contains(&kind) {
            unknown.push(kind);
        }
    }
    Some(unknown)
}

/// The address, each byte exclusive-or with the cookie and the id, so that
/// routers that rewrite addresses in packets leave it alone.
fn mapped_address(id: &[u8; 12], from: SocketAddr) -> Vec<u8> {
    let (family, ip) = match from.ip() {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    let mask: Vec<u8> = MAGIC.iter().chain(id).copied().collect();
    let masked = |bytes: &[u8]| {
        let pairs = bytes.iter().zip(&mask);
        pairs.map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>()
    };
    let mut value = vec![0, family];
    value.extend(masked(&from.port().to_be_bytes()));
    value.extend(masked(&ip));
    attribute(XOR_MAPPED_ADDRESS, &value)
}

fn unknown_attributes(unknown: &[u16]) -> Vec<u8> {
    // Class 4, number 20, no words.
    let mut body = attribute(ERROR_CODE, &[0, 0, 4, 20]);
    let names: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    body.extend(attribute(UNKNOWN_ATTRIBUTES, &names));
    body
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend(length(value).to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).expect("answers are short")
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    const ID: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

    fn request(attributes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(attributes.len()).expect("it is short").to_be_bytes();
        [&[0, 1], &length[..], &MAGIC, &ID, attributes].concat()
    }

    fn from(text: &str) -> SocketAddr {
        text.parse().expect("it is an address")
    }

    /// The address and the id are those of RFC 5769, section 2.2.
    #[test]
    fn an_ipv4_address_is_told_as_the_rfc_shows_it() {
        let told = answer(&request(&[]), from("192.0.2.1:32853")).expect("it is answered");
        let attribute = b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";
        assert_eq!(told, [&b"\x01\x01\x00\x0c"[..], &MAGIC, &ID, attribute].concat());
    }

    /// The same of section 2.3.
    #[test]
    fn an_ipv6_address_is_told_as_the_rfc_shows_it() {
        let from = from("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
        let told = answer(&request(&[]), from).expect("it is answered");
        let attribute = b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\
            \xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
        assert_eq!(told, [&b"\x01\x01\x00\x18"[..], &MAGIC, &ID, attribute].concat());
    }

    #[test]
    fn what_may_be_passed_over_is() {
        // SOFTWARE "abcde" with its padding, USERNAME "u".
        let attributes = b"\x80\x22\x00\x05abcde\0\0\0\x00\x06\x00\x01u\0\0\0";
        let told = answer(&request(attributes), from("192.0.2.1:1")).expect("it is answered");
        assert_eq!(told[..2], BINDING_RESPONSE.to_be_bytes());
    }

    #[test]
    fn a_demand_that_is_not_known_is_refused_by_its_number() {
        // CHANGE-REQUEST, twice, and a number that nobody has.
        let attributes = b"\x00\x03\x00\x04\0\0\0\x06\x00\x03\x00\x04\0\0\0\x06\x7f\xff\x00\x00";
        let told = answer(&request(attributes), from("192.0.2.1:1")).expect("it is answered");
        assert_eq!(told[..4], *b"\x01\x11\x00\x10");
        assert_eq!(told[20..], *b"\x00\x09\x00\x04\0\0\x04\x14\x00\x0a\x00\x04\x00\x03\x7f\xff");
        let many: Vec<u8> = (0x100_u16..0x120).flat_map(|kind| attribute(kind, &[])).collect();
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
