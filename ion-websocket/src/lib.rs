//! A libp2p transport over the browser's WebSocket, for pages and workers.
//!
//! Messages are binary and make one stream of bytes, as everywhere in libp2p.
//! What is written between two flushes leaves as one message. Every event of
//! the socket wakes whoever waits for it; only a full send buffer, of which
//! browsers tell nothing, is looked at again by a timer.
//!
//! It dials and does not listen, and refuses circuit addresses, which other
//! transports would take for its own. Bounds: [`MESSAGE_BYTES`],
//! [`BUFFERED_BYTES_MAX`] to send, [`UNREAD_BYTES_MAX`] to read; browsers give
//! no back-pressure on receipt, so whoever sends more than that unread is cut.

#![cfg(target_arch = "wasm32")]

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{AsyncRead, AsyncWrite, FutureExt, channel::oneshot};
use gloo::timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use libp2p::{
    Multiaddr,
    core::transport::{self, DialOpts, ListenerId, TransportError, TransportEvent},
    multiaddr::Protocol,
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

/// A message's length, in bytes, beyond which writes do not wait for a flush.
pub const MESSAGE_BYTES: usize = 64 << 10;
/// Bytes that the browser may hold before writes wait.
pub const BUFFERED_BYTES_MAX: u32 = 1 << 20;
/// Bytes that may have come in and not been read.
pub const UNREAD_BYTES_MAX: usize = 16 << 20;
/// How soon a full send buffer is looked at again, in milliseconds.
const LOOK_AGAIN_MS: u32 = 5;

/// The libp2p transport; it dials and does not listen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transport;

impl transport::Transport for Transport {
    type Output = Connection;
    type Error = io::Error;
    type ListenerUpgrade = std::future::Pending<Result<Connection, io::Error>>;
    type Dial = Pin<Box<dyn Future<Output = Result<Connection, io::Error>> + Send>>;

    fn listen_on(
        &mut self,
        _: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn remove_listener(&mut self, _: ListenerId) -> bool {
        false
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        if options.role.is_listener() {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        let Some(url) = url(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        Ok(SendWrapper::new(Connection::open(url)).boxed())
    }

    fn poll(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Poll::Pending
    }
}

/// The URL of a WebSocket address; `None` for any other.
fn url(address: &Multiaddr) -> Option<String> {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    let (host, rest) = parts.split_first()?;
    let host = match host {
        Protocol::Ip4(ip) => ip.to_string(),
        Protocol::Ip6(ip) => format!("[{ip}]"),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => name.to_string(),
        _ => return None,
    };
    let rest = match rest {
        [most @ .., Protocol::P2p(_)] => most,
        all => all,
    };
    let (scheme, port, path) = match rest {
        [Protocol::Tcp(port), Protocol::Ws(path)] => ("ws", port, path),
        [Protocol::Tcp(port), Protocol::Wss(path)]
        | [Protocol::Tcp(port), Protocol::Tls, Protocol::Ws(path)] => ("wss", port, path),
        _ => return None,
    };
    Some(format!("{scheme}://{host}:{port}{path}"))
}

/// An open socket; it is closed when this is dropped.
pub struct Connection {
    inner: SendWrapper<Inner>,
}

struct Inner {
    socket: WebSocket,
    state: Rc<RefCell<State>>,
    unsent: Vec<u8>,
    look_again: Option<Timeout>,
    _handlers: Handlers,
}

#[derive(Default)]
struct State {
    unread: VecDeque<Vec<u8>>,
    unread_bytes: usize,
    /// Bytes of the first message that were read already.
    offset: usize,
    /// Why nothing more will come; an empty reason is a clean end.
    end: Option<String>,
    opened: Option<oneshot::Sender<()>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[expect(dead_code, reason = "closures live as long as the socket may call them")]
struct Handlers {
    open: Closure<dyn FnMut(Event)>,
    message: Closure<dyn FnMut(MessageEvent)>,
    close: Closure<dyn FnMut(CloseEvent)>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Connection").field("url", &self.inner.socket.url()).finish()
    }
}

impl Connection {
    async fn open(url: String) -> io::Result<Self> {
        let socket = WebSocket::new(&url)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, format!("{why:?}")))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let state = Rc::new(RefCell::new(State::default()));
        let (opened, is_open) = oneshot::channel();
        state.borrow_mut().opened = Some(opened);
        let handlers = Handlers::new(&socket, &state);
        // Its drop closes the socket if the dial is given up.
        let inner =
            Inner { socket, state, unsent: Vec::new(), look_again: None, _handlers: handlers };
        let connection = Self { inner: SendWrapper::new(inner) };
        match is_open.await {
            Ok(()) => Ok(connection),
            Err(_) => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

impl Handlers {
    fn new(socket: &WebSocket, state: &Rc<RefCell<State>>) -> Self {
        let open = {
            let state = state.clone();
            Closure::new(move |_: Event| {
                if let Some(opened) = state.borrow_mut().opened.take() {
                    // A dial that was given up hears nothing.
                    let _ = opened.send(());
                }
            })
        };
        let message = {
            let (state, socket) = (state.clone(), socket.clone());
            Closure::new(move |event: MessageEvent| {
                let wake = state.borrow_mut().receive(&event, &socket);
                wake_all(wake);
            })
        };
        let close = {
            let state = state.clone();
            Closure::new(move |event: CloseEvent| {
                let reason = if event.was_clean() {
                    String::new()
                } else {
                    format!("code {}", event.code())
                };
                let wake = state.borrow_mut().finish(reason);
                wake_all(wake);
            })
        };
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        // An error is always followed by a close, which says more.
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Self { open, message, close }
    }
}

fn wake_all(wakers: [Option<Waker>; 2]) {
    for waker in wakers.into_iter().flatten() {
        waker.wake();
    }
}

impl State {
    fn receive(&mut self, event: &MessageEvent, socket: &WebSocket) -> [Option<Waker>; 2] {
        let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() else {
            let _ = socket.close();
            return self.finish("a message was text".to_owned());
        };
        let bytes = Uint8Array::new(&buffer).to_vec();
        self.unread_bytes += bytes.len();
        if self.unread_bytes > UNREAD_BYTES_MAX {
            let _ = socket.close();
            return self.finish("more came than could be read".to_owned());
        }
        if !bytes.is_empty() {
            self.unread.push_back(bytes);
        }
        [self.reader.take(), None]
    }

    fn finish(&mut self, reason: String) -> [Option<Waker>; 2] {
        self.end.get_or_insert(reason);
        // Whoever waits for the socket to open learns that it did not.
        self.opened = None;
        [self.reader.take(), self.writer.take()]
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let Some(first) = self.unread.front() else { return 0 };
        let length = into.len().min(first.len() - self.offset);
        into[..length].copy_from_slice(&first[self.offset..self.offset + length]);
        self.offset += length;
        self.unread_bytes -= length;
        if self.offset == first.len() {
            self.unread.pop_front();
            self.offset = 0;
        }
        length
    }

    fn ended(&self) -> Option<io::Result<()>> {
        let reason = self.end.as_ref()?;
        let failed = || Err(io::Error::new(io::ErrorKind::ConnectionReset, reason.clone()));
        Some(if reason.is_empty() { Ok(()) } else { failed() })
    }
}

impl Inner {
    /// Sends what was written, unless the browser holds too much already.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if let Some(ended) = self.state.borrow().ended() {
            return Poll::Ready(ended.and(Err(io::ErrorKind::BrokenPipe.into())));
        }
        if self.socket.buffered_amount() > BUFFERED_BYTES_MAX {
            self.state.borrow_mut().writer = Some(context.waker().clone());
            let state = self.state.clone();
            self.look_again = Some(Timeout::new(LOOK_AGAIN_MS, move || {
                let waker = state.borrow_mut().writer.take();
                wake_all([waker, None]);
            }));
            return Poll::Pending;
        }
        let sent = self.socket.send_with_u8_array(&self.unsent);
        self.unsent.clear();
        Poll::Ready(sent.map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.inner.state.borrow_mut();
        // What came before the end is read before the end is told.
        let length = state.read(into);
        if length > 0 || into.is_empty() {
            return Poll::Ready(Ok(length));
        }
        if let Some(ended) = state.ended() {
            return Poll::Ready(ended.map(|()| 0));
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.inner.unsent.len() >= MESSAGE_BYTES {
            futures::ready!(self.inner.send(context))?;
        }
        let length = bytes.len().min(MESSAGE_BYTES);
        self.inner.unsent.extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.send(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures::ready!(self.inner.send(context))?;
        let _ = self.inner.socket.close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Handlers go before their closures do.
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
