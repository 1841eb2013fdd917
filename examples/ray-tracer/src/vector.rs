//! Three numbers: a place, a direction or a colour.

use std::ops::{Add, Mul, Sub};

/// Right, up and forward; or red, green and blue.
#[derive(Clone, Copy)]
pub struct Vector(pub f64, pub f64, pub f64);

impl Vector {
    pub const ZERO: Self = Self(0.0, 0.0, 0.0);

    pub fn dot(self, other: Self) -> f64 {
        self.0 * other.0 + self.1 * other.1 + self.2 * other.2
    }

    /// The product that stands at right angles to both.
    pub fn cross(self, other: Self) -> Self {
        Self(
            self.1 * other.2 - self.2 * other.1,
            self.2 * other.0 - self.0 * other.2,
            self.0 * other.1 - self.1 * other.0,
        )
    }

    /// The same direction with a length of 1.
    pub fn unit(self) -> Self {
        self * (1.0 / self.dot(self).sqrt())
    }

    /// Each number times the other's.
    pub fn times(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1, self.2 * other.2)
    }

    /// So much of the way from this one to another.
    pub fn towards(self, other: Self, share: f64) -> Self {
        self + (other - self) * share
    }
}

impl Add for Vector {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1, self.2 + other.2)
    }
}

impl Sub for Vector {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1, self.2 - other.2)
    }
}

impl Mul<f64> for Vector {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self(self.0 * factor, self.1 * factor, self.2 * factor)
    }
}
