//! What becomes of a job's results together: one after the other as they are, a sum, a
//! count, or a picture.
//!
//! It stands with the job that the nebula keeps, so that every ion's page makes the same
//! of the same results.

use serde::Deserialize;

use super::picture::Picture;

/// What becomes of results together. What a picture is told by differs: by arguments,
/// before a job is set up, and by its size from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Together<P = Picture> {
    /// One after the other.
    #[default]
    Concatenate,
    /// The numbers of each, added column by column.
    Sum,
    /// How many of them are the same.
    Count,
    /// Lines of words with a number behind them, which is added for the same words.
    SumByWord,
    /// Rows of a picture.
    Picture(P),
}

impl<P> Together<P> {
    /// Those of every spark, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Concatenate, Self::Sum, Self::Count, Self::SumByWord];

    /// The name beside a job, in tests and gallery files.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Concatenate => "concatenate",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::SumByWord => "sum-by-word",
            Self::Picture(_) => "picture",
        }
    }

    /// What people read.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Concatenate => "One after the other",
            Self::Sum => "Sum: numbers, column by column",
            Self::Count => "Count: how many are the same",
            Self::SumByWord => "Sum by word: lines such as “word 3”",
            Self::Picture(_) => "A picture",
        }
    }

    /// The one of that name among those of every spark.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }

    /// The same with a picture that is told otherwise; results of which it cannot be told
    /// stay as they are.
    pub fn told<Q>(self, picture: impl FnOnce(P) -> Option<Q>) -> Together<Q> {
        match self {
            Self::Picture(rows) => picture(rows).map(Together::Picture).unwrap_or_default(),
            Self::Concatenate => Together::Concatenate,
            Self::Sum => Together::Sum,
            Self::Count => Together::Count,
            Self::SumByWord => Together::SumByWord,
        }
    }
}

impl Together {
    /// As it stands beside a job that the nebula keeps.
    pub fn about(self) -> String {
        match self {
            Self::Concatenate => String::new(),
            Self::Picture(picture) => picture.about(),
            other => other.key().to_owned(),
        }
    }

    /// The same read again; what is not known is left as it is.
    pub fn of_about(about: &str) -> Self {
        let picture = || Picture::of_about(about).map(Self::Picture);
        Self::of_key(about).or_else(picture).unwrap_or_default()
    }

    /// The picture, if it is one.
    pub fn picture(self) -> Option<Picture> {
        match self {
            Self::Picture(picture) => Some(picture),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::picture::Format;

    #[test]
    fn what_stands_beside_a_job_is_read_again() {
        let picture = Picture::new(Format::Pixmap, 640, 16, 30).expect("small");
        for together in Together::ALL.into_iter().chain([Together::Picture(picture)]) {
            assert_eq!(Together::of_about(&together.about()), together);
        }
        // As jobs had it before anything else could become of results.
        assert_eq!(Together::of_about(""), Together::Concatenate);
        assert_eq!(Together::of_about("picture 640 30 16 ppm"), Together::Picture(picture));
        for unknown in ["median", "picture", "picture 0 5", "Sum", "sum "] {
            assert_eq!(Together::of_about(unknown), Together::Concatenate, "{unknown}");
        }
    }
}
