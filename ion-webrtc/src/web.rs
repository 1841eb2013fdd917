//! The ports of browsers: peer connections on a page, for a transport on the
//! page itself ([`Page`]) or in a worker ([`Remote`], served by [`Host`]).
//!
//! Page and worker talk over a `MessagePort`: the page makes a
//! `MessageChannel`, keeps one end for [`Host::serve`] and posts the other to
//! its worker, which makes a [`Remote`] of it. Commands and events of one turn
//! travel in one message; bytes travel as transferred buffers, so that the page
//! neither copies nor looks into them.
//!
//! When the page is hidden for good (`pagehide`), all its peer connections are
//! closed, which tells the other sides at once.

mod host;
mod page;
mod peers;
mod remote;
mod wire;

pub use host::{Host, UNACKNOWLEDGED_BYTES_MAX};
pub use page::{NoPage, Page};
pub use remote::Remote;
