//! `appearance(uri, things)`: colours from pixels. In: an image's URL and its objects with boxes and masks. Out: each object's mean colour.
//!
//! One row is one frame with all its things, so that an image is decoded once.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::{DataFusionError, Result};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use spatialmill_columns::types::{EncodedMask, MaskColumn, PixelBoxColumn};
use spatialmill_columns::{Cost, Example, FunctionDoc, Lists, Record};
use spatialmill_drawing::Picture;
use spatialmill_geometry::PixelBox;

use super::async_function::{AsyncFunction, Opens};
use super::lists::{quarantined_field, to_lists};
use crate::photos;
use crate::source::photo::MAX_BYTES;
use crate::tables::Unusable;

pub const APPEARANCE: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "appearance",
        signature: "appearance(uri, things)",
        summary: "the mean colour of each of a frame's things (object_id, box, mask) on its image; opens the image",
        details: "\
`things` is a list of (object_id, box, mask). Out comes a list of (object_id, colour, quarantined): the mean colour of the \
mask's pixels, or of the box's where there is no mask. One row is one frame, so that its image is decoded once. An image that \
cannot be read is one quarantined row.",
        example: Example {
            sql: "SELECT o['colour'] FROM (SELECT unnest(appearance(f.uri, d.things)) AS o FROM frames AS f JOIN (
            SELECT frame_id, array_agg({object_id: object_id, box: box, mask: mask} ORDER BY object_id) AS things FROM detections GROUP BY frame_id)
            AS d ON d.frame_id = f.frame_id) ORDER BY o['object_id'] LIMIT 1",
            result: "{r: 105, g: 70, b: 42}",
        },
        cost: Cost::ReadsImages,
    },
    arguments: 2,
    opens: Opens::Image,
    rows_at_once: 32,
    fields: |_| fields(),
    call: |columns, fields, _| Box::pin(async move { to_lists(&fields, &looks(columns).await?) }),
};

#[derive(Debug, Default, Serialize)]
struct Look {
    object_id: Option<String>,
    colour: Option<Colour>,
    quarantined: Option<Unusable>,
}

#[derive(Debug, Serialize)]
struct Colour {
    r: u8,
    g: u8,
    b: u8,
}

fn fields() -> Fields {
    let colour = ["r", "g", "b"].map(|part| Field::new(part, DataType::Int32, true)).to_vec();
    vec![
        Field::new("object_id", DataType::Utf8, true),
        Field::new("colour", DataType::Struct(colour.into()), true),
        quarantined_field(),
    ]
    .into()
}

/// One thing, as far as its image shows it.
struct Thing {
    object_id: String,
    outline: PixelBox,
    mask: Option<EncodedMask>,
}

async fn looks(columns: Vec<ArrayRef>) -> Result<Vec<Vec<Look>>> {
    let uris = arrow::compute::cast(&columns[0], &DataType::Utf8)?;
    let uris = uris.as_string::<i32>();
    let things = things_of(&columns[1])?;
    let work = things.into_iter().enumerate().map(|(row, things)| {
        let uri = if uris.is_valid(row) { uris.value(row).to_owned() } else { String::new() };
        async move {
            let bytes = photos::read(&uri, MAX_BYTES).await.map_err(|e| lost(e.to_string()));
            let look = move || match bytes
                .and_then(|bytes| Picture::decode(&bytes).map_err(|e| lost(format!("{e}, file `{uri}`"))))
            {
                Ok(picture) => things.iter().map(|thing| thing.on(&picture)).collect(),
                Err(lost) => vec![Look { quarantined: Some(lost), ..Look::default() }],
            };
            tokio::task::spawn_blocking(look).await.map_err(|e| DataFusionError::External(e.into()))
        }
    });
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    futures::stream::iter(work).buffered(at_once).try_collect().await
}

impl Thing {
    fn on(&self, picture: &Picture) -> Look {
        let mask = self.mask.as_ref().and_then(|mask| mask.decode().ok());
        let colour = match &mask {
            Some(mask) => picture.mean_colour(mask),
            None => picture.mean_colour(&self.outline),
        };
        let colour = colour.map(|[r, g, b]| Colour { r, g, b });
        Look { object_id: Some(self.object_id.clone()), colour, quarantined: None }
    }
}

fn lost(message: String) -> Unusable {
    Unusable::new("image", format!("cannot look at the image: {message}"))
}

fn things_of(column: &ArrayRef) -> Result<Vec<Vec<Thing>>> {
    let lists = Lists::new(column)?;
    if lists.values.is_empty() {
        return Ok(lists.ranges().map(|_| Vec::new()).collect());
    }
    let all = Record(&lists.values);
    let ids = all.text("object_id")?;
    let (boxes, masks) = (PixelBoxColumn::of(all.field("box")?)?, MaskColumn::of(all.field("mask")?)?);
    let one = |row: usize| Thing {
        object_id: if ids.is_valid(row) { ids.value(row).to_owned() } else { String::new() },
        outline: boxes.or_nan(row),
        mask: masks.encoded(row),
    };
    Ok(lists.ranges().map(|range| range.unwrap_or_default().map(one).collect()).collect())
}
