//! What worlds on virtual time have in common: to wait for something, and to let
//! the network fall apart.
//!
//! Bounds: those of the worlds.

use crate::platform::sim::Rng;

/// Between two looks at what is waited for, in milliseconds.
const LOOK_MS: u64 = 500;

/// A world on virtual time, whose ions have numbers from 0.
pub trait Turns {
    /// Virtual time, in milliseconds.
    fn now_ms(&self) -> u64;

    /// Lets time pass, in milliseconds; a broken rule ends it.
    fn run_for(&mut self, ms: u64) -> Result<(), String>;

    /// A failure with what replays it.
    fn told(&self, failure: &str) -> String;

    /// What decides everything.
    fn rng(&mut self) -> &mut Rng;

    /// Ions over the whole run.
    fn ions(&self) -> usize;

    /// Puts an ion on a side: only those of one side reach each other.
    fn put_aside(&mut self, ion: usize, side: u64);

    /// Lets time pass until nothing is missing, at most so long; returns how
    /// long it took, in milliseconds.
    fn run_until(
        &mut self,
        ms_max: u64,
        missing: impl Fn(&Self) -> Option<String>,
    ) -> Result<u64, String> {
        let begin = self.now_ms();
        while let Some(what) = missing(self) {
            if self.now_ms() - begin >= ms_max {
                return Err(self.told(&format!("after {ms_max} ms: {what}")));
            }
            self.run_for(LOOK_MS)?;
        }
        Ok(self.now_ms() - begin)
    }

    /// Everybody reaches everybody again, but for address translators.
    fn heal(&mut self) {
        for ion in 0..self.ions() {
            self.put_aside(ion, 0);
        }
    }

    /// The network falls apart into two sides for so long, a third and the rest,
    /// and heals.
    fn part(&mut self, cut_ms: u64) -> Result<(), String> {
        for ion in 0..self.ions() {
            if self.rng().below(3) == 0 {
                self.put_aside(ion, 1);
            }
        }
        self.run_for(cut_ms)?;
        self.heal();
        Ok(())
    }
}
