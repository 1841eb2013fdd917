//! What a module is, as its inspection tells: kind, size, functions, and the
//! imports that no ion offers.

use spark_runtime::inspect::{Inspection, Signature};

use super::{
    parts,
    raw::{Part, tag, text},
};
use crate::model::{format, words::Meaning};

/// What the module is, under the name it goes by.
pub(crate) fn about(name: &str, inspection: &Inspection) -> Part {
    let refused: Vec<String> = inspection
        .imports
        .iter()
        .filter(|import| !import.offered)
        .map(|import| format!("{}.{}", import.module, import.name))
        .collect();
    let offered = inspection.imports.len() - refused.len();
    let exports: Vec<String> = named(inspection).map(signature).collect();
    let kind = if inspection.is_command { "a WASI command" } else { "a library of functions" };
    let memory = format!("starts with {}", format::bytes(inspection.memory_bytes));
    let facts = [
        ("Kind", kind),
        ("Size", &format::bytes(inspection.bytes)),
        ("Memory", &memory),
        ("Imports", &format!("{offered} offered, {} refused", refused.len())),
    ];
    let facts = facts.into_iter().fold(tag("dl", "facts"), |list, (name, fact)| {
        list.put(text("dt", "", name)).put(text("dd", "", fact))
    });
    let about = tag("section", "panel").set("aria-label", "The module").test("inspection");
    let about = about.put(text("h2", "", name)).put_all(warning(&refused)).put(facts);
    if exports.is_empty() {
        return about;
    }
    about.put(text("p", "field-name", "Functions")).put(names(&exports))
}

fn names(names: &[String]) -> Part {
    let name = |name: &String| tag("li", "").put(text("code", "", name));
    tag("ul", "names").put_all(names.iter().map(name))
}

fn warning(refused: &[String]) -> Option<Part> {
    let words = "It imports what no ion offers to guests. Build it without these, or for WASI \
                 preview 1:";
    let warning = tag("div", "refused").set("role", "alert").test("imports-refused");
    let warning = warning.put(parts::pill(Meaning::Bad, "cannot run here"));
    (!refused.is_empty()).then(|| warning.put(text("p", "small", words)).put(names(refused)))
}

/// Functions that are meant to be called: compilers mark their own with `__`.
pub(crate) fn named(inspection: &Inspection) -> impl Iterator<Item = &Signature> {
    inspection.exports.iter().filter(|export| !export.name.starts_with("__"))
}

/// A function as one line: its name, parameters and results.
pub(crate) fn signature(export: &Signature) -> String {
    let results = match export.results.as_slice() {
        [] => String::new(),
        results => format!(" → {}", results.join(", ")),
    };
    format!("{}({}){results}", export.name, export.parameters.join(", "))
}
