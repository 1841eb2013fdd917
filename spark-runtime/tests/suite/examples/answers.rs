//! What whole jobs of examples answer, against what is known of their answers.

use spark_runtime::{Limits, Module};

use super::load;
use crate::guests::{command, run_module, still};

/// What a command writes that succeeds.
fn output(module: &Module, arguments: &[&str]) -> Vec<u8> {
    let report = run_module(module, &command(arguments, ""), &Limits::default(), still);
    assert_eq!(report.stop, None, "{arguments:?}");
    report.stdout
}

/// The same as text.
fn text(module: &Module, arguments: &[&str]) -> String {
    String::from_utf8(output(module, arguments)).expect("it writes text")
}

#[test]
fn the_points_inside_are_as_many_whatever_the_split() {
    let module = load("monte-carlo");
    let sum = |chunks: u32, points: &str| -> u32 {
        let count = |chunk: u32| text(&module, &[&chunk.to_string(), points, "1"]);
        (0..chunks).map(|chunk| count(chunk).trim_end().parse::<u32>().expect("a count")).sum()
    };
    assert_eq!(sum(10, "1000"), 7_869);
    assert_eq!(sum(100, "100"), 7_869);
    assert_eq!(sum(1, "10000"), 7_869);
}
