//! Cities and the distances between them.

/// Capitals of Europe: names, and kilometres east and north of a point in the Atlantic.
const CAPITALS: &str = include_str!("capitals.txt");
/// Fewer have one round trip only.
const CITIES_MIN: usize = 4;
const CITIES_MAX: usize = 100;
/// Beyond the largest coordinate.
const SIDE: u64 = 1_000_000;

/// Cities, which are numbered from 0.
pub struct Cities {
    names: Vec<String>,
    /// From each to each, row by row.
    distances: Vec<u64>,
}

impl Cities {
    /// The cities that are there without being given.
    pub fn capitals() -> Option<Self> {
        let lines: Vec<String> = CAPITALS.lines().map(str::to_owned).collect();
        Self::read(&lines)
    }

    /// Reads a `name,x,y` for each; `None` where one is wrong, or there are too few or
    /// too many.
    pub fn read(given: &[String]) -> Option<Self> {
        if !(CITIES_MIN..=CITIES_MAX).contains(&given.len()) {
            return None;
        }
        let cities: Option<Vec<(&str, u64, u64)>> = given.iter().map(|one| city(one)).collect();
        let cities = cities?;
        let pairs = cities.iter().flat_map(|from| cities.iter().map(move |to| distance(from, to)));
        let names = cities.iter().map(|(name, ..)| (*name).to_owned());
        Some(Self { names: names.collect(), distances: pairs.collect() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// A city's name.
    pub fn name(&self, city: usize) -> &str {
        &self.names[city]
    }

    /// How far it is from one to another.
    pub fn distance(&self, from: usize, to: usize) -> u64 {
        self.distances[from * self.count() + to]
    }
}

fn city(text: &str) -> Option<(&str, u64, u64)> {
    let mut parts = text.split(',');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut coordinate = || parts.next()?.parse().ok().filter(|along| *along < SIDE);
    let (x, y) = (coordinate()?, coordinate()?);
    parts.next().is_none().then_some((name, x, y))
}

/// The distance to the nearest whole number: the root of four times the square is twice
/// the distance, so a half of it can be told without a fraction.
fn distance((_, x, y): &(&str, u64, u64), (_, other_x, other_y): &(&str, u64, u64)) -> u64 {
    let square = x.abs_diff(*other_x).pow(2) + y.abs_diff(*other_y).pow(2);
    (4 * square).isqrt().div_ceil(2)
}
