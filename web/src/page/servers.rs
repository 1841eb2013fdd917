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
    raw::{Part, button, labelled, note, tag, text},
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
    let rows = live(move || {
        let named = named.get().into_iter().map(|url| named_row(&url));
        let own = own.get().into_iter().map(|server| own_row(desk, own, server));
        named.chain(own).collect::<Vec<AnyView>>().seal()
    });
    let none = live(move || {
        if own.with(Vec::is_empty) && named.with(Vec::is_empty) {
            let none = text("p", "muted", "None: no server is contacted.");
            return none.test("ice-none").seal();
        }
        ().seal()
    });
    let about = "A STUN server tells two tabs behind routers under which address the other \
                 reaches them; a TURN server carries what has no other way. None is contacted but \
                 those that the relay names and those that you add.";
    let rows = tag("ul", "rows").add(rows.seal());
    vec![note(about).seal(), rows.seal(), none.seal(), form(desk, own)].seal()
}

fn named_row(url: &str) -> AnyView {
    tag("li", "row")
        .test("ice-named")
        .put(text("code", "address grow", url))
        .put(parts::pill(Meaning::Good, "named by the relay"))
        .seal()
}

fn own_row(desk: At, own: Memo<Vec<IceServer>>, server: IceServer) -> AnyView {
    let url = server.urls.join(", ");
    let (tried, removed) = (server.clone(), server.clone());
    let remove = move || {
        let mut servers = own.get_untracked();
        servers.retain(|known| *known != removed);
        set(desk, servers);
    };
    let attempt = button("ice-try", "button", "Try it", move || desk.try_server(tried.clone()));
    let attempt = attempt.set("aria-label", &format!("Try {url}"));
    let remove = button("ice-remove", "button quiet", "Remove", remove);
    let remove = remove.set("aria-label", &format!("Remove {url}"));
    let about = tag("div", "grow")
        .put(text("code", "address", &url))
        .put(trial(desk, move |tried| *tried == server));
    let row = tag("li", "row").test("ice-row").set("data-url", &url).put(about);
    row.put(tag("div", "actions").put(attempt).put(remove)).seal()
}

/// How the trial of a server stands, if the last one was of it.
fn trial(desk: At, is_it: impl Fn(&IceServer) -> bool + Send + 'static) -> Part {
    let words = move || {
        desk.trial.with(|trial| {
            let trial = trial.as_ref().filter(|trial| is_it(&trial.server));
            let words = trial.map(|trial| {
                let (meaning, words) = trial.words();
                parts::pill(meaning, &words)
            });
            words.into_iter().collect()
        })
    };
    tag("p", "small echo").set("role", "status").test("ice-tried").rows(words)
}

fn form(desk: At, own: Memo<Vec<IceServer>>) -> AnyView {
    let typed = RwSignal::new(Typed::default());
    let mistake: Mistake = RwSignal::new(None);
    let attempt = move || match typed.with_untracked(Typed::read) {
        Ok(server) => {
            mistake.set(None);
            desk.try_server(server);
        }
        Err(problem) => mistake.set(Some(problem)),
    };
    let is_turn = Memo::new(move |_| typed.with(Typed::is_turn));
    let secrets = live(move || if is_turn.get() { secrets(typed) } else { ().seal() });
    let is_listed = move |server: &IceServer| own.with_untracked(|own| own.contains(server));
    let told = move || mistake.with(|why| why.as_ref().map(|why| parts::told(why, "ice-mistake")));
    let add = text("button", "button", "Add").set("type", "submit").test("ice-add");
    let attempt = button("ice-try-typed", "button quiet", "Try it", attempt);
    tag("form", "")
        .set("novalidate", "")
        .put(field(typed, ADDRESS))
        .add(secrets.seal())
        .live(told)
        .put(tag("div", "actions").put(add).put(attempt))
        .put(trial(desk, move |server| !is_listed(server)))
        .on("submit", move |event| {
            event.prevent_default();
            match typed.with_untracked(|typed| typed.add(&own.get_untracked())) {
                Ok(servers) => {
                    mistake.set(None);
                    typed.set(Typed::default());
                    set(desk, servers);
                }
                Err(problem) => mistake.set(Some(problem)),
            }
        })
        .seal()
}

fn secrets(typed: RwSignal<Typed>) -> AnyView {
    tag("div", "fields").put(field(typed, USERNAME)).put(field(typed, CREDENTIAL)).seal()
}

/// A field of the form: its name, its tests' name, its kind, and its place.
type Field = (&'static str, &'static str, &'static str, fn(&mut Typed) -> &mut String);

const ADDRESS: Field = ("Address", "ice-url", "text", |typed| &mut typed.url);
const USERNAME: Field = ("Name", "ice-username", "text", |typed| &mut typed.username);
const CREDENTIAL: Field =
    ("Credential", "ice-credential", "password", |typed| &mut typed.credential);

fn field(typed: RwSignal<Typed>, (label, test, kind, place): Field) -> Part {
    let hint = if test == "ice-url" { "stun:stun.example.org:3478" } else { "" };
    let field = tag("input", "")
        .set("type", kind)
        .set("autocomplete", "off")
        .set("autocapitalize", "off")
        .set("spellcheck", "false")
        .set("maxlength", &ICE_BYTES_MAX.to_string())
        .set("placeholder", hint)
        .test(test)
        .hold("value", move || place(&mut typed.get()).clone())
        .read("input", move |words| typed.update(|typed| *place(typed) = words));
    labelled(label, field)
}

/// Shown at once; the ion's own word follows.
fn set(desk: At, servers: Vec<IceServer>) {
    desk.status.update(|status| status.ice_servers.clone_from(&servers));
    desk.post(Command::SetIceServers { servers });
}
