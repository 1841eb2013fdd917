//! The ports of browsers: peer connections on a page, for a transport on the
//! page itself ([`Page`]) or in a worker ([`Remote`], served by [`Host`]).
//!
//! Page and worker talk over a `MessagePort`: the page makes a
//! `MessageChannel`, keeps one end for [`Host::serve`] and posts the other to
//! its worker, which makes a [`Remote`] of it. Commands and events of one turn
//! travel in one message.
//!
//! Where the browser can (Chromium), the page hands each data channel over to
//! the worker as soon as it has it, and bytes never come to the page. Elsewhere
//! the page keeps the channels, and bytes travel as transferred buffers, so that
//! it neither copies nor looks into them.
//!
//! When the page is hidden for good (`pagehide`), all its peer connections are
//! closed, which tells the other sides at once.

mod channel;
mod handed;
mod host;
mod inbox;
mod page;
mod peers;
mod remote;
mod wire;

pub use host::Host;
pub use page::{NoPage, Page};
pub use remote::Remote;

use std::rc::Rc;

use js_sys::ArrayBuffer;

use crate::port::Event;

/// Where events of the browser go. It must not call back before it returns.
type Emit = Rc<dyn Fn(Event<ArrayBuffer>)>;
