//! Checking a file of receipts, in the page itself: no ion is asked.

use std::collections::{BTreeMap, BTreeSet};

use ion_map::sort_by;
use node_core::{
    compute::receipt::{self, Receipt, Verifier},
    identity::{Ed25519Keys, IonId},
};

use super::format;

/// Characters of an ion's id that are shown beside its name, which another may have too.
const ID_CHARS: usize = 8;

/// What a file shows of which every receipt is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// In a sentence, without its full stop.
    pub about: String,
    /// How many there are by whom, who has most first.
    pub by_ion: Vec<Signer>,
}

/// Who signed receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The name that follows from its id.
    pub name: String,
    /// The end of its id.
    pub id_end: String,
    /// How many it signed.
    pub receipts: u64,
}

/// What a file of receipts shows; the error is why it shows nothing.
pub fn checked(file: &[u8]) -> Result<Shown, String> {
    let sealed = receipt::unpack(file).map_err(|why| why.to_string())?;
    if sealed.is_empty() {
        return Err("there is no receipt in it".to_owned());
    }
    let verifier = Verifier::new(Ed25519Keys::is_signed);
    let (mut by_ion, mut jobs, mut seen) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (place, bytes) in (1..).zip(&sealed) {
        let which = || format!("receipt {place} of {}", sealed.len());
        let Receipt { ion, owner, job, task, .. } = verifier
            .verify(bytes)
            .map_err(|why| format!("{} is refused, because {why}", which()))?;
        if !seen.insert((owner, job, task, ion)) {
            return Err(format!("{} says of a task what another one says", which()));
        }
        jobs.insert((owner, job));
        *by_ion.entry(ion).or_insert(0) += 1;
    }
    let mut by_ion: Vec<Signer> =
        by_ion.into_iter().map(|(ion, receipts)| signer(&ion, receipts)).collect();
    sort_by(&mut by_ion, |one, other| other.receipts.cmp(&one.receipts));
    let count = format::counted(sealed.len() as u64, "receipt");
    let jobs = format::counted(jobs.len() as u64, "job");
    let ions = format::counted(by_ion.len() as u64, "ion");
    let about = format!("{count} of {jobs} by {ions}, each signed by the ion that it names");
    Ok(Shown { about, by_ion })
}

fn signer(ion: &IonId, receipts: u64) -> Signer {
    let id = ion.to_string();
    let end = id.len().saturating_sub(ID_CHARS);
    let id_end = format!("…{}", id.get(end..).unwrap_or(&id));
    Signer { name: ion.readable_name(), id_end, receipts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_core::{
        compute::receipt::{Hash, Terms, input_hash, pack},
        identity::Keys,
    };
    use spark_runtime::Report;

    #[test]
    fn a_file_is_good_when_all_of_its_receipts_are() {
        let keys = Ed25519Keys::of_seed(&[1; 32]);
        let hash = Hash::new([0; 32]);
        let terms = Terms { module: hash, call: hash, owner: keys.own(), job: 1 };
        let report = Report::default();
        let parts = || (0..3).map(|task| (task, input_hash(b""), &report));
        let signed = terms.sign(&keys, 5, parts());
        let mut all = terms.check(&keys, keys.own(), &signed, parts()).expect("it is signed");
        let about = "3 receipts of 1 job by 1 ion, each signed by the ion that it names".to_owned();
        let by_ion = vec![signer(&keys.own(), 3)];
        assert_eq!(checked(&pack(&all)), Ok(Shown { about, by_ion }));
        let twice = [&all[..], &all[..1]].concat();
        let why = checked(&pack(&twice)).expect_err("one is there twice");
        assert!(why.starts_with("receipt 4 of 4 says"), "{why}");
        let last = all[1].len() - 1;
        all[1][last] ^= 1;
        let why = checked(&pack(&all)).expect_err("one was changed");
        assert!(why.starts_with("receipt 2 of 3 is refused"), "{why}");
        assert!(checked(&pack(&[])).is_err() && checked(b"no file").is_err());
    }

    #[test]
    fn who_signed_most_stands_first() {
        let hash = Hash::new([0; 32]);
        let report = Report::default();
        let mut all = Vec::new();
        for (seed, tasks) in [(1, 0..1), (2, 0..3), (3, 3..5)] {
            let keys = Ed25519Keys::of_seed(&[seed; 32]);
            let owner = Ed25519Keys::of_seed(&[9; 32]).own();
            let terms = Terms { module: hash, call: hash, owner, job: 1 };
            let parts = || tasks.clone().map(|task| (task, input_hash(b""), &report));
            let signed = terms.sign(&keys, 5, parts());
            all.extend(terms.check(&keys, keys.own(), &signed, parts()).expect("it is signed"));
        }
        let shown = checked(&pack(&all)).expect("all are good");
        let counts: Vec<u64> = shown.by_ion.iter().map(|signer| signer.receipts).collect();
        assert_eq!(counts, [3, 2, 1]);
    }
}
