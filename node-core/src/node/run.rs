//! The node on a real platform: one input at a time, every effect to its
//! driver.

use std::{rc::Rc, sync::Arc};

use futures::{FutureExt, StreamExt, channel::mpsc, future::LocalBoxFuture, select};

use super::{
    command::Command,
    event::{Durability, Event},
    machine::{Birth, Effect, Input, Node},
    nebulas::Settings,
    words,
};
use crate::{
    compute::guests::{self, Seats},
    identity::{Ed25519Keys, IonId, slot::Settled},
    network::{
        self,
        bootstrap::Bootstrap,
        driver::{self, DirectPort, StartError},
    },
    platform::{Platform, Storage},
    store::{self, source::Sources},
};

/// The key under which the settings are kept.
const SETTINGS_KEY: &str = "settings-1";
/// Commands that may wait.
pub const COMMANDS_MAX: usize = 256;

/// Fetches the bootstrap document; the error is a reason for people.
pub type Fetch = Rc<dyn Fn() -> LocalBoxFuture<'static, Result<Bootstrap, String>>>;

/// Words that wait from ions of the same browser; more are lost.
pub const NEAR_MAX: usize = 64;

/// Says something to one ion of the same browser, or to all.
pub type SayNear = Rc<dyn Fn(Option<IonId>, &[u8])>;

/// The way to ions of the same browser. Nobody proves anything there.
pub struct Nearby {
    /// Says something to one of them, or to all.
    pub say: SayNear,
    /// What they say, at most [`NEAR_MAX`] words ahead.
    pub heard: mpsc::Receiver<(IonId, Vec<u8>)>,
}

/// What an ion needs from whoever runs it.
pub struct World<P: Platform, S> {
    /// The machine below.
    pub platform: P,
    /// Who it is and where it keeps what it must remember.
    pub settled: Settled<P>,
    /// What to say where it cannot keep anything.
    pub durability: Durability,
    /// Opens guest workers.
    pub seats: S,
    /// Makes direct connections, where the host can.
    pub direct: Option<DirectPort>,
    /// Ions of the same browser, where there are any.
    pub nearby: Option<Nearby>,
    /// Fetches the bootstrap document.
    pub fetch: Fetch,
    /// Where files that the user brings in are read from.
    pub sources: Rc<dyn Sources>,
    /// What the user wants; the ion ends when this does.
    pub commands: mpsc::Receiver<Command>,
    /// Tells the user.
    pub tell: Rc<dyn Fn(Event)>,
}

/// Runs an ion until its commands end.
#[expect(clippy::disallowed_methods, reason = "one answer for each thing the node asked for")]
pub async fn run<P: Platform, S: Seats>(world: World<P, S>) -> Result<(), StartError> {
    let World { platform, settled, durability, seats, direct, nearby, fetch, sources, .. } = world;
    let (mut commands, tell) = (world.commands, world.tell);
    let network = driver::start(&platform, settled.seed, direct)?;
    let guests = guests::start(&platform, seats);
    let place = settled.place.as_ref().map(|(slot, _)| slot.storage_name());
    let blocks = store::blocks::start(&platform, place.clone(), sources);
    let disk = store::driver::start(&platform, place);
    let storage = settled.place.as_ref().map(|(_, storage)| storage.clone());
    let settings = load(storage.as_ref()).await;
    let (inputs, mut own_inputs) = mpsc::unbounded();
    let mut seed = [0; 8];
    platform.fill_random(&mut seed);
    let now = platform.now();
    let birth = Birth {
        keys: Arc::new(Ed25519Keys::of_seed(&settled.seed)),
        settings,
        storage: durability,
        seed: u64::from_le_bytes(seed),
        origin_ms: platform.wall_ms().saturating_sub(now.as_ms()),
        now,
    };
    let nearby = nearby.unwrap_or_else(Nearby::nobody);
    let told = teller(&platform, tell);
    let mut ion = Ion {
        node: Node::new(birth),
        saves: saver(&platform, storage, inputs.clone()),
        platform,
        network: network.orders,
        guests: guests.orders,
        disk: disk.orders,
        blocks: blocks.orders,
        fetch,
        inputs,
        say_near: nearby.say,
        told,
    };
    let mut heard_near = nearby.heard;
    if let Some(notice) = &settled.notice {
        ion.act(Effect::Tell(Event::Notice(words::notice(notice))));
    }
    let (mut news, mut guest_news, mut disk_news) = (network.news, guests.news, disk.news);
    let mut block_news = blocks.news;
    ion.handle(Input::Tick);
    let mut tick = ion.platform.sleep(ion.node.tick_ms()).fuse();
    loop {
        select! {
            command = commands.next() => match command {
                Some(command) => {
                    let mut random = Box::new([0; 48]);
                    ion.platform.fill_random(&mut random[..]);
                    ion.handle(Input::Command(command, random));
                }
                None => return Ok(()),
            },
            news = news.select_next_some() => ion.handle(Input::Network(news)),
            (from, bytes) = heard_near.select_next_some() => ion.handle(Input::Near(from, bytes)),
            news = guest_news.select_next_some() => ion.handle(Input::Guests(news)),
            (life, news) = disk_news.select_next_some() => ion.handle(Input::Disk(life, news)),
            (life, news) = block_news.select_next_some() => ion.handle(Input::Blocks(life, news)),
            input = own_inputs.select_next_some() => ion.handle(input),
            () = tick => {
                ion.handle(Input::Clock(ion.platform.wall_ms()));
                ion.handle(Input::Tick);
                tick = ion.platform.sleep(ion.node.tick_ms()).fuse();
            }
        }
    }
}

/// The node and the ways to its drivers.
struct Ion<P> {
    node: Node,
    platform: P,
    network: mpsc::UnboundedSender<network::Order>,
    guests: mpsc::UnboundedSender<guests::Order>,
    disk: mpsc::UnboundedSender<store::driver::Order>,
    blocks: mpsc::UnboundedSender<store::blocks::Order>,
    saves: mpsc::UnboundedSender<Settings>,
    fetch: Fetch,
    inputs: mpsc::UnboundedSender<Input>,
    say_near: SayNear,
    told: mpsc::UnboundedSender<Event>,
}

impl Nearby {
    /// Nobody is there.
    fn nobody() -> Self {
        // A channel without senders has ended, and is not looked at any more.
        let (_, heard) = mpsc::channel(0);
        Self { say: Rc::new(|_, _| ()), heard }
    }
}

impl<P: Platform> Ion<P> {
    fn handle(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.node.handle(self.platform.now(), input, &mut effects);
        // Disk and neighbours need not wait until the page is told of everything.
        let (told, asked): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Tell(_)));
        asked.into_iter().chain(told).for_each(|effect| self.act(effect));
    }

    // The drivers live as long as the loop does; orders to one that has ended
    // would have nobody to serve.
    fn act(&self, effect: Effect) {
        match effect {
            Effect::FetchBootstrap => self.fetch_bootstrap(),
            Effect::SayNear(to, bytes) => (self.say_near)(to, &bytes),
            Effect::Network(order) => drop(self.network.unbounded_send(order)),
            Effect::Guests(order) => drop(self.guests.unbounded_send(order)),
            Effect::Disk(order) => drop(self.disk.unbounded_send(order)),
            Effect::Blocks(order) => drop(self.blocks.unbounded_send(order)),
            Effect::Save(settings) => drop(self.saves.unbounded_send(settings)),
            Effect::Tell(event) => drop(self.told.unbounded_send(event)),
        }
    }

    fn fetch_bootstrap(&self) {
        let (fetched, inputs) = ((self.fetch)(), self.inputs.clone());
        self.platform.spawn(Box::pin(async move {
            let _ = inputs.unbounded_send(Input::Bootstrap(fetched.await));
        }));
    }
}

/// A task that tells the page, after the drivers have taken what they were asked
/// for at the same time.
#[expect(clippy::disallowed_methods, reason = "each event is told in the next turn")]
fn teller<P: Platform>(platform: &P, tell: Rc<dyn Fn(Event)>) -> mpsc::UnboundedSender<Event> {
    let (told, mut waiting) = mpsc::unbounded();
    platform.spawn(Box::pin(async move {
        while let Some(event) = waiting.next().await {
            tell(event);
        }
    }));
    told
}

/// Settings that were kept; those that cannot be read are as good as none.
async fn load(storage: Option<&impl Storage>) -> Settings {
    let Some(storage) = storage else { return Settings::default() };
    let kept = storage.get(SETTINGS_KEY).await.ok().flatten();
    kept.and_then(|bytes| ion_codec::from_slice(&bytes).ok()).unwrap_or_default()
}

/// A task that keeps the newest settings, one write after the other.
#[expect(clippy::disallowed_methods, reason = "the node may not wait; only the newest is kept")]
fn saver<P: Platform>(
    platform: &P,
    storage: Option<P::Storage>,
    inputs: mpsc::UnboundedSender<Input>,
) -> mpsc::UnboundedSender<Settings> {
    let (saves, mut waiting) = mpsc::unbounded::<Settings>();
    platform.spawn(Box::pin(async move {
        while let Some(mut settings) = waiting.next().await {
            while let Ok(newer) = waiting.try_recv() {
                settings = newer;
            }
            let Some(storage) = &storage else { continue };
            let bytes =
                ion_codec::to_vec(&settings).expect("plain data always has a DAG-CBOR form");
            if let Err(why) = storage.put(SETTINGS_KEY, bytes).await {
                let _ = inputs.unbounded_send(Input::Trouble(words::not_saved(&why)));
            }
        }
    }));
    saves
}
