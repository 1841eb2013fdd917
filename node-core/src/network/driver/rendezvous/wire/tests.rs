//! The bytes of each message, and noise.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// `REGISTER` of a record of three bytes under `n`, for 60 seconds.
const REGISTER: &[u8] = b"\x08\x00\x12\x0a\x0a\x01n\x12\x03rec\x18\x3c";
/// `UNREGISTER` from `n`, with the id that is no longer used.
const UNREGISTER: &[u8] = b"\x08\x02\x22\x07\x0a\x01n\x12\x02id";
/// `DISCOVER` of 300 in `n` after a cookie.
const DISCOVER: &[u8] = b"\x08\x03\x2a\x0b\x0a\x01n\x10\xac\x02\x1a\x03abc";

fn discover(namespace: &str, limit: Option<u64>, cookie: Option<&[u8]>) -> Request {
    let namespace = namespace.to_owned();
    Request::Discover { namespace, limit, cookie: cookie.map(<[u8]>::to_vec) }
}

#[test]
fn requests_are_read() {
    let namespace = || "n".to_owned();
    let register =
        Request::Register { namespace: namespace(), record: b"rec".to_vec(), ttl_s: Some(60) };
    assert_eq!(decode_request(REGISTER), Ok(register));
    assert_eq!(decode_request(UNREGISTER), Ok(Request::Unregister { namespace: namespace() }));
    assert_eq!(decode_request(DISCOVER), Ok(discover("n", Some(300), Some(b"abc"))));
    assert_eq!(decode_request(b"\x08\x03\x2a\x00"), Ok(discover("", None, None)));
}

#[test]
fn unknown_fields_are_passed_over_and_the_last_counts() {
    // Fields 15, 16, 17 and 18, of each wire type; then a second namespace.
    let unknown = b"\x78\x01\x82\x01\x01x\x8d\x01abcd\x91\x01abcdefgh";
    let body = [&unknown[..], b"\x0a\x01m\x0a\x01n"].concat();
    let length = u8::try_from(body.len()).expect("it is short");
    let bytes = [unknown, &b"\x2a"[..], &[length], &body, b"\x08\x00\x08\x03"].concat();
    assert_eq!(decode_request(&bytes), Ok(discover("n", None, None)));
}

#[test]
fn what_is_no_request_is_refused_with_the_reason() {
    let refused: [(&[u8], WireError); 14] = [
        (b"", WireError::NoKind),
        (b"\x2a\x00", WireError::NoKind),
        (b"\x08\x03", WireError::NoBody),
        (b"\x08\x03\x12\x00", WireError::NoBody),
        (b"\x08\x01\x1a\x00", WireError::NotARequest),
        (b"\x08\x04\x32\x00", WireError::NotARequest),
        (b"\x08\x63", WireError::NotARequest),
        (b"\x08", WireError::CutOff),
        (b"\x08\x03\x2a\x05\x0a", WireError::CutOff),
        (b"\x08\x03\x2a\x03\x0a\x01\xff", WireError::NotText),
        (b"\x0a\x01n", WireError::WrongType(1)),
        (b"\x0b", WireError::WrongType(1)),
        (b"\x00\x00", WireError::WrongNumber),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", WireError::IntegerTooLong),
    ];
    for (bytes, why) in refused {
        assert_eq!(decode_request(bytes), Err(why), "{bytes:?}");
    }
}

#[test]
fn the_longest_integer_is_read() {
    let bytes = b"\x08\x03\x2a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(decode_request(bytes), Ok(discover("", Some(u64::MAX), None)));
}

fn refused(status: Status, words: &str) -> Refused {
    Refused { status, words: words.to_owned() }
}

/// Every response and its bytes.
fn responses() -> [(Response, &'static [u8]); 5] {
    let told = Told { namespace: "n".into(), record: b"rec".as_slice().into(), ttl_s: 300 };
    let registrations = vec![told.clone(), told];
    let found = Found { registrations, cookie: b"abc".to_vec() };
    let none = Found { registrations: Vec::new(), ..found.clone() };
    let full = refused(Status::Unavailable, "a peer registers in at most 8 namespaces");
    let required = refused(Status::NotAuthorized, "a namespace is required");
    [
        (Response::Registered { ttl_s: 7_200 }, b"\x09\x08\x01\x1a\x05\x08\x00\x18\xa0\x38"),
        (
            Response::NotRegistered(full),
            b"\x31\x08\x01\x1a\x2d\x08\x90\x03\x12\x28a peer registers in at most 8 namespaces",
        ),
        (
            Response::Found(found),
            b"\x25\x08\x04\x32\x21\
              \x0a\x0b\x0a\x01n\x12\x03rec\x18\xac\x02\
              \x0a\x0b\x0a\x01n\x12\x03rec\x18\xac\x02\
              \x12\x03abc\x18\x00",
        ),
        (Response::Found(none), b"\x0b\x08\x04\x32\x07\x12\x03abc\x18\x00"),
        (
            Response::NotFound(required),
            b"\x20\x08\x04\x32\x1c\x18\xc8\x01\x22\x17a namespace is required",
        ),
    ]
}

#[test]
fn responses_are_written_and_read() {
    for (response, bytes) in responses() {
        let framed = frame_response(&response);
        assert_eq!(framed.escape_ascii().to_string(), bytes.escape_ascii().to_string());
        assert_eq!(decode_response(&bytes[1..]), Ok(response));
    }
}

#[test]
fn requests_are_written_as_they_are_read() {
    for bytes in [REGISTER, b"\x08\x02\x22\x03\x0a\x01n", DISCOVER] {
        let request = decode_request(bytes).expect("it is a request");
        let framed = frame_request(&request);
        assert_eq!(framed[1..].escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }
}

#[test]
fn what_is_no_response_is_refused_with_the_reason() {
    let refused: [(&[u8], WireError); 7] = [
        (b"", WireError::NoKind),
        (b"\x08\x01", WireError::NoBody),
        (b"\x08\x04\x1a\x00", WireError::NoBody),
        (REGISTER, WireError::NotAResponse),
        (b"\x08\x63", WireError::NotAResponse),
        (b"\x08\x04\x32\x05\x0a", WireError::CutOff),
        (b"\x08\x04\x32\x05\x0a\x03\x0a\x01\xff", WireError::NotText),
    ];
    for (bytes, why) in refused {
        assert_eq!(decode_response(bytes), Err(why), "{bytes:?}");
    }
}

#[test]
fn of_too_many_registrations_the_first_are_read() {
    let mut body = Vec::new();
    for _ in 0..2 * TOLD_MAX {
        body.extend(b"\x0a\x00");
    }
    let mut writer = Writer::default();
    writer.integer(message::KIND, kind::DISCOVER_RESPONSE);
    writer.bytes(message::DISCOVER_RESPONSE, &body);
    let Ok(Response::Found(found)) = decode_response(&writer.into_bytes()) else {
        panic!("it is an answer");
    };
    assert_eq!(found.registrations.len(), TOLD_MAX);
}

/// Changes, removes, inserts or repeats a few bytes.
fn mutate(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    for _ in 0..rng.random_range(1..=3) {
        let at = rng.random_range(0..=bytes.len());
        match rng.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] = rng.random(),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => bytes.insert(at, rng.random()),
        }
    }
}

/// Noise in valid requests never panics. Much of it is refused, and enough
/// gets past the reading to have tried what lies behind.
#[test]
fn noise_is_refused_or_read_but_never_panics() {
    const ROUNDS: u32 = 200_000;
    const SEED: u64 = 2;
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut past = 0;
    for round in 0..ROUNDS {
        let valid = [REGISTER, UNREGISTER, DISCOVER][round as usize % 3];
        let mut bytes = valid.to_vec();
        mutate(&mut bytes, &mut rng);
        if let Ok(request) = decode_request(&bytes) {
            past += 1;
            let held = match request {
                Request::Register { namespace, record, .. } => namespace.len() + record.len(),
                Request::Unregister { namespace } => namespace.len(),
                Request::Discover { namespace, cookie, .. } => {
                    namespace.len() + cookie.map_or(0, |cookie| cookie.len())
                }
            };
            assert!(held <= bytes.len(), "{bytes:?} (seed {SEED}, round {round})");
        }
    }
    println!("{past} of {ROUNDS} mutated requests were read");
    assert!((ROUNDS / 50..ROUNDS / 2).contains(&past), "{past} of {ROUNDS}");
}

/// The same of responses.
#[test]
fn noise_in_responses_never_panics() {
    const ROUNDS: u32 = 200_000;
    const SEED: u64 = 3;
    let mut rng = StdRng::seed_from_u64(SEED);
    let valid = responses();
    let mut past = 0;
    for round in 0..ROUNDS {
        let mut bytes = valid[round as usize % valid.len()].1[1..].to_vec();
        mutate(&mut bytes, &mut rng);
        past += u32::from(decode_response(&bytes).is_ok());
    }
    println!("{past} of {ROUNDS} mutated responses were read");
    assert!((ROUNDS / 50..ROUNDS * 9 / 10).contains(&past), "{past} of {ROUNDS}");
}
