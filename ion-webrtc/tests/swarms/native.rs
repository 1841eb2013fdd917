//! Natively: peer connections in memory, tasks of tokio.

use ion_webrtc::memory::{Memory, Network};
use libp2p::swarm;

use crate::{ports::every_port_story, stories::every_story, streams::every_stream_story};

/// What peers share.
pub(crate) type Net = Network;

/// A network of peer connections that runs.
pub(crate) fn network() -> Net {
    let network = Network::default();
    spawn(network.clone().run());
    network
}

pub(crate) fn port(net: &Net) -> Memory {
    net.port()
}

#[expect(clippy::disallowed_methods, reason = "tests are their own drivers")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::task::spawn(task));
}

pub(crate) fn config() -> swarm::Config {
    swarm::Config::with_tokio_executor()
}

macro_rules! case {
    ($story:ident, $name:ident) => {
        #[tokio::test]
        async fn $name() {
            crate::$story::$name().await;
        }
    };
}
every_story!(case);
every_stream_story!(case);
every_port_story!(case);
