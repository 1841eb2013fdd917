//! Direct links between native ions, whose peer connections are in memory: the
//! driver, its choice of ways and the transport, without a browser.

use std::thread;

use futures::executor::block_on;
use ion_webrtc::memory::Network;
use ionosphere_tests::{
    guests,
    native_ion::NativeIon,
    relay::{Relay, Way},
};
use node_core::{
    compute::{Entry, Inputs, Program, Trust},
    node::{Command, JobId, JobState, LinkKind},
};
use spark_runtime::{Lane, Limits};

use crate::blocking_turn;

const JOB: JobId = 9;
const TASKS: u64 = 100;

#[expect(clippy::disallowed_methods, reason = "the network is a driver of its own")]
fn network() -> Network {
    let network = Network::default();
    let running = network.clone();
    thread::spawn(move || block_on(running.run()));
    network
}

fn cluster(network: &Network, ions: usize) -> (Relay, Vec<NativeIon>) {
    let relay = Relay::start();
    let start = |_| {
        NativeIon::start_with((relay.http(), Way::Tcp), 1, None, Some(Box::new(network.port())))
    };
    let ions = (0..ions).map(start).collect();
    (relay, ions)
}

fn counting() -> Command {
    let entry = Entry::Export {
        name: "count".to_owned(),
        arguments: vec!["{}".to_owned(), "500".to_owned()],
    };
    Command::RunJob {
        job: JOB,
        program: Program {
            name: "count".to_owned(),
            entry,
            limits: Limits::default(),
            lane: Lane::Automatic,
            trust: Trust::Once,
        },
        binary: guests::count(),
        inputs: Inputs::Range { first: 0, last: TASKS.cast_signed() - 1 },
        about: String::new(),
    }
}

#[test]
fn ions_link_directly_and_a_job_outlives_the_relay() {
    let _turn = blocking_turn();
    let network = network();
    let (mut relay, mut ions) = cluster(&network, 3);
    for ion in &mut ions {
        ion.joined();
        ion.linked_with(2);
        ion.linked_by(LinkKind::Direct);
    }
    ions[0].post(counting());
    let (view, _) = ions[0].finish(JOB, |come| {
        if come >= TASKS / 10 {
            relay.kill();
        }
    });
    assert_eq!((view.state, view.succeeded), (JobState::Finished, TASKS), "{view:#?}");
    let workers = view.by_ion.iter().filter(|share| share.finished > 0).count();
    assert_eq!(workers, 3, "{view:#?}");
}

#[test]
fn where_no_direct_way_leads_the_relayed_one_serves_and_says_why() {
    let _turn = blocking_turn();
    let network = network();
    network.set_candidates(false);
    let (_relay, mut ions) = cluster(&network, 2);
    for ion in &mut ions {
        ion.linked_with(1);
        ion.linked_by(LinkKind::Relayed);
    }
    ions[0].wait_for("the reason", |event| match event {
        node_core::node::Event::Ions(ions) => {
            ions.first().filter(|ion| ion.why.contains("address")).map(|_| ())
        }
        _ => None,
    });
    ions[0].post(counting());
    let (view, _) = ions[0].finish(JOB, |_| {});
    assert_eq!(view.succeeded, TASKS, "{view:#?}");
}
