//! Invitations in links. The code stands behind `#`, which is never sent to a
//! server. What a code means is the ion's to say; here only its form is checked.

/// The longest code that is passed on, in bytes.
pub const CODE_BYTES_MAX: usize = 4096;

const MARK: &str = "join=";

/// The code in an address's fragment, with or without its `#`. `None` where
/// there is none or where its form is wrong.
pub fn from_fragment(fragment: &str) -> Option<String> {
    let code = fragment.trim_start_matches('#').strip_prefix(MARK)?;
    is_code(code).then(|| code.to_owned())
}

/// The code in whatever a person pastes: a link, or the bare code.
pub fn from_paste(text: &str) -> Option<String> {
    let text = text.trim();
    match text.split_once('#') {
        Some((_, fragment)) => from_fragment(fragment),
        None => is_code(text).then(|| text.to_owned()),
    }
}

/// The link that carries a code: `<origin>/#join=<code>`.
pub fn link(origin: &str, code: &str) -> String {
    link_to(origin, "/", code)
}

/// The link that carries a code and leads to a place: its address's path.
pub fn link_to(origin: &str, path: &str, code: &str) -> String {
    format!("{origin}{path}#{MARK}{code}")
}

fn is_code(code: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~=+".contains(c);
    !code.is_empty() && code.len() <= CODE_BYTES_MAX && code.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_carries_its_code() {
        let link = link("https://example.org", "AbC-123_x");
        assert_eq!(link, "https://example.org/#join=AbC-123_x");
        assert_eq!(from_paste(&link).as_deref(), Some("AbC-123_x"));
        assert_eq!(from_fragment("#join=AbC-123_x").as_deref(), Some("AbC-123_x"));
        assert_eq!(from_paste("  AbC-123_x ").as_deref(), Some("AbC-123_x"));
    }

    #[test]
    fn other_fragments_are_none() {
        for fragment in ["", "#", "#join=", "#top", "#join=<b>", "#join=a b"] {
            assert_eq!(from_fragment(fragment), None, "{fragment}");
        }
        assert_eq!(from_fragment(&format!("join={}", "a".repeat(CODE_BYTES_MAX + 1))), None);
    }
}
