//! Elements put together part by part, without a type of their own.
//!
//! A view of `view!` has a type that holds all that is in it, and the compiler
//! writes out how each is built. The page is made by these few functions instead,
//! which all parts share: what never changes stands as it was put; attributes and
//! words follow what they read; what changes as a whole is given anew by
//! [`live`]. Measured: 264 KiB of the page after brotli, 308 with views for the
//! half of it. Text only ever becomes text, never markup.

use std::cell::{Ref, RefCell, RefMut};

use js_sys::Reflect;
use leptos::{
    prelude::*,
    tachys::view::{Mountable, any_view::AnyViewState},
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Element, Event};

use super::sealed::{self, Seal, live};

mod rows;

/// The space of names that drawings are in.
const SVG: &str = "http://www.w3.org/2000/svg";

type Listener = Closure<dyn FnMut(Event)>;

/// An element that is being put together.
pub(crate) struct Part {
    element: Element,
    views: Vec<AnyViewState>,
    listeners: Vec<Listener>,
    followers: Vec<RenderEffect<()>>,
}

/// An element of that name, with its classes.
pub(crate) fn tag(name: &str, class: &str) -> Part {
    Part::of(document().create_element(name), class)
}

/// The same of a drawing.
pub(crate) fn drawn(name: &str, class: &str) -> Part {
    Part::of(document().create_element_ns(Some(SVG), name), class)
}

/// The same with a text in it.
pub(crate) fn text(name: &str, class: &str, words: &str) -> Part {
    tag(name, class).say(words)
}

/// A paragraph in small letters.
pub(crate) fn note(words: &str) -> Part {
    text("p", "small muted", words)
}

/// A field under its name.
pub(crate) fn labelled(words: &str, field: Part) -> Part {
    tag("label", "field").put(text("span", "", words)).put(field)
}

/// What stands in a field.
pub(crate) fn typed(field: &Element) -> String {
    let value = Reflect::get(field, &"value".into());
    value.ok().and_then(|value| value.as_string()).unwrap_or_default()
}

/// Whether a box is ticked.
pub(crate) fn is_ticked(field: &Element) -> bool {
    Reflect::get(field, &"checked".into()).is_ok_and(|is_ticked| is_ticked.is_truthy())
}

fn put(element: &Element, name: &str, value: &JsValue) {
    // Properties of elements can always be set.
    let _ = Reflect::set(element, &name.into(), value);
}

impl Part {
    fn of(created: Result<Element, JsValue>, class: &str) -> Self {
        let element = created.expect("names of elements are written in this program");
        let part =
            Self { element, views: Vec::new(), listeners: Vec::new(), followers: Vec::new() };
        if class.is_empty() { part } else { part.set("class", class) }
    }

    /// Sets an attribute.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        // Names are written in this program, and all of them are well formed.
        let _ = self.element.set_attribute(name, value);
        self
    }

    /// Sets the name that tests hold on to.
    pub(crate) fn test(self, name: &str) -> Self {
        self.set("data-test", name)
    }

    /// Adds a text.
    pub(crate) fn say(self, words: &str) -> Self {
        let _ = self.element.append_with_str_1(words);
        self
    }

    /// Adds a part.
    pub(crate) fn put(mut self, part: Part) -> Self {
        let _ = self.element.append_child(&part.element);
        self.views.extend(part.views);
        self.listeners.extend(part.listeners);
        self.followers.extend(part.followers);
        self
    }

    /// Adds parts.
    pub(crate) fn put_all(self, parts: impl IntoIterator<Item = Part>) -> Self {
        parts.into_iter().fold(self, Self::put)
    }

    /// Sets how it is drawn. As an attribute, the content security policy forbids it.
    pub(crate) fn style(self, style: &str) -> Self {
        put(&self.element, "style", &style.into());
        self
    }

    /// Adds what that gives, and other in its place whenever what it read has changed.
    pub(crate) fn live(self, part: impl FnMut() -> Option<Part> + 'static) -> Self {
        let part: Box<dyn FnMut() -> Option<Part>> = Box::new(part);
        let mut part = SendWrapper::new(part);
        self.add(live(move || part().map_or_else(|| ().seal(), Part::seal)).seal())
    }

    /// Adds a view, which may change.
    pub(crate) fn add(mut self, view: AnyView) -> Self {
        let mut built = view.build();
        built.mount(&self.element, None);
        self.views.push(built);
        self
    }

    /// Does that at every such event.
    pub(crate) fn on(self, event: &str, act: impl FnMut(Event) + 'static) -> Self {
        self.listen(event, Box::new(act))
    }

    fn listen(mut self, event: &str, act: Box<dyn FnMut(Event)>) -> Self {
        let listener = Closure::wrap(act);
        let function = listener.as_ref().unchecked_ref();
        let _ = self.element.add_event_listener_with_callback(event, function);
        self.listeners.push(listener);
        self
    }

    /// Hands what stands in this field to that, at every such event.
    pub(crate) fn read(self, event: &str, take: impl FnMut(String) + 'static) -> Self {
        self.read_boxed(event, Box::new(take))
    }

    fn read_boxed(self, event: &str, mut take: Box<dyn FnMut(String)>) -> Self {
        let field = self.element.clone();
        self.listen(event, Box::new(move |_| take(typed(&field))))
    }

    /// Sets an attribute, now and whenever what that read has changed; without a
    /// value it is not there.
    pub(crate) fn follow(
        self,
        name: &'static str,
        value: impl FnMut() -> Option<String> + 'static,
    ) -> Self {
        self.follow_boxed(name, Box::new(value))
    }

    fn follow_boxed(
        self,
        name: &'static str,
        mut value: Box<dyn FnMut() -> Option<String>>,
    ) -> Self {
        self.watch(Box::new(move |element| {
            let _ = match value() {
                Some(value) => element.set_attribute(name, &value),
                None => element.remove_attribute(name),
            };
        }))
    }

    /// Sets a property, now and whenever what that read has changed.
    pub(crate) fn hold<V: Into<JsValue>>(
        self,
        name: &'static str,
        mut value: impl FnMut() -> V + 'static,
    ) -> Self {
        self.watch(Box::new(move |element| put(element, name, &value().into())))
    }

    /// Adds a text that changes whenever what it read has.
    pub(crate) fn words(self, words: impl FnMut() -> String + 'static) -> Self {
        self.words_boxed(Box::new(words))
    }

    fn words_boxed(self, mut words: Box<dyn FnMut() -> String>) -> Self {
        let node = document().create_text_node("");
        let _ = self.element.append_child(&node);
        self.watch(Box::new(move |_| node.set_data(&words())))
    }

    /// Does that with the element, now and whenever what it read has changed.
    pub(crate) fn watch(mut self, mut act: Box<dyn FnMut(&Element)>) -> Self {
        let element = self.element.clone();
        let run: Box<dyn FnMut(Option<()>)> = Box::new(move |_| act(&element));
        self.followers.push(RenderEffect::new(run));
        self
    }

    /// The element itself.
    pub(crate) fn element(&self) -> &Element {
        &self.element
    }

    /// What was put together, as a view.
    pub(crate) fn seal(self) -> AnyView {
        sealed::one(self.element, Box::new((self.views, self.listeners, self.followers)))
    }
}

/// State whose readers are told that it changed, without a type of signal of its
/// own. It stays in the page's one thread.
pub(crate) struct State<T> {
    changes: RwSignal<u64>,
    value: SendWrapper<RefCell<T>>,
}

impl<T> State<T> {
    /// That value.
    pub(crate) fn new(value: T) -> Self {
        let value = SendWrapper::new(RefCell::new(value));
        Self { changes: RwSignal::new(0), value }
    }

    /// The value; whoever reads it is told when it changes.
    pub(crate) fn read(&self) -> Ref<'_, T> {
        seen(self.changes);
        self.value.borrow()
    }

    /// The value as it is now.
    pub(crate) fn now(&self) -> Ref<'_, T> {
        self.value.borrow()
    }

    /// The value, to be changed; its readers are not told.
    pub(crate) fn quietly(&self) -> RefMut<'_, T> {
        self.value.borrow_mut()
    }

    /// Changes the value.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.value.borrow_mut());
        self.tell();
        result
    }

    /// Tells that it changed.
    pub(crate) fn tell(&self) {
        changed(self.changes);
    }

    /// Puts another value in its place.
    pub(crate) fn set(&self, value: T) {
        self.update(|old| *old = value);
    }
}

fn seen(changes: RwSignal<u64>) {
    changes.track();
}

fn changed(changes: RwSignal<u64>) {
    changes.update(|changes| *changes += 1);
}

/// Does that now, and whenever what it read has changed.
pub(crate) fn effect(mut run: impl FnMut() + 'static) {
    run_again(Box::new(move |_| run()));
}

fn run_again(run: Box<dyn FnMut(Option<()>)>) {
    Effect::new(run);
}

/// A button.
pub(crate) fn button(
    test: &str,
    class: &str,
    word: &str,
    mut pressed: impl FnMut() + 'static,
) -> Part {
    pressing(test, class, word, Box::new(move |_| pressed()))
}

fn pressing(test: &str, class: &str, word: &str, pressed: Box<dyn FnMut(Event)>) -> Part {
    text("button", class, word).set("type", "button").test(test).listen("click", pressed)
}
