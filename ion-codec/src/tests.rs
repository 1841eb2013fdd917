//! What is written is what the library writes; what is read is what it reads,
//! but for what DAG-CBOR forbids.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use super::*;

/// Something of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    small: u8,
    large: u64,
    signed: i64,
    short: i16,
    truth: bool,
    name: String,
    letter: char,
    bytes: ByteBuf,
    list: Vec<u32>,
    pair: (u8, Wrapped),
    perhaps: Option<Box<All>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rarely: Option<u8>,
    fixed: [u16; 3],
    map: BTreeMap<String, i8>,
    choices: Vec<Choice>,
    float: f64,
    nothing: (),
    cid: Option<cid::Cid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u32);

#[derive(Debug, PartialEq, Deserialize)]
struct Deep(Vec<Deep>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    None,
    One(String),
    Two(u8, bool),
    Named { long_name: u64, b: Option<bool> },
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::None),
        ".{0,30}".prop_map(Choice::One),
        any::<(u8, bool)>().prop_map(|(one, two)| Choice::Two(one, two)),
        any::<(u64, Option<bool>)>().prop_map(|(long_name, b)| Choice::Named { long_name, b }),
    ]
}

prop_compose! {
    fn all(depth: u8)(
        numbers in any::<(u8, u64, i64, i16, bool, char)>(),
        name in ".{0,30}",
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        list in prop::collection::vec(prop_oneof![any::<u32>(), 0..300_u32], 0..30),
        pair in any::<(u8, u32)>(),
        perhaps in if depth == 0 { Just(None).boxed() } else { prop::option::of(all(depth - 1)).boxed() },
        rarely in any::<Option<u8>>(),
        fixed in any::<[u16; 3]>(),
        map in prop::collection::btree_map("[a-z]{0,4}", any::<i8>(), 0..30),
        choices in prop::collection::vec(choice(), 0..4),
        float in any::<f64>().prop_filter("no number", |float| float.is_finite()),
        digest in any::<Option<[u8; 32]>>(),
    ) -> All {
        let (small, large, signed, short, truth, letter) = numbers;
        let hash = |digest: [u8; 32]| cid::multihash::Multihash::wrap(0x1e, &digest).expect("it fits");
        All {
            small, large, signed, short, truth, name, letter, bytes: bytes.into(), list,
            pair: (pair.0, Wrapped(pair.1)), perhaps: perhaps.map(Box::new), rarely, fixed, map,
            choices, float, nothing: (), cid: digest.map(|digest| cid::Cid::new_v1(0x55, hash(digest))),
        }
    }
}

fn theirs<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_ipld_dagcbor::from_slice(bytes).ok()
}

proptest! {
    #[test]
    fn bytes_are_those_of_the_library(value in all(2)) {
        let bytes = to_vec(&value).expect("it has a form");
        prop_assert_eq!(&bytes, &serde_ipld_dagcbor::to_vec(&value).expect("it has a form"));
        prop_assert_eq!(from_slice::<All>(&bytes), Ok(value));
    }

    /// Whoever changes bytes gets what the library reads, or a refusal.
    #[test]
    fn what_is_read_the_library_reads_too(
        value in all(1),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = to_vec(&value).expect("it has a form");
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(value) = from_slice::<All>(&bytes) {
            prop_assert_eq!(Some(value.clone()), theirs(&bytes));
            // Keys that are not known, or are there twice, are passed over.
            prop_assert!(to_vec(&value).expect("it has a form").len() <= bytes.len());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = from_slice::<Choice>(&bytes) {
            prop_assert_eq!(Some(value), theirs(&bytes));
        }
        let _ = from_slice::<serde::de::IgnoredAny>(&bytes);
        let _ = from_slice::<All>(&bytes);
    }

    #[test]
    fn whatever_was_written_can_be_passed_over(value in all(2)) {
        let bytes = to_vec(&value).expect("it has a form");
        prop_assert!(from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
        let cut = &bytes[..bytes.len() - 1];
        prop_assert_eq!(from_slice::<serde::de::IgnoredAny>(cut).err(), Some(Error::CutOff));
    }
}

#[test]
fn other_forms_of_the_same_value_are_refused() {
    for bytes in
        [&[0x18, 5][..], &[0x19, 0, 200], &[0x1a, 0, 0, 1, 0], &[0x1b, 0, 0, 0, 0, 1, 0, 0, 0]]
    {
        assert_eq!(from_slice::<u64>(bytes), Err(Error::OtherForm), "{bytes:?}");
        assert!(theirs::<u64>(bytes).is_some(), "{bytes:?}");
    }
    // A list, text and bytes of unknown length; a short float; none; 24 bits of length.
    assert_eq!(from_slice::<Vec<u8>>(&[0x9f, 1, 0xff]), Err(Error::OtherForm));
    assert_eq!(from_slice::<String>(&[0x7f, 0x61, b'a', 0xff]), Err(Error::OtherForm));
    assert_eq!(from_slice::<ByteBuf>(&[0x5f, 0x41, 1, 0xff]), Err(Error::OtherForm));
    assert_eq!(from_slice::<f64>(&[0xfa, 0, 0, 0, 0]), Err(Error::OtherType));
    assert_eq!(from_slice::<f64>(&[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]), Err(Error::OtherForm));
    assert_eq!(from_slice::<u8>(&[0x1c]), Err(Error::OtherForm));
    assert_eq!(to_vec(&f64::NAN), Err(Error::NoForm));
    assert_eq!(to_vec(&BTreeMap::from([(1, 1)])), Err(Error::NoForm));
}

#[test]
fn what_is_no_such_value_is_refused() {
    let refused = |bytes: &[u8]| from_slice::<Choice>(bytes).err();
    let one = to_vec(&Choice::One("a".to_owned())).expect("it has a form");
    assert_eq!(one, [0xa1, 0x63, b'O', b'n', b'e', 0x61, b'a']);
    assert_eq!(refused(&one[..6]), Some(Error::CutOff));
    assert_eq!(refused(&[&one[..], &[0]].concat()), Some(Error::TooLong));
    // A name without what belongs to it, and with what does not.
    assert_eq!(refused(&one[1..5]), Some(Error::OtherType));
    assert_eq!(refused(&[0xa1, 0x64, b'N', b'o', b'n', b'e', 0xf6]), Some(Error::OtherType));
    assert_eq!(refused(&[0x63, b'S', b'i', b'x']), Some(Error::Refused));
    assert_eq!(refused(&[0xa0]), Some(Error::OtherLength));
    assert_eq!(from_slice::<(u8, u8)>(&[0x83, 1, 2, 3]), Err(Error::OtherLength));
    assert_eq!(from_slice::<u8>(&[0x19, 1, 0]), Err(Error::Refused));
    assert_eq!(
        from_slice::<i64>(&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Err(Error::Refused)
    );
    assert_eq!(
        from_slice::<i64>(&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Ok(i64::MIN)
    );
}

#[test]
fn lengths_that_lie_and_depth_without_end_cost_nothing() {
    assert_eq!(
        from_slice::<Vec<u64>>(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Err(Error::CutOff)
    );
    assert_eq!(from_slice::<ByteBuf>(&[0x5a, 0xff, 0xff, 0xff, 0xff]), Err(Error::CutOff));
    let deep = |depth: u8| [vec![0x81; depth.into()], vec![0x80]].concat();
    assert!(from_slice::<Deep>(&deep(DEPTH_MAX - 1)).is_ok());
    assert_eq!(from_slice::<Deep>(&deep(DEPTH_MAX)), Err(Error::TooDeep));
    // What is passed over takes no stack.
    assert!(
        from_slice::<serde::de::IgnoredAny>(&[vec![0x81; 1 << 20], vec![0x80]].concat()).is_ok()
    );
}
