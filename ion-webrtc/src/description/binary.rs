//! Descriptions in short: version 1.
//!
//! ```text
//! version   1 byte, 1
//! flags     1 byte: setup in bits 0–1, then mid, port and size if unusual
//! ufrag     length in 1 byte, text
//! pwd       length in 1 byte, text
//! fingerprint  32 bytes
//! [mid]     length in 1 byte, text
//! [port]    2 bytes, big endian
//! [size]    4 bytes
//! count     1 byte, then so many of
//!   kind    1 byte: kind in bits 0–1, family in bits 2–3
//!   address 4 or 16 bytes
//!   port    2 bytes
//!   priority 4 bytes
//! ```

use super::{
    Address, BYTES_MAX, CANDIDATES_MAX, Candidate, CandidateKind, Description, DescriptionError,
    MID_BYTES_MAX, PWD_BYTES_MAX, Setup, UFRAG_BYTES_MAX, is_ice_text, is_mid,
};

const VERSION: u8 = 1;
const SETUPS: [Setup; 3] = [Setup::ActPass, Setup::Active, Setup::Passive];
const HAS_MID: u8 = 4;
const HAS_PORT: u8 = 8;
const HAS_SIZE: u8 = 16;

const USUAL_MID: &str = "0";
const USUAL_PORT: u16 = 5_000;
const USUAL_SIZE: u32 = 262_144;

pub(super) fn encode(description: &Description) -> Vec<u8> {
    let Description { setup, mid, sctp_port, max_message_size, .. } = description;
    let setup = SETUPS.iter().position(|one| one == setup).expect("all are listed");
    let mut flags = u8::try_from(setup).expect("there are three");
    flags |= if mid == USUAL_MID { 0 } else { HAS_MID };
    flags |= if *sctp_port == USUAL_PORT { 0 } else { HAS_PORT };
    flags |= if *max_message_size == USUAL_SIZE { 0 } else { HAS_SIZE };
    let mut bytes = vec![VERSION, flags];
    put_text(&description.ufrag, UFRAG_BYTES_MAX, &mut bytes);
    put_text(&description.pwd, PWD_BYTES_MAX, &mut bytes);
    bytes.extend(description.fingerprint);
    if flags & HAS_MID != 0 {
        put_text(mid, MID_BYTES_MAX, &mut bytes);
    }
    if flags & HAS_PORT != 0 {
        bytes.extend(sctp_port.to_be_bytes());
    }
    if flags & HAS_SIZE != 0 {
        bytes.extend(max_message_size.to_be_bytes());
    }
    let candidates = &description.candidates[..description.candidates.len().min(CANDIDATES_MAX)];
    bytes.push(u8::try_from(candidates.len()).expect("few are taken"));
    for candidate in candidates {
        put_candidate(candidate, &mut bytes);
    }
    bytes
}

fn put_text(text: &str, bytes_max: usize, to: &mut Vec<u8>) {
    let text = &text.as_bytes()[..text.len().min(bytes_max)];
    to.push(u8::try_from(text.len()).expect("limits are short"));
    to.extend(text);
}

fn put_candidate(candidate: &Candidate, to: &mut Vec<u8>) {
    let (family, address) = candidate.address.bytes();
    to.push(candidate.kind as u8 | family << 2);
    to.extend(address);
    to.extend(candidate.port.to_be_bytes());
    to.extend(candidate.priority.to_be_bytes());
}

pub(super) fn decode(bytes: &[u8]) -> Result<Description, DescriptionError> {
    if bytes.len() > BYTES_MAX {
        return Err(DescriptionError::TooLong);
    }
    let mut rest = Rest(bytes);
    if rest.byte()? != VERSION {
        return Err(DescriptionError::Version);
    }
    let flags = rest.byte()?;
    let setup = SETUPS.get(usize::from(flags & 3)).filter(|_| flags < 32);
    let description = Description {
        setup: *setup.ok_or(DescriptionError::Malformed("flags"))?,
        ufrag: rest.text("ice-ufrag", UFRAG_BYTES_MAX)?,
        pwd: rest.text("ice-pwd", PWD_BYTES_MAX)?,
        fingerprint: rest.array()?,
        mid: if flags & HAS_MID == 0 { USUAL_MID.to_owned() } else { rest.mid()? },
        sctp_port: match flags & HAS_PORT {
            0 => USUAL_PORT,
            _ => u16::from_be_bytes(rest.array()?),
        },
        max_message_size: match flags & HAS_SIZE {
            0 => USUAL_SIZE,
            _ => u32::from_be_bytes(rest.array()?),
        },
        candidates: rest.candidates()?,
    };
    if rest.0.is_empty() { Ok(description) } else { Err(DescriptionError::Trailing) }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DescriptionError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DescriptionError::CutOff)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DescriptionError> {
        Ok(self.take(N)?.try_into().expect("so many were taken"))
    }

    fn byte(&mut self) -> Result<u8, DescriptionError> {
        self.array().map(|[byte]| byte)
    }

    fn text(&mut self, name: &'static str, bytes_max: usize) -> Result<String, DescriptionError> {
        let malformed = DescriptionError::Malformed(name);
        let length = usize::from(self.byte()?);
        if length > bytes_max {
            return Err(malformed);
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| malformed)?;
        if is_ice_text(text) { Ok(text.to_owned()) } else { Err(malformed) }
    }

    fn mid(&mut self) -> Result<String, DescriptionError> {
        let mid = self.text("mid", MID_BYTES_MAX)?;
        if is_mid(&mid) { Ok(mid) } else { Err(DescriptionError::Malformed("mid")) }
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>, DescriptionError> {
        let count = usize::from(self.byte()?);
        if count > CANDIDATES_MAX {
            return Err(DescriptionError::Malformed("count of candidates"));
        }
        (0..count).map(|_| self.candidate()).collect()
    }

    fn candidate(&mut self) -> Result<Candidate, DescriptionError> {
        let malformed = DescriptionError::Malformed("candidate");
        let what = self.byte()?;
        let family = what >> 2;
        let address = self.take(if family == 0 { 4 } else { 16 })?;
        let candidate = Candidate {
            kind: CandidateKind::ALL[usize::from(what & 3)],
            address: Address::of_bytes(family, address).ok_or(malformed)?,
            port: u16::from_be_bytes(self.array()?),
            priority: u32::from_be_bytes(self.array()?),
        };
        if candidate.port == 0 { Err(malformed) } else { Ok(candidate) }
    }
}
