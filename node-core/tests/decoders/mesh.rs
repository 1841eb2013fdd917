//! What neighbours and other ions say in the mesh: broadcast, rooms, routing,
//! signaling, pairing.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use node_core::{
    identity::{Ed25519Keys, Invitation, IonId, SimKeys},
    network::{
        broadcast::{self, Topic, wire as spread},
        pairing::{Error, Pairing},
        rooms::Said,
        routing::{Line, Obstacle, wire as routed},
        signaling::wire as signal,
        wire::{Room, encode},
    },
    platform::{Time, sim::Rng},
};

use super::{digest, fuzz, mutant, mutants};

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn keys(salt: u8) -> SimKeys {
    SimKeys::of(ion(salt))
}

/// A rumour's body; the frames of [`spread`] carry it signed.
fn rumour() -> Vec<u8> {
    let (author, topic) = (ion(1), Topic::Room("hall".to_owned()));
    encode(&spread::Rumour {
        author,
        topic,
        serial: spread::Serial { life: 6, number: 7 },
        payload: b"hello".to_vec(),
    })
}

fn spread_messages() -> Vec<spread::Message> {
    let id = spread::Id([9; 16]);
    vec![
        spread::Message::Push {
            hops: 3,
            age_ms: 70_000,
            is_repair: false,
            body: rumour(),
            signature: [5; 64],
        },
        spread::Message::Have(vec![(id, 3), (id, 4)]),
        spread::Message::Graft(vec![id]),
        spread::Message::Prune,
        spread::Message::Fetch(vec![id]),
    ]
}

fn routed_messages() -> Vec<routed::Message> {
    let (asker, request, path) = (ion(1), 7, vec![ion(1), ion(2)]);
    let what = routed::What::Question(b"who?".to_vec());
    let ask = routed::Ask { asker, request, echo: 2, what };
    let find = routed::Ask { what: routed::What::Find(ion(3)), ..ask.clone() };
    let answer = routed::Answer { asker, request, answerer: ion(3), sealed: vec![1; 60] };
    let (origin, to, line) = (ion(1), ion(3), Line::Room(Room::Compute));
    let header =
        routed::Header { origin, to, line, conversation: 8, number: 9, piece: 1, pieces: 3 };
    let (signature, sealed, attempt) = ([5; 64], vec![2; 70], 1);
    vec![
        routed::Message::Ask { ask, signature, path: path.clone() },
        routed::Message::Ask { ask: find, signature, path: path.clone() },
        routed::Message::Answer { answer, signature },
        routed::Message::Done { asker, request, is_complete: true },
        routed::Message::Packet { header, sealed, signature, attempt, path: path.clone() },
        routed::Message::Refusal {
            origin,
            to,
            conversation: 8,
            number: 9,
            attempt,
            why: Obstacle::NoWay,
            path,
        },
    ]
}

fn lab() -> Invitation {
    Invitation::found("our lab", false, vec![], &[1; 48]).expect("it is valid")
}

fn signal() -> signal::Signal {
    let (kind, nonce) = (signal::Kind::Offer, signal::Nonce([6; 16]));
    let (nebula, description) = (lab().nebula, b"there".to_vec());
    signal::Signal { kind, from: ion(1), to: ion(2), nebula, nonce, description }
}

#[test]
fn changed_broadcast_messages() {
    let samples: Vec<_> = spread_messages().iter().map(encode).collect();
    fuzz("broadcast", &samples, |bytes| match spread::decode(bytes) {
        Ok(message) => {
            assert_eq!(spread::decode(&encode(&message)), Ok(message));
            true
        }
        Err(_) => false,
    });
    // The signature stops all, so the body behind it is changed by itself.
    fuzz("rumours", &[rumour()], |bytes| {
        !matches!(
            spread::read(&keys(1), bytes, &[0; 64]),
            Err(spread::Refusal::Malformed | spread::Refusal::TooLarge)
        )
    });
    let said = [Said::Words(b"hello".to_vec()), Said::Here, Said::Bye];
    fuzz("rooms", &said.iter().map(encode).collect::<Vec<_>>(), |bytes| {
        ion_codec::from_slice::<Said>(bytes).is_ok()
    });
}

#[test]
fn changed_routed_messages() {
    let samples: Vec<_> = routed_messages().iter().map(encode).collect();
    fuzz("routing", &samples, |bytes| match routed::decode(bytes) {
        Ok(message) => {
            assert_eq!(routed::decode(&encode(&message)), Ok(message));
            true
        }
        Err(_) => false,
    });
}

/// A whole machine that hears changed frames neither panics nor falls silent.
#[test]
fn machines_bear_changed_frames() {
    let mut rng = Rng::new(13);
    let mut flood = broadcast::Broadcast::new(Arc::new(keys(4)), Rng::new(1), 1);
    let mut routing = node_core::network::routing::Routing::new(Arc::new(keys(4)), 1);
    let (mut spread_effects, mut routed_effects) = (Vec::new(), Vec::new());
    for salt in 1..4 {
        let up = broadcast::Input::NeighbourUp(ion(salt));
        flood.handle(Time::ZERO, up, &mut spread_effects);
        let up = node_core::network::routing::Input::NeighbourUp(ion(salt));
        routing.handle(Time::ZERO, up, &mut routed_effects);
    }
    for number in 0..4_000 {
        let now = Time::from_ms(number * 20);
        for message in spread_messages() {
            let heard = broadcast::Input::Heard(ion(2), mutant(&encode(&message), &mut rng));
            flood.handle(now, heard, &mut spread_effects);
        }
        for message in routed_messages() {
            let bytes = mutant(&encode(&message), &mut rng);
            let heard = node_core::network::routing::Input::Heard(ion(2), bytes);
            routing.handle(now, heard, &mut routed_effects);
        }
        flood.handle(now, broadcast::Input::Tick, &mut spread_effects);
        routing.handle(now, node_core::network::routing::Input::Tick, &mut routed_effects);
    }
    assert!(spread_effects.contains(&broadcast::Effect::Offence(ion(2))));
    assert!(routed_effects.contains(&node_core::network::routing::Effect::Offence(ion(2))));
}

#[test]
fn changed_signals() {
    let bytes = signal::encode(&keys(1), &signal());
    assert_eq!(signal::decode(&keys(2), &bytes), Ok(signal()));
    let mut rng = Rng::new(14);
    for _ in 0..mutants() {
        if let Ok(read) = signal::decode(&keys(2), &mutant(&bytes, &mut rng)) {
            assert_eq!(read, signal());
        }
    }
    fuzz("signals", &[encode(&signal())], |bytes| {
        ion_codec::from_slice::<signal::Signal>(bytes).is_ok()
    });
}

#[test]
fn changed_pairing_strings() {
    let pairing = |salt| Pairing::new(Arc::new(Ed25519Keys::of_seed(&[salt; 32])));
    let text = pairing(1).offer(1_000, [7; 16], &lab(), true, b"there").expect("it fits");
    let offer = pairing(2).read_offer(1_000, &text, None);
    assert!(offer.is_ok());
    let mut rng = Rng::new(15);
    for _ in 0..mutants() {
        let changed = mutant(text.as_bytes(), &mut rng);
        let changed = String::from_utf8_lossy(&changed).into_owned();
        let read = pairing(2).read_offer(1_000, &changed, None);
        assert!(read.is_err() || read == offer, "{changed}");
        assert!(pairing(2).read_answer(1_000, &changed, &lab()).is_err());
    }
    // The checksum stops all of these, so what is behind it is changed by itself.
    let code = text.strip_prefix("ION-OFFER-1-").expect("that is how offers begin");
    let signed = BASE64URL_NOPAD.decode(code.as_bytes()).expect("it is base64");
    let reads = |changed: &[u8]| {
        let sum = blake3::derive_key("ionosphere 2026-11 pairing checksum", changed);
        let code = BASE64URL_NOPAD.encode(&[changed, &sum[..4]].concat());
        let read = pairing(2).read_offer(1_000, &format!("ION-OFFER-1-{code}"), None);
        assert!(read.is_err() || read == offer, "{changed:?}");
        read != Err(Error::Damaged)
    };
    fuzz("pairing", &[signed[..signed.len() - 4].to_vec()], reads);
}

#[test]
fn golden_mesh() {
    let spread: Vec<_> = spread_messages().iter().map(encode).collect();
    assert_eq!(spread[3], b"ePrune");
    let routed: Vec<_> = routed_messages().iter().map(encode).collect();
    let said = [Said::Words(b"hello".to_vec()), Said::Here, Said::Bye].map(|said| encode(&said));
    assert_eq!(said[1], b"dHere");
    let signal = vec![signal::encode(&keys(1), &signal())];
    let digests = [digest(&spread), digest(&routed), digest(&said), digest(&signal)];
    let golden = ["9cc1c831b3d846b4", "f8f75b1058c4cc2b", "7f257b36abba3292", "be3a273a12deeae4"];
    assert_eq!(digests, golden);
}
