//! Relative direction: who stands at A and faces B, where is C? (VSI-Bench's "relative direction".)
//!
//! ```text
//!          B 0°                 easy:    left (0, 180), right (180, 360)
//!      fl  │  fr                medium:  left (0, 135), back [135, 225], right (225, 360)
//!  90° ────A──── 270°           hard:    front-left (0, 90), back-left (90, 180), back-right (180, 270), front-right (270, 360)
//!      bl  │  br
//!         180°                  The angle goes counter-clockwise, seen from above, from the direction A to B to the direction A to C.
//! ```
//!
//! In: three oriented boxes in one frame whose z points up, metres. Out: the angle between their centres on the ground plan, the sector of each
//! difficulty, how far the angle is from BOTH boundaries of that sector, and how many corners of C's box lie elsewhere. VSI-Bench tests the upper
//! boundary alone, and has published answers at 0.8 and 181.2 degrees.

use crate::OrientedBox;
use crate::angle::{angle_ccw, wrap_180};
use nalgebra::Vector3;

/// How finely directions are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difficulty {
    Easy,
    Medium,
    Hard,
}

/// The names of a difficulty's sectors and where each begins, degrees; the last one ends at 360.
type Sectors = &'static [(&'static str, f64)];

const EASY: Sectors = &[("left", 0.0), ("right", 180.0)];
const MEDIUM: Sectors = &[("left", 0.0), ("back", 135.0), ("right", 225.0)];
const HARD: Sectors = &[("front-left", 0.0), ("back-left", 90.0), ("back-right", 180.0), ("front-right", 270.0)];

impl Difficulty {
    fn sectors(self) -> Sectors {
        match self {
            Self::Easy => EASY,
            Self::Medium => MEDIUM,
            Self::Hard => HARD,
        }
    }
}

/// The sector of one difficulty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sector {
    pub name: &'static str,
    /// From the angle to the nearer of the sector's two boundaries, degrees.
    pub boundary: f64,
    /// How many of the eight corners lie in other sectors.
    pub corners_elsewhere: u32,
    /// How many of those lie beyond the farther of the two boundaries: a box that spills over both of them has no direction.
    pub corners_beyond: u32,
}

/// Where C is for who stands at A and faces B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Direction {
    /// Counter-clockwise from A to B to A to C, [0, 360).
    pub angle: f64,
    /// Metres from A to B and from A to C on the ground plan.
    pub to_facing: f64,
    pub to_queried: f64,
    pub easy: Sector,
    pub medium: Sector,
    pub hard: Sector,
}

impl Direction {
    /// `None` where B or C is right above or below A, so that there is no direction.
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Vector3, direction::Direction};
    /// let cube = |x, y| OrientedBox::upright(Vector3::new(x, y, 0.5), 0.0, Vector3::repeat(1.0));
    /// // At the bed, facing the desk to the north; the lamp is to the north-west of the bed.
    /// let lamp = Direction::of(&cube(0.0, 0.0), &cube(0.0, 4.0), &cube(-3.0, 3.0)).unwrap();
    /// assert_eq!((lamp.angle, lamp.hard.name, lamp.hard.boundary), (45.0, "front-left", 45.0));
    /// assert_eq!((lamp.easy.name, lamp.medium.name, lamp.medium.boundary), ("left", "left", 45.0));
    /// // The couch is 1 m left of the line to the desk, and half of it is right of the line.
    /// let couch = Direction::of(&cube(0.0, 0.0), &cube(0.0, 4.0), &cube(-0.1, 3.0)).unwrap();
    /// assert_eq!((couch.hard.name, couch.hard.corners_elsewhere), ("front-left", 4));
    /// assert!(couch.hard.boundary < 2.0);
    /// ```
    pub fn of(standing: &OrientedBox, facing: &OrientedBox, queried: &OrientedBox) -> Option<Self> {
        let from_standing = |p: &Vector3<f64>| [p.x - standing.centre.x, p.y - standing.centre.y];
        let (ahead, there) = (from_standing(&facing.centre), from_standing(&queried.centre));
        let angle = angle_ccw(ahead, there)?;
        // A corner right above A is in no direction, and so in no other one.
        let corners: Vec<f64> =
            queried.corners().iter().filter_map(|corner| angle_ccw(ahead, from_standing(corner))).collect();
        let sector = |difficulty: Difficulty| sector_of(difficulty, angle, &corners);
        let length = |[x, y]: [f64; 2]| x.hypot(y);
        Some(Self {
            angle,
            to_facing: length(ahead),
            to_queried: length(there),
            easy: sector(Difficulty::Easy),
            medium: sector(Difficulty::Medium),
            hard: sector(Difficulty::Hard),
        })
    }
}

fn sector_of(difficulty: Difficulty, angle: f64, corners: &[f64]) -> Sector {
    let sectors = difficulty.sectors();
    let index = |angle: f64| sectors.iter().rposition(|(_, from)| *from <= angle).unwrap_or(0);
    let own = index(angle);
    let (name, from) = sectors[own];
    let to = sectors.get(own + 1).map_or(360.0, |(_, from)| *from);
    let farther = (angle - from).max(to - angle);
    let towards_farther = if to - angle >= angle - from { 1.0 } else { -1.0 };
    Sector {
        name,
        boundary: (angle - from).min(to - angle),
        corners_elsewhere: corners.iter().filter(|corner| index(**corner) != own).count() as u32,
        corners_beyond: corners.iter().filter(|corner| towards_farther * wrap_180(**corner - angle) > farther).count()
            as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rigid;
    use crate::sampling::{oriented_box, point};
    use nalgebra::Rotation3;
    use proptest::prelude::*;

    fn cube(x: f64, y: f64, side: f64) -> OrientedBox {
        OrientedBox::upright(Vector3::new(x, y, 0.0), 0.0, Vector3::repeat(side))
    }

    #[test]
    fn names_of_all_sectors() {
        let names = [(-1.0, 2.0), (-2.0, 1.0), (-2.0, -1.0), (-1.0, -2.0), (1.0, -2.0), (2.0, -1.0), (1.0, 2.0)].map(
            |(x, y)| {
                let found = Direction::of(&cube(0.0, 0.0, 0.1), &cube(0.0, 3.0, 0.1), &cube(x, y, 0.1)).unwrap();
                (found.easy.name, found.medium.name, found.hard.name)
            },
        );
        assert_eq!(
            names,
            [
                ("left", "left", "front-left"),
                ("left", "left", "front-left"),
                ("left", "left", "back-left"),
                ("left", "back", "back-left"),
                ("right", "back", "back-right"),
                ("right", "right", "back-right"),
                ("right", "right", "front-right"),
            ]
        );
    }

    #[test]
    fn no_direction_above_or_at_the_place() {
        let (here, there) = (cube(1.0, 1.0, 0.5), cube(3.0, 1.0, 0.5));
        assert_eq!(Direction::of(&here, &here, &there), None);
        assert_eq!(Direction::of(&here, &there, &here), None);
    }

    #[test]
    fn a_wide_box_spills_over_both_boundaries() {
        // A wall of 8 m, 1 m ahead to the left: half of it is in each of the four quadrants but one.
        let wall = OrientedBox::upright(Vector3::new(-1.0, 1.0, 0.0), 0.8, Vector3::new(8.0, 0.1, 0.0));
        let found = Direction::of(&cube(0.0, 0.0, 0.1), &cube(0.0, 3.0, 0.1), &wall).unwrap();
        assert_eq!((found.hard.name, found.hard.corners_elsewhere), ("front-left", 8));
        assert_eq!(found.hard.corners_beyond, 4);
        // VSI-Bench's published 0.8 and 181.2 degrees are near the boundary that it does not test.
        let at = |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Direction::of(&cube(0.0, 0.0, 0.1), &cube(0.0, 3.0, 0.1), &cube(-3.0 * sin, 3.0 * cos, 0.01)).unwrap().hard
        };
        assert!((at(0.8).boundary - 0.8).abs() < 1e-9 && (at(181.2).boundary - 1.2).abs() < 1e-9);
    }

    proptest! {
        /// Whoever moves or turns the room about the vertical changes nothing, and a mirror swaps left and right.
        #[test]
        fn keeps_with_the_room(
            (a, b, c) in (oriented_box(), oriented_box(), oriented_box()), yaw in -3.2..3.2, by in point(),
        ) {
            let motion = Rigid { rotation: *Rotation3::from_axis_angle(&Vector3::z_axis(), yaw).matrix(), translation: by };
            let (before, after) = (Direction::of(&a, &b, &c), [a, b, c].map(|shape| shape.transform(&motion)));
            let (before, after) = (before.unwrap(), Direction::of(&after[0], &after[1], &after[2]).unwrap());
            prop_assert!(wrap_180(before.angle - after.angle).abs() < 1e-6);
            prop_assert!(before.hard.boundary < 1e-3 || before.hard.name == after.hard.name);
            let mirrored = [a, b, c].map(|mut shape| {
                shape.centre.x = -shape.centre.x;
                shape.axes.iter_mut().for_each(|axis| axis.x = -axis.x);
                shape
            });
            let mirrored = Direction::of(&mirrored[0], &mirrored[1], &mirrored[2]).unwrap();
            prop_assert!(wrap_180(before.angle + mirrored.angle).abs() < 1e-6);
            prop_assert!(before.easy.boundary < 1e-3 || before.easy.name != mirrored.easy.name);
        }

        #[test]
        fn boundaries_and_corners_are_of_the_same_sector((a, b, c) in (oriented_box(), oriented_box(), oriented_box())) {
            let found = Direction::of(&a, &b, &c).unwrap();
            for (sector, widest) in [(found.easy, 90.0), (found.medium, 67.5), (found.hard, 45.0)] {
                prop_assert!((0.0..=widest).contains(&sector.boundary));
                prop_assert!(sector.corners_beyond <= sector.corners_elsewhere && sector.corners_elsewhere <= 8);
            }
        }
    }
}
