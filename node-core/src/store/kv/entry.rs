//! One signed entry of the shared memory.
//!
//! Refused here: keys and values beyond their bounds, control characters in
//! names, authors who may not write in the space, signatures that do not
//! verify. Bounds: [`VALUE_BYTES_MAX`], [`NAME_BYTES_MAX`],
//! [`SPACE_BYTES_MAX`], [`AUTHORS_MAX`].

use std::cmp::Ordering;

use ion_map::Set;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::stamp::Stamp;
use crate::{
    codec,
    identity::{
        IonId, Keys,
        seal::{self, GROUP_MAX, Seal},
    },
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

/// Entries that were signed together, on their way, in bytes.
pub const GROUP_BYTES_MAX: usize = 2 << 20;
/// What every signature begins with.
const CONTEXT: &[u8] = b"ionosphere 2026-11 entries";

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

    /// Where its keys that begin so stand: the path of the first, and that of
    /// the end of the space. Names have no control characters, so that a zero
    /// byte ends them.
    pub fn span(&self, prefix: &str) -> (Vec<u8>, Vec<u8>) {
        let mut path = match self {
            Self::Members(_) => vec![b'm'],
            Self::Own(owner, _) => [&[b'o'][..], owner.as_bytes()].concat(),
            Self::Named(authors, _) => {
                let count = u8::try_from(authors.len()).unwrap_or(u8::MAX);
                let ids = authors.iter().flat_map(|author| *author.as_bytes());
                [b'n', count].into_iter().chain(ids).collect()
            }
        };
        path.extend_from_slice(self.name().as_bytes());
        let end = [path.as_slice(), &[1]].concat();
        path.extend([&[0], prefix.as_bytes()].concat());
        (path, end)
    }

    /// Its name, without the rule.
    pub fn name(&self) -> &str {
        let (Self::Members(name) | Self::Own(_, name) | Self::Named(_, name)) = self;
        name
    }

    fn check(&self) -> Result<(), Refusal> {
        check_name(self.name(), SPACE_BYTES_MAX)?;
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
    /// Where it stands among all keys: what begins alike stands together.
    pub fn path(&self) -> Vec<u8> {
        self.space.span(&self.name).0
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
    /// The beginning of the digest of what stood there when it was said. Where
    /// an entry takes the place of another one, two ions wrote at once.
    pub over: Option<Beginning>,
}

impl Body {
    /// Whether it keeps the bounds, and its author may write there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Refusal> {
        self.key.check()?;
        if self.value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(Refusal::Value);
        }
        if !self.key.space.admits(&self.author) {
            return Err(Refusal::Author);
        }
        Ok(())
    }

    /// What it takes of its author's share, in bytes.
    pub fn cost_bytes(&self) -> usize {
        self.key.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }

    /// The beginning of the digest of the entry that it becomes.
    pub fn beginning(&self) -> Beginning {
        beginning(&self.digest())
    }

    fn digest(&self) -> Digest {
        *blake3::hash(&codec::encode(self)).as_bytes()
    }
}

fn beginning(digest: &Digest) -> Beginning {
    ByteArray::new(*digest.first_chunk().expect("a digest is longer"))
}

/// The beginning of a digest.
pub type Beginning = ByteArray<8>;

/// A signed entry. Its digest and path are computed once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    body: Body,
    seal: Seal,
    digest: Digest,
    path: Box<[u8]>,
}

#[derive(Serialize, Deserialize)]
struct Wire<B> {
    body: B,
    seal: seal::Wire,
}

#[derive(Serialize, Deserialize)]
struct GroupWire<B> {
    bodies: Vec<B>,
    signature: seal::SignatureWire,
}

impl Entry {
    /// Signs a body whose author these keys belong to.
    ///
    /// # Errors
    /// A body beyond the bounds, or where its author may not write.
    pub fn sign(keys: &dyn Keys, body: Body) -> Result<Self, Refusal> {
        let mut entries = Self::sign_all(keys, vec![body])?;
        Ok(entries.pop().expect("one body makes one entry"))
    }

    /// Signs bodies whose author these keys belong to, together.
    ///
    /// # Errors
    /// One of them is beyond the bounds, or stands where its author may not
    /// write; or there are none, or more than [`GROUP_MAX`].
    pub fn sign_all(keys: &dyn Keys, bodies: Vec<Body>) -> Result<Vec<Self>, Refusal> {
        if !(1..=GROUP_MAX).contains(&bodies.len()) {
            return Err(Refusal::Group);
        }
        bodies.iter().try_for_each(Body::check)?;
        let digests: Vec<Digest> = bodies.iter().map(Body::digest).collect();
        let seals = Seal::all(keys, CONTEXT, &digests);
        Ok(Self::assemble(bodies, seals, digests))
    }

    fn assemble(bodies: Vec<Body>, seals: Vec<Seal>, digests: Vec<Digest>) -> Vec<Self> {
        let parts = bodies.into_iter().zip(seals).zip(digests);
        let entry = |((body, seal), digest): ((Body, Seal), Digest)| {
            let path = body.key.path().into();
            Self { body, seal, digest, path }
        };
        parts.map(entry).collect()
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
        self.body.cost_bytes()
    }

    /// Of two entries of one key the greater one stands, on every replica:
    /// the later, then that of the greater author, then of the greater digest.
    pub fn beats(&self, other: &Self) -> bool {
        self.rank().cmp(&other.rank()) == Ordering::Greater
    }

    fn rank(&self) -> (Stamp, IonId, Digest) {
        (self.body.stamp, self.body.author, self.digest)
    }

    /// The beginning of its digest.
    pub fn beginning(&self) -> Beginning {
        beginning(&self.digest)
    }

    /// As it travels by itself, and is stored.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&Wire { body: &self.body, seal: self.seal.to_wire() })
    }

    /// Entries that were signed together as they travel together, which takes
    /// less room and one verification. They must be all that were, in order.
    pub fn encode_group(entries: &[Self]) -> Vec<u8> {
        let bodies = entries.iter().map(|entry| &entry.body).collect();
        let signature = entries.first().map_or([0; 64], |entry| *entry.seal.signature());
        codec::encode(&GroupWire { bodies, signature: ByteArray::new(signature) })
    }

    /// Entries that were signed together, from bytes of anybody.
    ///
    /// # Errors
    /// Whatever it is that makes one of them no entry that may stand; no part
    /// of such a group is taken.
    pub fn decode_group(keys: &dyn Keys, bytes: &[u8]) -> Result<Vec<Self>, Refusal> {
        let GroupWire { bodies, signature } =
            codec::decode::<GroupWire<Body>>(bytes, GROUP_BYTES_MAX).ok_or(Refusal::Malformed)?;
        let author = bodies.first().ok_or(Refusal::Group)?.author;
        if bodies.iter().any(|body| body.author != author) {
            return Err(Refusal::Signature);
        }
        bodies.iter().try_for_each(Body::check)?;
        let digests: Vec<Digest> = bodies.iter().map(Body::digest).collect();
        let seals = Seal::of_group(keys, CONTEXT, &author, &digests, &signature);
        Ok(Self::assemble(bodies, seals.ok_or(Refusal::Signature)?, digests))
    }

    /// From bytes of anybody.
    ///
    /// # Errors
    /// Whatever it is that makes it no entry that may stand.
    pub fn decode(keys: &dyn Keys, bytes: &[u8]) -> Result<Self, Refusal> {
        Verifier::new(keys).decode(bytes)
    }

    /// From bytes that this ion itself has stored once they were verified: all
    /// but the signature is checked again.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), for bytes that have decayed.
    pub fn restore(bytes: &[u8]) -> Result<Self, Refusal> {
        let Wire { body, seal } =
            codec::decode::<Wire<Body>>(bytes, ENTRY_BYTES_MAX).ok_or(Refusal::Malformed)?;
        body.check()?;
        let seal = Seal::from_wire(&seal).ok_or(Refusal::Malformed)?;
        let (digest, path) = (body.digest(), body.key.path().into());
        Ok(Self { body, seal, digest, path })
    }
}

/// Verifies entries, each signature once where many entries share it.
pub struct Verifier<'a> {
    keys: &'a dyn Keys,
    /// Author, root and signature of what was found good.
    good: Set<(IonId, Digest, [u8; 64])>,
}

impl<'a> Verifier<'a> {
    /// One that has verified nothing yet. It lives for one message.
    pub fn new(keys: &'a dyn Keys) -> Self {
        Self { keys, good: Set::new() }
    }

    /// An entry from bytes of anybody.
    ///
    /// # Errors
    /// Whatever it is that makes it no entry that may stand.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Entry, Refusal> {
        let entry = Entry::restore(bytes)?;
        let (author, root) = (entry.body.author, entry.seal.root(&entry.digest));
        let signature = entry.seal.signature();
        let mark = (author, root, *signature);
        if !self.good.contains(&mark) {
            if !seal::is_signed(self.keys, CONTEXT, &author, &root, signature) {
                return Err(Refusal::Signature);
            }
            self.good.insert(mark);
        }
        Ok(entry)
    }
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
    /// None were to be signed together, or too many.
    #[error("1 to {GROUP_MAX} entries are written together")]
    Group,
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
            over: None,
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
    fn entries_that_were_signed_together_come_back_together_and_alone() {
        let bodies = (0..5).map(|number| {
            let mut body = body(1, members());
            body.key.name = format!("{number}");
            body
        });
        let entries = Entry::sign_all(&keys(1), bodies.collect()).expect("all are within bounds");
        let group = Entry::encode_group(&entries);
        assert_eq!(Entry::decode_group(&keys(2), &group).as_ref(), Ok(&entries));
        let alone: usize = entries.iter().map(|entry| entry.encode().len()).sum();
        assert!(group.len() < alone / 2, "{} of {alone}", group.len());
        for entry in &entries {
            assert_eq!(Entry::decode(&keys(2), &entry.encode()).as_ref(), Ok(entry));
        }
        let part = Entry::encode_group(&entries[1..]);
        assert_eq!(Entry::decode_group(&keys(2), &part), Err(Refusal::Signature));
        assert_eq!(Entry::sign_all(&keys(1), vec![]), Err(Refusal::Group));
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
        longest.over = Some(ByteArray::new([0xff; 8]));
        let group = Entry::sign_all(&keys(1), vec![longest; GROUP_MAX]);
        for entry in group.expect("all are within the bounds") {
            assert!(Entry::decode(&keys(1), &entry.encode()).is_ok());
        }
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
