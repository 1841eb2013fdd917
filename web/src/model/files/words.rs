//! How files are held, in words: copies, whether this tab may be closed, and
//! what this ion gives.

use node_core::node::files::{FileView, GIVE_MIB_MAX, GoalView, StoreView};

use crate::model::{
    format::{self, counted},
    words::Meaning,
};

/// Segments that are drawn at most; goals beyond it are said in words only.
pub const SEGMENTS_MAX: u32 = 8;

/// So many copies.
pub fn copies(count: u8) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

/// How many copies there should be, in words.
pub fn goal(goal: GoalView) -> String {
    let whence = if goal.is_own { "set here" } else { "as in its folder" };
    format!("{}, {whence}", copies(goal.copies))
}

/// How a file is held: what that means, in a word or two, and in a sentence.
/// `others` is how many other ions there are.
pub fn health(file: &FileView, others: usize) -> (Meaning, String, String) {
    let FileView { copies, goal, .. } = *file;
    let copied = match (copies, goal) {
        (1, 1) => "1 copy".to_owned(),
        _ if copies >= goal => format!("{copies} copies"),
        _ => format!("{copies} of {goal} copies"),
    };
    let (meaning, word) = if copies == 0 {
        (Meaning::Bad, "not whole".to_owned())
    } else if file.is_only_here && others > 0 {
        (Meaning::Bad, "only here".to_owned())
    } else if copies < goal {
        (Meaning::Waiting, copied.clone())
    } else {
        (Meaning::Good, copied.clone())
    };
    let being = if file.is_fetching { "; being copied" } else { "" };
    let mut said = format!("{copied} among the ions that are there");
    if copies == 0 {
        "No ion that is there has all of it; it is whole again when those come back"
            .clone_into(&mut said);
    }
    if file.here_bytes == file.bytes {
        said += "; all of it is here";
    } else if file.here_bytes > 0 {
        said = format!("{said}; {} here", format::part(file.here_bytes, file.bytes));
    }
    if file.is_only_here {
        said += "; a part of it is on this tab alone";
    }
    if file.loss_ppm > 0 {
        let percent = f64::from(file.loss_ppm) / 10_000.0;
        said = format!("{said}; {percent:.2} % risk that a part is lost before it is copied again");
    }
    (meaning, word + being, said + ".")
}

/// Whether this tab may be closed, in words. `name` is that of the only other
/// ion, if there is one.
pub fn closing(store: &StoreView, name: Option<&str>) -> (Meaning, String) {
    let others = counted(store.others.into(), "other");
    let alone = format::bytes(store.only_here_bytes);
    match (store.only_here_bytes, store.others) {
        (0, 0) => (Meaning::Good, "Safe to close: this tab holds nothing of files".to_owned()),
        (0, _) if store.held_bytes == 0 => {
            (Meaning::Good, "Safe to close: nothing of files is on this tab".to_owned())
        }
        (0, _) => (Meaning::Good, "Safe to close: others hold all that is here too".to_owned()),
        (_, 0) if store.is_kept => (
            Meaning::Waiting,
            format!(
                "{alone} are on this device alone, and stay on it; no other ion is there to copy them"
            ),
        ),
        (_, 0) => (
            Meaning::Bad,
            format!(
                "Keep open: {alone} are in this tab alone and end with it; no other ion is there to copy them"
            ),
        ),
        _ => (
            Meaning::Bad,
            format!(
                "Keep open: {alone} are on this tab alone; being copied to {}",
                name.unwrap_or(&others)
            ),
        ),
    }
}

/// Whether closing the page now would take files away from others.
pub fn holds_page(store: &StoreView) -> bool {
    store.only_here_bytes > 0 && store.others > 0
}

/// Whether the browser keeps what is stored: what that means, in a word, and in
/// a sentence. `None` where it does not say.
pub fn lasting(is_kept: Option<bool>) -> (Meaning, &'static str, &'static str) {
    match is_kept {
        Some(true) => {
            (Meaning::Good, "kept", "The browser keeps what is stored here until you delete it.")
        }
        Some(false) => (
            Meaning::Waiting,
            "may be cleared",
            "When the disk is short of space, the browser may clear what is stored here. It says \
             yes to sites that are used often, are installed, or are a bookmark.",
        ),
        None => (
            Meaning::Waiting,
            "not said",
            "The browser does not say whether it keeps what is stored here; over plain http it \
             never does.",
        ),
    }
}

/// Reads how much to give: a number of MiB, or of GiB, with up to two decimals.
///
/// # Errors
/// A sentence that says what to type.
pub fn give_mib(text: &str, is_gib: bool) -> Result<u32, &'static str> {
    const SAY: &str = "Type a number from 0 up to 1,024 GiB, with two decimals at most.";
    // In whole numbers: reading others would cost every visitor 8 KiB.
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || whole.len() > 8 || decimals.len() > 2 {
        return Err(SAY);
    }
    let hundredths = format!("{whole}{decimals:0<2}").parse::<u64>().map_err(|_| SAY)?;
    let mib = hundredths * if is_gib { 1_024 } else { 1 } / 100;
    u32::try_from(mib).ok().filter(|mib| *mib <= GIVE_MIB_MAX && !whole.is_empty()).ok_or(SAY)
}
