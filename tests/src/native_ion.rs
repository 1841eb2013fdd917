//! Native ions: node-core on a thread of its own, as a program would run it.

use std::{
    net::SocketAddr,
    rc::Rc,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Instant,
};

use futures::{FutureExt, channel::mpsc};
use node_core::{
    compute::guests::HostSeats,
    identity::slot::{HostSlots, settle},
    network::driver::DirectPort,
    node::{
        Command, Durability, Event, IonView, JobId, JobState, JobView, LinkKind, Phase, Start,
        Status, TaskResult,
        run::{COMMANDS_MAX, Fetch, World, run},
    },
    platform::native::{self, NativePlatform},
    store::source::Nowhere,
};

use crate::{
    PATIENCE,
    folder::Folder,
    relay::{Way, bootstrap},
};

/// An ion that lives until this is dropped.
#[derive(Debug)]
pub struct NativeIon {
    commands: mpsc::Sender<Command>,
    events: Receiver<Event>,
    status: Status,
    views: Vec<IonView>,
    // Its settings, kept as long as it lives.
    folder: Folder,
}

impl NativeIon {
    /// Starts one that finds others through the relay at this address.
    /// `invitation` is as in [`Start`].
    pub fn start(relay: SocketAddr, workers: u16, invitation: Option<String>) -> Self {
        Self::start_with((relay, Way::Tcp), workers, invitation, None)
    }

    /// As [`Self::start`], with the way to the relay and what makes direct connections.
    pub fn start_with(
        (relay, way): (SocketAddr, Way),
        workers: u16,
        invitation: Option<String>,
        direct: Option<DirectPort>,
    ) -> Self {
        let folder = Folder::new();
        let (commands, taken) = mpsc::channel(COMMANDS_MAX);
        let (told, events) = channel();
        let path = folder.path().to_path_buf();
        thread::spawn(move || {
            let tell = Rc::new(move |event| drop(told.send(event)));
            native::run(async move {
                let platform = NativePlatform::new(&path);
                let settled = settle(&platform, &HostSlots::new(&path), None).await;
                let world = World {
                    platform,
                    settled,
                    durability: Durability::Kept,
                    seats: HostSeats,
                    direct,
                    nearby: None,
                    fetch: fetch(relay, way),
                    sources: Rc::new(Nowhere),
                    commands: taken,
                    tell,
                };
                run(world).await
            })
        });
        let mut ion =
            Self { commands, events, status: Status::default(), views: Vec::new(), folder };
        ion.post(Command::Start(Start { invitation, workers }));
        ion
    }

    /// Gives it a command. Panics when it has ended or is drowned in commands.
    pub fn post(&mut self, command: Command) {
        self.commands.try_send(command).expect("the ion takes commands");
    }

    /// Waits for an event that `pick` finds something in; the events before it
    /// are gone. Panics after [`PATIENCE`].
    pub fn wait_for<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let event = match self.events.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(event) => event,
                Err(why) => self.give_up(what, why),
            };
            self.note(&event);
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    }

    /// Waits until it belongs to its nebula.
    pub fn joined(&mut self) {
        if self.status.phase != Phase::Joined {
            self.wait_for("joining", |event| match event {
                Event::Status(status) => (status.phase == Phase::Joined).then_some(()),
                _ => None,
            });
        }
    }

    /// Waits until it is linked with so many others.
    pub fn linked_with(&mut self, others: usize) {
        if self.views.len() != others {
            self.wait_for(&format!("links with {others} ions"), |event| match event {
                Event::Ions(ions) => (ions.len() == others).then_some(()),
                _ => None,
            });
        }
    }

    /// Waits until all its links, at least one, are of that kind.
    pub fn linked_by(&mut self, kind: LinkKind) {
        let all = |ions: &[IonView]| !ions.is_empty() && ions.iter().all(|ion| ion.link == kind);
        if !all(&self.views) {
            self.wait_for(&format!("all links {kind:?}"), |event| match event {
                Event::Ions(ions) => all(ions).then_some(()),
                _ => None,
            });
        }
    }

    /// Hears a job of this ion to its end; its last picture, and the results in
    /// the order in which they came. `progress` hears how many have come.
    pub fn finish(
        &mut self,
        job: JobId,
        mut progress: impl FnMut(u64),
    ) -> (JobView, Vec<TaskResult>) {
        let mut all: Vec<TaskResult> = Vec::new();
        let mut last = None;
        self.wait_for("the job's end", |event| {
            match event {
                Event::Results { job: of, first, results } if *of == job => {
                    assert_eq!(*first, all.len() as u64, "results come in order, each once");
                    all.extend(results.iter().cloned());
                    progress(all.len() as u64);
                }
                Event::Job(view) if view.job == job => last = Some(view.clone()),
                _ => {}
            }
            let view = last.clone().filter(|view| view.state != JobState::Running)?;
            let is_whole = view.succeeded + view.failed == all.len() as u64;
            is_whole.then_some((view, std::mem::take(&mut all)))
        })
    }

    /// Its last status.
    pub fn status(&self) -> &Status {
        &self.status
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Status(status) => self.status = status.clone(),
            Event::Ions(ions) => self.views.clone_from(ions),
            _ => {}
        }
    }

    fn give_up(&self, what: &str, why: RecvTimeoutError) -> ! {
        panic!(
            "{what} did not come ({why}); {} ions, settings in {}, status {:#?}",
            self.views.len(),
            self.folder.path().display(),
            self.status
        )
    }
}

fn fetch(relay: SocketAddr, way: Way) -> Fetch {
    Rc::new(move || bootstrap(relay, way).boxed_local())
}
