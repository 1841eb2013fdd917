//! Receipts: what an ion says, under its signature, that it ran and returned.
//!
//! A worker signs the results of one message together: the root of a hash tree
//! over their receipts ([`seal`]). The owner of the job makes the same receipts of
//! what it knows itself, so that a message carries a signature, a time and a
//! version, and no receipt. What it keeps of each result is the receipt with its
//! way up to the root, which anybody can check without the others, and without any
//! ion: [`verify`].
//!
//! A receipt shows who answers for a result. It does not show that the result is
//! right: that takes others who return the same, or running the task again. It
//! names the job's owner, the job and the task, so that it counts for no other
//! task, though that may be the same work.
//!
//! Bounds: [`RECEIPT_BYTES_MAX`], [`FILE_BYTES_MAX`]; as many receipts under one
//! signature as a message has results.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use spark_runtime::{Report, meter::VERSION};

use super::{JobId, Program};
use crate::{
    codec,
    identity::{
        Ed25519Keys, IonId, Keys,
        seal::{self, Seal},
    },
};

/// A receipt with its proof, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 2_048;
/// The least that one has, in bytes: four hashes and a signature.
const RECEIPT_BYTES_MIN: usize = 4 * 32 + 64;
/// A file of receipts, in bytes.
pub const FILE_BYTES_MAX: usize = 256 << 20;

/// What every signature begins with.
const CONTEXT: &[u8] = b"ionosphere 2026-11 receipts";

/// A BLAKE3 hash.
pub type Hash = ByteArray<32>;

/// What an ion says that it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The hash of the spark's binary.
    pub module: Hash,
    /// The hash of how it was called: entry, arguments, environment and limits,
    /// see [`call_hash`].
    pub call: Hash,
    /// The hash of the task's input.
    pub input: Hash,
    /// The [version](VERSION) of the pass that metered it.
    pub version: u32,
    /// Fuel used.
    pub fuel: u64,
    /// The hash of its whole report, see [`report_hash`].
    pub output: Hash,
    /// Who ran it.
    pub ion: IonId,
    /// Whose job it was.
    pub owner: IonId,
    /// The job's name there.
    pub job: JobId,
    /// Which task of it.
    pub task: u64,
    /// When it was signed, as the clock of its ion showed, in milliseconds since
    /// 1970.
    pub at_ms: u64,
}

/// A receipt with its proof, as it is kept.
#[derive(Serialize, Deserialize)]
struct Wire {
    receipt: Receipt,
    seal: seal::Wire,
}

/// What a message of results carries so that each has a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The version of the pass that metered all of them.
    pub version: u32,
    /// When, as [`Receipt::at_ms`].
    pub at_ms: u64,
    /// That of the tree's root.
    pub signature: ByteArray<64>,
}

/// What all receipts of a job have in common.
#[derive(Clone, Debug)]
pub struct Terms {
    /// As [`Receipt::module`].
    pub module: Hash,
    /// As [`Receipt::call`].
    pub call: Hash,
    /// As [`Receipt::owner`].
    pub owner: IonId,
    /// As [`Receipt::job`].
    pub job: JobId,
}

/// Why bytes are no receipt, or no file of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`RECEIPT_BYTES_MAX`].
    #[error("a receipt has at most {RECEIPT_BYTES_MAX} bytes, and this has more")]
    TooLong,
    /// Longer than [`FILE_BYTES_MAX`].
    #[error("a file of receipts has at most {FILE_BYTES_MAX} bytes, and this has more")]
    FileTooLong,
    /// Not a receipt at all.
    #[error("this is not a receipt")]
    Malformed,
    /// Not a file of receipts.
    #[error("this is not a file of receipts")]
    NotAFile,
    /// The ion that it names did not sign it.
    #[error("the ion that it names did not sign it")]
    Forged,
}

/// The hash of how a program calls its module, which stands in receipts.
pub fn call_hash(program: &Program) -> Hash {
    hash(&codec::encode(&(&program.entry, &program.limits)))
}

/// The hash of a report, which stands in receipts.
pub fn report_hash(report: &Report) -> Hash {
    hash(&codec::encode(report))
}

/// The hash of an input, which stands in receipts.
pub fn input_hash(input: &[u8]) -> Hash {
    hash(input)
}

/// Checks a receipt with its proof. It needs nothing else, and asks nobody.
///
/// # Errors
/// Why it is none.
pub fn verify(bytes: &[u8]) -> Result<Receipt, Refused> {
    verify_by(bytes, Ed25519Keys::is_signed)
}

/// [`verify`] for keys of another kind, such as those of simulated ions.
///
/// # Errors
/// Why it is none.
pub fn verify_by(
    bytes: &[u8],
    is_signed: impl Fn(&IonId, &[u8], &[u8; 64]) -> bool,
) -> Result<Receipt, Refused> {
    if bytes.len() > RECEIPT_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let wire = codec::decode::<Wire>(bytes, RECEIPT_BYTES_MAX).ok_or(Refused::Malformed)?;
    let seal = Seal::from_wire(&wire.seal).ok_or(Refused::Malformed)?;
    let root = seal.root(&wire.receipt.digest());
    let is_good = is_signed(&wire.receipt.ion, &seal::signed(CONTEXT, &root), seal.signature());
    if is_good { Ok(wire.receipt) } else { Err(Refused::Forged) }
}

/// Who signed what, in which way.
type SignedBytes = (IonId, Vec<u8>, [u8; 64]);

/// Checks receipts one after the other: those that were signed together have one
/// signature, which is checked once.
pub struct Verifier<F> {
    is_signed: F,
    last: RefCell<Option<SignedBytes>>,
}

impl<F: Fn(&IonId, &[u8], &[u8; 64]) -> bool> Verifier<F> {
    /// One that believes such signatures.
    pub fn new(is_signed: F) -> Self {
        Self { is_signed, last: RefCell::new(None) }
    }

    /// As [`verify`].
    ///
    /// # Errors
    /// Why it is none.
    pub fn verify(&self, bytes: &[u8]) -> Result<Receipt, Refused> {
        verify_by(bytes, |by, message, signature| {
            let this = (*by, message.to_vec(), *signature);
            let mut last = self.last.borrow_mut();
            let is_good = last.as_ref() == Some(&this) || (self.is_signed)(by, message, signature);
            if is_good {
                *last = Some(this);
            }
            is_good
        })
    }
}

/// Receipts as one file.
pub fn pack(receipts: &[ByteBuf]) -> Vec<u8> {
    codec::encode(&receipts)
}

/// The receipts of a file, none of them checked.
///
/// # Errors
/// It is too long, or no such file.
pub fn unpack(file: &[u8]) -> Result<Vec<ByteBuf>, Refused> {
    if file.len() > FILE_BYTES_MAX {
        return Err(Refused::FileTooLong);
    }
    // Empty ones would take many times their bytes in memory.
    if count(file).is_none_or(|count| count > (file.len() / RECEIPT_BYTES_MIN) as u64) {
        return Err(Refused::NotAFile);
    }
    codec::decode(file, FILE_BYTES_MAX).ok_or(Refused::NotAFile)
}

/// How many items a CBOR list says that it has (RFC 8949, 3).
fn count(list: &[u8]) -> Option<u64> {
    let (first, rest) = list.split_first()?;
    match first {
        0x80..=0x97 => Some(u64::from(first - 0x80)),
        0x98..=0x9b => {
            let length = 1_usize << (first - 0x98);
            let bytes = rest.get(..length)?;
            Some(bytes.iter().fold(0, |count, byte| count << 8 | u64::from(*byte)))
        }
        _ => None,
    }
}

impl Receipt {
    /// Whether it is of a task of that job, as it is called there.
    pub fn is_of(&self, terms: &Terms, task: u64) -> bool {
        (self.owner, self.job, self.task) == (terms.owner, terms.job, task)
            && (self.module, self.call) == (terms.module, terms.call)
    }

    fn digest(&self) -> [u8; 32] {
        *blake3::hash(&codec::encode(self)).as_bytes()
    }
}

impl Terms {
    /// Signs results, each with its task and the hash of its input, in the order
    /// in which they are sent. There are 1 to [`GROUP_MAX`](seal::GROUP_MAX).
    pub fn sign<'a>(
        &self,
        keys: &dyn Keys,
        at_ms: u64,
        results: impl Iterator<Item = (u64, Hash, &'a Report)>,
    ) -> Signed {
        self.sign_as(VERSION, keys, at_ms, results)
    }

    /// [`Self::sign`] for results that another version of the pass metered.
    pub(super) fn sign_as<'a>(
        &self,
        version: u32,
        keys: &dyn Keys,
        at_ms: u64,
        results: impl Iterator<Item = (u64, Hash, &'a Report)>,
    ) -> Signed {
        let signature = ByteArray::new([0; 64]);
        let unsigned = Signed { version, at_ms, signature };
        let digests: Vec<_> =
            self.receipts(keys.own(), &unsigned, results).iter().map(Receipt::digest).collect();
        let signature = ByteArray::new(Seal::sign(keys, CONTEXT, &digests));
        Signed { signature, ..unsigned }
    }

    /// The receipts of results that an ion has signed so, with their proofs, in
    /// their order; `None` where it has not.
    pub fn check<'a>(
        &self,
        keys: &dyn Keys,
        ion: IonId,
        signed: &Signed,
        results: impl Iterator<Item = (u64, Hash, &'a Report)>,
    ) -> Option<Vec<ByteBuf>> {
        let receipts = self.receipts(ion, signed, results);
        let digests: Vec<_> = receipts.iter().map(Receipt::digest).collect();
        let seals = Seal::of_group(keys, CONTEXT, &ion, &digests, &signed.signature)?;
        let pairs = receipts.into_iter().zip(seals);
        let encode = |(receipt, seal): (Receipt, Seal)| {
            ByteBuf::from(codec::encode(&Wire { receipt, seal: seal.to_wire() }))
        };
        Some(pairs.map(encode).collect())
    }

    fn receipts<'a>(
        &self,
        ion: IonId,
        signed: &Signed,
        results: impl Iterator<Item = (u64, Hash, &'a Report)>,
    ) -> Vec<Receipt> {
        let receipt = |(task, input, report): (u64, Hash, &Report)| Receipt {
            module: self.module,
            call: self.call,
            input,
            version: signed.version,
            fuel: report.fuel,
            output: report_hash(report),
            ion,
            owner: self.owner,
            job: self.job,
            task,
            at_ms: signed.at_ms,
        };
        results.map(receipt).collect()
    }
}

fn hash(bytes: &[u8]) -> Hash {
    ByteArray::new(*blake3::hash(bytes).as_bytes())
}
