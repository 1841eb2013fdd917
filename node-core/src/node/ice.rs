//! STUN and TURN servers: those that the relay named, those that the user set,
//! and trying one.
//!
//! Only servers that [`IceServer::check`] takes are kept or contacted; the
//! user's are at most [`OWN_MAX`]. A trial gathers addresses with that server
//! alone, by an offer that nobody ever answers.

use super::{
    event::{Event, IceFound, Problem},
    machine::{Effect, Node},
    words,
};
use crate::{
    network::{
        Order,
        bootstrap::{ICE_SERVERS_MAX, IceServer},
        driver::Candidates,
        port::Attempt,
    },
    platform::Time,
};

/// Servers that a user may set.
pub const OWN_MAX: usize = ICE_SERVERS_MAX;
/// How long a trial may take, in milliseconds; addresses are gathered for one
/// second.
const TRIAL_MS: u64 = 8_000;
/// The offer of a trial has this number.
pub(super) const TRIAL: Attempt = (1 << 63) | 1;

/// What is known beside the settings.
#[derive(Debug, Default)]
pub(super) struct Ice {
    /// Those that the relay named.
    named: Vec<IceServer>,
    /// The trial under way: as the user numbered it, and since when.
    trial: Option<(u64, Time)>,
}

impl Node {
    /// The relay named these servers.
    pub(super) fn ice_named(&mut self, servers: Vec<IceServer>, effects: &mut Vec<Effect>) {
        self.ice.named = servers;
        self.use_ice(effects);
    }

    /// URLs of the servers that the relay named.
    pub(super) fn ice_urls(&self) -> Vec<String> {
        self.ice.named.iter().flat_map(|server| server.urls.clone()).collect()
    }

    /// The user wants these servers beside those of the relay, from now on.
    pub(super) fn set_ice(&mut self, servers: Vec<IceServer>, effects: &mut Vec<Effect>) {
        let wrong = servers.iter().find_map(|server| server.check().err());
        let problem = match wrong {
            Some(why) => Some(words::bad_ice(why)),
            None if servers.len() > OWN_MAX => Some(words::too_many_ice()),
            None => None,
        };
        if let Some(problem) = problem {
            effects.push(Effect::Tell(Event::Problem(problem)));
            return;
        }
        self.settings.ice_servers = servers;
        effects.push(Effect::Save(self.settings.clone()));
        self.use_ice(effects);
    }

    /// Gathers addresses with one server, to see whether it helps.
    pub(super) fn try_ice(
        &mut self,
        now: Time,
        request: u64,
        server: IceServer,
        effects: &mut Vec<Effect>,
    ) {
        if let Err(why) = server.check() {
            let result = Err(words::bad_ice(why));
            effects.push(Effect::Tell(Event::IceTried { request, result }));
            return;
        }
        self.end_trial(Err(words::trial_replaced()), effects);
        self.ice.trial = Some((request, now));
        effects.push(Effect::Network(Order::Try(TRIAL, server)));
    }

    /// The trial's addresses were gathered, or why they could not be.
    pub(super) fn ice_tried(&mut self, offer: Result<Vec<u8>, String>, effects: &mut Vec<Effect>) {
        let result = match offer.map(|offer| Candidates::of(&offer)) {
            Ok(found) => Ok(IceFound {
                seen: u32::try_from(found.seen).unwrap_or(u32::MAX),
                relayed: u32::try_from(found.relayed).unwrap_or(u32::MAX),
            }),
            Err(why) => Err(words::no_trial(&why)),
        };
        effects.push(Effect::Network(Order::Abandon(TRIAL)));
        self.end_trial(result, effects);
    }

    /// Ends a trial that nobody answers.
    pub(super) fn late_trial(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_late = |(_, since): (u64, Time)| now.since_ms(since) > TRIAL_MS;
        if self.ice.trial.is_some_and(is_late) {
            let why = "the browser did not say in time what it found";
            self.end_trial(Err(words::no_trial(why)), effects);
        }
    }

    fn end_trial(&mut self, result: Result<IceFound, Problem>, effects: &mut Vec<Effect>) {
        if let Some((request, _)) = self.ice.trial.take() {
            effects.push(Effect::Tell(Event::IceTried { request, result }));
        }
    }

    fn use_ice(&self, effects: &mut Vec<Effect>) {
        let all = self.ice.named.iter().chain(&self.settings.ice_servers).cloned().collect();
        effects.push(Effect::Network(Order::IceServers(all)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        identity::{IonId, SimKeys},
        network::{News, bootstrap::Bootstrap},
        node::{
            Command, Durability,
            machine::{Birth, Input},
            nebulas::Settings,
        },
    };

    const STUN: &str = "stun:stun.example.org:3478";

    fn server(url: &str) -> IceServer {
        IceServer { urls: vec![url.to_owned()], username: None, credential: None }
    }

    fn node() -> Node {
        Node::new(Birth {
            keys: Arc::new(SimKeys::of(IonId::from_bytes([1; 32]))),
            settings: Settings::default(),
            storage: Durability::Kept,
            seed: 1,
            origin_ms: 0,
            now: Time::ZERO,
        })
    }

    fn handle(node: &mut Node, ms: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        node.handle(Time::from_ms(ms), input, &mut effects);
        effects
    }

    fn command(node: &mut Node, command: Command) -> Vec<Effect> {
        handle(node, 0, Input::Command(command, Box::new([0; 48])))
    }

    fn tried(effects: &[Effect]) -> Vec<(u64, bool)> {
        let tried = |effect: &Effect| match effect {
            Effect::Tell(Event::IceTried { request, result }) => Some((*request, result.is_ok())),
            _ => None,
        };
        effects.iter().filter_map(tried).collect()
    }

    #[test]
    fn servers_of_the_user_are_kept_and_used_beside_those_of_the_relay() {
        let mut node = node();
        let named = server("stun:relay.example.org");
        let bootstrap = Bootstrap { ice_servers: vec![named.clone()], ..Bootstrap::default() };
        handle(&mut node, 0, Input::Bootstrap(Ok(bootstrap)));
        let effects = command(&mut node, Command::SetIceServers { servers: vec![server(STUN)] });
        let all = vec![named, server(STUN)];
        assert!(effects.contains(&Effect::Network(Order::IceServers(all))), "{effects:?}");
        let kept = |effect: &Effect| matches!(effect, Effect::Save(settings) if settings.ice_servers == [server(STUN)]);
        assert!(effects.iter().any(kept), "{effects:?}");
    }

    #[test]
    fn what_no_browser_would_take_is_refused_and_changes_nothing() {
        let mut node = node();
        let turn = server("turn:turn.example.org");
        let many = vec![server(STUN); OWN_MAX + 1];
        for servers in [vec![server("http://x")], vec![turn], many] {
            let effects = command(&mut node, Command::SetIceServers { servers });
            let told = |effect: &Effect| matches!(effect, Effect::Tell(Event::Problem(_)));
            assert!(effects.iter().any(told), "{effects:?}");
            assert!(node.settings.ice_servers.is_empty());
        }
    }

    #[test]
    fn a_trial_is_answered_once_whatever_becomes_of_it() {
        let mut node = node();
        let trial = |request, url| Command::TryIceServer { request, server: server(url) };
        assert_eq!(tried(&command(&mut node, trial(1, "stun:"))), [(1, false)]);
        let begun = command(&mut node, trial(2, STUN));
        assert!(begun.contains(&Effect::Network(Order::Try(TRIAL, server(STUN)))), "{begun:?}");
        assert_eq!(tried(&command(&mut node, trial(3, STUN))), [(2, false)]);
        let refused = Input::Network(News::Offer(TRIAL, Err("no".to_owned())));
        assert_eq!(tried(&handle(&mut node, 5, refused)), [(3, false)]);
        command(&mut node, trial(4, STUN));
        assert_eq!(tried(&handle(&mut node, TRIAL_MS, Input::Tick)), []);
        assert_eq!(tried(&handle(&mut node, TRIAL_MS + 1, Input::Tick)), [(4, false)]);
    }
}
