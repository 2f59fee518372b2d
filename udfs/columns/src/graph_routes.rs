//! `graph_routes(waypoints, links, objects, rules)`: the shortest ways over a navigation graph as plans with a landmark at each stop.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, ListBuilder, StringArray, StringBuilder, new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::route::{
    GraphPlan, PlanFault, PlanObject, PlanPlace, PlanRules, Planner, RouteGraph, TurnAction, TurnRules,
};
use spatialmill_geometry::{OrientedBox, Vector3};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::types::{OBB, ObbColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const GRAPH_ROUTES: Function = Function {
    doc: FunctionDoc {
        name: "graph_routes",
        signature: "graph_routes(waypoints, links, objects, rules)",
        summary: "the shortest ways over a navigation graph from each waypoint to each other: where they stop, turns with their actions, and the landmark at each stop; or why a way makes no plan",
        details: "\
`waypoints` is a list of (waypoint_id, position, height, region, seen) of one scene, as the table `waypoints` has them, and `seen` the object_id of what people see well from there, null where all may be named; `links` a list of (from_waypoint, \
to_waypoint, length); `objects` a list of (object_id, name, obb, region, landmark) of all that is in the scene, where `landmark` is 1 for what may be named and 0 for what may \
not, but is counted among what a name fits. `rules` is (straight, reach, min_leg, max_rise, max_turns): the largest turn that is none, degrees; how near to a waypoint a landmark's box is, \
the shortest leg, and the largest rise of the floor that is no stairs, metres; and the most turns.\n\n\
A landmark is in the region of its waypoint and seen from it, its name fits no other object of the regions that the way crosses (`chair` also fits an office chair), and no other stop of the way \
has it; the nearest of such is taken.\n\n\
Out comes a list of (from_waypoint, to_waypoint, fault, length, stops, path, turns, actions, landmarks, names, faced, faced_names, faced_turns), a row for each ordered pair between which there is a way: `fault`, \
null for a plan, else straight_route, too_many_turns, unclear_turn, short_leg, stairs or no_corner_landmark, and then what follows is null; `length`, metres; `stops`, the waypoint_id \
of its start, turns and end; `path`, x and y of each; `turns`, degrees, right > 0; `actions`, turn_left or turn_right for each; `landmarks` and `names`, the object_id and name at each stop; `faced` and \
`faced_names`, those of what else at the start has a name of its own, and `faced_turns`, how far the first leg turns from it, degrees, right > 0.\n\n\
Null for null arguments.",
        example: Example {
            // North from the door to the lamp, and then east to the sofa.
            sql: "SELECT r.landmarks[1] || ' ' || r.actions[1] || ' ' || r.landmarks[3] FROM (SELECT unnest(graph_routes(
            [{waypoint_id: 'a', position: {x: 0, y: 0, z: 1.5}, height: 1.5, region: 'hall', seen: ['door']}, {waypoint_id: 'b', position: {x: 0, y: 3, z: 1.5}, height: 1.5, region: 'hall', seen: ['lamp', 'sofa']},
             {waypoint_id: 'c', position: {x: 3, y: 3, z: 1.5}, height: 1.5, region: 'hall', seen: ['sofa']}],
            [{from_waypoint: 'a', to_waypoint: 'b', length: 3}, {from_waypoint: 'b', to_waypoint: 'c', length: 3}],
            [{object_id: 'door', name: 'door', region: 'hall', landmark: 1, obb: {centre: {x: 0, y: -1, z: 1}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 1, y: 0.1, z: 2}}},
             {object_id: 'lamp', name: 'lamp', region: 'hall', landmark: 1, obb: {centre: {x: 0, y: 4, z: 1}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 0.2, y: 0.2, z: 1}}},
             {object_id: 'sofa', name: 'sofa', region: 'hall', landmark: 1, obb: {centre: {x: 4, y: 3, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 1, y: 2, z: 1}}}],
            {straight: 20, reach: 1.5, min_leg: 1, max_rise: 0.5, max_turns: 4})) AS r) WHERE r.from_waypoint = 'a' AND r.to_waypoint = 'c'",
            result: "door turn_right sofa",
        },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [waypoints, links, objects, rules] => {
            Shape::List(WAYPOINT).check("graph_routes", "waypoints", waypoints)?;
            Shape::List(LINK).check("graph_routes", "links", links)?;
            Shape::List(OBJECT).check("graph_routes", "objects", objects)?;
            Shape::Struct(RULES).check("graph_routes", "rules", rules)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`graph_routes` takes waypoints, links, objects and rules, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const WAYPOINT: &[(&str, Shape)] = &[
    ("waypoint_id", Shape::Text),
    ("position", Shape::Struct(&[("x", Shape::Number), ("y", Shape::Number), ("z", Shape::Number)])),
    ("height", Shape::Number),
    ("region", Shape::Text),
    ("seen", Shape::Texts),
];
const LINK: &[(&str, Shape)] =
    &[("from_waypoint", Shape::Text), ("to_waypoint", Shape::Text), ("length", Shape::Number)];
const OBJECT: &[(&str, Shape)] = &[
    ("object_id", Shape::Text),
    ("name", Shape::Text),
    ("obb", OBB),
    ("region", Shape::Text),
    ("landmark", Shape::Number),
];
const RULES: &[(&str, Shape)] = &[
    ("straight", Shape::Number),
    ("reach", Shape::Number),
    ("min_leg", Shape::Number),
    ("max_rise", Shape::Number),
    ("max_turns", Shape::Number),
];

/// Where nobody says how high a camera stood.
const EYE_M: f64 = 1.5;

fn fields() -> Fields {
    let list = |name: &str, item| Field::new(name, DataType::new_list(item, true), true);
    vec![
        Field::new("from_waypoint", DataType::Utf8, true),
        Field::new("to_waypoint", DataType::Utf8, true),
        Field::new("fault", DataType::Utf8, true),
        Field::new("length", DataType::Float64, true),
        list("stops", DataType::Utf8),
        list("path", DataType::Float64),
        list("turns", DataType::Float64),
        list("actions", DataType::Utf8),
        list("landmarks", DataType::Utf8),
        list("names", DataType::Utf8),
        list("faced", DataType::Utf8),
        list("faced_names", DataType::Utf8),
        list("faced_turns", DataType::Float64),
    ]
    .into()
}

/// A graph and what stands around it.
#[derive(Default)]
struct Place<'a> {
    waypoints: Vec<(&'a str, PlanPlace)>,
    links: Vec<(usize, usize, f64)>,
    /// By id and name.
    objects: Vec<((&'a str, &'a str), PlanObject)>,
}

/// A way from one waypoint to another, with ids.
struct Way {
    from: String,
    to: String,
    length: Option<f64>,
    told: Result<TellableWay, PlanFault>,
}

struct TellableWay {
    stops: Vec<String>,
    path: Vec<f64>,
    turns: Vec<f64>,
    actions: Vec<TurnAction>,
    landmarks: Vec<NamedObject>,
    faced: Vec<(NamedObject, f64)>,
}

struct NamedObject {
    id: String,
    name: String,
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let [waypoints, links, objects] = [0, 1, 2].map(|at| arguments.column(at).and_then(|column| Lists::new(&column)));
    let (waypoints, links, objects) = (waypoints?, links?, objects?);
    let rules = rules_of(&arguments.column(3)?)?;
    if waypoints.values.is_empty() || links.values.is_empty() || objects.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        let nowhere = NullBuffer::new_null(arguments.rows());
        return lists_of(fields(), columns, vec![0; arguments.rows()], Some(nowhere));
    }
    let (stands, ways, things) = (Record(&waypoints.values), Record(&links.values), Record(&objects.values));
    let (ids, regions, heights) = (stands.text("waypoint_id")?, stands.text("region")?, stands.number("height")?);
    let [x, y, z] = stands.vec3("position")?;
    let seen = cast(stands.field("seen")?, &DataType::new_list(DataType::Utf8, true))?;
    let seen = seen.as_list::<i32>();
    let (from, to, lengths) = (ways.text("from_waypoint")?, ways.text("to_waypoint")?, ways.number("length")?);
    let (object_ids, names, landmark) = (things.text("object_id")?, things.text("name")?, things.number("landmark")?);
    let (boxes, object_regions) = (ObbColumn::of(things.field("obb")?)?, things.text("region")?);
    let mut found: Vec<Option<Vec<Way>>> = Vec::with_capacity(arguments.rows());
    for row in 0..arguments.rows() {
        let Some(rules) = rules[row].filter(|_| !waypoints.range(row).is_empty()) else {
            found.push(None);
            continue;
        };
        let text = |texts: &'_ StringArray, at: usize| texts.is_valid(at).then(|| texts.value(at).to_owned());
        let named: BTreeSet<String> = waypoints
            .range(row)
            .filter_map(|at| text(&regions, at))
            .chain(objects.range(row).filter_map(|at| text(&object_regions, at)))
            .collect();
        let number: HashMap<String, usize> = named.into_iter().enumerate().map(|(n, name)| (name, n)).collect();
        let region = |texts: &StringArray, at: usize| text(texts, at).and_then(|name| number.get(&name).copied());
        let mut place = Place::default();
        for at in objects.range(row).filter(|at| object_ids.is_valid(*at) && names.is_valid(*at)) {
            let Some(Ok(obb)) = boxes.get(at) else { continue };
            let is_landmark = landmark.get(at).is_some_and(|landmark| landmark > 0.0);
            let own = plan_object(names.value(at), &obb, region(&object_regions, at), is_landmark);
            place.objects.push(((object_ids.value(at), names.value(at)), own));
        }
        place.objects.sort_by_key(|(id, _)| *id);
        let numbers: HashMap<&str, usize> =
            place.objects.iter().enumerate().map(|(n, ((id, _), _))| (*id, n)).collect();
        let known = |at: usize| {
            let ids = seen.value(at);
            let ids = ids.as_string::<i32>();
            let valid = (0..ids.len()).filter(|n| ids.is_valid(*n));
            valid.filter_map(|n| numbers.get(ids.value(n)).copied()).collect::<BTreeSet<usize>>()
        };
        for at in waypoints.range(row).filter(|at| ids.is_valid(*at)) {
            let (Some(x), Some(y), Some(z)) = (x.get(at), y.get(at), z.get(at)) else { continue };
            let floor_z = z - heights.get(at).unwrap_or(EYE_M);
            let own = PlanPlace {
                position: Vector3::new(x, y, z),
                floor_z,
                region: region(&regions, at),
                seen: seen.is_valid(at).then(|| known(at)),
            };
            place.waypoints.push((ids.value(at), own));
        }
        // In whatever order they were gathered.
        place.waypoints.sort_by_key(|(id, _)| *id);
        let index: HashMap<&str, usize> = place.waypoints.iter().enumerate().map(|(n, (id, _))| (*id, n)).collect();
        for at in links.range(row).filter(|at| from.is_valid(*at) && to.is_valid(*at)) {
            let ends = index.get(from.value(at)).zip(index.get(to.value(at)));
            if let Some(((from, to), length)) = ends.zip(lengths.get(at)) {
                place.links.push((*from, *to, length));
            }
        }
        found.push(Some(place.ways(rules)));
    }
    let nulls = NullBuffer::from_iter(found.iter().map(Option::is_some));
    let lengths: Vec<usize> = found.iter().map(|ways| ways.as_ref().map_or(0, Vec::len)).collect();
    lists_of(fields(), columns_of(&found.into_iter().flatten().flatten().collect::<Vec<_>>()), lengths, Some(nulls))
}

fn plan_object(name: &str, obb: &OrientedBox, region: Option<usize>, is_landmark: bool) -> PlanObject {
    let centre = [obb.centre.x, obb.centre.y];
    PlanObject { name: name.to_lowercase(), centre, footprint: obb.footprint(), region, is_landmark }
}

fn rules_of(column: &ArrayRef) -> Result<Vec<Option<PlanRules>>> {
    let Some(structs) = column.as_struct_opt() else { return Ok(vec![None; column.len()]) };
    let record = Record(structs);
    let [straight, reach, min_leg, max_rise, max_turns] =
        ["straight", "reach", "min_leg", "max_rise", "max_turns"].map(|name| record.number(name));
    let (straight, reach, min_leg, max_rise, max_turns) = (straight?, reach?, min_leg?, max_rise?, max_turns?);
    let one = |row: usize| {
        Some(PlanRules {
            turns: TurnRules { straight: straight.get(row)?, ..TurnRules::default() },
            min_leg: min_leg.get(row)?,
            max_rise: max_rise.get(row)?,
            max_turns: max_turns.get(row)?.max(0.0) as usize,
            reach: reach.get(row)?,
        })
    };
    Ok((0..structs.len()).map(one).collect())
}

impl Place<'_> {
    fn ways(self, rules: PlanRules) -> Vec<Way> {
        let (ids, places): (Vec<&str>, Vec<PlanPlace>) = self.waypoints.into_iter().unzip();
        let (named, objects): (Vec<(&str, &str)>, Vec<PlanObject>) = self.objects.into_iter().unzip();
        let graph = RouteGraph::new(places.len(), self.links);
        let planner = Planner::new(&graph, &places, &objects, rules);
        let object = |at: usize| NamedObject { id: named[at].0.to_owned(), name: named[at].1.to_owned() };
        let told = |plan: GraphPlan| TellableWay {
            path: plan.stops.iter().flat_map(|at| [places[*at].position.x, places[*at].position.y]).collect(),
            stops: plan.stops.iter().map(|at| ids[*at].to_owned()).collect(),
            turns: plan.turns,
            actions: plan.actions,
            landmarks: plan.landmarks.iter().map(|at| object(*at)).collect(),
            faced: plan.faced.iter().map(|(at, turn)| (object(*at), *turn)).collect(),
        };
        let from = 0..places.len();
        let ways = from.flat_map(|from| planner.plans_from(from).into_iter().map(move |(to, plan)| (from, to, plan)));
        ways.map(|(from, to, plan)| Way {
            from: ids[from].to_owned(),
            to: ids[to].to_owned(),
            length: plan.as_ref().ok().map(|plan| plan.length),
            told: plan.map(told),
        })
        .collect()
    }
}

fn columns_of(ways: &[Way]) -> Vec<ArrayRef> {
    let text = |of: fn(&Way) -> Option<&str>| -> ArrayRef { Arc::new(ways.iter().map(of).collect::<StringArray>()) };
    let texts = |of: fn(&TellableWay) -> Vec<&str>| -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for way in ways {
            match &way.told {
                Ok(told) => lists.append_value(of(told).into_iter().map(Some)),
                Err(_) => lists.append_null(),
            }
        }
        Arc::new(lists.finish())
    };
    let numbers = |of: fn(&TellableWay) -> Vec<f64>| -> ArrayRef {
        let mut lists = ListBuilder::new(Float64Builder::new());
        for way in ways {
            match &way.told {
                Ok(told) => lists.append_value(of(told).into_iter().map(Some)),
                Err(_) => lists.append_null(),
            }
        }
        Arc::new(lists.finish())
    };
    vec![
        text(|way| Some(&way.from)),
        text(|way| Some(&way.to)),
        text(|way| way.told.as_ref().err().map(|fault| fault.name())),
        Arc::new(ways.iter().map(|way| way.length).collect::<Float64Array>()),
        texts(|told| told.stops.iter().map(String::as_str).collect()),
        numbers(|told| told.path.clone()),
        numbers(|told| told.turns.clone()),
        texts(|told| told.actions.iter().map(|action| action.name()).collect()),
        texts(|told| told.landmarks.iter().map(|object| object.id.as_str()).collect()),
        texts(|told| told.landmarks.iter().map(|object| object.name.as_str()).collect()),
        texts(|told| told.faced.iter().map(|(object, _)| object.id.as_str()).collect()),
        texts(|told| told.faced.iter().map(|(object, _)| object.name.as_str()).collect()),
        numbers(|told| told.faced.iter().map(|(_, turn)| *turn).collect()),
    ]
}
