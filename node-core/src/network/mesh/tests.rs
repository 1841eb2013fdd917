//! Whole meshes of a dozen ions, frame by frame.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::identity::{Invitation, SimKeys};

struct Ion {
    mesh: Mesh,
    is_alive: bool,
    /// Whom it reaches, and how its streams to them open.
    reached: BTreeMap<IonId, (Vec<u8>, BTreeSet<Room>)>,
    /// Streams that came in and stand.
    inbound: BTreeSet<(IonId, Room)>,
    there: BTreeSet<IonId>,
    heard: Vec<(IonId, Vec<u8>)>,
    told: Vec<(IonId, Vec<u8>)>,
    /// Who is in the hall, as it was told.
    in_hall: BTreeSet<IonId>,
    probed: Vec<IonId>,
    echoed: Vec<(u64, Option<(u16, u64)>)>,
    answered: Vec<(IonId, Vec<IonId>)>,
    ended: Vec<(u64, usize, bool)>,
}

impl Ion {
    fn drop_streams(&mut self, ion: IonId) {
        self.reached.remove(&ion);
        self.inbound.retain(|(from, _)| *from != ion);
    }

    /// As a driver does it: nothing comes of streams that ended.
    fn passes(&mut self, input: &Input) -> bool {
        match input {
            Input::Opened(from, room, _) => {
                self.inbound.insert((*from, *room));
            }
            Input::Frame(from, room, _) => return self.inbound.contains(&(*from, *room)),
            Input::Closed(from) | Input::Failed(from) => self.drop_streams(*from),
            _ => {}
        }
        true
    }
}

/// A dozen ions and the frames between them; every frame takes 20 ms.
struct Bench {
    now_ms: u64,
    rng: Rng,
    ions: BTreeMap<IonId, Ion>,
    agenda: BTreeMap<(u64, u64), (IonId, Input)>,
    planned: u64,
    max: usize,
    /// Those who are cut off from the others.
    aside: BTreeSet<IonId>,
}

const LATENCY_MS: u64 = 20;
const TICK_MS: u64 = 50;

fn id(number: u8) -> IonId {
    IonId::from_bytes([number; 32])
}

fn say_in_hall(bytes: &[u8]) -> Input {
    Input::Rooms(rooms::Input::Publish { room: "hall".to_owned(), bytes: bytes.to_vec() })
}

fn belong(salt: u8) -> Input {
    let found = Invitation::found("test", false, vec![], &[salt; 48]).expect("it is valid");
    Input::Move(found.nebula, found.membership())
}

impl Bench {
    fn new(seed: u64, ions: u8, limits: Limits) -> Self {
        let mut bench = Self {
            now_ms: 0,
            rng: Rng::new(seed),
            ions: BTreeMap::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            max: limits.max(),
            aside: BTreeSet::new(),
        };
        for number in 1..=ions {
            bench.add(number, limits);
        }
        bench
    }

    fn add(&mut self, number: u8, limits: Limits) {
        let own = id(number);
        let seed = self.rng.next_u64();
        let keys = Arc::new(SimKeys::of(own));
        let start = Start { keys, seed, incarnation: 1 + self.now_ms, limits };
        let mesh = Mesh::new(start);
        let ion = Ion {
            mesh,
            is_alive: true,
            reached: BTreeMap::new(),
            inbound: BTreeSet::new(),
            there: BTreeSet::new(),
            heard: Vec::new(),
            told: Vec::new(),
            in_hall: BTreeSet::new(),
            probed: Vec::new(),
            echoed: Vec::new(),
            answered: Vec::new(),
            ended: Vec::new(),
        };
        self.ions.insert(own, ion);
        self.tell(own, belong(1));
        self.tell(own, Input::Rooms(rooms::Input::Subscribe("hall".to_owned())));
        let all: Vec<IonId> = self.ions.keys().copied().filter(|other| *other != own).collect();
        self.tell(own, Input::Found(all));
        self.plan(TICK_MS, own, Input::Tick);
    }

    fn plan(&mut self, delay_ms: u64, ion: IonId, input: Input) {
        self.planned += 1;
        self.agenda.insert((self.now_ms + delay_ms, self.planned), (ion, input));
    }

    fn tell(&mut self, ion: IonId, input: Input) {
        let mut effects = Vec::new();
        let now = Time::from_ms(self.now_ms);
        let Some(body) = self.ions.get_mut(&ion).filter(|body| body.is_alive) else { return };
        body.mesh.handle(now, input, &mut effects);
        for effect in effects {
            self.play(ion, effect);
        }
        let links = self.ions[&ion].mesh.neighbours().all().len();
        assert!(links <= self.max, "{ion:?} holds {links} links at {} ms", self.now_ms);
    }

    fn play(&mut self, own: IonId, effect: Effect) {
        let body = self.ions.get_mut(&own).expect("it is of this bench");
        match effect {
            Effect::Reach(ion, opening) => {
                body.reached.insert(ion, (opening, BTreeSet::new()));
            }
            Effect::Send(ion, room, bytes) => self.carry(own, ion, room, bytes),
            Effect::Refuse(ion) => panic!("{own:?} refuses {ion:?}"),
            Effect::Close(ion) => {
                body.drop_streams(ion);
                self.plan(LATENCY_MS, ion, Input::Closed(own));
            }
            Effect::Arrived(ion) => assert!(body.there.insert(ion), "{ion:?} arrives twice"),
            Effect::Departed(ion) => assert!(body.there.remove(&ion), "{ion:?} departs twice"),
            Effect::Heard(ion, _, bytes) => body.heard.push((ion, bytes)),
            Effect::Told { author, payload, .. } => body.told.push((author, payload)),
            Effect::Present { room, ion, is_here } => {
                assert_eq!(room, "hall");
                let is_news =
                    if is_here { body.in_hall.insert(ion) } else { body.in_hall.remove(&ion) };
                assert!(is_news, "{ion:?} is told of twice");
            }
            Effect::Probed(ion) => body.probed.push(ion),
            Effect::Unreachable(ion) => panic!("{ion:?} is unreachable"),
            Effect::Echoed { request, result } => body.echoed.push((request, result)),
            Effect::Answered { from, answer, .. } => body.answered.push((from, answer.path)),
            Effect::Ended { request, answers, is_complete } => {
                body.ended.push((request, answers, is_complete));
            }
            // Nobody here is beyond the reach of a relay.
            Effect::Near(..)
            | Effect::Entries(..)
            | Effect::Untold
            | Effect::Offer(_)
            | Effect::Answer(..)
            | Effect::Accept(..)
            | Effect::Abandon(_) => {}
            Effect::NotSaid(room, why) => panic!("{room}: {why}"),
        }
    }

    fn carry(&mut self, own: IonId, ion: IonId, room: Room, bytes: Vec<u8>) {
        let is_reached = self.ions.get(&ion).is_some_and(|other| other.is_alive)
            && self.aside.contains(&own) == self.aside.contains(&ion);
        let body = self.ions.get_mut(&own).expect("it is of this bench");
        let Some((opening, rooms)) = body.reached.get_mut(&ion) else { return };
        if !is_reached {
            if room == Room::Link {
                self.plan(12_000, own, Input::Failed(ion));
            }
            return;
        }
        let opening = rooms.insert(room).then(|| opening.clone());
        if let Some(opening) = opening {
            self.plan(LATENCY_MS, ion, Input::Opened(own, room, opening));
        }
        self.plan(LATENCY_MS, ion, Input::Frame(own, room, bytes));
    }

    fn run_for(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), (ion, input)) = entry.remove_entry();
            self.now_ms = at;
            if let Input::Tick = input {
                self.plan(TICK_MS, ion, Input::Tick);
            }
            if self.ions.get_mut(&ion).is_some_and(|body| body.passes(&input)) {
                self.tell(ion, input);
            }
        }
        self.now_ms = until;
    }

    /// How long it takes until that holds, at most so long.
    fn until(&mut self, ms_max: u64, what: &str, holds: impl Fn(&Self) -> bool) -> u64 {
        let begin = self.now_ms;
        while !holds(self) {
            let waited = self.now_ms - begin;
            assert!(waited < ms_max, "{what}: not after {waited} ms");
            self.run_for(50);
        }
        self.now_ms - begin
    }

    /// Whether everybody who lives knows everybody else, and nobody more.
    fn all_know_all(&self) -> bool {
        let living = || self.ions.iter().filter(|(_, ion)| ion.is_alive).map(|(id, _)| *id);
        living().all(|own| {
            let others: BTreeSet<IonId> = living().filter(|other| *other != own).collect();
            self.ions[&own].there == others
        })
    }

    /// Whether everybody who lives is told that all others who live are in the hall.
    fn all_see_all_in_hall(&self) -> bool {
        self.ions.values().filter(|ion| ion.is_alive).all(|ion| ion.in_hall == ion.there)
            && self.all_know_all()
    }

    /// It is gone; its neighbours notice it at once, or only by its silence.
    fn kill(&mut self, ion: IonId, is_noticed: bool) {
        let links = self.ions[&ion].mesh.neighbours().all();
        self.ions.get_mut(&ion).expect("it is of this bench").is_alive = false;
        for neighbour in links.iter().filter(|_| is_noticed) {
            self.plan(LATENCY_MS, neighbour.ion, Input::Closed(ion));
        }
    }
}

#[test]
fn everybody_knows_everybody_over_few_links() {
    for seed in 0..5 {
        let mut bench = Bench::new(seed, 14, Limits::new(3, 4));
        let ms = bench.until(10_000, "all know all", Bench::all_know_all);
        assert!(ms < 5_000, "{ms}");
        bench.run_for(60_000);
        assert!(bench.all_know_all(), "and it stays so");
    }
}

#[test]
fn five_ions_with_two_links_each_know_and_reach_each_other() {
    for seed in 0..10 {
        let mut bench = Bench::new(seed, 5, Limits::new(2, 2));
        bench.until(20_000, "all know all", Bench::all_know_all);
        for to in 2..=5 {
            bench.tell(id(1), Input::Say(id(to), Room::Compute, vec![to]));
        }
        let all_heard =
            |bench: &Bench| (2..=5).all(|to| bench.ions[&id(to)].heard == [(id(1), vec![to])]);
        bench.until(routing::PATIENCE_MS, "all heard", all_heard);
    }
}

#[test]
fn what_is_said_to_all_is_told_to_all() {
    let mut bench = Bench::new(1, 9, Limits::new(2, 3));
    bench.until(10_000, "all know all", Bench::all_know_all);
    bench.tell(id(4), say_in_hall(b"hello"));
    let told = |bench: &Bench| {
        let others = bench.ions.iter().filter(|(ion, _)| **ion != id(4));
        others.map(|(_, ion)| &ion.told).all(|told| *told == [(id(4), b"hello".to_vec())])
    };
    bench.until(1_000, "all are told", told);
}

#[test]
fn who_is_in_a_room_is_told_to_all_in_it() {
    let mut bench = Bench::new(1, 9, Limits::new(2, 3));
    bench.until(20_000, "all see all", Bench::all_see_all_in_hall);
    bench.tell(id(4), Input::Rooms(rooms::Input::Unsubscribe("hall".to_owned())));
    let is_seen = |bench: &Bench| bench.ions.values().any(|ion| ion.in_hall.contains(&id(4)));
    bench.until(1_000, "all see that one left", |bench| !is_seen(bench));
    bench.kill(id(7), false);
    bench.ions.get_mut(&id(4)).expect("it is of this bench").is_alive = false;
    bench.until(60_000, "all see that two fell silent", Bench::all_see_all_in_hall);
    bench.tell(id(2), belong(2));
    assert!(bench.ions[&id(2)].in_hall.is_empty(), "it left them all behind");
}

#[test]
fn a_probe_reaches_who_is_not_linked() {
    let mut bench = Bench::new(2, 9, Limits::new(2, 3));
    bench.until(20_000, "all know all", Bench::all_know_all);
    let is_linked = |ion: &IonId| bench.ions[&id(1)].mesh.neighbours().is_known(ion);
    let distant = (2..=9).map(id).find(|ion| !is_linked(ion)).expect("three links of eight");
    bench.tell(id(1), Input::Probe(distant));
    bench.until(routing::PATIENCE_MS, "it came back", |bench| {
        bench.ions[&id(1)].probed == [distant]
    });
}

#[test]
fn a_closed_ion_departs_everywhere_within_moments_and_a_killed_one_within_twelve_seconds() {
    for seed in 0..10 {
        let mut bench = Bench::new(seed, 12, Limits::new(3, 4));
        bench.until(10_000, "all know all", Bench::all_know_all);
        bench.run_for(5_000);
        bench.kill(id(7), true);
        // Its neighbours see it at once; the news may have to be asked for.
        let ms = bench.until(2_000, "the closed one departed", Bench::all_know_all);
        assert!(ms <= 1_000, "{ms} ms");
        bench.kill(id(3), false);
        let ms = bench.until(15_000, "the killed one departed", Bench::all_know_all);
        assert!(ms <= 12_000, "{ms} ms");
    }
}

#[test]
fn whoever_moves_departs_at_once_and_knows_nobody() {
    let mut bench = Bench::new(1, 8, Limits::new(3, 4));
    bench.until(10_000, "all know all", Bench::all_know_all);
    bench.tell(id(2), belong(2));
    assert!(bench.ions[&id(2)].there.is_empty());
    bench.ions.get_mut(&id(2)).unwrap().is_alive = false;
    let ms = bench.until(2_000, "it departed", Bench::all_know_all);
    assert!(ms <= 500, "{ms} ms");
}

/// Both sides go on by themselves; after the heal a relay tells one ion of
/// another, or nobody tells anybody anything.
#[test]
fn two_halves_become_one_again_with_a_relay_and_without() {
    for (seed, has_relay) in [(1, true), (2, true), (3, false), (4, false)] {
        let mut bench = Bench::new(seed, 12, Limits::new(3, 4));
        bench.until(10_000, "all know all", Bench::all_know_all);
        bench.run_for(5_000);
        bench.aside = (7..=12).map(id).collect();
        let apart = |bench: &Bench| (1..=12).all(|one| bench.ions[&id(one)].there.len() == 5);
        bench.until(60_000, "each side knows itself", apart);
        bench.aside.clear();
        let mut ms = 0;
        while !bench.all_know_all() {
            assert!(ms < 60_000, "seed {seed}: still apart");
            if has_relay && ms % 15_000 == 0 {
                bench.tell(id(2), Input::Found(vec![id(9)]));
            }
            bench.run_for(500);
            ms += 500;
        }
    }
}

#[test]
fn an_ion_that_comes_back_is_known_again() {
    let mut bench = Bench::new(3, 8, Limits::new(3, 4));
    bench.until(10_000, "all know all", Bench::all_know_all);
    bench.kill(id(5), true);
    bench.until(2_000, "it departed", Bench::all_know_all);
    bench.agenda.retain(|_, (ion, _)| *ion != id(5));
    bench.add(5, Limits::new(3, 4));
    bench.until(10_000, "it is back", Bench::all_know_all);
}

/// Mission N3: 0 layers are the direct peers, 1 also theirs; answers tell who
/// held the question before.
#[test]
fn a_question_is_answered_once_by_everybody_within_its_layers() {
    let mut bench = Bench::new(2, 12, Limits::new(2, 3));
    bench.until(10_000, "all know all", Bench::all_know_all);
    bench.run_for(2_000);
    let peers: BTreeSet<IonId> =
        bench.ions[&id(1)].mesh.neighbours().all().iter().map(|one| one.ion).collect();
    for (request, echo) in [(1, 0), (2, 11)] {
        bench.ions.get_mut(&id(1)).expect("it is there").answered.clear();
        bench.tell(id(1), Input::Ask { request, echo });
        let ms_max = routing::ask_ms_max(echo) + TICK_MS;
        bench.until(ms_max, "it ended", |bench| {
            bench.ions[&id(1)].ended.last().is_some_and(|(ended, ..)| *ended == request)
        });
        let answered = &bench.ions[&id(1)].answered;
        let from: BTreeSet<IonId> = answered.iter().map(|(from, _)| *from).collect();
        assert_eq!(from.len(), answered.len(), "each answers once");
        if echo == 0 {
            assert_eq!(from, peers);
            assert!(answered.iter().all(|(_, path)| *path == [id(1)]));
        } else {
            assert_eq!(from.len(), 11);
            let holds_once = |path: &Vec<IonId>| {
                path.iter().collect::<BTreeSet<_>>().len() == path.len() && path[0] == id(1)
            };
            assert!(answered.iter().all(|(_, path)| holds_once(path)));
            assert!(answered.iter().any(|(_, path)| path.len() > 2), "some are far");
        }
        assert_eq!(bench.ions[&id(1)].ended.last(), Some(&(request, from.len(), true)));
    }
}

#[test]
fn a_frame_of_no_kind_is_an_offence() {
    let mut bench = Bench::new(1, 2, Limits::default());
    bench.until(5_000, "all know all", Bench::all_know_all);
    bench.run_for(3_000);
    for bytes in [vec![], vec![7], vec![9, 9], vec![2]] {
        bench.tell(id(1), Input::Frame(id(2), Room::Mesh, bytes));
    }
    assert!(bench.ions[&id(1)].mesh.neighbours().all().is_empty());
}
