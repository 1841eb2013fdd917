use std::collections::{BTreeMap, BTreeSet};

use super::{placement::rank, *};
use crate::{platform::sim::Rng, store::chunk::Codec};

const MIB: u64 = 1 << 20;

fn ion(number: u64) -> IonId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_le_bytes());
    IonId::from_bytes(id)
}

fn part(number: u64) -> Part {
    Part { file: Cid::of(Codec::DagCbor, b"a file"), number }
}

/// Long after the machine was made: it knows who is there.
const START: Time = Time::from_ms(1_000_000);
const OFFER: Offer = Offer { capacity_mib: 1_000, has_room: true, is_leaving: false };
const WISH: Wish = Wish { bytes: 10 * MIB, goal: 3, is_new: true, is_pinned: false };

fn offers(numbers: impl IntoIterator<Item = u64>) -> Map<IonId, Offer> {
    numbers.into_iter().map(|number| (ion(number), OFFER)).collect()
}

/// The machine of ion 0 among ten, with a part that these hold.
fn machine(holders: &[u64]) -> Replicas {
    let mut machine = Replicas::new(ion(0), Time::ZERO);
    let mut inputs = vec![Input::Ions(offers(0..10)), Input::Wish(part(0), WISH)];
    inputs.extend(holders.iter().map(|holder| Input::Holds(ion(*holder), part(0))));
    for input in inputs {
        assert_eq!(after(&mut machine, 0, input), []);
    }
    machine
}

fn after(machine: &mut Replicas, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    machine.handle(START.plus_ms(ms), input, &mut effects);
    effects
}

fn tick(machine: &mut Replicas, ms: u64) -> Vec<Effect> {
    after(machine, ms, Input::Tick)
}

/// Nine other ions, by rank, for the part of which ion 0 is to be `place`th.
fn part_where_own_is(place: usize) -> (Part, Vec<IonId>) {
    let ions = offers(0..10);
    let is_there = |number: &u64| rank(&part(*number), &ions)[place] == ion(0);
    let part = part((0..9_999).find(is_there).expect("it is everywhere at times"));
    (part, rank(&part, &ions))
}

#[test]
fn only_who_is_named_fetches() {
    for place in 0..10 {
        let (part, order) = part_where_own_is(place);
        let mut machine = machine(&[]);
        after(&mut machine, 0, Input::Wish(part, WISH));
        let holder = *order.iter().rfind(|other| **other != ion(0)).expect("there are others");
        after(&mut machine, 0, Input::Holds(holder, part));
        let expected = if place < 2 { vec![Effect::Fetch(part)] } else { vec![] };
        assert_eq!(tick(&mut machine, 1), expected, "place {place}");
        assert_eq!(tick(&mut machine, 2), [], "it is being fetched");
    }
}

#[test]
fn who_is_gone_for_a_moment_costs_nothing() {
    let (part, order) = part_where_own_is(0);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, WISH));
    for holder in &order[1..4] {
        after(&mut machine, 0, Input::Holds(*holder, part));
    }
    let mut fewer = offers(0..10);
    fewer.remove(&order[1]);
    after(&mut machine, 1_000, Input::Ions(fewer.clone()));
    assert_eq!(tick(&mut machine, GRACE_MS), []);
    after(&mut machine, GRACE_MS, Input::Ions(offers(0..10)));
    assert_eq!(tick(&mut machine, 2 * GRACE_MS), []);
    after(&mut machine, 2 * GRACE_MS, Input::Ions(fewer));
    assert_eq!(tick(&mut machine, 3 * GRACE_MS - 1), []);
    assert_eq!(tick(&mut machine, 3 * GRACE_MS), [Effect::Fetch(part)]);
}

#[test]
fn what_cannot_be_fetched_is_tried_again_later() {
    let (part, order) = part_where_own_is(0);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, WISH));
    assert_eq!(tick(&mut machine, 1), [], "nobody has it");
    after(&mut machine, 1, Input::Holds(order[5], part));
    assert_eq!(tick(&mut machine, 2), [Effect::Fetch(part)]);
    after(&mut machine, 3, Input::Fetched(part, false));
    assert_eq!(tick(&mut machine, 1_000), []);
    assert_eq!(tick(&mut machine, 3 + RETRY_MS), [Effect::Fetch(part)]);
}

#[test]
fn the_next_is_named_when_the_first_does_not_fetch() {
    let (part, order) = part_where_own_is(3);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, WISH));
    after(&mut machine, 0, Input::Holds(order[9], part));
    assert_eq!(tick(&mut machine, 1_000), []);
    assert_eq!(tick(&mut machine, 1_000 + OVERDUE_MS), [], "that is the third");
    assert_eq!(tick(&mut machine, 1_000 + 2 * OVERDUE_MS), [Effect::Fetch(part)]);
}

#[test]
fn surplus_goes_late_and_from_the_last_named_only() {
    for place in 0..4 {
        let (part, order) = part_where_own_is(place);
        let mut machine = machine(&[]);
        after(&mut machine, 0, Input::Wish(part, WISH));
        for holder in &order[..4] {
            after(&mut machine, 0, Input::Holds(*holder, part));
        }
        assert_eq!(tick(&mut machine, 1_000), []);
        assert_eq!(tick(&mut machine, 999 + SURPLUS_MS), []);
        let expected = if place == 3 { vec![Effect::Drop(part)] } else { vec![] };
        assert_eq!(tick(&mut machine, 1_000 + SURPLUS_MS), expected, "place {place}");
    }
}

#[test]
fn nothing_is_dropped_while_an_other_holder_is_away() {
    let (part, order) = part_where_own_is(3);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, WISH));
    for holder in &order[..4] {
        after(&mut machine, 0, Input::Holds(*holder, part));
    }
    tick(&mut machine, 0);
    let mut fewer = offers(0..10);
    fewer.remove(&order[0]);
    after(&mut machine, SURPLUS_MS - 10, Input::Ions(fewer));
    assert_eq!(tick(&mut machine, SURPLUS_MS), []);
}

#[test]
fn what_is_pinned_is_fetched_and_stays() {
    let (part, order) = part_where_own_is(9);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, Wish { is_pinned: true, ..WISH }));
    for holder in &order[..3] {
        after(&mut machine, 0, Input::Holds(*holder, part));
    }
    assert_eq!(tick(&mut machine, 1), [Effect::Fetch(part)]);
    after(&mut machine, 2, Input::Fetched(part, true));
    tick(&mut machine, 3);
    assert_eq!(tick(&mut machine, 10 * SURPLUS_MS), []);
}

#[test]
fn repairs_keep_to_their_rate_and_new_files_need_not() {
    let mut machine = machine(&[]);
    for number in 0..1_000 {
        after(&mut machine, 0, Input::Wish(part(number), Wish { goal: 10, is_new: false, ..WISH }));
        after(&mut machine, 0, Input::Holds(ion(1), part(number)));
    }
    let (mut bytes, ms) = (0, 100_000);
    for second in 0..ms / 1_000 {
        for effect in tick(&mut machine, second * 1_000) {
            let Effect::Fetch(part) = effect else { panic!("{effect:?}") };
            bytes += WISH.bytes;
            after(&mut machine, second * 1_000, Input::Fetched(part, true));
        }
    }
    let allowed = REPAIR_BYTES_PER_SECOND * ms / 1_000;
    assert!(bytes <= allowed + WISH.bytes && bytes > allowed * 9 / 10, "{bytes} of {allowed}");
    for number in 2_000..2_010 {
        let new = Wish { goal: 10, ..WISH };
        after(&mut machine, ms, Input::Wish(part(number), new));
        after(&mut machine, ms, Input::Holds(ion(1), part(number)));
    }
    assert_eq!(tick(&mut machine, ms).len(), FETCHES_MAX);
}

#[test]
fn health_tells_who_holds_a_part() {
    let mut machine = machine(&[0, 3]);
    let health = machine.health(&part(0)).expect("it is looked after");
    assert_eq!((health.live, health.goal, health.is_only_here), (2, 3, false));
    assert!(health.loss > 0.0 && health.loss < 0.01, "{}", health.loss);
    after(&mut machine, 1, Input::Ions(offers([0, 1, 2])));
    let health = machine.health(&part(0)).expect("it is looked after");
    assert_eq!((health.live, health.goal, health.is_only_here), (1, 3, true));
    assert_eq!(machine.health(&part(1)), None);
}

#[test]
fn what_only_one_holds_who_leaves_is_fetched_at_once() {
    let old = |goal| Wish { goal, is_new: false, ..WISH };
    let leaving = |numbers: &[u64]| {
        let mut ions = offers(0..3);
        for number in numbers {
            ions.insert(ion(*number), Offer { is_leaving: true, ..OFFER });
        }
        Input::Ions(ions)
    };
    let (soon, later) = (part(1), part(2));
    let mut machine = Replicas::new(ion(0), Time::ZERO);
    after(&mut machine, 0, Input::Ions(offers(0..3)));
    for (part, holders) in [(soon, &[1][..]), (later, &[1, 2])] {
        after(&mut machine, 0, Input::Wish(part, old(3)));
        for holder in holders {
            after(&mut machine, 0, Input::Holds(ion(*holder), part));
        }
    }
    assert_eq!(tick(&mut machine, 1), [], "each may be on its way");
    after(&mut machine, 2, leaving(&[1]));
    assert_eq!(tick(&mut machine, 2), [Effect::Fetch(soon)], "another holds the other part");
    after(&mut machine, 3, leaving(&[1, 2]));
    assert_eq!(tick(&mut machine, 3), [Effect::Fetch(later)]);
    // Who leaves takes nothing over.
    let mut own = Replicas::new(ion(0), Time::ZERO);
    after(&mut own, 0, leaving(&[0]));
    after(&mut own, 0, Input::Wish(soon, WISH));
    after(&mut own, 0, Input::Holds(ion(1), soon));
    assert_eq!(tick(&mut own, 1), []);
}

#[test]
fn what_only_seems_to_be_missing_is_not_repaired() {
    let (part, order) = part_where_own_is(0);
    let mut machine = machine(&[]);
    after(&mut machine, 0, Input::Wish(part, Wish { is_new: false, ..WISH }));
    after(&mut machine, 0, Input::Holds(order[1], part));
    assert_eq!(tick(&mut machine, 1), []);
    assert_eq!(tick(&mut machine, SETTLE_MS), []);
    assert_eq!(tick(&mut machine, 1 + SETTLE_MS), [Effect::Fetch(part)]);
}

/// Ions with machines and disks; news reach everybody after a while.
struct World {
    now_ms: u64,
    rng: Rng,
    machines: BTreeMap<u64, Replicas>,
    /// Kept while their ion is away.
    disks: BTreeMap<u64, BTreeSet<Part>>,
    news: BTreeMap<(u64, u64), (u64, Input)>,
    /// When, who, what.
    fetches: BTreeMap<(u64, u64), (u64, Part)>,
    count: u64,
    fetched_bytes: u64,
    begun: u64,
    /// Parts that nobody awake held at some moment.
    lost: BTreeSet<Part>,
}

const IONS: u64 = 20;
const PARTS: u64 = 120;
const STEP_MS: u64 = 500;

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            now_ms: 0,
            rng: Rng::new(seed),
            machines: BTreeMap::new(),
            disks: BTreeMap::new(),
            news: BTreeMap::new(),
            fetches: BTreeMap::new(),
            count: 0,
            fetched_bytes: 0,
            begun: 0,
            lost: BTreeSet::new(),
        };
        for number in 0..PARTS {
            for holder in rank(&part(number), &offers(0..IONS)).into_iter().take(3) {
                let holder = (0..IONS).find(|other| ion(*other) == holder).expect("it is one");
                world.disks.entry(holder).or_default().insert(part(number));
            }
        }
        for number in 0..IONS {
            world.wake(number);
        }
        world
    }

    /// An ion comes with what its disk holds, and hears what the others hold.
    fn wake(&mut self, number: u64) {
        let mut machine = Replicas::new(ion(number), Time::from_ms(self.now_ms));
        let mut effects = Vec::new();
        let now = Time::from_ms(self.now_ms);
        for number in 0..PARTS {
            let wish = Wish { bytes: MIB, is_new: false, ..WISH };
            machine.handle(now, Input::Wish(part(number), wish), &mut effects);
        }
        self.machines.insert(number, machine);
        for (holder, parts) in self.disks.clone() {
            for part in parts {
                let is_own = holder == number;
                self.tell(number, Input::Holds(ion(holder), part));
                if is_own {
                    self.tell_all(&Input::Holds(ion(holder), part));
                }
            }
        }
        self.tell_who_is_there();
    }

    fn sleep(&mut self, number: u64) {
        self.machines.remove(&number);
        self.fetches.retain(|_, (who, _)| *who != number);
        self.tell_who_is_there();
    }

    fn tell_who_is_there(&mut self) {
        let there = offers(self.machines.keys().copied());
        self.tell_all(&Input::Ions(there));
    }

    fn tell_all(&mut self, input: &Input) {
        for number in self.machines.keys().copied().collect::<Vec<_>>() {
            self.tell(number, input.clone());
        }
    }

    /// News take up to two seconds; those of one kind keep their order.
    fn tell(&mut self, number: u64, input: Input) {
        let delay = if matches!(input, Input::Ions(_)) { 900 } else { self.rng.below(2_000) };
        self.count += 1;
        self.news.insert((self.now_ms + delay, self.count), (number, input));
    }

    fn step(&mut self) {
        self.now_ms += STEP_MS;
        let now = self.now_ms;
        let mut later = self.news.split_off(&(now + 1, 0));
        std::mem::swap(&mut self.news, &mut later);
        for (number, input) in later.into_values() {
            self.handle(number, input);
        }
        let mut later = self.fetches.split_off(&(now + 1, 0));
        std::mem::swap(&mut self.fetches, &mut later);
        for (number, part) in later.into_values() {
            let is_there = self.holders(&part) > 0;
            if is_there {
                self.disks.entry(number).or_default().insert(part);
                self.fetched_bytes += MIB;
                self.tell_all(&Input::Holds(ion(number), part));
            }
            self.handle(number, Input::Fetched(part, is_there));
        }
        for number in self.machines.keys().copied().collect::<Vec<_>>() {
            self.handle(number, Input::Tick);
        }
        for part in (0..PARTS).map(part) {
            if self.holders(&part) == 0 {
                self.lost.insert(part);
            }
        }
    }

    fn handle(&mut self, number: u64, input: Input) {
        let Some(machine) = self.machines.get_mut(&number) else { return };
        let mut effects = Vec::new();
        machine.handle(Time::from_ms(self.now_ms), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Fetch(part) => {
                    self.count += 1;
                    self.begun += 1;
                    let done = self.now_ms + 200 + self.rng.below(3_000);
                    self.fetches.insert((done, self.count), (number, part));
                }
                Effect::Drop(part) => {
                    self.disks.entry(number).or_default().remove(&part);
                    self.tell_all(&Input::Lacks(ion(number), part));
                }
                Effect::Full(_) => panic!("there are few"),
            }
        }
    }

    /// How many hold it and are awake.
    fn holders(&self, part: &Part) -> usize {
        let awake = self.disks.iter().filter(|(number, _)| self.machines.contains_key(number));
        awake.filter(|(_, parts)| parts.contains(part)).count()
    }

    fn any(&mut self, among: u64) -> u64 {
        self.rng.below(among)
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.step();
        }
    }
}

/// A fifth of the ions leave in a minute, some for good, some for a moment.
#[test]
fn copies_return_to_their_goal_after_churn_and_there_is_no_storm() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        world.run(60_000);
        assert_eq!(world.begun, 0, "seed {seed}: what is as wished is left alone");
        let (mut gone_parts, mut away) = (0, Vec::new());
        for _ in 0..20 {
            let number = world.any(IONS);
            if world.machines.contains_key(&number) && world.machines.len() > 8 {
                gone_parts += world.disks.get(&number).map_or(0, |parts| parts.len() as u64);
                world.sleep(number);
                away.push(number);
            }
            world.run(15_000);
            if world.any(3) > 0
                && let Some(number) = away.pop()
            {
                world.wake(number);
            }
        }
        world.run(300_000);
        for part in (0..PARTS).map(part).filter(|part| !world.lost.contains(part)) {
            let holders = world.holders(&part);
            assert!(holders >= 3, "seed {seed}: {holders} copies of {part:?}");
        }
        let bytes = world.fetched_bytes / MIB;
        println!(
            "seed {seed}: {bytes} MiB of repairs for {gone_parts} MiB that left, \
            {} parts had no holder at some time",
            world.lost.len()
        );
        assert!(bytes <= gone_parts, "seed {seed}: more was repaired than left");
        assert!(bytes > 0, "seed {seed}: nothing was repaired");
    }
}

/// Who is away for less than the grace time costs nothing at all.
#[test]
fn reloads_are_not_repaired() {
    let mut world = World::new(3);
    for number in 0..IONS {
        world.sleep(number);
        world.run(10_000);
        world.wake(number);
        world.run(5_000);
    }
    assert_eq!(world.begun, 0);
}

/// Half of all ions leave at once: each of the others repairs at its rate.
#[test]
fn a_great_loss_is_repaired_at_a_bounded_rate() {
    let mut world = World::new(5);
    world.run(10_000);
    for number in 0..IONS / 2 {
        world.sleep(number);
    }
    world.run(GRACE_MS + 1_000);
    let before = world.begun;
    let ms = 10_000;
    world.run(ms);
    let ions = IONS / 2;
    let allowed = ions * (REPAIR_BYTES_PER_SECOND * ms / 1_000 / MIB + 1);
    assert!(world.begun - before <= allowed, "{} of {allowed} MiB", world.begun - before);
    world.run(300_000);
    for part in (0..PARTS).map(part).filter(|part| !world.lost.contains(part)) {
        assert!(world.holders(&part) >= 3);
    }
}
