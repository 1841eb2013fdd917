//! Words between the ions of one browser and origin, without any relay: a tab
//! that was reloaded finds the others here, and pairs with them by itself.
//!
//! [`Nearby`] carries opaque bytes over a `BroadcastChannel`, to one ion or to
//! all. Who speaks claims an id and proves nothing: whoever reads the bytes
//! checks signatures, as for bytes that came from far. It refuses what is too
//! long, what is not of this form, and what is addressed to another ion; an
//! ion does not hear itself. Where the browser has no such channel there is
//! nobody near. Bounds: [`BYTES_MAX`] a word, [`ID_CHARS_MAX`] an id; nothing
//! is queued or repeated, and who is not there misses it.
//!
//! Interface: [`Nearby::open`] once with the ion's id and a listener, then
//! [`Nearby::send`]; dropping it closes the channel.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

/// What all ions of an origin call their channel. A word of another form needs
/// another name, so that old tabs and new ones do not meet.
const CHANNEL: &str = "ionosphere-near-1";
/// The longest word, in bytes.
pub(crate) const BYTES_MAX: usize = 64 << 10;
/// The longest id, in characters.
pub(crate) const ID_CHARS_MAX: usize = 128;

/// A word between two ions of one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Near {
    /// For whom; `None` is for all.
    pub(crate) to: Option<String>,
    /// Who says that it is theirs.
    pub(crate) from: String,
    /// What.
    pub(crate) bytes: Vec<u8>,
}

/// Why a word was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is longer than [`BYTES_MAX`], or the id than [`ID_CHARS_MAX`].
    TooLong,
    /// The browser did not take it.
    NotTaken,
}

/// An ion's ear and mouth among its neighbours in this browser.
pub(crate) struct Nearby {
    channel: BroadcastChannel,
    own: String,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Nearby {
    /// Listens from now on; `hear` is called with each word for this ion or for
    /// all. `None` where the browser has no such channel.
    pub(crate) fn open(own: &str, hear: impl Fn(Near) + 'static) -> Option<Self> {
        let is_there = Reflect::has(&js_sys::global(), &"BroadcastChannel".into());
        if !is_there.unwrap_or(false) || !is_id(own) {
            return None;
        }
        let channel = BroadcastChannel::new(CHANNEL).ok()?;
        let me = own.to_owned();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(near) = read(&event.data()).filter(|near| is_for(near, &me)) {
                hear(near);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { channel, own: own.to_owned(), _on_message: on_message })
    }

    /// Says something to one ion, or to all.
    pub(crate) fn send(&self, to: Option<&str>, bytes: &[u8]) -> Result<(), Refused> {
        if bytes.len() > BYTES_MAX || to.is_some_and(|to| !is_id(to)) {
            return Err(Refused::TooLong);
        }
        let word = Object::new();
        let to = to.map_or(JsValue::NULL, JsValue::from);
        let fields = [
            ("to", to),
            ("from", self.own.as_str().into()),
            ("bytes", Uint8Array::from(bytes).into()),
        ];
        for (name, value) in fields {
            Reflect::set(&word, &name.into(), &value).map_err(|_| Refused::NotTaken)?;
        }
        self.channel.post_message(&word).map_err(|_| Refused::NotTaken)
    }
}

impl Drop for Nearby {
    fn drop(&mut self) {
        // Detached before the closure is freed.
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

fn is_for(near: &Near, own: &str) -> bool {
    near.from != own && near.to.as_deref().is_none_or(|to| to == own)
}

/// A word as it came; `None` where it is of another form.
fn read(data: &JsValue) -> Option<Near> {
    let field = |name: &str| Reflect::get(data, &name.into()).ok();
    let to = field("to")?;
    let to = if to.is_null() { None } else { Some(to.as_string().filter(|to| is_id(to))?) };
    let from = field("from")?.as_string().filter(|from| is_id(from))?;
    let bytes = field("bytes")?.dyn_into::<Uint8Array>().ok()?;
    let is_short = usize::try_from(bytes.length()).is_ok_and(|length| length <= BYTES_MAX);
    is_short.then(|| Near { to, from, bytes: bytes.to_vec() })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_CHARS_MAX
}
