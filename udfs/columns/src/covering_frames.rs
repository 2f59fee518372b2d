//! `covering_frames(frames, least)`: the fewest frames of a scene that show what a question is about.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::covering;

use crate::lists::Lists;
use crate::record::{Numbers, Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const COVERING_FRAMES: Function = Function {
    doc: FunctionDoc {
        name: "covering_frames",
        signature: "covering_frames(frames, least)",
        summary: "of a scene's frames (frame_id, object_ids) the fewest that show every object that any of them shows, filled up evenly to `least` frames",
        details: "\
`frames` is a list of (frame_id, object_ids) in the order of the scan, `object_ids` what a frame shows of the objects that a question is about. Out comes a \
list of frame ids in that order: a greedy set cover, of which ties go to the earlier frame, and, where it has fewer than `least` frames, others evenly \
spread over those that are left.\n\n\
Null for a null list or number.",
        example: Example {
            sql: "SELECT array_to_string(covering_frames([{frame_id: 'a', object_ids: ['bed']}, {frame_id: 'b', object_ids: ['bed', 'desk']},
            {frame_id: 'c', object_ids: ['lamp']}], 0), ' ')",
            result: "b c",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [frames, least] => {
            Shape::List(FRAME).check("covering_frames", "frames", frames)?;
            Shape::Number.check("covering_frames", "least", least)?;
            Ok(DataType::new_list(DataType::Utf8, true))
        }
        _ => plan_err!("`covering_frames` takes a list of frames and a number, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const FRAME: &[(&str, Shape)] = &[("frame_id", Shape::Text), ("object_ids", Shape::Texts)];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (frames, least) = (Lists::new(&arguments.column(0)?)?, Numbers::of(&arguments.column(1)?)?);
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    if frames.values.is_empty() {
        let valid =
            frames.ranges().enumerate().map(|(row, range)| range.is_some() && least.get(row).is_some()).collect();
        let values = Arc::new(StringArray::new_null(0));
        return Ok(Arc::new(ListArray::try_new(
            item,
            OffsetBuffer::new_zeroed(arguments.rows()),
            values,
            Some(valid),
        )?));
    }
    let record = Record(&frames.values);
    let ids = record.text("frame_id")?;
    let shown = cast(record.field("object_ids")?, &DataType::new_list(DataType::Utf8, true))?;
    let shown = shown.as_list::<i32>();
    let objects = shown.values().as_string::<i32>();
    let of_frame = |frame: usize| -> Vec<&str> {
        let ends = shown.value_offsets();
        let own = if shown.is_valid(frame) { ends[frame] as usize..ends[frame + 1] as usize } else { 0..0 };
        own.filter(|object| objects.is_valid(*object)).map(|object| objects.value(object)).collect()
    };
    let of_row = |(row, range): (usize, Option<Range<usize>>)| -> Option<Vec<Option<&str>>> {
        let (range, least) = range.zip(least.get(row))?;
        let shown: Vec<Vec<&str>> = range.clone().map(of_frame).collect();
        // The cast saturates.
        let chosen = covering(&shown, least as usize);
        Some(
            chosen
                .into_iter()
                .map(|frame| range.start + frame)
                .map(|frame| ids.is_valid(frame).then(|| ids.value(frame)))
                .collect(),
        )
    };
    let found: Vec<Option<Vec<Option<&str>>>> = frames.ranges().enumerate().map(of_row).collect();
    let lengths = OffsetBuffer::from_lengths(found.iter().map(|ids| ids.as_ref().map_or(0, Vec::len)));
    let nulls = found.iter().map(Option::is_some).collect();
    let values = Arc::new(found.into_iter().flatten().flatten().collect::<StringArray>());
    Ok(Arc::new(ListArray::try_new(item, lengths, values, Some(nulls))?))
}
