//! `caption(uri, sha256, things, model)` and `ground(uri, sha256, phrase, model)`: captioning, a noun phrase for each box, and grounding, the
//! boxes of what a phrase names.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Fields};
use datafusion::error::Result;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use spatialmill_chat::{AnswerError, AskError, Caption, Verify};
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_geometry::PixelBox;
use spatialmill_models::Task;

use super::things::{Thing, things_of};
use super::{Ask, FromUnusable, ROWS_AT_ONCE, RowError, blocking, each_row, numbers_field, text_field};
use crate::error::Error;
use crate::functions::async_function::{AsyncFunction, Opens};
use crate::functions::lists::{quarantined_field, to_lists};
use crate::models::{ChatModel, DecodedImage, Step};
use crate::tables::{Box2, FILTERED, Unusable};

pub const CAPTION: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "caption",
        signature: "caption(uri, sha256, things, model)",
        summary: "short noun phrases (object_id, caption, made_by) for an image's things (object_id, category, box), by a model of models.toml",
        details: "\
`things` is a list of (object_id, category, box); `model` is a chat model with the task caption. Each object is shown with a \
quarter of its box's sides around it. Out comes a list of (object_id, caption, made_by, filtered, quarantined). A phrase that \
says where something is or how it compares is filtered (phrase_spatial), and so is one that a second question finds not to \
fit, where `verify = true`.",
        example: Example {
            sql: "SELECT caption(uri, sha256, [{object_id: 'cup', category: 'cup', box: {x0: 0, y0: 0, x1: 9, y1: 9}}], 'caption')[1]['caption']
            FROM frames LIMIT 1",
            result: "red cup",
        },
        cost: Cost::AsksModels,
    },
    arguments: 4,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| -> Fields {
        [
            text_field("object_id"),
            text_field("caption"),
            text_field("made_by"),
            text_field(FILTERED),
            quarantined_field(),
        ]
        .into_iter()
        .collect()
    },
    call: |columns, fields, models| {
        Box::pin(async move {
            let things = things_of(&columns[2])?;
            let (things, picture) = (&things, [&columns[0], &columns[1], &columns[3]]);
            let rows = each_row(Task::Caption, &models, picture, |row, ask| caption(ask, things[row].clone()));
            to_lists(&fields, &rows.await?)
        })
    },
};

pub const GROUND: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "ground",
        signature: "ground(uri, sha256, phrase, model)",
        summary: "boxes (box, made_by) of what fits a phrase in an image, by a model of models.toml",
        details: "\
`model` is a chat model with the task ground. Out comes a list of (box, made_by, quarantined), boxes in pixels of the image; \
empty where nothing fits the phrase.",
        example: Example {
            sql: "SELECT array_length(ground(uri, sha256, 'the red cup', 'ground')) FROM frames LIMIT 1",
            result: "1",
        },
        cost: Cost::AsksModels,
    },
    arguments: 4,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| {
        vec![numbers_field("box", &["x0", "y0", "x1", "y1"]), text_field("made_by"), quarantined_field()].into()
    },
    call: |columns, fields, models| {
        Box::pin(async move {
            let phrases = phrases_of(&columns[2])?;
            let (phrases, picture) = (&phrases, [&columns[0], &columns[1], &columns[3]]);
            let rows = each_row(Task::Ground, &models, picture, |row, ask| ground(ask, phrases[row].clone()));
            to_lists(&fields, &rows.await?)
        })
    },
};

#[derive(Debug, Default, Serialize)]
struct Captioned {
    object_id: Option<String>,
    caption: Option<String>,
    made_by: Option<String>,
    filtered: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Captioned {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
enum Phrase {
    Fits(String),
    /// Why there is none.
    #[serde(rename = "Left")]
    Filtered(String),
}

async fn caption(ask: Ask, things: Vec<Thing>) -> std::result::Result<Vec<Captioned>, RowError> {
    // What is asked of each thing is kept by itself, so that one that fails does not take the others with it.
    let ask = &ask;
    let one = |thing: Thing| async move {
        let asked = format!("{:?} {:?}", thing.category, thing.bounds);
        let phrase = ask.answer(&asked, async |image| phrase_of(ask, image, &thing).await).await;
        let row = Captioned {
            object_id: Some(thing.object_id),
            made_by: Some(ask.model.entry.made_by()),
            ..Captioned::default()
        };
        match phrase {
            Ok(Phrase::Fits(phrase)) => Ok(Captioned { caption: Some(phrase), ..row }),
            Ok(Phrase::Filtered(reason)) => Ok(Captioned { filtered: Some(reason), ..row }),
            Err(RowError::Unusable(lost)) => Ok(Captioned { quarantined: Some(lost), ..row }),
            Err(fatal) => Err(fatal),
        }
    };
    futures::stream::iter(things.into_iter().map(one)).buffered(ROWS_AT_ONCE).try_collect().await
}

async fn phrase_of(ask: &Ask, image: DecodedImage, thing: &Thing) -> std::result::Result<Phrase, RowError> {
    let chat_model = ask.chat_model()?;
    let Step::Caption(caption, verify) = &chat_model.step else { return Err(not_for("caption")) };
    let (width, height) = (image.rgb.width(), image.rgb.height());
    let Some(bounds) = thing.bounds.clipped_to(width, height) else {
        let message = format!("no part of the box {} is in the picture of {width} x {height} pixels", thing.bounds);
        return Err(Unusable::new("box", message).into());
    };
    let model = Arc::clone(chat_model);
    let (sent, area) = blocking(move || Ok(model.part(&image, &bounds)?)).await?;
    let question = caption.question(&sent, &area, thing.category.as_deref());
    let phrase = match chat_model.client.ask_for(&question, |text| read_phrase(caption, text)).await? {
        Ok(phrase) => phrase,
        Err(reason) => return Ok(Phrase::Filtered(reason)),
    };
    Ok(match verify {
        Some(verify) if !fits(chat_model, verify, &sent, &area, &phrase).await? => {
            Phrase::Filtered("does_not_fit".to_owned())
        }
        _ => Phrase::Fits(phrase),
    })
}

/// What the model said is either a phrase, or no phrase that we use; a text that is no answer at all is a failure.
fn read_phrase(caption: &Caption, text: &str) -> std::result::Result<std::result::Result<String, String>, AnswerError> {
    match caption.read(text) {
        Ok(phrase) => Ok(Ok(phrase)),
        Err(refusal) if refusal.code.starts_with("phrase_") => Ok(Err(refusal.code.to_owned())),
        Err(refusal) => Err(refusal),
    }
}

async fn fits(
    chat_model: &ChatModel,
    verify: &Verify,
    sent: &spatialmill_chat::Sent,
    area: &PixelBox,
    phrase: &str,
) -> std::result::Result<bool, AskError> {
    chat_model.client.ask_for(&verify.question(sent, area, phrase), |text| verify.read(text)).await
}

#[derive(Debug, Default, Serialize)]
struct Grounded {
    #[serde(rename = "box")]
    bounds: Option<Box2>,
    made_by: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Grounded {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

async fn ground(ask: Ask, phrase: Option<String>) -> std::result::Result<Vec<Grounded>, RowError> {
    let Some(phrase) = phrase.filter(|phrase| !phrase.trim().is_empty()) else { return Ok(Vec::new()) };
    let areas: Vec<[f64; 4]> = ask
        .answer(&phrase, async |image| {
            let chat_model = ask.chat_model()?;
            let Step::Ground(ground) = &chat_model.step else { return Err(not_for("ground")) };
            let model = Arc::clone(chat_model);
            let (sent, by) = blocking(move || Ok(model.whole(&image)?)).await?;
            let question = ground.question(&sent, &phrase);
            let found = chat_model.client.ask_for(&question, |text| ground.read(text, sent.size)).await?;
            Ok(found.areas.iter().map(|area| in_picture(area, by)).collect())
        })
        .await?;
    let made_by = ask.model.entry.made_by();
    let row = |[x0, y0, x1, y1]: [f64; 4]| Grounded {
        bounds: Some(Box2 { x0, y0, x1, y1 }),
        made_by: Some(made_by.clone()),
        quarantined: None,
    };
    Ok(areas.into_iter().map(row).collect())
}

/// Pixels of the image as sent, in pixels of the picture.
pub fn in_picture(area: &PixelBox, [by_x, by_y]: [f64; 2]) -> [f64; 4] {
    [area.x0 * by_x, area.y0 * by_y, area.x1 * by_x, area.y1 * by_y]
}

/// The registry refuses a model for another task.
pub fn not_for(task: &str) -> RowError {
    Error::internal(format!("a model that is not for `{task}` was asked")).into()
}

fn phrases_of(column: &ArrayRef) -> Result<Vec<Option<String>>> {
    let column = cast(column, &DataType::Utf8)?;
    Ok(column.as_string::<i32>().iter().map(|phrase| phrase.map(str::to_owned)).collect())
}
