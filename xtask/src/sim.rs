//! `cargo xtask sim`: the simulator's runs, as many as wanted, or one again; of
//! whole nodes, with `--mesh` of whole meshes by the thousand, or with
//! `--overlay` of overlays alone.

use crate::shell::{Outcome, command, fail, run};

/// Seeds when none are asked for.
const SEEDS: &str = "200";
/// Ions of a run of meshes or overlays when no number is asked for.
const IONS: &str = "1000";
const USAGE: &str = "`cargo xtask sim` takes `--mesh` or `--overlay` if wanted, after either \
                     `--ions N` if wanted, then `--seeds N` or `--seed S`";

/// Runs `--seeds N` seeds from 0, or only `--seed S`. Anything else is refused.
pub(crate) fn sim(arguments: &[String]) -> Outcome {
    let (target, case, arguments) = match arguments {
        [flag, rest @ ..] if flag == "--mesh" => ("mesh", "a_thousand_meshes", rest),
        [flag, rest @ ..] if flag == "--overlay" => ("mesh", "a_thousand_links", rest),
        all => ("simulator", "a_hundred_ions", all),
    };
    let (ions, arguments) = match arguments {
        [flag, ions, rest @ ..] if flag == "--ions" && target == "mesh" => (ions.as_str(), rest),
        all => (IONS, all),
    };
    let (name, value) = match arguments {
        [] => ("SIM_SEEDS", SEEDS),
        [flag, count] if flag == "--seeds" => ("SIM_SEEDS", count.as_str()),
        [flag, seed] if flag == "--seed" => ("SIM_SEED", seed.as_str()),
        _ => return fail(USAGE),
    };
    for number in [value, ions] {
        if number.parse::<u64>().is_err() {
            return fail(format!("\"{number}\" is no whole number; {USAGE}"));
        }
    }
    let test = ["test", "-p", "node-core", "--test", target, case, "--", "--nocapture"];
    run(command("cargo", &test).env(name, value).env("SIM_IONS", ions))
}
