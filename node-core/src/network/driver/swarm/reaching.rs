//! How ions are reached, as the machine of ways decides.

use libp2p::{
    PeerId,
    swarm::dial_opts::{DialOpts, PeerCondition, WithPeerIdWithAddresses},
};

use super::{Dial, Driver, Session, dial_error};
use crate::{
    identity::IonId,
    network::{
        driver::direct::DirectNews,
        port::{Attempt, News},
        ways::{self, Way},
    },
    platform::Platform,
};

impl<P: Platform> Driver<P> {
    pub(super) fn reach(&mut self, ion: IonId, opening: Vec<u8>) {
        self.sessions.entry(ion).or_default().opening = Some(opening);
        self.steer(ways::Input::Wanted(ion));
    }

    /// Lets the machine that chooses ways decide, and does what it asks for.
    pub(super) fn steer(&mut self, input: ways::Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Vec::new();
            self.ways.handle(self.platform.now(), input, &mut effects);
            for effect in effects {
                match effect {
                    ways::Effect::Dial(ion, way) => {
                        if let Err(why) = self.dial(ion, way) {
                            inputs.push(ways::Input::Failed(ion, way, why));
                        }
                    }
                    ways::Effect::Use(ion, way, why) => self.go_by(ion, way, why),
                    ways::Effect::Unreached(ion) => self.unreached(ion),
                }
            }
        }
    }

    /// Talks to an ion over connections of that kind from now on.
    pub(super) fn go_by(&mut self, ion: IonId, way: Way, why: String) {
        if let Some(session) = self.sessions.get_mut(&ion) {
            session.go_by(way);
            self.open_streams(ion);
            self.tell(News::Way(ion, way, why));
        }
    }

    /// No connection leads to an ion, or that which was talked over has ended.
    pub(super) fn unreached(&mut self, ion: IonId) {
        let has_begun = self.sessions.get(&ion).is_some_and(Session::has_way);
        if has_begun { self.close(ion) } else { self.fail(ion) }
    }

    pub(super) fn dial(&mut self, ion: IonId, way: Way) -> Result<(), String> {
        let peer = ion.to_peer();
        let circuits = self.circuits_to(peer);
        let dial = match way {
            Way::Relayed => DialOpts::peer_id(peer).addresses(circuits),
            Way::Direct if circuits.is_empty() => {
                return Err("no relay is up over which the two could agree".to_owned());
            }
            Way::Direct => {
                let webrtc = self.swarm.behaviour_mut().webrtc.as_mut();
                let webrtc = webrtc.ok_or("this ion makes no direct connections")?;
                for circuit in circuits {
                    webrtc.add_circuit(peer, circuit);
                }
                DialOpts::peer_id(peer).addresses(vec![ion_webrtc::direct_address(peer)])
            }
        };
        self.dial_with(dial, ion, way, false)
    }

    pub(super) fn dial_with(
        &mut self,
        dial: WithPeerIdWithAddresses,
        ion: IonId,
        way: Way,
        is_promised: bool,
    ) -> Result<(), String> {
        // Another connection to it may stand, or be on its way: it is of the
        // other kind.
        let dial = dial.condition(PeerCondition::Always).build();
        let connection = dial.connection_id();
        self.swarm.dial(dial).map_err(|why| dial_error(&why))?;
        let began_at = self.platform.now();
        self.dials.insert(connection, Dial { ion, way, began_at, is_promised });
        Ok(())
    }

    /// Connects by an answer that the ion gave to an offer of ours.
    pub(super) fn accept(&mut self, attempt: Attempt, ion: IonId, answer: &[u8]) {
        let peer = ion.to_peer();
        let accepted = self.direct.accept(attempt, ion, answer).and_then(|()| {
            let dial = DialOpts::peer_id(peer).addresses(vec![ion_webrtc::direct_address(peer)]);
            self.dial_with(dial, ion, Way::Direct, true)
        });
        if let Err(why) = accepted {
            self.tell(News::Unmet(ion, why));
        }
    }

    pub(super) fn directed(&mut self, news: DirectNews) {
        match news {
            DirectNews::Offered(attempt, offer) => {
                let offer = offer.map(|(id, bytes)| {
                    self.direct.offered(attempt, id);
                    bytes
                });
                self.tell(News::Offer(attempt, offer));
            }
            DirectNews::Answered(attempt, answer) => self.tell(News::Answer(attempt, answer)),
        }
    }

    pub(super) fn connected(&mut self, peer: PeerId, way: Way) {
        let Some(ion) = IonId::from_peer(&peer).filter(|_| self.relay_of(peer).is_none()) else {
            return;
        };
        self.steer(ways::Input::Connected(ion, way));
        if way == Way::Direct {
            self.tell(News::Met(ion));
        }
    }

    pub(super) fn disconnected(&mut self, peer: PeerId, way: Way) {
        if let Some(ion) = IonId::from_peer(&peer) {
            self.steer(ways::Input::Disconnected(ion, way));
        }
    }

    pub(super) fn dial_failed(&mut self, dial: &Dial, why: String) {
        let Dial { ion, way, is_promised, .. } = *dial;
        let direct = self.direct.why(ion.to_peer()).filter(|_| way == Way::Direct);
        let why = direct.unwrap_or(why);
        self.tried(dial, why.clone());
        if is_promised {
            self.tell(News::Unmet(ion, why));
        } else {
            self.steer(ways::Input::Failed(ion, way, why));
        }
    }

    pub(super) fn tried(&mut self, dial: &Dial, why: String) {
        let took_ms = self.platform.now().since_ms(dial.began_at);
        self.tell(News::Tried(dial.ion, dial.way, took_ms, why));
    }
}
