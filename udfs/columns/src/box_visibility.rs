//! `box_visibility(camera, boxes)`: how much a picture shows of 3D boxes, as far as they hide each other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, new_empty_array};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::project::visibility_of_boxes;
use spatialmill_geometry::{Intrinsics, OrientedBox};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::types::{OBB, ObbColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const BOX_VISIBILITY: Function = Function {
    doc: FunctionDoc {
        name: "box_visibility",
        signature: "box_visibility(camera, boxes)",
        summary: "for each of a frame's 3D boxes (object_id, obb in camera axes) how much of it the image shows, 0-1, as far as the other boxes and the image's border hide it",
        details: "\
`camera` is (width, height, fx, fy, cx, cy), `boxes` a list of (object_id, obb) in camera axes: x right, y down, z forward, \
metres. Out comes a list of (object_id, visibility): rays through pixels that hit the box before any other box, divided by \
the rays that hit it where nothing hides it and the image has no border.\n\n\
Null for a null box, for one that is none, and where there is no camera.",
        example: Example {
        // A lorry before one half of what the image shows of a house.
        sql: "SELECT concat(v.object_id, ' ', v.visibility) FROM (SELECT unnest(box_visibility(
            {width: 100, height: 100, fx: 100, fy: 100, cx: 49.5, cy: 49.5},
            [{object_id: 'house', obb: {centre: {x: 0, y: 0, z: 10}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 4, y: 4, z: 0}}},
             {object_id: 'lorry', obb: {centre: {x: 1, y: 0, z: 5}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 2, y: 4, z: 0}}}])) AS v) LIMIT 1",
        result: "house 0.5",
    },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [camera, boxes] => {
            Shape::Struct(CAMERA).check("box_visibility", "camera", camera)?;
            Shape::List(BOX).check("box_visibility", "boxes", boxes)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`box_visibility` takes a camera and a list of boxes, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const CAMERA: &[(&str, Shape)] = &[
    ("width", Shape::Number),
    ("height", Shape::Number),
    ("fx", Shape::Number),
    ("fy", Shape::Number),
    ("cx", Shape::Number),
    ("cy", Shape::Number),
];

const BOX: &[(&str, Shape)] = &[("object_id", Shape::Text), ("obb", OBB)];

fn fields() -> Fields {
    vec![Field::new("object_id", DataType::Utf8, true), Field::new("visibility", DataType::Float64, true)].into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (cameras, boxes) = (arguments.column(0)?, Lists::new(&arguments.column(1)?)?);
    let (Some(cameras), false) = (cameras.as_struct_opt(), boxes.values.is_empty()) else {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, vec![0; arguments.rows()], boxes.nulls().cloned());
    };
    let camera = Record(cameras);
    let number = |name: &str| camera.number(name);
    let (width, height) = (number("width")?, number("height")?);
    let (width, height) = (width.or_nan(), height.or_nan());
    let k = [number("fx")?, number("fy")?, number("cx")?, number("cy")?];
    let k = k.each_ref().map(|column| column.or_nan());
    let objects = Record(&boxes.values);
    let ids = objects.text("object_id")?;
    let obb = ObbColumn::of(objects.field("obb")?)?;
    let given: Vec<Option<OrientedBox>> = (0..boxes.values.len()).map(|row| obb.get(row)?.ok()).collect();
    let mut shares: Vec<Option<f64>> = Vec::with_capacity(given.len());
    let mut lengths = Vec::with_capacity(arguments.rows());
    for (row, range) in boxes.ranges().enumerate() {
        let own = &given[range.unwrap_or_default()];
        lengths.push(own.len());
        let usable: Vec<OrientedBox> = own.iter().flatten().copied().collect();
        let camera = Intrinsics { fx: k[0][row], fy: k[1][row], cx: k[2][row], cy: k[3][row] };
        // A NaN becomes no pixel, which is no picture.
        let shown = visibility_of_boxes(&usable, &camera, width[row] as u32, height[row] as u32).ok();
        let mut shown = shown.unwrap_or_default().into_iter();
        shares.extend(own.iter().map(|given| given.and_then(|_| shown.next())));
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(Float64Array::from(shares))];
    lists_of(fields(), columns, lengths, boxes.nulls().cloned())
}
