//! Checking a file of receipts, in the page itself: no ion is asked.

use std::collections::BTreeMap;

use node_core::compute::receipt::{self, Receipt};

use super::format;

/// What a file of receipts says, in a sentence; the error is why it says nothing.
pub fn told(file: &[u8]) -> Result<String, String> {
    let sealed = receipt::unpack(file).map_err(|why| why.to_string())?;
    if sealed.is_empty() {
        return Err("there is no receipt in it".to_owned());
    }
    let mut by_ion: BTreeMap<String, u64> = BTreeMap::new();
    for (place, bytes) in (1..).zip(&sealed) {
        let Receipt { ion, .. } =
            receipt::verify(bytes).map_err(|why| format!("number {place} is refused: {why}"))?;
        *by_ion.entry(ion.readable_name()).or_default() += 1;
    }
    let ions: Vec<String> =
        by_ion.iter().map(|(name, count)| format!("{name} {}", format::count(*count))).collect();
    let count = format::counted(sealed.len() as u64, "receipt");
    Ok(format!("{count}, each signed by the ion that it names: {}", ions.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_core::{
        compute::receipt::{Hash, Terms, input_hash, pack},
        identity::{Ed25519Keys, Keys},
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
        let name = keys.own().readable_name();
        let good = format!("3 receipts, each signed by the ion that it names: {name} 3");
        assert_eq!(told(&pack(&all)), Ok(good));
        let last = all[1].len() - 1;
        all[1][last] ^= 1;
        let why = told(&pack(&all)).expect_err("one was changed");
        assert!(why.starts_with("number 2 is refused"), "{why}");
        assert!(told(&pack(&[])).is_err() && told(b"no file").is_err());
    }
}
