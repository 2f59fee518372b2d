//! `covering_frames(frame_ids, sightings, least)`: the fewest frames of a scene that show what a question is about.

use std::collections::HashMap;
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
        signature: "covering_frames(frame_ids, sightings, least)",
        summary: "of a scene's frames the fewest that show every object of the sightings (frame_id, object_id), filled up evenly to `least` frames",
        details: "\
`frame_ids` is the list of a scene's frames in the order of the scan, `sightings` a list of (frame_id, object_id): which of them shows which of the objects \
that a question is about. Out comes a list of frame ids in that order: a greedy set cover, of which ties go to the earlier frame, and, where it has fewer \
than `least` frames, others evenly spread over those that are left. A sighting in another frame counts for nothing.\n\n\
Null for a null argument.",
        example: Example {
            sql: "SELECT array_to_string(covering_frames(['a', 'b', 'c'], [{frame_id: 'a', object_id: 'bed'}, {frame_id: 'b', object_id: 'bed'},
            {frame_id: 'b', object_id: 'desk'}, {frame_id: 'c', object_id: 'lamp'}], 0), ' ')",
            result: "b c",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [frame_ids, sightings, least] => {
            Shape::Texts.check("covering_frames", "frame_ids", frame_ids)?;
            Shape::List(SIGHTING).check("covering_frames", "sightings", sightings)?;
            Shape::Number.check("covering_frames", "least", least)?;
            Ok(DataType::new_list(DataType::Utf8, true))
        }
        _ => plan_err!("`covering_frames` takes frame ids, sightings and a number, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const SIGHTING: &[(&str, Shape)] = &[("frame_id", Shape::Text), ("object_id", Shape::Text)];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let frames = cast(&arguments.column(0)?, &DataType::new_list(DataType::Utf8, true))?;
    let (frames, sightings) = (frames.as_list::<i32>(), Lists::new(&arguments.column(1)?)?);
    let least = Numbers::of(&arguments.column(2)?)?;
    // An empty list in SQL has no fields.
    let none = || StringArray::new_null(0);
    let (seen_in, objects) = match sightings.values.is_empty() {
        true => (none(), none()),
        false => (Record(&sightings.values).text("frame_id")?, Record(&sightings.values).text("object_id")?),
    };
    let ids = frames.values().as_string::<i32>();
    let of_row = |row: usize| -> Option<Vec<&str>> {
        let least = least.get(row)?;
        let seen = sightings.nulls().is_none_or(|nulls| nulls.is_valid(row)).then(|| sightings.range(row))?;
        let ends = frames.value_offsets();
        let own = frames.is_valid(row).then(|| ends[row] as usize..ends[row + 1] as usize)?;
        let own: Vec<&str> = own.filter(|at| ids.is_valid(*at)).map(|at| ids.value(at)).collect();
        let places: HashMap<&str, usize> = own.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let mut shown = vec![Vec::new(); own.len()];
        for at in seen.filter(|at| seen_in.is_valid(*at) && objects.is_valid(*at)) {
            if let Some(place) = places.get(seen_in.value(at)) {
                shown[*place].push(objects.value(at));
            }
        }
        // The cast saturates.
        Some(covering(&shown, least as usize).into_iter().map(|place| own[place]).collect())
    };
    let found: Vec<Option<Vec<&str>>> = (0..arguments.rows()).map(of_row).collect();
    let lengths = OffsetBuffer::from_lengths(found.iter().map(|ids| ids.as_ref().map_or(0, Vec::len)));
    let nulls = found.iter().map(Option::is_some).collect();
    let values: StringArray = found.into_iter().flatten().flatten().map(Some).collect();
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    Ok(Arc::new(ListArray::try_new(item, lengths, Arc::new(values), Some(nulls))?))
}
