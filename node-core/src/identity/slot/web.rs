//! Slots of a browser: one Web Lock each, held by a promise that ends when the
//! hold is dropped. The browser gives a lock back when its worker or page ends.
//!
//! The interface is reached by reflection: web-sys offers it only under a
//! compiler flag that every user of this crate would have to set.

use std::{cell::RefCell, rc::Rc};

use futures::{
    channel::oneshot,
    future::{FutureExt, LocalBoxFuture},
};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{Hold, NoSlot, Slots};

/// The slots of this browser and origin.
#[derive(Clone, Debug)]
pub struct HostSlots {
    prefix: Rc<str>,
}

impl HostSlots {
    /// The slots whose locks are named `<prefix>-<index>`: every ion of an
    /// origin gives the same prefix, `"ionosphere-slot"`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: Rc::from(prefix) }
    }
}

impl Slots for HostSlots {
    fn try_hold(&self, index: u32) -> LocalBoxFuture<'static, Result<Option<Hold>, NoSlot>> {
        let name = format!("{}-{index}", self.prefix);
        async move {
            let locks = locks()?;
            let (granted, answer) = oneshot::channel();
            // A task of its own, so that the browser never calls a closure
            // whose caller went away.
            #[expect(clippy::disallowed_methods, reason = "a driver's task")]
            spawn_local(async move {
                let failed = request(&locks, &name, granted).await.err();
                drop(failed);
            });
            answer.await.unwrap_or_else(|_| Err(failed("the request was dropped")))
        }
        .boxed_local()
    }
}

type Granted = oneshot::Sender<Result<Option<Hold>, NoSlot>>;

/// Ends the promise that holds a lock.
struct Release(Function);

impl Drop for Release {
    fn drop(&mut self) {
        drop(self.0.call0(&JsValue::UNDEFINED));
    }
}

fn locks() -> Result<Object, NoSlot> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into());
    let navigator = get(&js_sys::global(), "navigator").map_err(|_| NoSlot::NoLocks)?;
    let locks = get(&navigator, "locks").map_err(|_| NoSlot::NoLocks)?;
    locks.dyn_into().map_err(|_| NoSlot::NoLocks)
}

/// Asks for a lock and waits until it was refused, or given back.
async fn request(locks: &Object, name: &str, granted: Granted) -> Result<(), JsValue> {
    let granted = Rc::new(RefCell::new(Some(granted)));
    let answer = granted.clone();
    let on_answer = Closure::once(move |lock: JsValue| -> JsValue {
        let Some(granted) = answer.borrow_mut().take() else { return JsValue::UNDEFINED };
        if lock.is_null() {
            drop(granted.send(Ok(None)));
            return JsValue::UNDEFINED;
        }
        let (held, release) = promise();
        // When nobody waits any more, the hold is dropped here and the promise ends at once.
        drop(granted.send(Ok(Some(Hold::new(release)))));
        held.into()
    });
    let outcome = ask(locks, name, on_answer.as_ref().unchecked_ref());
    let outcome = match outcome {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    if let (Err(error), Some(granted)) = (&outcome, granted.borrow_mut().take()) {
        drop(granted.send(Err(failed(&format!("{error:?}")))));
    }
    outcome.map(drop)
}

fn ask(locks: &Object, name: &str, on_answer: &Function) -> Result<Promise, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)?;
    let request: Function = Reflect::get(locks, &"request".into())?.dyn_into()?;
    request.call3(locks, &name.into(), &options, on_answer)?.dyn_into()
}

fn promise() -> (Promise, Release) {
    let mut resolve = None;
    let promise = Promise::new(&mut |on_resolve, _| resolve = Some(on_resolve));
    (promise, Release(resolve.expect("the constructor of a promise calls its argument at once")))
}

fn failed(reason: &str) -> NoSlot {
    NoSlot::Failed { reason: reason.to_owned() }
}
