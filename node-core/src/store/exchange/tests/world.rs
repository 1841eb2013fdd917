//! A small world of exchanging ions on virtual time: links with a latency and a
//! speed, disks that take a moment, ions that lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::super::{
    Asker, Effect, Exchange, Input, Offence, Order, Wanted,
    wire::{self, Message},
};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
    store::chunk::{Cid, Codec},
};

/// How an ion behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    Honest,
    /// Offers everything and sends nothing.
    Silent,
    /// Offers everything and sends other bytes.
    Forger,
    /// Its disk takes what it gets and never says that it did.
    Stuck,
}

pub(super) struct Ion {
    pub(super) id: IonId,
    pub(super) temper: Temper,
    pub(super) disk: BTreeMap<Cid, Arc<[u8]>>,
    /// In the order in which they came.
    pub(super) done: Vec<Cid>,
    pub(super) offences: BTreeSet<(IonId, Offence)>,
    pub(super) unavailable: BTreeSet<Cid>,
    /// Bytes of frames with data that it got.
    pub(super) data_bytes: u64,
    /// Bytes given to its disk.
    pub(super) given_bytes: u64,
    machine: Exchange,
}

struct Link {
    latency_us: u64,
    bytes_per_second: u64,
    free_us: u64,
}

#[derive(Debug)]
enum Event {
    Input(usize, Input),
    Frame { from: usize, to: usize, epoch: u64, bytes: Vec<u8>, is_data: bool },
    Sent { from: usize, to: usize, epoch: u64 },
    Tick(usize),
}

pub(super) struct World {
    pub(super) ions: Vec<Ion>,
    pub(super) now_us: u64,
    pub(super) rng: Rng,
    events: BTreeMap<(u64, u64), Event>,
    links: BTreeMap<(usize, usize), Link>,
    /// Counts up when a link breaks, so that what was on the way is lost.
    epochs: BTreeMap<(usize, usize), u64>,
    count: u64,
}

const TICK_US: u64 = 250_000;
const LOOK_US: u64 = 1_000;
const STORE_US: u64 = 3_000;

impl World {
    pub(super) fn new(seed: u64, tempers: &[Temper]) -> Self {
        let (events, links, epochs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let rng = Rng::new(seed);
        let mut world = Self { ions: vec![], now_us: 0, rng, events, links, epochs, count: 0 };
        for temper in tempers {
            world.join(*temper);
        }
        world
    }

    pub(super) fn join(&mut self, temper: Temper) -> usize {
        let mut id = [0; 32];
        self.rng.fill(&mut id);
        let machine = Exchange::new(Rng::new(self.rng.next_u64()));
        let number = self.ions.len();
        self.ions.push(Ion {
            id: IonId::from_bytes(id),
            temper,
            disk: BTreeMap::new(),
            done: Vec::new(),
            offences: BTreeSet::new(),
            unavailable: BTreeSet::new(),
            data_bytes: 0,
            given_bytes: 0,
            machine,
        });
        let first = self.rng.below(TICK_US);
        self.after(first, Event::Tick(number));
        number
    }

    /// The same ion with the same disk after a restart.
    pub(super) fn restart(&mut self, ion: usize) {
        let others: Vec<usize> = self.neighbours(ion);
        for other in others {
            self.unlink(ion, other);
        }
        self.ions[ion].machine = Exchange::new(Rng::new(self.rng.next_u64()));
        self.ions[ion].done.clear();
    }

    pub(super) fn neighbours(&self, ion: usize) -> Vec<usize> {
        self.links.keys().filter(|(from, _)| *from == ion).map(|(_, to)| *to).collect()
    }

    pub(super) fn link(&mut self, one: usize, other: usize, ms: u64, bytes_per_second: u64) {
        for (from, to) in [(one, other), (other, one)] {
            let link = Link { latency_us: ms * 1_000, bytes_per_second, free_us: self.now_us };
            self.links.insert((from, to), link);
            self.after(0, Event::Input(from, Input::Linked(self.ions[to].id)));
        }
    }

    pub(super) fn unlink(&mut self, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            if self.links.remove(&(from, to)).is_some() {
                *self.epochs.entry((from, to)).or_default() += 1;
                self.after(0, Event::Input(from, Input::Lost(self.ions[to].id)));
            }
        }
    }

    pub(super) fn fetch(&mut self, ion: usize, cids: &[Cid], bytes_max: u32, order: Order) {
        let wanted = cids.iter().map(|cid| Wanted { cid: *cid, bytes_max }).collect();
        self.after(0, Event::Input(ion, Input::Fetch(wanted, order)));
    }

    pub(super) fn input(&mut self, ion: usize, input: Input) {
        self.after(0, Event::Input(ion, input));
    }

    /// Runs until that holds; how long it took, in milliseconds.
    pub(super) fn until(&mut self, ms_max: u64, is_met: impl Fn(&Self) -> bool) -> Option<u64> {
        let start = self.now_us;
        while !is_met(self) {
            let (&key, _) = self.events.first_key_value().expect("there are always ticks");
            if key.0 > start + ms_max * 1_000 {
                return None;
            }
            let event = self.events.remove(&key).expect("it is the first");
            self.now_us = key.0;
            self.happen(event);
        }
        Some((self.now_us - start) / 1_000)
    }

    pub(super) fn run(&mut self, ms: u64) {
        assert_eq!(self.until(ms, |_| false), None);
    }

    fn after(&mut self, us: u64, event: Event) {
        self.count += 1;
        self.events.insert((self.now_us + us, self.count), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Input(ion, input) => {
                if let Input::Stored(cid, true) = &input {
                    assert!(self.ions[ion].disk.contains_key(cid));
                }
                self.handle(ion, input);
            }
            Event::Frame { from, to, epoch, bytes, is_data } => {
                if self.epoch(from, to) == epoch {
                    if is_data {
                        self.ions[to].data_bytes += bytes.len() as u64;
                    }
                    self.handle(to, Input::Frame(self.ions[from].id, bytes));
                }
            }
            Event::Sent { from, to, epoch } => {
                if self.epoch(from, to) == epoch {
                    self.handle(from, Input::Sent(self.ions[to].id));
                }
            }
            Event::Tick(ion) => {
                self.after(TICK_US, Event::Tick(ion));
                self.handle(ion, Input::Tick);
            }
        }
    }

    fn epoch(&self, from: usize, to: usize) -> u64 {
        self.epochs.get(&(from, to)).copied().unwrap_or_default()
    }

    fn handle(&mut self, ion: usize, input: Input) {
        let mut effects = Vec::new();
        let now = Time::from_ms(self.now_us / 1_000);
        self.ions[ion].machine.handle(now, input, &mut effects);
        for effect in effects {
            self.apply(ion, effect);
        }
    }

    fn apply(&mut self, number: usize, effect: Effect) {
        let ion = &mut self.ions[number];
        match effect {
            Effect::Look(asker, cids) => {
                let lies = matches!(ion.temper, Temper::Silent | Temper::Forger);
                let is_here =
                    |cid: &Cid| ion.disk.contains_key(cid) || (lies && asker != Asker::Own);
                let (have, lack) = cids.into_iter().partition(is_here);
                self.after(LOOK_US, Event::Input(number, Input::Looked { asker, have, lack }));
            }
            Effect::Send(to, bytes) => self.send(number, to, bytes, false),
            Effect::Data(to, bytes) => {
                let bytes = if ion.temper == Temper::Forger { forged(&bytes) } else { bytes };
                self.send(number, to, bytes, true);
            }
            Effect::Read(cid) => {
                let bytes = match ion.temper {
                    Temper::Silent => return,
                    Temper::Forger => Some(ion.disk[&cid].clone()),
                    _ => ion.disk.get(&cid).cloned(),
                };
                self.after(LOOK_US, Event::Input(number, Input::Read(cid, bytes)));
            }
            Effect::Store(cid, bytes) => {
                assert!(Cid::of(Codec::Raw, &bytes) == cid, "unverified bytes are stored");
                ion.given_bytes += bytes.len() as u64;
                ion.disk.insert(cid, bytes.into());
                if ion.temper != Temper::Stuck {
                    self.after(STORE_US, Event::Input(number, Input::Stored(cid, true)));
                }
            }
            Effect::Done(cid) => ion.done.push(cid),
            Effect::Unavailable(cid) => drop(ion.unavailable.insert(cid)),
            Effect::Offence(other, offence) => drop(ion.offences.insert((other, offence))),
            Effect::Failed(..) | Effect::Corrupt(_) => panic!("{effect:?}"),
        }
    }

    fn send(&mut self, from: usize, to: IonId, bytes: Vec<u8>, is_data: bool) {
        let to = self.ions.iter().position(|ion| ion.id == to).expect("it is known");
        let epoch = self.epoch(from, to);
        let Some(link) = self.links.get_mut(&(from, to)) else { return };
        let takes_us = bytes.len() as u64 * 1_000_000 / link.bytes_per_second;
        link.free_us = link.free_us.max(self.now_us) + takes_us;
        let (sent_us, latency_us) = (link.free_us - self.now_us, link.latency_us);
        if is_data {
            self.after(sent_us, Event::Sent { from, to, epoch });
        }
        let frame = Event::Frame { from, to, epoch, bytes, is_data };
        self.after(sent_us + latency_us, frame);
    }
}

fn forged(frame: &[u8]) -> Vec<u8> {
    let Ok(Message::Piece(mut piece)) = wire::decode(frame) else { panic!("it is no piece") };
    piece.bytes[0] ^= 1;
    wire::encode(&Message::Piece(piece))
}

/// A file's chunks.
pub(super) struct Content {
    pub(super) cids: Vec<Cid>,
    pub(super) blocks: BTreeMap<Cid, Arc<[u8]>>,
}

pub(super) fn content(seed: u64, chunks: usize, chunk_bytes: u32) -> Content {
    let mut rng = Rng::new(seed);
    let mut made = Content { cids: Vec::new(), blocks: BTreeMap::new() };
    for _ in 0..chunks {
        let mut bytes = vec![0; chunk_bytes as usize];
        rng.fill(&mut bytes);
        let cid = Cid::of(Codec::Raw, &bytes);
        made.cids.push(cid);
        made.blocks.insert(cid, bytes.into());
    }
    made
}
