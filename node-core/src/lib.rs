#![doc = include_str!("../../ARCHITECTURE.md")]

pub mod codec;
pub mod compute;
pub mod identity;
pub mod network;
pub mod node;
pub mod platform;
pub mod records;
pub mod sim;
pub mod store;
