//! Where a file stands: names with slashes between them.
//!
//! Refused: empty names, `.` and `..`, backslashes and control characters,
//! characters that turn the direction of writing (they make `exe.gpj` look like
//! a picture), and what is beyond the bounds. Names are compared byte by byte;
//! two ways to write one letter are two names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Refusal;

/// A name, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// A path, in bytes.
pub const PATH_BYTES_MAX: usize = 960;
/// Names in a path.
pub const LEVELS_MAX: usize = 64;

/// A path that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

impl FilePath {
    /// The whole path, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folders that it is in, outermost first.
    pub fn folders(&self) -> impl Iterator<Item = Self> {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].to_owned()))
    }

    /// A path inside this one.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn join(&self, below: &str) -> Result<Self, Refusal> {
        format!("{self}/{below}").parse()
    }

    /// What of it lies below a folder; `None` where it is not inside. A `None`
    /// folder is the one that all are in.
    pub fn below(&self, folder: Option<&Self>) -> Option<&str> {
        let Some(folder) = folder else { return Some(&self.0) };
        self.0.strip_prefix(folder.as_str())?.strip_prefix('/')
    }

    /// Where it stands after that folder, or file, has got another path; `None`
    /// where that does not concern it.
    ///
    /// # Errors
    /// [`Refusal::PathLength`] and [`Refusal::TooDeep`].
    pub(super) fn moved(&self, from: &Self, to: &Self) -> Result<Option<Self>, Refusal> {
        if self == from {
            return Ok(Some(to.clone()));
        }
        self.below(Some(from)).map(|below| to.join(below)).transpose()
    }
}

impl FromStr for FilePath {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.len() > PATH_BYTES_MAX {
            return Err(Refusal::PathLength);
        }
        for (level, name) in text.split('/').enumerate() {
            if level == LEVELS_MAX {
                return Err(Refusal::TooDeep);
            }
            check_name(name)?;
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for FilePath {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::EmptyName);
    }
    if name == "." || name == ".." {
        return Err(Refusal::Dots);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(Refusal::NameLength);
    }
    name.chars()
        .find(|&found| is_refused(found))
        .map_or(Ok(()), |found| Err(Refusal::Character { found }))
}

fn is_refused(found: char) -> bool {
    let turns_direction = matches!(
        found,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let ends_a_line = matches!(found, '\u{2028}' | '\u{2029}');
    found.is_control() || found == '\\' || turns_direction || ends_a_line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FilePath {
        text.parse().expect("it keeps the rules")
    }

    #[test]
    fn tricks_are_refused() {
        let cases = [
            ("", Refusal::EmptyName),
            ("/", Refusal::EmptyName),
            ("/etc", Refusal::EmptyName),
            ("a/", Refusal::EmptyName),
            ("a//b", Refusal::EmptyName),
            ("..", Refusal::Dots),
            ("a/../b", Refusal::Dots),
            ("a/.", Refusal::Dots),
            ("a\\..\\b", Refusal::Character { found: '\\' }),
            ("a/b\nc", Refusal::Character { found: '\n' }),
            ("a\0", Refusal::Character { found: '\0' }),
            ("photo\u{202e}gpj.exe", Refusal::Character { found: '\u{202e}' }),
        ];
        for (text, refusal) in cases {
            assert_eq!(text.parse::<FilePath>(), Err(refusal), "{text:?}");
        }
        for text in ["...", ".hidden", "a b", "übung/日本.txt", "a:b", "~", "-rf"] {
            assert_eq!(path(text).as_str(), text);
        }
    }

    #[test]
    fn bounds() {
        let longest = ["x"; LEVELS_MAX].join("/");
        assert_eq!(path(&longest).folders().count(), LEVELS_MAX - 1);
        assert_eq!(format!("{longest}/x").parse::<FilePath>(), Err(Refusal::TooDeep));
        assert_eq!(vec!["x"; 10_000].join("/").parse::<FilePath>(), Err(Refusal::PathLength));
        let name = "x".repeat(NAME_BYTES_MAX);
        assert_eq!(path(&name).name(), name);
        assert_eq!(format!("{name}x").parse::<FilePath>(), Err(Refusal::NameLength));
    }

    #[test]
    fn what_is_inside_a_folder() {
        let (folder, file) = (path("a/b"), path("a/b/c/d"));
        assert_eq!(file.below(Some(&folder)), Some("c/d"));
        assert_eq!(path("a/bc").below(Some(&folder)), None);
        assert_eq!(file.moved(&folder, &path("x")), Ok(Some(path("x/c/d"))));
        assert_eq!(folder.moved(&folder, &path("x")), Ok(Some(path("x"))));
        assert_eq!(path("a/bc").moved(&folder, &path("x")), Ok(None));
        assert_eq!(file.folders().collect::<Vec<_>>(), [path("a"), folder, path("a/b/c")]);
    }
}
