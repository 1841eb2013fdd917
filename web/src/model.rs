//! What the page decides, without a browser: every function here is pure and
//! tested natively.
//!
//! Text from people and figures from the ion come in; plain data to draw, and
//! commands to post, go out. Whatever cannot be accepted is refused with a
//! sentence that says what to do.

pub mod checks;
pub mod data;
pub mod decimal;
pub mod files;
pub mod format;
pub mod gallery;
pub mod grid;
pub mod ice;
pub mod inputs;
pub mod invitation;
pub mod job;
pub mod mail;
pub mod map;
pub mod network;
pub mod news;
pub mod outcome;
pub mod pace;
pub mod pairing;
pub mod picked;
pub mod picture;
pub mod qr;
pub mod receipts;
pub mod request;
pub mod results;
pub mod route;
pub mod setup;
pub mod table;
pub mod tally;
pub mod together;
pub mod watch;
pub mod why;
pub mod words;
pub mod work;
