//! Outlines: where the walls of a room stand, seen from above. A rectangle along the world axes, or an L: a rectangle without one of its corners.

use std::f64::consts::FRAC_PI_2;

use spatialmill_geometry::Vector3;

use super::shape::turned;
use super::space::Taken;

/// The outline of a room on the ground plan, metres.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Middle of the rectangle, the missing corner included.
    pub centre: [f64; 2],
    /// East-west and north-south.
    pub size: [f64; 2],
    /// The lowest and highest corner of what is missing.
    pub notch: Option<[[f64; 2]; 2]>,
    pub walls: Vec<WallRun>,
}

/// A straight wall, for what stands with its back to it.
#[derive(Debug, Clone)]
pub struct WallRun {
    /// From where `out` and shifts along the wall are counted.
    centre: [f64; 2],
    /// The turn of a piece that has its back to this wall.
    yaw: f64,
    along: f64,
    out: f64,
    /// Nothing but the open air is behind it.
    pub is_outer: bool,
}

impl Outline {
    /// The four walls of a rectangle, all of them outer walls. A piece at yaw 0 has its back to the north; each quarter turn takes it to the next.
    pub fn rectangle(centre: [f64; 2], size: [f64; 2]) -> Self {
        let wall = |n: usize| {
            let (along, across) = if n.is_multiple_of(2) { (size[0], size[1]) } else { (size[1], size[0]) };
            WallRun { centre, yaw: f64::from(n as u32) * FRAC_PI_2, along, out: across / 2.0, is_outer: true }
        };
        Self { centre, size, notch: None, walls: (0..4).map(wall).collect() }
    }

    /// The rectangle between two corners without the rectangle between two others, which has a corner in common with it.
    pub fn without_corner([low, high]: [[f64; 2]; 2], notch: [[f64; 2]; 2]) -> Self {
        let centre = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
        let size = [high[0] - low[0], high[1] - low[1]];
        let mut outline = Self { centre, size, notch: Some(notch), walls: Vec::new() };
        let corners = outline.polygon();
        outline.walls =
            (0..corners.len()).map(|n| WallRun::between(corners[n], corners[(n + 1) % corners.len()])).collect();
        outline
    }

    /// The lowest and highest corner of the rectangle, the missing corner included.
    pub fn corners(&self) -> [[f64; 2]; 2] {
        let ([x, y], [width, depth]) = (self.centre, self.size);
        [[x - width / 2.0, y - depth / 2.0], [x + width / 2.0, y + depth / 2.0]]
    }

    /// Counter-clockwise, in the order of the walls of an L. The corner that points inwards comes first, so that triangles around it fill the floor.
    pub fn polygon(&self) -> Vec<[f64; 2]> {
        let [[x0, y0], [x1, y1]] = self.corners();
        let whole = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
        let Some([[nx0, ny0], [nx1, ny1]]) = self.notch else { return whole.to_vec() };
        let (middle_x, middle_y) = ((nx0 + nx1) / 2.0, (ny0 + ny1) / 2.0);
        let (is_east, is_north) = (middle_x > self.centre[0], middle_y > self.centre[1]);
        let (x, y) = (if is_east { nx0 } else { nx1 }, if is_north { ny0 } else { ny1 });
        match (is_east, is_north) {
            (true, true) => vec![[x, y], [x, y1], [x0, y1], [x0, y0], [x1, y0], [x1, y]],
            (false, true) => vec![[x, y], [x0, y], [x0, y0], [x1, y0], [x1, y1], [x, y1]],
            (true, false) => vec![[x, y], [x1, y], [x1, y1], [x0, y1], [x0, y0], [x, y0]],
            (false, false) => vec![[x, y], [x, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y]],
        }
    }

    /// True where a thing lies inside, even if it were as wide as the rectangle along the world axes that holds it.
    pub fn holds(&self, thing: &Taken) -> bool {
        let [rx, ry] = thing.reach();
        let inside = (thing.x - self.centre[0]).abs() + rx <= self.size[0] / 2.0
            && (thing.y - self.centre[1]).abs() + ry <= self.size[1] / 2.0;
        let clear = |[low, high]: [[f64; 2]; 2]| {
            let slack = 1e-9;
            thing.x + rx <= low[0] + slack
                || thing.x - rx >= high[0] - slack
                || thing.y + ry <= low[1] + slack
                || thing.y - ry >= high[1] - slack
        };
        inside && self.notch.is_none_or(clear)
    }

    /// True for a point inside or on a wall.
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        let inside = |[low, high]: [[f64; 2]; 2]| low[0] < x && x < high[0] && low[1] < y && y < high[1];
        let [low, high] = self.corners();
        low[0] <= x && x <= high[0] && low[1] <= y && y <= high[1] && !self.notch.is_some_and(inside)
    }
}

impl WallRun {
    /// The wall from one corner to the next, the room on its left.
    fn between(from: [f64; 2], to: [f64; 2]) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let quarter = match (dx > 0.0, dx < 0.0, dy > 0.0) {
            (_, true, _) => 0.0,
            (true, ..) => 2.0,
            (.., true) => 3.0,
            _ => 1.0,
        };
        let centre = [(from[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0];
        Self { centre, yaw: quarter * FRAC_PI_2, along: dx.abs() + dy.abs(), out: 0.0, is_outer: true }
    }

    pub fn yaw(&self) -> f64 {
        self.yaw
    }

    /// How much of its length a thing of this width leaves.
    pub fn free(&self, width: f64) -> f64 {
        self.along - width - 0.1
    }

    /// The middle of the bottom of a thing of this depth, `shift` from the wall's middle and `gap` in front of it.
    pub fn foot(&self, shift: f64, depth: f64, gap: f64, height: f64) -> Vector3<f64> {
        let out = self.out - depth / 2.0 - gap;
        turned(self.yaw, Vector3::new(shift, out, height)) + Vector3::new(self.centre[0], self.centre[1], 0.0)
    }

    /// A point of the wall, and one this far behind it.
    pub fn behind(&self, shift: f64, distance: f64) -> [f64; 2] {
        let point = self.foot(shift, 0.0, -distance, 0.0);
        [point.x, point.y]
    }

    pub fn length(&self) -> f64 {
        self.along
    }
}

#[cfg(test)]
mod tests {
    use spatialmill_geometry::polygon::area;

    use super::*;

    #[test]
    fn a_missing_corner_is_outside_whichever_it_is() {
        for notch in
            [[[0.0, 0.0], [1.0, 1.0]], [[3.0, 0.0], [4.0, 1.0]], [[0.0, 2.0], [1.0, 3.0]], [[3.0, 2.0], [4.0, 3.0]]]
        {
            let outline = Outline::without_corner([[0.0, 0.0], [4.0, 3.0]], notch);
            let polygon = outline.polygon();
            assert!((area(&polygon) - 11.0).abs() < 1e-12);
            let middle = [(notch[0][0] + notch[1][0]) / 2.0, (notch[0][1] + notch[1][1]) / 2.0];
            assert!(!outline.contains(middle) && outline.contains([2.0, 1.5]));
            // Triangles around the first corner fill the floor.
            let fan: f64 = (2..6).map(|n| area(&[polygon[0], polygon[n - 1], polygon[n]])).sum();
            assert!((fan - 11.0).abs() < 1e-12, "{polygon:?}");
            for wall in &outline.walls {
                // In front of each wall is the room, behind it is not.
                let thing = |distance: f64| {
                    let [x, y] = wall.behind(0.0, distance);
                    Taken { x, y, yaw: 0.0, half: [0.05; 2], low: 0.0, high: 1.0 }
                };
                assert!(outline.holds(&thing(-0.06)) && !outline.holds(&thing(0.06)), "{wall:?}");
            }
        }
    }
}
