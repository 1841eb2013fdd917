use super::*;
use crate::identity::Ed25519Keys;

fn pairing(salt: u8) -> Pairing {
    Pairing::new(Arc::new(Ed25519Keys::of_seed(&[salt; 32])))
}

fn ion(salt: u8) -> IonId {
    IonId::of_seed([salt; 32])
}

fn lab(salt: u8) -> Invitation {
    Invitation::found("our lab", false, vec![], &[salt; 48]).expect("it is valid")
}

const DESCRIPTION: [u8; 300] = [0xab; 300];
const NOW_S: u64 = 1_763_640_000;

fn offered(by: &mut Pairing, is_invited: bool) -> String {
    by.offer(NOW_S, [7; 16], &lab(1), is_invited, &DESCRIPTION).expect("it fits")
}

#[test]
fn two_members_pair() {
    let (mut one, mut two) = (pairing(1), pairing(2));
    let text = offered(&mut one, false);
    let offer =
        two.read_offer(NOW_S + 60, &format!(" {text}\n"), Some(&lab(1))).expect("it counts");
    assert_eq!((offer.from, &offer.description[..]), (ion(1), &DESCRIPTION[..]));
    let answer = two.answer(NOW_S + 90, &offer, &lab(1), b"there").expect("it fits");
    let read = one.read_answer(NOW_S + 120, &answer, &lab(1)).expect("it counts");
    let description = b"there".to_vec();
    assert_eq!(read, Answer { from: ion(2), nonce: [7; 16], description });
    assert_eq!(one.read_answer(NOW_S + 120, &answer, &lab(1)), Err(Error::UsedUp));
    assert_eq!(two.read_offer(NOW_S + 120, &text, Some(&lab(1))), Err(Error::UsedUp));
}

#[test]
fn a_stranger_joins_by_the_invitation_that_an_offer_carries() {
    let (mut one, mut stranger) = (pairing(1), pairing(2));
    let bare = offered(&mut one, false);
    assert_eq!(stranger.read_offer(NOW_S, &bare, None), Err(Error::OtherNebula));
    assert_eq!(stranger.read_offer(NOW_S, &bare, Some(&lab(2))), Err(Error::OtherNebula));
    let text = offered(&mut one, true);
    let offer = stranger.read_offer(NOW_S, &text, Some(&lab(2))).expect("it is invited");
    let invitation = offer.invitation.clone().expect("it carries one");
    assert_eq!(invitation, lab(1));
    let answer = stranger.answer(NOW_S, &offer, &invitation, b"x").expect("it fits");
    assert!(one.read_answer(NOW_S, &answer, &lab(1)).is_ok());
}

#[test]
fn strings_fit_where_people_paste_them() {
    let mut one = pairing(1);
    println!("{} and {} characters", offered(&mut one, false).len(), offered(&mut one, true).len());
    let full = one.offer(NOW_S, [7; 16], &lab(1), true, &[0xab; DESCRIPTION_BYTES_MAX]);
    assert!(full.expect("it fits").len() <= CHARS_MAX);
    let large = one.offer(NOW_S, [7; 16], &lab(1), false, &[0; DESCRIPTION_BYTES_MAX + 1]);
    assert_eq!(large, Err(Error::TooLong));
}

#[test]
fn each_fault_has_its_name() {
    let (mut one, mut two) = (pairing(1), pairing(2));
    let text = offered(&mut one, false);
    let lab = lab(1);
    let read = |by: &Pairing, now_s, text: &str| by.read_offer(now_s, text, Some(&lab)).err();
    assert_eq!(read(&one, NOW_S, &text), Some(Error::Own));
    assert_eq!(read(&two, NOW_S + 601, &text), Some(Error::TooOld { age_s: 601 }));
    assert_eq!(read(&two, NOW_S - 601, &text), Some(Error::FromTheFuture { ahead_s: 601 }));
    assert_eq!(read(&two, NOW_S, "hello"), Some(Error::NotPairing));
    assert_eq!(read(&two, NOW_S, ""), Some(Error::NotPairing));
    assert_eq!(read(&two, NOW_S, &text.replace("-1-", "-2-")), Some(Error::Version));
    assert_eq!(read(&two, NOW_S, &text.repeat(2)), Some(Error::TooLong));
    let offer = two.read_offer(NOW_S, &text, Some(&lab)).expect("it counts");
    let answer = two.answer(NOW_S, &offer, &lab, b"x").expect("it fits");
    assert_eq!(read(&two, NOW_S, &answer), Some(Error::IsAnswer));
    assert_eq!(one.read_answer(NOW_S, &text, &lab), Err(Error::IsOffer));
    assert_eq!(two.read_answer(NOW_S, &answer, &lab), Err(Error::Own));
    assert_eq!(pairing(3).read_answer(NOW_S, &answer, &lab), Err(Error::NoSuchOffer));
    let old = one.read_answer(NOW_S + 601, &answer, &lab);
    assert_eq!(old, Err(Error::TooOld { age_s: 601 }));
    assert_eq!(one.read_answer(NOW_S, &answer, &self::lab(2)), Err(Error::OtherNebula));
}

#[test]
fn one_that_knows_only_the_nebulas_id_cannot_answer() {
    let (mut one, mut two) = (pairing(1), pairing(2));
    let offer = two.read_offer(NOW_S, &offered(&mut one, false), Some(&lab(1))).expect("good");
    let mut guess = ion_codec::to_vec(&lab(1)).expect("it is plain data");
    let place = guess.windows(16).position(|part| part == [1; 16]).expect("its secret");
    guess[place] ^= 1;
    let guess: Invitation = ion_codec::from_slice(&guess).expect("it is one");
    let answer = two.answer(NOW_S, &offer, &guess, b"x").expect("it fits");
    assert_eq!(one.read_answer(NOW_S, &answer, &lab(1)), Err(Error::Forged));
}

#[test]
fn every_damaged_character_is_noticed() {
    let text = offered(&mut pairing(1), true);
    for place in OFFER_PREFIX.len()..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("still ASCII");
        for wrong in [changed.as_str(), &text[..place]] {
            let read = pairing(2).read_offer(NOW_S, wrong, None);
            assert_eq!(read, Err(Error::Damaged), "at {place}");
        }
    }
}

/// The checksum can be made by anybody; the signature can't.
#[test]
fn a_forged_string_with_a_right_checksum_is_refused() {
    let text = offered(&mut pairing(1), true);
    let code = text.strip_prefix(OFFER_PREFIX).expect("it is an offer");
    let bytes = BASE64URL_NOPAD.decode(code.as_bytes()).expect("it is base64");
    let mut forged = 0;
    for place in 0..bytes.len() - CHECK_BYTES {
        let mut changed = bytes[..bytes.len() - CHECK_BYTES].to_vec();
        changed[place] ^= 1;
        changed.extend(checksum(&changed));
        let text = format!("{OFFER_PREFIX}{}", BASE64URL_NOPAD.encode(&changed));
        let refused = pairing(2).read_offer(NOW_S, &text, None);
        assert!(refused.is_err(), "at {place}");
        forged += u32::from(refused == Err(Error::Forged));
    }
    assert!(forged > 100, "{forged}");
}

#[test]
fn offers_that_wait_have_a_limit() {
    let mut one = pairing(1);
    for salt in 0..50 {
        one.offer(NOW_S + u64::from(salt), [salt; 16], &lab(1), false, b"x").expect("it fits");
    }
    assert_eq!(one.waiting.len(), OFFERS_MAX);
    assert!(one.waiting.contains_key(&[49; 16]));
}

#[test]
fn golden_offer() {
    let text = pairing(1).offer(NOW_S, [7; 16], &lab(1), false, b"there").expect("it fits");
    assert_eq!(text, GOLDEN);
    assert!(pairing(2).read_offer(NOW_S, GOLDEN, Some(&lab(1))).is_ok());
}

const GOLDEN: &str = "ION-OFFER-1-h1ggiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1xYIIqI4910CfGV_VLbLTy6\
    XXLKZwm_HZQSG_N0iAG0D29cUAcHBwcHBwcHBwcHBwcHBwcaaR8CwEV0aGVyZfb2O45kiGl3lFTA-GKq\
    KKJVs1yReaKNkmLMJlrTzqlx1HSBbB-McAkW1o82m0UizXG3qnk9LEzS-o-_KaEuvxHZV9f-beHJ3imE\
    cvuGwr2zEwjahPbe";
