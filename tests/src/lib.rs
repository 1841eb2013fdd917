//! Ionosphere from outside: what the tests and the benchmark program share.
//!
//! Everything here uses the finished programs as a stranger would: the relay
//! as a process ([`relay`]), mission control in a real browser ([`browser`],
//! [`tab`], [`mission`]), ions of this process that know nothing but the
//! relay's address ([`native_ion`]), a libp2p client that is no ion at all
//! ([`bare_peer`]), and libp2p's
//! other peers ([`libp2p_peer`], their pages served by [`pages`]).
//! Guests that no example has are in [`guests`].
//!
//! What it refuses: to look into the programs. A test knows what a person or
//! another machine on the network could know, plus the page's `data-test`
//! attributes.
//!
//! Bounds: every wait ends after [`PATIENCE`] with what was seen last; every
//! process that is started ends with its handle, also when a test panics.

#![expect(
    clippy::disallowed_methods,
    reason = "all of this stands outside: real processes on the real clock"
)]

pub mod bare_peer;
pub mod bench;
pub mod browser;
pub mod changed_site;
mod driver;
pub mod folder;
pub mod guests;
pub mod heartbeat;
pub mod http_get;
pub mod ion_tab;
pub mod libp2p_peer;
pub mod mission;
pub mod native_ion;
pub mod pages;
pub mod process;
pub mod raw_channel;
pub mod relay;
pub mod tab;

use std::time::Duration;

/// How long a test waits for what must come. Only failures take so long.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition is looked at again.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The picture that the Mandelbrot spark makes of 200 × 200 points in 50
/// iterations, as the benchmarks game has it: a P4 bitmap.
pub const MANDELBROT_SHA256: &str =
    "97610473750700638fc63d13cfa49d339b67c18e7f26b3f9c9acb61e746472d5";
/// That picture's length, header included.
pub const MANDELBROT_BYTES: usize = 5_011;
