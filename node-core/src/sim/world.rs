//! The world: its ions, its clock, and how one step follows another.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use super::{
    STEPS_MAX,
    agenda::{Act, Agenda, Happening, IonIndex},
    disks::Disks,
    guests::Guests,
    jobs::Books,
    net::{Ends, Stream},
    options::{Conditions, IonOptions},
    relays::{Berth, Relay},
    trace::{Failure, Trace},
};
use crate::{
    compute::guests,
    identity::{Invitation, IonId, SimKeys},
    network::Order,
    node::{
        Birth, Command, Durability, Effect, Event, Input, IonView, Node, RecordView, Settings,
        Start,
    },
    platform::{Time, sim::Rng},
};

pub(super) struct Ion {
    pub(super) id: IonId,
    pub(super) options: IonOptions,
    /// `None` for an outsider that the test itself speaks for.
    pub(super) node: Option<Node>,
    pub(super) life: u32,
    pub(super) is_alive: bool,
    pub(super) born_ms: u64,
    /// Between two ticks, in percent of what is wanted.
    pub(super) tick_percent: u64,
    pub(super) side: u64,
    pub(super) settings: Settings,
    pub(super) disks: Disks,
    pub(super) berths: Vec<Berth>,
    pub(super) relay_losses: u64,
    pub(super) ends: BTreeMap<IonIndex, Ends>,
    pub(super) guests: Guests,
    pub(super) is_paused: bool,
    pub(super) nebula: Option<usize>,
    /// Nebulas that it was ever in.
    pub(super) nebulas: Vec<usize>,
    pub(super) views: Vec<IonView>,
    pub(super) problems: Vec<String>,
    /// What its user was told of files and letters.
    pub(super) told: Vec<Event>,
    /// What its user was told last of the jobs that the nebula keeps.
    pub(super) records: Vec<RecordView>,
    /// What an outsider was told.
    pub(super) mail: Vec<Input>,
}

/// The world.
pub struct World {
    pub(super) seed: u64,
    pub(super) rng: Rng,
    pub(super) now_ms: u64,
    pub(super) agenda: Agenda,
    pub(super) ions: Vec<Ion>,
    pub(super) by_id: BTreeMap<IonId, IonIndex>,
    pub(super) by_name: BTreeMap<String, IonIndex>,
    pub(super) streams: Vec<Stream>,
    /// Pairs of ions with a direct connection, the smaller index first, and
    /// the lives in which they made it.
    pub(super) direct: BTreeMap<(IonIndex, IonIndex), (u32, u32)>,
    pub(super) relays: Vec<Relay>,
    pub(super) invitations: Vec<Invitation>,
    /// Whether relays tell of an open nebula: that of number 0.
    pub(super) has_open_nebula: bool,
    pub(super) conditions: Conditions,
    pub(super) books: Books,
    pub(super) trace: Trace,
    pub(super) failure: Option<String>,
    pub(super) steps: u64,
    pub(super) breaks: u64,
    /// What was sent in the room of blocks.
    pub(super) store_bytes: u64,
}

impl World {
    /// A world with relays and nebulas, and nobody in it. Nebula 0 is open.
    pub fn new(seed: u64, conditions: Conditions, relays: usize, nebulas: usize) -> Self {
        let mut rng = Rng::new(seed);
        let invitations = (0..nebulas.max(1)).map(|number| invitation(number, &mut rng)).collect();
        Self {
            seed,
            rng,
            now_ms: 0,
            agenda: Agenda::default(),
            ions: Vec::new(),
            by_id: BTreeMap::new(),
            by_name: BTreeMap::new(),
            streams: Vec::new(),
            direct: BTreeMap::new(),
            relays: (0..relays).map(|_| Relay::default()).collect(),
            invitations,
            has_open_nebula: true,
            conditions,
            books: Books::default(),
            trace: Trace::default(),
            failure: None,
            steps: 0,
            breaks: 0,
            store_bytes: 0,
        }
    }

    /// Adds an ion that starts after `delay_ms` milliseconds.
    pub fn add(&mut self, options: IonOptions, delay_ms: u64) -> usize {
        let ion = self.add_body(options);
        self.plan(delay_ms, Act::Start(ion));
        ion
    }

    /// Adds somebody who runs no node: the test speaks for it, see
    /// [`Self::intrude`], and it hears what is sent to it.
    pub fn add_outsider(&mut self) -> usize {
        let ion = self.add_body(IonOptions::default());
        self.ions[ion].is_alive = true;
        self.berth_outsider(ion);
        ion
    }

    /// Counts an outsider as a member of a nebula: it may be told of its work.
    pub fn admit(&mut self, outsider: usize, nebula: usize) {
        self.ions[outsider].nebula = Some(nebula);
        self.ions[outsider].nebulas.push(nebula);
    }

    fn add_body(&mut self, options: IonOptions) -> usize {
        let mut key = [0; 32];
        self.rng.fill(&mut key);
        let id = IonId::from_bytes(key);
        let index = self.ions.len();
        self.by_id.insert(id, index);
        self.by_name.insert(id.to_string(), index);
        self.ions.push(Ion::new(id, options));
        index
    }

    /// Lets relays tell of no open nebula.
    pub fn close_open_nebula(&mut self) {
        self.has_open_nebula = false;
    }

    /// Milliseconds of virtual time since the world's start.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// An ion's id.
    pub fn id(&self, ion: usize) -> IonId {
        self.ions[ion].id
    }

    /// What an ion's user was told to be wrong, in order.
    pub fn problems(&self, ion: usize) -> &[String] {
        &self.ions[ion].problems
    }

    /// Lets time pass.
    pub fn run_for(&mut self, ms: u64) -> Result<(), Failure> {
        let until = self.now_ms.saturating_add(ms);
        while let Some((at, happening)) = self.agenda.next(until) {
            self.now_ms = at;
            self.step(happening);
            self.verdict()?;
        }
        self.now_ms = until;
        Ok(())
    }

    /// Lets time pass until nothing is left to wish for, at most `ms_max`
    /// milliseconds; looked at twice a second. What is missing then is the failure.
    pub fn run_until_settled(&mut self, ms_max: u64) -> Result<(), Failure> {
        let until = self.now_ms.saturating_add(ms_max);
        self.run_until(until, World::unsettled)
    }

    /// Lets time pass until `missing` finds nothing missing, at most until
    /// `until_ms`.
    pub fn run_until(
        &mut self,
        until_ms: u64,
        missing: impl Fn(&World) -> Option<String>,
    ) -> Result<(), Failure> {
        loop {
            self.run_for(500)?;
            let Some(what) = missing(self) else { return Ok(()) };
            if self.now_ms >= until_ms {
                self.failure.get_or_insert(format!("still not settled: {what}"));
                return self.verdict();
            }
        }
    }

    fn verdict(&self) -> Result<(), Failure> {
        let Some(what) = &self.failure else { return Ok(()) };
        Err(Failure {
            seed: self.seed,
            at_ms: self.now_ms,
            what: what.clone(),
            trace: self.trace.to_string(),
        })
    }

    pub(super) fn fail(&mut self, what: impl FnOnce() -> String) {
        if self.failure.is_none() {
            self.failure = Some(what());
        }
    }

    pub(super) fn plan(&mut self, delay_ms: u64, act: Act) {
        self.later(delay_ms, Happening::Act(act));
    }

    pub(super) fn later(&mut self, delay_ms: u64, happening: Happening) {
        self.agenda.add(self.now_ms.saturating_add(delay_ms), happening);
    }

    pub(super) fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.rng.below(max.saturating_sub(min) + 1)
    }

    pub(super) fn is_living(&self, ion: IonIndex, life: u32) -> bool {
        self.ions[ion].is_alive && self.ions[ion].life == life
    }

    fn step(&mut self, happening: Happening) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.fail(|| "the run does not end".to_owned());
        }
        match happening {
            Happening::Tick { ion, life } => self.tick(ion, life),
            Happening::Input { ion, life, input } => {
                if self.is_living(ion, life) {
                    self.hand(ion, input);
                }
            }
            Happening::Arrive { stream, bytes, is_opening } => {
                self.arrive(stream, bytes, is_opening);
            }
            Happening::Gone { stream, at_sender } => self.gone(stream, at_sender),
            Happening::Unreached { ion, life, other } => self.unreached(ion, life, other),
            Happening::GuestEnds { ion, life, run, report, is_last } => {
                if self.is_living(ion, life) && self.ions[ion].guests.end(run, is_last) {
                    self.trace.note(self.now_ms, ion, "guest ended", None, run);
                    self.hand(ion, Input::Guests(guests::News::Ran(run, vec![report])));
                }
            }
            Happening::Forgotten { relay, ion, life } => self.forgotten(relay, ion, life),
            Happening::RelayGone { relay, ion, life } => self.relay_gone(relay, ion, life),
            Happening::Act(act) => self.act(act),
        }
    }

    fn tick(&mut self, ion: IonIndex, life: u32) {
        if !self.is_living(ion, life) {
            return;
        }
        self.hand(ion, Input::Clock(self.ions[ion].options.day_ms(self.now_ms)));
        self.hand(ion, Input::Tick);
        let body = &self.ions[ion];
        let wanted = body.node.as_ref().map_or(1_000, Node::tick_ms);
        let percent = body.tick_percent;
        self.later((wanted * percent / 100).max(1), Happening::Tick { ion, life });
    }

    /// Gives a node one input and does what it asks for.
    pub(super) fn hand(&mut self, ion: IonIndex, input: Input) {
        let now = self.clock(ion);
        let body = &mut self.ions[ion];
        let Some(node) = &mut body.node else {
            body.mail.push(input);
            return;
        };
        let mut effects = Vec::new();
        node.handle(now, input, &mut effects);
        for effect in effects {
            self.perform(ion, effect);
        }
        self.check_ion(ion);
    }

    /// What an ion's own clock shows.
    fn clock(&self, ion: IonIndex) -> Time {
        let body = &self.ions[ion];
        Time::from_ms(self.now_ms - body.born_ms + body.options.clock_ms)
    }

    fn perform(&mut self, ion: IonIndex, effect: Effect) {
        match effect {
            Effect::FetchBootstrap => self.fetch_bootstrap(ion),
            Effect::Network(Order::Connect(index, address)) => self.connect(ion, index, &address),
            Effect::Network(Order::Disconnect(index)) => self.disconnect(ion, index),
            Effect::Network(Order::Register(index, name)) => self.register(ion, index, name),
            Effect::Network(Order::Unregister(index, name)) => self.unregister(ion, index, &name),
            Effect::Network(Order::Discover(index, name)) => self.discover(ion, index, &name),
            Effect::Network(Order::Reach(other, opening)) => {
                self.reach(ion, &other, &Rc::from(opening));
            }
            Effect::Network(Order::Send(other, room, bytes)) => self.send(ion, &other, room, bytes),
            Effect::Network(Order::Refuse(other)) => self.refuse(ion, &other),
            Effect::Network(Order::Close(other)) => self.close(ion, &other),
            Effect::Network(Order::Offer(attempt)) => self.offer(ion, attempt),
            Effect::Network(Order::Answer(attempt, _, offer, _)) => {
                self.answer_offer(ion, attempt, &offer);
            }
            Effect::Network(Order::Accept(attempt, other, answer)) => {
                self.accept_answer(ion, attempt, other, &answer);
            }
            Effect::Guests(guests::Order::Keep(module, binary)) => self.keep(ion, module, &binary),
            Effect::Guests(guests::Order::Drop(module)) => {
                self.ions[ion].guests.drop_module(&module);
            }
            Effect::Guests(guests::Order::Run(run, module, _, calls, limits)) => {
                self.start_guests(ion, run, module, &calls, limits);
            }
            Effect::Guests(guests::Order::Kill(run)) => self.kill_guest(ion, run),
            Effect::Guests(guests::Order::Inspect(run, binary)) => self.inspect(ion, run, &binary),
            // None of these is anything in a simulated world.
            Effect::Network(Order::Abandon(_) | Order::IceServers(_) | Order::Try(..))
            | Effect::SayNear(..)
            | Effect::Guests(guests::Order::LookAway(_)) => {}
            Effect::Guests(guests::Order::Lend(workers)) => self.ions[ion].guests.lends = workers,
            Effect::Disk(order) => self.disk(ion, order),
            Effect::Blocks(order) => self.blocks(ion, order),
            Effect::Save(settings) => self.ions[ion].settings = settings,
            Effect::Tell(event) => self.told(ion, event),
        }
    }

    /// Starts an ion, or starts it again with what it had saved.
    pub(super) fn start(&mut self, ion: IonIndex) {
        if self.ions[ion].is_alive {
            return;
        }
        let seconds = self.rng.below(2);
        let seed = self.rng.next_u64();
        let body = &mut self.ions[ion];
        body.begin(self.now_ms, seed);
        let life = body.life;
        let invitation = body.nebula.map(|number| self.invitations[number].encode());
        let start = Start { invitation, workers: body.options.workers };
        self.trace.note(self.now_ms, ion, "starts", None, u64::from(life));
        self.command(ion, Command::Start(start));
        self.later(seconds, Happening::Tick { ion, life });
    }

    /// Gives an ion a command of its user, if it lives.
    pub fn command(&mut self, ion: usize, command: Command) {
        if !self.ions[ion].is_alive {
            return;
        }
        if let Command::Pause { paused } = command {
            self.ions[ion].is_paused = paused;
        }
        let mut random = [0; 48];
        self.rng.fill(&mut random);
        self.hand(ion, Input::Command(command, Box::new(random)));
    }
}

impl Ion {
    fn new(id: IonId, options: IonOptions) -> Self {
        Self {
            id,
            options,
            node: None,
            life: 0,
            is_alive: false,
            born_ms: 0,
            tick_percent: 100,
            side: 0,
            settings: Settings::default(),
            disks: Disks::default(),
            berths: Vec::new(),
            relay_losses: 0,
            ends: BTreeMap::new(),
            guests: Guests::default(),
            is_paused: false,
            nebula: options.nebula,
            nebulas: Vec::new(),
            views: Vec::new(),
            problems: Vec::new(),
            told: Vec::new(),
            records: Vec::new(),
            mail: Vec::new(),
        }
    }

    fn begin(&mut self, now_ms: u64, seed: u64) {
        let origin_ms = self.options.day_ms(now_ms).saturating_sub(self.options.clock_ms);
        self.node = Some(Node::new(Birth {
            keys: Arc::new(SimKeys::of(self.id)),
            settings: self.settings.clone(),
            storage: Durability::Kept,
            seed,
            origin_ms,
            now: Time::from_ms(self.options.clock_ms),
        }));
        self.life += 1;
        self.is_alive = true;
        self.born_ms = now_ms;
        self.is_paused = self.settings.paused;
        self.guests = Guests::default();
        self.nebulas.push(self.nebula.unwrap_or(0));
    }
}

fn invitation(number: usize, rng: &mut Rng) -> Invitation {
    let mut random = [0; 48];
    rng.fill(&mut random);
    Invitation::found(&format!("nebula {number}"), number == 0, Vec::new(), &random)
        .expect("the name is short and plain")
}
