//! `depth(uri, sha256, camera, model)`: monocular depth estimation. In: an image and its camera. Out: a depth image, kept beside the answer.
//!
//! The depth image has the network's resolution and 16 bits a pixel, in units as small as its largest reading allows, so that `lift` reads it like a
//! measured one and a person can open it.

use std::io::Cursor;

use arrow::datatypes::Fields;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageBuffer, Luma};
use serde::{Deserialize, Serialize};
use spatialmill_columns::{Cost, Example, FunctionDoc, Record};
use spatialmill_geometry::Intrinsics;
use spatialmill_models::{DepthMap, Task};

use super::{Ask, FromUnusable, ROWS_AT_ONCE, RowError, each_row, number_field, text_field};
use crate::error::{Context, Error};
use crate::functions::async_function::{AsyncFunction, Opens};
use crate::functions::lists::column_of_structs;
use crate::functions::lists::{quarantined_field, to_lists};
use crate::models::Beside;
use crate::tables::Unusable;

pub const DEPTH: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "depth",
        signature: "depth(uri, sha256, camera, model)",
        summary: "a depth image (depth_uri, depth_scale, near, far in metres, trust, made_by) of an image taken by a camera (fx, fy, cx, cy), by a model of models.toml",
        details: "\
`camera` is (fx, fy, cx, cy) in pixels; `model` has the task depth (metric_depth, depth_anything, metric3d, relative_depth). \
Out comes a list of one row: the URL of a 16-bit PNG at the network's resolution, kept beside the answer in the warehouse, \
its units per metre, the nearest and farthest reading, the trust that models.toml states, and quarantined. 0 is no reading.",
        example: Example {
            sql: "SELECT o['near'] < o['far'] FROM (
            SELECT unnest(depth(uri, sha256, {fx: 300, fy: 300, cx: 159.5, cy: 119.5}, 'metres')) AS o FROM frames) LIMIT 1",
            result: "true",
        },
        cost: Cost::AsksModels,
    },
    arguments: 4,
    opens: Opens::Image,
    rows_at_once: ROWS_AT_ONCE,
    fields: |_| fields(),
    call: |columns, fields, models| {
        Box::pin(async move {
            let cameras = column_of_structs(&columns[2], "camera")?;
            let [fx, fy, cx, cy] = ["fx", "fy", "cx", "cy"].map(|name| Record(&cameras).number(name));
            let (fx, fy, cx, cy) = (fx?, fy?, cx?, cy?);
            let (fx, fy, cx, cy) = (fx.or_nan(), fy.or_nan(), cx.or_nan(), cy.or_nan());
            let picture = [&columns[0], &columns[1], &columns[3]];
            let rows = each_row(Task::Depth, &models, picture, |row, ask| {
                depth(ask, Intrinsics { fx: fx[row], fy: fy[row], cx: cx[row], cy: cy[row] })
            })
            .await?;
            to_lists(&fields, &rows)
        })
    },
};

#[derive(Debug, Default, Serialize)]
struct Estimated {
    depth_uri: Option<String>,
    depth_scale: Option<f64>,
    near: Option<f64>,
    far: Option<f64>,
    trust: Option<f64>,
    made_by: Option<String>,
    quarantined: Option<Unusable>,
}

impl FromUnusable for Estimated {
    fn from_unusable(why: Unusable) -> Self {
        Self { quarantined: Some(why), ..Self::default() }
    }
}

fn fields() -> Fields {
    let numbers = ["depth_scale", "near", "far", "trust"].map(number_field);
    [text_field("depth_uri")].into_iter().chain(numbers).chain([text_field("made_by"), quarantined_field()]).collect()
}

/// As it is kept, beside the depth image.
#[derive(Serialize, Deserialize)]
struct Answer {
    scale: f64,
    near: f64,
    far: f64,
    /// The depth image.
    #[serde(default)]
    beside: Option<Beside>,
}

async fn depth(ask: Ask, camera: Intrinsics) -> Result<Vec<Estimated>, RowError> {
    let camera = camera.checked().map_err(|e| Unusable::new("camera", e.to_string()))?;
    let asked = format!("{camera:?}");
    let key = ask.key(&asked).await?;
    let answer: Answer = ask
        .answer(&asked, async |image| {
            let made = ask.through(
                image,
                move |model, picture| Ok(model.depth_estimator()?.prepare(picture, &camera)),
                move |model, outputs, picture| {
                    let map = model.depth_estimator()?.decode(outputs, picture.size(), &camera)?;
                    Ok(image_of(&map)?)
                },
            );
            let ((png, answer), _) = made.await?;
            let beside = ask.models.answers.keep_file(&key, "png", png).await?;
            Ok(Answer { beside: Some(beside), ..answer })
        })
        .await?;
    let beside = answer.beside.ok_or_else(|| Error::internal("an answer about depth has no depth image"))?;
    Ok(vec![Estimated {
        depth_uri: Some(ask.models.answers.url(&key, &beside)?),
        depth_scale: Some(answer.scale),
        near: Some(answer.near),
        far: Some(answer.far),
        trust: Some(ask.model.entry.trust),
        made_by: Some(ask.model.entry.made_by()),
        quarantined: None,
    }])
}

/// 0 is no reading, as in a measured depth image.
fn image_of(map: &DepthMap) -> Result<(Vec<u8>, Answer), Error> {
    let readings = || map.metres.iter().filter(|metres| **metres > 0.0);
    let near = readings().copied().fold(f32::INFINITY, f32::min);
    let far = readings().copied().fold(0.0, f32::max);
    if far <= 0.0 {
        return Err(Error::internal("a depth map without a reading passed its check"));
    }
    // Whole units a metre; the largest reading still fits 16 bits.
    let scale = (65_535.0 / f64::from(far)).floor().clamp(1.0, 10_000.0);
    let unit = |metres: &f32| (f64::from(*metres) * scale).round().clamp(0.0, 65_535.0) as u16;
    let units: Vec<u16> = map.metres.iter().map(unit).collect();
    let image = ImageBuffer::<Luma<u16>, _>::from_raw(map.size.width, map.size.height, units)
        .ok_or_else(|| Error::internal("a depth map does not fill its size"))?;
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(Cursor::new(&mut png), CompressionType::Fast, FilterType::Sub);
    image.write_with_encoder(encoder).or_internal(|| "cannot encode a depth image".into())?;
    Ok((png, Answer { scale, near: near.into(), far: far.into(), beside: None }))
}
