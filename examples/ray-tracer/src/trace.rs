//! From a pixel to its colour: rays that end at the lamp or in the sky.
//!
//! A pixel is the mean of four rays. Each place that a ray meets is lit from four places
//! of the lamp, one of each quarter, and the four rays of a pixel take other parts of the
//! quarters, so that shadows are soft.

use crate::{
    scene::{AIM, EYE, Hit, LAMP, LAMP_SIDE, first, is_hidden, sky},
    vector::Vector,
};

/// Surfaces that a ray meets at most, one mirrored in the other.
const MIRRORS_MAX: u32 = 5;
/// Half of what the eye sees from left to right, at a distance of 1.
const VIEW: f64 = 0.53;
/// The light of the lamp, and that which comes from everywhere.
const LAMP_LIGHT: Vector = Vector(1.00, 0.94, 0.84);
const AMBIENT: Vector = Vector(0.13, 0.16, 0.21);

/// A pixel's red, green and blue.
pub fn pixel(column: u32, row: u32, width: u32, height: u32) -> [u8; 3] {
    let mut random = Random(u64::from(row) << 32 | u64::from(column));
    let forward = (AIM - EYE).unit();
    let right = Vector(0.0, 1.0, 0.0).cross(forward).unit();
    let up = forward.cross(right);
    let scale = 2.0 * VIEW / f64::from(width);
    let mut light = Vector::ZERO;
    for part in QUARTERS {
        let x = f64::from(column) + 0.25 + part.0 * 0.5 - f64::from(width) * 0.5;
        let y = f64::from(height) * 0.5 - f64::from(row) - 0.25 - part.1 * 0.5;
        let direction = (forward + right * (x * scale) + up * (y * scale)).unit();
        light = light + seen(EYE, direction, part, MIRRORS_MAX, &mut random) * 0.25;
    }
    [light.0, light.1, light.2].map(byte)
}

/// The places of quarters: left or right, upper or lower.
const QUARTERS: [(f64, f64); 4] = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];

/// The light that comes along a ray from the other end.
fn seen(
    from: Vector,
    direction: Vector,
    part: (f64, f64),
    mirrors: u32,
    random: &mut Random,
) -> Vector {
    let Some(hit) = first(from, direction) else { return sky(direction) };
    let own = lit(&hit, direction, part, random);
    let cosine = -direction.dot(hit.normal);
    // Any surface mirrors more the flatter it is looked at (Schlick, 1994).
    let flat = if cosine < 1.0 { 1.0 - cosine } else { 0.0 };
    let mirror = hit.surface.mirror + (1.0 - hit.surface.mirror) * fifth_power(flat) * 0.6;
    let all = if mirrors > 1 {
        let mirrored = direction + hit.normal * (2.0 * cosine);
        let other = seen(hit.place, mirrored.unit(), part, mirrors - 1, random);
        own.towards(other, mirror)
    } else {
        own
    };
    all.towards(sky(direction), hit.haze)
}

/// What the lamp and the sky make of a surface.
fn lit(hit: &Hit, direction: Vector, part: (f64, f64), random: &mut Random) -> Vector {
    let colour = hit.surface.colour;
    let mut light = colour.times(AMBIENT) * (1.4 + hit.normal.1 * 0.6);
    for quarter in QUARTERS {
        let along = |quarter: f64, part: f64, random: f64| (quarter * 2.0 + part + random) * 0.25;
        let x = along(quarter.0, part.0, random.next()) * LAMP_SIDE;
        let z = along(quarter.1, part.1, random.next()) * LAMP_SIDE;
        let lamp = LAMP + Vector(x, 0.0, z);
        let to_lamp = (lamp - hit.place).unit();
        let cosine = to_lamp.dot(hit.normal);
        if cosine <= 0.0 || is_hidden(hit.place, lamp) {
            continue;
        }
        light = light + colour.times(LAMP_LIGHT) * (cosine * 0.3);
        // The lamp itself, blurred: highest where the surface would mirror it.
        let shine = (to_lamp - direction).unit().dot(hit.normal);
        let shine = fifth_power(shine * shine * shine * shine * shine * shine);
        light = light + LAMP_LIGHT * (shine * shine * shine * 0.16);
    }
    light
}

fn fifth_power(number: f64) -> f64 {
    let square = number * number;
    square * square * number
}

/// A colour's light as a byte; a root is close to what screens expect.
fn byte(light: f64) -> u8 {
    let light = if light < 1.0 { light } else { 1.0 };
    (light.sqrt() * 255.0 + 0.5) as u8
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    /// A number from 0 to 1, without 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let state = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((state ^ state >> 31) >> 40) as f64 / f64::from(1 << 24)
    }
}
