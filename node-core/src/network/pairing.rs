//! Pairing without any server: an offer and an answer of WebRTC as strings,
//! which people paste or scan as QR codes.
//!
//! A string is a prefix that says what it is and of which version
//! ([`OFFER_PREFIX`], [`ANSWER_PREFIX`]), and base64url of DAG-CBOR, signature
//! and checksum. It is signed by the ion's identity key, and shows that its
//! author holds the nebula's invitation: a keyed hash of the rest under the
//! nebula's secret. An offer may carry the invitation itself, for a stranger to
//! join by; whoever reads such a string can join, as with a link.
//!
//! A string ends [`VALID_S`] after it was made. Its maker judges that by its own
//! clock; the other side's clock may be wrong by that much before it refuses.
//! An answer counts for one offer of this ion, once.
//!
//! With [`DESCRIPTION_BYTES_MAX`] and an invitation without hints a string stays
//! below [`CHARS_MAX`]; one that would not is refused when it is made.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ion_map::Map;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::wire::encode;
use crate::identity::{Invitation, IonId, Keys, Membership, NebulaId, keys::SIGNATURE_BYTES};

/// What an offer begins with.
pub const OFFER_PREFIX: &str = "ION-OFFER-1-";
/// What an answer begins with.
pub const ANSWER_PREFIX: &str = "ION-ANSWER-1-";
/// A string's length, in characters.
pub const CHARS_MAX: usize = 1_000;
/// A description's length, in bytes: three or four candidates fit.
pub const DESCRIPTION_BYTES_MAX: usize = 400;
/// How long a string counts, in seconds.
pub const VALID_S: u64 = 600;
/// Offers of this ion that may wait for an answer; the oldest goes first.
pub const OFFERS_MAX: usize = 8;
/// Offers whose end is remembered, to say that they are used up.
pub const USED_MAX: usize = 64;

const CONTEXT: &[u8] = b"ionosphere 2026-11 pairing\n";
const CHECK_CONTEXT: &str = "ionosphere 2026-11 pairing checksum";
const CHECK_BYTES: usize = 4;
const TAG_BYTES: usize = 16;

/// Names an offer, and its answer; 16 random bytes.
pub type Nonce = [u8; 16];

/// What a string says, in this order; arrays are shorter than maps.
#[derive(Serialize, Deserialize)]
struct Body(
    /// Who made it.
    IonId,
    /// In which nebula.
    NebulaId,
    /// Of which offer.
    ByteArray<16>,
    /// When, in seconds since 1970.
    u64,
    /// What the driver's other half needs to know.
    ByteBuf,
    /// Whom an answer is for; none for an offer.
    Option<IonId>,
    /// For a stranger.
    Option<Invitation>,
);

/// Another ion's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who offers; verified.
    pub from: IonId,
    /// In which nebula.
    pub nebula: NebulaId,
    /// By which its answer will be known.
    pub nonce: Nonce,
    /// For the driver.
    pub description: Vec<u8>,
    /// Carried for a stranger; of the same nebula.
    pub invitation: Option<Invitation>,
}

/// An answer to an offer of this ion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who answers; verified.
    pub from: IonId,
    /// Which offer it answers.
    pub nonce: Nonce,
    /// For the driver.
    pub description: Vec<u8>,
}

/// Why a string leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a pairing string at all.
    #[error("this is no pairing string")]
    NotPairing,
    /// Longer than [`CHARS_MAX`].
    #[error("the string is longer than {CHARS_MAX} characters")]
    TooLong,
    /// Made by another version of Ionosphere.
    #[error("the string was made by another version of Ionosphere")]
    Version,
    /// Characters are missing or were changed.
    #[error("characters are missing or were changed")]
    Damaged,
    /// Not signed by whom it names, or not by a member.
    #[error("the string was not made by whom it names, or by no member of the nebula")]
    Forged,
    /// An answer where an offer is wanted.
    #[error("this is an answer, and an offer is wanted here")]
    IsAnswer,
    /// An offer where an answer is wanted.
    #[error("this is an offer, and an answer is wanted here")]
    IsOffer,
    /// Made more than [`VALID_S`] ago.
    #[error("the string was made {age_s} s ago and counts for {VALID_S} s")]
    TooOld {
        /// Its age by this machine's clock.
        age_s: u64,
    },
    /// Made in the future: one of the clocks is wrong.
    #[error("the string was made {ahead_s} s in the future; one of the clocks is wrong")]
    FromTheFuture {
        /// How far ahead of this machine's clock.
        ahead_s: u64,
    },
    /// This ion's own string.
    #[error("this is the string that this ion made itself")]
    Own,
    /// Of a nebula that this ion is not in, and without an invitation.
    #[error("the string is for another nebula")]
    OtherNebula,
    /// Its offer was answered before.
    #[error("the offer was answered before, and counts once")]
    UsedUp,
    /// An answer to an offer that this ion did not make, or has forgotten.
    #[error("this ion made no such offer, or another ion did")]
    NoSuchOffer,
}

/// Makes and reads the strings of one ion.
pub struct Pairing {
    keys: Arc<dyn Keys>,
    /// Offers that wait for their answer, and when they were made.
    waiting: Map<Nonce, (u64, NebulaId)>,
    /// Offers of this ion that were answered, and of others that it answered.
    used: Map<Nonce, u64>,
}

impl Pairing {
    /// No offers yet.
    pub fn new(keys: Arc<dyn Keys>) -> Self {
        Self { keys, waiting: Map::new(), used: Map::new() }
    }

    /// An offer as a string, at `now_s` seconds since 1970. With `is_invited`
    /// it carries the invitation, for a stranger. The nonce must be random.
    pub fn offer(
        &mut self,
        now_s: u64,
        nonce: Nonce,
        invitation: &Invitation,
        is_invited: bool,
        description: &[u8],
    ) -> Result<String, Error> {
        let carried = is_invited.then(|| invitation.clone());
        let nebula = invitation.nebula;
        let own = self.keys.own();
        let body =
            Body(own, nebula, nonce.into(), now_s, ByteBuf::from(description), None, carried);
        let text = self.write(OFFER_PREFIX, &body, &invitation.membership())?;
        if self.waiting.len() >= OFFERS_MAX {
            forget_oldest(&mut self.waiting, |(made_s, _)| *made_s);
        }
        self.waiting.insert(nonce, (now_s, nebula));
        Ok(text)
    }

    /// Another ion's offer. `member_of` is where this ion belongs; an offer of
    /// another nebula is read when it carries its invitation.
    pub fn read_offer(
        &self,
        now_s: u64,
        text: &str,
        member_of: Option<&Invitation>,
    ) -> Result<Offer, Error> {
        let code = code(text, OFFER_PREFIX, ANSWER_PREFIX, Error::IsAnswer)?;
        let (signed, body) = self.read(code)?;
        let Body(from, nebula, nonce, made_s, description, _, invitation) = body;
        if from == self.keys.own() {
            return Err(Error::Own);
        }
        let carried = invitation.filter(|carried| carried.nebula == nebula);
        let ours = member_of.filter(|ours| ours.nebula == nebula);
        let by = carried.as_ref().or(ours).ok_or(Error::OtherNebula)?;
        check_tag(&by.membership(), &signed)?;
        check_age(now_s, made_s)?;
        let nonce = nonce.into_array();
        if self.used.contains_key(&nonce) {
            return Err(Error::UsedUp);
        }
        let description = description.into_vec();
        Ok(Offer { from, nebula, nonce, description, invitation: carried })
    }

    /// The answer to an offer, as a string. `invitation` is the offer's, or that
    /// of this ion's nebula when it is the same.
    pub fn answer(
        &mut self,
        now_s: u64,
        offer: &Offer,
        invitation: &Invitation,
        description: &[u8],
    ) -> Result<String, Error> {
        if invitation.nebula != offer.nebula {
            return Err(Error::OtherNebula);
        }
        let (own, to) = (self.keys.own(), Some(offer.from));
        let nonce = offer.nonce.into();
        let body = Body(own, offer.nebula, nonce, now_s, ByteBuf::from(description), to, None);
        let text = self.write(ANSWER_PREFIX, &body, &invitation.membership())?;
        self.use_up(now_s, offer.nonce);
        Ok(text)
    }

    /// An answer to an offer of this ion, which is used up by it.
    pub fn read_answer(
        &mut self,
        now_s: u64,
        text: &str,
        member_of: &Invitation,
    ) -> Result<Answer, Error> {
        let code = code(text, ANSWER_PREFIX, OFFER_PREFIX, Error::IsOffer)?;
        let (signed, body) = self.read(code)?;
        let Body(from, nebula, nonce, _, description, to, _) = body;
        let nonce = nonce.into_array();
        if from == self.keys.own() {
            return Err(Error::Own);
        }
        if nebula != member_of.nebula {
            return Err(Error::OtherNebula);
        }
        check_tag(&member_of.membership(), &signed)?;
        if self.used.contains_key(&nonce) {
            return Err(Error::UsedUp);
        }
        let waiting = self.waiting.get(&nonce).filter(|_| to == Some(self.keys.own()));
        let (made_s, of) = *waiting.ok_or(Error::NoSuchOffer)?;
        check_age(now_s, made_s)?;
        if of != nebula {
            return Err(Error::OtherNebula);
        }
        self.waiting.remove(&nonce);
        self.use_up(now_s, nonce);
        Ok(Answer { from, nonce, description: description.into_vec() })
    }

    fn use_up(&mut self, now_s: u64, nonce: Nonce) {
        if self.used.len() >= USED_MAX {
            forget_oldest(&mut self.used, |at_s| *at_s);
        }
        self.used.insert(nonce, now_s);
    }

    fn write(&self, prefix: &str, body: &Body, by: &Membership) -> Result<String, Error> {
        if body.4.len() > DESCRIPTION_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let mut bytes = encode(body);
        bytes.extend(tag(by, &bytes));
        bytes.extend(self.keys.sign(&[CONTEXT, &bytes].concat()));
        bytes.extend(checksum(&bytes));
        let text = format!("{prefix}{}", BASE64URL_NOPAD.encode(&bytes));
        if text.len() > CHARS_MAX { Err(Error::TooLong) } else { Ok(text) }
    }

    /// The body, and the bytes in front of the signature.
    fn read(&self, code: &str) -> Result<(Vec<u8>, Body), Error> {
        let bytes = BASE64URL_NOPAD.decode(code.as_bytes()).map_err(|_| Error::Damaged)?;
        let (bytes, sum) = split_end::<CHECK_BYTES>(&bytes).ok_or(Error::Damaged)?;
        if checksum(bytes) != *sum {
            return Err(Error::Damaged);
        }
        let (signed, signature) = split_end::<SIGNATURE_BYTES>(bytes).ok_or(Error::Damaged)?;
        let (body, _) = split_end::<TAG_BYTES>(signed).ok_or(Error::Damaged)?;
        let body: Body = ion_codec::from_slice(body).map_err(|_| Error::Damaged)?;
        if body.4.len() > DESCRIPTION_BYTES_MAX {
            return Err(Error::TooLong);
        }
        if !self.keys.verify(&body.0, &[CONTEXT, signed].concat(), signature) {
            return Err(Error::Forged);
        }
        Ok((signed.to_vec(), body))
    }
}

/// What stands behind the prefix.
fn code<'a>(text: &'a str, prefix: &str, other: &str, is_other: Error) -> Result<&'a str, Error> {
    let text = text.trim();
    if text.len() > CHARS_MAX {
        return Err(Error::TooLong);
    }
    if let Some(code) = text.strip_prefix(prefix) {
        return Ok(code);
    }
    if text.starts_with(other) {
        return Err(is_other);
    }
    let is_versioned = text.starts_with("ION-OFFER-") || text.starts_with("ION-ANSWER-");
    Err(if is_versioned { Error::Version } else { Error::NotPairing })
}

fn check_age(now_s: u64, made_s: u64) -> Result<(), Error> {
    let (age_s, ahead_s) = (now_s.saturating_sub(made_s), made_s.saturating_sub(now_s));
    if age_s > VALID_S {
        return Err(Error::TooOld { age_s });
    }
    if ahead_s > VALID_S { Err(Error::FromTheFuture { ahead_s }) } else { Ok(()) }
}

fn check_tag(by: &Membership, signed: &[u8]) -> Result<(), Error> {
    let (body, found) = split_end::<TAG_BYTES>(signed).ok_or(Error::Damaged)?;
    // Both are hashed once more, so that the comparison's time tells nothing.
    let is_member = blake3::hash(&tag(by, body)) == blake3::hash(found);
    if is_member { Ok(()) } else { Err(Error::Forged) }
}

fn tag(by: &Membership, body: &[u8]) -> [u8; TAG_BYTES] {
    *by.tag(body).first_chunk().expect("a tag has 32 bytes")
}

fn checksum(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    *blake3::derive_key(CHECK_CONTEXT, bytes).first_chunk().expect("a hash has 32 bytes")
}

fn split_end<const N: usize>(bytes: &[u8]) -> Option<(&[u8], &[u8; N])> {
    bytes.split_last_chunk()
}

fn forget_oldest<T>(all: &mut Map<Nonce, T>, age: impl Fn(&T) -> u64) {
    let oldest = all.iter().min_by_key(|(_, one)| age(one)).map(|(nonce, _)| *nonce);
    oldest.and_then(|nonce| all.remove(&nonce));
}
