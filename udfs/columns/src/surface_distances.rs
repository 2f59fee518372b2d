//! `surface_distances(surfaces)`: how far the surfaces of a scene's objects are apart.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray, new_empty_array};
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
        signature: "surface_distances(surfaces)",
        summary: "for each pair of a scene's surfaces (object_id, vertices) the distance of their nearest vertices, metres",
        details: "\
`surfaces` is a list of (object_id, vertices) of one scene; `vertices` is a list of numbers, x, y and z of each in turn. Out comes a list of \
(object_id, other_id, distance), each pair once and `object_id` before `other_id` in the order of text. Where the distance of two boxes is much \
less, they enclose air: the box of an L-shaped couch holds the table in its corner.\n\n\
A surface of no object and one without a finite vertex is in no pair. Null for a null list.",
        example: Example {
            sql: "SELECT concat(d.object_id, ' ', d.other_id, ' ', d.distance) FROM (SELECT unnest(surface_distances([
            {object_id: 'table', vertices: [0, 0, 0, 1, 0, 0]}, {object_id: 'chair', vertices: [4, 4, 0, 9, 9, 9]}])) AS d)",
            result: "chair table 5.0",
        },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [surfaces] => {
            Shape::List(SURFACE).check("surface_distances", "surfaces", surfaces)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`surface_distances` takes one list of surfaces and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const SURFACE: &[(&str, Shape)] = &[("object_id", Shape::Text), ("vertices", Shape::Numbers)];

fn fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    vec![text("object_id"), text("other_id"), Field::new("distance", DataType::Float64, false)].into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let surfaces = Lists::new(&arguments.column(0)?)?;
    if surfaces.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, vec![0; arguments.rows()], surfaces.nulls().cloned());
    }
    let record = Record(&surfaces.values);
    let (ids, vertices) = (record.text("object_id")?, PointsColumn::of(record.field("vertices")?)?);
    let (mut objects, mut others, mut distances, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for scene in surfaces.ranges() {
        let named = scene.unwrap_or_default().filter(|row| ids.is_valid(*row));
        let points = named.filter_map(|row| Some((ids.value(row), SurfacePoints::of(&vertices.get(row)?)?)));
        let mut own: Vec<(&str, SurfacePoints)> = points.collect();
        own.sort_by_key(|(id, _)| *id);
        for (i, (object, points)) in own.iter().enumerate() {
            for (other, other_points) in &own[i + 1..] {
                objects.push(*object);
                others.push(*other);
                distances.push(points.distance(other_points));
            }
        }
        lengths.push(own.len() * own.len().saturating_sub(1) / 2);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(objects)),
        Arc::new(StringArray::from(others)),
        Arc::new(Float64Array::from(distances)),
    ];
    lists_of(fields(), columns, lengths, surfaces.nulls().cloned())
}
