//! One speaker, everybody else listens: what it costs, and whether all hear.
//!
//! Bounds: [`RUMOURS`] in one run.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use super::{Member, Options, World};
use crate::{
    identity::{IonId, SimKeys},
    network::broadcast::{
        Broadcast, Effect, Input, Topic,
        wire::{Message, decode},
    },
    platform::{Time, sim::Rng},
};

/// Rumours of one run.
pub const RUMOURS: u64 = 20;
/// After how long a rumour must be everywhere, in milliseconds.
pub const SPREAD_MS: u64 = 10_000;

struct Listener {
    machine: Broadcast,
    /// Number of the rumour, and over how many links it came.
    heard: BTreeMap<u64, Vec<u16>>,
    offences: u32,
}

impl Listener {
    fn new(own: IonId, seed: u64) -> Self {
        let machine = Broadcast::new(Arc::new(SimKeys::of(own)), Rng::new(seed), 1);
        Self { machine, heard: BTreeMap::new(), offences: 0 }
    }
}

impl Member for Listener {
    type Input = Input;

    fn feed(&mut self, now: Time, input: Input, out: &mut Vec<(IonId, Vec<u8>)>) {
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(to, bytes) => out.push((to, bytes)),
                Effect::Deliver { payload, hops, .. } => {
                    let number =
                        payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                    self.heard.entry(number).or_default().push(hops);
                }
                // One rumour in a second is never too much.
                Effect::Offence(_) | Effect::Refused(_) => self.offences += 1,
            }
        }
    }
}

#[derive(Default)]
struct Cost {
    payloads: u64,
    frames: u64,
    bytes: u64,
}

impl Cost {
    fn add(&mut self, bytes: &[u8]) {
        self.frames += 1;
        self.bytes += bytes.len() as u64;
        self.payloads += u64::from(matches!(decode(bytes), Ok(Message::Push { .. })));
    }
}

/// What twenty rumours cost, and what became of them.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The most links that a delivery crossed.
    pub hops: u16,
    /// Payload copies beyond n - 1, over n - 1.
    pub redundancy: f64,
    /// Ions that were there and did not hear, over all rumours.
    pub missed: usize,
    /// Frames of all kinds, per ion and rumour.
    pub frames: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// Twenty rumours of one author, one in a second, of which the first ten form the
/// tree. `Err` says which rule was broken: nobody may hear a rumour twice, or
/// blame an honest neighbour, and the graph may not fall apart.
pub fn speak(options: Options) -> Result<Outcome, String> {
    let (seed, ions) = (options.seed, options.ions as u64);
    let mut world = World::new(options, Listener::new);
    let cost = Rc::new(RefCell::new(Cost::default()));
    let counted = cost.clone();
    world.watch = Box::new(move |bytes| counted.borrow_mut().add(bytes));
    world.run_until(1_000);
    world.start_churn();
    let mut said_at = Vec::new();
    for number in 0..RUMOURS {
        if number == RUMOURS / 2 {
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
    let told = |why: String| format!("seed {seed}: {why}");
    let (hops, missed) = heard_by_all(&world, &said_at).map_err(told)?;
    let cost = cost.borrow();
    let needed = RUMOURS / 2 * (ions - 1);
    let per_ion = (RUMOURS / 2 * ions) as f64;
    Ok(Outcome {
        hops,
        missed,
        redundancy: cost.payloads.saturating_sub(needed) as f64 / needed as f64,
        frames: cost.frames as f64 / per_ion,
        bytes: cost.bytes as f64 / per_ion,
    })
}

/// The most links that a delivery crossed, and how many were missed.
fn heard_by_all(world: &World<Listener>, said_at: &[u64]) -> Result<(u16, usize), String> {
    let (mut hops, mut missed) = (0, 0);
    let reachable = world.component(0);
    if reachable.len() * 100 < world.members.iter().flatten().count() * 99 {
        return Err("the graph fell apart".to_owned());
    }
    for (index, member) in world.members.iter().enumerate().skip(1) {
        let Some(member) = member else { continue };
        if member.offences > 0 {
            return Err(format!("{index} blamed honest neighbours"));
        }
        for (number, at) in (0..).zip(said_at) {
            let heard = member.heard.get(&number).map_or(&[][..], Vec::as_slice);
            if heard.len() > 1 {
                return Err(format!("{index} heard {number} twice"));
            }
            let was_there = world.born[index] <= *at && reachable.contains(&index);
            missed += usize::from(was_there && heard.is_empty());
            hops = heard.iter().copied().chain([hops]).max().unwrap_or(0);
        }
    }
    Ok((hops, missed))
}
