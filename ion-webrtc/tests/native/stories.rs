//! How peers meet, link, fail to, and part.

use ion_webrtc::{Config, Failure, direct_address, is_direct};
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol, swarm::SwarmEvent};

use crate::peers::{Peer, hasty, network, peer, relay};

/// Two peers with a reservation each, and the circuit through the relay.
async fn two(network: &ion_webrtc::memory::Network, config: Config) -> (Peer, Peer, Multiaddr) {
    let relay = relay().await;
    let mut a = peer(network, config.clone());
    let mut b = peer(network, config);
    let circuit = a.reserve(&relay).await;
    b.reserve(&relay).await;
    (a, b, circuit)
}

fn over(circuit: &Multiaddr, peer: PeerId) -> Multiaddr {
    circuit.clone().with(Protocol::WebRTC).with(Protocol::P2p(peer))
}

#[tokio::test]
async fn a_known_circuit_is_dialed_for_a_link() {
    let network = network();
    let (mut a, mut b, circuit) = two(&network, Config::default()).await;
    a.control.add_circuit(b.id, circuit.with(Protocol::P2p(b.id)));
    a.dial(b.id, direct_address(b.id)).await;
    a.until(|event| match event {
        SwarmEvent::ConnectionEstablished { endpoint, .. } if !endpoint.is_relayed() => {
            assert!(is_direct(endpoint.get_remote_address()));
            Some(())
        }
        _ => None,
    })
    .await;
    b.direct(a.id).await;
}

#[tokio::test]
async fn two_meet_at_a_relay_and_link() {
    let network = network();
    let (mut a, mut b, circuit) = two(&network, hasty()).await;
    a.dial(b.id, over(&circuit, b.id)).await;
    assert!(a.direct(b.id).await, "who dialed is the dialer");
    assert!(!b.direct(a.id).await, "the other is not");
    a.without_circuit(b.id).await;
    b.without_circuit(a.id).await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    assert_eq!(a.echo(b.id, bytes.clone()).await, bytes);
    assert_eq!(b.echo(a.id, vec![7; 10]).await, [7; 10]);
    assert_eq!(network.connections(), 2);
    assert!(a.control.stats(b.id).await.is_some());
    assert_eq!(a.control.connected().into_iter().collect::<Vec<_>>(), [b.id]);
}

#[tokio::test]
async fn the_circuit_closes_once_the_link_stands() {
    let network = network();
    let (mut a, mut b, circuit) = two(&network, hasty()).await;
    a.dial(b.id, over(&circuit, b.id)).await;
    a.without_circuit(b.id).await;
    b.without_circuit(a.id).await;
}

#[tokio::test]
async fn a_standing_circuit_is_used_by_either_side() {
    let network = network();
    let config = Config { close_circuits: false, ..Config::default() };
    let (mut a, mut b, circuit) = two(&network, config).await;
    a.dial(b.id, circuit.with(Protocol::P2p(b.id))).await;
    b.until(|event| match event {
        SwarmEvent::ConnectionEstablished { endpoint, .. } if endpoint.is_relayed() => Some(()),
        _ => None,
    })
    .await;
    // B knows no address of A, and needs none.
    b.dial(a.id, direct_address(a.id)).await;
    assert!(b.direct(a.id).await);
    assert!(!a.direct(b.id).await);
}

#[tokio::test]
async fn both_begin_at_once_and_have_one_link() {
    for _ in 0..10 {
        let network = network();
        let (mut a, mut b, circuit) = two(&network, hasty()).await;
        let (to_b, to_a) = (over(&circuit, b.id), over(&circuit, a.id));
        futures::future::join(a.dial(b.id, to_b), b.dial(a.id, to_a)).await;
        a.direct(b.id).await;
        b.direct(a.id).await;
        assert_eq!(network.connections(), 2, "one at each end");
    }
}

async fn failure(peer: &mut Peer, of: PeerId) -> String {
    peer.until(|event| match event {
        SwarmEvent::OutgoingConnectionError { peer_id, error, .. } if *peer_id == Some(of) => {
            Some(error.to_string())
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_link_that_can_not_be_says_why() {
    let network = network();
    let (mut a, b, circuit) = two(&network, Config::default()).await;
    network.set_reachable(false);
    a.dial(b.id, over(&circuit, b.id)).await;
    failure(&mut a, b.id).await;
    assert!(
        matches!(a.control.last_failure(b.id), Some(Failure::Ice { local: 1, .. })),
        "{:?}",
        a.control.last_failure(b.id)
    );
    network.set_candidates(false);
    a.dial(b.id, over(&circuit, b.id)).await;
    failure(&mut a, b.id).await;
    let why = Failure::NoCandidates { local: 0, remote: 0 };
    assert_eq!(a.control.last_failure(b.id), Some(why));
    assert_eq!(network.connections(), 0, "nothing is left over");
    // And once it can be, it is.
    network.set_candidates(true);
    network.set_reachable(true);
    a.dial(b.id, over(&circuit, b.id)).await;
    a.direct(b.id).await;
    assert_eq!(a.control.last_failure(b.id), None);
}

#[tokio::test]
async fn who_is_nowhere_is_not_found() {
    let network = network();
    let (mut a, _b, circuit) = two(&network, Config::default()).await;
    let nobody = PeerId::random();
    a.dial(nobody, direct_address(nobody)).await;
    failure(&mut a, nobody).await;
    assert!(matches!(a.control.last_failure(nobody), Some(Failure::NoPath(_))));
    a.dial(nobody, over(&circuit, nobody)).await;
    failure(&mut a, nobody).await;
    assert!(matches!(a.control.last_failure(nobody), Some(Failure::NoPath(_))));
}

#[tokio::test]
async fn who_leaves_is_noticed() {
    let network = network();
    let (mut a, mut b, circuit) = two(&network, Config::default()).await;
    a.dial(b.id, over(&circuit, b.id)).await;
    a.direct(b.id).await;
    b.direct(a.id).await;
    drop(b);
    a.until(|event| match event {
        SwarmEvent::ConnectionClosed { endpoint, .. }
            if is_direct(endpoint.get_remote_address()) =>
        {
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn two_pair_without_any_relay() {
    let network = network();
    let (mut a, mut b) = (peer(&network, Config::default()), peer(&network, Config::default()));
    b.until(|event| matches!(event, SwarmEvent::NewListenAddr { .. }).then_some(())).await;
    let (offer, description) = a.control.offer().await.unwrap();
    let patience = crate::peers::PATIENCE;
    let answer = b.control.answer(a.id, &description, patience).await.unwrap();
    a.control.accept(offer, b.id, &answer).unwrap();
    assert_eq!(a.control.accept(offer, b.id, &answer), Err(Failure::NoOffer), "used up");
    a.dial(b.id, direct_address(b.id)).await;
    assert!(a.direct(b.id).await);
    assert!(!b.direct(a.id).await);
    assert_eq!(a.echo(b.id, vec![5; 50_000]).await, vec![5; 50_000]);
}

#[tokio::test]
async fn offers_can_be_abandoned_and_are_bounded() {
    let network = network();
    let config = Config { peer_connections_max: 40, ..Config::default() };
    let a = peer(&network, config);
    let (first, _) = a.control.offer().await.unwrap();
    a.control.abandon(first);
    for _ in 0..ion_webrtc::OFFERS_MAX + 3 {
        a.control.offer().await.unwrap();
    }
    let all = ion_webrtc::OFFERS_MAX;
    tokio::time::timeout(crate::peers::PATIENCE, async {
        while network.connections() != all {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the oldest are closed");
}

#[tokio::test]
async fn there_are_never_too_many_connections() {
    let network = network();
    let a = peer(&network, Config { peer_connections_max: 2, ..Config::default() });
    let _first = a.control.offer().await.unwrap();
    let _second = a.control.offer().await.unwrap();
    assert_eq!(a.control.offer().await.unwrap_err(), Failure::TooMany(2));
}
