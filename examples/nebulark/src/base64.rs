//! Base64 with padding (RFC 4648, section 4).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Three bytes become four digits.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for digit in 0..4 {
            let is_there = digit <= group.len();
            let index = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if is_there { DIGITS[index] } else { b'=' });
        }
    }
    text
}

/// Four digits become three bytes; `None` where they are no digits.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (groups, []) = text.as_chunks::<4>() else { return None };
    for (number, group) in groups.iter().enumerate() {
        let digits = group.iter().take_while(|digit| **digit != b'=').count();
        let is_last = number + 1 == groups.len();
        let is_padded = group[digits..].iter().all(|digit| *digit == b'=');
        if digits < 2 || !is_padded || (digits < 4 && !is_last) {
            return None;
        }
        let mut bits = 0;
        for digit in &group[..digits] {
            bits = bits << 6 | DIGITS.iter().position(|known| known == digit)?;
        }
        bits <<= 6 * (4 - digits);
        bytes.extend([(bits >> 16) as u8, (bits >> 8) as u8, bits as u8].iter().take(digits - 1));
    }
    Some(bytes)
}
