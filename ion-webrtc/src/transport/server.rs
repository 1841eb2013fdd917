//! A dial to a server at `/webrtc-direct`, after the libp2p specification
//! `webrtc/webrtc-direct.md`.
//!
//! The address holds all that the server's answer would say, so none is asked
//! for: ICE user name and password are one random text, which the server learns
//! from the first packet. Who the server is shows in a Noise handshake on
//! channel 0, whose prologue binds it to both certificates.

use std::{
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::{
    AsyncWriteExt,
    future::{Either, select},
};
use futures_timer::Delay;
use libp2p::{
    Multiaddr, PeerId, core::upgrade::InboundConnectionUpgrade as _, identity::Keypair,
    multiaddr::Protocol,
};

use crate::{
    description::{self, SdpKind},
    failure::{Failure, Stage},
    handshake::Input,
    hub::Asker,
    muxer::Muxer,
    port::{ChannelId, Command},
    shared::{Owned, Shared},
    stream::Stream,
};

/// The channel of the Noise handshake.
const NOISE_CHANNEL: u16 = 0;
/// Precedes both certificates' hashes in the handshake's prologue.
const PROLOGUE: &[u8] = b"libp2p-webrtc-noise:";
/// A SHA-256 as a multihash: the code of the function, the length, the hash.
const SHA_256: u8 = 0x12;
const FINGERPRINT_BYTES: u8 = 32;
/// Precedes what is random in the user name of ICE.
const UFRAG_PREFIX: &str = "libp2p+webrtc+v1/";
/// How long a server may take to finish the handshake's channel. Until then it
/// may not look at other channels yet (libp2p's in Rust does not, and loses
/// those that come too soon); one that finishes it never is as good.
const FINISH_MAX: Duration = Duration::from_millis(500);

/// The SHA-256 of a certificate.
type Fingerprint = [u8; FINGERPRINT_BYTES as usize];

/// Where a server is, and how it shows that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    at: SocketAddr,
    fingerprint: Fingerprint,
    peer: Option<PeerId>,
}

/// Reads `/ip4|ip6/…/udp/…/webrtc-direct/certhash/…`, with or without the peer.
pub(super) fn parse(address: &Multiaddr) -> Option<Server> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::from(ip),
        Protocol::Ip6(ip) => IpAddr::from(ip),
        _ => return None,
    };
    let Protocol::Udp(port) = parts.next()? else { return None };
    let Protocol::WebRTCDirect = parts.next()? else { return None };
    let Protocol::Certhash(hash) = parts.next()? else { return None };
    let peer = match parts.next() {
        None => None,
        Some(Protocol::P2p(peer)) => Some(peer),
        Some(_) => return None,
    };
    let fingerprint =
        hash.digest().try_into().ok().filter(|_| hash.code() == u64::from(SHA_256))?;
    let is_all = parts.next().is_none() && port != 0;
    is_all.then(|| Server { at: SocketAddr::new(ip, port), fingerprint, peer })
}

pub(super) async fn dial(
    shared: Shared,
    server: Server,
    keypair: Keypair,
) -> Result<(PeerId, Muxer), Failure> {
    let expected = server.peer;
    let result = connect(&shared, server, keypair).await;
    if let (Err(failure), Some(peer)) = (&result, expected) {
        shared.with(|inner| inner.desk.failed(peer, failure));
    }
    result
}

async fn connect(
    shared: &Shared,
    server: Server,
    keypair: Keypair,
) -> Result<(PeerId, Muxer), Failure> {
    let owned = shared.create(Asker::Ourselves)?;
    let late = Delay::new(shared.config().handshake_max);
    let work = Box::pin(authenticate(&owned, &server, keypair));
    let peer = match select(work, late).await {
        Either::Left((peer, _)) => peer?,
        Either::Right(_) => return Err(Failure::TimedOut(Stage::Connecting)),
    };
    if server.peer.is_some_and(|expected| expected != peer) {
        return Err(Failure::WrongPeer);
    }
    Ok((peer, owned.into_muxer(peer)))
}

async fn authenticate(owned: &Owned, server: &Server, keypair: Keypair) -> Result<PeerId, Failure> {
    let id = owned.id;
    let ufrag = random_ufrag()?;
    let channel = owned.shared.with(|inner| {
        let channel = inner.hub.open_negotiated(id, NOISE_CHANNEL)?;
        inner.hub.post(Command::Describe { id, credentials: Some(ufrag.clone()) });
        Ok::<_, Failure>(channel)
    })?;
    let stream = Stream::new(owned.shared.clone(), id, channel);
    let client = described(owned).await?;
    let answer = description::of_server(server.at, &server.fingerprint, &ufrag);
    owned.shared.with(|inner| {
        inner.hub.post(Command::SetRemote { id, kind: SdpKind::Answer, sdp: answer });
    });
    let identified = Box::pin(identified(&keypair, stream, prologue(&client, &server.fingerprint)));
    let peer = match select(identified, Box::pin(failed(owned))).await {
        Either::Left((peer, _)) => peer.map_err(|why| Failure::Noise(why.to_string()))?,
        Either::Right((why, _)) => return Err(why),
    };
    select(Box::pin(finished(owned, channel)), Delay::new(FINISH_MAX)).await;
    Ok(peer)
}

/// Who the server is. It speaks first, so that it may send half a round trip
/// sooner.
async fn identified(
    keypair: &Keypair,
    stream: Stream,
    prologue: Vec<u8>,
) -> Result<PeerId, ion_noise::Error> {
    let noise = ion_noise::Config::new(keypair)?.with_prologue(prologue);
    let (peer, mut channel) = noise.upgrade_inbound(stream, "/noise").await?;
    channel.close().await?;
    Ok(peer)
}

/// Both certificates' hashes as multihashes, the client's first.
fn prologue(client: &Fingerprint, server: &Fingerprint) -> Vec<u8> {
    let head = [SHA_256, FINGERPRINT_BYTES];
    [PROLOGUE, &head, client, &head, server].concat()
}

fn random_ufrag() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|why| Failure::Browser(why.to_string()))?;
    let random = bytes.map(|byte| format!("{byte:02x}")).concat();
    Ok(format!("{UFRAG_PREFIX}{random}"))
}

/// Waits until the server has finished its direction of a channel.
async fn finished(owned: &Owned, channel: ChannelId) {
    let channel = (owned.id, channel);
    poll_fn(|cx| owned.shared.with(|inner| inner.hub.poll_finished(channel, cx))).await;
}

async fn news(owned: &Owned) -> Input {
    poll_fn(|cx| owned.shared.with(|inner| inner.hub.poll_news(owned.id, cx))).await
}

/// Waits for our own description; gives our certificate's fingerprint.
async fn described(owned: &Owned) -> Result<Fingerprint, Failure> {
    loop {
        match news(owned).await {
            Input::Described(sdp) => {
                return Ok(description::fingerprint(&sdp)?);
            }
            other => failure(other).map_or(Ok(()), Err)?,
        }
    }
}

/// Waits for something to fail.
async fn failed(owned: &Owned) -> Failure {
    loop {
        if let Some(failure) = failure(news(owned).await) {
            return failure;
        }
    }
}

fn failure(input: Input) -> Option<Failure> {
    match input {
        Input::Refused(why) => Some(Failure::Browser(why)),
        Input::Unreachable => Some(Failure::Ice { local: 1, remote: 1 }),
        Input::Closed => Some(Failure::Closed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "uEiDikp5KVUgkLta1EjUN-IKbHk-dUBg8VzKgf5nXxLK46w";

    #[test]
    fn the_prologue_holds_both_hashes_as_the_specification_writes_them() {
        let prologue = prologue(&[0x3e; 32], &[0x30; 32]);
        let expected = [
            b"libp2p-webrtc-noise:".as_slice(),
            &[0x12, 0x20],
            &[0x3e; 32],
            &[0x12, 0x20],
            &[0x30; 32],
        ];
        assert_eq!(prologue, expected.concat());
    }

    #[test]
    fn no_two_user_names_are_alike() {
        let [one, two] = [(); 2].map(|()| random_ufrag().unwrap());
        assert!(one.starts_with("libp2p+webrtc+v1/") && one.len() == 17 + 64, "{one}");
        assert_ne!(one, two);
    }

    #[test]
    fn it_knows_servers() {
        let peer = PeerId::random();
        let base = format!("/ip4/203.0.113.1/udp/4001/webrtc-direct/certhash/{HASH}");
        let server = parse(&base.parse().unwrap()).unwrap();
        assert_eq!((server.at, server.peer), ("203.0.113.1:4001".parse().unwrap(), None));
        let with_peer = parse(&format!("{base}/p2p/{peer}").parse().unwrap()).unwrap();
        assert_eq!(with_peer.peer, Some(peer));
        let others = [
            "/ip4/203.0.113.1/udp/4001/webrtc-direct".to_owned(),
            format!("/ip4/203.0.113.1/udp/0/webrtc-direct/certhash/{HASH}"),
            format!("/dns/example.com/udp/4001/webrtc-direct/certhash/{HASH}"),
            format!("{base}/p2p/{peer}/p2p-circuit"),
        ];
        for other in others {
            assert_eq!(parse(&other.parse().unwrap()), None, "{other}");
        }
    }
}
