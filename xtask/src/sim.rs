//! `cargo xtask sim`: the simulator's runs, as many as wanted, or one again; of
//! whole nodes, with `--mesh` of whole meshes by the thousand, with `--overlay` of
//! overlays and routing alone, with `--kv` of the shared memory alone, with
//! `--files` of whole nodes whose users bring files in, or with `--trust` of whole
//! nodes of which some lie.

use crate::shell::{Outcome, command, fail, run};

/// Seeds when none are asked for.
const SEEDS: &str = "200";
const USAGE: &str = "`cargo xtask sim` takes `--mesh`, `--overlay`, `--kv`, `--files` or \
                     `--trust` if wanted, after each `--ions N` if wanted, then `--seeds N` or `--seed S`";

/// Runs `--seeds N` seeds from 0, or only `--seed S`. Anything else is refused.
pub(crate) fn sim(arguments: &[String]) -> Outcome {
    // The test that runs the seeds, and its ions when no number is asked for.
    let (target, case, ions, arguments) = match arguments {
        [flag, rest @ ..] if flag == "--mesh" => ("mesh", "a_thousand_meshes", "1000", rest),
        [flag, rest @ ..] if flag == "--overlay" => ("mesh", "a_thousand_links", "1000", rest),
        [flag, rest @ ..] if flag == "--files" => {
            ("simulator", "fifty_ions_keep_their_files", "50", rest)
        }
        [flag, rest @ ..] if flag == "--trust" => {
            ("simulator", "liars_cost_work_and_no_result", "40", rest)
        }
        [flag, rest @ ..] if flag == "--kv" => ("kv", "all_replicas_agree", "50", rest),
        all => ("simulator", "a_hundred_ions", "", all),
    };
    let (ions, arguments) = match arguments {
        [flag, wanted, rest @ ..] if flag == "--ions" && !ions.is_empty() => {
            (wanted.as_str(), rest)
        }
        all => (ions, all),
    };
    let (name, value) = match arguments {
        [] => ("SIM_SEEDS", SEEDS),
        [flag, count] if flag == "--seeds" => ("SIM_SEEDS", count.as_str()),
        [flag, seed] if flag == "--seed" => ("SIM_SEED", seed.as_str()),
        _ => return fail(USAGE),
    };
    for number in [value, ions] {
        if !number.is_empty() && number.parse::<u64>().is_err() {
            return fail(format!("\"{number}\" is no whole number; {USAGE}"));
        }
    }
    let test = ["test", "-p", "node-core", "--test", target, case, "--", "--nocapture"];
    let mut seeds = command("cargo", &test);
    seeds.env(name, value);
    if !ions.is_empty() {
        seeds.env("SIM_IONS", ions);
    }
    run(&mut seeds)
}
