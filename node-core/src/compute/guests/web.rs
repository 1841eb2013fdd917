//! Seats as dedicated workers of a tab.

use std::{cell::RefCell, rc::Rc};

use futures::channel::mpsc;
use js_sys::{Array, Uint8Array};
use spark_runtime::wire::{ToGuest, decode, encode};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker};

use super::{Seat, SeatNews, Seats};

/// Opens workers.
#[derive(Clone, Debug)]
pub struct HostSeats {
    script: String,
}

impl HostSeats {
    /// Workers that run the script at this address.
    pub fn new(script: String) -> Self {
        Self { script }
    }
}

/// A worker; it is terminated when this is dropped.
pub struct WorkerSeat {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
    /// Requests that wait for the worker to say that it listens.
    early: Rc<RefCell<Option<Vec<ToGuest>>>>,
}

impl Seats for HostSeats {
    type Seat = WorkerSeat;

    fn open(
        &self,
        number: u64,
        news: mpsc::UnboundedSender<SeatNews>,
    ) -> Result<WorkerSeat, String> {
        let worker = Worker::new(&self.script)
            .map_err(|why| format!("the browser gave no worker ({why:?})"))?;
        let early = Rc::new(RefCell::new(Some(Vec::new())));
        let on_message = {
            let (news, early, worker) = (news.clone(), early.clone(), worker.clone());
            Closure::new(move |event: MessageEvent| {
                let bytes = Uint8Array::new(&event.data()).to_vec();
                // Whatever it said first, it listens now.
                if let Some(waiting) = early.borrow_mut().take() {
                    for message in waiting {
                        post(&worker, &message);
                    }
                }
                let said = decode(&bytes).ok_or_else(|| "it said nothing readable".to_owned());
                let _ = news.unbounded_send(SeatNews { number, said });
            })
        };
        let on_error = Closure::new(move |event: Event| {
            let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
            let reason = message.filter(|text| !text.is_empty());
            let reason = reason.unwrap_or_else(|| "its script could not be loaded".to_owned());
            let _ = news.unbounded_send(SeatNews { number, said: Err(reason) });
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(WorkerSeat { worker, _on_message: on_message, _on_error: on_error, early })
    }
}

impl Seat for WorkerSeat {
    fn post(&mut self, message: ToGuest) {
        match self.early.borrow_mut().as_mut() {
            Some(waiting) => waiting.push(message),
            None => post(&self.worker, &message),
        }
    }
}

impl Drop for WorkerSeat {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn post(worker: &Worker, message: &ToGuest) {
    let buffer = Uint8Array::from(encode(message).as_slice()).buffer();
    let transfer = Array::of1(&buffer);
    // Fails only for values that cannot be cloned; a buffer can.
    let _: Result<(), JsValue> = worker.post_message_with_transfer(&buffer, &transfer);
}
