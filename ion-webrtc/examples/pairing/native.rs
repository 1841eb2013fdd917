//! The example itself.

use std::time::Duration;

use futures::StreamExt;
use ion_webrtc::{Config, Control, description::Description, memory::Network};
use libp2p::{
    PeerId, Swarm, Transport,
    core::muxing::StreamMuxerBox,
    identity::Keypair,
    ping,
    swarm::{self, NetworkBehaviour, SwarmEvent},
};

#[derive(NetworkBehaviour)]
struct Behaviour {
    webrtc: ion_webrtc::Behaviour,
    ping: ping::Behaviour,
}

fn peer(network: &Network) -> (Swarm<Behaviour>, Control) {
    let id = Keypair::generate_ed25519().public().to_peer_id();
    let (transport, webrtc, control) = ion_webrtc::new(id, Config::default(), network.port());
    let behaviour = Behaviour { webrtc, ping: ping::Behaviour::default() };
    let config =
        swarm::Config::with_tokio_executor().with_idle_connection_timeout(Duration::from_secs(10));
    let transport = transport.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed();
    let mut swarm = Swarm::new(transport, behaviour, id, config);
    swarm.listen_on("/webrtc".parse().expect("it is an address")).expect("it is supported");
    (swarm, control)
}

/// What a person would copy from one window and paste into the other.
fn paste(from: &str, description: &Description) -> Description {
    let bytes = description.encode();
    println!("{from}, {} bytes: {bytes:02x?}", bytes.len());
    Description::decode(&bytes).expect("nobody has changed it")
}

async fn pair(
    (a, a_id): (Control, PeerId),
    (b, b_id): (Control, PeerId),
) -> Result<(), ion_webrtc::Failure> {
    let (offer_id, offer) = a.offer().await?;
    let offer = paste("offer", &offer);
    let answer = b.answer(a_id, &offer, Duration::from_secs(600)).await?;
    let answer = paste("answer", &answer);
    a.accept(offer_id, b_id, &answer)
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run() {
    let network = Network::default();
    let ((mut a, a_control), (mut b, b_control)) = (peer(&network), peer(&network));
    let (a_id, b_id) = (*a.local_peer_id(), *b.local_peer_id());
    let story = async {
        // It listens once its swarm has run for a moment.
        b.select_next_some().await;
        pair((a_control, a_id), (b_control, b_id)).await.expect("they can pair");
        a.dial(ion_webrtc::direct_address(b_id)).expect("the swarm takes the dial");
        loop {
            let event = futures::select! {
                event = a.select_next_some() => event,
                _ = b.select_next_some() => continue,
            };
            if let SwarmEvent::Behaviour(BehaviourEvent::Ping(ping)) = event {
                println!("ping to {}: {:?}", ping.peer, ping.result);
                return;
            }
        }
    };
    futures::future::select(std::pin::pin!(story), std::pin::pin!(network.clone().run())).await;
}
