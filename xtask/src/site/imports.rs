//! Plain numbers in place of the hashes that wasm-bindgen ends its names with.
//!
//! A module and its script name some 200 functions to each other, each with 16
//! hexadecimal digits that nothing can compress. Numbers of the same length are
//! as unambiguous within the two, and lengths in the module stay right.

use std::collections::BTreeMap;

/// How such names begin.
const BEGINNINGS: [&[u8]; 2] = [b"__wb", b"wasm_bindgen__"];
const DIGITS: usize = 16;

/// Renames, in a module and its script alike, what the script names.
pub(super) fn number(script: &mut String, module: &mut [u8]) {
    let mut names = BTreeMap::new();
    let mut text = std::mem::take(script).into_bytes();
    each(&mut text, |name| {
        names.insert(name.to_vec(), 0);
    });
    (0_u64..).zip(names.values_mut()).for_each(|(number, name)| *name = number);
    for bytes in [&mut text[..], module] {
        each(bytes, |name| {
            if let Some(number) = names.get(name) {
                let place = name.len() - DIGITS;
                name[place..].copy_from_slice(format!("{number:016x}").as_bytes());
            }
        });
    }
    *script = String::from_utf8(text).expect("only digits were replaced");
}

/// Visits every name that ends with a hash.
fn each(bytes: &mut [u8], mut visit: impl FnMut(&mut [u8])) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &mut bytes[at..];
        if !BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning)) {
            at += 1;
            continue;
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        let name = &mut rest[..length];
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let hash = name.last_chunk::<DIGITS>();
        if hash.is_some_and(|hash| hash.iter().all(is_hex)) {
            visit(name);
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_become_numbers_of_the_same_length_on_both_sides() {
        let (get, set) = ("__wbg_get_6b7bd52aca3f9671", "__wbg_set_0000000000000000");
        let mut script = format!("import {{ {set}, {get}, __wbg_ptr }}; {get}()");
        let mut module =
            format!("\0A{get}\0\x1a{set}\0__wbg_not_in_it_0123456789abcdef").into_bytes();
        let length = module.len();
        number(&mut script, &mut module);
        let (get, set) = ("__wbg_get_0000000000000000", "__wbg_set_0000000000000001");
        assert_eq!(script, format!("import {{ {set}, {get}, __wbg_ptr }}; {get}()"));
        let expected = format!("\0A{get}\0\x1a{set}\0__wbg_not_in_it_0123456789abcdef");
        assert_eq!((module.len(), module), (length, expected.into_bytes()));
    }
}
