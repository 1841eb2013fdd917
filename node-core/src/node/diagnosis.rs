//! The self-test of a connection, step by step.

use super::{
    event::{CheckState, CheckView, Event},
    machine::{Effect, Node, Step},
    words,
};
use crate::{
    identity::IonId,
    network::{Order, driver::Candidates, mesh, port::Attempt, ways::Way},
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
    probe: Probe,
    echo: Echo,
    told: Vec<CheckView>,
}

/// Whether offers and answers come to an ion and back.
#[derive(Debug, Default)]
struct Probe {
    /// Who is asked, whether it is linked, and since when. The one before, if any, did
    /// not answer in its time.
    asked: Option<(IonId, bool, Time)>,
    missed: Option<IonId>,
    /// How long it took, in milliseconds.
    back_ms: Option<u64>,
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
        let (addresses, probe, echo, told) = (None, Probe::default(), Echo::Waiting, Vec::new());
        self.diagnosis = Some(Diagnosis { began_at: now, addresses, probe, echo, told });
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

    pub(super) fn diagnosis_probed(&mut self, now: Time, ion: IonId) {
        let Some(Diagnosis { probe, .. }) = &mut self.diagnosis else { return };
        if let Some((asked, _, since)) = probe.asked
            && asked == ion
        {
            probe.back_ms = Some(now.since_ms(since));
        }
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
        self.probe(now, &mut diagnosis.probe);
        let is_late = now.since_ms(diagnosis.began_at) > STEP_MS;
        let found = [
            self.check_relay(),
            self.check_registration(),
            check_addresses(diagnosis.addresses.as_ref()),
            self.check_signaling(&diagnosis.probe),
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

    /// Asks an ion that is not linked, so that the answer comes over others, or a
    /// linked one where all are. One that does not answer may just have gone: another
    /// is asked for the rest of the time.
    fn probe(&mut self, now: Time, probe: &mut Probe) {
        let is_over = |since: &Time| now.since_ms(*since) > STEP_MS / 2;
        match &probe.asked {
            None => {}
            Some((ion, _, since))
                if probe.back_ms.is_none() && probe.missed.is_none() && is_over(since) =>
            {
                probe.missed = Some(*ion);
            }
            Some(_) => return,
        }
        let mut others = self.mesh.directory().entries().keys();
        let is_linked = |ion: &IonId| self.mesh.neighbours().is_known(ion);
        let distant = others.find(|ion| !is_linked(ion) && probe.missed != Some(**ion)).copied();
        let Some(ion) = distant.or_else(|| self.nearest()) else { return };
        probe.asked = Some((ion, distant.is_none(), now));
        self.push(Step::Mesh(mesh::Input::Probe(ion)));
    }

    fn check_signaling(&self, probe: &Probe) -> Found {
        let Some((ion, is_linked, _)) = &probe.asked else {
            return Found::None("There is nobody to ask.".to_owned());
        };
        let name = self.name_of(ion);
        let over = if *is_linked { "" } else { ", over others" };
        match probe.back_ms {
            Some(ms) => Found::Good(format!("To {name} and back{over}: {ms} ms.")),
            None => Found::Not(match self.attempts.last_problem(words::way(Way::Direct)) {
                Some(problem) => format!(
                    "None came back from {name}. The last direct link that was tried: {problem}"
                ),
                None => format!("None came back from {name}."),
            }),
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
    fn nearest(&self) -> Option<IonId> {
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
