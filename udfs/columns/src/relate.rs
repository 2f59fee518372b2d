//! `relate(objects)`: the facts about all pairs of a frame's objects.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, StringArray, UInt8Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err, internal_err, plan_err};
use spatialmill_geometry::relate::{Columns, Facts, Objects, RELATIONS, Relation, facts, most_facts};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape, VEC3};
use crate::{Arguments, Example, Function};

/// See [`spatialmill_geometry::relate`] for what the relations mean.
///
/// An object with a null or infinite number stands in no relation, but counts in `among`.
pub const RELATE: Function = Function {
    name: "relate",
    usage: "relate(objects)",
    doc: "of each pair of a frame's objects and each axis, which of two opposite relations holds, in both directions",
    example: Example {
        sql: "SELECT fact.subject || ' is ' || fact.relation || ' of ' || fact.object FROM (SELECT unnest(relate([
            {object_id: 'cup', centre: {x: -1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: -1.5, y: 1.5, z: -0.5}, nearest: 1.5},
            {object_id: 'jug', centre: {x: 1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: 0.5, y: 1.5, z: -0.5}, nearest: 1.5}
        ])) AS fact)",
        answer: "cup is left of jug",
    },
    answer: |types| match types {
        [objects] => Shape::List(OBJECT).check("relate", "objects", objects).map(|()| list_type(fact_fields())),
        _ => plan_err!("`relate` takes one argument, the objects of a frame, and not {}", types.len()),
    },
    call,
};

/// What it needs to know of an object: columns of the table `objects`.
const OBJECT: &[(&str, Shape)] =
    &[("object_id", Shape::Text), ("centre", VEC3), ("extent", VEC3), ("low", VEC3), ("nearest", Shape::Number)];

/// A frame with this many objects has 100 million facts, which take 8 GB: it must be cut before it comes here.
const MOST_OBJECTS: usize = 4096;

fn fact_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, false);
    Fields::from(vec![
        field("subject", DataType::Utf8),
        field("object", DataType::Utf8),
        field("axis", DataType::Utf8),
        field("relation", DataType::Utf8),
        field("value", DataType::Float64),
        field("unit", DataType::Utf8),
        field("margin", DataType::Float64),
        field("overlap", DataType::Float64),
        field("among", DataType::Int32),
        field("agrees", DataType::Boolean),
    ])
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let frames = Lists::new(&arguments.column(0)?)?;
    if frames.values.is_empty() {
        return facts_of(Facts::default(), &StringArray::new_null(0), vec![], vec![0; arguments.rows()], &frames);
    }
    let objects = Record(&frames.values);
    let ids = objects.text("object_id")?;
    if ids.null_count() > 0 {
        return exec_err!("`relate` got an object whose `object_id` is null");
    }
    let numbers = [objects.vec3("centre")?, objects.vec3("extent")?, objects.vec3("low")?];
    let [centre, extent, low] = numbers.each_ref().map(|vectors| vectors.each_ref().map(|axis| axis.or_nan()));
    let nearest = objects.number("nearest")?;
    let nearest = nearest.or_nan();
    let columns = Columns {
        centre: centre.each_ref().map(|axis| &**axis),
        extent: extent.each_ref().map(|axis| &**axis),
        low: low.each_ref().map(|axis| &**axis),
        nearest: &nearest,
    };
    let Some(objects) = Objects::new(columns) else {
        return internal_err!("the fields of a struct differ in length");
    };

    let sizes = frames.ranges().flatten().map(|frame| frame.len());
    if let Some(n) = sizes.clone().find(|n| *n > MOST_OBJECTS) {
        return exec_err!(
            "`relate` got a frame of {n} objects; leave out some, so that {MOST_OBJECTS} or fewer remain"
        );
    }
    let most = sizes.map(most_facts).sum();
    let (mut found, mut among) = (Facts::default(), Vec::with_capacity(most));
    found.reserve(most);
    let mut lengths = Vec::with_capacity(arguments.rows());
    for frame in frames.ranges() {
        let frame = frame.unwrap_or_default();
        let (before, n) = (found.len(), frame.len());
        facts(&objects, frame, &mut found);
        among.resize(found.len(), n as i32);
        lengths.push(found.len() - before);
    }
    facts_of(found, &ids, among, lengths, &frames)
}

/// Facts as lists of structs. Strings are gathered from few: the ids of the batch and the names of the relations.
fn facts_of(found: Facts, ids: &StringArray, among: Vec<i32>, lengths: Vec<usize>, frames: &Lists) -> Result<ArrayRef> {
    let name = |of: fn(&Relation) -> &'static str| StringArray::from_iter_values(RELATIONS.iter().map(of));
    let relation = UInt8Array::from(found.relation);
    let columns: Vec<ArrayRef> = vec![
        take(ids, &UInt32Array::from(found.subject), None)?,
        take(ids, &UInt32Array::from(found.object), None)?,
        take(&name(|relation| relation.axis), &relation, None)?,
        take(&name(|relation| relation.name), &relation, None)?,
        Arc::new(Float64Array::from(found.value)),
        take(&name(|relation| relation.unit), &relation, None)?,
        Arc::new(Float64Array::from(found.margin)),
        Arc::new(Float64Array::from(found.overlap)),
        Arc::new(Int32Array::from(among)),
        Arc::new(BooleanArray::from(found.agrees)),
    ];
    lists_of(fact_fields(), columns, lengths, frames.nulls().cloned())
}
