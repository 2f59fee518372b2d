//! Plans over a navigation graph: the shortest way from one viewpoint to another as straight legs, with a landmark at each of their ends.
//!
//! ```text
//! viewpoints, links ─► shortest path ─► legs, turns ───────────────────────────────────────────────┐
//! objects of the viewpoint's region ─ near, seen, with a name for one ─► a landmark at each stop ─┴─► plan, or why there is none
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nalgebra::Vector3;

use super::graph::{GraphPath, RouteGraph};
use super::legs::{Leg, TurnAction, TurnRules, legs};
use crate::angle::{bearing, wrap_180};
use crate::polygon::distance_to_convex;

/// When a way makes a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanRules {
    pub turns: TurnRules,
    /// A shorter leg is none that a person would be told of, metres.
    pub min_leg: f64,
    /// Where the floor rises or falls by more, there are stairs, metres.
    pub max_rise: f64,
    pub max_turns: usize,
    /// How near to a viewpoint a landmark is, metres from its footprint.
    pub reach: f64,
}

impl Default for PlanRules {
    fn default() -> Self {
        Self { turns: TurnRules::default(), min_leg: 1.0, max_rise: 0.5, max_turns: 4, reach: 1.5 }
    }
}

/// A place where a panorama was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPlace {
    pub position: Vector3<f64>,
    /// Of the floor below it.
    pub floor_z: f64,
    /// A number for each region; `None` where nobody says.
    pub region: Option<usize>,
    /// The objects that people see well from here, by index; `None` where nobody says, so that all of them may be named.
    pub seen: Option<BTreeSet<usize>>,
}

impl PlanPlace {
    /// Whether a text may say that this is beside the place, or to be seen from it.
    fn may_name(&self, index: usize, object: &PlanObject) -> bool {
        let is_seen = self.seen.as_ref().is_none_or(|seen| seen.contains(&index));
        object.is_landmark && object.region == self.region && is_seen
    }
}

/// Something that a text could name.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanObject {
    pub name: String,
    pub centre: [f64; 2],
    pub footprint: Vec<[f64; 2]>,
    pub region: Option<usize>,
    /// False for what has no place of its own: walls, lights, curtains. It counts among what a name fits all the same.
    pub is_landmark: bool,
}

/// A way that can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphPlan {
    /// Where it starts, turns and ends.
    pub stops: Vec<usize>,
    /// One fewer than stops.
    pub legs: Vec<Leg>,
    /// Degrees, right > 0, at each stop but the ends.
    pub turns: Vec<f64>,
    /// What each turn is to a person: left or right.
    pub actions: Vec<TurnAction>,
    /// An object beside each stop, none of them twice.
    pub landmarks: Vec<usize>,
    /// What else at the start has a name that fits one thing on the way, with how far the first leg turns from it, degrees, right > 0.
    pub faced: Vec<(usize, f64)>,
    /// Metres, over all viewpoints on the way.
    pub length: f64,
}

/// Why a way makes no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanFault {
    Straight,
    TooManyTurns,
    UnclearTurn,
    ShortLeg,
    Stairs,
    NoLandmark,
}

impl PlanFault {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight_route",
            Self::TooManyTurns => "too_many_turns",
            Self::UnclearTurn => "unclear_turn",
            Self::ShortLeg => "short_leg",
            Self::Stairs => "stairs",
            Self::NoLandmark => "no_corner_landmark",
        }
    }
}

/// Plans of one scene.
pub struct Planner<'a> {
    graph: &'a RouteGraph,
    places: &'a [PlanPlace],
    objects: &'a [PlanObject],
    rules: PlanRules,
    /// Landmarks of each place's region and in its reach, the nearest first.
    near: Vec<Vec<usize>>,
    /// How many objects of each region a name fits.
    fitting: HashMap<&'a str, BTreeMap<Option<usize>, usize>>,
}

impl<'a> Planner<'a> {
    pub fn new(graph: &'a RouteGraph, places: &'a [PlanPlace], objects: &'a [PlanObject], rules: PlanRules) -> Self {
        let near = places.iter().map(|place| {
            let at = [place.position.x, place.position.y];
            let own = objects.iter().enumerate().filter(|(k, object)| place.may_name(*k, object));
            let away = own.map(|(k, object)| (distance_to_convex(&object.footprint, at), k));
            let mut near: Vec<(f64, usize)> = away.filter(|(away, _)| *away <= rules.reach).collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.into_iter().map(|(_, k)| k).collect()
        });
        let mut of_name: HashMap<&str, BTreeMap<Option<usize>, usize>> = HashMap::new();
        for object in objects {
            *of_name.entry(&object.name).or_default().entry(object.region).or_default() += 1;
        }
        // "the chair" also fits an office chair.
        let fits = |name: &str, other: &str| {
            other.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with(' '))
        };
        let fitting = of_name.keys().map(|name| {
            let mut counts = BTreeMap::new();
            for own in of_name.iter().filter(|(other, _)| fits(name, other)).map(|(_, own)| own) {
                for (region, count) in own {
                    *counts.entry(*region).or_default() += count;
                }
            }
            (*name, counts)
        });
        let (near, fitting) = (near.collect(), fitting.collect());
        Self { graph, places, objects, rules, near, fitting }
    }

    /// The shortest way from a place to each that it leads to, as a plan or why it is none.
    pub fn plans_from(&self, from: usize) -> Vec<(usize, Result<GraphPlan, PlanFault>)> {
        let paths = self.graph.paths_from(from).into_iter().enumerate();
        paths.filter_map(|(to, path)| Some((to, self.plan(path.as_ref()?)))).collect()
    }

    fn plan(&self, path: &GraphPath) -> Result<GraphPlan, PlanFault> {
        let points: Vec<Vector3<f64>> = path.places.iter().map(|place| self.places[*place].position).collect();
        let legs = legs(&points, self.rules.turns.straight).filter(|legs| legs.len() > 1).ok_or(PlanFault::Straight)?;
        let turns: Vec<f64> = legs.windows(2).map(|pair| pair[0].turn_to(&pair[1])).collect();
        if turns.len() > self.rules.max_turns {
            return Err(PlanFault::TooManyTurns);
        }
        let clear = |action: &TurnAction| matches!(action, TurnAction::Left | TurnAction::Right);
        let actions = turns.iter().map(|turn| self.rules.turns.action(*turn).filter(clear));
        let actions = actions.collect::<Option<Vec<TurnAction>>>().ok_or(PlanFault::UnclearTurn)?;
        if legs.iter().any(|leg| leg.length < self.rules.min_leg) {
            return Err(PlanFault::ShortLeg);
        }
        let floor = |at: usize| self.places[path.places[at]].floor_z;
        let climbs =
            |leg: &Leg| (leg.from..=leg.to).any(|at| (floor(at) - floor(leg.from)).abs() > self.rules.max_rise);
        if legs.iter().any(climbs) {
            return Err(PlanFault::Stairs);
        }
        let regions: BTreeSet<Option<usize>> = path.places.iter().map(|place| self.places[*place].region).collect();
        let ends = legs.iter().map(|leg| leg.from).chain(legs.last().map(|leg| leg.to));
        let stops: Vec<usize> = ends.map(|at| path.places[at]).collect();
        let mut landmarks: Vec<usize> = Vec::with_capacity(stops.len());
        for stop in &stops {
            let free = self.near[*stop].iter().copied().filter(|object| !landmarks.contains(object));
            let named = free.into_iter().find(|object| self.is_unique(*object, &regions));
            landmarks.push(named.ok_or(PlanFault::NoLandmark)?);
        }
        let faced = self.faced(stops[0], &legs[0], &landmarks, &regions);
        Ok(GraphPlan { stops, legs, turns, actions, landmarks, faced, length: path.length })
    }

    /// Whether a name fits one object alone in these regions. What is in no region could be in any.
    fn is_unique(&self, object: usize, regions: &BTreeSet<Option<usize>>) -> bool {
        let counts = &self.fitting[self.objects[object].name.as_str()];
        let here = counts.iter().filter(|(region, _)| region.is_none() || regions.contains(region));
        here.map(|(_, count)| count).sum::<usize>() == 1
    }

    fn faced(
        &self,
        start: usize,
        first: &Leg,
        landmarks: &[usize],
        regions: &BTreeSet<Option<usize>>,
    ) -> Vec<(usize, f64)> {
        let place = &self.places[start];
        let own =
            self.objects.iter().enumerate().filter(|(k, object)| {
                place.may_name(*k, object) && !landmarks.contains(k) && self.is_unique(*k, regions)
            });
        let turn = |object: &PlanObject| {
            let way = [object.centre[0] - place.position.x, object.centre[1] - place.position.y];
            // Of what is at one's feet nobody says which way it is.
            bearing(way).filter(|_| way[0].hypot(way[1]) >= self.rules.min_leg).map(|to| wrap_180(first.bearing - to))
        };
        own.filter_map(|(k, object)| Some((k, turn(object)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: f64, y: f64, region: usize) -> PlanPlace {
        PlanPlace { position: Vector3::new(x, y, 1.5), floor_z: 0.0, region: Some(region), seen: None }
    }

    fn object(name: &str, x: f64, y: f64, region: usize) -> PlanObject {
        let footprint = [[-0.2, -0.2], [0.2, -0.2], [0.2, 0.2], [-0.2, 0.2]].map(|[dx, dy]| [x + dx, y + dy]);
        PlanObject {
            name: name.to_owned(),
            centre: [x, y],
            footprint: footprint.to_vec(),
            region: Some(region),
            is_landmark: true,
        }
    }

    /// From above, a hall (0), a kitchen (1) and a bedroom (2):
    ///
    /// ```text
    /// 4  chair  2 ─────── 3  oven        5
    ///           │         │              │ bedroom behind a wall
    /// 2         1         4  table, stool   lamp, bed, chair
    /// 0  door   0                        6
    ///           0         3              6
    /// ```
    fn home() -> (RouteGraph, Vec<PlanPlace>, Vec<PlanObject>) {
        let places = vec![
            place(0.0, 0.0, 0),
            place(0.1, 2.0, 0),
            place(0.0, 4.0, 0),
            place(3.0, 4.0, 1),
            place(3.0, 1.0, 1),
            place(6.0, 4.0, 2),
        ];
        let links = [(0, 1), (1, 2), (2, 3), (3, 4)].map(|(a, b)| {
            let length = (places[a].position - places[b].position).norm();
            [(a, b, length), (b, a, length)]
        });
        let objects = vec![
            object("door", -1.0, 0.0, 0),
            object("office chair", -1.0, 4.0, 0),
            object("oven", 3.5, 4.8, 1),
            object("table", 3.8, 1.0, 1),
            object("stool", 3.0, -0.5, 1),
            object("chair", 6.5, 4.0, 2),
            object("bed", 3.0, 5.3, 2),
            object("clock", 0.0, -2.0, 0),
        ];
        (RouteGraph::new(6, links.into_iter().flatten()), places, objects)
    }

    #[test]
    fn a_way_has_a_landmark_of_its_own_region_at_each_stop() {
        let (graph, places, objects) = home();
        let plans = Planner::new(&graph, &places, &objects, PlanRules::default()).plans_from(0);
        assert_eq!(plans.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [1, 2, 3, 4], "nothing leads to the bedroom");
        let plan = plans[3].1.as_ref().unwrap();
        assert_eq!(plan.stops, [0, 2, 3, 4], "what is nearly straight is one leg");
        assert_eq!(plan.turns.iter().map(|turn| turn.round()).collect::<Vec<_>>(), [90.0, 90.0]);
        // The bed is nearer to the second corner than the oven, behind a wall. No bedroom is crossed, so that there is one chair.
        let names: Vec<&str> = plan.landmarks.iter().map(|k| objects[*k].name.as_str()).collect();
        assert_eq!(names, ["door", "office chair", "oven", "table"]);
        let faced: Vec<(&str, f64)> =
            plan.faced.iter().map(|(k, turn)| (objects[*k].name.as_str(), turn.round())).collect();
        assert_eq!(faced, [("clock", 180.0)]);
        assert!((plan.length - 10.0).abs() < 0.02);
        assert_eq!((&plans[0].1, &plans[1].1), (&Err(PlanFault::Straight), &Err(PlanFault::Straight)));
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let fault = |change: &dyn Fn(&mut Vec<PlanPlace>, &mut Vec<PlanObject>)| {
            let (graph, mut places, mut objects) = home();
            change(&mut places, &mut objects);
            Planner::new(&graph, &places, &objects, PlanRules::default()).plans_from(0).pop().unwrap().1.err()
        };
        assert_eq!(fault(&|_, _| {}), None);
        assert_eq!(fault(&|places, _| places[4].position.y = 3.2), Some(PlanFault::ShortLeg));
        assert_eq!(fault(&|places, _| places[4].position = Vector3::new(4.5, 1.0, 1.5)), None);
        assert_eq!(fault(&|places, _| places[4].position = Vector3::new(6.0, 2.5, 1.5)), Some(PlanFault::UnclearTurn));
        assert_eq!(fault(&|places, _| places[3].floor_z = -0.6), Some(PlanFault::Stairs));
        // A camera that hung lower is on the same floor.
        assert_eq!(fault(&|places, _| places[3].position.z = 0.9), None);
        assert_eq!(fault(&|_, objects| objects[2].is_landmark = false), Some(PlanFault::NoLandmark));
        assert_eq!(fault(&|places, _| places[3].seen = Some([3, 6].into())), Some(PlanFault::NoLandmark));
        assert_eq!(fault(&|places, _| places[3].seen = Some([2].into())), None);
        // Two of them on the way, one of which is no landmark; or more special by name; or in no region.
        assert_eq!(
            fault(&|_, objects| objects[5] = PlanObject { is_landmark: false, ..object("oven", 1.0, 1.0, 0) }),
            Some(PlanFault::NoLandmark)
        );
        assert_eq!(fault(&|_, objects| objects[5] = object("pizza oven", 1.0, 1.0, 0)), Some(PlanFault::NoLandmark));
        assert_eq!(fault(&|_, objects| objects[5] = object("microoven", 1.0, 1.0, 0)), None);
        assert_eq!(
            fault(&|_, objects| objects[5] = PlanObject { region: None, ..object("oven", 9.0, 9.0, 0) }),
            Some(PlanFault::NoLandmark)
        );
        let (graph, places, objects) = home();
        let few = PlanRules { max_turns: 1, ..PlanRules::default() };
        assert_eq!(Planner::new(&graph, &places, &objects, few).plans_from(0)[3].1, Err(PlanFault::TooManyTurns));
    }

    /// Seven of R2R's paths through GdvgFV5R1Z5, whose sides are those that people tell: path 44 "turn right ... enter the door on your
    /// right", path 1118 "turn left ... turn left".
    #[test]
    fn genuine_paths_have_the_turns_that_people_tell() {
        const PLACES: [[f64; 3]; 12] = [
            [-2.4669, -3.1581, 1.5171],
            [-4.0389, -3.0543, 0.9744],
            [-3.6928, 1.9543, 1.5152],
            [-3.9178, 0.1787, 1.5087],
            [-4.6163, -2.1890, 1.5276],
            [-3.6413, -3.1682, 1.5208],
            [0.0108, 0.0060, 1.5122],
            [-1.7835, -1.8983, 1.5224],
            [-4.1158, -2.9061, 1.5162],
            [-6.1542, -0.0398, 1.5096],
            [-1.9458, -0.0265, 1.5058],
            [-3.9928, -2.1326, 0.9803],
        ];
        let paths: [(u32, &[usize], &[f64]); 7] = [
            (1118, &[4, 8, 0, 10, 3], &[-46.4, -89.2, -93.5]),
            (4309, &[9, 3, 10, 7], &[85.2]),
            (44, &[9, 3, 10, 0, 5], &[99.6, 80.1]),
            (2705, &[6, 7, 0, 5], &[51.4]),
            (6398, &[1, 5, 0, 7, 2], &[-65.3, -54.8]),
            (6633, &[2, 7, 0, 5], &[54.8, 61.0]),
            (6327, &[1, 5, 0, 10], &[-84.3]),
        ];
        for (path, places, expected) in paths {
            let points: Vec<Vector3<f64>> = places.iter().map(|place| Vector3::from(PLACES[*place])).collect();
            let found = legs(&points, 20.0).unwrap();
            let turns: Vec<f64> = found.windows(2).map(|pair| pair[0].turn_to(&pair[1])).collect();
            assert_eq!(turns.len(), expected.len(), "path {path}: {turns:?}");
            assert!(
                turns.iter().zip(expected).all(|(turn, told)| (turn - told).abs() < 0.06),
                "path {path}: {turns:?}"
            );
        }
    }
}
