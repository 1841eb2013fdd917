//! What a simulated network and its ions are like.

/// What every right clock shows at the world's start: 2025-01-01.
const EPOCH_MS: u64 = 1_735_689_600_000;

/// What the network is like.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// The least time that a frame takes, in milliseconds.
    pub latency_ms_min: u64,
    /// The most that a frame takes, in milliseconds.
    pub latency_ms_max: u64,
    /// Frames of the compute room that vanish without breaking their stream,
    /// of a thousand. Drivers do not do that; the protocol bears it all the same.
    pub silent_loss_permille: u64,
    /// Guests on a flaky ion that fail, of a hundred.
    pub mishaps_percent: u64,
    /// Results of a liar that are wrong, of a hundred.
    pub lies_percent: u64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            latency_ms_min: 5,
            latency_ms_max: 80,
            silent_loss_permille: 0,
            mishaps_percent: 20,
            lies_percent: 100,
        }
    }
}

/// How an ion's guest workers behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// As they should.
    Sound,
    /// Some guests end in a deadline, a lost worker, or never.
    Flaky,
    /// Every guest's worker is lost.
    Broken,
    /// Some guests, or all, seem to end well and answer something else, each
    /// another thing.
    Liar,
}

/// What an ion is like.
#[derive(Clone, Copy, Debug)]
pub struct IonOptions {
    /// Which nebula's invitation it is started with; `None` joins the open one.
    pub nebula: Option<usize>,
    /// Guest workers that it lends.
    pub workers: u16,
    /// How its guest workers behave.
    pub temper: Temper,
    /// How many times slower than ordinary its guests run.
    pub slowness: u64,
    /// Whether it can connect to another such ion directly.
    pub can_direct: bool,
    /// What its clock shows when it starts, in milliseconds.
    pub clock_ms: u64,
    /// How wrong the time of day is that it knows, in milliseconds.
    pub skew_ms: i64,
}

impl Default for IonOptions {
    fn default() -> Self {
        Self {
            nebula: None,
            workers: 2,
            temper: Temper::Sound,
            slowness: 1,
            can_direct: true,
            clock_ms: 0,
            skew_ms: 0,
        }
    }
}

impl IonOptions {
    /// The time of day, as it knows it, so long after the world's start; both in
    /// milliseconds.
    pub(super) fn day_ms(&self, now_ms: u64) -> u64 {
        (EPOCH_MS + now_ms).saturating_add_signed(self.skew_ms)
    }
}
