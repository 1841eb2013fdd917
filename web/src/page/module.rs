//! What a module is, as its inspection tells: kind, size, functions, the imports that
//! no ion offers, and what it is made of.

use spark_runtime::inspect::Inspection;

use super::{
    anatomy, parts,
    raw::{Part, tag, text},
};
use crate::model::{format, setup::functions, words::Meaning};

/// What the module is, under the name it goes by.
pub(crate) fn about(name: &str, inspection: &Inspection) -> Part {
    let refused: Vec<String> = inspection
        .imports
        .iter()
        .filter(|import| !import.offered)
        .map(|import| format!("{}.{}", import.module, import.name))
        .collect();
    let offered = inspection.imports.len() - refused.len();
    let exports: Vec<String> = functions(inspection).map(ToString::to_string).collect();
    let kind = match inspection {
        json if json.is_json_spark() => "a JSON spark",
        Inspection { is_command: true, .. } => "a WASI command",
        _ => "a library of functions",
    };
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
    let about = about.put(text("h2", "", name)).put_all(warning(&refused));
    let about = about.put_all(half(&inspection.lacks_of_json_spark())).put(facts);
    let about = match exports.as_slice() {
        [] => about,
        exports => about.put(text("p", "field-name", "Functions")).put(names(exports)),
    };
    about.put_all(anatomy::view(inspection))
}

/// What a module lacks that has some functions of a JSON spark.
fn half(lacking: &[String]) -> Option<Part> {
    let words = "It has some of the nine functions of a JSON spark. To be one, it lacks:";
    let half = tag("div", "refused").test("json-spark-lacks").put(text("p", "small", words));
    (!lacking.is_empty()).then(|| half.put(names(lacking)))
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
