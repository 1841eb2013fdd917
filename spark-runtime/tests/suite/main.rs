//! Guests from outside: what they may do, and what happens when they may not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod examples;
mod guests;
mod limits;
mod meter;
mod mutants;
mod system;
mod worker;
