//! `surface_distances(surfaces)`: how far the surfaces of a scene's objects are apart.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::SurfacePoints;

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::types::PointsColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const SURFACE_DISTANCES: Function = Function {
    doc: FunctionDoc {
        name: "surface_distances",
        signature: "surface_distances(surfaces[, others])",
        summary: "for each pair of a scene's surfaces (object_id, vertices), or of one of them and one of others, the distance of their nearest vertices, metres",
        details: "\
`surfaces` is a list of (object_id, vertices) of one scene; `vertices` is a list of numbers, x, y and z of each in turn. Out comes a list of \
(object_id, other_id, distance), each pair once and `object_id` before `other_id` in the order of text; with `others`, a list like it, each pair of \
one of `surfaces` and one of `others`: a camera is a surface of one vertex. Where the distance of two boxes is much less, they enclose air: the box of \
an L-shaped couch holds the table in its corner.\n\n\
A surface of no object and one without a finite vertex is in no pair. Null for a null list of surfaces.",
        example: Example {
            sql: "SELECT concat(d.object_id, ' ', d.other_id, ' ', d.distance) FROM (SELECT unnest(surface_distances([
            {object_id: 'table', vertices: [0, 0, 0, 1, 0, 0]}, {object_id: 'chair', vertices: [4, 4, 0, 9, 9, 9]}])) AS d)",
            result: "chair table 5.0",
        },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [surfaces] | [surfaces, _] => {
            Shape::List(SURFACE).check("surface_distances", "surfaces", surfaces)?;
            for others in &types[1..] {
                Shape::List(SURFACE).check("surface_distances", "others", others)?;
            }
            Ok(list_type(fields()))
        }
        _ => plan_err!("`surface_distances` takes one list of surfaces or two and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const SURFACE: &[(&str, Shape)] = &[("object_id", Shape::Text), ("vertices", Shape::Numbers)];

fn fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    vec![text("object_id"), text("other_id"), Field::new("distance", DataType::Float64, false)].into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let columns = arguments.columns()?;
    let surfaces = Lists::new(&columns[0])?;
    let own = Surfaces::of(&surfaces)?;
    let further = columns.get(1).map(Lists::new).transpose()?;
    let others = further.as_ref().map(Surfaces::of).transpose()?;
    let (mut from, mut to, mut distances, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..arguments.rows() {
        let before = distances.len();
        let ours = own.points(row);
        let theirs = others.as_ref().map(|others| others.points(row));
        for (i, (object, points)) in ours.iter().enumerate() {
            for (other, other_points) in theirs.as_deref().unwrap_or(&ours[i + 1..]) {
                from.push(object.clone());
                to.push(other.clone());
                distances.push(points.distance(other_points));
            }
        }
        lengths.push(distances.len() - before);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(from)),
        Arc::new(StringArray::from(to)),
        Arc::new(Float64Array::from(distances)),
    ];
    lists_of(fields(), columns, lengths, surfaces.nulls().cloned())
}

/// A column of lists of surfaces; no columns where every list is empty, because what an empty list in SQL is a list of has no fields.
struct Surfaces<'a> {
    lists: &'a Lists,
    columns: Option<(StringArray, PointsColumn)>,
}

impl<'a> Surfaces<'a> {
    fn of(lists: &'a Lists) -> Result<Self> {
        let record = Record(&lists.values);
        let columns = match lists.values.is_empty() {
            true => None,
            false => Some((record.text("object_id")?, PointsColumn::of(record.field("vertices")?)?)),
        };
        Ok(Self { lists, columns })
    }

    /// Those of a row that have an object and a finite vertex, by the object's id.
    fn points(&self, row: usize) -> Vec<(String, SurfacePoints)> {
        let Some((ids, vertices)) = &self.columns else { return Vec::new() };
        let named = self.lists.range(row).filter(|at| ids.is_valid(*at));
        let points = named.filter_map(|at| Some((ids.value(at).to_owned(), SurfacePoints::of(&vertices.get(at)?)?)));
        let mut points: Vec<_> = points.collect();
        points.sort_by(|(one, _), (other, _)| one.cmp(other));
        points
    }
}
