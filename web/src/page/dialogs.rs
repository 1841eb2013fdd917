//! What is laid over the page: inviting others, and the list of keys.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::{Command, NebulaView};
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::{
    browser,
    desk::{At, Dialog},
    keys::KEYS,
    pairing, parts,
    raw::{Part, button, drawn, effect, labelled, tag, text, typed},
    sealed::{Seal, live},
};
use crate::model::{invitation, qr};

/// The open dialog, if any. The browser keeps the keyboard inside.
pub(crate) fn view(desk: At) -> AnyView {
    let content = live(move || match desk.dialog.get() {
        Dialog::None => ().seal(),
        Dialog::Invite => invite(desk),
        Dialog::Pair => pairing::view(desk),
        Dialog::Keys => keys(),
    });
    let shut = move || desk.dialog.set(Dialog::None);
    let dialog = tag("dialog", "")
        .follow("class", move || (desk.dialog.get() == Dialog::Pair).then(|| "wide".to_owned()))
        .set("aria-labelledby", "dialog-title")
        .on("close", move |_| shut())
        .put(
            parts::close("Close", shut)
                .set("class", "button quiet square dialog-close")
                .test("dialog-close"),
        )
        .add(content.seal());
    let element: HtmlDialogElement = dialog.element().clone().unchecked_into();
    effect(move || {
        if desk.dialog.get() == Dialog::None {
            element.close();
        } else if !element.open() {
            // A browser without modal dialogs shows none; the page still works.
            let _ = element.show_modal();
        }
    });
    dialog.seal()
}

fn title(words: &str) -> Part {
    text("h2", "", words).set("id", "dialog-title")
}

fn keys() -> AnyView {
    let row = |(key, what)| {
        let key = tag("dt", "").put(text("kbd", "", key));
        tag("div", "key").put(key).put(text("dd", "", what))
    };
    vec![title("Keys").seal(), tag("dl", "keys").put_all(KEYS.map(row)).seal()].seal()
}

fn invite(desk: At) -> AnyView {
    let nebula = Memo::new(move |_| desk.status.with(|status| status.nebula.clone()));
    let content = live(move || match nebula.get() {
        None => text("p", "", "Joining; a moment, please.").seal(),
        Some(nebula) if nebula.is_open => create(desk, &nebula),
        Some(nebula) => share(&nebula),
    });
    vec![title("Invite").seal(), content.seal()].seal()
}

fn create(desk: At, open: &NebulaView) -> AnyView {
    let here = text("p", "", "This tab is in ")
        .put(text("b", "", &open.name))
        .say(", the open nebula of this relay: whoever opens ")
        .put(text("b", "", &browser::origin()))
        .say(" is in it, too.");
    let about = "To compute among people you choose, make a nebula of your own. You get a link and \
                 a QR code; only tabs opened with it are in, and nobody else reads or runs \
                 anything there.";
    let field = tag("input", "")
        .set("type", "text")
        .set("maxlength", "32")
        .set("autocomplete", "off")
        .test("nebula-new-name");
    let name = field.element().clone();
    let submit = text("button", "button primary wide", "Make my own nebula");
    let form = tag("form", "")
        .on("submit", move |event| {
            event.prevent_default();
            desk.post(Command::CreateNebula { name: typed(&name).trim().to_owned() });
        })
        .put(labelled("Its name (optional)", field))
        .put(submit.set("type", "submit").test("nebula-create"));
    vec![here.seal(), text("p", "", about).seal(), form.seal()].seal()
}

fn share(nebula: &NebulaView) -> AnyView {
    let link = invitation::link(&browser::origin(), &nebula.invitation);
    let whoever = text("p", "", "Whoever opens this link is in ");
    let key = "Treat it like a key: the part after # is the invitation, and is never sent to a \
               server.";
    let drawing = qr::draw(&link).map(|drawing| code("qr", &drawing, "The link as a QR code"));
    tag("div", "contents")
        .put(whoever.put(text("b", "", &nebula.name)).say("."))
        .put_all(drawing)
        .put(copyable(link, "invite-link"))
        .put(text("p", "small", key))
        .seal()
}

/// A code to be scanned.
pub(crate) fn code(class: &str, drawing: &qr::Drawing, label: &str) -> Part {
    let ground = drawn("rect", "").set("width", "100%").set("height", "100%").set("fill", "#fff");
    let squares = drawn("path", "").set("d", &drawing.path).set("fill", "#000");
    drawn("svg", class)
        .set("viewBox", &format!("0 0 {0} {0}", drawing.size))
        .set("role", "img")
        .set("aria-label", label)
        .put(ground)
        .put(squares)
}

/// A text that can be copied, with its button.
pub(crate) fn copyable(words: String, name: &str) -> Part {
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
    tag("div", "copyable").put(shown).put(copy.put(said))
}
