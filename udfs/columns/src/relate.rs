//! `relate(subject, object)`: what one object is to another on each axis.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray, UInt8Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, internal_err, plan_err};
use spatialmill_geometry::relate::{Columns, Facts, Objects, RELATIONS, Relation, facts};

use crate::lists::{list_type, lists_of};
use crate::record::{Record, Shape, VEC3};
use crate::{Arguments, Example, Function};

/// See [`spatialmill_geometry::relate`] for what the relations mean.
///
/// An object with a null or infinite number stands in no relation.
pub const RELATE: Function = Function {
    name: "relate",
    usage: "relate(subject, object)",
    doc: "on each axis, which of two opposite relations the subject has to the object, by how much and how clearly",
    example: Example {
        sql: "SELECT 'the cup is ' || fact.relation || ' of the jug' FROM (SELECT unnest(relate(
            {centre: {x: -1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: -1.5, y: 1.5, z: -0.5}, nearest: 1.5},
            {centre: {x: 1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: 0.5, y: 1.5, z: -0.5}, nearest: 1.5}
        )) AS fact)",
        answer: "the cup is left of the jug",
    },
    answer: |types| match types {
        [subject, object] => {
            Shape::Struct(PLACE).check("relate", "subject", subject)?;
            Shape::Struct(PLACE).check("relate", "object", object)?;
            Ok(list_type(fact_fields()))
        }
        _ => plan_err!("`relate` takes two arguments, the subject and the object, and not {}", types.len()),
    },
    call,
};

/// What it needs to know of an object: columns of the table `objects`.
const PLACE: &[(&str, Shape)] = &[("centre", VEC3), ("extent", VEC3), ("low", VEC3), ("nearest", Shape::Number)];

fn fact_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, false);
    Fields::from(vec![
        field("axis", DataType::Utf8),
        field("relation", DataType::Utf8),
        field("value", DataType::Float64),
        field("unit", DataType::Utf8),
        field("margin", DataType::Float64),
        field("overlap", DataType::Float64),
        field("agrees", DataType::Boolean),
    ])
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (subjects, objects) = (arguments.column(0)?, arguments.column(1)?);
    let nulls = NullBuffer::union(subjects.logical_nulls().as_ref(), objects.logical_nulls().as_ref());
    let found = with_places(&subjects, |subjects| with_places(&objects, |objects| Ok(facts(subjects, objects))))?;
    let mut lengths = vec![0; arguments.rows()];
    found.pair.iter().for_each(|&pair| lengths[pair as usize] += 1);
    facts_of(found, lengths, nulls)
}

/// The objects of a column. A null one is an object without measurements.
fn with_places<T>(column: &ArrayRef, then: impl FnOnce(&Objects) -> Result<T>) -> Result<T> {
    let Some(places) = column.as_struct_opt() else {
        let none = vec![f64::NAN; column.len()];
        return with_objects([&none; 3], [&none; 3], [&none; 3], &none, then);
    };
    let places = Record(places);
    let numbers = [places.vec3("centre")?, places.vec3("extent")?, places.vec3("low")?];
    let [centre, extent, low] = numbers.each_ref().map(|vectors| vectors.each_ref().map(|axis| axis.or_nan()));
    let nearest = places.number("nearest")?;
    let [centre, extent, low] = [&centre, &extent, &low].map(|vectors| vectors.each_ref().map(|axis| &**axis));
    with_objects(centre, extent, low, &nearest.or_nan(), then)
}

fn with_objects<T>(
    centre: [&[f64]; 3],
    extent: [&[f64]; 3],
    low: [&[f64]; 3],
    nearest: &[f64],
    then: impl FnOnce(&Objects) -> Result<T>,
) -> Result<T> {
    match Objects::new(Columns { centre, extent, low, nearest }) {
        Some(objects) => then(&objects),
        None => internal_err!("the fields of a struct differ in length"),
    }
}

/// Facts as lists of structs. Strings are gathered from few: the names of the relations.
fn facts_of(found: Facts, lengths: Vec<usize>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let name = |of: fn(&Relation) -> &'static str| StringArray::from_iter_values(RELATIONS.iter().map(of));
    let relation = UInt8Array::from(found.relation);
    let columns: Vec<ArrayRef> = vec![
        take(&name(|relation| relation.axis), &relation, None)?,
        take(&name(|relation| relation.name), &relation, None)?,
        Arc::new(Float64Array::from(found.value)),
        take(&name(|relation| relation.unit), &relation, None)?,
        Arc::new(Float64Array::from(found.margin)),
        Arc::new(Float64Array::from(found.overlap)),
        Arc::new(BooleanArray::from(found.agrees)),
    ];
    lists_of(fact_fields(), columns, lengths, nulls)
}
