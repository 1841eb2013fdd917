//! Requests and messages among a thousand ions of which 30 % leave and join in
//! a minute, over links that lose one frame in a hundred.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use node_core::{
    identity::{IonId, SimKeys},
    network::{
        routing::{Effect, Input, Line, Routing, UNREACHABLE_MS_MAX, ask_ms_max},
        wire::Room,
    },
    platform::{Time, sim::Rng},
    sim::flood::{Member, Options, World, ion},
};

use crate::seeds::each_seed;

/// Steps of half a second in which somebody asks and others write.
const STEPS: u64 = 20;
/// Layers of the requests.
const ECHO: u8 = 2;
/// Of two ticks, the one in which something ends may be the second.
const TICKS_MS: u64 = 500;

struct Talker {
    own: IonId,
    machine: Routing,
    rng: Rng,
    /// By whom each request was answered.
    answers: BTreeMap<u64, Vec<IonId>>,
    ended: BTreeMap<u64, Vec<Time>>,
    asked: Vec<(IonId, u64)>,
    delivered: Vec<(IonId, Vec<u8>)>,
    given_up: Vec<(IonId, Time)>,
    offences: u32,
}

impl Talker {
    fn new(own: IonId, seed: u64) -> Self {
        Self {
            own,
            machine: Routing::new(Arc::new(SimKeys::of(own)), 1),
            rng: Rng::new(!seed),
            answers: BTreeMap::new(),
            ended: BTreeMap::new(),
            asked: Vec::new(),
            delivered: Vec::new(),
            given_up: Vec::new(),
            offences: 0,
        }
    }
}

impl Member for Talker {
    type Input = Input;

    fn feed(&mut self, now: Time, input: Input, out: &mut Vec<(IonId, Vec<u8>)>) {
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(to, bytes) => out.push((to, bytes)),
                Effect::Deliver { from, bytes, .. } => self.delivered.push((from, bytes)),
                Effect::Unreachable { to, .. } => self.given_up.push((to, now)),
                Effect::Asked { asker, request, .. } => {
                    self.asked.push((asker, request));
                    let body = match self.rng.below(10) {
                        0 => continue,
                        1..5 => None,
                        _ => Some(self.own.as_bytes().to_vec()),
                    };
                    self.feed(now, Input::Reply { asker, request, body }, out);
                }
                Effect::Answered { request, from, body } => {
                    assert_eq!(body, from.as_bytes());
                    self.answers.entry(request).or_default().push(from);
                }
                Effect::Ended { request, answers, .. } => {
                    assert_eq!(self.answers.get(&request).map_or(0, Vec::len), answers);
                    self.ended.entry(request).or_default().push(now);
                }
                Effect::Offence(_) => self.offences += 1,
            }
        }
    }
}

/// What was started in one run.
#[derive(Default)]
struct Started {
    /// Who asked, under which name, when.
    requests: Vec<(usize, u64, u64)>,
    /// From, to, and the number that the message carries.
    messages: Vec<(usize, usize, u64)>,
}

#[derive(Default)]
struct Tally {
    requests: usize,
    answers: usize,
    messages: usize,
    delivered: usize,
    given_up: usize,
}

fn run(options: Options) -> Tally {
    let seed = options.seed;
    let mut world = World::new(options, Talker::new);
    world.run_until(1_000);
    world.start_churn();
    let mut started = Started::default();
    for step in 0..STEPS {
        start(&mut world, step, &mut started);
        let next = world.now + 500;
        world.run_until(next);
    }
    let end = world.now + UNREACHABLE_MS_MAX + TICKS_MS;
    world.run_until(end);
    for (index, member) in world.members.iter().enumerate() {
        let Some(member) = member else { continue };
        assert_eq!(member.offences, 0, "seed {seed}: {index} blamed an honest neighbour");
        assert_once(&member.asked, &format!("seed {seed}: {index} was asked"));
        assert_once(&member.delivered, &format!("seed {seed}: {index} was told"));
    }
    let mut tally = Tally::default();
    check_requests(seed, &world, &started, &mut tally);
    check_messages(seed, &world, &started, &mut tally);
    tally
}

fn start(world: &mut World<Talker>, step: u64, started: &mut Started) {
    let asker = world.anyone();
    started.requests.push((asker, step, world.now));
    let ask = Input::Ask { request: step, echo: ECHO, body: b"who can?".to_vec() };
    world.act(asker, |member, now, out| member.feed(now, ask, out));
    for number in 2 * step..2 * step + 2 {
        let (from, to) = (world.anyone(), world.anyone());
        if from != to {
            started.messages.push((from, to, number));
            let bytes = [&number.to_le_bytes()[..], &[7; 400]].concat();
            let send =
                Input::Send { to: ion(to), line: Line::Room(Room::Compute), bytes, is_there: true };
            world.act(from, |member, now, out| member.feed(now, send, out));
        }
    }
}

fn assert_once<T: Ord>(all: &[T], what: &str) {
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{what} twice");
}

/// Every request of an ion that stayed has ended, once, in time.
fn check_requests(seed: u64, world: &World<Talker>, started: &Started, tally: &mut Tally) {
    for (asker, request, at) in &started.requests {
        let Some(member) = &world.members[*asker] else { continue };
        let ended = member.ended.get(request).map_or(&[][..], Vec::as_slice);
        assert_eq!(ended.len(), 1, "seed {seed}: request {request} of {asker}");
        let within_ms = ended[0].as_ms() - at;
        assert!(within_ms <= ask_ms_max(ECHO) + TICKS_MS, "seed {seed}: {within_ms} ms");
        let answers = member.answers.get(request).map_or(&[][..], Vec::as_slice);
        assert_once(answers, &format!("seed {seed}: request {request} was answered"));
        tally.requests += 1;
        tally.answers += answers.len();
    }
}

/// Counts what became of the messages between ions that stayed.
fn check_messages(seed: u64, world: &World<Talker>, started: &Started, tally: &mut Tally) {
    for (from, to, number) in &started.messages {
        let (Some(writer), Some(reader)) = (&world.members[*from], &world.members[*to]) else {
            continue;
        };
        let is_it = |(by, bytes): &&(IonId, Vec<u8>)| {
            *by == ion(*from) && bytes.starts_with(&number.to_le_bytes())
        };
        let delivered = reader.delivered.iter().filter(is_it).count();
        assert!(delivered < 2, "seed {seed}: message {number} came twice");
        tally.messages += 1;
        tally.delivered += delivered;
        tally.given_up += usize::from(writer.given_up.iter().any(|(ion_, _)| *ion_ == ion(*to)));
    }
}

#[test]
fn requests_end_once_and_messages_arrive_once() {
    each_seed(|seed, _| {
        let tally = run(Options { ions: 1_000, seed, loss_permille: 10, churn_per_minute: 300 });
        assert!(tally.delivered * 10 >= tally.messages * 8, "seed {seed}: too little arrived");
        let Tally { requests, answers, messages, delivered, given_up } = tally;
        Ok(format!(
            "seed {seed}: {requests} requests, {answers} answers; of {messages} messages \
             {delivered} arrived, {given_up} were given up"
        ))
    });
}

/// Without faults nothing is lost: every request hears everybody within its
/// layers that answers, and every message arrives.
#[test]
fn without_faults_every_message_arrives() {
    let tally = run(Options { ions: 300, seed: 1, loss_permille: 0, churn_per_minute: 0 });
    assert_eq!((tally.delivered, tally.given_up), (tally.messages, 0));
    assert!(tally.answers > 40 * tally.requests, "{} answers", tally.answers);
}
