//! Readable names: two words from a key, or what the user prefers.
//!
//! A name is for people. It is not unique (there are 16,384 pairs of words) and
//! proves nothing; ids do. Names that others chose are shown only after
//! [`clean_name`], which refuses what could disguise text as something else.

mod words;

use words::{ADJECTIVES, NOUNS};

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 32;

/// The name of a key, such as "quiet-heron": always the same for the same
/// bytes, at most [`NAME_CHARS_MAX`] characters.
pub fn readable_name(key: &[u8; 32]) -> String {
    let hash = blake3::derive_key("ionosphere 2025 readable name v1", key);
    let adjective = ADJECTIVES[usize::from(hash[0]) % ADJECTIVES.len()];
    let noun = NOUNS[usize::from(hash[1]) % NOUNS.len()];
    format!("{adjective}-{noun}")
}

/// A chosen name as it may be shown: without the spaces around it. `None` when
/// nothing is left, when it has more than [`NAME_CHARS_MAX`] characters, or
/// when one of them is a control character, changes the direction of text,
/// can't be seen, or is a space other than the common one.
pub fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = name.chars().nth(NAME_CHARS_MAX).is_none();
    (!name.is_empty() && fits && name.chars().all(is_plain)).then(|| name.to_owned())
}

fn is_plain(character: char) -> bool {
    let strange_space = character.is_whitespace() && character != ' ';
    !(character.is_control() || strange_space || is_hidden(character))
}

/// Format characters and blanks of Unicode 16 that text can be disguised with.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffd}' | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}'
        | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_words_are_distinct_plain_and_short() {
        let adjectives: BTreeSet<_> = ADJECTIVES.iter().collect();
        let nouns: BTreeSet<_> = NOUNS.iter().collect();
        assert_eq!((adjectives.len(), nouns.len()), (ADJECTIVES.len(), NOUNS.len()));
        assert!(adjectives.is_disjoint(&nouns));
        for word in ADJECTIVES.iter().chain(&NOUNS) {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
            assert!((3..=10).contains(&word.len()), "{word}");
        }
    }

    /// Names are remembered by people: they must not change with a release.
    #[test]
    fn golden() {
        assert_eq!(readable_name(&[0; 32]), "upbeat-rowan");
        assert_eq!(readable_name(&[7; 32]), "vivid-egret");
    }

    #[test]
    fn all_words_come_up() {
        let mut seen = BTreeSet::new();
        for number in 0..4_096_u16 {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&number.to_le_bytes());
            let name = readable_name(&key);
            assert_eq!(clean_name(&name).as_ref(), Some(&name));
            seen.extend(name.split('-').map(str::to_owned));
        }
        assert_eq!(seen.len(), ADJECTIVES.len() + NOUNS.len());
    }

    #[test]
    fn chosen_names_are_trimmed_and_bounded() {
        assert_eq!(clean_name("  the old laptop "), Some("the old laptop".to_owned()));
        assert_eq!(clean_name("küche 🦉"), Some("küche 🦉".to_owned()));
        assert_eq!(clean_name(&"é".repeat(NAME_CHARS_MAX)), Some("é".repeat(NAME_CHARS_MAX)));
        assert_eq!(clean_name(&"é".repeat(NAME_CHARS_MAX + 1)), None);
        assert_eq!(clean_name(" \t"), None);
    }

    #[test]
    fn disguises_are_refused() {
        for hidden in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0041}',
            '\u{f000}',
            '\u{10ffff}',
        ] {
            assert_eq!(clean_name(&format!("a{hidden}b")), None, "{hidden:?}");
        }
    }
}
