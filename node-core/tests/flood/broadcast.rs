//! One speaker, everybody else listens: nobody misses anything, and it costs
//! little.

use node_core::sim::flood::{
    Options,
    speech::{Outcome, speak},
};

/// Links that the last delivery may have crossed (goal of the project).
const HOPS_MAX: u16 = 15;

fn spoken(options: Options) -> Outcome {
    let outcome = speak(options).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(outcome.missed, 0, "seed {}", options.seed);
    outcome
}

fn show(name: &str, outcome: &Outcome) {
    println!(
        "{name}: last delivery after {} links, redundancy {:.3}, {:.1} frames and {:.0} bytes \
         per ion and rumour",
        outcome.hops, outcome.redundancy, outcome.frames, outcome.bytes
    );
}

#[test]
fn a_rumour_costs_an_ion_the_same_at_a_hundred_and_at_a_thousand() {
    let mut costs = Vec::new();
    for ions in [100, 1_000] {
        let outcome = spoken(Options { ions, seed: 1, loss_permille: 0, churn_per_minute: 0 });
        show(&format!("{ions} ions"), &outcome);
        assert!(outcome.hops <= HOPS_MAX, "{} links", outcome.hops);
        assert!(outcome.redundancy <= 0.2, "{}", outcome.redundancy);
        costs.push(outcome.frames);
    }
    assert!(costs[1] <= 1.2 * costs[0], "{costs:?}");
}

#[test]
fn nobody_misses_anything_under_loss_and_churn() {
    for (seed, loss_permille, churn) in [(1, 10, 0), (2, 50, 0), (3, 10, 300), (4, 50, 300)] {
        let options = Options { ions: 1_000, seed, loss_permille, churn_per_minute: churn };
        let outcome = spoken(options);
        show(&format!("loss {loss_permille} ‰, {churn} of 1,000 leave a minute"), &outcome);
        let redundancy_max = match (loss_permille, churn) {
            (..=10, 0) => 0.2,
            (..=10, _) => 0.4,
            (_, 0) => 0.5,
            (_, _) => 0.7,
        };
        assert!(outcome.redundancy <= redundancy_max, "{}", outcome.redundancy);
    }
}
