//! `segment(uri, sha256, things, model)`: segmentation by box prompts. In: an image and its boxes. Out: a mask and its score for each box.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde::{Deserialize, Serialize};
use spatialmill_columns::types::EncodedMask;
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_geometry::PixelBox;
use spatialmill_models::{Outputs, Size, Task};

use super::things::{Thing, things_of};
use super::{Ask, FromUnusable, MODEL_FAILED, ROWS_AT_ONCE, RowError, blocking, each_row, number_field, text_field};
use crate::functions::async_function::{AsyncFunction, Opens};
use crate::functions::lists::{quarantined_field, to_lists};
use crate::models::Key;
use crate::tables::Unusable;

pub const SEGMENT: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "segment",
        signature: "segment(uri, sha256, things, model)",
        summary: "masks (object_id, mask, score, made_by) of an image's things (object_id, box), by a model of models.toml",
        details: "\
`things` is a list of (object_id, box); `model` has the task segment (sam, sam2). The image is embedded once, and each box is \
a prompt. Out comes a list of (object_id, mask, score, made_by, quarantined): the mask with the highest score, of the image's \
size, as COCO's compressed run lengths.",
        example: Example {
            sql: "SELECT concat(o['object_id'], ' ', o['mask']['width'], ' x ', o['mask']['height']) FROM (SELECT unnest(segment(uri, sha256,
            [{object_id: 'cup', box: {x0: 20, y0: 30, x1: 80, y1: 80}}], 'masks')) AS o FROM frames) LIMIT 1",
            result: "cup 320 x 240",
        },
        cost: Cost::AsksModels,
    },
    arguments: 4,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
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
    mask: Option<EncodedMask>,
    score: Option<f64>,
    made_by: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Segmented {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
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

/// As it is kept: a mask with its score, or why it is none.
#[derive(Serialize, Deserialize)]
enum Answer {
    Mask(EncodedMask, f64),
    #[serde(rename = "Lost")]
    None(Unusable),
}

async fn segment(ask: Ask, things: Vec<Thing>) -> Result<Vec<Segmented>, RowError> {
    // Kept a box at a time: names do not matter to the model, and one box more or less does not change the masks of the others.
    let mut answers: Vec<(Key, Option<Answer>)> = Vec::with_capacity(things.len());
    for Thing { bounds, .. } in &things {
        let key = ask.key(&format!("{:?}", [bounds.x0, bounds.y0, bounds.x1, bounds.y1])).await?;
        let said = ask.models.answers.find(&key).await?;
        answers.push((key, said));
    }
    if answers.iter().any(|(_, said)| said.is_none()) {
        let embedded = ask.through(
            ask.picture().await?,
            |model, picture| Ok(model.segmenter()?.prepare(picture)),
            |_, embedding, picture| Ok((embedding.clone(), picture.size())),
        );
        // An embedding is larger than its picture, so that its slot is kept until all its masks are made.
        let ((embedding, size), _image) = embedded.await?;
        for (thing, (key, said)) in things.iter().zip(&mut answers).filter(|(_, (_, said))| said.is_none()) {
            let answer = match mask_of(&ask, &embedding, thing.bounds, size).await {
                Ok(answer) => answer,
                // What the model said is kept, that it failed is not: it may be well the next time.
                Err(RowError::Unusable(lost)) if lost.code == MODEL_FAILED => return Err(lost.into()),
                Err(RowError::Unusable(why)) => Answer::None(why),
                Err(fatal) => return Err(fatal),
            };
            *said = Some(ask.models.answers.keep(key, &answer).await?);
        }
    }
    let made_by = ask.model.entry.made_by();
    let row = |(thing, (_, answer)): (Thing, (Key, Option<Answer>))| {
        let (mask, score, quarantined) = match answer {
            Some(Answer::Mask(mask, score)) => (Some(mask), Some(score), None),
            Some(Answer::None(why)) => (None, None, Some(why)),
            None => (None, None, None),
        };
        Segmented { object_id: Some(thing.object_id), mask, score, made_by: Some(made_by.clone()), quarantined }
    };
    Ok(things.into_iter().zip(answers).map(row).collect())
}

async fn mask_of(ask: &Ask, embedding: &Outputs, bounds: PixelBox, picture: Size) -> Result<Answer, RowError> {
    let inputs = ask.model.segmenter()?.prompt(embedding, &bounds, picture)?;
    let (outputs, model) = (ask.model.run(1, inputs).await?, Arc::clone(&ask.model));
    let (mask, score) = blocking(move || Ok(model.segmenter()?.decode(&outputs, &bounds, picture)?)).await?;
    Ok(Answer::Mask((&mask).into(), f64::from(score)))
}
