//! The ion in its worker.

#![expect(clippy::disallowed_methods, reason = "this is the driver that starts an ion's tasks")]

mod bootstrap;
mod near;
mod sources;

use std::{cell::RefCell, panic, rc::Rc};

use futures::{FutureExt, channel::mpsc};
use ion_webrtc::web::Remote;
use js_sys::{Array, Uint8Array};
use node_core::{
    compute::guests::HostSeats,
    identity::{
        IonId,
        slot::{HostSlots, Notice, Settled, settle},
    },
    network::driver::DirectPort,
    node::{
        Command, Durability, Event, Problem,
        port::{FromIon, PULSE_MS},
        run::{COMMANDS_MAX, Fetch, NEAR_MAX, Nearby, World, run},
    },
    platform::{Platform, web::WebPlatform},
};
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, UrlSearchParams};

use bootstrap::bootstrap;
use sources::Files;

/// What all ions of an origin call their locks.
const SLOTS: &str = "ionosphere-slot";

/// Listens, says so, and runs the ion.
pub(crate) fn main() {
    panic::set_hook(Box::new(|info| post(&FromIon::Panicked(info.to_string()))));
    let platform = match WebPlatform::new() {
        Ok(platform) => platform,
        Err(missing) => return give_up(&missing),
    };
    let (commands, taken) = mpsc::channel(COMMANDS_MAX);
    let sources = Files::default();
    listen(commands, sources.clone());
    let direct = ready();
    pulse(platform.clone());
    spawn_local(live(platform, taken, direct, sources));
}

async fn live(
    platform: WebPlatform,
    commands: mpsc::Receiver<Command>,
    direct: Option<DirectPort>,
    sources: Files,
) {
    // The document is on its way while the identity is read.
    let fetch = prefetched(&platform);
    let start = parameters();
    let settled = settle(&platform, &HostSlots::new(SLOTS), start.slot).await;
    if let Some((slot, _)) = &settled.place {
        post(&FromIon::Slot(slot.index()));
    }
    let nearby = nearby(IonId::of_seed(settled.seed));
    let world = World {
        durability: durability(&settled),
        platform,
        settled,
        seats: HostSeats::new(start.guest),
        direct,
        nearby,
        fetch,
        sources: Rc::new(sources),
        commands,
        tell: Rc::new(tell),
    };
    if let Err(why) = run(world).await {
        give_up(&why);
    }
}

/// The ions of other tabs of this browser.
fn nearby(own: IonId) -> Option<Nearby> {
    let (hear, heard) = mpsc::channel(NEAR_MAX);
    let hear = RefCell::new(hear);
    let channel = near::Nearby::open(&own.to_string(), move |near| {
        if let Ok(from) = near.from.parse() {
            // Whoever was not heard says it again.
            let _ = hear.borrow_mut().try_send((from, near.bytes));
        }
    })?;
    let say = Rc::new(move |to: Option<IonId>, bytes: &[u8]| {
        let to = to.map(|ion| ion.to_string());
        // The same holds for what was not said.
        let _ = channel.send(to.as_deref(), bytes);
    });
    Some(Nearby { say, heard })
}

/// Says that this worker listens, and gives the page its end of the channel
/// for direct connections. What is asked there waits until the page serves it.
fn ready() -> Option<DirectPort> {
    let Ok(channel) = MessageChannel::new() else {
        post(&FromIon::Ready);
        return None;
    };
    post_with(&FromIon::Ready, &Array::of1(&channel.port2()));
    Some(Box::new(Remote::new(&channel.port1())))
}

fn give_up(why: &impl std::fmt::Display) {
    let problem = Problem {
        what: "This tab could not become an ion.".to_owned(),
        why: why.to_string(),
        remedy: "Reload the page. If it happens again, try a newer browser.".to_owned(),
    };
    tell(Event::Problem(problem));
}

/// What the worker was started with.
struct Parameters {
    guest: String,
    slot: Option<u32>,
}

fn parameters() -> Parameters {
    let search = scope().location().search();
    let parameters = UrlSearchParams::new_with_str(&search).ok();
    let get = |name: &str| parameters.as_ref().and_then(|all| all.get(name));
    Parameters {
        guest: get("guest").unwrap_or_default(),
        slot: get("slot").and_then(|slot| slot.parse().ok()),
    }
}

fn durability(settled: &Settled<WebPlatform>) -> Durability {
    match &settled.notice {
        None | Some(Notice::Replaced { .. }) => Durability::Kept,
        Some(Notice::NoSlot(_)) => Durability::Insecure,
        Some(Notice::NoStorage(_)) => Durability::Unavailable,
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn tell(event: Event) {
    post(&FromIon::Event(Box::new(event)));
}

fn post(message: &FromIon) {
    post_with(message, &Array::new());
}

fn post_with(message: &FromIon, transferred: &Array) {
    let bytes = ion_codec::to_vec(message).expect("events are plain data");
    let value = Uint8Array::from(bytes.as_slice());
    transferred.push(&value.buffer());
    if let Err(error) = scope().post_message_with_transfer(&value, transferred) {
        web_sys::console::error_2(&"ion: a message could not be posted".into(), &error);
    }
}

fn listen(commands: mpsc::Sender<Command>, sources: Files) {
    let commands = RefCell::new(commands);
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if sources.take(&event.data()) {
            return;
        }
        let bytes = event.data().dyn_into().map(|array: Uint8Array| array.to_vec());
        let read = ion_codec::from_slice(&bytes.unwrap_or_default());
        let taken = read.map_err(|why| why.to_string()).and_then(|command: Command| {
            let sent = commands.borrow_mut().try_send(command);
            sent.map_err(|_| "too many commands are waiting".to_owned())
        });
        if let Err(why) = taken {
            let problem = Problem {
                what: "The ion did not take a command.".to_owned(),
                why,
                remedy: "Try again in a moment; if it happens again, reload the page.".to_owned(),
            };
            tell(Event::Problem(problem));
        }
    });
    scope().set_onmessage(Some(listener.as_ref().unchecked_ref()));
    // The listener lives as long as the worker.
    listener.forget();
}

fn pulse(platform: WebPlatform) {
    spawn_local(async move {
        loop {
            platform.sleep(PULSE_MS).await;
            post(&FromIon::Pulse);
        }
    });
}

/// The way to the document; the first request is under way already.
fn prefetched(platform: &WebPlatform) -> Fetch {
    let first = bootstrap(platform.clone()).shared();
    // Polled from now on, whoever asks for it.
    spawn_local(first.clone().map(drop));
    let first = RefCell::new(Some(first));
    let platform = platform.clone();
    Rc::new(move || match first.borrow_mut().take() {
        Some(first) => first.boxed_local(),
        None => bootstrap(platform.clone()),
    })
}
