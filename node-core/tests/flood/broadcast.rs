//! One speaker, everybody else listens: nobody misses anything, and it costs
//! little.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use node_core::{
    identity::{IonId, SimKeys},
    network::broadcast::{
        Broadcast, Effect, Input, Topic,
        wire::{Message, decode},
    },
    platform::{Time, sim::Rng},
};

use crate::graph::{Event, Member, Options, World};

/// After how long a rumour must be everywhere, in milliseconds.
const SPREAD_MS: u64 = 10_000;
/// Links that the last delivery may have crossed (goal of the project).
const HOPS_MAX: u16 = 15;

struct Listener {
    machine: Broadcast,
    /// Number of the rumour, and over how many links it came.
    heard: BTreeMap<u64, Vec<u16>>,
    offences: u32,
}

impl Listener {
    fn new(own: IonId, seed: u64) -> Self {
        let machine = Broadcast::new(Arc::new(SimKeys::of(own)), Rng::new(seed));
        Self { machine, heard: BTreeMap::new(), offences: 0 }
    }

    fn feed(&mut self, now: Time, input: Input, out: &mut Vec<(IonId, Vec<u8>)>) {
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(to, bytes) => out.push((to, bytes)),
                Effect::Deliver { payload, hops, .. } => {
                    let number = u64::from_le_bytes(*payload.first_chunk().expect("it begins so"));
                    self.heard.entry(number).or_default().push(hops);
                }
                Effect::Offence(_) => self.offences += 1,
                Effect::Refused(why) => panic!("{why}"),
            }
        }
    }
}

impl Member for Listener {
    fn step(&mut self, now: Time, event: Event, out: &mut Vec<(IonId, Vec<u8>)>) {
        let input = match event {
            Event::Up(ion) => Input::NeighbourUp(ion),
            Event::Down(ion) => Input::NeighbourDown(ion),
            Event::Heard(from, bytes) => Input::Heard(from, bytes),
            Event::Tick => Input::Tick,
        };
        self.feed(now, input, out);
    }
}

#[derive(Default)]
struct Cost {
    payloads: u64,
    frames: u64,
    bytes: u64,
}

struct Outcome {
    /// The most links that a delivery crossed.
    hops: u16,
    /// Payload copies beyond n - 1, over n - 1.
    redundancy: f64,
    /// Of all kinds, per ion and rumour.
    frames: f64,
    bytes: f64,
}

/// Twenty rumours, one in a second, of which the first ten form the tree.
fn speak(options: Options) -> Outcome {
    let (seed, ions) = (options.seed, options.ions as u64);
    let mut world = World::new(options, Listener::new);
    let cost = Rc::new(RefCell::new(Cost::default()));
    let counted = cost.clone();
    world.watch = Box::new(move |bytes| {
        let mut cost = counted.borrow_mut();
        cost.frames += 1;
        cost.bytes += bytes.len() as u64;
        cost.payloads += u64::from(matches!(decode(bytes), Ok(Message::Push { .. })));
    });
    world.run_until(1_000);
    world.start_churn();
    let mut said_at = Vec::new();
    for number in 0..20_u64 {
        if number == 10 {
            *cost.borrow_mut() = Cost::default();
        }
        said_at.push(world.now);
        let payload = [number.to_le_bytes().as_slice(), &[7; 192]].concat();
        let publish = Input::Publish { topic: Topic::Presence, payload };
        world.act(0, |member, now, out| member.feed(now, publish, out));
        let next = world.now + 1_000;
        world.run_until(next);
    }
    let end = world.now + SPREAD_MS;
    world.run_until(end);
    let mut hops = 0;
    let reachable = world.component(0);
    assert!(reachable.len() as u64 * 100 >= ions * 99, "seed {seed}: the graph fell apart");
    for (index, member) in world.members.iter().enumerate().skip(1) {
        let Some(member) = member else { continue };
        assert_eq!(member.offences, 0, "seed {seed}: honest neighbours were blamed");
        for (number, at) in said_at.iter().enumerate() {
            let heard = member.heard.get(&(number as u64)).map_or(&[][..], Vec::as_slice);
            assert!(heard.len() < 2, "seed {seed}: {index} heard {number} twice");
            let was_there = world.born[index] <= *at && reachable.contains(&index);
            assert!(!was_there || !heard.is_empty(), "seed {seed}: {index} missed {number}");
            hops = heard.iter().copied().chain([hops]).max().unwrap_or(0);
        }
    }
    let cost = cost.borrow();
    let needed = 10 * (ions - 1);
    Outcome {
        hops,
        redundancy: cost.payloads.saturating_sub(needed) as f64 / needed as f64,
        frames: cost.frames as f64 / (10 * ions) as f64,
        bytes: cost.bytes as f64 / (10 * ions) as f64,
    }
}

fn show(name: &str, outcome: &Outcome) {
    println!(
        "{name}: last delivery after {} links, redundancy {:.3}, {:.1} frames and {:.0} bytes \
         per ion and rumour",
        outcome.hops, outcome.redundancy, outcome.frames, outcome.bytes
    );
}

#[test]
fn a_rumour_costs_an_ion_the_same_at_a_hundred_and_at_a_thousand() {
    let mut costs = Vec::new();
    for ions in [100, 1_000] {
        let outcome = speak(Options { ions, seed: 1, loss_permille: 0, churn_per_minute: 0 });
        show(&format!("{ions} ions"), &outcome);
        assert!(outcome.hops <= HOPS_MAX, "{} links", outcome.hops);
        assert!(outcome.redundancy <= 0.2, "{}", outcome.redundancy);
        costs.push(outcome.frames);
    }
    assert!(costs[1] <= 1.2 * costs[0], "{costs:?}");
}

#[test]
fn nobody_misses_anything_under_loss_and_churn() {
    for (seed, loss_permille, churn) in [(1, 10, 0), (2, 50, 0), (3, 10, 300), (4, 50, 300)] {
        let options = Options { ions: 1_000, seed, loss_permille, churn_per_minute: churn };
        let outcome = speak(options);
        show(&format!("loss {loss_permille} ‰, {churn} of 1,000 leave a minute"), &outcome);
    }
}
