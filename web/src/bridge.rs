//! Between the page and the worker that its ion runs in.
//!
//! The bridge starts the worker, carries commands to it and news from it, and
//! watches it: when it dies, another is started, and whoever listens is told.
//! It keeps nothing of what passes. Commands posted before the worker listens
//! wait, at most [`WAITING_MAX`]; those for a worker that died are dropped
//! with it.

mod line;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use js_sys::Array;
use node_core::node::{Command, Event, Start, port::FromIon};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::File;

use line::Line;
pub use line::{Handed, Said};

use crate::model::watch::{Effect, Input, Watch};

/// Commands that wait for the worker at most.
pub const WAITING_MAX: usize = 64;

/// How often the worker's silence is measured, in milliseconds.
const TICK_MS: i32 = 1_000;

/// What whoever listens is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The ion's news.
    Event(Box<Event>),
    /// The slot that holds this tab's identity.
    Slot(u32),
    /// The worker died and another was started; why it died.
    Restarted(String),
    /// The worker dies every time, so no other was started; why.
    GaveUp(String),
}

/// How a worker is started.
pub struct Launch {
    /// The address of the worker's script.
    pub address: String,
    /// A worker of that address that was started before, if any.
    pub handed: Option<Handed>,
    /// What each worker is told first.
    pub start: Box<dyn Fn() -> Start>,
    /// Who listens.
    pub hear: Box<dyn Fn(Heard)>,
}

/// One page's connection to its ion.
pub struct Bridge {
    address: String,
    start: Box<dyn Fn() -> Start>,
    hear: Box<dyn Fn(Heard)>,
    line: RefCell<Option<Line>>,
    watch: RefCell<Watch>,
    is_ready: Cell<bool>,
    waiting: RefCell<Vec<Command>>,
}

impl Bridge {
    /// Starts the worker, or takes over the one that was handed in, and
    /// watches it from then on.
    pub fn open(launch: Launch) -> Rc<Self> {
        let bridge = Rc::new(Self {
            address: launch.address,
            start: launch.start,
            hear: launch.hear,
            line: RefCell::new(None),
            watch: RefCell::new(Watch::new(now_ms())),
            is_ready: Cell::new(false),
            waiting: RefCell::new(Vec::new()),
        });
        bridge.connect(launch.handed);
        keep_ticking(&bridge);
        bridge
    }

    /// Posts a command, now or as soon as the worker listens. Whether it was
    /// taken: beyond [`WAITING_MAX`] it is not.
    pub fn post(&self, command: Command) -> bool {
        if self.try_post(&command) {
            return true;
        }
        let mut waiting = self.waiting.borrow_mut();
        let has_room = waiting.len() < WAITING_MAX;
        if has_room {
            waiting.push(command);
        }
        has_room
    }

    /// Gives a command if the ion listens now; whether it does.
    pub fn try_post(&self, command: &Command) -> bool {
        let is_ready = self.is_ready.get();
        if is_ready {
            self.send(command);
        }
        is_ready
    }

    /// Hands a file to the worker, to be read there under that number. Whether
    /// it was taken: while the worker does not listen it is not.
    pub fn hand(&self, source: u64, file: &File) -> bool {
        let message = Array::of2(&JsValue::from_f64(source as f64), file);
        let line = self.line.borrow();
        self.is_ready.get() && line.as_ref().is_some_and(|line| line.send_value(&message))
    }

    fn connect(self: &Rc<Self>, handed: Option<Handed>) {
        let weak = Rc::downgrade(self);
        let on_said = move |said| {
            if let Some(bridge) = weak.upgrade() {
                bridge.said(said);
            }
        };
        match Line::open(&self.address, handed, on_said) {
            Ok(line) => {
                self.line.replace(Some(line));
            }
            Err(why) => self.watched(Input::Died(why)),
        }
        // Read only now: an early message may end this very line.
        let early = self.line.borrow_mut().as_mut().map(Line::take_early).unwrap_or_default();
        for said in early {
            self.said(said);
        }
    }

    fn said(self: &Rc<Self>, said: Said) {
        match said {
            Said::Message(FromIon::Panicked(why)) | Said::Failed(why) => {
                self.watched(Input::Died(why));
            }
            Said::Message(message) => {
                self.watched(Input::Heard);
                self.message(message);
            }
        }
    }

    fn message(&self, message: FromIon) {
        match message {
            FromIon::Ready => self.greet(),
            FromIon::Slot(index) => (self.hear)(Heard::Slot(index)),
            FromIon::Event(event) => (self.hear)(Heard::Event(event)),
            FromIon::Pulse | FromIon::Panicked(_) => {}
        }
    }

    fn greet(&self) {
        self.send(&Command::Start((self.start)()));
        self.is_ready.set(true);
        let waiting = self.waiting.take();
        for command in &waiting {
            self.send(command);
        }
    }

    fn send(&self, command: &Command) {
        if let Some(line) = &*self.line.borrow() {
            line.send(command);
        }
    }

    fn watched(self: &Rc<Self>, input: Input) {
        let effect = self.watch.borrow_mut().handle(now_ms(), input);
        match effect {
            None => {}
            Some(Effect::Restart(why)) => {
                self.hang_up();
                (self.hear)(Heard::Restarted(why));
                self.connect(None);
            }
            Some(Effect::GiveUp(why)) => {
                self.hang_up();
                (self.hear)(Heard::GaveUp(why));
            }
        }
    }

    fn hang_up(&self) {
        self.is_ready.set(false);
        self.waiting.take();
        if let Some(line) = self.line.take() {
            line.close();
        }
    }
}

fn keep_ticking(bridge: &Rc<Bridge>) {
    let weak: Weak<Bridge> = Rc::downgrade(bridge);
    let tick = Closure::<dyn Fn()>::new(move || {
        if let Some(bridge) = weak.upgrade() {
            let is_visible = !window().document().is_some_and(|document| document.hidden());
            bridge.watched(Input::Tick { is_visible });
        }
    });
    let set = window().set_interval_with_callback_and_timeout_and_arguments_0(
        tick.as_ref().unchecked_ref(),
        TICK_MS,
    );
    if set.is_ok() {
        // It lives as long as the page does.
        tick.forget();
    }
}

fn window() -> web_sys::Window {
    web_sys::window().expect("the page's code runs in a window")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since the page opened: positive, and small for centuries"
)]
fn now_ms() -> u64 {
    window().performance().map_or(0.0, |clock| clock.now()) as u64
}

fn words(value: &JsValue) -> String {
    value.as_string().unwrap_or_else(|| format!("{value:?}"))
}
