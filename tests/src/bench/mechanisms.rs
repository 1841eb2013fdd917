//! What the browser itself could do: the measure of what we add to it.

use super::{Found, median, tasks};
use crate::{browser::Browser, raw_channel::RawChannel};

const RUNS: usize = 3;
/// Things of one run: what goes there and back for a task.
const THINGS: u32 = 40_000;
/// Bytes of a thing, each way: roughly what an empty task and its result take.
const THING_BYTES: usize = 64;
/// How many are on their way at once: as many as one ion may have in hand.
const UNDER_WAY: u32 = 256;
/// How many of them one message has where there are several: as tasks come when they are
/// short.
const BATCH: u32 = 64;

/// `raw-messages` and `raw-messages-batched`: things that go to another tab over a plain
/// data channel and back, per second, one or [`BATCH`] in a message.
/// `tasks-to-raw-messages`: how many of our tasks that is, of the batched.
pub(super) async fn measure() -> Found {
    let browser = Browser::start().await;
    let raw = RawChannel::open(&browser).await;
    let (mut single, mut batched) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        single.push(raw.messages(THINGS, 1, THING_BYTES, UNDER_WAY).await);
        batched.push(raw.messages(THINGS, BATCH, THING_BYTES, UNDER_WAY).await);
    }
    let tasks = tasks::measure().await;
    let ratio = median(&tasks[0].1) / median(&batched);
    vec![
        ("raw-messages", single),
        ("raw-messages-batched", batched),
        ("tasks-to-raw-messages", vec![ratio]),
    ]
}
