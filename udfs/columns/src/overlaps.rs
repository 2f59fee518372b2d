//! `overlaps(objects)`: which of a frame's objects are one object that was marked twice, and whose boxes are full of other objects.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray, new_empty_array};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::PixelBox;

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::types::{EncodedMask, MASK, MaskColumn, PIXEL_BOX, PixelBoxColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const OVERLAPS: Function = Function {
    doc: FunctionDoc {
        name: "overlaps",
        signature: "overlaps(objects)",
        summary: "for each of a frame's objects (object_id, category, box, mask, detail) how much it is the same as a better described one of its category (duplicate_iou: the IoU of the masks, or of the boxes where one has no mask), and what share of its box the boxes of other objects inside it fill (fill_ratio)",
        details: "\
`objects` is a list of (object_id, category, box, mask, detail) of one frame. Out comes a list of (object_id, duplicate_iou, \
fill_ratio). `duplicate_iou` is the IoU with the most similar object of the same category that is described better (a larger \
`detail`, or of equals the smaller object_id); of the masks where both have one, else of the boxes. Two annotators who mark \
one lamp draw nearly the same outline. `fill_ratio` is the share of the object's box that boxes of other objects inside it \
fill.",
        example: Example {
        sql: "SELECT concat(o.object_id, ' ', o.duplicate_iou, ' ', o.fill_ratio) FROM (SELECT unnest(overlaps([
            {object_id: 'couch', category: 'couch', box: {x0: 0, y0: 0, x1: 8, y1: 4}, mask: NULL, detail: 1},
            {object_id: 'pillow', category: 'pillow', box: {x0: 0, y0: 0, x1: 4, y1: 2}, mask: NULL, detail: 1}])) AS o) ORDER BY 1",
        result: "couch 0.0 0.25",
    },
        cost: Cost::PerPair,
    },
    return_type: |types| match types {
        [objects] => {
            Shape::List(OBJECT).check("overlaps", "objects", objects)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`overlaps` takes one argument, a list of objects, and not {}", types.len()),
    },
    call: Call::Values(call),
};

const OBJECT: &[(&str, Shape)] = &[
    ("object_id", Shape::Text),
    ("category", Shape::Text),
    ("box", PIXEL_BOX),
    ("mask", MASK),
    ("detail", Shape::Number),
];

fn fields() -> Fields {
    vec![
        Field::new("object_id", DataType::Utf8, true),
        Field::new("duplicate_iou", DataType::Float64, false),
        Field::new("fill_ratio", DataType::Float64, false),
    ]
    .into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let objects = Lists::new(&arguments.column(0)?)?;
    if objects.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, vec![0; arguments.rows()], objects.nulls().cloned());
    }
    let marked = Marked::new(&Record(&objects.values))?;
    let (mut duplicate_ious, mut filled, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(arguments.rows()));
    for rows in objects.ranges() {
        let rows: Vec<usize> = rows.unwrap_or_default().collect();
        lengths.push(rows.len());
        duplicate_ious.extend(rows.iter().map(|row| marked.duplicate_iou(*row, &rows)));
        filled.extend(rows.iter().map(|row| marked.fill_ratio(*row, &rows)));
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(marked.ids), Arc::new(Float64Array::from(duplicate_ious)), Arc::new(Float64Array::from(filled))];
    lists_of(fields(), columns, lengths, objects.nulls().cloned())
}

/// The objects of all frames.
struct Marked {
    ids: StringArray,
    categories: StringArray,
    boxes: Vec<PixelBox>,
    masks: Vec<Option<EncodedMask>>,
    detail: Vec<f64>,
}

/// Masks that are the same to this degree have boxes that share at least half; others need not be decoded.
const WORTH_A_LOOK: f64 = 0.5;

/// An object is inside of a box when the box holds so much of its own.
const INSIDE: f64 = 0.9;

const NOWHERE: PixelBox = PixelBox { x0: 0.0, y0: 0.0, x1: 0.0, y1: 0.0 };

/// The box is looked at in so many rows and columns.
const GRID: usize = 24;

impl Marked {
    fn new(record: &Record) -> Result<Self> {
        let rows = record.0.len();
        // Every object has a box; one that had none would be nowhere.
        let boxes = PixelBoxColumn::of(record.field("box")?)?;
        let boxes = (0..rows).map(|row| boxes.get(row).unwrap_or(NOWHERE)).collect();
        let masks = MaskColumn::of(record.field("mask")?)?;
        let masks = (0..rows).map(|row| masks.encoded(row)).collect();
        let detail = record.number("detail")?.or_nan().to_vec();
        Ok(Self { ids: record.text("object_id")?, categories: record.text("category")?, boxes, masks, detail })
    }

    /// How much of the same this object is as the better described one of its category that is most like it.
    fn duplicate_iou(&self, row: usize, frame: &[usize]) -> f64 {
        if self.categories.is_null(row) {
            return 0.0;
        }
        let alike = frame.iter().filter(|other| {
            **other != row
                && self.categories.is_valid(**other)
                && self.categories.value(**other) == self.categories.value(row)
                && self.is_better(**other, row)
        });
        alike.map(|other| self.sameness(row, *other)).fold(0.0, f64::max)
    }

    fn is_better(&self, this: usize, other: usize) -> bool {
        match self.detail[this].total_cmp(&self.detail[other]) {
            std::cmp::Ordering::Equal => self.ids.value(this) < self.ids.value(other),
            order => order.is_gt(),
        }
    }

    fn sameness(&self, a: usize, b: usize) -> f64 {
        let boxes = self.boxes[a].iou(&self.boxes[b]);
        if boxes < WORTH_A_LOOK {
            return 0.0;
        }
        let mask = |row: usize| self.masks[row].as_ref()?.decode().ok();
        match (mask(a), mask(b)) {
            (Some(a), Some(b)) => a.iou(&b).unwrap_or(boxes),
            _ => boxes,
        }
    }

    /// The share of an object's box that lies in the boxes of other objects inside of it. (One that is nearly all of it is inside as
    /// well: who sees such a box cannot say which of the two is meant. Its duplicate is no other object.)
    fn fill_ratio(&self, row: usize, frame: &[usize]) -> f64 {
        let own = &self.boxes[row];
        let inside: Vec<&PixelBox> = frame
            .iter()
            .filter(|other| **other != row && !self.is_duplicate(row, **other))
            .map(|other| &self.boxes[*other])
            .filter(|other| {
                let shared = own.intersection(other).map_or(0.0, |shared| shared.area());
                other.area() < own.area() && shared >= INSIDE * other.area()
            })
            .collect();
        if inside.is_empty() {
            return 0.0;
        }
        let at = |low: f64, high: f64, i: usize| low + (high - low) * (i as f64 + 0.5) / GRID as f64;
        let points = (0..GRID * GRID).map(|i| (at(own.x0, own.x1, i % GRID), at(own.y0, own.y1, i / GRID)));
        let covered = points.filter(|(x, y)| {
            inside.iter().any(|other| (other.x0..other.x1).contains(x) && (other.y0..other.y1).contains(y))
        });
        covered.count() as f64 / (GRID * GRID) as f64
    }

    fn is_duplicate(&self, a: usize, b: usize) -> bool {
        let same_category = self.categories.is_valid(a)
            && self.categories.is_valid(b)
            && self.categories.value(a) == self.categories.value(b);
        same_category && self.boxes[a].iou(&self.boxes[b]) > INSIDE
    }
}

#[cfg(test)]
mod tests {
    use spatialmill_geometry::Mask;

    use super::*;

    fn marked(objects: &[(&str, Option<&str>, [f64; 4], f64)]) -> Marked {
        Marked {
            ids: objects.iter().map(|object| Some(object.0)).collect(),
            categories: objects.iter().map(|object| object.1).collect(),
            boxes: objects
                .iter()
                .map(|(_, _, [x0, y0, x1, y1], _)| PixelBox { x0: *x0, y0: *y0, x1: *x1, y1: *y1 })
                .collect(),
            masks: vec![None; objects.len()],
            detail: objects.iter().map(|object| object.3).collect(),
        }
    }

    #[test]
    fn of_two_marks_the_better_described_one_stays() {
        let objects = marked(&[
            ("a", Some("lamp"), [0.0, 0.0, 20.0, 40.0], 1.0),
            ("b", Some("lamp"), [0.5, 0.0, 20.0, 40.0], 2.0),
            ("c", Some("vase"), [0.0, 0.0, 20.0, 40.0], 1.0),
            ("d", None, [0.0, 0.0, 20.0, 40.0], 1.0),
            ("e", Some("lamp"), [30.0, 0.0, 50.0, 40.0], 1.0),
            ("f", Some("lamp"), [30.0, 0.0, 50.0, 40.0], 1.0),
        ]);
        let duplicate_ious: Vec<f64> = (0..6).map(|row| objects.duplicate_iou(row, &[0, 1, 2, 3, 4, 5])).collect();
        assert_eq!(duplicate_ious, [0.975, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn masks_tell_more_than_boxes() {
        let mut objects = marked(&[
            ("a", Some("chair"), [0.0, 0.0, 10.0, 10.0], 1.0),
            ("b", Some("chair"), [0.0, 0.0, 10.0, 10.0], 1.0),
        ]);
        let half = |x0: f64| {
            let mask = Mask::from_box(10, 10, &PixelBox { x0, y0: 0.0, x1: x0 + 5.0, y1: 10.0 }).unwrap();
            Some(EncodedMask::from(&mask))
        };
        objects.masks = vec![half(0.0), half(5.0)];
        assert_eq!(objects.duplicate_iou(1, &[0, 1]), 0.0, "two chairs side by side in boxes that are too large");
    }

    #[test]
    fn a_box_is_filled_by_what_lies_in_it_and_not_by_what_it_lies_in() {
        let objects = marked(&[
            ("wall unit", Some("wall unit"), [0.0, 0.0, 24.0, 24.0], 1.0),
            ("television", Some("television"), [0.0, 0.0, 24.0, 12.0], 1.0),
            ("shelf", Some("shelf"), [0.0, 6.0, 24.0, 18.0], 1.0),
            ("lamp", Some("lamp"), [23.0, 0.0, 60.0, 24.0], 1.0),
        ]);
        let filled: Vec<f64> = (0..4).map(|row| objects.fill_ratio(row, &[0, 1, 2, 3])).collect();
        assert_eq!(filled, [0.75, 0.0, 0.0, 0.0]);
    }
}
