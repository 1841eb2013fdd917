//! One `RTCPeerConnection`.
//!
//! That the other side has closed it shows on its SCTP and DTLS transports some
//! ten milliseconds later, and on the connection itself never, or after many
//! seconds; so all three are watched.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use ion_map::Map;
use js_sys::{ArrayBuffer, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    EventTarget, RtcDataChannel, RtcDataChannelEvent, RtcIceCandidateInit, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcSdpType, RtcSessionDescriptionInit,
};

use super::{Numbers, Ways, init::Init, js};
use crate::{
    IceServer,
    description::SdpKind,
    handshake::INIT_LABEL,
    port::{ChannelId, Event, PeerConnectionId, State, Stats},
    signaling::IceCandidate,
    web::{channel::Channel, handed},
};

type Handler = Closure<dyn FnMut(web_sys::Event)>;

pub(super) struct Connection {
    id: PeerConnectionId,
    pc: RtcPeerConnection,
    ways: Rc<Ways>,
    channels: RefCell<Map<ChannelId, Channel>>,
    /// The other side's channel `init`, until it is closed here.
    init: RefCell<Option<(ChannelId, Init)>>,
    numbers: Numbers,
    handler: RefCell<Option<Handler>>,
    /// The SCTP and DTLS transports, once they are watched.
    transports: RefCell<Vec<EventTarget>>,
    is_closed: Cell<bool>,
}

impl Connection {
    pub(super) fn new(
        id: PeerConnectionId,
        ice_servers: &[IceServer],
        ways: Rc<Ways>,
    ) -> Result<Rc<Self>, JsValue> {
        let pc = RtcPeerConnection::new_with_configuration(&js::configuration(ice_servers))?;
        let connection = Rc::new(Self {
            id,
            pc,
            ways,
            channels: RefCell::default(),
            init: RefCell::default(),
            numbers: Numbers::default(),
            handler: RefCell::default(),
            transports: RefCell::default(),
            is_closed: Cell::new(false),
        });
        let weak = Rc::downgrade(&connection);
        let handler: Handler = Closure::new(move |event: web_sys::Event| {
            if let Some(connection) = weak.upgrade() {
                connection.happened(&event);
            }
        });
        let function = Some(handler.as_ref().unchecked_ref());
        connection.pc.set_onicecandidate(function);
        connection.pc.set_ondatachannel(function);
        connection.pc.set_onconnectionstatechange(function);
        connection.handler.replace(Some(handler));
        Ok(connection)
    }

    fn happened(self: &Rc<Self>, event: &web_sys::Event) {
        if self.is_closed.get() {
            return;
        }
        match event.type_().as_str() {
            "icecandidate" => self.candidate(event.unchecked_ref()),
            "datachannel" => self.inbound(event.unchecked_ref::<RtcDataChannelEvent>().channel()),
            "connectionstatechange" => self.state(),
            // Of the SCTP or the DTLS transport.
            "statechange" => self.transport_state(event.target().as_ref()),
            _ => {}
        }
    }

    fn emit(&self, event: Event<ArrayBuffer>) {
        if !self.is_closed.get() {
            (self.ways.emit)(event);
        }
    }

    fn candidate(&self, event: &RtcPeerConnectionIceEvent) {
        let candidate = event.candidate().filter(|found| !found.candidate().is_empty());
        // An empty one ends a generation; all are found when there is none.
        if candidate.is_none() && event.candidate().is_some() {
            return;
        }
        let candidate = candidate.map(|found| IceCandidate {
            candidate: found.candidate(),
            sdp_mid: found.sdp_mid(),
            sdp_mline_index: found.sdp_m_line_index(),
            username_fragment: js::get(&found, "usernameFragment").as_string(),
        });
        self.emit(Event::Candidate { id: self.id, candidate });
    }

    fn state(&self) {
        let state = match self.pc.connection_state() {
            RtcPeerConnectionState::Connected => State::Connected,
            RtcPeerConnectionState::Disconnected => State::Disconnected,
            RtcPeerConnectionState::Failed => State::Failed,
            RtcPeerConnectionState::Closed => return self.ended(),
            _ => return,
        };
        self.emit(Event::State { id: self.id, state });
    }

    /// Watches the transports as soon as there are any.
    fn watch(&self) {
        let mut transports = self.transports.borrow_mut();
        if !transports.is_empty() {
            return;
        }
        let Some(sctp) = js::target(&self.pc, "sctp") else { return };
        let dtls = js::target(&sctp, "transport");
        let handler = self.handler.borrow();
        let Some(handler) = handler.as_ref() else { return };
        for transport in [Some(sctp), dtls].into_iter().flatten() {
            let function = handler.as_ref().unchecked_ref();
            if transport.add_event_listener_with_callback("statechange", function).is_ok() {
                transports.push(transport);
            }
        }
    }

    fn transport_state(&self, transport: Option<&EventTarget>) {
        let state = transport.and_then(|one| js::get(one, "state").as_string());
        if matches!(state.as_deref(), Some("closed" | "failed")) {
            self.ended();
        }
    }

    /// The other side has closed the connection, or the browser has.
    fn ended(&self) {
        self.emit(Event::Closed { id: self.id });
        self.close();
    }

    fn inbound(&self, found: RtcDataChannel) {
        let channel = self.numbers.next();
        let label = found.label();
        if label == INIT_LABEL && self.init.borrow().is_none() {
            self.init.replace(Some((channel, Init::new(&self.pc, &found))));
        }
        let may_leave = handed::may_leave(&label, None);
        self.add(channel, Some(label), found, may_leave);
    }

    /// Hands a channel over where that can be, and else keeps it here.
    fn add(&self, id: ChannelId, label: Option<String>, found: RtcDataChannel, may_leave: bool) {
        let key = (self.id, id);
        if may_leave && self.ways.hand(key, label.as_deref(), &found) {
            return;
        }
        let channel = Channel::new(key, found, label, self.ways.emit.clone());
        let mut channels = self.channels.borrow_mut();
        channels.retain(|_, channel| !channel.is_over());
        channels.insert(id, channel);
    }

    pub(super) fn open(&self, channel: ChannelId, label: &str, negotiated: Option<u16>) {
        match js::create_channel(&self.pc, label, negotiated) {
            Ok(created) => {
                self.add(channel, None, created, handed::may_leave(label, negotiated));
            }
            Err(_) => self.emit(Event::ChannelClosed { id: self.id, channel }),
        }
    }

    pub(super) fn send(&self, channel: ChannelId, bytes: &ArrayBuffer) {
        if let Some(channel) = self.channels.borrow().get(&channel) {
            channel.send_buffer(bytes);
        }
    }

    pub(super) fn close_channel(&self, channel: ChannelId) {
        // What is closed here has no `closing`, and is answered by the other side.
        self.init.borrow_mut().take_if(|(init, _)| *init == channel);
        if let Some(channel) = self.channels.borrow().get(&channel) {
            channel.close();
        }
    }

    pub(super) fn describe(self: &Rc<Self>, credentials: Option<String>) {
        let promise = match credentials {
            None => js::set_local_description(&self.pc),
            Some(credentials) => Ok(js::set_munged(&self.pc, &credentials)),
        };
        self.then(promise, |connection, _| {
            connection.watch();
            let sdp = connection.pc.local_description().map(|found| found.sdp());
            let sdp = sdp.unwrap_or_default();
            connection.emit(Event::Described { id: connection.id, sdp });
        });
    }

    pub(super) fn set_remote(self: &Rc<Self>, kind: SdpKind, sdp: &str) {
        let init = RtcSessionDescriptionInit::new(match kind {
            SdpKind::Offer => RtcSdpType::Offer,
            SdpKind::Answer => RtcSdpType::Answer,
        });
        init.set_sdp(sdp);
        let promise = Ok(self.pc.set_remote_description(&init));
        self.then(promise, |connection, _| connection.watch());
    }

    pub(super) fn add_candidate(&self, candidate: &IceCandidate) {
        let init = RtcIceCandidateInit::new(&candidate.candidate);
        init.set_sdp_mid(candidate.sdp_mid.as_deref());
        init.set_sdp_m_line_index(candidate.sdp_mline_index);
        let promise = self.pc.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
        // A candidate that a browser does not understand is of no use to it,
        // and no reason to do without the others.
        spawn(async move { drop(JsFuture::from(promise).await) });
    }

    pub(super) fn stats(self: &Rc<Self>) {
        self.then(Ok(self.pc.get_stats()), |connection, report| {
            let stats = stats(&report);
            connection.emit(Event::Stats { id: connection.id, stats });
        });
    }

    /// Goes on when a promise is kept, and tells when it is not.
    fn then(
        self: &Rc<Self>,
        promise: Result<Promise, JsValue>,
        work: impl FnOnce(&Self, JsValue) + 'static,
    ) {
        let weak: Weak<Self> = Rc::downgrade(self);
        spawn(async move {
            let result = match promise {
                Ok(promise) => JsFuture::from(promise).await,
                Err(error) => Err(error),
            };
            let Some(connection) = weak.upgrade() else { return };
            match result {
                Ok(value) => work(&connection, value),
                Err(error) => {
                    let why = js::text(&error);
                    connection.emit(Event::Failed { id: connection.id, why });
                }
            }
        });
    }

    /// Closes it and detaches everything. Says nothing.
    pub(super) fn close(&self) {
        if self.is_closed.replace(true) {
            return;
        }
        self.pc.set_onicecandidate(None);
        self.pc.set_ondatachannel(None);
        self.pc.set_onconnectionstatechange(None);
        if let Some(handler) = self.handler.borrow().as_ref() {
            let function = handler.as_ref().unchecked_ref();
            for transport in self.transports.borrow().iter() {
                // There is nothing to do about one that was not attached.
                let _ = transport.remove_event_listener_with_callback("statechange", function);
            }
        }
        self.init.replace(None);
        self.channels.borrow_mut().clear();
        self.pc.close();
    }
}

/// The bytes and the ends of the way that is used.
fn stats(report: &JsValue) -> Stats {
    let mut found = Stats::default();
    let entries: js_sys::Map = report.clone().unchecked_into();
    let number = |of: &JsValue, name: &str| js::get(of, name).as_f64();
    #[expect(clippy::cast_possible_truncation, reason = "counts of bytes")]
    #[expect(clippy::cast_sign_loss, reason = "counts of bytes")]
    let count = |of: &JsValue, name: &str| number(of, name).unwrap_or_default() as u64;
    let text = |of: &JsValue, name: &str| js::get(of, name).as_string().unwrap_or_default();
    let end = |id: String| {
        let end = entries.get(&id.into());
        end.is_object().then(|| {
            let address = text(&end, "address");
            let port = number(&end, "port").unwrap_or_default();
            format!("{} {address}:{port}", text(&end, "candidateType"))
        })
    };
    entries.for_each(&mut |entry, _| {
        let is_used =
            js::get(&entry, "nominated").is_truthy() || js::get(&entry, "selected").is_truthy();
        if text(&entry, "type") != "candidate-pair" || !is_used {
            return;
        }
        found = Stats {
            bytes_sent: count(&entry, "bytesSent"),
            bytes_received: count(&entry, "bytesReceived"),
            round_trip_ms: number(&entry, "currentRoundTripTime").map(|seconds| seconds * 1e3),
            local: end(text(&entry, "localCandidateId")),
            remote: end(text(&entry, "remoteCandidateId")),
        };
    });
    found
}

/// Runs a short task that waits for one promise.
#[expect(clippy::disallowed_methods, reason = "this is the driver, and the task ends by itself")]
fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}
