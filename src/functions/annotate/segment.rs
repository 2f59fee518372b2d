//! `segment(uri, sha256, things, model)`: the masks of what boxes are around.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;
use serde::{Deserialize, Serialize};
use spatialmill_columns::{Lists, Record};
use spatialmill_geometry::PixelBox;
use spatialmill_models::{Adapter, Poison, Task};

use super::{Ask, Failure, FromLost, ROWS_AT_ONCE, blocking, each_row, number_field, text_field};
use crate::functions::lift::column_of_structs;
use crate::functions::lists::{Lost, quarantined_field, to_lists};
use crate::functions::reading_function::ReadingFunction;
use crate::source::rows::Mask as MaskRow;

/// The image is embedded once, whatever the number of its boxes.
pub const SEGMENT: ReadingFunction = ReadingFunction {
    name: "segment",
    usage: "segment(uri, sha256, things, model)",
    doc: "masks (object_id, mask, score, made_by) of an image's things (object_id, box), by a model of models.toml",
    arguments: 4,
    rows_at_once: ROWS_AT_ONCE,
    asks_models: true,
    fields: |_| fields(),
    call: |columns, fields, models| {
        Box::pin(async move {
            let things = things_of(&columns[2])?;
            let (things, picture) = (&things, [&columns[0], &columns[1], &columns[3]]);
            let rows = each_row(Task::Segment, &models, picture, |row, ask| segment(ask, things[row].clone())).await?;
            to_lists(&fields, &rows)
        })
    },
};

#[derive(Debug, Default, Serialize)]
struct Segmented {
    object_id: Option<String>,
    mask: Option<MaskRow>,
    score: Option<f64>,
    made_by: Option<String>,
    quarantined: Option<Lost>,
}

impl FromLost for Segmented {
    fn from_lost(lost: Lost) -> Self {
        Self { quarantined: Some(lost), ..Self::default() }
    }
}

fn fields() -> Fields {
    let mask = [("height", DataType::Int32), ("width", DataType::Int32), ("counts", DataType::Utf8)];
    let mask: Fields = mask.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect();
    vec![
        text_field("object_id"),
        Field::new("mask", DataType::Struct(mask), true),
        number_field("score"),
        text_field("made_by"),
        quarantined_field(),
    ]
    .into()
}

#[derive(Debug, Clone)]
struct Thing {
    object_id: String,
    bounds: PixelBox,
}

/// As it is kept: a mask with its score, or why it is none.
#[derive(Serialize, Deserialize)]
enum Answer {
    Mask(MaskRow, f64),
    Lost { code: String, message: String },
}

async fn segment(ask: Ask, things: Vec<Thing>) -> std::result::Result<Vec<Segmented>, Failure> {
    if things.is_empty() {
        return Ok(Vec::new());
    }
    // Names do not matter to the model, boxes do.
    let asked: Vec<[f64; 4]> = things.iter().map(|t| [t.bounds.x0, t.bounds.y0, t.bounds.x1, t.bounds.y1]).collect();
    let boxes: Vec<PixelBox> = things.iter().map(|thing| thing.bounds).collect();
    let answers: Vec<Answer> = ask
        .answer(&format!("{asked:?}"), async |shown| {
            let shown = Arc::new(shown);
            let embedding = ask
                .run(&shown, |model, picture| match &model.adapter {
                    Adapter::Segment(family) => family.prepare(picture),
                    _ => Vec::new(),
                })
                .await?;
            let embedding = Arc::new(embedding);
            let mut answers = Vec::with_capacity(boxes.len());
            for bounds in boxes {
                answers.push(match mask_of(&ask, &embedding, bounds, shown.picture.size()).await {
                    Ok(answer) => answer,
                    Err(Failure::Lost(Lost { code, message })) => Answer::Lost { code, message },
                    Err(fatal) => return Err(fatal),
                });
            }
            Ok(answers)
        })
        .await?;
    let made_by = ask.model.entry.made_by();
    let row = |(thing, answer): (Thing, Answer)| {
        let (mask, score, quarantined) = match answer {
            Answer::Mask(mask, score) => (Some(mask), Some(score), None),
            Answer::Lost { code, message } => (None, None, Some(Lost { code, message })),
        };
        Segmented { object_id: Some(thing.object_id), mask, score, made_by: Some(made_by.clone()), quarantined }
    };
    Ok(things.into_iter().zip(answers).map(row).collect())
}

async fn mask_of(
    ask: &Ask,
    embedding: &Arc<spatialmill_models::Outputs>,
    bounds: PixelBox,
    picture: spatialmill_models::Size,
) -> std::result::Result<Answer, Failure> {
    let none = || Poison::new("shape", "this model has no decoder");
    let inputs = match &ask.model.adapter {
        Adapter::Segment(family) => family.prompt(embedding, &bounds, picture)?,
        _ => return Err(none().into()),
    };
    let outputs = ask.model.run(1, inputs).await?;
    let model = Arc::clone(&ask.model);
    let (mask, score) = blocking(move || match &model.adapter {
        Adapter::Segment(family) => family.decode(&outputs, &bounds, picture),
        _ => Err(none()),
    })
    .await??;
    let (height, width) = (mask.height() as i32, mask.width() as i32);
    Ok(Answer::Mask(MaskRow { height, width, counts: mask.to_counts() }, f64::from(score)))
}

fn things_of(column: &ArrayRef) -> Result<Vec<Vec<Thing>>> {
    let lists = Lists::new(column)?;
    if lists.values.is_empty() {
        return Ok(lists.ranges().map(|_| Vec::new()).collect());
    }
    let all = Record(&lists.values);
    let ids = all.text("object_id")?;
    let boxes = column_of_structs(all.field("box")?, "box")?;
    let [x0, y0, x1, y1] = ["x0", "y0", "x1", "y1"].map(|side| Record(&boxes).number(side));
    let (x0, y0, x1, y1) = (x0?, y0?, x1?, y1?);
    let (x0, y0, x1, y1) = (x0.or_nan(), y0.or_nan(), x1.or_nan(), y1.or_nan());
    let one = |row: usize| Thing {
        object_id: if ids.is_valid(row) { ids.value(row).to_owned() } else { String::new() },
        bounds: PixelBox { x0: x0[row], y0: y0[row], x1: x1[row], y1: y1[row] },
    };
    // The order in which rows were gathered is the engine's; ids make it stable.
    let sorted = |range: Option<std::ops::Range<usize>>| {
        let mut things: Vec<Thing> = range.unwrap_or_default().map(one).collect();
        things.sort_by(|a, b| a.object_id.cmp(&b.object_id));
        things
    };
    Ok(lists.ranges().map(sorted).collect())
}
