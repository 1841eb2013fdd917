//! The files that the page handed over to be read: the browser's `File`s by
//! number. A `File` is a reference; its bytes are read piece by piece.
//!
//! Bounds: [`IMPORTS_MAX`] files. What is beyond that is not taken, and reading
//! it says so.

use std::{cell::RefCell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use js_sys::{Array, Uint8Array};
use node_core::{node::files::IMPORTS_MAX, store::source::Sources};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, File};

const UNKNOWN: &str = "the page has not handed it over: choose it again";
const GONE: &str = "it was moved or deleted since it was chosen: choose it again";
const CHANGED: &str = "it was changed since it was chosen, or cannot be read: choose it again";

/// The table.
#[derive(Clone, Default)]
pub(crate) struct Files(Rc<RefCell<Vec<(u64, File)>>>);

impl Files {
    /// Takes a message of the page if it is one: `[number, File]`. Whether it was.
    pub(crate) fn take(&self, message: &JsValue) -> bool {
        let Some(pair) = message.dyn_ref::<Array>() else { return false };
        let (number, file) = (pair.get(0).as_f64(), pair.get(1).dyn_into::<File>());
        let mut files = self.0.borrow_mut();
        if let (Some(number), Ok(file)) = (number, file)
            && files.len() < IMPORTS_MAX
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of the page, from one upwards; casts from floats saturate"
            )]
            files.push((number as u64, file));
        }
        true
    }

    fn part(&self, source: u64, from: u64, bytes: u32) -> Result<Blob, String> {
        let files = self.0.borrow();
        let found = files.iter().find(|(number, _)| *number == source);
        let (_, file) = found.ok_or(UNKNOWN)?;
        let end = from.saturating_add(bytes.into());
        file.slice_with_f64_and_f64(from as f64, end as f64).map_err(|_| CHANGED.to_owned())
    }
}

impl Sources for Files {
    fn read(
        &self,
        source: u64,
        from: u64,
        bytes: u32,
    ) -> LocalBoxFuture<'static, Result<Vec<u8>, String>> {
        let part = self.part(source, from, bytes);
        async move {
            let read = JsFuture::from(part?.array_buffer()).await.map_err(|why| words(&why))?;
            Ok(Uint8Array::new(&read).to_vec())
        }
        .boxed_local()
    }

    fn forget(&self, source: u64) {
        self.0.borrow_mut().retain(|(number, _)| *number != source);
    }
}

fn words(why: &JsValue) -> String {
    let is_gone = |error: &DomException| error.name() == "NotFoundError";
    if why.dyn_ref().is_some_and(is_gone) { GONE } else { CHANGED }.to_owned()
}
