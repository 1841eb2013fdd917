//! STUN and TURN servers in Settings: those that the relay named, those of
//! one's own, trying one, and adding one.

use leptos::prelude::*;
use node_core::{
    network::bootstrap::{ICE_BYTES_MAX, IceServer},
    node::{Command, IceFound, Problem},
};

use super::{
    desk::{At, Desk},
    parts,
    sealed::{Seal, live},
};
use crate::model::{
    ice::{Trial, Typed},
    words::Meaning,
};

type Mistake = RwSignal<Option<Problem>>;

impl Desk {
    /// Asks a STUN or TURN server for addresses, to see whether it helps.
    pub(crate) fn try_server(&self, server: IceServer) {
        let last = self.trial.with_untracked(|trial| trial.as_ref().map_or(0, |one| one.request));
        let request = last + 1;
        self.trial.set(Some(Trial { request, server: server.clone(), result: None }));
        self.post(Command::TryIceServer { request, server });
    }

    /// What came of it.
    pub(super) fn ice_tried(&self, request: u64, result: Result<IceFound, Problem>) {
        self.trial.update(|trial| {
            if let Some(trial) = trial.as_mut().filter(|trial| trial.request == request) {
                trial.result = Some(result);
            }
        });
    }
}

/// What the section shows.
pub(crate) fn view(desk: At) -> AnyView {
    let own = Memo::new(move |_| desk.status.with(|status| status.ice_servers.clone()));
    let named = Memo::new(move |_| desk.status.with(|status| status.ice_named.clone()));
    let rows = move || {
        let named = named.get().into_iter().map(named_row);
        let own = own.get().into_iter().map(|server| own_row(desk, own, server));
        named.chain(own).collect_view()
    };
    let none = move || {
        let is_empty = own.with(Vec::is_empty) && named.with(Vec::is_empty);
        is_empty.then(|| {
            view! { <p class="muted" data-test="ice-none">"None: no server is contacted."</p> }
                .seal()
        })
    };
    view! {
        <p class="small muted">
            "A STUN server tells two tabs behind routers under which address the other reaches \
             them; a TURN server carries what has no other way. None is contacted but those that \
             the relay names and those that you add."
        </p>
        <ul class="rows">{live(rows)}</ul>
        {live(none)}
        {form(desk, own)}
    }
    .seal()
}

fn named_row(url: String) -> AnyView {
    view! {
        <li class="row" data-test="ice-named">
            <code class="address grow">{url}</code>
            {parts::pill(Meaning::Good, "named by the relay")}
        </li>
    }
    .seal()
}

fn own_row(desk: At, own: Memo<Vec<IceServer>>, server: IceServer) -> AnyView {
    let url = server.urls.join(", ");
    let remove_label = format!("Remove {url}");
    let try_label = format!("Try {url}");
    let (shown, tried, removed) = (url.clone(), server.clone(), server.clone());
    let remove = move |_| {
        let mut servers = own.get_untracked();
        servers.retain(|known| *known != removed);
        set(desk, servers);
    };
    view! {
        <li class="row" data-test="ice-row" data-url=url>
            <div class="grow">
                <code class="address">{shown}</code>
                {trial(desk, move |tried| *tried == server)}
            </div>
            <div class="actions">
                <button
                    type="button"
                    class="button"
                    data-test="ice-try"
                    aria-label=try_label
                    on:click=move |_| desk.try_server(tried.clone())
                >
                    "Try it"
                </button>
                <button
                    type="button"
                    class="button quiet"
                    data-test="ice-remove"
                    aria-label=remove_label
                    on:click=remove
                >
                    "Remove"
                </button>
            </div>
        </li>
    }
    .seal()
}

/// How the trial of a server stands, if the last one was of it.
fn trial(desk: At, is_it: impl Fn(&IceServer) -> bool + Send + 'static) -> AnyView {
    let words = live(move || {
        desk.trial.with(|trial| {
            let trial = trial.as_ref().filter(|trial| is_it(&trial.server))?;
            let (meaning, words) = trial.words();
            Some(parts::pill(meaning, words))
        })
    });
    view! { <p class="small echo" role="status" data-test="ice-tried">{words}</p> }.seal()
}

fn form(desk: At, own: Memo<Vec<IceServer>>) -> AnyView {
    let typed = RwSignal::new(Typed::default());
    let mistake: Mistake = RwSignal::new(None);
    let add = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        match typed.with_untracked(|typed| typed.add(&own.get_untracked())) {
            Ok(servers) => {
                mistake.set(None);
                typed.set(Typed::default());
                set(desk, servers);
            }
            Err(problem) => mistake.set(Some(problem)),
        }
    };
    let attempt = move |_| match typed.with_untracked(Typed::read) {
        Ok(server) => {
            mistake.set(None);
            desk.try_server(server);
        }
        Err(problem) => mistake.set(Some(problem)),
    };
    let is_turn = Memo::new(move |_| typed.with(Typed::is_turn));
    let secrets = move || is_turn.get().then(|| secrets(typed));
    let is_listed = move |server: &IceServer| own.with_untracked(|own| own.contains(server));
    view! {
        <form on:submit=add novalidate="">
            {field(typed, "Address", "ice-url", "text", |typed| typed.url.clone(), |typed, text| typed.url = text)}
            {live(secrets)}
            {live(move || mistake.get().map(told))}
            <div class="actions">
                <button type="submit" class="button" data-test="ice-add">
                    "Add"
                </button>
                <button type="button" class="button quiet" data-test="ice-try-typed" on:click=attempt>
                    "Try it"
                </button>
            </div>
            {trial(desk, move |server| !is_listed(server))}
        </form>
    }
    .seal()
}

fn secrets(typed: RwSignal<Typed>) -> AnyView {
    view! {
        <div class="fields">
            {field(typed, "Name", "ice-username", "text", |typed| typed.username.clone(), |typed, text| typed.username = text)}
            {field(typed, "Credential", "ice-credential", "password", |typed| typed.credential.clone(), |typed, text| typed.credential = text)}
        </div>
    }
    .seal()
}

fn field(
    typed: RwSignal<Typed>,
    label: &'static str,
    test: &'static str,
    kind: &'static str,
    read: fn(&Typed) -> String,
    write: fn(&mut Typed, String),
) -> AnyView {
    let hint = if test == "ice-url" { "stun:stun.example.org:3478" } else { "" };
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                type=kind
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength=ICE_BYTES_MAX
                placeholder=hint
                data-test=test
                prop:value=move || typed.with(read)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    typed.update(|typed| write(typed, value));
                }
            />
        </label>
    }
    .seal()
}

fn told(problem: Problem) -> AnyView {
    view! {
        <div class="refused" role="alert" data-test="ice-mistake">
            <p class="problem-what">{problem.what}</p>
            <p>{problem.why}</p>
            <p>{problem.remedy}</p>
        </div>
    }
    .seal()
}

/// Shown at once; the ion's own word follows.
fn set(desk: At, servers: Vec<IceServer>) {
    desk.status.update(|status| status.ice_servers.clone_from(&servers));
    desk.post(Command::SetIceServers { servers });
}
