//! What there is to be seen: the spheres, the floor, the sky and a lamp.

use crate::vector::Vector;

/// Where the eye is, and what it looks at.
pub const EYE: Vector = Vector(0.5, 2.0, -6.4);
pub const AIM: Vector = Vector(0.2, 0.70, 0.0);

/// A square lamp that hangs level: a corner of it, and how long its sides are.
pub const LAMP: Vector = Vector(-6.4, 5.2, -3.8);
pub const LAMP_SIDE: f64 = 2.6;

/// From here on the floor is lost in haze, in units from the eye.
const HAZE: f64 = 42.0;
/// Closer than this a ray does not see the surface it comes from.
const NEAR: f64 = 1e-6;

struct Sphere {
    centre: Vector,
    radius: f64,
    surface: Surface,
}

/// What a surface makes of light.
#[derive(Clone, Copy)]
pub struct Surface {
    pub colour: Vector,
    /// How much it mirrors when looked at straight on.
    pub mirror: f64,
}

const fn sphere(centre: Vector, radius: f64, colour: Vector, mirror: f64) -> Sphere {
    Sphere { centre, radius, surface: Surface { colour, mirror } }
}

const SPHERES: [Sphere; 7] = [
    sphere(Vector(0.0, 1.0, 0.4), 1.0, Vector(0.75, 0.78, 0.82), 0.62),
    sphere(Vector(-2.05, 0.75, -0.5), 0.75, Vector(0.82, 0.13, 0.10), 0.10),
    sphere(Vector(1.95, 0.62, -0.8), 0.62, Vector(0.06, 0.34, 0.66), 0.14),
    sphere(Vector(0.75, 0.36, -1.9), 0.36, Vector(0.92, 0.62, 0.12), 0.34),
    sphere(Vector(-0.75, 0.30, -2.1), 0.30, Vector(0.16, 0.52, 0.22), 0.08),
    sphere(Vector(-1.7, 0.22, -2.3), 0.22, Vector(0.85, 0.85, 0.85), 0.50),
    sphere(Vector(2.7, 1.1, 2.6), 1.1, Vector(0.42, 0.18, 0.50), 0.18),
];

/// Where a ray ends.
pub struct Hit {
    pub place: Vector,
    /// Away from the surface, with a length of 1.
    pub normal: Vector,
    pub surface: Surface,
    /// How much of it the haze hides, from 0 to 1.
    pub haze: f64,
}

/// The first that a ray meets; `None` where it goes on into the sky. A direction has a
/// length of 1.
pub fn first(from: Vector, direction: Vector) -> Option<Hit> {
    let met = SPHERES.iter().filter_map(|sphere| Some((meet(sphere, from, direction)?, sphere)));
    let nearest = met.reduce(|one, other| if other.0 < one.0 { other } else { one });
    let floor = (direction.1 < 0.0).then(|| -from.1 / direction.1).filter(|way| *way > NEAR);
    match (nearest, floor) {
        (Some((way, sphere)), floor) if floor.is_none_or(|floor| way < floor) => {
            let place = from + direction * way;
            let normal = (place - sphere.centre) * (1.0 / sphere.radius);
            Some(Hit { place, normal, surface: sphere.surface, haze: 0.0 })
        }
        (_, Some(way)) if way < HAZE => {
            let place = from + direction * way;
            let (normal, share) = (Vector(0.0, 1.0, 0.0), way / HAZE);
            Some(Hit { place, normal, surface: floor_at(place), haze: share * share })
        }
        _ => None,
    }
}

/// Whether anything stands between two places.
pub fn is_hidden(place: Vector, other: Vector) -> bool {
    let way = other - place;
    let (length, direction) = (way.dot(way).sqrt(), way.unit());
    let mut met = SPHERES.iter().filter_map(|sphere| meet(sphere, place, direction));
    met.any(|met| met < length)
}

/// The light that comes from the sky: paler towards the horizon.
pub fn sky(direction: Vector) -> Vector {
    let height = if direction.1 > 0.0 { direction.1.sqrt() } else { 0.0 };
    Vector(0.80, 0.86, 0.92).towards(Vector(0.10, 0.24, 0.52), height)
}

/// How far it is along a ray to a sphere, in front of where the ray begins.
fn meet(sphere: &Sphere, from: Vector, direction: Vector) -> Option<f64> {
    let to_centre = sphere.centre - from;
    let middle = to_centre.dot(direction);
    let inside = sphere.radius * sphere.radius - to_centre.dot(to_centre) + middle * middle;
    if inside < 0.0 {
        return None;
    }
    let half = inside.sqrt();
    [middle - half, middle + half].into_iter().find(|way| *way > NEAR)
}

fn floor_at(place: Vector) -> Surface {
    let is_dark = (place.0.floor() + place.2.floor()) as i64 & 1 == 0;
    let colour = if is_dark { Vector(0.07, 0.08, 0.10) } else { Vector(0.60, 0.58, 0.54) };
    Surface { colour, mirror: 0.08 }
}
