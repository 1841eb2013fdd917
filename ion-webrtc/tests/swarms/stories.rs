//! How peers meet, link, fail to, and part.

use ion_webrtc::{Config, Failure, direct_address, is_direct};
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol, swarm::SwarmEvent};

use crate::{
    peers::{PATIENCE, Peer, hasty, peer, relay},
    place::{Net, network},
};

/// Two peers with a reservation each, and the circuit through the relay.
pub(crate) async fn two(network: &Net, config: Config) -> (Peer, Peer, Multiaddr) {
    let relay = relay().await;
    let mut a = peer(network, config.clone());
    let mut b = peer(network, config);
    let circuit = a.reserve(&relay).await;
    b.reserve(&relay).await;
    (a, b, circuit)
}

/// The address of a peer by way of a circuit.
pub(crate) fn over(circuit: &Multiaddr, peer: PeerId) -> Multiaddr {
    circuit.clone().with(Protocol::WebRTC).with(Protocol::P2p(peer))
}

/// Waits for the dial of a peer to fail.
pub(crate) async fn failure(peer: &mut Peer, of: PeerId) -> String {
    peer.until(|event| match event {
        SwarmEvent::OutgoingConnectionError { peer_id, error, .. } if *peer_id == Some(of) => {
            Some(error.to_string())
        }
        _ => None,
    })
    .await
}

pub(crate) async fn a_known_circuit_is_dialed_for_a_link() {
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
pub(crate) async fn two_meet_at_a_relay_and_link() {
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
    assert!(a.control.stats(b.id).await.is_some());
    assert_eq!(a.control.connected().into_iter().collect::<Vec<_>>(), [b.id]);
}
pub(crate) async fn the_circuit_closes_once_the_link_stands() {
    let network = network();
    let (mut a, mut b, circuit) = two(&network, hasty()).await;
    a.dial(b.id, over(&circuit, b.id)).await;
    a.without_circuit(b.id).await;
    b.without_circuit(a.id).await;
}
pub(crate) async fn a_standing_circuit_is_used_by_either_side() {
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
pub(crate) async fn both_begin_at_once_and_have_one_link() {
    for _ in 0..10 {
        let network = network();
        let (mut a, mut b, circuit) = two(&network, hasty()).await;
        let (to_b, to_a) = (over(&circuit, b.id), over(&circuit, a.id));
        futures::future::join(a.dial(b.id, to_b), b.dial(a.id, to_a)).await;
        a.direct(b.id).await;
        b.direct(a.id).await;
        a.without_circuit(b.id).await;
        assert_eq!(a.echo(b.id, vec![1; 100]).await, vec![1; 100]);
    }
}
pub(crate) async fn who_is_nowhere_is_not_found() {
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
pub(crate) async fn who_leaves_is_noticed() {
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
pub(crate) async fn two_pair_without_any_relay() {
    let network = network();
    let (mut a, mut b) = (peer(&network, Config::default()), peer(&network, Config::default()));
    b.until(|event| matches!(event, SwarmEvent::NewListenAddr { .. }).then_some(())).await;
    let (offer, description) = a.control.offer().await.expect("it works");
    let patience = PATIENCE;
    let answer = b.control.answer(a.id, &description, patience).await.expect("it works");
    a.control.accept(offer, b.id, &answer).expect("it works");
    assert_eq!(a.control.accept(offer, b.id, &answer), Err(Failure::NoOffer), "used up");
    a.dial(b.id, direct_address(b.id)).await;
    assert!(a.direct(b.id).await);
    assert!(!b.direct(a.id).await);
    assert_eq!(a.echo(b.id, vec![5; 50_000]).await, vec![5; 50_000]);
}
pub(crate) async fn there_are_never_too_many_connections() {
    let network = network();
    let a = peer(&network, Config { peer_connections_max: 2, ..Config::default() });
    let _first = a.control.offer().await.expect("it works");
    let _second = a.control.offer().await.expect("it works");
    assert_eq!(a.control.offer().await.expect_err("there are two"), Failure::TooMany(2));
}
/// Makes tests of all of these.
macro_rules! every_story {
    ($case:ident) => {
        $case!(stories, a_known_circuit_is_dialed_for_a_link);
        $case!(stories, two_meet_at_a_relay_and_link);
        $case!(stories, the_circuit_closes_once_the_link_stands);
        $case!(stories, a_standing_circuit_is_used_by_either_side);
        $case!(stories, both_begin_at_once_and_have_one_link);
        $case!(stories, who_is_nowhere_is_not_found);
        $case!(stories, who_leaves_is_noticed);
        $case!(stories, two_pair_without_any_relay);
        $case!(stories, there_are_never_too_many_connections);
    };
}

pub(crate) use every_story;
