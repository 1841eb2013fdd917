//! What is said to people when something is wrong: what happened, why, what to
//! do. All of it stands here, so that it sounds like one voice.

use spark_runtime::{Stop, inspect::Import};

use super::event::Problem;
use crate::{
    compute::{spec::InputsError, wire::Refusal},
    identity::{InvitationError, NAME_CHARS_MAX, slot::Notice},
    network::{
        bootstrap::{ICE_SERVERS_MAX, IceError},
        pairing, rooms,
        ways::Way,
    },
    platform::storage,
    store::{kv::machine as kv, library, mail},
};

pub(super) fn no_bootstrap(why: &str) -> Problem {
    problem(
        "No relay told this tab where to join.",
        why,
        "It is asked again every few seconds. If you run the relay, see whether it is up; \
         otherwise check this device's network.",
    )
}

pub(super) fn no_such_record() -> Problem {
    problem(
        "The job was not opened.",
        "What names its owner is no ion's id.",
        "Choose it from the list of jobs that the nebula keeps.",
    )
}

pub(super) fn no_open_nebula() -> Problem {
    problem(
        "This relay has no open nebula.",
        "Its operator turned that off, so only invitations lead to others.",
        "Open an invitation link, or press Invite to make a nebula of your own.",
    )
}

/// `is_nowhere` is whether this tab belongs to no nebula now.
pub(super) fn bad_invitation(why: InvitationError, is_nowhere: bool) -> Problem {
    let remedy = match why {
        InvitationError::Version { .. } => {
            "Reload the page to get its newest version, then open the link again."
        }
        _ => "Ask for the link again and copy the whole of it.",
    };
    let meanwhile = "This tab is in no nebula until then; Settings leads to the relay's open one.";
    let remedy = if is_nowhere { format!("{remedy} {meanwhile}") } else { remedy.to_owned() };
    problem("This invitation cannot be read.", &sentence(&why), &remedy)
}

pub(super) fn no_nebula(why: InvitationError) -> Problem {
    problem("The nebula could not be made.", &sentence(&why), "Choose another name.")
}

/// What is less than it should be about this ion's identity.
pub(super) fn notice(notice: &Notice) -> String {
    let remedy = match notice {
        Notice::NoSlot(_) => " Its relay's https address, if it has one, keeps it.",
        Notice::NoStorage(_) => " A window that is not private keeps it.",
        Notice::Replaced { .. } => "",
    };
    format!("{}{remedy}", sentence(notice))
}

pub(super) fn not_saved(why: &storage::Error) -> Problem {
    problem(
        "The settings could not be saved.",
        &sentence(why),
        "They hold until this tab is closed. Free some space for this site and change one again.",
    )
}

pub(super) fn no_disk(why: &storage::Error) -> Problem {
    problem(
        "What is written to the nebula's memory is not kept on this device.",
        &sentence(why),
        "It lasts as long as this tab, and in the other ions. Free some space for this site, or \
         leave the private window, and reload.",
    )
}

pub(super) fn not_kept(why: &storage::Error) -> Problem {
    problem(
        "What others write is not kept on this device at the moment.",
        &sentence(why),
        "It is tried again every few seconds; free some space for this site.",
    )
}

pub(super) fn decayed(count: usize) -> String {
    format!(
        "{count} records on this device's disk could not be read. What other ions hold of them \
         comes back by itself."
    )
}

pub(super) fn no_memory() -> Problem {
    problem(
        "Nothing was written.",
        "This tab is in no nebula yet.",
        "Wait until it has joined one, and try again.",
    )
}

pub(super) fn too_many_watches() -> Problem {
    problem(
        "Changes are not followed.",
        "This ion follows as many places of the nebula's memory as it may.",
        "Stop following another one, and try again.",
    )
}

pub(super) fn not_written(why: &kv::Error) -> Problem {
    let remedy = match why {
        kv::Error::Refused(_) => "Change it and try again.",
        kv::Error::Full => "Delete some entries of yours first; larger things belong in files.",
        kv::Error::Busy => "Wait for the writes before it to end, and try again.",
        kv::Error::Disk(_) => "Free some space for this site, and try again.",
    };
    problem("Nothing was written.", &sentence(why), remedy)
}

pub(super) fn not_brought_in(why: &library::Error) -> Problem {
    file_problem("The file was not brought in.", why)
}

pub(super) fn not_changed(why: &library::Error) -> Problem {
    file_problem("This was not done.", why)
}

pub(super) fn not_read(why: &library::Error) -> Problem {
    file_problem("The file cannot be read now.", why)
}

pub(super) fn not_listed(why: &library::Error) -> Problem {
    file_problem("This folder cannot be shown.", why)
}

fn file_problem(what: &str, why: &library::Error) -> Problem {
    use library::Error as Why;
    let remedy = match why {
        Why::Refused(_) => "Choose another name or place.",
        Why::Source(_) => "Choose the file again.",
        Why::Disk(_) => "Free some space for this site, or delete files here, and try again.",
        Why::Memory(_) => "Try again in a moment, or delete what the nebula needs no more.",
        Why::Nowhere => "Wait until an ion that has it is open again; then try again.",
        Why::NoFile => "Ask whoever brought it in to do so again.",
        Why::Busy => "Wait until something else has ended.",
        Why::Cancelled => "Begin again when you want it.",
    };
    problem(what, &sentence(why), remedy)
}

pub(super) fn not_sent(why: &mail::Refusal) -> Problem {
    problem(
        "The letter was not sent.",
        &sentence(why),
        "Choose whom it is for, and send what is larger through Files.",
    )
}

pub(super) fn files_lost() -> Problem {
    problem(
        "What this tab kept of the nebula's files is gone.",
        "The browser deleted this site's data.",
        "What others hold is copied here again where it is needed. Allow the site to keep its data \
         in Settings.",
    )
}

pub(super) fn too_many_pins() -> Problem {
    problem(
        "The file is not marked to be kept here.",
        "As many as can be are marked already.",
        "Take the mark off another one.",
    )
}

pub(super) fn bad_ice(why: IceError) -> Problem {
    problem(
        "The server was not taken.",
        &sentence(&why),
        "Write stun:HOST or turn:HOST, perhaps with a port, as its operator names it.",
    )
}

pub(super) fn too_many_ice() -> Problem {
    problem(
        "The server was not added.",
        &format!("A tab keeps at most {ICE_SERVERS_MAX} STUN and TURN servers."),
        "Remove one first; one or two that answer are enough.",
    )
}

pub(super) fn no_trial(why: &str) -> Problem {
    problem(
        "The server could not be tried.",
        &sentence(&why),
        "Try it again in a moment. If it stays so, this browser makes no direct connections.",
    )
}

pub(super) fn trial_replaced() -> Problem {
    problem("The trial ended early.", "Another server was tried meanwhile.", "Try it again.")
}

pub(super) fn bad_name() -> Problem {
    problem(
        "The name was not changed.",
        &format!("A name has 1 to {NAME_CHARS_MAX} visible characters."),
        "Choose a shorter or simpler one.",
    )
}

pub(super) fn too_many_jobs() -> Problem {
    problem(
        "The job was not started.",
        "This ion already runs as many jobs as it keeps.",
        "Wait for one to end, or cancel one, and run it again.",
    )
}

pub(super) fn bad_inputs(why: &InputsError) -> Problem {
    let remedy = match why {
        InputsError::Empty => "Give a range, some lines, or a file.",
        _ => "Split it into several jobs, or into smaller inputs.",
    };
    problem("The job was not started.", &sentence(why), remedy)
}

pub(super) fn refused(why: Refusal) -> Problem {
    let remedy = match why {
        Refusal::ModuleSize => "Build the module smaller, for example with wasm-opt -Os.",
        Refusal::LimitsTooHigh => "Ask for lower limits.",
        Refusal::Copies => "Ask for a number between these.",
        Refusal::EnvironmentTooLarge => "Give fewer or shorter ones.",
        Refusal::VariableName => "Give each variable a name of its own, of letters and digits.",
        Refusal::VariableValue => "Give it without.",
        _ => "Shorten them.",
    };
    problem("The job was not started.", &sentence(&why), remedy)
}

pub(super) fn cannot_run(stop: &Stop) -> Problem {
    let remedy = match stop {
        Stop::NotAModule { .. } => "Choose a .wasm file that a compiler made for WebAssembly.",
        Stop::ImportNotOffered { .. } => {
            "Build it for WASI preview 1 (wasm32-wasip1), or without imports."
        }
        Stop::NoSuchExport { .. } => "Choose one of the functions that it exports.",
        Stop::WrongArgument { .. } => {
            "Give a value of that type, or {} where the input is to stand."
        }
        Stop::WrongArgumentCount { .. } => {
            "Give one argument for each parameter, with {} for the input, or none at all to take \
             them from the input."
        }
        Stop::UnsupportedType { .. } => "Choose a function that takes and returns numbers.",
        Stop::NotAJsonSpark { .. } => "Export these functions too, or call it otherwise.",
        Stop::MemoryLimit { .. } => "Allow the tasks more memory.",
        Stop::WorkerLost { .. } => "Try again; if it happens again, reload the page.",
        _ => "See whether the file is the right one.",
    };
    let what = match stop {
        Stop::WrongArgument { .. } | Stop::WrongArgumentCount { .. } => "The job was not started.",
        _ => "This spark cannot run here.",
    };
    problem(what, &sentence(stop), remedy)
}

pub(super) fn cannot_compare(import: &Import) -> Problem {
    let Import { module, name, .. } = import;
    problem(
        "The job was not started.",
        &format!(
            "The results of this spark cannot be compared: what `{module}.{name}` answers may \
             differ from ion to ion."
        ),
        "Let each task run once, or build the spark without that import.",
    )
}

pub(super) fn bad_pairing(why: pairing::Error) -> Problem {
    use pairing::Error;
    let remedy = match why {
        Error::NotPairing | Error::TooLong | Error::Damaged | Error::Forged => {
            "Copy or scan the whole code once more."
        }
        Error::Version => "Reload both pages, so that both run the same version.",
        Error::IsAnswer | Error::IsOffer => "Take the other code of the two.",
        Error::TooOld { .. } | Error::UsedUp | Error::NoSuchOffer => {
            "Show a new code on one device and take it on the other."
        }
        Error::FromTheFuture { .. } => "Set both devices' clocks right, then show a new code.",
        Error::Own => "Take the code that the other device shows.",
        Error::OtherNebula => "Leave this nebula first, in Settings, or pair two tabs of one.",
    };
    problem("This code does not work here.", &sentence(&why), remedy)
}

pub(super) fn no_pairing(why: &str) -> Problem {
    problem(
        "No code could be made.",
        &sentence(&why),
        "Reload the page; if it happens again, try another browser.",
    )
}

pub(super) fn pairing_unmet(why: &str) -> Problem {
    problem(
        "The two devices did not connect.",
        &sentence(&why),
        "Bring both into one network, or let them meet at a relay.",
    )
}

pub(super) fn pairing_late() -> Problem {
    problem("The code is no longer good.", "Nobody took it in time.", "Show a new one.")
}

pub(super) fn not_said(room: &str, why: rooms::Error) -> Problem {
    problem(
        &format!("Nothing was done in the room “{room}”."),
        &sentence(&why),
        "Choose a shorter name or text, or leave another room first.",
    )
}

pub(super) fn no_echo() -> Problem {
    problem(
        "No answer came.",
        "No ion within reach knows a way to it, or it does not answer.",
        "It may have left; wait until it is listed again.",
    )
}

pub(super) fn no_such_ion() -> Problem {
    problem(
        "There is no such ion to ask.",
        "The id is this ion's own, or none at all.",
        "Choose another ion of the list.",
    )
}

fn problem(what: &str, why: &str, remedy: &str) -> Problem {
    Problem { what: what.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() }
}

/// An error's message as a sentence.
/// A reason that may be none, as a sentence.
pub(super) fn sentence_or_nothing(why: &str) -> String {
    if why.is_empty() { String::new() } else { sentence(&why.trim_end_matches('.')) }
}

fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    // No message of ours begins with a letter that takes the tables of Unicode.
    let first = characters.next().map(|first| first.to_ascii_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// A way to an ion, in a word.
pub(super) const fn way(way: Way) -> &'static str {
    match way {
        Way::Direct => "direct",
        Way::Relayed => "relayed",
    }
}
