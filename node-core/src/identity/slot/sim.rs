//! Slots of a simulated browser: a set of numbers.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture, ready};

use super::{Hold, NoSlot, Slots};

/// The slots of one simulated browser. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct SimSlots {
    held: Rc<RefCell<BTreeSet<u32>>>,
}

struct Held {
    index: u32,
    slots: SimSlots,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.slots.held.borrow_mut().remove(&self.index);
    }
}

impl Slots for SimSlots {
    fn try_hold(&self, index: u32) -> LocalBoxFuture<'static, Result<Option<Hold>, NoSlot>> {
        let slots = self.clone();
        async move {
            let is_free = slots.held.borrow_mut().insert(index);
            ready(Ok(is_free.then(|| Hold::new(Held { index, slots })))).await
        }
        .boxed_local()
    }
}
