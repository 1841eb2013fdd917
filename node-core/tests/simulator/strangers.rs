//! Those who are not members, and members who do not keep the rules.

use node_core::{
    compute::{Inputs, wire::MESSAGE_BYTES_MAX},
    network::{
        News,
        neighbours::{OFFENCES_MAX, wire::Message},
        overlay::{Standing, Why},
        wire::{Room, encode},
    },
    node::Input,
    sim::{Conditions, Flavour, IonOptions, JobPlan, World},
};

use crate::shown;

fn world(seed: u64, ions: usize) -> World {
    let mut world = World::new(seed, Conditions::default(), 1, 2);
    for _ in 0..ions {
        world.add(IonOptions::default(), 0);
    }
    world
}

fn is_refusal(input: &Input) -> bool {
    matches!(input, Input::Network(News::Failed(_) | News::Closed(_)))
}

/// Openings that prove nothing to ion 0, sent by `stranger`.
fn wrong_openings(world: &World, stranger: usize) -> Vec<Vec<u8>> {
    let right = world.opening(0, stranger, 0);
    let mut cut = right.clone();
    cut.pop();
    let mut changed = right.clone();
    changed[20] ^= 1;
    vec![
        Vec::new(),
        b"GET / HTTP/1.1".to_vec(),
        vec![0; MESSAGE_BYTES_MAX],
        cut,
        changed,
        // Of another nebula, for another ion, of another ion.
        world.opening(1, stranger, 0),
        world.opening(0, stranger, 1),
        world.opening(0, 1, 0),
        world.opening(0, 0, stranger),
    ]
}

#[test]
fn a_stranger_gets_a_refusal_and_nothing_else() {
    let mut world = world(3, 3);
    let stranger = world.add_outsider();
    shown(world.run_until_settled(10_000));
    for room in Room::ALL {
        for opening in wrong_openings(&world, stranger) {
            let before = world.mail(stranger).len();
            world.intrude(stranger, 0, room, opening, vec![b"hello".to_vec(); 3]);
            shown(world.run_for(3_000));
            let answers = &world.mail(stranger)[before..];
            assert!(!answers.is_empty() && answers.iter().all(is_refusal), "{answers:?}");
        }
    }
    assert!(world.missing_link().is_none());
}

/// A relay names it as if it had registered: it sees a greeting, whose proof
/// is worth nothing to it, and no work.
#[test]
fn a_stranger_that_is_named_by_a_relay_sees_no_work() {
    let mut world = world(4, 3);
    let stranger = world.add_outsider();
    shown(world.run_until_settled(10_000));
    world.gossip(0, stranger);
    let inputs = Inputs::Range { first: 1, last: 200 };
    world.submit(JobPlan { owner: 0, flavour: Flavour::plain(1, 20), inputs });
    shown(world.run_for(30_000));
    let in_compute = |input: &Input| match input {
        Input::Network(News::Opened(_, room, _) | News::Frame(_, room, _)) => {
            *room == Room::Compute
        }
        _ => false,
    };
    assert!(!world.mail(stranger).iter().any(in_compute));
    assert!(world.open_job().is_none());
}

#[test]
fn a_member_that_talks_nonsense_is_shut_out_and_others_do_not_notice() {
    let nonsense = |room: Room| {
        let long = vec![0; room.frame_bytes_max() + 1];
        [vec![], vec![0xff; 100], b"{}".to_vec(), long].map(|frame| (room, frame))
    };
    for (room, frame) in Room::ALL.into_iter().flat_map(nonsense) {
        let mut world = world(5, 4);
        let offender = world.add_outsider();
        shown(world.run_until_settled(10_000));
        let opening = world.opening(0, offender, 0);
        world.admit(offender, 0);
        let standing = Standing { links: 0, target: 6, max: 10 };
        let ask = encode(&Message::Ask { standing, why: Why::Alone });
        world.intrude(offender, 0, Room::Link, opening.clone(), vec![ask]);
        shown(world.run_for(2_000));
        assert_eq!(world.links_seen(0), 4, "it is linked");
        world.intrude(
            offender,
            0,
            room,
            opening.clone(),
            vec![frame.clone(); OFFENCES_MAX as usize],
        );
        shown(world.run_for(2_000));
        assert_eq!(world.links_seen(0), 4, "that many offences are forgiven");
        world.intrude(offender, 0, room, opening.clone(), vec![frame]);
        // It is heard of no more, since it says nothing to anybody else either.
        shown(world.run_for(8_000));
        assert_eq!(world.links_seen(0), 3, "{room:?}");
        let before = world.mail(offender).len();
        world.intrude(offender, 0, room, opening, vec![]);
        shown(world.run_for(2_000));
        let answers = &world.mail(offender)[before..];
        assert!(!answers.is_empty() && answers.iter().all(is_refusal), "{answers:?}");
        assert!(world.missing_link().is_none(), "{:?}", world.missing_link());
    }
}

#[test]
fn without_a_nebula_an_ion_keeps_its_relay_and_says_what_to_do() {
    let mut world = World::new(6, Conditions::default(), 1, 1);
    world.close_open_nebula();
    let ion = world.add(IonOptions::default(), 0);
    shown(world.run_for(90_000));
    assert_eq!(world.problems(ion), ["This relay has no open nebula."]);
    assert_eq!(world.relay_losses(ion), 0);
}
