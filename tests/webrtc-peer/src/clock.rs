//! Time in a worker.

use gloo::timers::future::TimeoutFuture;
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, Performance};

/// How long a test waits for one thing, in milliseconds.
pub(crate) const STEP_MS_MAX: f64 = 40_000.0;
/// How often a condition is looked at.
const LOOK_EVERY_MS: u32 = 2;

/// The worker's clock; reading it is cheap.
pub(crate) struct Clock(Performance);

impl Clock {
    pub(crate) fn new() -> Self {
        let worker: DedicatedWorkerGlobalScope =
            js_sys::global().dyn_into().expect("the swarm runs in a worker");
        Self(worker.performance().expect("workers have a clock"))
    }

    /// Milliseconds since the worker began.
    pub(crate) fn now(&self) -> f64 {
        self.0.now()
    }
}

/// Waits until there is something; the error says what did not come.
pub(crate) async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> Result<T, String> {
    let clock = Clock::new();
    let start = clock.now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if clock.now() - start > STEP_MS_MAX {
            return Err(format!("{what} did not come in {STEP_MS_MAX} ms"));
        }
        TimeoutFuture::new(LOOK_EVERY_MS).await;
    }
}
