//! The size of the image that a JSON file is about, which must be there as its list of objects must.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::json::forms::{self, Number};
use crate::source::photo::MAX_SIDE;
use crate::tables::Unusable;

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "imgWidth")]
    width: Number,
    #[serde(rename = "imgHeight")]
    height: Number,
    /// Read one by one, elsewhere. Without this, a file that calls them otherwise would have none.
    #[serde(rename = "objects")]
    _objects: Vec<IgnoredAny>,
}

/// Width and height of the image of a file whose form is `shape`. Code: `json`.
pub fn read(json: &[u8], shape: &str) -> Result<(f64, f64), Unusable> {
    let Head { width: Number(width), height: Number(height), .. } = forms::file(json, shape)?;
    let is_side = |side: f64| (1.0..=f64::from(MAX_SIDE)).contains(&side);
    if is_side(width) && is_side(height) {
        return Ok((width, height));
    }
    Err(Unusable::new("json", format!("`imgWidth` and `imgHeight` are no size of an image: {width}x{height}")))
}
