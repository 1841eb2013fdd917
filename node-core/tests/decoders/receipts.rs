//! Receipts, and files of them, as anybody may hand them in.

use node_core::{
    compute::receipt::{
        FILE_BYTES_MAX, Hash, RECEIPT_BYTES_MAX, Receipt, Refused, Signed, Terms, input_hash, pack,
        unpack, verify,
    },
    identity::{Ed25519Keys, IonId, Keys},
};
use serde_bytes::ByteBuf;
use spark_runtime::Report;

use super::{digest, fuzz};

fn keys() -> Ed25519Keys {
    Ed25519Keys::of_seed(&[7; 32])
}

fn terms(job: u64) -> Terms {
    let (module, call) = (Hash::new([1; 32]), Hash::new([2; 32]));
    Terms { module, call, owner: IonId::from_bytes([3; 32]), job }
}

fn reports(count: u64) -> Vec<(u64, Report)> {
    let report = |fuel| Report { fuel, stdout: b"out".to_vec(), ..Report::default() };
    (0..count).map(|task| (task, report(task))).collect()
}

fn parts(reports: &[(u64, Report)]) -> impl Iterator<Item = (u64, Hash, &Report)> {
    reports.iter().map(|(task, report)| (*task, input_hash(&task.to_le_bytes()), report))
}

/// Receipts of so many results under one signature.
fn receipts(job: u64, count: u64) -> Vec<ByteBuf> {
    let reports = reports(count);
    let signed = terms(job).sign(&keys(), 1_763_700_000_000, parts(&reports));
    let checked = terms(job).check(&keys(), keys().own(), &signed, parts(&reports));
    checked.expect("it was signed so")
}

/// What stands in a message of results.
pub(crate) fn signed() -> Signed {
    terms(1).sign(&keys(), 1_763_700_000_000, parts(&reports(1)))
}

#[test]
fn each_receipt_of_a_batch_is_checked_without_the_others() {
    for count in [1, 2, 3, 7, 100, 256] {
        let all = receipts(1, count);
        assert_eq!(all.len() as u64, count);
        for (task, bytes) in (0..).zip(&all) {
            let receipt = verify(bytes).expect("it is signed");
            assert_eq!((receipt.task, receipt.fuel, receipt.job), (task, task, 1));
            assert_eq!(receipt.ion, keys().own());
            assert!(bytes.len() <= RECEIPT_BYTES_MAX, "{}", bytes.len());
        }
    }
}

#[test]
fn a_batch_is_refused_that_is_another_than_was_signed() {
    let (reports, own) = (reports(3), keys().own());
    let signed = terms(1).sign(&keys(), 5, parts(&reports));
    let is_good = |terms: &Terms, ion, signed: &Signed, reports: &[(u64, Report)]| {
        terms.check(&keys(), ion, signed, parts(reports)).is_some()
    };
    assert!(is_good(&terms(1), own, &signed, &reports));
    assert!(!is_good(&terms(2), own, &signed, &reports), "another job");
    assert!(!is_good(&terms(1), IonId::from_bytes([9; 32]), &signed, &reports), "another ion");
    assert!(!is_good(&terms(1), own, &signed, &reports[1..]), "fewer results");
    assert!(!is_good(&terms(1), own, &signed, &[]), "none");
    let mut turned = reports.clone();
    turned.swap(0, 1);
    assert!(!is_good(&terms(1), own, &signed, &turned), "another order");
    let mut dated = signed.clone();
    dated.at_ms += 1;
    assert!(!is_good(&terms(1), own, &dated, &reports), "another time");
}

#[test]
fn changed_receipts() {
    let samples: Vec<Vec<u8>> = receipts(1, 5).into_iter().map(ByteBuf::into_vec).collect();
    let good: Vec<Receipt> = samples.iter().map(|one| verify(one).expect("it is signed")).collect();
    fuzz("receipts", &samples, |bytes| match verify(bytes) {
        Ok(receipt) => {
            assert!(good.contains(&receipt), "{receipt:?} was never signed");
            true
        }
        Err(why) => why == Refused::Forged,
    });
}

#[test]
fn changed_files_of_receipts() {
    let file = pack(&receipts(1, 5));
    assert_eq!(unpack(&file), Ok(receipts(1, 5)));
    fuzz("files of receipts", &[file], |bytes| unpack(bytes).is_ok());
}

#[test]
fn what_is_too_long_or_something_else_has_a_name() {
    assert_eq!(verify(&[0; RECEIPT_BYTES_MAX + 1]), Err(Refused::TooLong));
    assert_eq!(verify(b""), Err(Refused::Malformed));
    assert_eq!(verify(b"{}"), Err(Refused::Malformed));
    assert_eq!(unpack(b"a picture"), Err(Refused::NotAFile));
    assert_eq!(unpack(&vec![0; FILE_BYTES_MAX + 1]), Err(Refused::FileTooLong));
    // A list of a million empty ones, which would be large in memory.
    let empty = [&[0x9a, 0x00, 0x0f, 0x42, 0x40][..], &vec![0x40; 1_000_000]].concat();
    assert_eq!(unpack(&empty), Err(Refused::NotAFile));
}

#[test]
fn golden_receipts() {
    let all: Vec<Vec<u8>> = receipts(1, 3).into_iter().map(ByteBuf::into_vec).collect();
    assert_eq!(digest(&all), "1b9531d8af005a66");
    // An array of three byte strings.
    let file = pack(&receipts(1, 3));
    assert_eq!((file[0], &file[file.len() - all[2].len()..]), (0x83, &all[2][..]));
}
