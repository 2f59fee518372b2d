//! `box_iou(a, b)`: how much two boxes of one image cover each other.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use crate::types::{PIXEL_BOX, PixelBoxColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const BOX_IOU: Function = Function {
    doc: FunctionDoc {
        name: "box_iou",
        signature: "box_iou(a, b)",
        summary: "the IoU of two pixel boxes (x0, y0, x1, y1): what both cover over what either covers, 0-1",
        details: "Null for a null box; 0 for boxes that do not touch, and for one without an area.",
        example: Example {
            sql: "SELECT box_iou({x0: 0, y0: 0, x1: 3, y1: 2}, {x0: 1, y0: 0, x1: 4, y1: 2})",
            result: "0.5",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [a, b] => {
            PIXEL_BOX.check("box_iou", "a", a)?;
            PIXEL_BOX.check("box_iou", "b", b)?;
            Ok(DataType::Float64)
        }
        _ => plan_err!("`box_iou` takes two pixel boxes and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (a, b) = (PixelBoxColumn::of(&arguments.column(0)?)?, PixelBoxColumn::of(&arguments.column(1)?)?);
    let iou = |row: usize| Some(a.get(row)?.iou(&b.get(row)?)).filter(|iou| iou.is_finite());
    Ok(Arc::new((0..arguments.rows()).map(iou).collect::<Float64Array>()))
}
