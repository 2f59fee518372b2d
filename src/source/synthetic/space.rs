//! Space: what things take up, so that no two are in one place.

use std::f64::consts::FRAC_PI_2;

use spatialmill_geometry::{OrientedBox, Vector3};

use super::placed_item::PlacedItem;
use super::shape::turned;

/// Space that is taken: an upright box, turned about z.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub x: f64,
    pub y: f64,
    pub yaw: f64,
    /// Half its sides, along its own axes.
    pub half: [f64; 2],
    pub low: f64,
    pub high: f64,
}

impl Taken {
    pub fn by(object: &PlacedItem) -> Self {
        let OrientedBox { centre, lengths, .. } = object.obb;
        let (low, high) = (object.bottom(), object.bottom() + lengths.z);
        Self { x: centre.x, y: centre.y, yaw: object.yaw, half: [lengths.x / 2.0, lengths.y / 2.0], low, high }
    }

    /// The same box with this much more depth in front.
    pub fn deepened(self, depth: f64) -> Self {
        let front = turned(self.yaw, Vector3::new(0.0, -depth / 2.0, 0.0));
        let half = [self.half[0], self.half[1] + depth / 2.0];
        Self { x: self.x + front.x, y: self.y + front.y, half, ..self }
    }

    /// True where it lies above or below a point of the ground plan.
    pub fn covers(&self, [x, y]: [f64; 2]) -> bool {
        let from_middle = turned(-self.yaw, Vector3::new(x - self.x, y - self.y, 0.0));
        from_middle.x.abs() <= self.half[0] && from_middle.y.abs() <= self.half[1]
    }

    /// Half the sides of the rectangle along the world axes that holds it.
    pub fn reach(&self) -> [f64; 2] {
        [0.0, FRAC_PI_2].map(|angle| self.radius(angle))
    }

    /// How far it reaches from its middle towards `angle`.
    fn radius(&self, angle: f64) -> f64 {
        let (sin, cos) = (angle - self.yaw).sin_cos();
        self.half[0] * cos.abs() + self.half[1] * sin.abs()
    }

    /// True where the two are less than `gap` apart; exact in height, by separating axes in plan.
    pub fn meets(&self, other: &Self, gap: f64) -> bool {
        // A thing that stands on another touches it: only their insides count in height.
        if self.high <= other.low + 1e-9 || other.high <= self.low + 1e-9 {
            return false;
        }
        [self.yaw, self.yaw + FRAC_PI_2, other.yaw, other.yaw + FRAC_PI_2].iter().all(|&angle| {
            let (sin, cos) = angle.sin_cos();
            let apart = ((self.x - other.x) * cos + (self.y - other.y) * sin).abs();
            apart < self.radius(angle) + other.radius(angle) + gap - 1e-9
        })
    }
}
