//! Settings: this ion, its nebulas, its relays, and how the page looks.

use leptos::prelude::*;
use node_core::{
    compute::WORKERS_MAX,
    identity::NAME_CHARS_MAX,
    node::{Command, NebulaView, event::LinkLimits},
};

use super::{
    browser,
    desk::At,
    dialogs::copyable,
    files,
    network::relay_row,
    parts,
    raw::{Part, button, labelled, note, tag, text},
    sealed::{Seal, live},
    servers, work,
};
use crate::model::{
    invitation,
    network::{self, HELD_MAX, TARGET_MAX},
    news::problem,
    words::{self, Meaning},
};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let about = "What this tab is called, what it lends, and where it belongs.";
    let sections = [
        this_ion(desk),
        lending(desk),
        section("What ran here", work::view(desk)),
        links(desk),
        section("Storage", body().add(files::settings(desk))),
        nebulas(desk),
        relays(desk),
        section("STUN and TURN servers", body().add(servers::view(desk))),
        appearance(),
        browser_gives(desk),
    ];
    let sections = tag("div", "settings").put_all(sections);
    vec![parts::head("Settings", about, None).seal(), sections.seal()].seal()
}

fn body() -> Part {
    tag("div", "setting-body")
}

fn section(title: &str, body: Part) -> Part {
    let section = tag("section", "panel setting").set("aria-label", title);
    section.put(text("h2", "", title)).put(body)
}

/// A setting's name and what it means.
fn named(name: &str, about: &str) -> Part {
    tag("div", "").put(text("p", "field-name", name)).put(note(about))
}

fn inline_form(field: Part, test: &str, word: &str) -> Part {
    let submit = text("button", "button", word).set("type", "submit").test(test);
    tag("form", "inline-form").put(field).put(submit)
}

fn text_field(test: &str, length_max: &str) -> Part {
    let field = tag("input", "").set("type", "text").set("autocomplete", "off");
    field.set("maxlength", length_max).test(test)
}

fn this_ion(desk: At) -> Part {
    let name = Memo::new(move |_| desk.status.with(|status| status.name.clone()));
    let id = Memo::new(move |_| desk.status.with(|status| status.id.clone()));
    let typed = RwSignal::new(None::<String>);
    let field = text_field("self-name-field", &NAME_CHARS_MAX.to_string())
        .hold("value", move || typed.get().unwrap_or_else(|| name.get()))
        .read("input", move |words| typed.set(Some(words)));
    let form =
        inline_form(labelled("Name", field), "rename", "Rename").on("submit", move |event| {
            event.prevent_default();
            let name = typed.get_untracked().unwrap_or_else(|| name.get_untracked());
            desk.post(Command::Rename { name: name.trim().to_owned() });
            typed.set(None);
        });
    let body = body()
        .put(form)
        .put(note("An empty name brings back the one that comes from its key."))
        .put(text("p", "field-name", "Id"))
        .live(move || Some(copyable(id.get(), "self-id")));
    section("This ion", body)
}

fn lending(desk: At) -> Part {
    let workers = Memo::new(move |_| desk.status.with(|status| status.workers));
    let set = move |change: i8| {
        let wanted = workers.get_untracked().saturating_add_signed(change.into());
        let wanted = wanted.clamp(1, WORKERS_MAX);
        desk.status.update(|status| status.workers = wanted);
        desk.post(Command::SetWorkers { workers: wanted });
    };
    let about = "Each runs one task at a time, on a core of its own.";
    let bounds = (1, WORKERS_MAX);
    let step = Callback::new(set);
    let paused = "While paused this tab runs nothing for anyone; its own jobs go on elsewhere.";
    let pause = tag("div", "row").put(named("Pause", paused));
    let body = body()
        .put(parts::stepper("Workers to lend", "workers", about, workers.into(), bounds, step))
        .put(pause.put(parts::pause_button(desk, "settings-pause")));
    section("Lending", body)
}

/// How many direct links this tab wants, and how many it takes.
fn links(desk: At) -> Part {
    let limits = Memo::new(move |_| desk.status.with(|status| status.links));
    let set = move |limits: LinkLimits| {
        desk.status.update(|status| status.links = limits);
        desk.post(Command::SetLinks(limits));
    };
    let target = move |change| set(network::with_target(limits.get_untracked(), change));
    let max = move |change| set(network::with_max(limits.get_untracked(), change));
    let wanted = Signal::derive(move || u16::from(limits.get().target));
    let taken = Signal::derive(move || u16::from(limits.get().max));
    let (target, max) = (Callback::new(target), Callback::new(max));
    let about_target = "It reaches for so many by itself.";
    let about_max = "Others may link to it until it has so many.";
    let (target_max, held_max) = ((1, TARGET_MAX.into()), (1, HELD_MAX.into()));
    let meaning = note("")
        .test("links-meaning")
        .words(move || network::limits(limits.get()))
        .say(" Every other ion is reached through these.");
    let body = body()
        .put(parts::stepper(
            "Links wanted",
            "links-target",
            about_target,
            wanted,
            target_max,
            target,
        ))
        .put(parts::stepper("Links at most", "links-max", about_max, taken, held_max, max))
        .put(meaning);
    section("Links", body)
}

fn nebulas(desk: At) -> Part {
    let current = Memo::new(move |_| desk.status.with(|status| status.nebula.clone()));
    let saved = Memo::new(move |_| desk.status.with(|status| status.nebulas.clone()));
    let rows = live(move || {
        let here = current.get();
        let here_id = here.as_ref().map(|nebula| nebula.id.clone()).unwrap_or_default();
        let others = saved.get().into_iter().filter(|nebula| nebula.id != here_id);
        let first = here.map(|nebula| nebula_row(desk, nebula, true));
        let others = others.map(|nebula| nebula_row(desk, nebula, false));
        first.into_iter().chain(others).collect::<Vec<AnyView>>().seal()
    });
    let is_away =
        move || current.with(|nebula| nebula.as_ref().is_none_or(|nebula| !nebula.is_open));
    let home = live(move || {
        if !is_away() {
            return ().seal();
        }
        let go = move || desk.post(Command::JoinDefault);
        button("join-default", "button", "Go to the relay's open nebula", go).seal()
    });
    let body = body().put(tag("ul", "rows").add(rows.seal())).put(join(desk)).add(home.seal());
    section("Nebulas", body)
}

fn nebula_row(desk: At, nebula: NebulaView, is_here: bool) -> AnyView {
    let kind = if nebula.is_open { "open to everybody at this relay" } else { "by invitation" };
    let row = tag("li", "row").test("nebula-row").set("data-id", &nebula.id);
    let row = row.put(named(&nebula.name, kind));
    let actions = tag("div", "actions");
    let actions = if is_here {
        actions.put(parts::pill(Meaning::Good, "here"))
    } else {
        let code = nebula.invitation.clone();
        let switch = move || desk.post(Command::Join { invitation: code.clone() });
        actions.put(button("nebula-switch", "button", "Switch", switch)).add(forget(desk, nebula))
    };
    row.put(actions).seal()
}

fn forget(desk: At, nebula: NebulaView) -> AnyView {
    let asking = RwSignal::new(false);
    let forget = live(move || {
        if asking.get() {
            let id = nebula.id.clone();
            let sure = move || desk.post(Command::ForgetNebula { id: id.clone() });
            let words = format!("Lose the invitation to {}", nebula.name);
            return button("nebula-forget-sure", "button danger", &words, sure).seal();
        }
        button("nebula-forget", "button quiet", "Forget", move || asking.set(true)).seal()
    });
    forget.seal()
}

fn join(desk: At) -> Part {
    let typed = RwSignal::new(String::new());
    let field = text_field("join-field", "4200")
        .set("placeholder", "Paste the link")
        .hold("value", move || typed.get())
        .read("input", move |words| typed.set(words));
    let field = labelled("Join with an invitation", field);
    inline_form(field, "join", "Join").on("submit", move |event| {
        event.prevent_default();
        let Some(invitation) = invitation::from_paste(&typed.get_untracked()) else {
            desk.tell(problem(
                "This invitation was not used",
                "It is not a link with an invitation, nor an invitation's code.",
                "Copy the whole link from the Invite dialog of somebody who is in.",
            ));
            return;
        };
        typed.set(String::new());
        desk.post(Command::Join { invitation });
    })
}

fn relays(desk: At) -> Part {
    let relays = Memo::new(move |_| desk.status.with(|status| status.relays.clone()));
    let rows = move || {
        if relays.with(Vec::is_empty) {
            return vec![text("li", "muted", "No relay is known yet.")];
        }
        relays.with(|relays| relays.iter().map(relay_row).collect())
    };
    let about = "A relay helps ions find each other. It stores nothing and decides nothing.";
    section("Relays", body().put(tag("ul", "rows").rows(rows)).put(note(about)))
}

fn appearance() -> Part {
    let chosen = RwSignal::new(browser::theme());
    let choice = |(theme, word): (&'static str, &str)| {
        let test = format!("theme-{}", if theme.is_empty() { "system" } else { theme });
        let field = tag("input", "").set("type", "radio").set("name", "theme").set("value", theme);
        let field = field
            .test(&test)
            .hold("checked", move || chosen.with(|chosen| chosen == theme))
            .on("change", move |_| {
                browser::set_theme(theme);
                chosen.set(theme.to_owned());
            });
        tag("label", "choice").put(field).put(text("span", "", word))
    };
    let choices = [("", "System"), ("light", "Light"), ("dark", "Dark")].map(choice);
    let legend = text("legend", "hidden", "Theme");
    section("Appearance", body().put(tag("fieldset", "choices").put(legend).put_all(choices)))
}

fn browser_gives(desk: At) -> Part {
    let storage = Memo::new(move |_| desk.status.with(|status| status.storage));
    let kept = live(move || {
        let (meaning, word, about) = words::durability(storage.get());
        let row = tag("div", "row").test("storage").put(named("Identity", about));
        row.put(parts::pill(meaning, word)).seal()
    });
    let body = body().add(kept.seal());
    let body = if browser::is_secure() { body } else { body.put(insecure()) };
    section("What this browser gives", body)
}

fn insecure() -> Part {
    let about = "Over plain http from another device the browser withholds Web Locks, shared \
                 memory, WebCrypto, lasting storage, the clipboard and the camera. Start the relay \
                 with its TLS options (certificate files, or one that it makes and keeps) and open \
                 the https address to have them.";
    let row = tag("div", "row").test("insecure");
    row.put(named("This page is no secure context", about))
        .put(parts::pill(Meaning::Waiting, "limited"))
}
