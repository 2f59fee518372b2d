//! `to_view_space(obb, gravity)`: an oriented box in camera axes, in view space.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::{Bounds, OrientedBox, ViewSpace};

use crate::types::{OBB, ObbColumn, VEC3, Vec3Column, obb_array, obb_fields, vec3_array, vec3_fields};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const TO_VIEW_SPACE: Function = Function {
    doc: FunctionDoc {
        name: "to_view_space",
        signature: "to_view_space(obb, gravity)",
        summary: "an oriented box in camera axes as centre, extent, lowest corner and oriented box in view space; gravity points down, null is level",
        details: "\
`obb` is (centre, axes, lengths) in camera axes: x right, y down, z forward, metres; `axes` are nine numbers, an axis a row. \
Out comes a struct of centre, extent, low, nearest and obb in view space: x right, y forward along the horizontal, z up. \
`gravity` points down, in camera axes; null is a level camera.\n\n\
Null for a null box, for one that is none, and for a gravity without a direction.",
        example: Example {
        // The camera looks straight down the corridor: what is 1 m below and 4 m ahead of it is at y = 4, z = -1.
        sql: "SELECT placed.centre.z || ' ' || placed.low.y FROM (SELECT to_view_space({centre: {x: 0, y: 1, z: 4}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1],
            lengths: {x: 2, y: 1, z: 1}}, NULL) AS placed)",
        result: "-1.0 3.5",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [obb, gravity] => {
            OBB.check("to_view_space", "obb", obb)?;
            VEC3.check("to_view_space", "gravity", gravity)?;
            Ok(DataType::Struct(fields()))
        }
        _ => plan_err!("`to_view_space` takes two arguments, a box and the direction of gravity, and not {}", types.len()),
    },
    call: Call::Values(call),
};

fn fields() -> Fields {
    let field = |name: &str, fields| Field::new(name, DataType::Struct(fields), true);
    let vec3 = |name| field(name, vec3_fields());
    vec![vec3("centre"), vec3("extent"), vec3("low"), field("obb", obb_fields())].into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let boxes = arguments.column(0)?;
    let (given, gravity) = (ObbColumn::of(&boxes)?, Vec3Column::of(&arguments.column(1)?)?);
    let place = |row: usize| {
        let view = match gravity.get(row) {
            Some(down) => ViewSpace::from_gravity(&down).ok(),
            None => Some(ViewSpace::level()),
        };
        Some(view?.box_to_view(&given.get(row)?.ok()?))
    };
    columns((0..boxes.len()).map(place).collect())
}

fn columns(placed: Vec<Option<OrientedBox>>) -> Result<ArrayRef> {
    let bounds: Vec<Option<Bounds>> = placed.iter().map(|placed| placed.map(|placed| placed.bounds())).collect();
    let columns: Vec<ArrayRef> = vec![
        vec3_array(placed.iter().map(|obb| Some(obb.as_ref()?.centre))),
        vec3_array(bounds.iter().map(|bounds| Some(bounds.as_ref()?.extent()))),
        vec3_array(bounds.iter().map(|bounds| Some(bounds.as_ref()?.low))),
        obb_array(&placed)?,
    ];
    let nulls = NullBuffer::from_iter(placed.iter().map(Option::is_some));
    Ok(Arc::new(StructArray::try_new(fields(), columns, Some(nulls))?))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    /// The box's centre, 1 m to the right and 2 m ahead of the camera, and what it becomes.
    async fn check(axes: &str, gravity: &str, expected: &str) {
        let context = SessionContext::new();
        context.register_udf(TO_VIEW_SPACE.scalar(None).unwrap());
        let sql = format!(
            "SELECT concat(round(p.centre.x, 3), ' ', round(p.centre.y, 3), ' ', round(p.centre.z, 3), ', ', round(p.extent.y, 3))
            FROM (SELECT to_view_space({{centre: {{x: 1, y: 0, z: 2}}, axes: {axes}, lengths: {{x: 1, y: 2, z: 3}}}}, {gravity}) AS p)"
        );
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        let found = arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
        assert_eq!(found, expected, "{sql}");
    }

    #[tokio::test]
    async fn boxes_turn_with_gravity() {
        let axes = "[1, 0, 0, 0, 1, 0, 0, 0, 1]";
        check(axes, "NULL", "1.0 2.0 0.0, 3.0").await;
        check(axes, "{x: 0, y: 1, z: 0}", "1.0 2.0 0.0, 3.0").await;
        // The camera looks 30 degrees down.
        check(axes, "{x: 0, y: 0.8660254037844386, z: 0.5}", "1.0 1.732 -1.0, 3.598").await;
    }

    #[tokio::test]
    async fn what_is_no_box_has_no_place() {
        check("[1, 0, 0, 0, 1, 0, 0, 0]", "NULL", "  , ").await;
        check("[1, 0, 0, 1, 0, 0, 0, 0, 1]", "NULL", "  , ").await;
        check("NULL", "NULL", "  , ").await;
        check("[1, 0, 0, 0, 1, 0, 0, 0, 1]", "{x: 0, y: 0, z: 0}", "  , ").await;
    }
}
