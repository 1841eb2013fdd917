//! The network's news, and what the user wants of it.

use super::{
    diagnosis::{DIAGNOSIS, ECHO},
    event::{EchoView, Event, LinkLimits},
    ice::TRIAL,
    machine::{self, Effect, Node, Step},
    pairing::PAIRING,
    words,
};
use crate::{
    identity::IonId,
    network::{
        News, Order, mesh, pairing::Nonce, port::Attempt, relays, rooms, signaling, ways::Way,
        wire::Room,
    },
    platform::Time,
    store::library,
};

/// The most links that a user may ask for.
pub const LINKS_MAX: u8 = 32;

impl Node {
    /// Hands the network's news to whom it concerns.
    pub(super) fn network(&mut self, now: Time, news: News, effects: &mut Vec<Effect>) {
        if let News::Frame(ion, _, bytes) = &news {
            self.traffic.received(*ion, bytes.len());
        }
        let step = match news {
            News::Reserved(index) => Step::Relays(relays::Input::Reserved(index)),
            News::Registered(index) => Step::Relays(relays::Input::Registered(index)),
            News::Unlisted(index, why) => Step::Relays(relays::Input::Unlisted(index, why)),
            News::RelayLost(index, why) => Step::Relays(relays::Input::Lost(index, why)),
            News::Found(index, ions) => Step::Relays(relays::Input::Found(index, ions)),
            News::Opened(ion, room, bytes) => {
                if room == Room::Link {
                    self.push(Step::Files(library::Input::Cut(ion)));
                }
                Step::Mesh(mesh::Input::Opened(ion, room, bytes))
            }
            News::Frame(ion, room, bytes) => Step::Mesh(mesh::Input::Frame(ion, room, bytes)),
            News::Offence(ion) => Step::Mesh(mesh::Input::Offence(ion)),
            News::Sent(ion) => Step::Files(library::Input::Sent(ion)),
            News::Failed(ion) => Step::Mesh(mesh::Input::Failed(ion)),
            News::Closed(ion) => {
                self.push(Step::Files(library::Input::Cut(ion)));
                Step::Mesh(mesh::Input::Closed(ion))
            }
            other => return self.connection(now, other, effects),
        };
        self.push(step);
    }

    /// News of connections, beside the frames on them.
    fn connection(&mut self, now: Time, news: News, effects: &mut Vec<Effect>) {
        match news {
            News::Way(ion, way, why) => self.way(ion, way, why),
            News::Tried(ion, way, took_ms, problem) => {
                self.tried(now, &ion, way, took_ms, &problem);
            }
            News::Offer(attempt, offer) => self.offered(now, attempt, offer, effects),
            News::Answer(attempt, answer) if attempt & PAIRING != 0 => {
                self.pairing_answered(now, attempt, answer, effects);
            }
            News::Answer(attempt, answer) => {
                self.push(Step::Mesh(mesh::Input::Answer(attempt, answer.ok())));
            }
            News::Met(ion) => {
                self.pairing_met(ion, effects);
                self.push(Step::Mesh(mesh::Input::Met(ion)));
            }
            News::Unmet(ion, why) => {
                self.pairing_unmet(ion, &why, effects);
                self.push(Step::Mesh(mesh::Input::Unmet(ion)));
            }
            _ => {}
        }
    }

    fn offered(
        &mut self,
        now: Time,
        attempt: Attempt,
        offer: Result<Vec<u8>, String>,
        effects: &mut Vec<Effect>,
    ) {
        if attempt == DIAGNOSIS {
            self.diagnosis_offered(offer, effects);
        } else if attempt == TRIAL {
            self.ice_tried(offer, effects);
        } else if attempt & PAIRING != 0 {
            self.pairing_offered(now, attempt, offer, effects);
        } else {
            self.push(Step::Mesh(mesh::Input::Offer(attempt, offer.ok())));
        }
    }

    fn way(&mut self, ion: IonId, way: Way, why: String) {
        // As many as there may be links, since only those of links are asked for.
        let neighbours = self.mesh.neighbours();
        self.ways.retain(|known, _| *known == ion || neighbours.is_known(known));
        self.ways.insert(ion, (way, why));
        self.views.touch_ions();
    }

    /// What the mesh tells the user.
    pub(super) fn told(&mut self, now: Time, effect: mesh::Effect, effects: &mut Vec<Effect>) {
        match effect {
            mesh::Effect::Told { room, author, payload: bytes } => {
                let ion = author.to_string();
                effects.push(Effect::Tell(Event::Said { room, ion, bytes }));
            }
            mesh::Effect::Present { room, ion, is_here } => {
                let ion = ion.to_string();
                effects.push(Effect::Tell(Event::Present { room, ion, is_here }));
            }
            mesh::Effect::Probed(ion) => self.diagnosis_probed(now, ion),
            mesh::Effect::NotSaid(room, why) => {
                effects.push(Effect::Tell(Event::Problem(words::not_said(&room, why))));
            }
            mesh::Effect::Echoed { request: ECHO, result } => self.diagnosis_echoed(result),
            mesh::Effect::Echoed { request, result } => {
                let view = |(hops, ms): (u16, u64)| EchoView {
                    hops: u8::try_from(hops).unwrap_or(u8::MAX),
                    round_trip_ms: u32::try_from(ms).unwrap_or(u32::MAX),
                };
                let result = result.map(view).ok_or_else(words::no_echo);
                effects.push(Effect::Tell(Event::Echoed { request, result }));
            }
            // Whatever waits for an answer asks again, or gives up, by itself.
            _ => {}
        }
    }

    pub(super) fn echo(&mut self, request: u64, ion: IonId) {
        self.push(Step::Mesh(mesh::Input::Echo { request, ion }));
    }

    pub(super) fn echo_to(&mut self, request: u64, ion: &str, effects: &mut Vec<Effect>) {
        match ion.parse() {
            Ok(ion) if ion != self.own && request != ECHO => self.echo(request, ion),
            _ => {
                let result = Err(words::no_such_ion());
                effects.push(Effect::Tell(Event::Echoed { request, result }));
            }
        }
    }

    pub(super) fn rooms(&mut self, input: rooms::Input) {
        self.push(Step::Mesh(mesh::Input::Rooms(input)));
    }

    pub(super) fn set_links(&mut self, limits: LinkLimits, effects: &mut Vec<Effect>) {
        let max = limits.max.clamp(1, LINKS_MAX);
        let limits = LinkLimits { target: limits.target.clamp(1, max), max };
        self.settings.links = Some(limits);
        effects.push(Effect::Save(self.settings.clone()));
        self.push(Step::Mesh(mesh::Input::Limits(machine::limits(limits))));
    }

    /// Seconds since 1970, by this machine's clock at its start.
    pub(super) fn wall_s(&self, now: Time) -> u64 {
        self.origin_ms.saturating_add(now.as_ms()) / 1_000
    }

    pub(super) fn nonce(&mut self) -> Nonce {
        let mut nonce = Nonce::default();
        self.rng.fill(&mut nonce);
        nonce
    }
}

/// What the mesh asks of the network, or what is not for it.
pub(super) fn order(effect: mesh::Effect) -> Result<Order, mesh::Effect> {
    Ok(match effect {
        mesh::Effect::Reach(ion, opening) => Order::Reach(ion, opening),
        mesh::Effect::Send(ion, room, bytes) => Order::Send(ion, room, bytes),
        mesh::Effect::Refuse(ion) => Order::Refuse(ion),
        mesh::Effect::Close(ion) => Order::Close(ion),
        mesh::Effect::Offer(attempt) => Order::Offer(attempt),
        mesh::Effect::Answer(attempt, ion, offer) => {
            Order::Answer(attempt, ion, offer, signaling::ATTEMPT_MS)
        }
        mesh::Effect::Accept(attempt, ion, answer) => Order::Accept(attempt, ion, answer),
        mesh::Effect::Abandon(attempt) => Order::Abandon(attempt),
        other => return Err(other),
    })
}
