//! One signed entry of the shared memory.
//!
//! Refused here: keys and values beyond their bounds, control characters in
//! names, authors who may not write in the space, signatures that do not
//! verify. Bounds: [`VALUE_BYTES_MAX`], [`NAME_BYTES_MAX`],
//! [`SPACE_BYTES_MAX`], [`AUTHORS_MAX`].

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::stamp::Stamp;
use crate::{
    codec,
    identity::{IonId, Keys, Signature},
};

/// A value, in bytes; larger ones are chunks.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// The name of a key, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// The name of a space, in bytes.
pub const SPACE_BYTES_MAX: usize = 64;
/// Authors that a space may name.
pub const AUTHORS_MAX: usize = 16;
/// An entry on its way, in bytes.
pub const ENTRY_BYTES_MAX: usize = VALUE_BYTES_MAX + NAME_BYTES_MAX + 2_048;

/// What every entry's signature begins with.
const CONTEXT: &[u8] = b"ionosphere 2026-11 state entry";
/// A digest, in bytes.
pub const DIGEST_BYTES: usize = 32;

/// What an entry is compared and told apart by: BLAKE3 over all but the
/// signature.
pub type Digest = [u8; DIGEST_BYTES];

/// A set of keys with one rule of who may write there. The rule is part of the
/// name, so that no two ions can disagree about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Space {
    /// Every member writes.
    Members(String),
    /// Only that ion writes.
    Own(IonId, String),
    /// Only these ions write; in ascending order.
    Named(Vec<IonId>, String),
}

impl Space {
    /// Whether an ion may write here.
    pub fn admits(&self, author: &IonId) -> bool {
        match self {
            Self::Members(_) => true,
            Self::Own(owner, _) => owner == author,
            Self::Named(authors, _) => authors.binary_search(author).is_ok(),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let (Self::Members(name) | Self::Own(_, name) | Self::Named(_, name)) = self;
        check_name(name, SPACE_BYTES_MAX)?;
        let Self::Named(authors, _) = self else { return Ok(()) };
        let is_ascending = authors.is_sorted_by(|one, next| one < next);
        let fits = (1..=AUTHORS_MAX).contains(&authors.len());
        if is_ascending && fits { Ok(()) } else { Err(Refusal::Authors) }
    }
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Its space.
    pub space: Space,
    /// Its name there.
    pub name: String,
}

impl Key {
    /// Where it stands among all keys: what begins alike stands together. Names
    /// have no control characters, so that a zero byte ends them.
    pub fn path(&self) -> Vec<u8> {
        let mut path = match &self.space {
            Space::Members(_) => vec![b'm'],
            Space::Own(owner, _) => [&[b'o'][..], owner.as_bytes()].concat(),
            Space::Named(authors, _) => {
                let count = u8::try_from(authors.len()).unwrap_or(u8::MAX);
                let ids = authors.iter().flat_map(|author| *author.as_bytes());
                [b'n', count].into_iter().chain(ids).collect()
            }
        };
        let (Space::Members(name) | Space::Own(_, name) | Space::Named(_, name)) = &self.space;
        path.extend([name.as_bytes(), &[0], self.name.as_bytes()].concat());
        path
    }

    /// Whether it keeps the bounds.
    ///
    /// # Errors
    /// What is wrong with its name or space.
    pub fn check(&self) -> Result<(), Refusal> {
        self.space.check()?;
        check_name(&self.name, NAME_BYTES_MAX)
    }
}

fn check_name(name: &str, bytes_max: usize) -> Result<(), Refusal> {
    let is_good = !name.is_empty() && name.len() <= bytes_max && !name.contains(char::is_control);
    if is_good { Ok(()) } else { Err(Refusal::Name { bytes_max }) }
}

/// What an author says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Where.
    pub key: Key,
    /// What stands there; `None` that nothing does any more.
    pub value: Option<ByteBuf>,
    /// When it was said.
    pub stamp: Stamp,
    /// When it ends by itself, in milliseconds since 1970.
    pub ends_ms: Option<u64>,
    /// Who says it.
    pub author: IonId,
}

/// A signed entry. Its digest and path are computed once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    body: Body,
    signature: Signature,
    digest: Digest,
    path: Box<[u8]>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    body: Body,
    signature: ByteBuf,
}

impl Entry {
    /// Signs a body whose author these keys belong to.
    ///
    /// # Errors
    /// A body beyond the bounds, or where its author may not write.
    pub fn sign(keys: &dyn Keys, body: Body) -> Result<Self, Refusal> {
        check(&body)?;
        let (signed, digest) = signed(&body);
        let path = body.key.path().into();
        Ok(Self { signature: keys.sign(&signed), body, digest, path })
    }

    /// What its author says.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Where it stands among all keys.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether it says that nothing stands at its key any more.
    pub fn is_tombstone(&self) -> bool {
        self.body.value.is_none()
    }

    /// What it takes of its author's share, in bytes.
    pub fn cost_bytes(&self) -> usize {
        self.body.key.name.len() + self.body.value.as_ref().map_or(0, |value| value.len())
    }

    /// Of two entries of one key the greater one stands, on every replica:
    /// the later, then that of the greater author, then of the greater digest.
    pub fn beats(&self, other: &Self) -> bool {
        self.rank().cmp(&other.rank()) == Ordering::Greater
    }

    fn rank(&self) -> (Stamp, IonId, Digest) {
        (self.body.stamp, self.body.author, self.digest)
    }

    /// As it travels and is stored.
    pub fn encode(&self) -> Vec<u8> {
        let signature = ByteBuf::from(self.signature);
        codec::encode(&Wire { body: self.body.clone(), signature })
    }

    /// From bytes of anybody.
    ///
    /// # Errors
    /// Whatever it is that makes it no entry that may stand.
    pub fn decode(keys: &dyn Keys, bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        let Wire { body, signature } =
            serde_ipld_dagcbor::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        check(&body)?;
        let signature = signature.as_slice().try_into().map_err(|_| Refusal::Signature)?;
        let (signed, digest) = signed(&body);
        if !keys.verify(&body.author, &signed, &signature) {
            return Err(Refusal::Signature);
        }
        let path = body.key.path().into();
        Ok(Self { body, signature, digest, path })
    }
}

fn check(body: &Body) -> Result<(), Refusal> {
    body.key.check()?;
    if body.value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
        return Err(Refusal::Value);
    }
    if !body.key.space.admits(&body.author) {
        return Err(Refusal::Author);
    }
    Ok(())
}

fn signed(body: &Body) -> (Vec<u8>, Digest) {
    let bytes = codec::encode(body);
    let digest = *blake3::hash(&bytes).as_bytes();
    ([CONTEXT, &bytes].concat(), digest)
}

/// Why an entry may not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no entry, or too many.
    #[error("this is not an entry")]
    Malformed,
    /// A name is empty, too long or has control characters in it.
    #[error("a name must have 1 to {bytes_max} bytes and no control characters")]
    Name {
        /// Longest such name.
        bytes_max: usize,
    },
    /// A space's authors are none, too many or not in order.
    #[error("a space names 1 to {AUTHORS_MAX} authors, in ascending order")]
    Authors,
    /// The value is too long.
    #[error("a value has at most {VALUE_BYTES_MAX} bytes; store larger ones as files")]
    Value,
    /// The author may not write in that space.
    #[error("its author may not write there")]
    Author,
    /// The author did not sign this.
    #[error("its author did not sign it")]
    Signature,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SimKeys;

    fn keys(number: u8) -> SimKeys {
        SimKeys::of(IonId::from_bytes([number; 32]))
    }

    fn body(author: u8, space: Space) -> Body {
        Body {
            key: Key { space, name: "colour".to_owned() },
            value: Some(ByteBuf::from(*b"blue")),
            stamp: Stamp::at_ms(5),
            ends_ms: None,
            author: IonId::from_bytes([author; 32]),
        }
    }

    fn members() -> Space {
        Space::Members("test".to_owned())
    }

    #[test]
    fn it_comes_back_as_it_was_signed() {
        let entry = Entry::sign(&keys(1), body(1, members())).expect("it is within the bounds");
        assert_eq!(Entry::decode(&keys(2), &entry.encode()), Ok(entry));
    }

    #[test]
    fn an_altered_entry_is_refused() {
        let entry = Entry::sign(&keys(1), body(1, members())).expect("it is within the bounds");
        let mut bytes = entry.encode();
        let place = bytes.windows(4).position(|four| four == b"blue").expect("it is in there");
        bytes[place] = b'g';
        assert_eq!(Entry::decode(&keys(2), &bytes), Err(Refusal::Signature));
        bytes.truncate(place);
        assert_eq!(Entry::decode(&keys(2), &bytes), Err(Refusal::Malformed));
    }

    #[test]
    fn a_space_admits_its_authors_only() {
        let ion = |number| IonId::from_bytes([number; 32]);
        let own = Space::Own(ion(1), "test".to_owned());
        let named = Space::Named(vec![ion(1), ion(3)], "test".to_owned());
        for space in [own, named] {
            assert!(Entry::sign(&keys(1), body(1, space.clone())).is_ok());
            assert_eq!(Entry::sign(&keys(2), body(2, space)), Err(Refusal::Author));
        }
        let unordered = Space::Named(vec![ion(3), ion(1)], "test".to_owned());
        assert_eq!(Entry::sign(&keys(1), body(1, unordered)), Err(Refusal::Authors));
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused() {
        let mut long = body(1, members());
        long.value = Some(ByteBuf::from(vec![0; VALUE_BYTES_MAX + 1]));
        assert_eq!(Entry::sign(&keys(1), long), Err(Refusal::Value));
        for name in ["", "line\nbreak", &"x".repeat(NAME_BYTES_MAX + 1)] {
            let mut named = body(1, members());
            name.clone_into(&mut named.key.name);
            let refusal = Refusal::Name { bytes_max: NAME_BYTES_MAX };
            assert_eq!(Entry::sign(&keys(1), named), Err(refusal));
        }
    }

    #[test]
    fn the_longest_entry_fits() {
        let ions = (0..AUTHORS_MAX)
            .map(|number| IonId::from_bytes([u8::try_from(number).expect("there are few"); 32]));
        let space = Space::Named(ions.collect(), "s".repeat(SPACE_BYTES_MAX));
        let mut longest = body(1, space);
        longest.key.name = "n".repeat(NAME_BYTES_MAX);
        longest.value = Some(ByteBuf::from(vec![0; VALUE_BYTES_MAX]));
        longest.stamp = Stamp { ms: u64::MAX, count: u32::MAX };
        longest.ends_ms = Some(u64::MAX);
        let entry = Entry::sign(&keys(1), longest).expect("it is within the bounds");
        assert!(Entry::decode(&keys(1), &entry.encode()).is_ok());
    }

    #[test]
    fn ties_have_one_winner() {
        let one = Entry::sign(&keys(1), body(1, members())).expect("it is within the bounds");
        let two = Entry::sign(&keys(2), body(2, members())).expect("it is within the bounds");
        assert!(two.beats(&one) && !one.beats(&two) && !one.beats(&one));
        let mut later = body(1, members());
        later.stamp = later.stamp.next();
        let later = Entry::sign(&keys(1), later).expect("it is within the bounds");
        assert!(later.beats(&two));
    }
}
