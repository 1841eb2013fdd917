//! Commands and events as JavaScript values, between a page and its worker.
//!
//! A message is an array of entries, an entry is an array of a letter, numbers
//! and values. It never leaves the browser, both ends are of one build, and
//! what does not fit is left out.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, ArrayBuffer, JsString};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessagePort, RtcDataChannel};

use super::{channel::Key, handed::Arrival, inbox::soon};
use crate::{
    IceServer,
    description::SdpKind,
    port::{ChannelId, Command, Event, PeerConnectionId, State, Stats},
    signaling::IceCandidate,
};

/// What goes out in one message at the end of the turn.
pub(super) struct Outbox {
    pub(super) port: MessagePort,
    entries: RefCell<Array>,
    transfers: RefCell<Array>,
    is_due: Cell<bool>,
}

impl Outbox {
    pub(super) fn new(port: MessagePort) -> Rc<Self> {
        let (entries, transfers) = (RefCell::new(Array::new()), RefCell::new(Array::new()));
        Rc::new(Self { port, entries, transfers, is_due: Cell::new(false) })
    }

    fn put(self: &Rc<Self>, entry: &Array, bytes: Option<&ArrayBuffer>) {
        self.entries.borrow().push(entry);
        if let Some(bytes) = bytes {
            self.transfers.borrow().push(bytes);
        }
        if !self.is_due.replace(true) {
            let outbox = self.clone();
            soon(move || outbox.post());
        }
    }

    fn post(&self) {
        self.is_due.set(false);
        if self.entries.borrow().length() == 0 {
            return;
        }
        let (entries, transfers) = (self.entries.replace(Array::new()), self.transfers.take());
        // Fails only for what can't be cloned, and all of this can.
        let _ = self.port.post_message_with_transferable(&entries, &transfers);
    }
}

/// What a worker says.
pub(super) enum FromWorker {
    /// Do this.
    Command(Command<ArrayBuffer>),
    /// So many bytes of a connection have arrived.
    Received(PeerConnectionId, usize),
    /// Channels may be handed to it.
    TakesChannels,
}

/// What a page says.
pub(super) enum FromPage {
    /// This has happened.
    Event(Event<ArrayBuffer>),
    /// Take this channel.
    Handed(Arrival),
}

fn entry(name: &str, values: &[JsValue]) -> Array {
    let entry = Array::of1(&name.into());
    for value in values {
        entry.push(value);
    }
    entry
}

#[expect(clippy::cast_precision_loss, reason = "lengths of buffers are far below 2^53")]
fn count(count: usize) -> JsValue {
    JsValue::from_f64(count as f64)
}

/// Says that channels may be handed over.
pub(super) fn put_takes_channels(outbox: &Rc<Outbox>) {
    outbox.put(&entry("takes", &[]), None);
}

/// Hands a channel over at once, after all that was put before; whether the
/// browser lets it go.
pub(super) fn hand(
    outbox: &Outbox,
    (id, channel): Key,
    label: Option<&str>,
    handed: &RtcDataChannel,
) -> bool {
    outbox.post();
    let entry = entry("handed", &[id.0.into(), channel.0.into(), label.into(), handed.into()]);
    let port = &outbox.port;
    port.post_message_with_transferable(&Array::of1(&entry), &Array::of1(handed)).is_ok()
}

/// Acknowledges bytes of a connection.
pub(super) fn put_received(outbox: &Rc<Outbox>, id: PeerConnectionId, bytes: usize) {
    outbox.put(&entry("received", &[id.0.into(), count(bytes)]), None);
}

/// Puts a command out.
pub(super) fn put_command(outbox: &Rc<Outbox>, command: Command<ArrayBuffer>) {
    let of = |id: PeerConnectionId| JsValue::from(id.0);
    let on = |channel: ChannelId| JsValue::from(channel.0);
    let entry = match command {
        Command::Send { id, channel, bytes } => {
            let entry = entry("send", &[of(id), on(channel), bytes.clone().into()]);
            return outbox.put(&entry, Some(&bytes));
        }
        Command::Create { id, ice_servers } => entry("create", &[of(id), servers(&ice_servers)]),
        Command::Open { id, channel, label, negotiated } => {
            entry("open", &[of(id), on(channel), label.into(), negotiated.into()])
        }
        Command::Describe { id, credentials } => entry("describe", &[of(id), credentials.into()]),
        Command::SetRemote { id, kind, sdp } => {
            entry("remote", &[of(id), kind.name().into(), sdp.into()])
        }
        Command::AddCandidate { id, candidate } => {
            entry("candidate", &[of(id), put_candidate(&candidate)])
        }
        Command::CloseChannel { id, channel } => entry("end", &[of(id), on(channel)]),
        Command::Close { id } => entry("close", &[of(id)]),
        Command::Stats { id } => entry("stats", &[of(id)]),
    };
    outbox.put(&entry, None);
}

/// Puts an event out.
pub(super) fn put_event(outbox: &Rc<Outbox>, event: Event<ArrayBuffer>) {
    let of = |id: PeerConnectionId| JsValue::from(id.0);
    let on = |channel: ChannelId| JsValue::from(channel.0);
    let entry = match event {
        Event::Message { id, channel, bytes } => {
            let entry = entry("message", &[of(id), on(channel), bytes.clone().into()]);
            return outbox.put(&entry, Some(&bytes));
        }
        Event::Described { id, sdp } => entry("described", &[of(id), sdp.into()]),
        Event::Candidate { id, candidate } => {
            let candidate = candidate.map_or(JsValue::NULL, |found| put_candidate(&found));
            entry("candidate", &[of(id), candidate])
        }
        Event::Opened { id, channel } => entry("opened", &[of(id), on(channel)]),
        Event::Inbound { id, channel, label } => {
            entry("inbound", &[of(id), on(channel), label.into()])
        }
        Event::Drained { id, channel, bytes } => {
            entry("drained", &[of(id), on(channel), count(bytes)])
        }
        Event::ChannelClosed { id, channel } => entry("ended", &[of(id), on(channel)]),
        Event::State { id, state } => {
            let state = match state {
                State::Connected => "connected",
                State::Disconnected => "disconnected",
                State::Failed => "failed",
            };
            entry("state", &[of(id), state.into()])
        }
        Event::Closed { id } => entry("closed", &[of(id)]),
        Event::Failed { id, why } => entry("refused", &[of(id), why.into()]),
        Event::Stats { id, stats } => entry("stats", &[of(id), put_stats(stats).into()]),
        Event::Gone => entry("gone", &[]),
    };
    outbox.put(&entry, None);
}

fn put_candidate(candidate: &IceCandidate) -> JsValue {
    let IceCandidate { candidate, sdp_mid, sdp_mline_index, username_fragment } = candidate;
    let (mid, fragment) = (sdp_mid.clone().into(), username_fragment.clone().into());
    Array::of4(&candidate.into(), &mid, &(*sdp_mline_index).into(), &fragment).into()
}

fn servers(servers: &[IceServer]) -> JsValue {
    let all = Array::new();
    for IceServer { urls, username, credential } in servers {
        let urls: Array = urls.iter().map(JsValue::from).collect();
        all.push(&Array::of3(&urls, &username.clone().into(), &credential.clone().into()));
    }
    all.into()
}

#[expect(clippy::cast_precision_loss, reason = "counts of bytes below 2^53")]
fn put_stats(stats: Stats) -> Array {
    Array::of5(
        &JsValue::from_f64(stats.bytes_sent as f64),
        &JsValue::from_f64(stats.bytes_received as f64),
        &stats.round_trip_ms.into(),
        &stats.local.into(),
        &stats.remote.into(),
    )
}

/// An entry that is being read.
struct Entry(Array);

impl Entry {
    fn text(&self, place: u32) -> Option<String> {
        self.0.get(place).as_string()
    }

    fn number(&self, place: u32) -> Option<u32> {
        let number = self.0.get(place).as_f64()?;
        let is_fit = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        #[expect(clippy::cast_sign_loss, reason = "the range was checked")]
        is_fit.then_some(number as u32)
    }

    fn size(&self, place: u32) -> Option<usize> {
        usize::try_from(self.number(place)?).ok()
    }

    fn id(&self) -> Option<PeerConnectionId> {
        self.number(1).map(PeerConnectionId)
    }

    fn channel(&self) -> Option<ChannelId> {
        self.number(2).map(ChannelId)
    }

    fn bytes(&self, place: u32) -> Option<ArrayBuffer> {
        self.0.get(place).dyn_into().ok()
    }

    fn candidate(&self, place: u32) -> Option<IceCandidate> {
        let entry = Entry(self.0.get(place).dyn_into().ok()?);
        let sdp_mline_index = entry.number(2).map(u16::try_from).transpose().ok()?;
        let (sdp_mid, username_fragment) = (entry.text(1), entry.text(3));
        Some(IceCandidate {
            candidate: entry.text(0)?,
            sdp_mid,
            sdp_mline_index,
            username_fragment,
        })
    }

    fn servers(&self, place: u32) -> Vec<IceServer> {
        let list = |value: JsValue| value.dyn_into::<Array>().unwrap_or_default();
        let server = |one: JsValue| {
            let one = list(one);
            let urls = list(one.get(0)).iter().filter_map(|url| url.as_string()).collect();
            let (username, credential) = (one.get(1).as_string(), one.get(2).as_string());
            IceServer { urls, username, credential }
        };
        list(self.0.get(place)).iter().map(server).collect()
    }

    fn stats(&self, place: u32) -> Option<Stats> {
        let values: Array = self.0.get(place).dyn_into().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "counts of bytes")]
        #[expect(clippy::cast_sign_loss, reason = "counts of bytes")]
        let bytes = |place| values.get(place).as_f64().unwrap_or_default() as u64;
        Some(Stats {
            bytes_sent: bytes(0),
            bytes_received: bytes(1),
            round_trip_ms: values.get(2).as_f64(),
            local: values.get(3).as_string(),
            remote: values.get(4).as_string(),
        })
    }
}

fn read(value: &JsValue) -> Option<(String, Entry)> {
    let entry = Entry(value.clone().dyn_into().ok()?);
    let name: JsString = entry.0.get(0).dyn_into().ok()?;
    Some((name.into(), entry))
}

/// What a worker said; `None` for what makes no sense.
pub(super) fn from_worker(value: &JsValue) -> Option<FromWorker> {
    let (name, entry) = read(value)?;
    if name == "received" {
        return Some(FromWorker::Received(entry.id()?, entry.size(2)?));
    }
    if name == "takes" {
        return Some(FromWorker::TakesChannels);
    }
    let id = entry.id()?;
    let command = match name.as_str() {
        "send" => Command::Send { id, channel: entry.channel()?, bytes: entry.bytes(3)? },
        "create" => Command::Create { id, ice_servers: entry.servers(2) },
        "open" => Command::Open {
            id,
            channel: entry.channel()?,
            label: entry.text(3)?,
            negotiated: entry.number(4).and_then(|number| u16::try_from(number).ok()),
        },
        "describe" => Command::Describe { id, credentials: entry.text(2) },
        "remote" => {
            let kinds = [SdpKind::Offer, SdpKind::Answer];
            let said = entry.text(2)?;
            let kind = kinds.into_iter().find(|kind| kind.name() == said)?;
            Command::SetRemote { id, kind, sdp: entry.text(3)? }
        }
        "candidate" => Command::AddCandidate { id, candidate: entry.candidate(2)? },
        "end" => Command::CloseChannel { id, channel: entry.channel()? },
        "close" => Command::Close { id },
        "stats" => Command::Stats { id },
        _ => return None,
    };
    Some(FromWorker::Command(command))
}

/// What a page said; `None` for what makes no sense.
pub(super) fn from_page(value: &JsValue) -> Option<FromPage> {
    let (name, entry) = read(value)?;
    if name == "gone" {
        return Some(FromPage::Event(Event::Gone));
    }
    let id = entry.id()?;
    if name == "handed" {
        let (id, label) = ((id, entry.channel()?), entry.text(3));
        let channel = entry.0.get(4).dyn_into().ok()?;
        return Some(FromPage::Handed(Arrival { id, label, channel }));
    }
    event(&name, id, &entry).map(FromPage::Event)
}

fn event(name: &str, id: PeerConnectionId, entry: &Entry) -> Option<Event<ArrayBuffer>> {
    Some(match name {
        "message" => Event::Message { id, channel: entry.channel()?, bytes: entry.bytes(3)? },
        "described" => Event::Described { id, sdp: entry.text(2)? },
        "candidate" => Event::Candidate { id, candidate: entry.candidate(2) },
        "opened" => Event::Opened { id, channel: entry.channel()? },
        "inbound" => Event::Inbound { id, channel: entry.channel()?, label: entry.text(3)? },
        "drained" => Event::Drained { id, channel: entry.channel()?, bytes: entry.size(3)? },
        "ended" => Event::ChannelClosed { id, channel: entry.channel()? },
        "state" => {
            let state = match entry.text(2)?.as_str() {
                "connected" => State::Connected,
                "disconnected" => State::Disconnected,
                _ => State::Failed,
            };
            Event::State { id, state }
        }
        "closed" => Event::Closed { id },
        "refused" => Event::Failed { id, why: entry.text(2)? },
        "stats" => Event::Stats { id, stats: entry.stats(2)? },
        _ => return None,
    })
}
