//! What the machines that carry things beyond direct links ask for.

use super::{Effect, Mesh, Step, TO_ALL, TO_ONE, echo::Word};
use crate::{
    identity::IonId,
    network::{
        broadcast::{self, Topic},
        directory, neighbours, overlay,
        rooms::{self},
        routing::{self, Line},
        signaling,
        wire::Room,
    },
    platform::Time,
};

impl Mesh {
    pub(super) fn step_broadcast(
        &mut self,
        now: Time,
        input: broadcast::Input,
        effects: &mut Vec<Effect>,
    ) {
        let mut asked = Vec::new();
        let is_of_entries =
            matches!(input, broadcast::Input::Publish { topic: Topic::Entries, .. });
        self.broadcast.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                broadcast::Effect::Send(ion, bytes) => self.send(ion, TO_ALL, &bytes),
                broadcast::Effect::Deliver { author, topic, payload, from, hops, age_ms } => {
                    self.push(Step::Routing(routing::Input::Hint { ion: author, via: from }));
                    self.push(match topic {
                        Topic::Presence => {
                            let way = directory::Way { from, hops, age_ms };
                            Step::Directory(directory::Input::Heard { author, payload, way })
                        }
                        Topic::Room(room) => {
                            Step::Rooms(rooms::Input::Heard { author, room, payload })
                        }
                        Topic::Entries => {
                            effects.push(Effect::Entries(author, payload));
                            continue;
                        }
                    });
                }
                broadcast::Effect::Offence(ion) => self.offence(ion),
                broadcast::Effect::Refused(_) if is_of_entries => effects.push(Effect::Untold),
                // Beats come again; who speaks in rooms was told its bounds there.
                broadcast::Effect::Refused(_) => {}
            }
        }
    }

    pub(super) fn step_rooms(&mut self, now: Time, input: rooms::Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.rooms.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                rooms::Effect::Publish(topic, payload) => {
                    self.push(Step::Broadcast(broadcast::Input::Publish { topic, payload }));
                }
                rooms::Effect::Deliver { room, author, bytes } => {
                    effects.push(Effect::Told { room, author, payload: bytes });
                }
                rooms::Effect::Offence(author) => self.offence(author),
                rooms::Effect::Refused(room, why) => effects.push(Effect::NotSaid(room, why)),
                rooms::Effect::Present { room, ion, is_here } => {
                    effects.push(Effect::Present { room, ion, is_here });
                }
            }
        }
    }

    pub(super) fn step_routing(
        &mut self,
        now: Time,
        input: routing::Input,
        effects: &mut Vec<Effect>,
    ) {
        let mut asked = Vec::new();
        self.routing.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                routing::Effect::Send(ion, bytes) => self.send(ion, TO_ONE, &bytes),
                routing::Effect::Deliver { from, line, bytes, hops } => {
                    self.delivered(now, from, line, bytes, hops, effects);
                }
                routing::Effect::Unreachable { to, .. } => self.unreachable(to, effects),
                routing::Effect::Asked { asker, request, body, path } => {
                    self.asked(asker, request, &body, path);
                }
                routing::Effect::Answered { request, from, body } => {
                    self.answered_by(request, from, &body, effects);
                }
                routing::Effect::Ended { request, answers, is_complete } => {
                    effects.push(Effect::Ended { request, answers, is_complete });
                }
                routing::Effect::Offence(ion) => self.offence(ion),
            }
        }
    }

    /// A message that came over others, or over a link like one.
    fn delivered(
        &mut self,
        now: Time,
        from: IonId,
        line: Line,
        bytes: Vec<u8>,
        hops: u16,
        effects: &mut Vec<Effect>,
    ) {
        match line {
            Line::Signal => self.push(Step::Signaling(signaling::Input::Heard(from, bytes))),
            Line::Echo => self.echoed(now, from, &bytes, hops, effects),
            Line::Room(Room::Compute) => {
                self.push(Step::Overlay(overlay::Input::Used(from)));
                effects.push(Effect::Heard(from, Room::Compute, bytes));
            }
            // Rooms of links have no business here.
            Line::Room(Room::Link | Room::Mesh | Room::Kv | Room::Store) => {}
        }
    }

    pub(super) fn call(&mut self, now: Time, request: u64, ion: IonId, effects: &mut Vec<Effect>) {
        let (word, given_up) = self.echoes.call(now, request, ion);
        effects.extend(given_up.map(|request| Effect::Echoed { request, result: None }));
        self.push(Step::Overlay(overlay::Input::Used(ion)));
        self.post(ion, Line::Echo, word.encode());
    }

    fn echoed(
        &mut self,
        now: Time,
        from: IonId,
        bytes: &[u8],
        hops: u16,
        effects: &mut Vec<Effect>,
    ) {
        match Word::decode(bytes) {
            Some(Word::Call(number)) => {
                self.push(Step::Overlay(overlay::Input::Used(from)));
                self.post(from, Line::Echo, Word::Back(number, hops).encode());
            }
            Some(Word::Back(number, hops)) => {
                if let Some((request, ms)) = self.echoes.back(now, &from, number) {
                    effects.push(Effect::Echoed { request, result: Some((hops, ms)) });
                }
            }
            None => self.offence(from),
        }
    }

    fn unreachable(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        self.push(Step::Signaling(signaling::Input::Unreachable(ion)));
        let lost = self.echoes.unreachable(&ion);
        effects.extend(lost.into_iter().map(|request| Effect::Echoed { request, result: None }));
        effects.push(Effect::Unreachable(ion));
    }

    /// Brings a message to an ion, over others where needed.
    pub(super) fn post(&mut self, to: IonId, line: Line, bytes: Vec<u8>) {
        let is_there = self.directory.entries().contains_key(&to);
        self.push(Step::Routing(routing::Input::Send { to, line, bytes, is_there }));
    }

    fn offence(&mut self, ion: IonId) {
        self.push(Step::Neighbours(neighbours::Input::Offence(ion)));
    }

    fn send(&mut self, ion: IonId, kind: u8, bytes: &[u8]) {
        let frame = [&[kind], bytes].concat();
        self.push(Step::Neighbours(neighbours::Input::Say(ion, Room::Mesh, frame)));
    }
}
