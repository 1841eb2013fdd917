//! The platform of a browser, in a dedicated worker or in a page, on secure
//! pages and on plain http.
//!
//! Everything is looked up on the global object, which workers and pages have
//! in common; there is no `window` here. What every browser has is checked
//! once, in [`WebPlatform::new`].

mod database;
mod disk;
mod request;
mod storage;
mod usage;

use futures::future::{FutureExt, LocalBoxFuture};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Date, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

pub use disk::WebDisk;
pub use storage::WebStorage;

use super::{Platform, Time, storage::Error};

/// Most bytes that the browser gives out at once.
const RANDOM_BYTES_MAX: usize = 65_536;
/// Longest timer that browsers keep; longer sleeps are slept in parts.
const TIMER_MS_MAX: u32 = i32::MAX.unsigned_abs();

/// One worker's or page's view of the browser. Clones are the same platform.
#[derive(Clone, Debug)]
pub struct WebPlatform {
    performance: Object,
    performance_now: Function,
    crypto: Object,
    get_random_values: Function,
    start_ms: f64,
}

/// A browser without something that all browsers have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this browser has no `{what}`; a current Chromium, Firefox or Safari does")]
pub struct Missing {
    /// The property that was looked for.
    pub what: &'static str,
}

impl WebPlatform {
    /// A platform that starts now.
    pub fn new() -> Result<Self, Missing> {
        let (performance, performance_now) = method("performance", "now")?;
        let (crypto, get_random_values) = method("crypto", "getRandomValues")?;
        let mut platform =
            Self { performance, performance_now, crypto, get_random_values, start_ms: 0.0 };
        platform.start_ms = platform.performance_ms();
        Ok(platform)
    }

    fn performance_ms(&self) -> f64 {
        let now = self.performance_now.call0(&self.performance);
        now.ok().and_then(|now| now.as_f64()).expect("performance.now() gives a number")
    }
}

impl Platform for WebPlatform {
    type Storage = WebStorage;
    type Disk = WebDisk;

    fn now(&self) -> Time {
        Time::from_ms(whole_ms(self.performance_ms() - self.start_ms))
    }

    fn wall_ms(&self) -> u64 {
        whole_ms(Date::now())
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(RANDOM_BYTES_MAX) {
            let length = u32::try_from(part.len()).expect("a part is at most 65,536 bytes");
            let random = Uint8Array::new_with_length(length);
            let filled = self.get_random_values.call1(&self.crypto, &random);
            filled.expect("getRandomValues takes up to 65,536 bytes");
            random.copy_to(part);
        }
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        let platform = self.clone();
        let due = self.now().plus_ms(ms);
        async move {
            loop {
                let left_ms = due.since_ms(platform.now());
                if left_ms == 0 {
                    return;
                }
                let part_ms = u32::try_from(left_ms).unwrap_or(TIMER_MS_MAX).min(TIMER_MS_MAX);
                TimeoutFuture::new(part_ms).await;
            }
        }
        .boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        #[expect(clippy::disallowed_methods, reason = "this is where tasks come from")]
        wasm_bindgen_futures::spawn_local(task);
    }

    fn open_storage(&self, name: &str) -> LocalBoxFuture<'static, Result<WebStorage, Error>> {
        WebStorage::open(name.to_owned(), self.clone())
    }

    fn open_disk(&self, name: &str) -> LocalBoxFuture<'static, Result<WebDisk, Error>> {
        WebDisk::open(name.to_owned(), self.clone())
    }
}

/// An object of the global scope and one of its methods.
fn method(object: &'static str, name: &'static str) -> Result<(Object, Function), Missing> {
    let get = |from: &JsValue, what: &'static str| {
        Reflect::get(from, &what.into()).map_err(|_| Missing { what })
    };
    let found = get(&js_sys::global(), object)?;
    let found: Object = found.dyn_into().map_err(|_| Missing { what: object })?;
    let function = get(&found, name)?.dyn_into().map_err(|_| Missing { what: name })?;
    Ok((found, function))
}

/// Clocks start below 2^53 ms, which `f64` holds exactly; below zero is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this cast saturates, which is what is wanted"
)]
fn whole_ms(ms: f64) -> u64 {
    ms as u64
}
