//! The rules of the house that a compiler does not know: the ladder of rooms,
//! the size of files, where platform `cfg` may stand, what may not be written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{Outcome, fail};

/// This file, which names what is forbidden elsewhere.
const TIDY: &str = "xtask/src/tidy.rs";
/// A file's length, in lines.
const LINES_MAX: usize = 600;

/// The rooms of `node-core`, from the bottom up; rooms on one floor do not
/// know each other, and nobody knows a room above.
const FLOORS: [&[&str]; 7] = [
    &["codec"],
    &["platform"],
    &["identity"],
    &["store", "network", "compute"],
    &["records"],
    &["node"],
    &["sim"],
];

/// What one room takes from its neighbour on the same floor, and why:
/// a room's limit on frames is the limit on what it carries.
const NEIGHBOURLY: [(&str, &str); 3] = [
    ("network/wire.rs", "crate::compute::wire::MESSAGE_BYTES_MAX"),
    ("network/wire.rs", "crate::store::exchange::wire::FRAME_BYTES_MAX"),
    ("network/wire.rs", "crate::store::kv::wire::FRAME_BYTES_MAX"),
];

/// Checks every Rust file of the checkout.
pub(crate) fn tidy(root: &Path) -> Outcome {
    let mut broken = Vec::new();
    for file in sources(root) {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        broken.extend(faults(&name, &text));
    }
    if broken.is_empty() { Ok(()) } else { fail(broken.join("\n")) }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "dist" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{name}: {lines} lines are more than {LINES_MAX}; split the room"));
    }
    if name.ends_with("/mod.rs") {
        faults.push(format!("{name}: a room's façade is foo.rs beside foo/, not foo/mod.rs"));
    }
    if !text.starts_with("//!") && !text.starts_with("#![doc") && !name.ends_with("/tests.rs") {
        faults.push(format!("{name}: a module opens with what it is for (`//!`)"));
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", number + 1);
        let next = text.lines().nth(number + 1).unwrap_or_default();
        let after = text.lines().nth(number + 2).unwrap_or_default();
        faults.extend(ladder(name, &at, line));
        faults.extend(platform(name, &at, line, next, after));
        faults.extend(words(name, &at, line));
    }
    faults
}

/// No room may know one above it, or beside it.
fn ladder(name: &str, at: &str, line: &str) -> Option<String> {
    let inside = name.strip_prefix("node-core/src/")?;
    let room = inside.split(['/', '.']).next()?;
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room))?;
    let code = line.split("//").next().unwrap_or_default();
    let known = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(height, rooms)| rooms.iter().map(move |other| (height, *other)));
    for (height, other) in known {
        let path = format!("crate::{other}");
        let is_used = code
            .match_indices(&path)
            .any(|(position, _)| code[position + path.len()..].starts_with([':', ';', ',']))
            || is_in_use_list(code, other);
        let is_allowed = other == room || height < floor;
        let is_neighbourly =
            NEIGHBOURLY.iter().any(|(file, what)| *file == inside && code.contains(what));
        if is_used && !is_allowed && !is_neighbourly {
            return Some(format!(
                "{at}: `{room}` may not know `{other}`, which is no floor below it"
            ));
        }
    }
    None
}

/// Lines such as `    node::{…},` inside a `use crate::{…}` that spans lines.
fn is_in_use_list(code: &str, room: &str) -> bool {
    let trimmed = code.trim_start();
    let is_indented = code.len() - trimmed.len() == 4;
    let rest = trimmed.strip_prefix(room).and_then(|rest| rest.strip_prefix("::"));
    is_indented && rest.is_some_and(|rest| rest.starts_with('{') || rest.ends_with(','))
}

/// Platform `cfg` stands only on `mod` lines, with a `#[path]` between at most.
fn platform(name: &str, at: &str, line: &str, next: &str, after: &str) -> Option<String> {
    // Guests are programs of their own; this file names what it looks for.
    if name.starts_with("examples/") || name == TIDY {
        return None;
    }
    let code = line.trim();
    let asks = ["target_arch", "target_family", "target_os", "cfg(unix)", "cfg(not(unix))"]
        .iter()
        .any(|what| code.contains(what));
    if !asks || !code.starts_with('#') && !code.contains("cfg!(") {
        return None;
    }
    let is_mod = |line: &str| line.trim().trim_start_matches("pub ").starts_with("mod ");
    let is_twin = is_mod(next) || next.trim().starts_with("#[path") && is_mod(after);
    let is_seam = code.starts_with("#[cfg(") && is_twin || code.starts_with("#![cfg(");
    if is_seam { None } else { Some(format!("{at}: platform cfg stands only on `mod` lines")) }
}

/// Words that are not to be committed.
fn words(name: &str, at: &str, line: &str) -> Option<String> {
    if name == TIDY {
        return None;
    }
    let banned = ["todo!(", "unimplemented!(", "dbg!("];
    let found = banned.iter().find(|word| line.contains(**word))?;
    Some(format!("{at}: `{found}…)` is not finished work"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(name: &str, text: &str) -> String {
        faults(name, text).into_iter().next().unwrap_or_default()
    }

    #[test]
    fn the_checkout_is_tidy() {
        if let Err(faults) = tidy(&crate::shell::root()) {
            panic!("{faults}");
        }
    }

    #[test]
    fn a_room_may_not_look_up_or_sideways() {
        let up = "//! x\nuse crate::node::JobId;\n";
        assert!(first("node-core/src/compute/wire.rs", up).contains("may not know `node`"));
        let listed = "//! x\nuse crate::{\n    node::{Event},\n};\n";
        assert!(first("node-core/src/compute/wire.rs", listed).contains("`node`"));
        let sideways = "//! x\nuse crate::network::links;\n";
        assert!(first("node-core/src/compute/wire.rs", sideways).contains("`network`"));
        let down = "//! x\nuse crate::{compute::wire, platform::Time};\n";
        assert_eq!(first("node-core/src/node/run.rs", down), "");
    }

    #[test]
    fn platform_cfg_stands_on_mod_lines_only() {
        let twin = "//! x\n#[cfg(target_arch = \"wasm32\")]\n#[path = \"a.rs\"]\nmod host;\n";
        assert_eq!(first("web/src/a.rs", twin), "");
        let field = "//! x\n#[cfg(target_arch = \"wasm32\")]\nlet a = 1;\n";
        assert!(first("web/src/a.rs", field).contains("platform cfg"));
        let test = "//! x\nif cfg!(target_arch = \"wasm32\") {}\n";
        assert!(first("web/src/a.rs", test).contains("platform cfg"));
    }

    #[test]
    fn long_files_and_undocumented_ones_are_named() {
        let long = format!("//! x\n{}", "\n".repeat(LINES_MAX));
        assert!(first("web/src/a.rs", &long).contains("split the room"));
        assert!(first("web/src/a.rs", "fn a() {}").contains("opens with what it is for"));
        assert!(first("web/src/a/mod.rs", "//! x").contains("façade"));
    }
}
