//! One worker: its handlers, and messages both ways as DAG-CBOR in buffers of
//! their own, which are handed over and not copied. What cannot be read is a
//! failure of the worker, because page and worker come from one build.

use std::{cell::RefCell, rc::Rc};

use ion_webrtc::web::Host;
use js_sys::{Array, Uint8Array};
use node_core::node::{Command, port::FromIon};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, MessagePort, Worker};

use super::words;

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A message of the protocol.
    Message(FromIon),
    /// It failed; why.
    Failed(String),
}

/// A worker that was started before this code ran, and what it has said since.
pub struct Handed {
    /// The worker.
    pub worker: Worker,
    /// Its messages so far, oldest first; an error stands there as a string.
    pub early: Vec<JsValue>,
    /// The page's end of the channel for direct connections, if the worker has
    /// sent it.
    pub port: Option<MessagePort>,
}

/// A worker with its handlers.
pub(super) struct Line {
    worker: Worker,
    early: Vec<Said>,
    /// Lends the page's peer connections to the worker.
    _host: Rc<RefCell<Option<Host>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Line {
    /// Starts a worker, or takes over a handed one; the error says why none
    /// could be started.
    pub(super) fn open(
        address: &str,
        handed: Option<Handed>,
        on_said: impl Fn(Said) + 'static,
    ) -> Result<Self, String> {
        let Handed { worker, early, port } = if let Some(handed) = handed {
            handed
        } else {
            let worker = Worker::new(address).map_err(|error| words(&error))?;
            Handed { worker, early: Vec::new(), port: None }
        };
        let early = early.iter().map(read).collect();
        let on_said = Rc::new(RefCell::new(on_said));
        let host = Rc::new(RefCell::new(None));
        serve(&host, port);
        let on_message = message_handler(Rc::clone(&on_said), Rc::clone(&host));
        let on_error = error_handler(on_said);
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, early, _host: host, _on_message: on_message, _on_error: on_error })
    }

    /// What a handed worker had said before; empty afterwards.
    pub(super) fn take_early(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.early)
    }

    /// Posts a command.
    pub(super) fn send(&self, command: &Command) {
        let bytes = ion_codec::to_vec(command).expect("commands are plain data");
        let message = Uint8Array::from(bytes.as_slice());
        self.post(&message, &Array::of1(&message.buffer()));
    }

    /// Posts what is no command; whether it could be.
    pub(super) fn send_value(&self, message: &JsValue) -> bool {
        self.post(message, &Array::new())
    }

    fn post(&self, message: &JsValue, handed: &Array) -> bool {
        let sent = self.worker.post_message_with_transfer(message, handed);
        if let Err(error) = &sent {
            web_sys::console::error_2(&"the ion's worker took no message".into(), error);
        }
        sent.is_ok()
    }

    /// Ends the worker.
    pub(super) fn close(self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        // A handler may be running right now: it is freed once it has returned.
        #[expect(clippy::disallowed_methods, reason = "it only drops, and cannot fail or wait")]
        wasm_bindgen_futures::spawn_local(async move { drop(self) });
    }
}

/// Lends the page's peer connections to whoever has the other end.
fn serve(host: &RefCell<Option<Host>>, port: Option<MessagePort>) {
    if let Some(port) = port {
        // Where there is no page there are no peer connections to lend.
        host.replace(Host::serve(&port).ok());
    }
}

fn message_handler<F: Fn(Said) + 'static>(
    on_said: Rc<RefCell<F>>,
    host: Rc<RefCell<Option<Host>>>,
) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |event: MessageEvent| {
        serve(&host, event.ports().get(0).dyn_into().ok());
        (on_said.borrow())(read(&event.data()));
    })
}

fn error_handler<F: Fn(Said) + 'static>(on_said: Rc<RefCell<F>>) -> Closure<dyn FnMut(Event)> {
    Closure::new(move |event: Event| {
        event.prevent_default();
        let error = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
        let why = error.filter(|message| !message.is_empty());
        (on_said.borrow())(Said::Failed(
            why.unwrap_or_else(|| "its script did not load".to_owned()),
        ));
    })
}

fn read(message: &JsValue) -> Said {
    if let Some(why) = message.as_string() {
        return Said::Failed(why);
    }
    let bytes = message.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).unwrap_or_default();
    match ion_codec::from_slice(&bytes) {
        Ok(message) => Said::Message(message),
        Err(error) => Said::Failed(format!("its message cannot be read: {error}")),
    }
}
