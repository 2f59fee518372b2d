//! `detect(uri, sha256, model)`: object detection. In: an image and a model's name. Out: labelled, scored 2D boxes.

use std::sync::Arc;

use arrow::datatypes::Fields;
use serde::{Deserialize, Serialize};
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_geometry::PixelBox;
use spatialmill_models::Task;

use super::caption::{in_picture, not_for};
use super::{Ask, FromUnusable, ROWS_AT_ONCE, RowError, blocking, each_row, number_field, numbers_field, text_field};
use crate::functions::async_function::{AsyncFunction, Opens};
use crate::functions::lists::{quarantined_field, to_lists};
use crate::models::{Backend, ChatModel, DecodedImage, Step};
use crate::source::category::spelled;
use crate::tables::{Box2, FILTERED, Unusable};

pub const DETECT: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "detect",
        signature: "detect(uri, sha256, model)",
        summary: "objects of an image (object_id, category, box, score, made_by), by a model of models.toml; sha256 may be null",
        details: "\
`model` is a name of models.toml with the task detect: a network (yolox, detr, rtdetr) or a chat model. Out comes a list of \
(object_id, category, caption, box, score, made_by, filtered, quarantined), best first, boxes in pixels of the image. A box \
that another one covers by an IoU above 0.7 is filtered as found_twice; an image in which nothing is found is one row, \
filtered as nothing_found. The list is empty where `uri` or `model` is null.\n\n\
Answers are kept in the warehouse by the image's SHA-256 and the model's digest; `sha256` may be null and is then computed.",
        example: Example {
            sql: "SELECT concat(o['category'], ' ', round(o['score'], 2)) FROM (
            SELECT unnest(detect(uri, sha256, 'boxes')) AS o FROM frames) ORDER BY o['score'] DESC, 1 LIMIT 1",
            result: "bicycle 1.0",
        },
        cost: Cost::AsksModels,
    },
    arguments: 3,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| fields(),
    call: |columns, fields, models| {
        Box::pin(async move {
            let [uris, hashes, names] = [&columns[0], &columns[1], &columns[2]];
            let rows = each_row(Task::Detect, &models, [uris, hashes, names], |_, ask| detect(ask)).await?;
            to_lists(&fields, &rows)
        })
    },
};

#[derive(Debug, Default, Serialize)]
struct Detected {
    object_id: Option<String>,
    category: Option<String>,
    caption: Option<String>,
    #[serde(rename = "box")]
    bounds: Option<Box2>,
    score: Option<f64>,
    made_by: Option<String>,
    filtered: Option<&'static str>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Detected {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

fn fields() -> Fields {
    vec![
        text_field("object_id"),
        text_field("category"),
        text_field("caption"),
        numbers_field("box", &["x0", "y0", "x1", "y1"]),
        number_field("score"),
        text_field("made_by"),
        text_field(FILTERED),
        quarantined_field(),
    ]
    .into()
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Found {
    objects: Vec<Object>,
    /// Code and message of each object that is not believed.
    #[serde(rename = "left")]
    invalid: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Object {
    label: String,
    caption: Option<String>,
    score: Option<f64>,
    bounds: [f64; 4],
}

/// Of two boxes that share more than this, one thing was found twice, whatever it was called.
const SAME: f64 = 0.7;

async fn detect(ask: Ask) -> Result<Vec<Detected>, RowError> {
    let found: Found = ask
        .answer("", async |image| match &ask.model.backend {
            Backend::Networks { .. } => by_network(&ask, image).await,
            Backend::Chat(chat_model) => by_chat(chat_model, image).await,
        })
        .await?;
    let made_by = ask.model.entry.made_by();
    let mut taken: Vec<PixelBox> = Vec::new();
    let mut rows = Vec::with_capacity(found.objects.len() + found.invalid.len());
    for (i, object) in found.objects.into_iter().enumerate() {
        let [x0, y0, x1, y1] = object.bounds;
        let bounds = PixelBox { x0, y0, x1, y1 };
        let twice = taken.iter().any(|other| other.iou(&bounds) > SAME);
        taken.extend((!twice).then_some(bounds));
        rows.push(Detected {
            // Best first, so that the number says which one.
            object_id: Some(format!("m{i}")),
            category: spelled(&object.label),
            caption: object.caption,
            bounds: Some(Box2 { x0, y0, x1, y1 }),
            score: object.score,
            made_by: Some(made_by.clone()),
            filtered: twice.then_some("found_twice"),
            quarantined: None,
        });
    }
    rows.extend(found.invalid.into_iter().map(|(code, message)| Detected::from_unusable(Unusable::new(code, message))));
    if rows.is_empty() {
        // A photo that was looked at, as opposed to one that could not be.
        rows.push(Detected { filtered: Some("nothing_found"), ..Detected::default() });
    }
    Ok(rows)
}

async fn by_network(ask: &Ask, image: DecodedImage) -> Result<Found, RowError> {
    let (found, _) = ask
        .through(
            image,
            |model, picture| Ok(model.detector()?.prepare(picture)),
            |model, outputs, picture| Ok(model.detector()?.decode(outputs, picture.size())?),
        )
        .await?;
    let object = |found: spatialmill_models::Found| Object {
        label: found.label,
        caption: None,
        score: Some(f64::from(found.score)),
        bounds: [found.bounds.x0, found.bounds.y0, found.bounds.x1, found.bounds.y1],
    };
    Ok(Found { objects: found.into_iter().map(object).collect(), invalid: Vec::new() })
}

/// A thing whose description cannot be used is still a thing.
async fn by_chat(chat_model: &Arc<ChatModel>, image: DecodedImage) -> Result<Found, RowError> {
    let Step::Detect(detect) = &chat_model.step else { return Err(not_for("detect")) };
    let model = Arc::clone(chat_model);
    let (sent, by) = blocking(move || Ok(model.whole(&image)?)).await?;
    let found = chat_model.client.ask_for(&detect.question(&sent), |text| detect.read(text, sent.size)).await?;
    let object = |thing: spatialmill_chat::Detected| Object {
        label: thing.label,
        caption: thing.description.ok(),
        score: None,
        bounds: in_picture(&thing.area, by),
    };
    let invalid = found.invalid.into_iter().map(|item| (format!("vlm_{}", item.why.code), item.why.message));
    Ok(Found { objects: found.things.into_iter().map(object).collect(), invalid: invalid.collect() })
}
