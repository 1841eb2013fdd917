//! Faults that only a network in memory has at will.

use ion_webrtc::{Config, Failure};

use crate::{
    peers::{in_time, peer},
    place::network,
    stories::{failure, over, two},
};

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
    in_time(async {
        while network.connections() != all {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
