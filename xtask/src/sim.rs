//! `cargo xtask sim`: the simulator's runs, as many as wanted, or one again; of
//! whole nodes, or with `--mesh` of the overlay by the thousand.

use crate::shell::{Outcome, command, fail, run};

/// Seeds when none are asked for.
const SEEDS: &str = "200";

/// Runs `--seeds N` seeds from 0, or only `--seed S`, after `--mesh` those of the
/// mesh. Anything else is refused.
pub(crate) fn sim(arguments: &[String]) -> Outcome {
    let (target, case, arguments) = match arguments {
        [flag, rest @ ..] if flag == "--mesh" => ("mesh", "a_thousand_links", rest),
        all => ("simulator", "a_hundred_ions", all),
    };
    let (name, value) = match arguments {
        [] => ("SIM_SEEDS", SEEDS),
        [flag, count] if flag == "--seeds" => ("SIM_SEEDS", count.as_str()),
        [flag, seed] if flag == "--seed" => ("SIM_SEED", seed.as_str()),
        _ => {
            return fail(
                "`cargo xtask sim` takes `--seeds N` or `--seed S`, after `--mesh` if wanted",
            );
        }
    };
    if value.parse::<u64>().is_err() {
        return fail(format!("\"{value}\" is no whole number; try `cargo xtask sim --seeds 200`"));
    }
    let test = ["test", "-p", "node-core", "--test", target, case, "--", "--nocapture"];
    run(command("cargo", &test).env(name, value))
}
