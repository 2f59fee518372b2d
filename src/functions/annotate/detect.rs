//! `detect(uri, sha256, model)`: the objects of an image, by their boxes.

use std::sync::Arc;

use arrow::datatypes::Fields;
use serde::{Deserialize, Serialize};
use spatialmill_models::{Adapter, Task};

use super::{Ask, Failure, FromLost, ROWS_AT_ONCE, blocking, each_row, number_field, numbers_field, text_field};
use crate::functions::lists::{Lost, quarantined_field, to_lists};
use crate::functions::reading_function::ReadingFunction;
use crate::source::category::spelled;
use crate::source::rows::Box2;

/// See the module.
pub const DETECT: ReadingFunction = ReadingFunction {
    name: "detect",
    usage: "detect(uri, sha256, model)",
    doc: "objects of an image (object_id, category, box, score, made_by), by a model of models.toml; sha256 may be null",
    arguments: 3,
    rows_at_once: ROWS_AT_ONCE,
    asks_models: true,
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
    quarantined: Option<Lost>,
}

impl FromLost for Detected {
    fn from_lost(lost: Lost) -> Self {
        Self { quarantined: Some(lost), ..Self::default() }
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
        quarantined_field(),
    ]
    .into()
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Object {
    label: String,
    score: f64,
    bounds: [f64; 4],
}

async fn detect(ask: Ask) -> Result<Vec<Detected>, Failure> {
    let found: Vec<Object> = ask
        .answer("", async |shown| {
            let shown = Arc::new(shown);
            let outputs = ask
                .run(&shown, |model, picture| match &model.adapter {
                    Adapter::Detect(family) => family.prepare(picture),
                    _ => Vec::new(),
                })
                .await?;
            let model = Arc::clone(&ask.model);
            let found = blocking(move || match &model.adapter {
                Adapter::Detect(family) => family.decode(&outputs, shown.picture.size()),
                _ => Ok(Vec::new()),
            })
            .await??;
            let object = |found: spatialmill_models::Found| Object {
                label: found.label,
                score: f64::from(found.score),
                bounds: [found.bounds.x0, found.bounds.y0, found.bounds.x1, found.bounds.y1],
            };
            Ok(found.into_iter().map(object).collect())
        })
        .await?;
    let made_by = ask.model.entry.made_by();
    let row = |(i, object): (usize, Object)| {
        let [x0, y0, x1, y1] = object.bounds;
        Detected {
            // Best first, so that the number says which one.
            object_id: Some(format!("m{i}")),
            category: spelled(&object.label),
            bounds: Some(Box2 { x0, y0, x1, y1 }),
            score: Some(object.score),
            made_by: Some(made_by.clone()),
            ..Detected::default()
        }
    };
    Ok(found.into_iter().enumerate().map(row).collect())
}
