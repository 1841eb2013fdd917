//! Mail: letters to ions that may be away, and those that came.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::{
    Command,
    mail::{
        Enclosed, FILES_BYTES_MAX, LetterState, LetterText, LetterView, News, TEXT_BYTES_MAX, Wish,
    },
};
use wasm_bindgen::JsCast;
use web_sys::{File, HtmlInputElement};

use super::{
    browser,
    desk::{At, Desk},
    parts,
    raw::{Part, button, effect, labelled, note, tag, text},
    sealed::{Seal, live},
};
use crate::model::{
    format,
    mail::{self, Draft, Mail, Sent},
    words::Meaning,
};

/// How often the times in the list are written anew, in milliseconds.
const TICK_MS: u64 = 15_000;
/// Rows that are drawn at most.
const ROWS_MAX: usize = 300;
/// What holds for every letter.
const HOLDS: &str = "Only the addressee can read it. Every ion of this nebula carries it, and it \
                     waits for 30 days, though this tab is closed.";

impl Desk {
    /// Takes what the ion tells of letters.
    pub(super) fn mail_told(&self, news: News) {
        let is_letter = matches!(news, News::Letter { .. });
        let wish = self.mail.update(|mail| mail.take(news));
        self.ask_mail(wish);
        if is_letter {
            request_animation_frame(|| {
                browser::focus("[data-test=\"mail-letter\"]");
            });
        }
    }

    fn ask_mail(&self, wish: Option<Wish>) {
        if let Some(wish) = wish {
            self.post(Command::Mail(wish));
        }
    }

    fn draft(&self, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = &mut self.mail.quietly().draft {
            change(draft);
        }
    }
}

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let write = button("mail-write", "button primary", "Write a letter", move || {
        write_to(desk, String::new());
    });
    let about = "Letters to ions of this nebula, also to those that are away.";
    let is_writing = Memo::new(move |_| desk.mail.read().draft.is_some());
    let form = live(move || if is_writing.get() { form(desk) } else { ().seal() });
    let ticks = parts::ticking(TICK_MS);
    let letters = Memo::new(move |_| {
        let mail = desk.mail.read();
        mail.is_listed.then(|| mail.letters.clone())
    });
    let list = live(move || letters.with(|letters| list(desk, letters.as_deref(), ticks)));
    let open = Memo::new(move |_| desk.mail.read().open.clone());
    let open = live(move || {
        open.with(|open| {
            open.as_ref().map_or_else(|| ().seal(), |letter| opened(desk, letter, ticks))
        })
    });
    let became = Memo::new(move |_| desk.mail.read().sent.clone());
    tag("div", "contents")
        .put(parts::head("Mail", about, Some(write)))
        .add(form.seal())
        .add(live(move || became.with(sent)).seal())
        .add(open.seal())
        .add(list.seal())
        .seal()
}

/// How many letters came and were not read, at the page's entry in the rail. It
/// stands as long as the page does, and asks for the letters of each nebula.
pub(crate) fn unread(desk: At) -> AnyView {
    let nebula = Memo::new(move |_| {
        desk.status.with(|status| status.nebula.as_ref().map(|nebula| nebula.id.clone()))
    });
    effect(move || {
        desk.ion_started_ms.track();
        if nebula.with(Option::is_some) {
            let wish = desk.mail.update(|mail| {
                mail.close();
                mail.list()
            });
            desk.ask_mail(Some(wish));
        }
    });
    let unread = Memo::new(move |_| desk.mail.read().unread);
    let badge = live(move || match unread.get() {
        0 => ().seal(),
        count => text("span", "badge unread", &count.to_string())
            .test("mail-unread")
            .put(text("span", "hidden", " unread"))
            .seal(),
    });
    badge.seal()
}

fn write_to(desk: At, to: String) {
    desk.mail.update(|mail| {
        mail.close();
        let draft = mail.draft.get_or_insert_default();
        if !to.is_empty() {
            draft.to = to;
        }
        mail.sent = Sent::Nothing;
    });
}

fn list(desk: At, letters: Option<&[LetterView]>, ticks: ReadSignal<u64>) -> AnyView {
    let shown = letters.unwrap_or_default();
    if shown.is_empty() {
        let (title, words) = if letters.is_some() {
            ("No letters yet", HOLDS)
        } else {
            ("Reading", "What this ion holds is read from its disk.")
        };
        return parts::empty(title, words, None).seal();
    }
    let rows = shown.iter().take(ROWS_MAX).map(|letter| row(desk, letter, ticks));
    tag("ul", "panel rows mail-list").put_all(rows).seal()
}

fn row(desk: At, letter: &LetterView, ticks: ReadSignal<u64>) -> Part {
    let id = letter.id.clone();
    let open = button("mail-open", "mail-letter", "", move || {
        let wish = desk.mail.quietly().open(&id);
        desk.ask_mail(Some(wish));
    });
    let enclosed = match letter.files {
        0 => String::new(),
        count => format!(" · {}", format::counted(count.into(), "file")),
    };
    let begins = if letter.preview.is_empty() { "(no text)" } else { &letter.preview };
    let open = open.put(text("span", "row-name", &who(letter))).put(text(
        "span",
        "mail-begins muted",
        &format!("{begins}{enclosed}"),
    ));
    let (meaning, words) = mail::standing(letter);
    let about = tag("div", "mail-state").put(parts::pill(meaning, &words)).put(when(letter, ticks));
    tag("li", "row")
        .test("mail-row")
        .set("data-id", &letter.id)
        .set("data-state", mail::key(letter.state))
        .put(open)
        .put(about)
}

/// Who it is from, or for.
fn who(letter: &LetterView) -> String {
    match letter.state {
        LetterState::New | LetterState::Read => letter.other_name.clone(),
        LetterState::Waits | LetterState::Taken | LetterState::Ended => {
            format!("To {}", letter.other_name)
        }
    }
}

fn when(letter: &LetterView, ticks: ReadSignal<u64>) -> Part {
    let at_ms = letter.at_ms;
    tag("span", "small muted").set("title", &browser::date(at_ms)).words(move || {
        ticks.track();
        format::ago(browser::wall_ms().saturating_sub(at_ms))
    })
}

fn sent(sent: &Sent) -> AnyView {
    let words = match sent {
        Sent::Nothing => return ().seal(),
        Sent::Writing => parts::pill(Meaning::Waiting, "Being sealed and kept"),
        Sent::Unknown => {
            parts::pill(Meaning::Waiting, "The ion was started again: whether it was kept is read")
        }
        Sent::Kept => parts::pill(Meaning::Good, "Sent: kept here, and given to every ion"),
        Sent::Refused(problem) => parts::told(problem, "mail-mistake"),
    };
    tag("div", "row").set("role", "status").test("mail-sent").put(words).seal()
}

/// The letter that is open.
fn opened(desk: At, letter: &LetterText, ticks: ReadSignal<u64>) -> AnyView {
    let LetterText { view, text: words, files } = letter;
    let (meaning, standing) = mail::standing(view);
    let about = tag("div", "row")
        .put(text("h2", "grow", &who(view)).set("title", &view.other))
        .put(when(view, ticks))
        .put(parts::pill(meaning, &standing));
    let letter = tag("section", "panel mail-opened")
        .set("aria-label", "Letter")
        .set("tabindex", "-1")
        .test("mail-letter")
        .set("data-id", &view.id)
        .put(about)
        .put(text("p", "mail-text", words).test("mail-letter-text"));
    let letter = if files.is_empty() {
        letter
    } else {
        letter.put(tag("ul", "rows").put_all(files.iter().map(enclosed)))
    };
    letter.put(actions(desk, view)).seal()
}

fn actions(desk: At, view: &LetterView) -> Part {
    let close = button("mail-close", "button quiet", "Close", move || {
        desk.mail.update(Mail::close);
    });
    let other = view.other.clone();
    let actions = tag("div", "actions");
    let actions = match view.state {
        LetterState::New | LetterState::Read => {
            let answer = move || write_to(desk, other.clone());
            actions.put(button("mail-answer", "button primary", "Answer", answer))
        }
        LetterState::Waits | LetterState::Taken | LetterState::Ended => actions,
    };
    actions.add(discard(desk, view)).put(close)
}

/// Throws it away, once that was said twice.
fn discard(desk: At, view: &LetterView) -> AnyView {
    let asking = RwSignal::new(false);
    let id = view.id.clone();
    let (word, sure) = if view.state == LetterState::Waits {
        ("Take back", format!("Take it back; {} will not get it", view.other_name))
    } else {
        ("Discard", "Discard it for good".to_owned())
    };
    let shown = live(move || {
        if !asking.get() {
            return button("mail-discard", "button quiet", word, move || asking.set(true)).seal();
        }
        let id = id.clone();
        let discard = move || {
            let wish = desk.mail.update(|mail| mail.discard(&id));
            desk.ask_mail(Some(wish));
        };
        button("mail-discard-sure", "button danger", &sure, discard).seal()
    });
    shown.seal()
}

fn enclosed(file: &Enclosed) -> Part {
    let kept = file.clone();
    let save = move || browser::download(&kept.name, &kept.bytes);
    let save = button("mail-download", "button", "Download", save);
    file_row(file).put(save.set("aria-label", &format!("Download {}", file.name)))
}

fn file_row(file: &Enclosed) -> Part {
    tag("li", "row")
        .test("mail-enclosed")
        .put(text("span", "grow mail-file", &file.name))
        .put(text("span", "small muted", &format::bytes(file.bytes.len() as u64)))
}

/// The form that a letter is written in.
fn form(desk: At) -> AnyView {
    let known = Memo::new(move |_| addressees(desk));
    let first = desk.mail.now().draft.as_ref().map_or(String::new(), |draft| draft.text.clone());
    let words = text("textarea", "", &first)
        .set("rows", "6")
        .set("maxlength", &TEXT_BYTES_MAX.to_string())
        .test("mail-text")
        .read("input", move |words| desk.draft(|draft| draft.text = words));
    let send = text("button", "button primary", "Send").set("type", "submit").test("mail-send");
    let send = send.follow("disabled", move || desk.mail.read().is_sending().then(String::new));
    let cancel = button("mail-cancel", "button quiet", "Throw away", move || {
        desk.mail.update(|mail| (mail.draft, mail.sent) = (None, Sent::Nothing));
    });
    tag("form", "panel data-form")
        .test("mail-form")
        .add(live(move || addressee(desk, &known.get())).seal())
        .put(labelled("What it says", words))
        .add(live(move || enclosures(desk)).seal())
        .put(note(HOLDS))
        .put(tag("div", "actions").put(send).put(cancel))
        .on("submit", move |event| {
            event.prevent_default();
            let wish = desk.mail.update(Mail::send);
            desk.ask_mail(wish);
        })
        .seal()
}

/// Ions that a letter can go to, by id and name: those here, and those that
/// letters came from or went to.
fn addressees(desk: At) -> Vec<(String, String)> {
    let here = desk
        .ions
        .with(|ions| ions.iter().map(|ion| (ion.id.clone(), ion.name.clone())).collect::<Vec<_>>());
    let mail = desk.mail.read();
    let away = mail.letters.iter().filter(|letter| here.iter().all(|(id, _)| *id != letter.other));
    let away = away.map(|letter| (letter.other.clone(), format!("{} (away)", letter.other_name)));
    let mut away: Vec<(String, String)> = away.collect();
    ion_map::sort(&mut away);
    away.dedup();
    here.into_iter().chain(away).collect()
}

fn addressee(desk: At, known: &[(String, String)]) -> AnyView {
    let to = desk.mail.now().draft.as_ref().map(|draft| (draft.to.clone(), draft.is_typed));
    let (to, was_typed) = to.unwrap_or_default();
    let is_known = known.iter().any(|(id, _)| *id == to);
    let is_typed = RwSignal::new(was_typed || (!to.is_empty() && !is_known));
    let option = |value: &str, words: &str, is_chosen: bool| {
        let option = text("option", "", words).set("value", value);
        if is_chosen { option.set("selected", "") } else { option }
    };
    let ions = known.iter().map(|(id, name)| {
        let words = format!("{name} – {}", format::short_id(id));
        option(id, &words, !is_typed.get_untracked() && *id == to)
    });
    let field = tag("select", "")
        .test("mail-to")
        .put(option("", "Choose an ion", to.is_empty()))
        .put_all(ions)
        .put(option("id", "Another one, by its id", is_typed.get_untracked()))
        .read("change", move |chosen| {
            let is_other = chosen == "id";
            desk.draft(|draft| {
                draft.is_typed = is_other;
                draft.to = if is_other { String::new() } else { chosen };
            });
            is_typed.set(is_other);
        });
    let typed = live(move || {
        if !is_typed.get() {
            return ().seal();
        }
        let id = desk.mail.now().draft.as_ref().map_or(String::new(), |draft| draft.to.clone());
        let field = tag("input", "")
            .set("type", "text")
            .set("autocomplete", "off")
            .set("autocapitalize", "off")
            .set("spellcheck", "false")
            .set("maxlength", "80")
            .set("value", &id)
            .test("mail-id")
            .read("input", move |id| desk.draft(|draft| draft.to = id));
        labelled("Its id, as Settings shows it there", field).seal()
    });
    tag("div", "fields").put(labelled("To", field)).add(typed.seal()).seal()
}

/// What is enclosed in the letter that is written, and how to enclose more.
fn enclosures(desk: At) -> AnyView {
    let mail = desk.mail.read();
    let Some(draft) = &mail.draft else { return ().seal() };
    let rows = draft.files.iter().enumerate().map(|(at, file)| {
        let remove = button("mail-remove", "button quiet", "Remove", move || {
            desk.mail.update(|mail| {
                if let Some(draft) = &mut mail.draft {
                    draft.files.remove(at);
                }
            });
        });
        file_row(file).put(remove.set("aria-label", &format!("Remove {}", file.name)))
    });
    let field = tag("input", "").set("type", "file").set("multiple", "").test("mail-file");
    let input: HtmlInputElement = field.element().clone().unchecked_into();
    let field = field.on("change", move |_| {
        let Some(files) = input.files() else { return };
        for file in (0..files.length()).filter_map(|at| files.get(at)) {
            spawn_local(enclose(desk, file));
        }
    });
    let files = tag("div", "contents").put(labelled("Enclose files", field));
    let files = files.put(note(&mail::room()));
    if draft.files.is_empty() {
        return files.seal();
    }
    files.put(tag("ul", "rows").put_all(rows)).seal()
}

async fn enclose(desk: At, file: File) {
    let read = browser::read(&file, FILES_BYTES_MAX).await;
    desk.mail.update(|mail| {
        let Some(draft) = &mut mail.draft else { return };
        let result = match read {
            Ok(bytes) => draft.enclose(Enclosed {
                name: file.name(),
                media_type: file.type_(),
                bytes: bytes.into(),
            }),
            Err(_) => Err(mail::too_large(&file.name())),
        };
        mail.sent = result.map_or_else(Sent::Refused, |()| Sent::Nothing);
    });
}
