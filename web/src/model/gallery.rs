//! The sparks that come with the site: what `gallery.json` says of each.

use serde::Deserialize;

use super::{
    inputs::Kind,
    picture::{Format, Picture},
    route::NAME_CHARS_MAX,
    together::Together,
};

/// Sparks that a gallery may have.
pub const SPARKS_MAX: usize = 64;

/// One spark, and how it is set up at first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Spark {
    /// Its name in addresses: letters, digits and hyphens.
    pub name: String,
    /// The name people see.
    pub title: String,
    /// What it does, in a sentence.
    pub description: String,
    /// The module's file, beside the gallery's own.
    pub file: String,
    /// How it is called.
    pub entry: SparkEntry,
    /// Arguments at first; `{}` stands for the input.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Whether the input is given as standard input.
    #[serde(default)]
    pub stdin: bool,
    /// What it runs over at first.
    pub inputs: SparkInputs,
    /// What becomes of its results together at first.
    #[serde(default)]
    pub together: Together<Rows>,
    /// Its source, beside the gallery's own file.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The same in languages other than Rust.
    #[serde(default)]
    pub translations: Vec<Translation>,
    /// Of a translation, of which spark.
    #[serde(skip)]
    pub of: Option<String>,
}

/// A spark in another language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Translation {
    /// The language, as people write it.
    pub language: String,
    /// What its name has behind the spark's.
    pub slug: String,
    /// As in [`Spark`].
    pub file: String,
    /// As in [`Spark`].
    pub sources: Vec<String>,
}

impl Spark {
    /// The same in another language.
    fn translated(&self, into: &Translation) -> Self {
        let Translation { language, slug, file, sources } = into.clone();
        Self {
            name: format!("{}-{slug}", self.name),
            title: format!("{} in {language}", self.title),
            file,
            sources,
            of: Some(self.name.clone()),
            ..self.clone()
        }
    }

    /// It in every language: names and languages. Empty where there is only one.
    pub fn versions(&self) -> Vec<(String, &str)> {
        if self.translations.is_empty() {
            return Vec::new();
        }
        let first = self.of.as_ref().unwrap_or(&self.name);
        let others = self.translations.iter();
        let others = others.map(|other| (format!("{first}-{}", other.slug), &*other.language));
        [(first.clone(), "Rust")].into_iter().chain(others).collect()
    }
}

/// How a spark is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SparkEntry {
    /// An exported function, by name.
    Export(String),
    /// A WASI command.
    Command,
    /// A JSON spark.
    Json,
}

/// What a spark runs over at first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SparkInputs {
    /// From the first to the last, both included.
    Range {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
    },
    /// One task per line.
    Lines(Vec<String>),
    /// One task.
    One(String),
}

impl SparkInputs {
    /// The way they are given.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Range { .. } => Kind::Range,
            Self::Lines(_) => Kind::Lines,
            Self::One(_) => Kind::One,
        }
    }
}

/// Each result is so many whole rows of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Rows {
    /// How their pixels are written.
    pub format: Format,
    /// Which argument, counted from 0, is the width in pixels.
    pub size_argument: usize,
    /// Which argument, counted from 0, is the rows of each result; one row without it.
    #[serde(default)]
    pub rows_argument: Option<usize>,
}

impl Rows {
    /// The picture that so many results make which these arguments ask for; `None` if
    /// they ask for none that is drawn.
    pub fn picture(&self, arguments: &[String], results: u64) -> Option<Picture> {
        let number = |argument: usize| arguments.get(argument)?.parse().ok();
        let rows = self.rows_argument.map_or(Some(1), number)?;
        Picture::new(self.format, number(self.size_argument)?, rows, results)
    }

    /// Which arguments a picture was told by: the first that say its width and the rows of
    /// a result. `None` if none does.
    pub fn of(picture: Picture, arguments: &[String]) -> Option<Self> {
        let place = |number: u32| {
            let number = number.to_string();
            arguments.iter().position(|argument| *argument == number)
        };
        let rows_argument = if picture.rows == 1 { None } else { Some(place(picture.rows)?) };
        Some(Self { format: picture.format, size_argument: place(picture.width)?, rows_argument })
    }
}

/// What `gallery.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Gallery {
    sparks: Vec<Spark>,
}

impl Gallery {
    /// Its sparks, each followed by itself in other languages. Those whose names could
    /// not stand in an address, and any beyond [`SPARKS_MAX`], are left out.
    pub fn sparks(self) -> Vec<Spark> {
        let all = self.sparks.into_iter().flat_map(|spark| {
            let others = spark.translations.iter().map(|into| spark.translated(into));
            let others: Vec<Spark> = others.collect();
            [spark].into_iter().chain(others)
        });
        let named = all.filter(|spark| is_name(&spark.name));
        named.take(SPARKS_MAX).collect()
    }
}

/// The name of a source by where the site has it: `add.c` of `add/c/add.c-<hash>.txt`.
pub fn source_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('-').map_or(file, |(name, _)| name)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_s_own_gallery_is_read_and_strange_names_are_left_out() {
        let own = include_str!("../../../examples/gallery.json");
        let gallery: Gallery = serde_json::from_str(own).expect("it is of that form");
        let all = gallery.sparks.len();
        assert!(all > 0);
        let sparks = gallery.clone().sparks();
        assert_eq!(sparks.iter().filter(|spark| spark.of.is_none()).count(), all);
        for (calculator, languages) in [("add", 7), ("json-calculator", 7), ("nebulark", 4)] {
            let of = sparks.iter().find(|spark| spark.name == calculator).expect("it is there");
            assert_eq!(of.versions().len(), languages, "{calculator}");
            for (name, language) in of.versions() {
                let version = sparks.iter().find(|spark| spark.name == name);
                let version = version.unwrap_or_else(|| panic!("there is no {name}"));
                assert_eq!(version.versions(), of.versions(), "{name}");
                assert!(version.of.is_none() || version.title.ends_with(language), "{name}");
                assert!(!version.sources.is_empty(), "{name}");
            }
        }
        let together = |name: &str| {
            let spark = sparks.iter().find(|spark| spark.name == name).expect("it is there");
            spark.together
        };
        assert_eq!([together("word-count"), together("monte-carlo")], [Together::Sum; 2]);
        assert_eq!(together("ray-tracer").key(), "picture");
        assert_eq!(together("add"), Together::Concatenate);
        assert_eq!(source_name("add/c/add.c-0123456789abcdef.txt"), "add.c");
        let strange = Spark { name: "<b>".to_owned(), ..gallery.sparks[0].clone() };
        assert_eq!(Gallery { sparks: vec![strange] }.sparks(), []);
    }

    #[test]
    fn a_picture_is_told_by_the_arguments_that_it_was_told_by() {
        let rows = Rows { format: Format::Pixmap, size_argument: 1, rows_argument: Some(2) };
        let arguments = ["{}", "640", "16", "640"].map(str::to_owned);
        let picture = rows.picture(&arguments, 30).expect("small");
        assert_eq!(Rows::of(picture, &arguments), Some(rows));
        assert_eq!(Rows::of(picture, &arguments[..2]), None);
        let rows = Rows { rows_argument: None, ..rows };
        let picture = rows.picture(&arguments, 30).expect("small");
        assert_eq!(Rows::of(picture, &arguments), Some(rows));
    }
}
