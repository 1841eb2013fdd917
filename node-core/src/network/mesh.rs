//! The network as one machine: every ion of the nebula can be heard and spoken
//! to, over a few direct links.
//!
//! [`neighbours`](super::neighbours) make links and notice their end, the
//! [`overlay`](super::overlay) decides which, the
//! [`directory`](super::directory) knows everybody, the
//! [`broadcast`](super::broadcast) tells everybody, [`routing`](super::routing)
//! reaches those to whom no link stands, and [`signaling`](super::signaling)
//! makes links by it where no relay leads to an ion. This machine hands each
//! what concerns it and decides little itself: what is said to a neighbour takes
//! the direct link, everything else a way over others; an ion that could not be
//! reached is tried once more by an offer that others carry.
//!
//! A frame of the mesh room begins with one byte: [`TO_ALL`] or [`TO_ONE`].
//!
//! Refuses: rooms that belong to links themselves ([`Room::Link`],
//! [`Room::Mesh`]) as rooms to speak in.
//!
//! Bounds: those of its parts; [`LOOK_IONS`] ions pass from the directory to
//! the overlay every [`LOOK_MS`].

use std::{collections::VecDeque, sync::Arc};

use super::{
    broadcast::{self, Broadcast, Topic},
    directory::{self, Cause, Directory, Ending, Profile},
    neighbours::{self, Neighbours},
    overlay::{self, Limits, Overlay, Standing},
    port::Attempt,
    rooms::{self, Rooms},
    routing::{self, Line, Routing},
    signaling::{self, Signaling},
    wire::{Presence, Room},
};
use crate::{
    identity::{IonId, Keys, MemberKeys, Membership, NebulaId},
    platform::{Time, sim::Rng},
};

pub mod echo;

pub mod near;

pub mod questions;

mod carry;
mod signals;

use echo::Echoes;

/// The first byte of a frame that goes to everybody.
pub const TO_ALL: u8 = 0;
/// The first byte of a frame that goes to one ion.
pub const TO_ONE: u8 = 1;
/// Between two looks of the overlay into the directory, in milliseconds.
pub const LOOK_MS: u64 = 5_000;
/// Ions that it sees there at once.
pub const LOOK_IONS: usize = 24;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// From now on these limits hold.
    Limits(Limits),
    /// What this ion says of itself from now on.
    Presence(Presence),
    /// These ions were found, at a relay or otherwise.
    Found(Vec<IonId>),
    /// A stream came in; these are its first bytes.
    Opened(IonId, Room, Vec<u8>),
    /// A frame came in.
    Frame(IonId, Room, Vec<u8>),
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The connection to an ion ended.
    Closed(IonId),
    /// An ion of the same browser says something; it proves nothing.
    Near(IonId, Vec<u8>),
    /// A direct connection to an ion stands.
    Met(IonId),
    /// No connection came of an answer that was accepted.
    Unmet(IonId),
    /// An offer was made, or none.
    Offer(Attempt, Option<Vec<u8>>),
    /// An answer to an ion's offer was made, or none.
    Answer(Attempt, Option<Vec<u8>>),
    /// Say something to an ion, wherever it is.
    Say(IonId, Room, Vec<u8>),
    /// Ask an ion whether offers and answers reach it and come back.
    Probe(IonId),
    /// Send a word to an ion that comes back.
    Echo {
        /// The caller's name for it.
        request: u64,
        /// The ion.
        ion: IonId,
    },
    /// Ask everybody within some layers who is there.
    Ask {
        /// The caller's name for it; in use until [`Effect::Ended`].
        request: u64,
        /// 0 for the direct peers, 1 also for theirs, …, at most
        /// [`routing::ECHO_MAX`].
        echo: u8,
    },
    /// Enter, leave or speak in a room of a name.
    Rooms(rooms::Input),
    /// Tell everybody what came into the shared memory.
    Entries(Vec<u8>),
    /// A link to that ion would be of use now.
    Useful(IonId),
    /// Something waits for a link to that ion, or one like it.
    Needed(IonId),
    /// An ion broke the rules of a room.
    Offence(IonId),
    /// Leave everybody; from now on another membership counts.
    Move(NebulaId, Membership),
    /// Time has passed.
    Tick,
}

/// What is asked of the world and of the rooms above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Be ready to send to an ion, reaching for it where needed; every stream
    /// to it opens with these bytes.
    Reach(IonId, Vec<u8>),
    /// Send a frame in a room.
    Send(IonId, Room, Vec<u8>),
    /// Tell whoever sent a wrong proof, on its own stream, and close.
    Refuse(IonId),
    /// End the connection after what is queued.
    Close(IonId),
    /// An ion of the nebula is there, linked or not.
    Arrived(IonId),
    /// It is not any more.
    Departed(IonId),
    /// Another ion says something.
    Heard(IonId, Room, Vec<u8>),
    /// Another ion says something to everybody in a room of that name.
    Told {
        /// The room.
        room: String,
        /// Who says it.
        author: IonId,
        /// What.
        payload: Vec<u8>,
    },
    /// An ion came into a room of that name that this one is in, or is in it no more.
    Present {
        /// The room.
        room: String,
        /// Which ion.
        ion: IonId,
        /// Whether it is there now.
        is_here: bool,
    },
    /// An ion tells everybody what came into the shared memory.
    Entries(IonId, Vec<u8>),
    /// What was to be told to everybody of the shared memory was not: too much is
    /// told.
    Untold,
    /// What was to be done in a room is not; why.
    NotSaid(String, rooms::Error),
    /// Offers and answers pass to this ion and back.
    Probed(IonId),
    /// A word came back, or none does.
    Echoed {
        /// The caller's name for it.
        request: u64,
        /// How many links it crossed on the way there, and how long it took in
        /// milliseconds; `None` when it reached nobody.
        result: Option<(u16, u64)>,
    },
    /// An ion answered; each ion once.
    Answered {
        /// The caller's name for the request.
        request: u64,
        /// Who; verified.
        from: IonId,
        /// What it says.
        answer: questions::Answer,
    },
    /// No more answers come.
    Ended {
        /// The caller's name for the request.
        request: u64,
        /// Answers that came.
        answers: usize,
        /// Whether everybody within reach was asked and had time to answer.
        is_complete: bool,
    },
    /// What was said to that ion does not reach it.
    Unreachable(IonId),
    /// Make an offer.
    Offer(Attempt),
    /// Answer an ion's offer.
    Answer(Attempt, IonId, Vec<u8>),
    /// Take an ion's answer.
    Accept(Attempt, IonId, Vec<u8>),
    /// Forget an offer.
    Abandon(Attempt),
    /// Say something to an ion of the same browser, or to all of them.
    Near(Option<IonId>, Vec<u8>),
}

#[derive(Debug)]
enum Step {
    Neighbours(neighbours::Input),
    Overlay(overlay::Input),
    Directory(directory::Input),
    Broadcast(broadcast::Input),
    Routing(routing::Input),
    Rooms(rooms::Input),
    Signaling(signaling::Input),
}

/// What tells an ion's mesh from those of others, and from its own of earlier.
#[derive(Clone)]
pub struct Start {
    /// Who it is.
    pub keys: Arc<dyn Keys>,
    /// Random; no secret follows from it.
    pub seed: u64,
    /// Higher than in every earlier run under the same key: milliseconds since
    /// 1970 serve.
    pub incarnation: u64,
    /// How many links it seeks and may hold.
    pub limits: Limits,
}

/// The machine.
pub struct Mesh {
    keys: Arc<dyn Keys>,
    rng: Rng,
    neighbours: Neighbours,
    overlay: Overlay,
    directory: Directory,
    /// Both of no nebula until the ion belongs somewhere; nobody is linked then.
    broadcast: Broadcast,
    routing: Routing,
    rooms: Rooms,
    /// `None` until the ion belongs somewhere.
    signaling: Option<Signaling>,
    signals: signals::Signals,
    membership: Option<Membership>,
    nearby: near::Nearby,
    echoes: Echoes,
    standing: Standing,
    /// Higher in each nebula that it moves to, and after each restart.
    life: u64,
    look_at: Time,
    queue: VecDeque<Step>,
}

impl Mesh {
    /// A machine without links, which belongs nowhere yet.
    pub fn new(start: Start) -> Self {
        let Start { keys, seed, incarnation, limits } = start;
        let own = keys.own();
        let mut rng = Rng::new(seed);
        let mut neighbours = Neighbours::new(own);
        neighbours.begin_sessions_at(rng.next_u64());
        let mut part = || Rng::new(rng.next_u64());
        Self {
            neighbours,
            broadcast: Broadcast::new(keys.clone(), part(), incarnation),
            routing: Routing::new(keys.clone(), incarnation),
            rooms: Rooms::new(part()),
            overlay: Overlay::new(own, part().next_u64(), limits),
            directory: Directory::new(keys.clone(), part().next_u64(), incarnation),
            signaling: None,
            signals: signals::Signals::default(),
            membership: None,
            nearby: near::Nearby::default(),
            echoes: Echoes::default(),
            keys,
            rng,
            standing: Standing::default(),
            life: incarnation,
            look_at: Time::ZERO,
            queue: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Limits(limits) => self.push(Step::Overlay(overlay::Input::Limits(limits))),
            Input::Presence(presence) => self.present(presence),
            Input::Found(ions) => self.found(now, &ions),
            Input::Opened(ion, room, bytes) => {
                if self.signals.is_first(&ion) {
                    // It was sooner: what it came over serves both.
                    self.met(now, ion);
                }
                self.push(Step::Neighbours(neighbours::Input::Opened(ion, room, bytes)));
            }
            Input::Frame(ion, room, bytes) => {
                self.push(Step::Neighbours(neighbours::Input::Frame(ion, room, bytes)));
            }
            Input::Failed(ion) => self.failed(now, ion),
            Input::Closed(ion) => self.push(Step::Neighbours(neighbours::Input::Closed(ion))),
            Input::Near(ion, bytes) => self.heard_near(now, ion, &bytes, effects),
            Input::Met(ion) => self.met(now, ion),
            Input::Unmet(ion) => self.unmet(ion),
            Input::Offer(attempt, offer) => self.offered(attempt, offer),
            Input::Answer(attempt, answer) => self.answered(attempt, answer),
            Input::Say(ion, room, bytes) => self.say(ion, room, bytes),
            Input::Probe(ion) => self.push(Step::Signaling(signaling::Input::Probe(ion))),
            Input::Echo { request, ion } => self.call(now, request, ion, effects),
            Input::Ask { request, echo } => self.ask(request, echo),
            Input::Rooms(input) => self.push(Step::Rooms(input)),
            Input::Entries(payload) => {
                let topic = Topic::Entries;
                self.push(Step::Broadcast(broadcast::Input::Publish { topic, payload }));
            }
            Input::Useful(ion) => self.push(Step::Overlay(overlay::Input::Used(ion))),
            Input::Needed(ion) => self.push(Step::Overlay(overlay::Input::Needed(ion))),
            Input::Offence(ion) => self.push(Step::Neighbours(neighbours::Input::Offence(ion))),
            Input::Move(nebula, membership) => self.leave_for(now, nebula, membership, effects),
            Input::Tick => self.tick(now, effects),
        }
        self.settle(now, effects);
    }

    /// The direct links.
    pub fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    /// Which links are sought, and how they score.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Everybody who is there.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether anything that is shown changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        let links = self.neighbours.take_changed();
        self.directory.take_changed() || links
    }

    fn push(&mut self, step: Step) {
        self.queue.push_back(step);
    }

    fn present(&mut self, presence: Presence) {
        let profile = Profile { name: presence.name.clone(), workers: presence.workers };
        self.push(Step::Directory(directory::Input::Profile(profile)));
        self.push(Step::Neighbours(neighbours::Input::Presence(presence)));
    }

    fn found(&mut self, now: Time, ions: &[IonId]) {
        let sightings = ions.iter().filter_map(|ion| self.directory.sighting(now, *ion)).collect();
        self.push(Step::Overlay(overlay::Input::Found(sightings)));
    }

    fn say(&mut self, to: IonId, room: Room, bytes: Vec<u8>) {
        if matches!(room, Room::Link | Room::Mesh) {
            return;
        }
        if matches!(room, Room::Kv | Room::Store) {
            // Neighbours compare what they hold, and bring each other blocks;
            // that is not worth a way over others.
            if self.neighbours.is_linked(&to) {
                self.push(Step::Neighbours(neighbours::Input::Say(to, room, bytes)));
            }
            return;
        }
        self.push(Step::Overlay(overlay::Input::Used(to)));
        if self.neighbours.is_linked(&to) {
            self.push(Step::Neighbours(neighbours::Input::Say(to, room, bytes)));
        } else {
            self.post(to, Line::Room(room), bytes);
        }
    }

    fn leave_for(
        &mut self,
        now: Time,
        nebula: NebulaId,
        membership: Membership,
        effects: &mut Vec<Effect>,
    ) {
        self.push(Step::Directory(directory::Input::Leave));
        // The goodbye is on its way before the links end.
        self.settle(now, effects);
        self.push(Step::Overlay(overlay::Input::Clear));
        let keys: Arc<dyn Keys> = Arc::new(MemberKeys::new(self.keys.clone(), &membership));
        self.membership = Some(membership.clone());
        self.nearby = near::Nearby::default();
        self.push(Step::Neighbours(neighbours::Input::Move(membership)));
        self.settle(now, effects);
        // Nothing that was said there is passed on here.
        let mut part = || Rng::new(self.rng.next_u64());
        self.life += 1;
        self.broadcast = Broadcast::new(keys.clone(), part(), self.life);
        self.routing = Routing::new(keys, self.life);
        self.signaling = Some(Signaling::new(self.keys.clone(), nebula, part()));
        self.signals = signals::Signals::default();
        self.push(Step::Rooms(rooms::Input::Moved));
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.push(Step::Neighbours(neighbours::Input::Tick));
        if now >= self.look_at {
            self.look_at = now.plus_ms(LOOK_MS);
            let sightings = self.directory.sample(now, LOOK_IONS);
            self.push(Step::Overlay(overlay::Input::Found(sightings)));
            self.push(Step::Overlay(overlay::Input::Size(self.directory.entries().len())));
        }
        self.push(Step::Overlay(overlay::Input::Tick));
        self.push(Step::Directory(directory::Input::Tick));
        self.push(Step::Broadcast(broadcast::Input::Tick));
        self.push(Step::Routing(routing::Input::Tick));
        self.push(Step::Rooms(rooms::Input::Tick));
        self.push(Step::Signaling(signaling::Input::Tick));
        self.say_here(now, effects);
        for (word, ion) in self.echoes.again(now) {
            self.post(ion, Line::Echo, word.encode());
        }
        let late = self.echoes.late(now);
        effects.extend(late.into_iter().map(|request| Effect::Echoed { request, result: None }));
    }

    /// Lets the parts talk until none has anything left to say.
    fn settle(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some(step) = self.queue.pop_front() {
            match step {
                Step::Neighbours(input) => self.step_neighbours(now, input, effects),
                Step::Overlay(input) => self.step_overlay(now, input),
                Step::Directory(input) => self.step_directory(now, input, effects),
                Step::Broadcast(input) => self.step_broadcast(now, input, effects),
                Step::Routing(input) => self.step_routing(now, input, effects),
                Step::Rooms(input) => self.step_rooms(now, input, effects),
                Step::Signaling(input) => self.step_signaling(now, input, effects),
            }
        }
    }

    fn step_neighbours(&mut self, now: Time, input: neighbours::Input, effects: &mut Vec<Effect>) {
        use neighbours::Effect as Asked;
        let mut asked = Vec::new();
        self.neighbours.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                Asked::Reach(ion, opening) => self.reach(now, ion, opening, effects),
                Asked::Send(ion, room, bytes) => effects.push(Effect::Send(ion, room, bytes)),
                Asked::Refuse(ion) => effects.push(Effect::Refuse(ion)),
                Asked::Close(ion) => effects.push(Effect::Close(ion)),
                Asked::Linked(ion, standing) => self.linked(ion, standing),
                Asked::Lost(ion, ending) => self.lost(ion, ending),
                Asked::Bond(ion, bond) => {
                    self.push(Step::Directory(directory::Input::Bond(ion, bond)));
                }
                Asked::Renewed(ion) => self.down(ion, Ending::Cut),
                Asked::Heard(ion, room, bytes) => self.heard(ion, room, bytes, effects),
                other => self.tell_overlay(now, other),
            }
        }
    }

    /// What of the links concerns the overlay alone.
    fn tell_overlay(&mut self, now: Time, effect: neighbours::Effect) {
        use neighbours::Effect as Asked;
        let input = match effect {
            Asked::Asked(ion, standing, why) => {
                let is_heard = self.directory.is_fresh(now, &ion);
                overlay::Input::Asked { ion, standing, why, is_heard }
            }
            Asked::Refused(ion, others, is_heard) => {
                overlay::Input::Refused { ion, others, is_heard }
            }
            Asked::Failed(ion) => overlay::Input::Failed(ion),
            Asked::WasCut(ion, others) => overlay::Input::Cut(ion, others),
            Asked::Standing(ion, standing) => overlay::Input::Standing(ion, standing),
            Asked::RoundTrip(ion, ms) => overlay::Input::RoundTrip(ion, ms),
            _ => return,
        };
        self.push(Step::Overlay(input));
    }

    fn linked(&mut self, ion: IonId, standing: Standing) {
        self.push(Step::Overlay(overlay::Input::Linked(ion, standing)));
        self.push(Step::Broadcast(broadcast::Input::NeighbourUp(ion)));
        self.push(Step::Routing(routing::Input::NeighbourUp(ion)));
        self.push(Step::Signaling(signaling::Input::Up(ion)));
        self.push(Step::Directory(directory::Input::NeighbourUp(ion)));
    }

    fn lost(&mut self, ion: IonId, ending: Ending) {
        self.push(Step::Overlay(match ending {
            Ending::Left => overlay::Input::Gone(ion),
            Ending::Cut | Ending::Lost => overlay::Input::Lost(ion),
        }));
        self.down(ion, ending);
    }

    fn down(&mut self, ion: IonId, ending: Ending) {
        self.push(Step::Broadcast(broadcast::Input::NeighbourDown(ion)));
        self.push(Step::Routing(routing::Input::NeighbourDown(ion)));
        self.push(Step::Directory(directory::Input::NeighbourDown(ion, ending)));
    }

    fn heard(&mut self, ion: IonId, room: Room, mut bytes: Vec<u8>, effects: &mut Vec<Effect>) {
        if room != Room::Mesh {
            self.push(Step::Overlay(overlay::Input::Used(ion)));
            effects.push(Effect::Heard(ion, room, bytes));
            return;
        }
        let kind = bytes.first().copied();
        bytes.drain(..bytes.len().min(1));
        self.push(match kind {
            Some(TO_ALL) => Step::Broadcast(broadcast::Input::Heard(ion, bytes)),
            Some(TO_ONE) => Step::Routing(routing::Input::Heard(ion, bytes)),
            _ => Step::Neighbours(neighbours::Input::Offence(ion)),
        });
    }

    fn step_overlay(&mut self, now: Time, input: overlay::Input) {
        let mut asked = Vec::new();
        self.overlay.handle(now, input, &mut asked);
        let standing = self.overlay.standing();
        if standing != self.standing {
            self.standing = standing;
            self.push(Step::Neighbours(neighbours::Input::Standing(standing)));
            self.push(Step::Directory(directory::Input::Standing(standing)));
        }
        for effect in asked {
            self.push(Step::Neighbours(match effect {
                overlay::Effect::Want(ion, why) => neighbours::Input::Want(ion, why),
                overlay::Effect::Accept(ion) => neighbours::Input::Accept(ion),
                overlay::Effect::Refuse { ion, others, is_heard } => {
                    neighbours::Input::Full { ion, others, is_heard }
                }
                overlay::Effect::Cut { ion, reason, others } => {
                    neighbours::Input::Cut { ion, reason, others }
                }
            }));
        }
    }

    fn step_directory(&mut self, now: Time, input: directory::Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.directory.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                directory::Effect::Publish(payload) => {
                    let topic = Topic::Presence;
                    self.push(Step::Broadcast(broadcast::Input::Publish { topic, payload }));
                }
                directory::Effect::Alert(payload) => {
                    let topic = Topic::Presence;
                    self.push(Step::Broadcast(broadcast::Input::Alert { topic, payload }));
                }
                directory::Effect::Bond(ion, bond) => {
                    self.push(Step::Neighbours(neighbours::Input::Bond(ion, bond)));
                }
                directory::Effect::Arrived(ion) => {
                    self.found(now, &[ion]);
                    effects.push(Effect::Arrived(ion));
                }
                directory::Effect::Restarted(ion) => {
                    effects.extend([Effect::Departed(ion), Effect::Arrived(ion)]);
                }
                directory::Effect::Departed(ion, cause) => {
                    // Whoever fell silent may live in another part.
                    match cause {
                        Cause::Silent => self.found(now, &[ion]),
                        Cause::Told => self.push(Step::Overlay(overlay::Input::Gone(ion))),
                    }
                    effects.push(Effect::Departed(ion));
                }
                directory::Effect::Offence(ion) => {
                    self.push(Step::Neighbours(neighbours::Input::Offence(ion)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
