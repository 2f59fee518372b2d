//! `label_points(objects)`: how much of a frame its objects cover, and where a number can stand on each.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StructArray, new_empty_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::{LabelPoint, Mask, PixelBox};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::types::{MASK, MaskColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const LABEL_POINTS: Function = Function {
    doc: FunctionDoc {
        name: "label_points",
        signature: "label_points(objects)",
        summary: "for each of a frame's objects (object_id, mask) the pixels of its mask, and the inner-most point of those that no other mask has, with the room around it",
        details: "\
`objects` is a list of (object_id, mask) of one frame. Out comes a list of (object_id, pixels, label_point) in the same \
order: the area of the mask in pixels, and the pole of inaccessibility (x, y, radius) of its part that no other mask covers: \
the point farthest from that part's edge, with its distance to the edge. A pixel that two masks share is left out, because a \
number there would name both.\n\n\
Without a mask, `pixels` and `label_point` are null; without a pixel of its own, `label_point` is null.",
        example: Example {
        // Two columns of two pixels each, and a mask of the right one.
        sql: "SELECT concat(a.object_id, ' ', a.pixels, ' ', a.label_point.x, ' ', a.label_point.y, ' ', a.label_point.radius) FROM (SELECT unnest(label_points([
            {object_id: 'cup', mask: {height: 2, width: 2, counts: '22'}}])) AS a)",
        result: "cup 2 1.5 0.5 0.5",
    },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [objects] => {
            Shape::List(OBJECT).check("label_points", "objects", objects)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`label_points` takes one argument, a list of objects, and not {}", types.len()),
    },
    call: Call::Values(call),
};

const OBJECT: &[(&str, Shape)] = &[("object_id", Shape::Text), ("mask", MASK)];

fn fields() -> Fields {
    vec![
        Field::new("object_id", DataType::Utf8, true),
        Field::new("pixels", DataType::Int64, true),
        Field::new("label_point", DataType::Struct(label_point_fields()), true),
    ]
    .into()
}

/// The fields of a label point, here and wherever one is handed on.
pub fn label_point_fields() -> Fields {
    ["x", "y", "radius"].map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let objects = Lists::new(&arguments.column(0)?)?;
    let mut label_points: Vec<Option<LabelPoint>> = Vec::with_capacity(objects.values.len());
    let mut lengths = Vec::with_capacity(arguments.rows());
    if objects.values.is_empty() {
        lengths.resize(arguments.rows(), 0);
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, lengths, objects.nulls().cloned());
    }
    let record = Record(&objects.values);
    let ids = record.text("object_id")?;
    let masks = masks(record.field("mask")?)?;
    for rows in objects.ranges() {
        let rows = rows.unwrap_or_default();
        lengths.push(rows.len());
        label_points.extend((rows.clone()).map(|row| own_label_point(&masks[rows.clone()], row - rows.start)));
    }
    let axis = |of: fn(&LabelPoint) -> f64| -> ArrayRef {
        Arc::new(label_points.iter().map(|label_point| label_point.as_ref().map(of)).collect::<Float64Array>())
    };
    let nulls = NullBuffer::from_iter(label_points.iter().map(Option::is_some));
    let columns = vec![
        axis(|label_point| label_point.x),
        axis(|label_point| label_point.y),
        axis(|label_point| label_point.radius),
    ];
    let label_points = StructArray::try_new(label_point_fields(), columns, Some(nulls))?;
    // A picture has at most 2^28 pixels.
    let pixels: Int64Array = masks.iter().map(|mask| mask.as_ref().map(|(mask, _)| mask.area() as i64)).collect();
    lists_of(fields(), vec![Arc::new(ids), Arc::new(pixels), Arc::new(label_points)], lengths, objects.nulls().cloned())
}

/// A mask with its bounds, which tell most pairs apart without a look at their runs.
type Bounded = (Mask, PixelBox);

/// Masks that are none were quarantined when they were read, so what is left of them here is nothing.
fn masks(column: &ArrayRef) -> Result<Vec<Option<Bounded>>> {
    let masks = MaskColumn::of(column)?;
    let bounded = |row: usize| {
        let mask = masks.get(row)?.ok()?;
        let bounds = mask.bounds()?;
        Some((mask, bounds))
    };
    Ok((0..column.len()).map(bounded).collect())
}

fn own_label_point(masks: &[Option<Bounded>], at: usize) -> Option<LabelPoint> {
    let (mask, bounds) = masks[at].as_ref()?;
    let mut own: Option<Mask> = None;
    for (other, other_bounds) in
        masks.iter().enumerate().filter(|(i, _)| *i != at).filter_map(|(_, other)| other.as_ref())
    {
        if bounds.intersection(other_bounds).is_some() {
            // Masks of another size are of another image and cover nothing here.
            if let Ok(left) = own.as_ref().unwrap_or(mask).difference(other) {
                own = Some(left);
            }
        }
    }
    own.as_ref().unwrap_or(mask).label_point()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_masks_share_labels_neither() {
        let rectangle = |x0, y0, x1, y1| {
            let area = PixelBox { x0, y0, x1, y1 };
            let mask = Mask::from_box(100, 100, &area).unwrap();
            let bounds = mask.bounds().unwrap();
            Some((mask, bounds))
        };
        // A table, a cup on its right half that the table's mask covers too, and a lamp apart.
        let masks =
            [rectangle(0.0, 0.0, 80.0, 40.0), rectangle(40.0, 0.0, 60.0, 20.0), rectangle(0.0, 60.0, 9.0, 69.0), None];
        let label_points: Vec<_> = (0..4).map(|at| own_label_point(&masks, at)).collect();
        let table = label_points[0].unwrap();
        assert!(table.x < 40.0 && table.radius > 15.0, "{table:?}");
        assert_eq!(label_points[1], None, "all of the cup is also the table");
        assert_eq!(label_points[2].map(|lamp| (lamp.x, lamp.y)), Some((4.5, 64.5)));
        assert_eq!(label_points[3], None);
    }
}
