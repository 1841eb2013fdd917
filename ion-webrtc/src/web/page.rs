//! The port of a transport that lives on the page itself.

use std::rc::Rc;

use js_sys::Uint8Array;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};

use super::{inbox::Inbox, peers::Peers};
use crate::port::{Command, Port, Sink};

/// There is no page here: `RTCPeerConnection` does not exist in workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no page here, and so no RTCPeerConnection")]
pub struct NoPage;

/// The port of a transport on the page itself. Dropping it closes all its peer
/// connections.
pub struct Page {
    inner: SendWrapper<Inner>,
}

struct Inner {
    peers: Peers,
    inbox: Rc<Inbox>,
    _leaving: Leaving,
}

impl Page {
    /// A port.
    ///
    /// # Errors
    ///
    /// Where there is no window, as in workers.
    pub fn new() -> Result<Self, NoPage> {
        let inbox = Rc::new(Inbox::default());
        let to = inbox.clone();
        let peers = Peers::new(Rc::new(move |event| to.put(event)));
        let leaving = Leaving::new(&peers)?;
        let inner = Inner { peers, inbox, _leaving: leaving };
        Ok(Self { inner: SendWrapper::new(inner) })
    }
}

impl Port for Page {
    fn listen(&mut self, sink: Sink) {
        self.inner.inbox.listen(sink);
    }

    fn post(&mut self, command: Command) {
        self.inner.peers.run(command.map_bytes(|bytes| Uint8Array::from(&bytes[..]).buffer()));
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Page").finish_non_exhaustive()
    }
}

/// Closes all peer connections when the page is left.
pub(super) struct Leaving {
    window: web_sys::Window,
    handler: Closure<dyn FnMut()>,
}

impl Leaving {
    pub(super) fn new(peers: &Peers) -> Result<Self, NoPage> {
        let window: web_sys::Window = js_sys::global().dyn_into().map_err(|_| NoPage)?;
        let peers = peers.clone();
        let handler = Closure::new(move || peers.close_all());
        let function = handler.as_ref().unchecked_ref();
        window.add_event_listener_with_callback("pagehide", function).map_err(|_| NoPage)?;
        Ok(Self { window, handler })
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let function = self.handler.as_ref().unchecked_ref();
        // There is nothing to do about one that was not attached.
        let _ = self.window.remove_event_listener_with_callback("pagehide", function);
    }
}
