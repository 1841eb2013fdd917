//! Views of one type.
//!
//! A view's type holds all that is in it, and for each such type the compiler
//! writes out how it is built, rebuilt, mounted and dropped. Here a view is an
//! element that [`raw`](super::raw) put together and what has to live as long;
//! [`live`] is the function that gives one anew whenever a signal changes.
//!
//! The price: a view that is given anew replaces the one before instead of being
//! compared with it, so that focus and selection in it are lost. What changes
//! several times a second stands in rows ([`Part::rows`](super::raw::Part::rows)).

use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        renderer::types::{Element, Node},
        view::{Mountable, Position, PositionState, add_attr::AddAnyAttr},
    },
};
use send_wrapper::SendWrapper;

/// A function that gives a view, again whenever what it read has changed.
pub(crate) type Live = Box<dyn FnMut() -> AnyView + Send>;

/// Forgets the type of a function that gives a view.
pub(crate) fn live(view: impl FnMut() -> AnyView + Send + 'static) -> Live {
    Box::new(view)
}

/// Views that can be built at once, and then forget their types.
pub(crate) trait Seal {
    /// Builds the view.
    fn seal(self) -> AnyView;
}

/// What was built.
struct Built(Box<dyn Mountable>);

/// A single element, and what lives as long as it does.
struct Kept<T> {
    element: Element,
    _state: T,
}

/// What was built and not yet shown; it never leaves the page's one thread.
struct Sealed(SendWrapper<Built>);

/// Whatever has a destructor, or none.
pub(super) trait Lives {}
impl<T> Lives for T {}

fn sealed(built: Box<dyn Mountable>) -> AnyView {
    Sealed(SendWrapper::new(Built(built))).into_any()
}

/// An element that was built, and what lives as long as it does.
pub(super) fn one(element: Element, state: Box<dyn Lives>) -> AnyView {
    sealed(Box::new(Kept { element, _state: state }))
}

impl Seal for () {
    fn seal(self) -> AnyView {
        self.into_any()
    }
}

impl Seal for AnyView {
    fn seal(self) -> AnyView {
        self
    }
}

impl Seal for Vec<AnyView> {
    fn seal(self) -> AnyView {
        self.into_any()
    }
}

impl Seal for Live {
    fn seal(self) -> AnyView {
        self.into_any()
    }
}

impl<T> Mountable for Kept<T> {
    fn unmount(&mut self) {
        self.element.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.element.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.element.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        vec![self.element.clone()]
    }
}

impl Mountable for Built {
    fn unmount(&mut self) {
        self.0.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.elements()
    }
}

impl Render for Sealed {
    type State = Built;

    fn build(self) -> Built {
        self.0.take()
    }

    fn rebuild(self, state: &mut Built) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl AddAnyAttr for Sealed {
    type Output<NewAttribute: Attribute> = Self;

    fn add_any_attr<NewAttribute: Attribute>(self, _: NewAttribute) -> Self {
        self
    }
}

/// What a view needs to be erased. The page is drawn in the browser only, so
/// that nothing of this is ever called.
impl RenderHtml for Sealed {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        _: &mut String,
        _: &mut Position,
        _: bool,
        _: bool,
        _: Vec<AnyAttribute>,
    ) {
    }

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> Built {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
