//! Views that have forgotten their types.
//!
//! A view's type holds all that is in it, and for each such type the compiler
//! writes out how it is built, rebuilt, mounted and dropped. [`Seal::seal`]
//! builds a view where it stands and keeps its element and what has to live as
//! long; what remains is one type for all. [`live`] does the same for functions
//! that give a view anew whenever a signal changes.
//!
//! The price: a sealed view that is given anew replaces the one before instead
//! of being compared with it, so that focus and selection in it are lost. Rows
//! of lists that change several times a second stay as they are, with
//! `into_any`.

use leptos::{
    prelude::*,
    tachys::{
        html::{
            InertElement,
            attribute::{Attribute, any_attribute::AnyAttribute},
            element::{ElementType, HtmlElement},
        },
        hydration::Cursor,
        renderer::types::{Element, Node},
        view::{Mountable, Position, PositionState, add_attr::AddAnyAttr},
    },
};
use send_wrapper::SendWrapper;

/// A function that gives a view, again whenever what it read has changed.
pub(crate) type Live<V> = Box<dyn FnMut() -> V + Send>;

/// Forgets the type of a function that gives a view.
pub(crate) fn live<V>(view: impl FnMut() -> V + Send + 'static) -> Live<V> {
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

impl<E, At, Ch> Seal for View<HtmlElement<E, At, Ch>>
where
    E: ElementType,
    At: Attribute + 'static,
    Ch: Render<State: 'static>,
{
    fn seal(self) -> AnyView {
        let state = self.into_inner().build();
        one((*state).clone(), Box::new(state))
    }
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

impl<V: RenderHtml<State: 'static> + 'static> Seal for Live<V> {
    fn seal(self) -> AnyView {
        self.into_any()
    }
}

impl<V: RenderHtml<State: 'static> + 'static> Seal for View<Live<V>> {
    fn seal(self) -> AnyView {
        self.into_inner().into_any()
    }
}

impl Seal for View<InertElement> {
    fn seal(self) -> AnyView {
        sealed(Box::new(self.into_inner().build()))
    }
}

/// Several views beside each other; each is sealed or a function by itself.
macro_rules! beside {
    ($($part:ident)+) => {
        impl<$($part: Render<State: 'static>),+> Seal for View<($($part,)+)> {
            fn seal(self) -> AnyView {
                sealed(Box::new(self.into_inner().build()))
            }
        }
    };
}

beside! { A B }
beside! { A B C }
beside! { A B C D }
beside! { A B C D E }
beside! { A B C D E F }
beside! { A B C D E F G }
beside! { A B C D E F G H }

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
