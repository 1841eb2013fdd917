//! The self-test of a connection, step by step.

use super::{
    event::{CheckState, CheckView, Event},
    machine::{Effect, Node},
    words,
};
use crate::{
    network::{Order, driver::Candidates, port::Attempt, ways::Way},
    platform::Time,
};

/// The offer of a self-test has this number.
pub(super) const DIAGNOSIS: Attempt = 1 << 63;
/// Names the echo of a self-test.
pub(super) const ECHO: u64 = u64::MAX;
/// How long a step may take, in milliseconds.
const STEP_MS: u64 = 8_000;

/// The steps, in order.
const STEPS: [&str; 6] = [
    "A relay answers",
    "Other ions can find this one",
    "This browser offers addresses for direct links",
    "Offers and answers pass between ions",
    "Other ions are linked",
    "A word comes back from another ion",
];

/// A self-test under way.
#[derive(Debug)]
pub(super) struct Diagnosis {
    began_at: Time,
    addresses: Option<Result<Candidates, String>>,
    echo: Echo,
    told: Vec<CheckView>,
}

#[derive(Debug)]
enum Echo {
    /// Nobody to ask yet.
    Waiting,
    Sent,
    Back(Option<(u16, u64)>),
}

impl Node {
    /// Begins a self-test; one under way begins anew.
    pub(super) fn diagnose(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let (addresses, told) = (None, Vec::new());
        self.diagnosis = Some(Diagnosis { began_at: now, addresses, echo: Echo::Waiting, told });
        effects.push(Effect::Network(Order::Offer(DIAGNOSIS)));
    }

    pub(super) fn diagnosis_offered(
        &mut self,
        offer: Result<Vec<u8>, String>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(diagnosis) = &mut self.diagnosis {
            diagnosis.addresses = Some(offer.map(|offer| Candidates::of(&offer)));
        }
        effects.push(Effect::Network(Order::Abandon(DIAGNOSIS)));
    }

    pub(super) fn diagnosis_echoed(&mut self, result: Option<(u16, u64)>) {
        if let Some(diagnosis) = &mut self.diagnosis {
            diagnosis.echo = Echo::Back(result);
        }
    }

    /// Tells how far the self-test has come, and goes on with it.
    pub(super) fn advance_diagnosis(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let Some(mut diagnosis) = self.diagnosis.take() else { return };
        if let (Echo::Waiting, Some(ion)) = (&diagnosis.echo, self.nearest()) {
            diagnosis.echo = Echo::Sent;
            self.echo(ECHO, ion);
        }
        let is_late = now.since_ms(diagnosis.began_at) > STEP_MS;
        let found = [
            self.check_relay(),
            self.check_registration(),
            check_addresses(diagnosis.addresses.as_ref()),
            self.check_signaling(),
            self.check_links(),
            check_echo(&diagnosis.echo),
        ];
        let checks: Vec<CheckView> =
            STEPS.iter().zip(found).map(|(what, found)| view(what, found, is_late)).collect();
        if checks != diagnosis.told {
            diagnosis.told.clone_from(&checks);
            effects.push(Effect::Tell(Event::Diagnosis(checks)));
        }
        let is_running = diagnosis.told.iter().any(|check| check.state == CheckState::Running);
        self.diagnosis = is_running.then_some(diagnosis);
    }

    fn check_relay(&self) -> Found {
        let relays = self.relays.all();
        let up = relays.iter().filter(|relay| relay.is_up()).count();
        if up > 0 {
            return Found::Good(format!("{up} of {} relays answer.", relays.len()));
        }
        let problem = relays.iter().map(|relay| relay.problem.clone()).find(|why| !why.is_empty());
        Found::Not(match problem {
            Some(why) => words::sentence_or_nothing(&why),
            None => {
                "No relay answers: newcomers cannot find this ion. Linked ions go on.".to_owned()
            }
        })
    }

    fn check_registration(&self) -> Found {
        if self.relays.is_registered() {
            return Found::Good("A relay tells newcomers of this nebula of it.".to_owned());
        }
        Found::Not("No relay tells newcomers of this ion; pairing by code works.".to_owned())
    }

    /// What is seen of it: no direct link comes about without an offer and an answer.
    fn check_signaling(&self) -> Found {
        let direct = self.direct_links();
        if direct > 0 {
            return Found::Good(format!("They did for each of the {direct} direct links."));
        }
        match self.attempts.last_problem(words::way(Way::Direct)) {
            // It may have failed after the answer came.
            Some(problem) => Found::None(format!("The last direct link that was tried: {problem}")),
            None => Found::None("No direct link was tried yet.".to_owned()),
        }
    }

    fn direct_links(&self) -> usize {
        let neighbours = self.mesh.neighbours().all();
        let ways = neighbours.iter().filter_map(|one| self.ways.get(&one.ion));
        ways.filter(|(way, _)| *way == Way::Direct).count()
    }

    fn check_links(&self) -> Found {
        let neighbours = self.mesh.neighbours().all();
        let all = neighbours.len();
        match (self.direct_links(), all) {
            (0, 0) => Found::None("No other ion is linked. Open this page once more.".to_owned()),
            (0, _) => {
                let why = neighbours.iter().filter_map(|one| self.ways.get(&one.ion));
                let why = why.map(|(_, why)| why.as_str()).find(|why| !why.is_empty());
                let why = why.unwrap_or("the reason is not known yet");
                Found::Not(format!("{all} linked through a relay, none directly: {why}."))
            }
            (direct, _) => Found::Good(format!("{direct} of {all} links are direct.")),
        }
    }

    /// The linked ion with the shortest way.
    fn nearest(&self) -> Option<crate::identity::IonId> {
        let all = self.mesh.neighbours().all();
        all.iter().min_by_key(|one| one.round_trip_ms).map(|one| one.ion)
    }
}

/// What a step found.
enum Found {
    Good(String),
    /// Bad, once its time is over.
    Not(String),
    /// Nothing to test, once its time is over.
    None(String),
    /// Bad at once.
    Bad(String),
}

fn view(what: &str, found: Found, is_late: bool) -> CheckView {
    let (state, detail) = match found {
        Found::Good(detail) => (CheckState::Good, detail),
        Found::Bad(detail) => (CheckState::Bad, detail),
        Found::Not(detail) if is_late => (CheckState::Bad, detail),
        Found::None(detail) if is_late => (CheckState::Skipped, detail),
        Found::Not(_) | Found::None(_) => (CheckState::Running, String::new()),
    };
    CheckView { what: what.to_owned(), state, detail }
}

fn check_addresses(addresses: Option<&Result<Candidates, String>>) -> Found {
    match addresses {
        None => Found::Not("The browser did not say in time.".to_owned()),
        Some(Err(why)) => Found::Bad(format!("No: {why}.")),
        Some(Ok(Candidates { near: 0, seen: 0, relayed: 0 })) => Found::Bad(
            "It offers none: the device has no network, or a setting of the browser forbids it."
                .to_owned(),
        ),
        Some(Ok(Candidates { near, seen, relayed })) => Found::Good(format!(
            "{near} of this network, {seen} as seen from outside, {relayed} through a TURN server."
        )),
    }
}

fn check_echo(echo: &Echo) -> Found {
    match echo {
        Echo::Waiting => Found::None("There is nobody to ask.".to_owned()),
        Echo::Sent => Found::Not("It did not come back in time.".to_owned()),
        Echo::Back(Some((_, ms))) => Found::Good(format!("It took {ms} ms there and back.")),
        Echo::Back(None) => Found::Bad("It did not come back.".to_owned()),
    }
}
