//! `floor_routes(surfaces, landmarks, floor, rules)`: the ways on the free floor of a scan from each landmark to each other.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, ListBuilder, StringArray, StringBuilder,
    new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};
use spatialmill_geometry::polygon::distance_to_convex;
use spatialmill_geometry::route::{FloorMap, FloorMapRules, FloorPath, PathRules, TurnRules, corner_landmarks};
use spatialmill_geometry::{OrientedBox, Vector3};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Numbers, Record, Shape};
use crate::types::{OBB, ObbColumn, PointsColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FLOOR_ROUTES: Function = Function {
    doc: FunctionDoc {
        name: "floor_routes",
        signature: "floor_routes(surfaces, landmarks, floor, rules)",
        summary: "the ways on the free floor of a scan from each landmark (object_id, obb, is_end) that may be an end to each other one: length, turns with their actions and the landmarks beside them, and the path",
        details: "\
`surfaces` is a list of (vertices, triangles) of one scene in a world whose z points up, as the table `surfaces` has them; `landmarks` a list of \
(object_id, obb, is_end) of objects that a text can name, `is_end` 1 for those at which routes start and end, and 0 for others; `floor` the height of the floor, metres. `rules` is (cell, \
clearance, reach, corner_reach, straight, max_turns): the side of a cell of the map, the room that a person needs to all sides, how near to a landmark's box \
a person stands, and how near to a turn a landmark is that is named there, metres; the largest turn that is none, degrees; and the largest number of turns \
for which landmarks are named, 5 at most. Where the scan shows no floor, nobody walks. A landmark behind a wall, or behind something as high as a person, is beside nobody.\n\n\
Out comes a list of (from_id, to_id, length, detour, clear, turns, actions, landmarks, path, stops), a row for each ordered pair between which there is a way and whose \
standing places differ: `length` of the shortest way over cells (A*), metres; `detour`, the straight legs over that; `clear`, whether nothing stands in their way; `turns`, degrees, right > 0, one for \
each corner of the tightened path; `actions`, turn_left, turn_right or turn_back for each, null where two people would not agree; `landmarks`, for each \
corner the object_id of a landmark beside it, one of the eight nearest, neither end nor named before: those where the straight lines from landmark to landmark are most like the legs; \
null where a corner has none, and where there are too many; `path`, x and y of its ends and corners; \
and `stops`, x and y of its start, of each turn (of one in two parts halfway between them) and of its end.\n\n\
Null for null arguments, and where nobody can walk.",
        example: Example {
            // A corridor of 6 m to the north and another one of 6 m to the east, with a plant at the corner.
            sql: "SELECT r.from_id || ' ' || r.to_id || ' ' || r.actions[1] || ' ' || r.landmarks[1] FROM (SELECT unnest(floor_routes(
            [{vertices: [0, 0, 0, 1, 0, 0, 1, 6, 0, 0, 6, 0, 0, 5, 0, 6, 5, 0, 6, 6, 0], triangles: [0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 3]}],
            [{object_id: 'bed', obb: {centre: {x: 0.5, y: 0.1, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 0.1, y: 0.1, z: 1}}, is_end: 1},
             {object_id: 'plant', obb: {centre: {x: 1.3, y: 4.7, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 0.2, y: 0.2, z: 1}}, is_end: 0},
             {object_id: 'sofa', obb: {centre: {x: 5.9, y: 5.5, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 0.1, y: 0.1, z: 1}}, is_end: 1}],
            0, {cell: 0.05, clearance: 0.2, reach: 0.8, corner_reach: 1.2, straight: 20, max_turns: 3})) AS r) WHERE r.from_id = 'bed' AND r.to_id = 'sofa'",
            result: "bed sofa turn_right plant",
        },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [surfaces, landmarks, floor, rules] => {
            Shape::List(SURFACE).check("floor_routes", "surfaces", surfaces)?;
            Shape::List(LANDMARK).check("floor_routes", "landmarks", landmarks)?;
            Shape::Number.check("floor_routes", "floor", floor)?;
            Shape::Struct(RULES).check("floor_routes", "rules", rules)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`floor_routes` takes surfaces, landmarks, a height and rules, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const SURFACE: &[(&str, Shape)] = &[("vertices", Shape::Numbers), ("triangles", Shape::Numbers)];
const LANDMARK: &[(&str, Shape)] = &[("object_id", Shape::Text), ("obb", OBB), ("is_end", Shape::Number)];
const RULES: &[(&str, Shape)] = &[
    ("cell", Shape::Number),
    ("clearance", Shape::Number),
    ("reach", Shape::Number),
    ("corner_reach", Shape::Number),
    ("straight", Shape::Number),
    ("max_turns", Shape::Number),
];

fn fields() -> Fields {
    let list = |name: &str, item| Field::new(name, DataType::new_list(item, true), true);
    vec![
        Field::new("from_id", DataType::Utf8, true),
        Field::new("to_id", DataType::Utf8, true),
        Field::new("length", DataType::Float64, true),
        Field::new("detour", DataType::Float64, true),
        Field::new("clear", DataType::Boolean, true),
        list("turns", DataType::Float64),
        list("actions", DataType::Utf8),
        list("landmarks", DataType::Utf8),
        list("path", DataType::Float64),
        list("stops", DataType::Float64),
    ]
    .into()
}

/// The last argument.
struct Rules {
    map: FloorMapRules,
    path: PathRules,
    reach: f64,
    corner_reach: f64,
    max_turns: usize,
}

/// What a text can name.
struct Landmark<'a> {
    id: &'a str,
    obb: OrientedBox,
    is_end: bool,
}

/// A way from one landmark to another.
struct Route {
    from_id: String,
    to_id: String,
    path: FloorPath,
    /// At its turns; none where one has none.
    corners: Option<Vec<String>>,
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (surfaces, landmarks) = (Lists::new(&arguments.column(0)?)?, Lists::new(&arguments.column(1)?)?);
    let floor = Numbers::of(&arguments.column(2)?)?;
    let rules = rules_of(&arguments.column(3)?)?;
    if surfaces.values.is_empty() || landmarks.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        let nowhere = NullBuffer::new_null(arguments.rows());
        return lists_of(fields(), columns, vec![0; arguments.rows()], Some(nowhere));
    }
    let (meshes, objects) = (Record(&surfaces.values), Record(&landmarks.values));
    let vertices = PointsColumn::of(meshes.field("vertices")?)?;
    let corners = cast(meshes.field("triangles")?, &DataType::new_list(DataType::Int64, true))?;
    let (ids, boxes) = (objects.text("object_id")?, ObbColumn::of(objects.field("obb")?)?);
    let ends = objects.number("is_end")?;
    let mut found = Vec::with_capacity(arguments.rows());
    for row in 0..arguments.rows() {
        let mut triangles = Vec::new();
        for surface in surfaces.range(row) {
            let (Some(points), true) = (vertices.every(surface), corners.is_valid(surface)) else { continue };
            let corners = corners.as_list::<i32>().value(surface);
            for triangle in corners.as_primitive::<Int64Type>().values().chunks_exact(3) {
                let at = |corner: i64| usize::try_from(corner).ok().and_then(|corner| points.get(corner).copied());
                match (at(triangle[0]), at(triangle[1]), at(triangle[2])) {
                    (Some(a), Some(b), Some(c)) => triangles.push([a, b, c]),
                    _ => {
                        return exec_err!(
                            "`floor_routes` got a triangle with a vertex beyond its surface's {}",
                            points.len()
                        );
                    }
                }
            }
        }
        let named = landmarks.range(row).filter(|object| ids.is_valid(*object));
        let landmark = |object| {
            let is_end = ends.get(object).is_some_and(|is_end| is_end != 0.0);
            Some(Landmark { id: ids.value(object), obb: boxes.get(object)?.ok()?, is_end })
        };
        let own = named.filter_map(landmark).collect();
        let rules = rules[row].as_ref().zip(floor.get(row));
        found.push(rules.and_then(|(rules, floor)| routes(&triangles, own, floor, rules)));
    }
    let nulls = NullBuffer::from_iter(found.iter().map(Option::is_some));
    let lengths: Vec<usize> = found.iter().map(|routes| routes.as_ref().map_or(0, Vec::len)).collect();
    lists_of(fields(), columns_of(&found.into_iter().flatten().flatten().collect::<Vec<_>>()), lengths, Some(nulls))
}

/// Landmarks beside a turn of which one is named, the nearest ones; every choice may be tried.
const CANDIDATES: usize = 8;

/// Nobody keeps more turns in mind, and choices grow with the power of their number.
const MOST_TURNS: f64 = 5.0;

fn rules_of(column: &ArrayRef) -> Result<Vec<Option<Rules>>> {
    let Some(structs) = column.as_struct_opt() else { return Ok((0..column.len()).map(|_| None).collect()) };
    let record = Record(structs);
    let [cell, clearance, reach, corner_reach, straight, max_turns] =
        ["cell", "clearance", "reach", "corner_reach", "straight", "max_turns"].map(|name| record.number(name));
    let (cell, clearance, reach, corner_reach) = (cell?, clearance?, reach?, corner_reach?);
    let (straight, max_turns) = (straight?, max_turns?);
    let one = |row: usize| {
        let (cell, clearance) = (cell.get(row)?, clearance.get(row)?);
        Some(Rules {
            map: FloorMapRules { cell, clearance, ..FloorMapRules::default() },
            path: PathRules { straight: straight.get(row)?, ..PathRules::default() },
            reach: reach.get(row)?,
            corner_reach: corner_reach.get(row)?,
            max_turns: max_turns.get(row)?.min(MOST_TURNS) as usize,
        })
    };
    Ok((0..structs.len()).map(one).collect())
}

fn routes(
    triangles: &[[Vector3<f64>; 3]],
    mut landmarks: Vec<Landmark>,
    floor: f64,
    rules: &Rules,
) -> Option<Vec<Route>> {
    let map = FloorMap::of(triangles, floor, &rules.map)?;
    // In whatever order they were gathered.
    landmarks.sort_by_key(|landmark| landmark.id);
    let stand = |landmark: &Landmark| landmark.is_end.then(|| map.stand_point(&landmark.obb, rules.reach)).flatten();
    let stands: Vec<Option<usize>> = landmarks.iter().map(stand).collect();
    let footprints: Vec<Vec<[f64; 2]>> = landmarks.iter().map(|landmark| landmark.obb.footprint()).collect();
    let centre = |k: usize| [landmarks[k].obb.centre.x, landmarks[k].obb.centre.y];
    let mut routes = Vec::new();
    for (i, from) in stands.iter().enumerate() {
        for (j, to) in stands.iter().enumerate().filter(|(j, _)| *j != i) {
            let Some(path) = from.zip(*to).and_then(|(from, to)| map.path(from, to, &rules.path)) else { continue };
            let beside = |at: [f64; 2]| {
                let others = (0..landmarks.len()).filter(|k| ![i, j].contains(k));
                let away = others.map(|k| (distance_to_convex(&footprints[k], at), k));
                let mut near: Vec<(f64, usize)> = away
                    .filter(|(away, k)| *away <= rules.corner_reach && map.is_in_view(&footprints[*k], at))
                    .collect();
                near.sort_by(|a, b| a.0.total_cmp(&b.0));
                near.truncate(CANDIDATES);
                near.into_iter().map(|(_, k)| (k, centre(k))).collect()
            };
            let corners = (path.turns.len() <= rules.max_turns).then(|| {
                let candidates: Vec<Vec<_>> = path.turns.iter().map(|turn| beside(turn.at)).collect();
                let chosen = corner_landmarks(&path.stops(), [centre(i), centre(j)], &candidates)?;
                let named = chosen.iter().zip(&candidates).map(|(place, of)| landmarks[of[*place].0].id.to_owned());
                Some(named.collect())
            });
            let (from_id, to_id) = (landmarks[i].id.to_owned(), landmarks[j].id.to_owned());
            routes.push(Route { from_id, to_id, path, corners: corners.flatten() });
        }
    }
    Some(routes)
}

fn columns_of(routes: &[Route]) -> Vec<ArrayRef> {
    let text = |of: fn(&Route) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(routes.iter().map(of))) };
    let number = |of: fn(&Route) -> f64| -> ArrayRef {
        Arc::new(routes.iter().map(|route| Some(of(route))).collect::<Float64Array>())
    };
    let numbers = || ListBuilder::new(Float64Builder::new());
    let (mut turns, mut path, mut stops) = (numbers(), numbers(), numbers());
    let (mut actions, mut corners) = (ListBuilder::new(StringBuilder::new()), ListBuilder::new(StringBuilder::new()));
    for route in routes {
        turns.append_value(route.path.turns.iter().map(|turn| Some(turn.degrees)));
        path.append_value(route.path.points.iter().flatten().map(|at| Some(*at)));
        stops.append_value(route.path.stops().iter().flatten().map(|at| Some(*at)));
        let action = |degrees: f64| TurnRules::default().action(degrees).map(|action| action.name());
        actions.append_value(route.path.turns.iter().map(|turn| action(turn.degrees)));
        let corner = |turn: usize| route.corners.as_ref().map(|corners| corners[turn].as_str());
        corners.append_value((0..route.path.turns.len()).map(corner));
    }
    vec![
        text(|route| &route.from_id),
        text(|route| &route.to_id),
        number(|route| route.path.length),
        number(|route| route.path.detour),
        Arc::new(routes.iter().map(|route| Some(route.path.clear)).collect::<BooleanArray>()),
        Arc::new(turns.finish()),
        Arc::new(actions.finish()),
        Arc::new(corners.finish()),
        Arc::new(path.finish()),
        Arc::new(stops.finish()),
    ]
}
