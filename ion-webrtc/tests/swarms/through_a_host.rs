//! In a page, with a host between: the way of a worker, without the worker. The
//! test program says in `way` who holds the data channels.

use std::cell::{Cell, RefCell};

use ion_webrtc::{
    Failure,
    web::{Host, Remote},
};
use libp2p::swarm::{self, SwarmEvent};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::MessageChannel;

use crate::{ports::every_port_story, stories::every_story, streams::every_stream_story};

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What peers share: the page that hosts them.
#[derive(Default)]
pub(crate) struct Net {
    hosts: RefCell<Vec<Host>>,
    /// Whether its browser refuses to hand channels over.
    refuses: Cell<bool>,
}

/// JavaScript: a port's `postMessage` in a browser that keeps its channels.
const REFUSE: &str = "
    if (transfers.some((one) => one instanceof RTCDataChannel)) {
        throw new DOMException('kept', 'DataCloneError');
    }
    MessagePort.prototype.postMessage.call(this, message, transfers);";

pub(crate) fn network() -> Net {
    Net::default()
}

pub(crate) fn port(net: &Net) -> Remote {
    let channel = MessageChannel::new().expect("every browser has them");
    let served = channel.port1();
    if net.refuses.get() {
        let post = js_sys::Function::new_with_args("message, transfers", REFUSE);
        js_sys::Reflect::set(&served, &"postMessage".into(), &post).expect("it is an object");
    }
    net.hosts.borrow_mut().push(Host::serve(&served).expect("this is a page"));
    crate::way::remote(&channel.port2())
}

#[wasm_bindgen_test]
async fn channels_are_where_they_should_be() {
    for refuses in [false, true] {
        let network = network();
        network.refuses.set(refuses);
        let (mut a, mut b, circuit) = crate::stories::two(&network, crate::peers::hasty()).await;
        a.dial(b.id, crate::stories::over(&circuit, b.id)).await;
        a.without_circuit(b.id).await;
        b.without_circuit(a.id).await;
        assert_eq!(a.echo(b.id, vec![7; 100]).await, vec![7; 100]);
        for host in network.hosts.borrow().iter() {
            assert_eq!(host.handed_over() > 0, crate::way::ARE_HANDED_OVER && !refuses);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are their own drivers")]
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

pub(crate) fn config() -> swarm::Config {
    swarm::Config::with_wasm_executor()
}

#[wasm_bindgen_test]
async fn when_the_page_is_gone_all_ends() {
    let network = network();
    let (mut a, mut b, circuit) = crate::stories::two(&network, crate::peers::hasty()).await;
    a.dial(b.id, crate::stories::over(&circuit, b.id)).await;
    a.direct(b.id).await;
    b.direct(a.id).await;
    drop(network);
    for peer in [&mut a, &mut b] {
        peer.until(|event| match event {
            SwarmEvent::ListenerClosed { reason: Err(_), .. } => Some(()),
            _ => None,
        })
        .await;
        assert_eq!(peer.control.offer().await.expect_err("nobody makes it"), Failure::Gone);
        assert!(peer.control.connected().is_empty());
    }
}

macro_rules! case {
    ($story:ident, $name:ident) => {
        #[wasm_bindgen_test]
        async fn $name() {
            crate::$story::$name().await;
        }
    };
}
every_story!(case);
every_stream_story!(case);
every_port_story!(case);
