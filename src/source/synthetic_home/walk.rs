//! A walk: the camera that a person carries through a home, at eye height, from place to place; it looks where it goes, and about in each room.
//!
//! ```text
//! stops ─ nearest next ─► ways (A*, taut) ─► steps of 1/20 s: place, height, heading, tilt ─► poses at the times of the frames
//! ```
//!
//! Headings turn no faster than a person does, and faster or slower no more suddenly; who turns walks more slowly.

use std::f64::consts::{PI, TAU};

use spatialmill_geometry::{Matrix3, Rigid, Vector3};

use super::free_floor::{FreeFloor, distance};
use super::home::CLEARANCE_M;
use super::waypoints::WaypointGraph;
use crate::source::synthetic::dice::Dice;

/// A camera at a time.
#[derive(Debug, Clone, Copy)]
pub struct CameraSample {
    /// Since the walk began.
    pub seconds: f64,
    /// World from camera, OpenCV axes.
    pub pose: Rigid,
}

/// Seconds of a step of the simulation.
const STEP_S: f64 = 0.05;
/// Metres a second, straight ahead.
const SPEED: f64 = 0.8;
/// Radians a second, and how fast that changes.
const TURN: f64 = 55.0 * PI / 180.0;
const TURN_GAIN: f64 = 150.0 * PI / 180.0;
/// Whoever looks about turns more slowly.
const LOOK: f64 = 40.0 * PI / 180.0;
/// How far ahead on the way one looks, metres.
const AHEAD_M: f64 = 0.9;
/// The angle about which the camera is tilted down.
const TILT: f64 = 14.0 * PI / 180.0;
/// A step's length, in which the eye rises and falls once.
const STRIDE_M: f64 = 0.7;

/// Somebody on the way.
struct Walker {
    at: [f64; 2],
    /// Counter-clockwise from the world's x, and not wrapped.
    heading: f64,
    turning: f64,
    speed: f64,
    walked: f64,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    at: [f64; 2],
    heading: f64,
    walked: f64,
}

/// The cameras of a walk to every stop, `rate` a second, and at most `most` of them, evenly spread.
pub fn walk(graph: &WaypointGraph, floor: &FreeFloor, dice: &mut Dice, rate: f64, most: usize) -> Vec<CameraSample> {
    let mut left: Vec<usize> = graph.stops().collect();
    if left.is_empty() {
        return Vec::new();
    }
    let start = left.remove(0);
    let mut walker = Walker {
        at: graph.points[start].at,
        heading: dice.between(0.0, TAU),
        turning: 0.0,
        speed: 0.0,
        walked: 0.0,
        steps: Vec::new(),
    };
    walker.look_about(dice, TAU * 0.6);
    let mut visited = vec![graph.points[start].room];
    while let Some((next, way)) = nearest(graph, floor, walker.at, &left) {
        left.retain(|stop| *stop != next);
        walker.follow(&way);
        let is_new = !visited.contains(&graph.points[next].room);
        visited.push(graph.points[next].room);
        walker.look_about(dice, if is_new { TAU * 0.92 } else { TAU * 0.4 });
    }
    walker.cameras(dice, rate, most)
}

/// The stop with the shortest way, and that way.
fn nearest(
    graph: &WaypointGraph,
    floor: &FreeFloor,
    from: [f64; 2],
    stops: &[usize],
) -> Option<(usize, Vec<[f64; 2]>)> {
    let start = floor.cell(from)?;
    // One of those that are near as the crow flies.
    let mut near: Vec<usize> = stops.to_vec();
    near.sort_by(|a, b| {
        distance(graph.points[*a].at, from).total_cmp(&distance(graph.points[*b].at, from)).then(a.cmp(b))
    });
    let ways = near.iter().take(3).filter_map(|stop| {
        let way = floor.way(start, floor.cell(graph.points[*stop].at)?, CLEARANCE_M)?;
        let length: f64 = way.windows(2).map(|leg| distance(leg[0], leg[1])).sum();
        Some((length, *stop, way))
    });
    ways.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, stop, way)| (stop, way))
}

impl Walker {
    fn note(&mut self) {
        self.steps.push(Step { at: self.at, heading: self.heading, walked: self.walked });
    }

    /// Turns towards a heading for one step, at `most` radians a second.
    fn turn(&mut self, towards: f64, most: f64) {
        let off = wrapped(towards - self.heading);
        // As fast as can still be stopped at the right heading.
        let wanted = off.signum() * (2.5 * off.abs()).min((2.0 * 0.8 * TURN_GAIN * off.abs()).sqrt()).min(most);
        let change = (wanted - self.turning).clamp(-TURN_GAIN * STEP_S, TURN_GAIN * STEP_S);
        self.turning += change;
        self.heading += self.turning * STEP_S;
    }

    /// Walks along a way from where it begins, which is here.
    fn follow(&mut self, way: &[[f64; 2]]) {
        let way = Way::new(self.at, way);
        let mut along = 0.0;
        while along < way.length() - 1e-6 {
            let ahead = way.at((along + AHEAD_M).min(way.length()));
            let towards = match distance(ahead, self.at) > 0.3 {
                true => (ahead[1] - self.at[1]).atan2(ahead[0] - self.at[0]),
                false => way.heading_at_end(),
            };
            self.turn(towards, TURN);
            // Nobody walks where they do not look, and everybody slows down before they stop.
            let facing = wrapped(towards - self.heading).cos().max(0.0).powi(4);
            let stopping = (2.0 * 1.2 * (way.length() - along)).sqrt().max(0.08);
            let wanted = (SPEED * facing).min(stopping);
            self.speed += (wanted - self.speed).clamp(-1.5 * STEP_S, 1.0 * STEP_S);
            let step = (self.speed.max(0.0) * STEP_S).min(way.length() - along);
            along += step;
            self.walked += step;
            self.at = way.at(along);
            self.note();
        }
        self.speed = 0.0;
    }

    /// Turns on the spot through an angle, one way or the other, and looks where that ends for a moment.
    fn look_about(&mut self, dice: &mut Dice, angle: f64) {
        let sign = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let start = self.heading;
        let steps = (angle / LOOK / STEP_S).ceil() as u32;
        for step in 1..=steps + 10 {
            // Towards a point that goes around.
            let share = (f64::from(step) / f64::from(steps)).min(1.0);
            self.turn(start + sign * angle * share, TURN);
            self.note();
        }
    }

    /// The cameras at even times.
    fn cameras(&self, dice: &mut Dice, rate: f64, most: usize) -> Vec<CameraSample> {
        let duration = (self.steps.len() - 1) as f64 * STEP_S;
        let wanted = (duration * rate).floor() as usize + 1;
        let count = wanted.min(most);
        let between = if count < wanted { duration / (count.max(2) - 1) as f64 } else { 1.0 / rate };
        let (eye, phase) = (dice.between(1.48, 1.62), dice.between(0.0, TAU));
        (0..count)
            .map(|n| {
                let seconds = n as f64 * between;
                let at = seconds / STEP_S;
                let before = (at.floor() as usize).min(self.steps.len() - 1);
                let after = (before + 1).min(self.steps.len() - 1);
                let share = (at - before as f64).clamp(0.0, 1.0);
                let (a, b) = (self.steps[before], self.steps[after]);
                let mix = |a: f64, b: f64| a + (b - a) * share;
                let walked = mix(a.walked, b.walked);
                let height = eye + 0.015 * (TAU * walked / STRIDE_M).sin() + 0.025 * (0.23 * seconds + phase).sin();
                let tilt = TILT + 4f64.to_radians() * (0.31 * seconds + 2.0 * phase).sin();
                let roll = 1f64.to_radians() * (0.47 * seconds + 3.0 * phase).sin();
                let eye = Vector3::new(mix(a.at[0], b.at[0]), mix(a.at[1], b.at[1]), height);
                CameraSample { seconds, pose: looking(eye, mix(a.heading, b.heading), tilt, roll) }
            })
            .collect()
    }
}

/// A camera with this heading, tilted down, and rolled about its axis.
fn looking(eye: Vector3<f64>, heading: f64, tilt: f64, roll: f64) -> Rigid {
    let forward = Vector3::new(heading.cos() * tilt.cos(), heading.sin() * tilt.cos(), -tilt.sin());
    let right = forward.cross(&Vector3::z()).normalize();
    let down = forward.cross(&right);
    let (sin, cos) = roll.sin_cos();
    Rigid {
        rotation: Matrix3::from_columns(&[right * cos + down * sin, down * cos - right * sin, forward]),
        translation: eye,
    }
}

/// An angle between minus and plus half a turn.
fn wrapped(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

/// A way as a line with lengths.
struct Way {
    points: Vec<[f64; 2]>,
    /// From the beginning to each point.
    lengths: Vec<f64>,
}

impl Way {
    fn new(from: [f64; 2], way: &[[f64; 2]]) -> Self {
        let mut points = vec![from];
        points.extend(way.iter().filter(|point| distance(**point, from) > 1e-9));
        let mut lengths = vec![0.0];
        for leg in points.windows(2) {
            lengths.push(lengths[lengths.len() - 1] + distance(leg[0], leg[1]));
        }
        Self { points, lengths }
    }

    fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    fn at(&self, along: f64) -> [f64; 2] {
        let leg = self.lengths.partition_point(|length| *length <= along).clamp(1, self.points.len().max(2) - 1);
        let (Some(a), Some(b)) = (self.points.get(leg - 1), self.points.get(leg)) else { return self.points[0] };
        let share = ((along - self.lengths[leg - 1]) / (self.lengths[leg] - self.lengths[leg - 1])).clamp(0.0, 1.0);
        [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
    }

    fn heading_at_end(&self) -> f64 {
        let [.., a, b] = self.points[..] else { return 0.0 };
        (b[1] - a[1]).atan2(b[0] - a[0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::home::Home;
    use super::*;
    use crate::source::synthetic::shape::turned;
    use crate::source::synthetic::space::Taken;

    /// How far a point of the ground plan is from a thing.
    fn away(thing: &Taken, [x, y]: [f64; 2]) -> f64 {
        let own = turned(-thing.yaw, Vector3::new(x - thing.x, y - thing.y, 0.0));
        (own.x.abs() - thing.half[0]).max(0.0).hypot((own.y.abs() - thing.half[1]).max(0.0))
    }

    #[test]
    fn a_walk_is_a_persons_and_comes_into_every_room() {
        for number in 0..4 {
            let home = Home::new(9, &format!("home-{number:04}"), 2 + number);
            let floor = home.walkable();
            let graph = WaypointGraph::new(&home, &floor);
            let cameras = walk(&graph, &floor, &mut Dice::new(0, "walk"), 5.0, 3000);
            let taken: Vec<Taken> = home.objects.iter().map(Taken::by).collect();
            let mut rooms = std::collections::BTreeSet::new();
            for (n, camera) in cameras.iter().enumerate() {
                let [x, y, z] = camera.pose.translation.into();
                assert!((1.4..=1.7).contains(&z), "home {number}: the eye is at {z}");
                rooms.extend(home.plan.room_at([x, y]));
                // The head fits, and so do the shoulders beside what is lower.
                let near = taken.iter().position(|thing| thing.low < 1.85 && away(thing, [x, y]) < 0.18);
                assert!(
                    near.is_none(),
                    "home {number}, camera {n}: in a {}",
                    home.objects[near.unwrap_or_default()].category
                );
                let in_doorway = home.plan.doorways.iter().any(|door| {
                    let [low, high] = door.threshold();
                    low[0] - 0.05 <= x && x <= high[0] + 0.05 && low[1] - 0.05 <= y && y <= high[1] + 0.05
                });
                assert!(in_doorway || home.plan.room_at([x, y]).is_some(), "home {number}, camera {n} is in a wall");
                if let Some(before) = n.checked_sub(1).map(|before| cameras[before]) {
                    let seconds = camera.seconds - before.seconds;
                    let moved = (camera.pose.translation - before.pose.translation).norm();
                    assert!(moved / seconds <= 1.0, "home {number}: {} m/s", moved / seconds);
                    let ahead = |pose: &Rigid| pose.rotation.column(2).into_owned();
                    let turned = ahead(&camera.pose).dot(&ahead(&before.pose)).clamp(-1.0, 1.0).acos();
                    assert!(
                        (turned / seconds).to_degrees() <= 62.0,
                        "home {number}: {}",
                        (turned / seconds).to_degrees()
                    );
                }
            }
            assert_eq!(rooms.len(), home.plan.rooms.len(), "home {number}");
            let seconds = cameras.last().unwrap().seconds;
            assert!((30.0..240.0).contains(&seconds), "home {number}: {seconds}");
            // Fewer of them are spread over the same walk.
            let few = walk(&graph, &floor, &mut Dice::new(0, "walk"), 5.0, 7);
            assert!(few.len() == 7 && (few[6].seconds - seconds).abs() < 0.3);
        }
    }
}
