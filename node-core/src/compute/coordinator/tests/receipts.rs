//! Results and what is kept to show who returned them.

use super::*;
use crate::{
    compute::receipt::{Receipt, Refused, report_hash, verify_by},
    identity::Keys,
};

fn verify(bytes: &[u8]) -> Result<Receipt, Refused> {
    let keys = SimKeys::of(ion(9));
    verify_by(bytes, |by, bytes, signature| keys.verify(by, bytes, signature))
}

/// All receipts of what was told.
fn receipts(effects: &[Effect]) -> Vec<Receipt> {
    let mut all = Vec::new();
    for effect in effects {
        if let Effect::Results { results, .. } = effect {
            let bytes = results.iter().flat_map(|done| &done.receipts);
            all.extend(bytes.map(|bytes| verify(bytes).expect("it is signed")));
        }
    }
    all
}

#[test]
fn every_result_comes_with_a_receipt_that_names_what_was_run() {
    let mut coordinator = with_job(1, 4);
    assert_eq!(pull(&mut coordinator, 0, 1, 4).len(), 2);
    let message = returned(1, vec![(1, good(b"b")), (0, good(b"a"))]);
    let receipts = receipts(&say(&mut coordinator, 1, 1, message));
    assert_eq!(receipts.len(), 2);
    for (task, (receipt, output)) in (0..).zip(receipts.iter().zip([b"a", b"b"])) {
        let expected = Receipt {
            module: Hash::new(*blake3::hash(BINARY).as_bytes()),
            call: call_hash(&program(Trust::Once)),
            input: input_hash(task.to_string().as_bytes()),
            version: VERSION,
            fuel: 0,
            output: report_hash(&good(output)),
            ion: ion(1),
            owner: ion(OWN),
            job: JOB,
            task,
            at_ms: 5,
        };
        assert_eq!(*receipt, expected);
    }
}

#[test]
fn all_who_agree_answer_for_the_result() {
    let mut coordinator = with_trust(3, 1, Trust::Copies(2));
    for from in 1..=2 {
        pull(&mut coordinator, 0, from, 1);
    }
    result(&mut coordinator, 1, 1, 0, good(b"a"));
    let receipts = receipts(&result(&mut coordinator, 1, 2, 0, good(b"a")));
    assert_eq!(receipts.iter().map(|one| one.ion).collect::<Vec<_>>(), [ion(1), ion(2)]);
}

/// Each is signed for something else than what is returned with it.
#[test]
fn what_is_signed_for_something_else_is_an_offence() {
    let sign = |from: u8, task: u64, output: &[u8]| match returned(from, vec![(task, good(output))])
    {
        Message::Results { signed, .. } => signed.expect("it is signed"),
        _ => panic!("these are results"),
    };
    let mut later = sign(2, 0, b"a");
    later.at_ms += 1;
    let mut other_version = sign(2, 0, b"a");
    other_version.version += 1;
    let forged = [sign(2, 0, b"b"), sign(2, 1, b"a"), sign(1, 0, b"a"), later, other_version];
    for signed in forged {
        let mut coordinator = with_job(2, 1);
        pull(&mut coordinator, 0, 2, 1);
        pull(&mut coordinator, 0, 1, 1);
        let results = vec![(0, good(b"a"))];
        let message = Message::Results { job: JOB, results, signed: Some(signed) };
        let effects = say(&mut coordinator, 1, 2, message);
        assert!(effects.contains(&Effect::Offence(ion(2))));
        assert_eq!((told(&effects), given(&effects, 1)), (vec![], vec![0]), "others try");
    }
}

/// What an ion signed for one job is no receipt for the same work in another.
#[test]
fn what_was_signed_for_another_job_is_an_offence() {
    let mut coordinator = with_job(2, 1);
    let Message::Results { results, signed, .. } = returned(2, vec![(0, good(b"a"))]) else {
        panic!("these are results")
    };
    let (program, binary) = (program(Trust::Once), Arc::from(BINARY));
    let (module, inputs) = (*blake3::hash(BINARY).as_bytes(), Inputs::Range { first: 0, last: 0 });
    let job = JOB + 1;
    step(&mut coordinator, 0, submit(job, program, module, binary, inputs));
    say(&mut coordinator, 0, 2, Message::Pull { job, tasks: 1 });
    let effects = say(&mut coordinator, 1, 2, Message::Results { job, results, signed });
    assert!(effects.contains(&Effect::Offence(ion(2))));
    assert_eq!(told(&effects), []);
}

/// It may charge another fuel, or stop elsewhere, without a lie.
#[test]
fn what_another_version_metered_is_compared_with_nothing() {
    let foreign = returned_as(VERSION + 1, 2, vec![(0, good(b"a"))]);
    for (trust, counts) in [(Trust::Once, true), (Trust::Copies(2), false)] {
        let mut coordinator = with_trust(3, 1, trust);
        pull(&mut coordinator, 0, 2, 1);
        let effects = say(&mut coordinator, 1, 2, foreign.clone());
        assert!(!effects.contains(&Effect::Offence(ion(2))));
        assert_eq!(
            (receipts(&effects).len(), !told(&effects).is_empty()),
            (usize::from(counts), counts)
        );
        let (one, three) = (pull(&mut coordinator, 2, 1, 1), pull(&mut coordinator, 2, 3, 1));
        assert_eq!((one.is_empty(), three.is_empty()), (counts, counts), "{trust:?}");
        assert!(pull(&mut coordinator, 2, 2, 1).is_empty(), "{trust:?}");
    }
}

#[test]
fn results_without_a_signature_count_where_nothing_is_compared() {
    let unsigned = Message::Results { job: JOB, results: vec![(0, good(b"a"))], signed: None };
    for (trust, counts) in [(Trust::Once, true), (Trust::Adaptive, false)] {
        let mut coordinator = with_trust(2, 1, trust);
        pull(&mut coordinator, 0, 2, 1);
        let effects = say(&mut coordinator, 1, 2, unsigned.clone());
        assert_eq!(!told(&effects).is_empty(), counts, "{trust:?}");
        assert!(receipts(&effects).is_empty() && !effects.contains(&Effect::Offence(ion(2))));
        assert!(pull(&mut coordinator, 2, 2, 1).is_empty(), "{trust:?}");
        assert_eq!(pull(&mut coordinator, 2, 1, 1).is_empty(), counts, "{trust:?}");
    }
}
