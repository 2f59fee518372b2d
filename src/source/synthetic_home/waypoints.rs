//! Waypoints: places to stand, chosen so that each part of each room is near to one and seen from one; and the links between them, which lead from
//! doorway to doorway.

use super::free_floor::{CELL_M, FreeFloor, distance};
use super::home::{CLEARANCE_M, Home};

/// A place to stand.
#[derive(Debug, Clone, PartialEq)]
pub struct StandPoint {
    pub at: [f64; 2],
    /// The room's index; none within a doorway.
    pub room: Option<usize>,
    /// True for those that were chosen to look about from; the others lie on the ways between them.
    pub is_stop: bool,
}

/// Stand points, and which of them have a straight way between them.
#[derive(Debug, Clone, Default)]
pub struct WaypointGraph {
    pub points: Vec<StandPoint>,
    /// Indices of points, the lower one first.
    pub links: Vec<[usize; 2]>,
}

/// A part of a room that is farther than this from a stop gets one of its own, metres.
const NEAR_M: f64 = 2.2;
/// Stops in one room, at most.
const STOPS: usize = 3;
/// A straight way that is longer is no link: one looks and walks on.
const LONGEST_LINK_M: f64 = 4.5;

impl WaypointGraph {
    pub fn new(home: &Home, floor: &FreeFloor) -> Self {
        let mut graph = Self::default();
        let Some(first) = home.plan.doorways.first().and_then(|door| floor.cell(door.centre)) else { return graph };
        let reached = floor.reached(first, CLEARANCE_M);
        for room in 0..home.plan.rooms.len() {
            graph.add_stops(home, floor, &reached, room);
        }
        let doors: Vec<usize> = home
            .plan
            .doorways
            .iter()
            .filter_map(|door| floor.cell(door.centre))
            .map(|cell| graph.add(StandPoint { at: floor.middle(cell), room: None, is_stop: false }))
            .collect();
        // From each doorway to the stops of both rooms, and from stop to stop of a room.
        for (door, point) in home.plan.doorways.iter().zip(&doors) {
            for stop in graph
                .stops()
                .filter(|stop| graph.points[*stop].room.is_some_and(|room| door.between.contains(&room)))
                .collect::<Vec<_>>()
            {
                graph.connect(home, floor, *point, stop);
            }
        }
        for room in 0..home.plan.rooms.len() {
            let own: Vec<usize> = graph.stops().filter(|stop| graph.points[*stop].room == Some(room)).collect();
            for pair in own.windows(2) {
                graph.connect(home, floor, pair[0], pair[1]);
            }
        }
        graph.add_shortcuts(floor);
        graph
    }

    /// The indices of the points to look about from.
    pub fn stops(&self) -> impl Iterator<Item = usize> {
        (0..self.points.len()).filter(|point| self.points[*point].is_stop)
    }

    fn add_stops(&mut self, home: &Home, floor: &FreeFloor, reached: &[bool], room: usize) {
        let outline = &home.plan.rooms[room].outline;
        // Nobody stops in a doorway to look about.
        let in_doorway = |at: [f64; 2]| home.plan.doorways.iter().any(|door| distance(door.centre, at) < 0.6);
        let can_stop = |at: [f64; 2]| outline.contains(at) && !in_doorway(at);
        let cells: Vec<usize> =
            (0..floor.cells()).filter(|cell| reached[*cell] && can_stop(floor.middle(*cell))).collect();
        let mut stops: Vec<[f64; 2]> = Vec::new();
        while stops.len() < STOPS {
            // Where there is most room; and then far from the others as well.
            let apart = |at: [f64; 2]| stops.iter().map(|stop| distance(*stop, at)).fold(f64::INFINITY, f64::min);
            let is_hidden = |at: [f64; 2]| stops.iter().all(|stop| !floor.is_straight(*stop, at, CELL_M));
            let worth = |cell: usize| match stops.is_empty() {
                true => floor.clearance(cell),
                false => 3.0 * floor.clearance(cell) + apart(floor.middle(cell)).min(3.0),
            };
            let candidates = cells.iter().copied().filter(|cell| {
                let at = floor.middle(*cell);
                stops.is_empty() || apart(at) > NEAR_M || apart(at) > 1.0 && is_hidden(at)
            });
            let best =
                candidates.map(|cell| (worth(cell), cell)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let Some((_, best)) = best else { break };
            stops.push(floor.middle(best));
        }
        for at in stops {
            self.add(StandPoint { at, room: Some(room), is_stop: true });
        }
    }

    /// The index of a point, which is another one's where that is in the same place.
    fn add(&mut self, point: StandPoint) -> usize {
        match self.points.iter().position(|there| distance(there.at, point.at) < CELL_M / 2.0) {
            Some(there) => there,
            None => {
                self.points.push(point);
                self.points.len() - 1
            }
        }
    }

    /// Links two points by the corners of the shortest way between them.
    fn connect(&mut self, home: &Home, floor: &FreeFloor, from: usize, to: usize) {
        let cells = [from, to].map(|point| floor.cell(self.points[point].at));
        let [Some(start), Some(end)] = cells else { return };
        let Some(way) = floor.way(start, end, CLEARANCE_M) else { return };
        let mut last = from;
        for at in way.into_iter().skip(1) {
            let next = self.add(StandPoint { at, room: home.plan.room_at(at), is_stop: false });
            if next != last {
                self.link(last, next);
            }
            last = next;
        }
    }

    fn link(&mut self, a: usize, b: usize) {
        let pair = [a.min(b), a.max(b)];
        if !self.links.contains(&pair) {
            self.links.push(pair);
        }
    }

    /// Links points that see each other over free floor.
    fn add_shortcuts(&mut self, floor: &FreeFloor) {
        for a in 0..self.points.len() {
            for b in a + 1..self.points.len() {
                let (p, q) = (self.points[a].at, self.points[b].at);
                if distance(p, q) <= LONGEST_LINK_M && floor.is_straight(p, q, CLEARANCE_M) {
                    self.link(a, b);
                }
            }
        }
        self.links.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walks_from_each_waypoint_to_each_other_over_links_that_are_free() {
        for number in 0..4 {
            let home = Home::new(5, &format!("home-{number:04}"), 3 + number);
            let floor = home.walkable();
            let graph = WaypointGraph::new(&home, &floor);
            for [a, b] in &graph.links {
                let [p, q] = [a, b].map(|point| graph.points[*point].at);
                assert!(floor.is_straight(p, q, CLEARANCE_M), "home {number}: {p:?} {q:?}");
                assert!(distance(p, q) > 0.0);
            }
            let mut joined = vec![0];
            while let Some(next) = graph.links.iter().flatten().find(|point| {
                !joined.contains(*point)
                    && graph
                        .links
                        .iter()
                        .any(|link| link.contains(*point) && link.iter().any(|other| joined.contains(other)))
            }) {
                joined.push(*next);
            }
            let lone: Vec<&StandPoint> =
                (0..graph.points.len()).filter(|n| !joined.contains(n)).map(|n| &graph.points[n]).collect();
            assert!(lone.is_empty(), "home {number}: {lone:?} {:?}", home.plan.doorways);
            for room in 0..home.plan.rooms.len() {
                assert!(graph.stops().any(|stop| graph.points[stop].room == Some(room)), "home {number}, room {room}");
            }
        }
    }
}
