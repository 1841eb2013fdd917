//! The node as one machine.

use std::{collections::VecDeque, sync::Arc};

use ion_map::Map;

use super::{
    attempts::Attempts,
    command::{Command, Start},
    data::Memory,
    diagnosis::Diagnosis,
    event::{Durability, Event, LinkLimits, Problem},
    files::Files,
    ice::Ice,
    jobs::Inspections,
    mail::Mail,
    nebulas::{Nebulas, Settings},
    pairing::Desk,
    records::Shelf,
    traffic::Traffic,
    views::Views,
    words,
};
use crate::{
    compute::{
        WORKERS_MAX,
        coordinator::{self, Coordinator},
        guests,
        wire::{self, Message},
        worker::{self, Worker},
    },
    identity::{IonId, Keys, Membership, NebulaId, name::clean_name},
    network::{
        self, Order,
        bootstrap::Bootstrap,
        mesh::{self, Mesh},
        overlay::Limits,
        pairing,
        relays::{self, Relays},
        rooms,
        ways::Way,
        wire::{Presence, Room},
    },
    platform::{Time, sim::Rng},
    records::{self, Records},
    store::{blocks, driver, kv, library},
};

/// How soon a bootstrap document that could not be had is asked for again, in
/// milliseconds.
pub const BOOTSTRAP_RETRY_MS: u64 = 3_000;
/// How soon the document is asked for again while no relay answers, in
/// milliseconds.
pub const BOOTSTRAP_AGAIN_MS: u64 = 15_000;
/// How often others are told how many guest workers are busy, in milliseconds.
pub const PRESENCE_MS: u64 = 1_000;
/// Between two ticks while jobs are about, in milliseconds.
pub const TICK_BUSY_MS: u64 = 50;
/// Between two ticks otherwise, in milliseconds.
pub const TICK_IDLE_MS: u64 = 250;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The user wants something; fresh random bytes come with every wish.
    Command(Command, Box<[u8; 48]>),
    /// The bootstrap document came, or why it did not.
    Bootstrap(Result<Bootstrap, String>),
    /// What the machine's clock claims, in milliseconds since 1970.
    Clock(u64),
    /// The disk of the shared memory tells something, of the opening of that
    /// number.
    Disk(u64, driver::News),
    /// The disk of the files tells something, of the opening of that number.
    Blocks(u64, blocks::News),
    /// The network tells something.
    Network(network::News),
    /// An ion of the same browser says something; it proves nothing.
    Near(IonId, Vec<u8>),
    /// The pool of guest workers tells something.
    Guests(guests::News),
    /// Something that the user should know of, from a driver.
    Trouble(Problem),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Fetch the bootstrap document.
    FetchBootstrap,
    /// Ask something of the network.
    Network(network::Order),
    /// Say something to an ion of the same browser, or to all of them.
    SayNear(Option<IonId>, Vec<u8>),
    /// Ask something of the pool of guest workers.
    Guests(guests::Order),
    /// Keep the settings.
    Save(Settings),
    /// Ask something of the disk of the shared memory.
    Disk(driver::Order),
    /// Ask something of the disk of the files, or of a source.
    Blocks(blocks::Order),
    /// Tell the user.
    Tell(Event),
}

/// What a node begins with.
pub struct Birth {
    /// Who it is.
    pub keys: Arc<dyn Keys>,
    /// What it kept.
    pub settings: Settings,
    /// Whether it can keep anything.
    pub storage: Durability,
    /// Random; no secret follows from it.
    pub seed: u64,
    /// Milliseconds since 1970 when its own clock showed 0, as its machine's
    /// clock claims.
    pub origin_ms: u64,
    /// What its own clock shows.
    pub now: Time,
}

/// The node.
pub struct Node {
    pub(super) own: IonId,
    pub(super) keys: Arc<dyn Keys>,
    pub(super) memory: Memory,
    pub(super) files: Files,
    pub(super) mail: Mail,
    /// What the machine's clock claims, in milliseconds since 1970.
    pub(super) wall_ms: u64,
    pub(super) is_started: bool,
    pub(super) settings: Settings,
    pub(super) nebulas: Nebulas,
    pub(super) relays: Relays,
    pub(super) mesh: Mesh,
    pub(super) pairing: Desk,
    pub(super) diagnosis: Option<Diagnosis>,
    pub(super) ice: Ice,
    pub(super) traffic: Traffic,
    pub(super) coordinator: Coordinator,
    pub(super) worker: Worker,
    pub(super) records: Records,
    pub(super) shelf: Shelf,
    pub(super) inspections: Inspections,
    pub(super) views: Views,
    /// Tasks that each ion finished for this one.
    pub(super) credits: Map<IonId, u64>,
    pub(super) attempts: Attempts,
    /// How ions are talked to, and why not directly.
    pub(super) ways: Map<IonId, (Way, String)>,
    bootstrap: BootstrapState,
    presence_at: Time,
    /// Milliseconds since 1970 when the node's own clock showed 0.
    pub(super) origin_ms: u64,
    pub(super) rng: Rng,
    queue: VecDeque<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum BootstrapState {
    Asked,
    HadAt(Time),
    RetryAt(Time),
}

/// What one machine asks of another.
#[derive(Debug)]
pub(super) enum Step {
    Relays(relays::Input),
    Mesh(mesh::Input),
    Coordinator(coordinator::Input),
    Worker(worker::Input),
    Records(records::Input),
    Kv(kv::machine::Input),
    Files(library::Input),
    /// Files and mailbox learn these entries, or all that they are made of.
    Names(Option<Vec<kv::Entry>>),
}

impl Node {
    /// A node with the settings that it had before.
    pub fn new(birth: Birth) -> Self {
        let Birth { keys, settings, storage, seed, origin_ms, now } = birth;
        let own = keys.own();
        let mut rng = Rng::new(seed);
        let start = mesh::Start {
            keys: keys.clone(),
            seed: rng.next_u64(),
            incarnation: origin_ms.saturating_add(now.as_ms()),
            limits: limits(settings.links()),
        };
        Self {
            own,
            keys: keys.clone(),
            memory: Memory::new(),
            files: Files::new(own, rng.next_u64(), now),
            mail: Mail::new(),
            wall_ms: origin_ms.saturating_add(now.as_ms()),
            is_started: false,
            settings,
            nebulas: Nebulas::default(),
            relays: Relays::default(),
            mesh: Mesh::new(start),
            pairing: Desk::new(pairing::Pairing::new(keys.clone())),
            diagnosis: None,
            ice: Ice::default(),
            traffic: Traffic::default(),
            coordinator: Coordinator::new(keys.clone(), rng.next_u64()),
            worker: Worker::new(keys.clone(), origin_ms),
            records: Records::new(keys, rng.next_u64()),
            shelf: Shelf::default(),
            inspections: Inspections::default(),
            views: Views::new(storage),
            credits: Map::new(),
            attempts: Attempts::default(),
            ways: Map::new(),
            bootstrap: BootstrapState::RetryAt(Time::default()),
            presence_at: Time::default(),
            origin_ms,
            rng,
            queue: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Command(command, random) => self.command(now, command, &random, effects),
            Input::Bootstrap(result) => self.bootstrap(now, result, effects),
            Input::Clock(wall_ms) => self.wall_ms = wall_ms,
            Input::Disk(life, news) => self.disk(life, news, effects),
            Input::Blocks(life, news) => self.blocks(life, news, effects),
            Input::Network(news) => self.network(now, news, effects),
            Input::Near(ion, bytes) => self.push(Step::Mesh(mesh::Input::Near(ion, bytes))),
            Input::Guests(guests::News::Ran(run, reports)) => {
                self.push(Step::Worker(worker::Input::Done { run, reports }));
            }
            Input::Guests(guests::News::Yielded(run, tasks)) => {
                self.push(Step::Worker(worker::Input::Yielded { run, tasks }));
            }
            Input::Guests(guests::News::Broke(run, stop)) => {
                self.push(Step::Worker(worker::Input::Broke { run, stop }));
            }
            Input::Guests(guests::News::Inspected(run, result)) => {
                self.inspected(run, result, effects);
            }
            Input::Trouble(problem) => effects.push(Effect::Tell(Event::Problem(problem))),
            Input::Tick => self.tick(now, effects),
        }
        self.settle(now, effects);
        self.report(now, effects);
    }

    /// How long until the next [`Input::Tick`] is wanted, in milliseconds.
    pub fn tick_ms(&self) -> u64 {
        let is_busy = self.coordinator.is_busy() || self.worker.has_jobs();
        if is_busy { TICK_BUSY_MS } else { TICK_IDLE_MS }
    }

    /// Whose jobs this ion works for, for checkers.
    pub(crate) fn works_for(&self) -> Vec<IonId> {
        self.worker.owners().collect()
    }

    /// Whether the bootstrap document is known.
    pub(super) fn is_bootstrapped(&self) -> bool {
        matches!(self.bootstrap, BootstrapState::HadAt(_))
    }

    pub(super) fn submit(&mut self, input: coordinator::Input) {
        self.push(Step::Coordinator(input));
    }

    fn command(
        &mut self,
        now: Time,
        command: Command,
        random: &[u8; 48],
        effects: &mut Vec<Effect>,
    ) {
        match command {
            Command::Start(start) => {
                self.start(now, &start, effects);
            }
            Command::Pause { paused } => {
                self.settings.paused = paused;
                self.lend(now, effects);
            }
            Command::SetWorkers { workers } => {
                self.settings.workers = Some(workers.clamp(1, WORKERS_MAX));
                self.lend(now, effects);
            }
            Command::Rename { name } => self.rename(now, &name, effects),
            Command::CreateNebula { name } => self.found_nebula(&name, random, effects),
            Command::Join { invitation } => self.join(&invitation, effects),
            Command::JoinDefault => self.join_default(effects),
            Command::ForgetNebula { id } => self.forget_nebula(&id, effects),
            Command::Inspect { request, binary } => self.inspect(now, request, binary, effects),
            Command::RunJob { job, program, binary, inputs, about } => {
                self.run_job(now, job, (program, binary, inputs, about), effects);
            }
            Command::OpenJob { owner, job } => self.open_job(&owner, job, effects),
            Command::ForgetJob { owner, job } => self.forget_job(&owner, job, effects),
            Command::AskTask(job, task) => self.ask_task(now, job, task, effects),
            Command::ShowWork => effects.push(Effect::Tell(Event::Work(self.work_views()))),
            Command::SetLinks(limits) => self.set_links(limits, effects),
            Command::SetIceServers { servers } => self.set_ice(servers, effects),
            Command::TryIceServer { request, server } => {
                self.try_ice(now, request, server, effects);
            }
            Command::Echo { request, ion } => self.echo_to(request, &ion, effects),
            Command::Subscribe { room } => self.rooms(rooms::Input::Subscribe(room)),
            Command::Unsubscribe { room } => self.rooms(rooms::Input::Unsubscribe(room)),
            Command::Publish { room, bytes } => self.rooms(rooms::Input::Publish { room, bytes }),
            Command::Pair => self.pair(random, effects),
            Command::PairWith { code } => self.pair_with(now, &code, effects),
            Command::CancelPairing => self.cancel_pairing(effects),
            Command::Data(wish) => self.data(now, wish, effects),
            Command::Files(wish) => self.wish_files(wish, effects),
            Command::Mail(wish) => self.wish_mail(wish, effects),
            Command::Diagnose => self.diagnose(now, effects),
            Command::HoldJob { job, is_held } => {
                self.push(Step::Records(records::Input::Hold(job, is_held)));
            }
            Command::CancelJob { job } => {
                self.push(Step::Records(records::Input::Cancel(job)));
                self.push(Step::Coordinator(coordinator::Input::Cancel { job }));
            }
        }
        self.views.touch();
    }

    fn start(&mut self, now: Time, start: &Start, effects: &mut Vec<Effect>) {
        if self.is_started {
            return;
        }
        self.is_started = true;
        self.settings.workers.get_or_insert(start.workers.clamp(1, WORKERS_MAX));
        self.push(Step::Coordinator(coordinator::Input::Linked(self.own)));
        self.lend(now, effects);
        match &start.invitation {
            Some(invitation) => self.join(invitation, effects),
            None => self.join_default(effects),
        }
    }

    fn bootstrap(
        &mut self,
        now: Time,
        result: Result<Bootstrap, String>,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(bootstrap) => {
                // Asked again only while no relay answers: it may have moved.
                self.bootstrap = BootstrapState::HadAt(now);
                self.views.touch();
                self.ice_named(bootstrap.all_ice_servers(), effects);
                self.push(Step::Relays(relays::Input::Known(bootstrap.relays)));
                self.open_nebula(bootstrap.nebula.as_deref(), effects);
            }
            Err(why) => {
                self.bootstrap = BootstrapState::RetryAt(now.plus_ms(BOOTSTRAP_RETRY_MS));
                if self.views.bootstrap_failed() {
                    effects.push(Effect::Tell(Event::Problem(words::no_bootstrap(&why))));
                }
            }
        }
    }

    /// Moves to the present nebula, wherever it was before.
    pub(super) fn move_to(
        &mut self,
        nebula: NebulaId,
        membership: Membership,
        effects: &mut Vec<Effect>,
    ) {
        let namespace = membership.namespace().to_owned();
        self.remember(nebula, &membership, effects);
        self.push(Step::Mesh(mesh::Input::Move(nebula, membership)));
        self.push(Step::Relays(relays::Input::Namespace(namespace)));
        self.views.touch();
    }

    /// Learns of relays beside those of the bootstrap document.
    pub(super) fn know_relays(&mut self, addresses: Vec<String>) {
        self.push(Step::Relays(relays::Input::Known(addresses)));
    }

    fn rename(&mut self, now: Time, name: &str, effects: &mut Vec<Effect>) {
        if name.is_empty() {
            self.settings.name.clear();
        } else if let Some(name) = clean_name(name) {
            self.settings.name = name;
        } else {
            effects.push(Effect::Tell(Event::Problem(words::bad_name())));
            return;
        }
        effects.push(Effect::Save(self.settings.clone()));
        self.present(now);
    }

    fn lend(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let workers = self.lends();
        effects.push(Effect::Save(self.settings.clone()));
        effects.push(Effect::Guests(guests::Order::Lend(workers.max(1))));
        self.push(Step::Worker(worker::Input::Lend(workers)));
        self.present(now);
    }

    /// Guest workers lent at the moment.
    pub(super) fn lends(&self) -> u16 {
        if self.settings.paused { 0 } else { self.settings.workers.unwrap_or(1) }
    }

    fn present(&mut self, now: Time) {
        self.presence_at = now;
        let presence = Presence {
            name: self.settings.name.clone(),
            workers: self.lends(),
            busy: self.worker.busy(),
        };
        self.push(Step::Mesh(mesh::Input::Presence(presence)));
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_due = match self.bootstrap {
            BootstrapState::Asked => false,
            BootstrapState::RetryAt(at) => now >= at,
            BootstrapState::HadAt(at) => {
                now.since_ms(at) > BOOTSTRAP_AGAIN_MS && self.relays.are_down()
            }
        };
        if is_due {
            self.bootstrap = BootstrapState::Asked;
            effects.push(Effect::FetchBootstrap);
        }
        if now.since_ms(self.presence_at) >= PRESENCE_MS {
            self.present(now);
        }
        self.tick_memory(now, effects);
        self.tick_files(now, effects);
        self.tick_records(now, effects);
        self.tick_mail(now, effects);
        self.late_inspections(now, effects);
        self.late_pairing(now, effects);
        self.late_trial(now, effects);
        self.advance_diagnosis(now, effects);
        if self.traffic.turn(now) {
            self.views.touch_ions();
        }
        self.push(Step::Relays(relays::Input::Tick));
        self.push(Step::Mesh(mesh::Input::Tick));
        self.push(Step::Coordinator(coordinator::Input::Tick));
        self.push(Step::Worker(worker::Input::Tick));
    }

    pub(super) fn push(&mut self, step: Step) {
        self.queue.push_back(step);
    }

    /// Lets the machines talk until none has anything left to say.
    fn settle(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some(step) = self.queue.pop_front() {
            match step {
                Step::Relays(input) => self.step_relays(now, input, effects),
                Step::Mesh(input) => self.step_mesh(now, input, effects),
                Step::Coordinator(input) => self.step_coordinator(now, input),
                Step::Worker(input) => self.step_worker(now, input, effects),
                Step::Records(input) => self.step_records(now, input, effects),
                Step::Kv(input) => self.step_kv(now, input, effects),
                Step::Files(input) => self.step_files(now, input, effects),
                Step::Names(names) => {
                    let names = names.unwrap_or_else(|| self.names());
                    self.take_mail(&names, effects);
                    self.shelf.has_news = true;
                    self.step_files(now, library::Input::Entries(names), effects);
                }
            }
        }
    }

    fn step_relays(&mut self, now: Time, input: relays::Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.relays.handle(now, input, &mut asked);
        for effect in asked {
            let order = match effect {
                relays::Effect::Connect(index, address) => Order::Connect(index, address),
                relays::Effect::Disconnect(index) => Order::Disconnect(index),
                relays::Effect::Register(index, name) => Order::Register(index, name),
                relays::Effect::Unregister(index, name) => Order::Unregister(index, name),
                relays::Effect::Discover(index, name) => Order::Discover(index, name),
                relays::Effect::Found(ions) => {
                    self.push(Step::Mesh(mesh::Input::Found(ions)));
                    continue;
                }
            };
            effects.push(Effect::Network(order));
        }
    }

    fn step_mesh(&mut self, now: Time, input: mesh::Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.mesh.handle(now, input, &mut asked);
        for effect in asked {
            match super::links::order(effect) {
                Ok(order) => {
                    if let Order::Send(ion, _, bytes) = &order {
                        self.traffic.sent(*ion, bytes.len());
                    }
                    effects.push(Effect::Network(order));
                }
                Err(effect) => self.meshed(now, effect, effects),
            }
        }
    }

    /// What the mesh has for the rooms above it.
    fn meshed(&mut self, now: Time, effect: mesh::Effect, effects: &mut Vec<Effect>) {
        match effect {
            mesh::Effect::Arrived(ion) => {
                self.company();
                self.push(Step::Coordinator(coordinator::Input::Linked(ion)));
            }
            mesh::Effect::Departed(ion) => {
                self.company();
                self.push(Step::Coordinator(coordinator::Input::Lost(ion)));
                self.push(Step::Worker(worker::Input::Lost(ion)));
            }
            mesh::Effect::Heard(ion, room, bytes) => self.heard(ion, room, &bytes),
            mesh::Effect::Untold => self.push(Step::Kv(kv::machine::Input::Untold)),
            mesh::Effect::Entries(author, bytes) => {
                self.push(Step::Kv(kv::machine::Input::Told(author, bytes)));
            }
            mesh::Effect::Near(to, bytes) => effects.push(Effect::SayNear(to, bytes)),
            other => self.told(now, other, effects),
        }
    }

    fn company(&mut self) {
        let ions = self.mesh.directory().entries().len();
        self.push(Step::Relays(relays::Input::Company(ions)));
    }

    /// A frame for a room above the links.
    fn heard(&mut self, ion: IonId, room: Room, bytes: &[u8]) {
        // Whoever departed, or is not known yet, may come and say it again.
        let is_there = self.mesh.directory().entries().contains_key(&ion);
        if room == Room::Kv {
            return self.push(Step::Kv(kv::machine::Input::Heard(ion, bytes.to_vec())));
        }
        if room == Room::Store {
            return self.push(Step::Files(library::Input::Frame(ion, bytes.to_vec())));
        }
        if room != Room::Compute || !is_there {
            return;
        }
        match wire::decode(bytes) {
            Ok(message) => self.deliver(ion, message),
            Err(_) => self.push(Step::Mesh(mesh::Input::Offence(ion))),
        }
    }

    /// Hands a message to whichever side of compute it is for.
    fn deliver(&mut self, from: IonId, message: Message) {
        let step = match message {
            Message::Offer { .. }
            | Message::Withdraw { .. }
            | Message::Tasks { .. }
            | Message::Block { .. } => Step::Worker(worker::Input::Said(from, message)),
            Message::Pull { .. }
            | Message::Holding { .. }
            | Message::Return { .. }
            | Message::Results { .. }
            | Message::WantBlock { .. } => {
                Step::Coordinator(coordinator::Input::Said(from, message))
            }
        };
        self.push(step);
    }

    pub(super) fn say(&mut self, to: IonId, message: Message) {
        if to == self.own {
            self.deliver(to, message);
        } else {
            let bytes = wire::encode(&message);
            self.push(Step::Mesh(mesh::Input::Say(to, Room::Compute, bytes)));
        }
    }
}

/// As the overlay takes them.
pub(super) fn limits(limits: LinkLimits) -> Limits {
    Limits::new(usize::from(limits.target), usize::from(limits.max))
}
