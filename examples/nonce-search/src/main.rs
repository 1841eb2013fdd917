//! Looks through a block of nonces for those whose hash begins with many zero bits.
//!
//! Arguments: the block, the nonces of each block, the zero bits, and the text. What is
//! hashed is the text, followed by the nonce as decimal digits, by SHA-256 (FIPS 180-4).
//! Standard output: a line for each find, in order, with the nonce and its hash. Block 3
//! of 1,000 has the nonces 3,000 to 3,999.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use sha2::{
    Digest, Sha256,
    digest::{Output, Update},
};

const NONCES_MAX: u64 = 100_000_000;
/// As many as a hash has.
const BITS_MAX: u32 = 256;
const TEXT_BYTES_MAX: usize = 1_024;
const USAGE: &[u8] =
    b"usage: nonce-search BLOCK NONCES BITS TEXT: whole numbers, BLOCK below 2^32, \
    NONCES from 1 to 100000000, BITS from 1 to 256, TEXT of at most 1024 bytes\n";

/// What is looked for, and where.
struct Search {
    block: u32,
    nonces: u64,
    bits: u32,
    text: String,
}

fn main() -> ExitCode {
    let Some(search) = read(env::args().skip(1)) else {
        // Nothing more can be said when even this cannot be.
        let _ = io::stderr().write_all(USAGE);
        return ExitCode::FAILURE;
    };
    if run(&search).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Search> {
    let block = arguments.next()?.parse().ok()?;
    let nonces = arguments.next()?.parse().ok()?;
    let bits = arguments.next()?.parse().ok()?;
    let text = arguments.next()?;
    let is_right = (1..=NONCES_MAX).contains(&nonces)
        && (1..=BITS_MAX).contains(&bits)
        && text.len() <= TEXT_BYTES_MAX;
    (is_right && arguments.next().is_none()).then_some(Search { block, nonces, bits, text })
}

fn run(search: &Search) -> io::Result<()> {
    // What all hashes have in common is hashed once.
    let begun = Sha256::new().chain(&search.text);
    // Less than 2^59: a block's number has 32 bits, and a block less than 2^27 nonces.
    let first = u64::from(search.block) * search.nonces;
    for nonce in first..first + search.nonces {
        let hash = begun.clone().chain(decimal(nonce, &mut [0; 20])).finalize();
        if zero_bits(&hash) >= search.bits {
            let line =
                hash.iter().fold(format!("{nonce} "), |line, byte| format!("{line}{byte:02x}"));
            writeln!(io::stdout(), "{line}")?;
        }
    }
    Ok(())
}

/// The decimal digits of a number, of which 64 bits have 20 at most. Formatting would take
/// as long as the hash.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// How many bits at the beginning are zero.
fn zero_bits(hash: &Output<Sha256>) -> u32 {
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    zeros as u32 * 8 + hash.get(zeros).map_or(0, |byte| byte.leading_zeros())
}
