//! Checking a file of receipts, in the page itself: no ion is asked.

use std::collections::{BTreeMap, BTreeSet};

use node_core::{
    compute::receipt::{self, Receipt, Verifier},
    identity::{Ed25519Keys, IonId},
};

use super::format;

/// Characters of an ion's id that are shown beside its name, which another may have too.
const ID_CHARS: usize = 8;

/// What a file of receipts says, in a sentence; the error is why it says nothing.
pub fn told(file: &[u8]) -> Result<String, String> {
    let sealed = receipt::unpack(file).map_err(|why| why.to_string())?;
    if sealed.is_empty() {
        return Err("there is no receipt in it".to_owned());
    }
    let verifier = Verifier::new(Ed25519Keys::is_signed);
    let (mut by_ion, mut jobs, mut seen) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (place, bytes) in (1..).zip(&sealed) {
        let Receipt { ion, owner, job, task, .. } =
            verifier.verify(bytes).map_err(|why| format!("number {place} is refused: {why}"))?;
        if !seen.insert((owner, job, task, ion)) {
            return Err(format!("number {place} says of a task what another one says"));
        }
        jobs.insert((owner, job));
        *by_ion.entry(ion).or_insert(0) += 1;
    }
    let ions: Vec<String> = by_ion
        .iter()
        .map(|(ion, count)| format!("{} {}", named(ion), format::count(*count)))
        .collect();
    let count = format::counted(sealed.len() as u64, "receipt");
    let jobs = format::counted(jobs.len() as u64, "job");
    Ok(format!("{count} of {jobs}, each signed by the ion that it names: {}", ions.join(", ")))
}

fn named(ion: &IonId) -> String {
    let id = ion.to_string();
    let end = id.len().saturating_sub(ID_CHARS);
    format!("{} (…{})", ion.readable_name(), id.get(end..).unwrap_or(&id))
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
        let name = named(&keys.own());
        let good = format!("3 receipts of 1 job, each signed by the ion that it names: {name} 3");
        assert_eq!(told(&pack(&all)), Ok(good));
        let twice = [&all[..], &all[..1]].concat();
        let why = told(&pack(&twice)).expect_err("one is there twice");
        assert!(why.starts_with("number 4 says"), "{why}");
        let last = all[1].len() - 1;
        all[1][last] ^= 1;
        let why = told(&pack(&all)).expect_err("one was changed");
        assert!(why.starts_with("number 2 is refused"), "{why}");
        assert!(told(&pack(&[])).is_err() && told(b"no file").is_err());
    }
}
