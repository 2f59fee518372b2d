//! `intrinsics(uri, sha256, model)` and `gravity(uri, sha256, model)`: camera calibration from one image. Out: focal lengths and principal
//! point in pixels; the direction of gravity in camera axes.

use arrow::datatypes::Fields;
use serde::{Deserialize, Serialize};
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_models::Task;

use super::{Ask, FromUnusable, ROWS_AT_ONCE, RowError, each_row, number_field, numbers_field, text_field};
use crate::functions::async_function::{AsyncFunction, Opens};
use crate::functions::lists::{quarantined_field, to_lists};
use crate::tables::Unusable;

pub const INTRINSICS: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "intrinsics",
        signature: "intrinsics(uri, sha256, model)",
        summary: "the camera (fx, fy, cx, cy in pixels, trust, made_by) that took an image, by a model of models.toml",
        details: "\
`model` has the task intrinsics (incidence). Out comes a list of one row: the pinhole camera in pixels of the image, with the \
centre of the top-left pixel at (0, 0), and the trust that models.toml states.",
        example: Example {
            sql: "SELECT round(intrinsics(uri, sha256, 'lens')[1]['fx']) FROM frames ORDER BY frame_id LIMIT 1",
            result: "273.0",
        },
        cost: Cost::AsksModels,
    },
    arguments: 3,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| {
        let numbers = ["fx", "fy", "cx", "cy", "trust"].map(number_field);
        numbers.into_iter().chain([text_field("made_by"), quarantined_field()]).collect()
    },
    call: |columns, fields, models| {
        Box::pin(async move {
            let rows =
                each_row(Task::Intrinsics, &models, [&columns[0], &columns[1], &columns[2]], |_, ask| intrinsics(ask));
            to_lists(&fields, &rows.await?)
        })
    },
};

pub const GRAVITY: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "gravity",
        signature: "gravity(uri, sha256, model)",
        summary: "which way is down (down: x, y, z in camera axes, trust, made_by) in an image, by a model of models.toml",
        details: "\
`model` has the task gravity (perspective). Out comes a list of one row: `down`, a unit vector in camera axes (x right, y \
down, z forward), and the trust that models.toml states.",
        example: Example {
            sql: "SELECT round(gravity(uri, sha256, 'down')[1]['down']['y'], 2) FROM frames ORDER BY frame_id LIMIT 1",
            result: "1.0",
        },
        cost: Cost::AsksModels,
    },
    arguments: 3,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| -> Fields {
        vec![numbers_field("down", &["x", "y", "z"]), number_field("trust"), text_field("made_by"), quarantined_field()]
            .into()
    },
    call: |columns, fields, models| {
        Box::pin(async move {
            let rows = each_row(Task::Gravity, &models, [&columns[0], &columns[1], &columns[2]], |_, ask| gravity(ask));
            to_lists(&fields, &rows.await?)
        })
    },
};

#[derive(Debug, Default, Serialize)]
struct Camera {
    fx: Option<f64>,
    fy: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    trust: Option<f64>,
    made_by: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Camera {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

#[derive(Debug, Default, Serialize)]
struct Down {
    down: Option<Vector>,
    trust: Option<f64>,
    made_by: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Down {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Vector {
    x: f64,
    y: f64,
    z: f64,
}

async fn intrinsics(ask: Ask) -> Result<Vec<Camera>, RowError> {
    let [fx, fy, cx, cy]: [f64; 4] = ask
        .answer("", async |image| {
            let camera = ask.through(
                image,
                |model, picture| Ok(model.intrinsics_estimator()?.prepare(picture)),
                |model, outputs, picture| Ok(model.intrinsics_estimator()?.decode(outputs, picture.size())?),
            );
            let (camera, _) = camera.await?;
            Ok([camera.fx, camera.fy, camera.cx, camera.cy])
        })
        .await?;
    let (trust, made_by) = (Some(ask.model.entry.trust), Some(ask.model.entry.made_by()));
    Ok(vec![Camera { fx: Some(fx), fy: Some(fy), cx: Some(cx), cy: Some(cy), trust, made_by, quarantined: None }])
}

async fn gravity(ask: Ask) -> Result<Vec<Down>, RowError> {
    let down: Vector = ask
        .answer("", async |image| {
            let down = ask.through(
                image,
                |model, picture| Ok(model.gravity_estimator()?.prepare(picture)),
                |model, outputs, picture| Ok(model.gravity_estimator()?.decode(outputs, picture.size())?),
            );
            let (down, _) = down.await?;
            Ok(Vector { x: down.x, y: down.y, z: down.z })
        })
        .await?;
    let (trust, made_by) = (Some(ask.model.entry.trust), Some(ask.model.entry.made_by()));
    Ok(vec![Down { down: Some(down), trust, made_by, quarantined: None }])
}
