//! Everything of the crate that reads what others wrote: encodings that were
//! changed at random never panic, never grow beyond their limits, and where
//! they are understood they say the same when encoded again.
//!
//! The time that this takes is bounded; `ION_WEBRTC_FUZZ_MS` sets another than
//! [`FUZZ_MS`] for each of the decoders, in milliseconds.

#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures_timer::Delay;
use ion_webrtc::{
    description::{self, Description, SdpKind},
    frame::{self, Flag},
    handshake::{Input, Role, Session},
    signaling::{self, IceCandidate, Message},
};

/// How long each decoder is tried, in milliseconds.
const FUZZ_MS: u64 = 300;

/// A small generator; the same sequence for the same seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }
}

fn mutant(of: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = of.to_vec();
    for _ in 0..=rng.below(4) {
        let place = rng.below(bytes.len());
        match rng.below(5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place.min(bytes.len()), rng.byte()),
            2 if !bytes.is_empty() => drop(bytes.remove(place)),
            3 if !bytes.is_empty() => bytes[place] ^= 1 << rng.below(8),
            _ if !bytes.is_empty() => bytes[place] = rng.byte(),
            _ => {}
        }
    }
    bytes
}

/// Tries mutants of samples until the time is up. `accepts` says whether one was
/// understood; some have to be, and some not.
fn fuzz(samples: &[Vec<u8>], mut accepts: impl FnMut(&[u8], &mut Rng) -> bool) {
    let set = std::env::var("ION_WEBRTC_FUZZ_MS").ok().and_then(|text| text.parse().ok());
    let mut late = Delay::new(Duration::from_millis(set.unwrap_or(FUZZ_MS)));
    let mut rng = Rng(0x1234_5678_9abc_def1);
    let (mut tried, mut understood) = (0_u64, 0_u64);
    while tried < 1_000 || (&mut late).now_or_never().is_none() {
        for sample in samples {
            let bytes = mutant(sample, &mut rng);
            tried += 1;
            understood += u64::from(accepts(&bytes, &mut rng));
        }
    }
    println!("{understood} of {tried} got past the first check");
    assert!(understood > tried / 100, "mutants that nobody understands test nothing");
    assert!(understood < tried, "nothing is ever refused");
}

fn sdp() -> String {
    let fingerprint = vec!["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
         a=candidate:1 1 udp 7 0c1d2e3f-0123-4567-89ab-cdef01234567.local 51 typ host\r\n\
         a=candidate:1 1 udp 7 2001:db8::1 51 typ srflx raddr 0.0.0.0 rport 0\r\n\
         a=candidate:1 1 udp 7 10.1.2.3 52 typ host\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:active\r\na=mid:0\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\n"
    )
}

fn messages() -> Vec<Vec<u8>> {
    let candidate = IceCandidate::of_line("candidate:1 1 udp 7 10.1.2.3 52 typ host".to_owned());
    let all = [
        Message::Offer(sdp()),
        Message::Answer("v=0".to_owned()),
        Message::Candidate(Some(candidate)),
        Message::Candidate(None),
    ];
    all.iter().map(Message::encode).collect()
}

#[test]
fn signaling_frames() {
    fuzz(&messages(), |bytes, rng| {
        let mut decoder = signaling::Decoder::default();
        let mut count = 0;
        for piece in bytes.chunks(1 + rng.below(bytes.len())) {
            decoder.push(piece);
            while let Ok(Some(message)) = decoder.next() {
                let mut again = signaling::Decoder::default();
                again.push(&message.encode());
                assert_eq!(again.next(), Ok(Some(message)));
                count += 1;
            }
        }
        count > 0
    });
}

#[test]
fn stream_frames() {
    let (small, _) = frame::encode_payload(b"payload");
    let (large, _) = frame::encode_payload(&[7; 1_000]);
    let samples = [small, large, frame::encode_flag(Flag::Fin), frame::encode_flag(Flag::Reset)];
    fuzz(&samples, |bytes, rng| {
        let mut decoder = frame::Decoder::default();
        let mut payload = 0;
        let mut count = 0;
        for piece in bytes.chunks(1 + rng.below(bytes.len())) {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Ok(Some(frame)) = decoder.next() {
                payload += frame.payload.len();
                count += 1;
            }
        }
        assert!(payload <= bytes.len(), "nothing comes from nothing");
        count > 0
    });
}

#[test]
fn short_descriptions() {
    let sample = Description::from_sdp(&sdp()).expect("it is one").encode();
    fuzz(&[sample], |bytes, _| {
        let Ok(found) = Description::decode(bytes) else { return false };
        assert_eq!(found.encode(), bytes, "there is one encoding of each");
        for kind in [SdpKind::Offer, SdpKind::Answer] {
            let again = Description::from_sdp(&found.to_sdp(kind)).expect("our own are readable");
            assert_eq!((&again.ufrag, &again.pwd), (&found.ufrag, &found.pwd));
            assert!(again.candidates.len() <= found.candidates.len());
        }
        true
    });
}

#[test]
fn session_descriptions() {
    fuzz(&[sdp().into_bytes()], |bytes, _| {
        let Ok(found) = Description::from_sdp(&String::from_utf8_lossy(bytes)) else {
            return false;
        };
        let short = found.encode();
        assert!(short.len() <= description::BYTES_MAX);
        assert_eq!(Description::decode(&short), Ok(found));
        true
    });
}

#[test]
fn handshakes_take_anything() {
    let samples = messages();
    fuzz(&samples.clone(), |bytes, rng| {
        let role = [Role::Offerer, Role::Answerer][rng.below(2)];
        let mut session = Session::new(role);
        let mut effects = Vec::new();
        session.handle(Input::Begin, &mut effects);
        let mut decoder = signaling::Decoder::default();
        decoder.push(bytes);
        for _ in 0..8 {
            decoder.push(&samples[rng.below(samples.len())]);
            let input = match rng.below(4) {
                0 => Input::Described(sdp()),
                1 => Input::Connected,
                _ => match decoder.next() {
                    Ok(Some(message)) => Input::Received(message),
                    Ok(None) => Input::SignalingEnded,
                    Err(_) => Input::Malformed,
                },
            };
            session.handle(input, &mut effects);
        }
        let ends = effects.iter().filter(|one| {
            use ion_webrtc::handshake::Effect::{Done, Fail};
            matches!(one, Done | Fail(_))
        });
        assert!(ends.count() <= 1, "it ends once");
        effects.len() > 2
    });
}
