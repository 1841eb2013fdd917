//! One ion of the mesh, and what the world does for it.

use std::collections::BTreeMap;

use super::{Happening, IONS_MAX, MeshOptions, MeshWorld, Message, SURVEY_MS, talk::Talker};
use crate::{
    identity::IonId,
    network::overlay::{Input, Overlay, Sighting},
    platform::{Time, sim::Rng},
};

/// Between two ticks and beats of an ion, in milliseconds.
const TICK_MS: u64 = 1_000;
/// After how long a silent neighbour is lost, in milliseconds.
const SILENCE_MS: u64 = 10_000;
/// How long a failing attempt takes, in milliseconds.
const FAILING_MS: u64 = 4_000;
/// Ticks between two questions to the relay, when not alone.
const ASK_TICKS: u64 = 15;
/// Ticks between two looks into the directory.
const LOOK_TICKS: u64 = 5;
/// Ions that a relay or the directory tells at once.
const SAMPLE: usize = 12;

pub(super) struct Peer {
    pub(super) id: IonId,
    pub(super) overlay: Overlay,
    pub(super) talker: Talker,
    pub(super) is_alive: bool,
    pub(super) life: u32,
    pub(super) side: u64,
    heard_at: BTreeMap<IonId, u64>,
    /// Where it is, on a square of side 1,000.
    place: (u64, u64),
    is_hidden: bool,
    ticks: u64,
}

impl Peer {
    pub(super) fn new(rng: &mut Rng, options: MeshOptions) -> Self {
        let mut key = [0; 32];
        rng.fill(&mut key);
        let id = IonId::from_bytes(key);
        Self {
            id,
            overlay: Overlay::new(id, rng.next_u64(), options.limits),
            talker: Talker::new(id),
            is_alive: false,
            life: 0,
            side: 0,
            heard_at: BTreeMap::new(),
            place: (rng.below(1_000), rng.below(1_000)),
            is_hidden: rng.below(100) < options.hidden_percent,
            ticks: rng.below(ASK_TICKS),
        }
    }
}

impl MeshWorld {
    /// Milliseconds from one ion to another.
    pub(super) fn latency_ms(&self, one: usize, other: usize) -> u64 {
        let (from, to) = (self.peers[one].place, self.peers[other].place);
        let way = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        2 + way * self.options.latency_ms_max / 1_000
    }

    fn can_link(&self, one: usize, other: usize) -> bool {
        !(self.peers[one].is_hidden && self.peers[other].is_hidden)
    }

    pub(super) fn send(&mut self, from: usize, to: IonId, message: Message) {
        let Some(to) = self.by_id.get(&to).copied() else { return };
        let is_ask = matches!(message, Message::Ask(..));
        let is_lost = self.rng.below(10_000) < self.options.loss_per_ten_thousand;
        let is_reached = self.peers[to].is_alive
            && self.peers[from].side == self.peers[to].side
            && self.can_link(from, to)
            && !is_lost;
        if is_reached {
            let delay_ms = self.latency_ms(from, to) + self.rng.below(5);
            let life = self.peers[to].life;
            self.plan(delay_ms, Happening::Deliver { from, to, life, message });
        } else if is_ask {
            let life = self.peers[from].life;
            let failed = Happening::Deliver { from: to, to: from, life, message: Message::Failed };
            self.plan(FAILING_MS, failed);
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, message: Message) {
        let other = self.peers[from].id;
        let input = match message {
            Message::Ask(standing, why) => {
                let is_heard = self.hears(to, from);
                Input::Asked { ion: other, standing, why, is_heard }
            }
            Message::Accept(standing) => Input::Linked(other, standing),
            Message::Full(others, is_heard) => Input::Refused { ion: other, others, is_heard },
            Message::Cut(others) => Input::Cut(other, others),
            Message::Beat(standing) => {
                self.beaten(to, from);
                Input::Standing(other, standing)
            }
            Message::Goodbye => Input::Gone(other),
            Message::Frame(bytes) => return self.frame(from, to, bytes),
            Message::NoLink => Input::Lost(other),
            Message::Failed => Input::Failed(other),
        };
        self.tell(to, input);
    }

    fn beaten(&mut self, ion: usize, from: usize) {
        let other = self.peers[from].id;
        let now_ms = self.now_ms;
        self.peers[ion].heard_at.insert(other, now_ms);
        let measured = 2 * self.latency_ms(ion, from);
        self.tell(ion, Input::RoundTrip(other, u32::try_from(measured).unwrap_or(u32::MAX)));
    }

    pub(super) fn tick(&mut self, ion: usize) {
        self.peers[ion].is_alive = true;
        self.lose_the_silent(ion);
        let ticks = self.peers[ion].ticks;
        self.peers[ion].ticks += 1;
        let is_alone = self.peers[ion].overlay.links().is_empty();
        if self.is_relay_up && (ticks.is_multiple_of(ASK_TICKS) || is_alone) {
            self.ask_relay(ion);
        }
        if ticks.is_multiple_of(LOOK_TICKS) {
            self.look_up(ion);
        }
        self.tell(ion, Input::Tick);
        let standing = self.peers[ion].overlay.standing();
        for other in self.peers[ion].overlay.links().keys().copied().collect::<Vec<_>>() {
            self.send(ion, other, Message::Beat(standing));
        }
        self.talk_on(ion);
        let life = self.peers[ion].life;
        self.plan(TICK_MS, Happening::Tick(ion, life));
    }

    fn lose_the_silent(&mut self, ion: usize) {
        let now_ms = self.now_ms;
        let peer = &self.peers[ion];
        let is_silent = |(other, since): &(IonId, Time)| {
            let heard_ms = peer.heard_at.get(other).copied().unwrap_or(0).max(since.as_ms());
            now_ms.saturating_sub(heard_ms) > SILENCE_MS
        };
        let links = peer.overlay.links().iter().map(|(other, link)| (*other, link.since));
        for (other, _) in links.filter(is_silent).collect::<Vec<_>>() {
            self.tell(ion, Input::Lost(other));
        }
    }

    /// Whether the presence of `other` was heard at the last survey.
    pub(super) fn hears(&self, ion: usize, other: usize) -> bool {
        let part = |ion: usize| self.parts.get(ion).copied().unwrap_or(IONS_MAX + ion);
        part(ion) == part(other) && !self.lacks(ion, other)
    }

    /// Whether all that told of `other` was lost, until the next survey.
    fn lacks(&self, ion: usize, other: usize) -> bool {
        let draw = [self.now_ms / SURVEY_MS, ion as u64, other as u64];
        let mut rng = Rng::new(draw.into_iter().fold(self.seed, |all, one| (all << 21) ^ one));
        rng.below(10_000) < self.options.unheard_per_ten_thousand
    }

    fn ask_relay(&mut self, ion: usize) {
        let side = self.peers[ion].side;
        let told = self.sample(|world, other| world.peers[other].side == side);
        self.tell_found(ion, &told);
    }

    /// What the directory shows: those who are heard.
    fn look_up(&mut self, ion: usize) {
        let told = self.sample(|world, other| world.hears(ion, other));
        self.tell_found(ion, &told);
        let part = self.parts.get(ion).and_then(|part| self.part_sizes.get(part)).copied();
        self.tell(ion, Input::Size(part.unwrap_or(1) - 1));
    }

    fn sample(&mut self, fits: impl Fn(&Self, usize) -> bool) -> Vec<usize> {
        let Ok(count @ 1..) = u64::try_from(self.living.len()) else { return Vec::new() };
        let picks: Vec<u64> = (0..2 * SAMPLE).map(|_| self.rng.below(count)).collect();
        let ions =
            picks.into_iter().filter_map(|pick| self.living.get(usize::try_from(pick).ok()?));
        ions.copied().filter(|other| fits(self, *other)).take(SAMPLE).collect()
    }

    fn tell_found(&mut self, ion: usize, others: &[usize]) {
        let sightings = others.iter().filter(|other| **other != ion).map(|other| {
            let is_heard = self.hears(ion, *other);
            // Estimates are off by up to a fifth.
            let percent = 80 + (self.now_ms + 7 * *other as u64) % 41;
            let expected = 2 * self.latency_ms(ion, *other) * percent / 100;
            Sighting {
                ion: self.peers[*other].id,
                is_heard,
                standing: is_heard.then(|| self.peers[*other].overlay.standing()),
                round_trip_ms: is_heard.then(|| u32::try_from(expected).unwrap_or(u32::MAX)),
            }
        });
        let sightings = sightings.collect();
        self.tell(ion, Input::Found(sightings));
    }
}
