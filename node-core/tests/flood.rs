//! Broadcast and routing by themselves, a thousand ions at a time: machines on
//! a random graph whose links have latency, lose frames and come and go.

#[path = "flood/broadcast.rs"]
mod broadcast;
#[path = "flood/routing.rs"]
mod routing;
#[path = "runs/seeds.rs"]
mod seeds;
