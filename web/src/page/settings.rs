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
    sealed::{Seal, live},
    servers,
};
use crate::model::{
    invitation,
    network::{self, HELD_MAX, TARGET_MAX},
    news::problem,
    words::{self, Meaning},
};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    view! {
        {parts::head("Settings", "What this tab is called, what it lends, and where it belongs.", ().seal())}
        <div class="settings">
            {this_ion(desk)} {lending(desk)} {links(desk)} {section("Storage", files::settings(desk))} {nebulas(desk)} {relays(desk)} {section("STUN and TURN servers", servers::view(desk))} {appearance()}
            {browser_gives(desk)}
        </div>
    }
    .seal()
}

fn section(title: &'static str, content: AnyView) -> AnyView {
    view! {
        <section class="panel setting" aria-label=title>
            <h2>{title}</h2>
            <div class="setting-body">{content}</div>
        </section>
    }
    .seal()
}

fn this_ion(desk: At) -> AnyView {
    let name = Memo::new(move |_| desk.status.with(|status| status.name.clone()));
    let id = Memo::new(move |_| desk.status.with(|status| status.id.clone()));
    let typed = RwSignal::new(None::<String>);
    let rename = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let name = typed.get_untracked().unwrap_or_else(|| name.get_untracked());
        desk.post(Command::Rename { name: name.trim().to_owned() });
        typed.set(None);
    };
    let content = view! {
        <form class="inline-form" on:submit=rename>
            <label class="field">
                <span>"Name"</span>
                <input
                    type="text"
                    maxlength=NAME_CHARS_MAX
                    autocomplete="off"
                    data-test="self-name-field"
                    prop:value=move || typed.get().unwrap_or_else(|| name.get())
                    on:input=move |event| typed.set(Some(event_target_value(&event)))
                />
            </label>
            <button type="submit" class="button" data-test="rename">
                "Rename"
            </button>
        </form>
        <p class="small muted">"An empty name brings back the one that comes from its key."</p>
        <p class="field-name">"Id"</p>
        {live(move || copyable(id.get(), "self-id"))}
    }
    .seal();
    section("This ion", content)
}

fn lending(desk: At) -> AnyView {
    let workers = Memo::new(move |_| desk.status.with(|status| status.workers));
    let set = move |change: i8| {
        let wanted = workers.get_untracked().saturating_add_signed(change.into());
        let wanted = wanted.clamp(1, WORKERS_MAX);
        desk.status.update(|status| status.workers = wanted);
        desk.post(Command::SetWorkers { workers: wanted });
    };
    let about = "Each runs one task at a time, on a core of its own.";
    let bounds = (1, WORKERS_MAX);
    let content = view! {
        {parts::stepper("Workers to lend", "workers", about, workers.into(), bounds, Callback::new(set))}
        <div class="row">
            <div>
                <p class="field-name">"Pause"</p>
                <p class="small muted">
                    "While paused this tab runs nothing for anyone; its own jobs go on elsewhere."
                </p>
            </div>
            {parts::pause_button(desk, "settings-pause")}
        </div>
    }
    .seal();
    section("Lending", content)
}

/// How many direct links this tab wants, and how many it takes.
fn links(desk: At) -> AnyView {
    let limits = Memo::new(move |_| desk.status.with(|status| status.links));
    let set = move |limits: LinkLimits| {
        desk.status.update(|status| status.links = limits);
        desk.post(Command::SetLinks(limits));
    };
    let target = move |change| set(network::with_target(limits.get_untracked(), change));
    let max = move |change| set(network::with_max(limits.get_untracked(), change));
    let wanted = Signal::derive(move || u16::from(limits.get().target));
    let taken = Signal::derive(move || u16::from(limits.get().max));
    let about_target = "It reaches for so many by itself.";
    let about_max = "Others may link to it until it has so many.";
    let content = view! {
        {parts::stepper("Links wanted", "links-target", about_target, wanted, (1, TARGET_MAX.into()), Callback::new(target))}
        {parts::stepper("Links at most", "links-max", about_max, taken, (1, HELD_MAX.into()), Callback::new(max))}
        <p class="small muted" data-test="links-meaning">
            {live(move || network::limits(limits.get()))}
            " Every other ion is reached through these."
        </p>
    }.seal();
    section("Links", content)
}

fn nebulas(desk: At) -> AnyView {
    let current = Memo::new(move |_| desk.status.with(|status| status.nebula.clone()));
    let saved = Memo::new(move |_| desk.status.with(|status| status.nebulas.clone()));
    let rows = live(move || {
        let here = current.get();
        let here_id = here.as_ref().map(|nebula| nebula.id.clone()).unwrap_or_default();
        let others = saved.get().into_iter().filter(|nebula| nebula.id != here_id);
        let first = here.map(|nebula| nebula_row(desk, nebula, true));
        view! { {first} {others.map(|nebula| nebula_row(desk, nebula, false)).collect_view()} }
            .seal()
    });
    let is_away =
        move || current.with(|nebula| nebula.as_ref().is_none_or(|nebula| !nebula.is_open));
    let home = live(move || {
        is_away().then(|| {
            view! {
                <button
                    type="button"
                    class="button"
                    data-test="join-default"
                    on:click=move |_| desk.post(Command::JoinDefault)
                >
                    "Go to the relay's open nebula"
                </button>
            }
            .seal()
        })
    });
    let content = view! {
        <ul class="rows">{rows}</ul>
        {join(desk)}
        {home}
    }
    .seal();
    section("Nebulas", content)
}

fn nebula_row(desk: At, nebula: NebulaView, is_here: bool) -> AnyView {
    let kind = if nebula.is_open { "open to everybody at this relay" } else { "by invitation" };
    let (id, code) = (nebula.id.clone(), nebula.invitation);
    let asking = RwSignal::new(false);
    let name = nebula.name.clone();
    let switch = move |_| desk.post(Command::Join { invitation: code.clone() });
    let forget = live(move || {
        let id = id.clone();
        if asking.get() {
            return view! {
                <button
                    type="button"
                    class="button danger"
                    data-test="nebula-forget-sure"
                    on:click=move |_| desk.post(Command::ForgetNebula { id: id.clone() })
                >
                    {format!("Lose the invitation to {name}")}
                </button>
            }
            .seal();
        }
        view! {
            <button
                type="button"
                class="button quiet"
                data-test="nebula-forget"
                on:click=move |_| asking.set(true)
            >
                "Forget"
            </button>
        }
        .seal()
    });
    let actions = if is_here {
        parts::pill(Meaning::Good, "here")
    } else {
        view! {
            <button type="button" class="button" data-test="nebula-switch" on:click=switch>
                "Switch"
            </button>
            {forget}
        }
        .seal()
    };
    view! {
        <li class="row" data-test="nebula-row" data-id=nebula.id>
            <div>
                <p class="field-name">{nebula.name}</p>
                <p class="small muted">{kind}</p>
            </div>
            <div class="actions">{actions}</div>
        </li>
    }
    .seal()
}

fn join(desk: At) -> AnyView {
    let typed = RwSignal::new(String::new());
    let submit = move |event: web_sys::SubmitEvent| {
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
    };
    view! {
        <form class="inline-form" on:submit=submit>
            <label class="field">
                <span>"Join with an invitation"</span>
                <input
                    type="text"
                    placeholder="Paste the link"
                    autocomplete="off"
                    maxlength="4200"
                    data-test="join-field"
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </label>
            <button type="submit" class="button" data-test="join">
                "Join"
            </button>
        </form>
    }
    .seal()
}

fn relays(desk: At) -> AnyView {
    let relays = Memo::new(move |_| desk.status.with(|status| status.relays.clone()));
    let rows = live(move || {
        if relays.with(Vec::is_empty) {
            return view! { <li class="muted">"No relay is known yet."</li> }.seal();
        }
        relays.get().into_iter().map(relay_row).collect_view().seal()
    });
    let content = view! {
        <ul class="rows">{rows}</ul>
        <p class="small muted">
            "A relay helps ions find each other. It stores nothing and decides nothing."
        </p>
    }
    .seal();
    section("Relays", content)
}

fn appearance() -> AnyView {
    let chosen = RwSignal::new(browser::theme());
    let choice = move |theme: &'static str, word: &'static str| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="theme"
                    value=theme
                    data-test=format!("theme-{}", if theme.is_empty() { "system" } else { theme })
                    prop:checked=move || chosen.with(|chosen| chosen == theme)
                    on:change=move |_| {
                        browser::set_theme(theme);
                        chosen.set(theme.to_owned());
                    }
                />
                <span>{word}</span>
            </label>
        }
        .seal()
    };
    let content = view! {
        <fieldset class="choices">
            <legend class="hidden">"Theme"</legend>
            {choice("", "System")}
            {choice("light", "Light")}
            {choice("dark", "Dark")}
        </fieldset>
    }
    .seal();
    section("Appearance", content)
}

fn browser_gives(desk: At) -> AnyView {
    let storage = Memo::new(move |_| desk.status.with(|status| status.storage));
    let kept = live(move || {
        let (meaning, word, text) = words::durability(storage.get());
        view! {
            <div class="row" data-test="storage">
                <div>
                    <p class="field-name">"Identity"</p>
                    <p class="small muted">{text}</p>
                </div>
                {parts::pill(meaning, word)}
            </div>
        }
        .seal()
    });
    let missing = (!browser::is_secure()).then(|| {
        view! {
            <div class="row" data-test="insecure">
                <div>
                    <p class="field-name">"This page is no secure context"</p>
                    <p class="small muted">
                        "Over plain http from another device the browser withholds Web Locks, shared \
                         memory, WebCrypto, lasting storage, the clipboard and the camera. Start the \
                         relay with its TLS options (certificate files, or one that it makes and \
                         keeps) and open the https address to have them."
                    </p>
                </div>
                {parts::pill(Meaning::Waiting, "limited")}
            </div>
        }.seal()
    });
    let content = view! {
        {kept}
        {missing}
    }
    .seal();
    section("What this browser gives", content)
}
