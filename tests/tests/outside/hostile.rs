//! A libp2p client without an invitation, against a relay and a real tab: it
//! gets a refusal or a closed stream, and the tab works on.

use std::time::Duration;

use ionosphere_tests::{
    bare_peer::{Answer, BarePeer, Released, framed, length},
    browser::Browser,
    mission,
    relay::Relay,
    tab::Tab,
};
use libp2p::PeerId;
use node_core::{
    identity::{Invitation, IonId},
    network::{
        neighbours::OFFENCES_MAX,
        neighbours::wire::VERSION,
        wire::{LINK_FRAME_BYTES_MAX, Opening, Room, encode},
    },
};

use crate::turn;

/// How long an ion may take to shut somebody out: it gives a silent stream
/// ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Streams that may meet what an offence before them set off.
const LATE_MAX: usize = 10;

/// Streams that are opened at once.
const STREAMS: usize = 1_000;

/// Streams of a room that an ion may have open, while they replace each other.
const STREAMS_PER_ROOM_MAX: usize = 4;

async fn tab_and_stranger() -> (Relay, Browser, Tab, PeerId, Released) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    let (_, id) = mission::self_name(&tab).await;
    let id: PeerId = id.parse().expect("the page shows a peer id");
    let mut stranger = BarePeer::connect(relay.multiaddr().await).await;
    stranger.reach(id).await;
    (relay, browser, tab, id, stranger.release())
}

/// An opening that has the right form and a proof of nothing.
fn opening(version: u32) -> Vec<u8> {
    encode(&Opening { version, proof: [7; 32], session: 1 })
}

/// The opening of a peer that knows the relay's open nebula.
async fn proven(relay: &Relay, member: &Released, to: &PeerId) -> Vec<u8> {
    let code = relay.document().await.nebula.expect("the relay has an open nebula");
    let membership = Invitation::decode(&code).expect("it was written by us").membership();
    let ion = |peer: &PeerId| IonId::from_peer(peer).expect("it is an Ed25519 key");
    let proof = membership.prove(&ion(&member.id()), &ion(to));
    framed(&encode(&Opening { version: VERSION, proof, session: 1 }))
}

/// What a stranger could say, with a name for each.
fn attacks(room: Room) -> Vec<(&'static str, Vec<u8>)> {
    let wrong = opening(VERSION);
    let newer = opening(99);
    let mut twice = framed(&wrong);
    twice.extend(framed(b"\xa1\x61a\x01"));
    let mut too_long = framed(&wrong);
    too_long.extend(length(room.frame_bytes_max() + 1));
    vec![
        ("garbage", vec![0xff; 64]),
        ("http", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("an empty opening", framed(b"")),
        ("an opening of noise", framed(&[0x5a; 40])),
        ("a wrong proof", framed(&wrong)),
        ("a version from the future", framed(&newer)),
        ("a wrong proof and a message", twice),
        ("a length over the limit", length(LINK_FRAME_BYTES_MAX + 1)),
        ("a wrong proof and a length over the limit", too_long),
        ("an endless length", vec![0x80; 32]),
    ]
}

/// A new stranger with a circuit to the ion, by TCP or `WebSocket`.
async fn stranger(relay: &Relay, id: PeerId, is_websocket: bool) -> Released {
    let address = if is_websocket { relay.websocket().await } else { relay.multiaddr().await };
    let mut stranger = BarePeer::connect(address).await;
    stranger.reach(id).await;
    stranger.release()
}

/// Runs a small job and gives the ions that worked for it.
async fn works(tab: &Tab) -> Vec<String> {
    mission::open_spark(tab, "add").await;
    mission::run(tab).await;
    assert_eq!(mission::ended(tab).await, "finished", "{}", tab.describe().await);
    mission::shares(tab).await.into_iter().map(|(ion, _)| ion).collect()
}

/// Every attack by a stranger of its own, so that none meets only the ban that
/// another earned.
#[tokio::test]
async fn a_stranger_gets_a_refusal_and_others_notice_nothing() {
    let _turn = turn().await;
    let (relay, browser, tab, id, _) = tab_and_stranger().await;
    let second = browser.open(&relay.url("/")).await;
    for tab in [&tab, &second] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 2).await;
        mission::watch_ions(tab).await;
    }
    let members = [mission::self_name(&tab).await.1, mission::self_name(&second).await.1];
    for room in Room::ALL {
        for (number, (name, bytes)) in attacks(room).into_iter().enumerate() {
            let what = format!("{name} on {}", room.protocol());
            let stranger = stranger(&relay, id, number % 2 == 1).await;
            match stranger.say(id, room.protocol(), &bytes, PATIENCE).await {
                Answer::Reset => {}
                Answer::Closed(said) if said.is_empty() || said == b"refused" => {}
                other => panic!("{what}: {other:?}"),
            }
            let workers = works(&tab).await;
            assert!(workers.iter().all(|ion| members.contains(ion)), "{what}: {workers:?}");
            for tab in [&tab, &second] {
                assert_eq!(mission::ions_shown(tab).await, ["2"], "{what}");
            }
        }
    }
    works(&second).await;
}

/// Whoever could prove itself pays for misbehaving like everybody else.
#[tokio::test]
async fn a_member_that_says_what_are_no_frames_is_shut_out() {
    let _turn = turn().await;
    let (relay, browser, tab, id, member) = tab_and_stranger().await;
    let second = browser.open(&relay.url("/")).await;
    mission::counts_ions(&tab, 2).await;
    let right = proven(&relay, &member, &id).await;
    let refused = Answer::Closed(b"refused".to_vec());
    for attempt in 0..=OFFENCES_MAX {
        let answer = member.say(id, Room::Link.protocol(), &[0x80; 32], PATIENCE).await;
        assert_ne!(answer, refused, "attempt {attempt}");
    }
    // The last of them may end a stream or two that came right after it.
    let mut answers = Vec::new();
    while answers.last() != Some(&refused) {
        assert!(answers.len() < LATE_MAX, "{answers:?}");
        answers.push(member.say(id, Room::Link.protocol(), &right, PATIENCE).await);
    }
    // Only who did it pays.
    mission::counts_ions(&tab, 2).await;
    mission::counts_ions(&second, 2).await;
    let workers = works(&tab).await;
    assert!(!workers.contains(&member.id().to_string()), "{workers:?}");
}

#[tokio::test]
async fn a_wrong_proof_is_refused_in_words() {
    let _turn = turn().await;
    let (_relay, _browser, tab, id, stranger) = tab_and_stranger().await;
    let wrong = framed(&opening(VERSION));
    let answer = stranger.say(id, Room::Link.protocol(), &wrong, PATIENCE).await;
    assert_eq!(answer, Answer::Closed(b"refused".to_vec()));
    mission::counts_ions(&tab, 1).await;
}

#[tokio::test]
async fn a_stranger_that_says_nothing_does_not_keep_a_stream() {
    let _turn = turn().await;
    let (_relay, _browser, tab, id, stranger) = tab_and_stranger().await;
    for room in Room::ALL {
        let answer = stranger.say(id, room.protocol(), &[], PATIENCE).await;
        assert_ne!(answer, Answer::Silent, "{}", room.protocol());
    }
    mission::counts_ions(&tab, 1).await;
}

/// A stranger and a member, each with more streams than anybody needs.
#[tokio::test]
async fn who_opens_streams_without_end_keeps_few_and_others_notice_nothing() {
    let _turn = turn().await;
    let (relay, browser, tab, id, stranger) = tab_and_stranger().await;
    let second = browser.open(&relay.url("/")).await;
    mission::counts_ions(&tab, 2).await;
    let storm = stranger.say_at_once(STREAMS, id, Room::Link.protocol(), &[], PATIENCE);
    let (answers, _) = tokio::join!(storm, works(&second));
    assert!(!answers.contains(&Answer::Silent), "strangers keep no stream");
    let member = self::stranger(&relay, id, true).await;
    let right = proven(&relay, &member, &id).await;
    let storm = member.say_at_once(STREAMS, id, Room::Link.protocol(), &right, PATIENCE);
    let (answers, _) = tokio::join!(storm, works(&second));
    let kept = answers.iter().filter(|answer| **answer == Answer::Silent).count();
    assert!(kept <= Room::ALL.len() * STREAMS_PER_ROOM_MAX, "{kept} of {STREAMS} streams are kept");
    works(&tab).await;
    drop(member);
    mission::counts_ions(&tab, 2).await;
}

#[tokio::test]
async fn who_does_not_know_a_nebulas_name_discovers_nobody() {
    let _turn = turn().await;
    let (relay, _browser, tab, ..) = tab_and_stranger().await;
    let link = mission::invite(&tab, "our lab").await;
    assert!(link.contains("#join="));
    mission::joined(&tab).await;
    let mut stranger = BarePeer::connect(relay.multiaddr().await).await;
    for name in ["our lab", "nebula", "ionosphere", "", "*"] {
        if let Ok(found) = stranger.discover(Some(name)).await {
            assert!(found.is_empty(), "{name:?} finds {found:?}");
        }
    }
    // Who asks for everybody is refused.
    assert_eq!(stranger.discover(None).await, Err("NotAuthorized".to_owned()));
}
