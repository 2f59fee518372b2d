//! `relate(subject, object, axis)`: what one object is to another on an axis.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, StringArray, StructArray, UInt8Builder};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err, internal_err, plan_err};
use spatialmill_geometry::relate::{AXES, Columns, Fact, Objects, RELATIONS, Relation, fact};

use crate::record::{Record, Shape};
use crate::types::VEC3;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const RELATE: Function = Function {
    doc: FunctionDoc {
        name: "relate",
        signature: "relate(subject, object, axis)",
        summary: "which of an axis' two opposite relations the subject has to the object, by how much and how clearly; null where it has neither",
        details: "\
`subject` and `object` are (centre, extent, low, nearest) in view space, as in the table `objects`. `axis` is one of\n\n\
\x20   lateral   left, right       by the centres along x\n\
\x20   vertical  below, above      by the centres along z\n\
\x20   depth     near, far         by the nearest surface along y\n\
\x20   width     thinner, wider    by the extents along x\n\
\x20   height    shorter, taller   by the extents along z\n\
\x20   volume    smaller, larger   by the product of the extents\n\n\
Out comes a struct: `relation` of the subject to the object; `value`, the difference in metres (cubic metres for volume); \
`margin`, that difference relative to the scale of the two objects, 0 at the decision boundary; `overlap`, the share of the \
shorter interval along the axis that both have in common; and `agrees`, whether the image shows the same order as view space.\n\n\
Null where neither relation holds: two objects may tie, and one with a null or infinite number stands in no relation.",
        example: Example {
            sql: "SELECT 'the cup is ' || relate(
            {centre: {x: -1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: -1.5, y: 1.5, z: -0.5}, nearest: 1.5},
            {centre: {x: 1, y: 2, z: 0}, extent: {x: 1, y: 1, z: 1}, low: {x: 0.5, y: 1.5, z: -0.5}, nearest: 1.5},
            'lateral'
        )['relation'] || ' of the jug'",
            result: "the cup is left of the jug",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [subject, object, axis] => {
            Shape::Struct(VIEW_BOX).check("relate", "subject", subject)?;
            Shape::Struct(VIEW_BOX).check("relate", "object", object)?;
            Shape::Text.check("relate", "axis", axis)?;
            Ok(DataType::Struct(fact_fields()))
        }
        _ => plan_err!("`relate` takes a subject, an object and an axis, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

/// What it needs to know of an object: columns of the table `objects`.
pub const VIEW_BOX: &[(&str, Shape)] = &[("centre", VEC3), ("extent", VEC3), ("low", VEC3), ("nearest", Shape::Number)];

/// The fields of a fact.
pub fn fact_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    Fields::from(vec![
        field("relation", DataType::Utf8),
        field("value", DataType::Float64),
        field("unit", DataType::Utf8),
        field("margin", DataType::Float64),
        field("overlap", DataType::Float64),
        field("agrees", DataType::Boolean),
    ])
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (subjects, objects, axes) = (arguments.column(0)?, arguments.column(1)?, arguments.text(2)?);
    let axis_of = |name: Option<&str>| match name {
        None => Ok(None),
        Some(name) => match AXES.iter().position(|axis| axis.name == name) {
            Some(axis) => Ok(Some(axis)),
            None => exec_err!("`{name}` is no axis; there are {}", AXES.map(|axis| axis.name).join(", ")),
        },
    };
    let axes = axes.iter().map(axis_of).collect::<Result<Vec<_>>>()?;
    with_view_boxes(&subjects, |subjects| {
        with_view_boxes(&objects, |objects| {
            facts_of(axes.iter().enumerate().map(|(row, axis)| fact((*axis)?, subjects, objects, row)))
        })
    })
}

/// The objects of a column. A null one is an object without measurements.
pub fn with_view_boxes<T>(column: &ArrayRef, then: impl FnOnce(&Objects) -> Result<T>) -> Result<T> {
    let Some(boxes) = column.as_struct_opt() else {
        let none = vec![f64::NAN; column.len()];
        return with_objects([&none; 3], [&none; 3], [&none; 3], &none, then);
    };
    let boxes = Record(boxes);
    let numbers = [boxes.vec3("centre")?, boxes.vec3("extent")?, boxes.vec3("low")?];
    let [centre, extent, low] = numbers.each_ref().map(|vectors| vectors.each_ref().map(|axis| axis.or_nan()));
    let nearest = boxes.number("nearest")?;
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

/// Facts as structs. Strings are gathered from few: the names of the relations.
pub fn facts_of(facts: impl ExactSizeIterator<Item = Option<Fact>>) -> Result<ArrayRef> {
    let rows = facts.len();
    let mut relation = UInt8Builder::with_capacity(rows);
    let [mut value, mut margin, mut overlap] = [0; 3].map(|_| Float64Builder::with_capacity(rows));
    let mut agrees = BooleanBuilder::with_capacity(rows);
    for fact in facts {
        relation.append_option(fact.map(|fact| fact.relation as u8));
        value.append_option(fact.map(|fact| fact.value));
        margin.append_option(fact.map(|fact| fact.margin));
        overlap.append_option(fact.map(|fact| fact.overlap));
        agrees.append_option(fact.map(|fact| fact.agrees));
    }
    let relation = relation.finish();
    let name = |of: fn(&Relation) -> &'static str| StringArray::from_iter_values(RELATIONS.iter().map(of));
    let columns: Vec<ArrayRef> = vec![
        take(&name(|relation| relation.name), &relation, None)?,
        Arc::new(value.finish()),
        take(&name(|relation| relation.unit), &relation, None)?,
        Arc::new(margin.finish()),
        Arc::new(overlap.finish()),
        Arc::new(agrees.finish()),
    ];
    let nulls: Option<NullBuffer> = relation.nulls().cloned();
    Ok(Arc::new(StructArray::try_new_with_length(fact_fields(), columns, nulls, rows)?))
}
