//! What is laid over the page: inviting others, and the list of keys.

use leptos::{html, prelude::*, task::spawn_local};
use node_core::node::{Command, NebulaView};

use super::{
    browser,
    desk::{At, Dialog},
    icons::{self, icon},
    keys::KEYS,
    pairing,
    raw::{button, tag, text},
    sealed::{Seal, live},
};
use crate::model::{invitation, qr};

/// The open dialog, if any. The browser keeps the keyboard inside.
pub(crate) fn view(desk: At) -> AnyView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let is_open = desk.dialog.get() != Dialog::None;
        let Some(element) = dialog.get() else { return };
        if !is_open {
            element.close();
        } else if !element.open() {
            // A browser without modal dialogs shows none; the page still works.
            let _ = element.show_modal();
        }
    });
    let content = live(move || match desk.dialog.get() {
        Dialog::None => ().seal(),
        Dialog::Invite => invite(desk),
        Dialog::Pair => pairing::view(desk),
        Dialog::Keys => keys(),
    });
    view! {
        <dialog
            node_ref=dialog
            class:wide=move || desk.dialog.get() == Dialog::Pair
            aria-labelledby="dialog-title"
            on:close=move |_| {
            desk.dialog.set(Dialog::None);
        }>
            <button
                type="button"
                class="button quiet square dialog-close"
                aria-label="Close"
                data-test="dialog-close"
                on:click=move |_| desk.dialog.set(Dialog::None)
            >
                {icon(icons::CLOSE)}
            </button>
            {content}
        </dialog>
    }
    .seal()
}

fn keys() -> AnyView {
    let rows = KEYS.map(|(key, what)| {
        view! {
            <div class="key">
                <dt>
                    <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
            </div>
        }
        .seal()
    });
    view! {
        <h2 id="dialog-title">"Keys"</h2>
        <dl class="keys">{rows.collect_view()}</dl>
    }
    .seal()
}

fn invite(desk: At) -> AnyView {
    let nebula = Memo::new(move |_| desk.status.with(|status| status.nebula.clone()));
    let content = live(move || match nebula.get() {
        None => view! { <p>"Joining; a moment, please."</p> }.seal(),
        Some(nebula) if nebula.is_open => create(desk, &nebula),
        Some(nebula) => share(&nebula),
    });
    view! {
        <h2 id="dialog-title">"Invite"</h2>
        {content}
    }
    .seal()
}

fn create(desk: At, open: &NebulaView) -> AnyView {
    let name = RwSignal::new(String::new());
    let address = browser::origin();
    let make = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        desk.post(Command::CreateNebula { name: name.get_untracked().trim().to_owned() });
    };
    view! {
        <p>
            "This tab is in " <b>{open.name.clone()}</b>
            ", the open nebula of this relay: whoever opens " <b>{address}</b> " is in it, too."
        </p>
        <p>
            "To compute among people you choose, make a nebula of your own. You get a link and a \
             QR code; only tabs opened with it are in, and nobody else reads or runs anything there."
        </p>
        <form on:submit=make>
            <label class="field">
                <span>"Its name (optional)"</span>
                <input
                    type="text"
                    maxlength="32"
                    autocomplete="off"
                    data-test="nebula-new-name"
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <button type="submit" class="button primary wide" data-test="nebula-create">
                "Make my own nebula"
            </button>
        </form>
    }
    .seal()
}

fn share(nebula: &NebulaView) -> AnyView {
    let link = invitation::link(&browser::origin(), &nebula.invitation);
    let drawing = qr::draw(&link).map(|drawing| {
        let field = format!("0 0 {0} {0}", drawing.size);
        view! {
            <svg class="qr" viewBox=field role="img" aria-label="The link as a QR code">
                <rect width="100%" height="100%" fill="#fff"></rect>
                <path d=drawing.path fill="#000"></path>
            </svg>
        }
        .seal()
    });
    view! {
        <p>"Whoever opens this link is in " <b>{nebula.name.clone()}</b> "."</p>
        {drawing}
        {copyable(link, "invite-link")}
        <p class="small">
            "Treat it like a key: the part after # is the invitation, and is never sent to a server."
        </p>
    }
    .seal()
}

/// A text that can be copied, with its button.
pub(crate) fn copyable(words: String, name: &str) -> AnyView {
    let word = RwSignal::new("Copy");
    let shown = text("code", "", &words).test(name).set("tabindex", "0");
    let field = shown.element().clone();
    let copy = button(&format!("{name}-copy"), "button", "", move || {
        let (words, field) = (words.clone(), field.clone());
        spawn_local(async move {
            let done = browser::copy(&words, Some(&field)).await;
            word.set(if done { "Copied" } else { "Selected: copy it" });
        });
    });
    let said = tag("span", "").set("role", "status").words(move || word.get().to_owned());
    tag("div", "copyable").put(shown).put(copy.put(said)).seal()
}
