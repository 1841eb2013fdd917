//! What the user sees of the ion, and how often.

use ion_map::{Map, Set};

use super::{
    event::{
        AttemptView, Durability, Event, IonView, JobView, LinkKind, Phase, RelayView, Status,
        TaskView, Waiting, WorkView,
    },
    machine::{Effect, Node},
    words,
};
use crate::{
    compute::{JobId, worker::Row},
    identity::IonId,
    network::{directory::Entry, neighbours::Neighbour, overlay::USE_SCORE, ways::Way},
    platform::Time,
};

/// The least time between two pictures of this ion or of a job, in milliseconds.
const STATUS_MS: u64 = 100;
/// The least time between two lists of ions, in milliseconds.
const IONS_MS: u64 = 250;

/// What was told last, and what has changed since.
pub(super) struct Views {
    storage: Durability,
    bootstrap_failures: u32,
    is_touched: bool,
    ions_changed: bool,
    status_at: Option<Time>,
    ions_at: Option<Time>,
    jobs_at: Option<Time>,
    was_busy: bool,
    told: Status,
    /// Ids as people read them, of the ions in the last list: to write one takes
    /// longer than all else in its row.
    ids: Map<IonId, String>,
}

impl Views {
    pub(super) fn new(storage: Durability) -> Self {
        Self {
            storage,
            bootstrap_failures: 0,
            is_touched: true,
            ions_changed: true,
            status_at: None,
            ions_at: None,
            jobs_at: None,
            was_busy: false,
            told: Status::default(),
            ids: Map::new(),
        }
    }

    /// Something that the status shows may have changed.
    pub(super) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// Something that the list of ions shows may have changed.
    pub(super) fn touch_ions(&mut self) {
        self.ions_changed = true;
    }

    /// Whether this is the first failure, of which the user is told.
    pub(super) fn bootstrap_failed(&mut self) -> bool {
        self.bootstrap_failures += 1;
        self.is_touched = true;
        self.bootstrap_failures == 1
    }
}

impl Node {
    /// Tells what changed, where it was not told a moment ago.
    pub(super) fn report(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let links_changed = self.mesh.take_changed();
        self.views.is_touched |= self.relays.take_changed() || links_changed;
        self.views.ions_changed |= links_changed;
        self.report_status(now, effects);
        self.report_ions(now, effects);
        self.report_jobs(now, effects);
        self.report_files(now, effects);
        if let Some(attempts) = self.attempts.news(now) {
            effects.push(Effect::Tell(Event::Attempts(attempts)));
        }
    }

    /// An attempt to connect to an ion ended.
    pub(super) fn tried(&mut self, now: Time, ion: &IonId, way: Way, took_ms: u64, problem: &str) {
        let with = self.name_of(ion);
        let way = words::way(way).to_owned();
        let problem = words::sentence_or_nothing(problem);
        let at_ms = now.as_ms();
        self.attempts.note(AttemptView { at_ms, with, way, took_ms, problem });
    }

    fn report_status(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if !self.views.is_touched || !is_due(now, self.views.status_at, STATUS_MS) {
            return;
        }
        self.views.is_touched = false;
        let status = self.status();
        if self.views.status_at.is_none() || status != self.views.told {
            self.views.status_at = Some(now);
            self.views.told = status.clone();
            effects.push(Effect::Tell(Event::Status(status)));
        }
    }

    fn report_ions(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if !self.views.ions_changed || !is_due(now, self.views.ions_at, IONS_MS) {
            return;
        }
        self.views.ions_changed = false;
        self.views.ions_at = Some(now);
        self.write_ids();
        let mut ions = self.ion_views();
        ion_map::sort_by(&mut ions, |one, other| {
            (&one.name, &one.id).cmp(&(&other.name, &other.id))
        });
        effects.push(Effect::Tell(Event::Ions(ions)));
    }

    fn report_jobs(&mut self, now: Time, effects: &mut Vec<Effect>) {
        // The end of a job is told at once, its course a few times a second.
        let is_busy = self.coordinator.is_busy();
        let has_ended = self.views.was_busy && !is_busy;
        if !has_ended && !is_due(now, self.views.jobs_at, STATUS_MS) {
            return;
        }
        self.views.was_busy = is_busy;
        let views = self.coordinator.changed(now);
        if !views.is_empty() {
            self.views.jobs_at = Some(now);
        }
        for view in views {
            if let Some(view) = self.shown_job(view) {
                let view = self.with_names(view);
                effects.push(Effect::Tell(Event::Job(view)));
            }
        }
    }

    fn status(&self) -> Status {
        Status {
            id: self.own.to_string(),
            name: self.name_of(&self.own),
            phase: self.phase(),
            nebula: self.nebula_view(),
            nebulas: self.nebula_views(),
            relays: self.relays.all().iter().map(relay_view).collect(),
            paused: self.settings.paused,
            workers: self.settings.workers.unwrap_or(1),
            workers_busy: self.worker.busy(),
            tasks_done: self.worker.tasks_done(),
            links: self.settings.links(),
            ice_servers: self.settings.ice_servers.clone(),
            ice_named: self.ice_urls(),
            storage: self.views.storage,
        }
    }

    fn phase(&self) -> Phase {
        if self.relays.is_registered() && self.nebulas.present().is_some() {
            Phase::Joined
        } else if !self.is_bootstrapped() && self.views.bootstrap_failures > 0 {
            Phase::NoRelay
        } else if !self.is_started || self.relays.all().is_empty() {
            Phase::Starting
        } else if self.relays.are_down() {
            Phase::NoRelay
        } else {
            Phase::Connecting
        }
    }

    /// Writes the ids of all that the list names and the last did not.
    fn write_ids(&mut self) {
        let neighbours = self.mesh.neighbours().all();
        let linked = neighbours.iter().map(|one| &one.ion);
        let named = linked.chain(self.mesh.directory().entries().keys());
        self.views.ids = named.map(|ion| (*ion, self.id_of(ion))).collect();
    }

    fn id_of(&self, ion: &IonId) -> String {
        self.views.ids.get(ion).cloned().unwrap_or_else(|| ion.to_string())
    }

    /// Every ion of the nebula, linked or heard of.
    fn ion_views(&self) -> Vec<IonView> {
        let neighbours = self.mesh.neighbours().all();
        let linked: Set<IonId> = neighbours.iter().map(|one| one.ion).collect();
        let others = self.mesh.directory().entries().iter();
        let others = others.filter(|(ion, _)| !linked.contains(ion));
        let others = others.map(|(ion, entry)| self.distant_view(ion, entry));
        neighbours.iter().map(|neighbour| self.linked_view(neighbour)).chain(others).collect()
    }

    fn linked_view(&self, neighbour: &Neighbour) -> IonView {
        let ion = neighbour.ion;
        let (link, why) = match self.ways.get(&ion) {
            Some((Way::Direct, _)) => (LinkKind::Direct, String::new()),
            Some((Way::Relayed, why)) => (LinkKind::Relayed, why.clone()),
            None => (LinkKind::Relayed, String::new()),
        };
        let (sent_per_s, received_per_s) = self.traffic.rates(&ion);
        IonView {
            id: self.id_of(&ion),
            name: display_name(&ion, &neighbour.presence.name),
            link,
            why,
            via: String::new(),
            hops: 1,
            score: self.score(&ion),
            received_per_s,
            sent_per_s,
            round_trip_ms: neighbour.round_trip_ms,
            workers: neighbour.presence.workers,
            workers_busy: neighbour.presence.busy,
            tasks_done: self.credits.get(&ion).copied().unwrap_or(0),
            linked_at_ms: neighbour.since.as_ms(),
        }
    }

    fn distant_view(&self, ion: &IonId, entry: &Entry) -> IonView {
        IonView {
            id: self.id_of(ion),
            name: display_name(ion, &entry.profile.name),
            link: LinkKind::Via,
            why: self.why_not_linked(ion),
            via: self.id_of(&entry.via),
            hops: u8::try_from(entry.hops).unwrap_or(u8::MAX),
            score: 0,
            received_per_s: 0,
            sent_per_s: 0,
            round_trip_ms: 0,
            workers: entry.profile.workers,
            workers_busy: 0,
            tasks_done: self.credits.get(ion).copied().unwrap_or(0),
            linked_at_ms: entry.since.as_ms(),
        }
    }

    fn why_not_linked(&self, ion: &IonId) -> String {
        let limits = self.mesh.overlay().limits();
        if self.mesh.overlay().links().len() >= limits.target() {
            return format!("{} links are enough; it is reached through them", limits.target());
        }
        match self.mesh.overlay().failures_of(ion) {
            0 => String::new(),
            _ => "the last attempt to link failed, or it has links enough".to_owned(),
        }
    }

    /// A link's usefulness, from 0 to 100: how it compares with 100 uses in the
    /// last minute.
    fn score(&self, ion: &IonId) -> u8 {
        let score = self.mesh.overlay().links().get(ion).map_or(0, |link| link.score);
        u8::try_from((score / USE_SCORE).min(100)).unwrap_or(100)
    }

    pub(super) fn name_of(&self, ion: &IonId) -> String {
        if *ion == self.own {
            return display_name(ion, &self.settings.name);
        }
        let known = self.mesh.directory().entries().get(ion);
        display_name(ion, known.map_or("", |entry| &entry.profile.name))
    }

    pub(super) fn with_names(&self, mut view: JobView) -> JobView {
        let own = self.own.to_string();
        let name = |id: &str| id.parse().map(|ion| self.name_of(&ion)).unwrap_or_default();
        for share in &mut view.by_ion {
            share.is_self = share.id == own;
            share.name = name(&share.id);
        }
        match &mut view.waiting {
            Waiting::Ions(supply) => {
                let others = self.mesh.directory().entries().values();
                let paused = others.filter(|entry| entry.profile.workers == 0).count() as u64;
                supply.is_self_paused = self.lends() == 0;
                supply.paused = paused + u64::from(supply.is_self_paused);
            }
            Waiting::Elsewhere(ion) => *ion = name(ion),
            _ => {}
        }
        view
    }

    /// Tells where one task of a job stands.
    pub(super) fn ask_task(&self, now: Time, job: JobId, task: u64, effects: &mut Vec<Effect>) {
        let view = TaskView { job, task, ..TaskView::default() };
        let known = self.coordinator.task(now, job, task, &|ion| self.name_of(ion));
        let view = known.unwrap_or_else(|| match self.records.task(job, task) {
            // While this one begins it, it knows no more than nobody.
            Some((ion, has_ended)) if ion != self.own => {
                TaskView { is_known: true, coordinator: self.name_of(&ion), has_ended, ..view }
            }
            _ => view,
        });
        effects.push(Effect::Tell(Event::Task(Box::new(view))));
    }

    /// What ran here, and for whom.
    pub(super) fn work_views(&self) -> Vec<WorkView> {
        let view = |row: &Row| WorkView {
            owner: row.of.0.to_string(),
            owner_name: self.name_of(&row.of.0),
            is_own: row.of.0 == self.own,
            name: row.name.clone(),
            succeeded: row.succeeded,
            failed: row.failed,
            fuel: row.fuel,
            ran_ms: row.ran_ms,
            began_at_ms: row.began.as_ms(),
            last_at_ms: row.last.as_ms(),
        };
        self.worker.log().map(view).collect()
    }
}

fn display_name(ion: &IonId, chosen: &str) -> String {
    if chosen.is_empty() { ion.readable_name() } else { chosen.to_owned() }
}

fn relay_view(relay: &crate::network::relays::Relay) -> RelayView {
    RelayView {
        address: relay.address.clone(),
        is_connected: relay.is_up(),
        problem: words::sentence_or_nothing(&relay.problem),
    }
}

fn is_due(now: Time, last: Option<Time>, wait_ms: u64) -> bool {
    last.is_none_or(|last| now.since_ms(last) >= wait_ms)
}
