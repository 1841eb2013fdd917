//! Watches the ion's worker: decides when it counts as dead, and whether to
//! start another.
//!
//! A hidden page is no judge of time, because the browser slows its timers:
//! while it is hidden, silence is not counted.

/// Silence of a running ion that counts as death, in milliseconds.
pub const SILENCE_MS_MAX: u64 = 15_000;
/// The longest that an ion may take until it first speaks, in milliseconds:
/// slow phones on slow networks load for a while.
pub const LOADING_MS_MAX: u64 = 90_000;
/// Starts in a row that never got as far as speaking, before the page gives up.
pub const STARTS_MAX: u32 = 4;

/// What the page sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The ion said something.
    Heard,
    /// The worker reported an error, or the ion panicked.
    Died(String),
    /// Time passes.
    Tick {
        /// Whether the page can be seen.
        is_visible: bool,
    },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End the worker and start another; why.
    Restart(String),
    /// End the worker and start none: it dies every time; why.
    GiveUp(String),
}

/// The state of one page's ion.
#[derive(Clone, Debug)]
pub struct Watch {
    heard_at_ms: u64,
    has_spoken: bool,
    starts: u32,
    is_over: bool,
}

impl Watch {
    /// A watch over an ion that was just started. Times are milliseconds of any
    /// clock that only grows.
    pub fn new(now_ms: u64) -> Self {
        Self { heard_at_ms: now_ms, has_spoken: false, starts: 1, is_over: false }
    }

    /// One input, at most one effect.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Option<Effect> {
        if self.is_over {
            return None;
        }
        match input {
            Input::Heard => self.heard(now_ms),
            Input::Died(why) => return Some(self.died(now_ms, why)),
            Input::Tick { is_visible: false } => self.heard_at_ms = now_ms,
            Input::Tick { is_visible: true } => return self.tick(now_ms),
        }
        None
    }

    fn heard(&mut self, now_ms: u64) {
        self.heard_at_ms = now_ms;
        self.has_spoken = true;
        self.starts = 0;
    }

    fn tick(&mut self, now_ms: u64) -> Option<Effect> {
        let silence_ms_max = if self.has_spoken { SILENCE_MS_MAX } else { LOADING_MS_MAX };
        let is_silent = now_ms.saturating_sub(self.heard_at_ms) >= silence_ms_max;
        is_silent.then(|| {
            let why = format!("it said nothing for {} seconds", silence_ms_max / 1000);
            self.died(now_ms, why)
        })
    }

    fn died(&mut self, now_ms: u64, why: String) -> Effect {
        self.heard_at_ms = now_ms;
        self.has_spoken = false;
        self.starts += 1;
        self.is_over = self.starts > STARTS_MAX;
        if self.is_over { Effect::GiveUp(why) } else { Effect::Restart(why) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBLE: Input = Input::Tick { is_visible: true };
    const HIDDEN: Input = Input::Tick { is_visible: false };

    #[test]
    fn a_silent_ion_is_restarted() {
        let mut watch = Watch::new(0);
        assert_eq!(watch.handle(1_000, Input::Heard), None);
        assert_eq!(watch.handle(15_999, VISIBLE), None);
        assert!(matches!(watch.handle(16_000, VISIBLE), Some(Effect::Restart(_))));
        // The next one has the time that loading takes.
        assert_eq!(watch.handle(40_000, VISIBLE), None);
    }

    #[test]
    fn silence_does_not_count_while_hidden() {
        let mut watch = Watch::new(0);
        watch.handle(0, Input::Heard);
        assert_eq!(watch.handle(600_000, HIDDEN), None);
        assert_eq!(watch.handle(610_000, VISIBLE), None);
        assert!(watch.handle(615_000, VISIBLE).is_some());
    }

    #[test]
    fn an_ion_that_never_speaks_is_given_up() {
        let mut watch = Watch::new(0);
        let mut effects = Vec::new();
        while effects.len() < STARTS_MAX as usize {
            effects.extend(watch.handle(0, Input::Died("gone".to_owned())));
        }
        assert_eq!(effects.pop(), Some(Effect::GiveUp("gone".to_owned())));
        assert!(effects.iter().all(|effect| matches!(effect, Effect::Restart(_))));
        assert_eq!(watch.handle(0, Input::Died("again".to_owned())), None);
    }

    #[test]
    fn speaking_clears_earlier_deaths() {
        let mut watch = Watch::new(0);
        for _ in 0..100 {
            watch.handle(0, Input::Heard);
            let effect = watch.handle(0, Input::Died("x".to_owned()));
            assert!(matches!(effect, Some(Effect::Restart(_))));
        }
    }
}
