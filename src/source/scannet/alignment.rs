//! Alignment: what is known of a scan as a whole, and the motion that turns it upright and in line with its walls.

use std::collections::BTreeMap;

use serde::Deserialize;
use spatialmill_geometry::{Intrinsics, Rigid};

use crate::source::camera_text;
use crate::source::json::forms::{self, Numbers};
use crate::tables::Unusable;
use crate::text;

/// Text files of a scene have a kilobyte.
pub const MAX_BYTES: u64 = 16 << 20;

/// `key = value` lines, as in `<id>.txt` and `_info.txt`.
#[derive(Debug, Default)]
pub struct Meta(BTreeMap<String, String>);

impl Meta {
    /// Reads the lines that have a `=`, or a `:` in its place. Code: `unreadable`.
    pub fn parse(text: &[u8]) -> Result<Self, Unusable> {
        let text = text::decode(text).map_err(|why| Unusable::new("unreadable", why))?;
        let pairs = text.lines().filter_map(|line| line.split_once('=').or_else(|| line.split_once(':')));
        Ok(Self(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()))
    }

    /// A matrix of sixteen numbers; none where the key is absent.
    pub fn matrix(&self, key: &str) -> Option<Result<[f64; 16], String>> {
        let text = self.0.get(key)?;
        let numbers = camera_text::numbers(text.as_bytes()).map_err(|why| format!("`{key}`: {why}"));
        Some(
            numbers
                .and_then(|n| n.try_into().map_err(|n: Vec<f64>| format!("`{key}` has {} numbers, not 16", n.len()))),
        )
    }

    /// What stands at a key; none where it is absent.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A number; none where it is absent or no number.
    fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key)?.parse().ok()
    }

    /// The colour camera, at the colour image's own size.
    pub fn colour_camera(&self) -> Option<Intrinsics> {
        let [fx, fy, cx, cy] = ["fx_color", "fy_color", "mx_color", "my_color"].map(|key| self.number(key));
        Intrinsics { fx: fx?, fy: fy?, cx: cx?, cy: cy? }.checked().ok()
    }

    /// Width and height by these names.
    pub fn size(&self, [width, height]: [&str; 2]) -> Option<(f64, f64)> {
        Some((self.number(width)?, self.number(height)?)).filter(|(w, h)| *w >= 1.0 && *h >= 1.0)
    }
}

/// The part of a `boxes.json` that is used: ScanNet's releases without `axisAlignment` come with it.
#[derive(Deserialize)]
struct BoxFile {
    axis_align_matrix: Numbers,
}

/// The alignment in a `boxes.json`. Code: `alignment`.
pub fn of_boxes(json: &[u8]) -> Result<Rigid, Unusable> {
    let shape = "{\"axis_align_matrix\": [16 numbers, row by row]}";
    let file: BoxFile = forms::file(json, shape).map_err(|why| refused(why.message))?;
    of_numbers(&file.axis_align_matrix.0)
}

/// The alignment of sixteen numbers. Code: `alignment`.
pub fn of_numbers(numbers: &[f64]) -> Result<Rigid, Unusable> {
    let matrix: [f64; 16] =
        numbers.try_into().map_err(|_| refused(format!("{} numbers; an alignment has 16", numbers.len())))?;
    Rigid::from_row_major(&matrix).map_err(|e| refused(format!("it aligns nothing: {e}")))
}

fn refused(message: String) -> Unusable {
    Unusable::new("alignment", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_is_read_by_key() {
        let parse = |text: &[u8]| Meta::parse(text).unwrap();
        let meta = parse(
            b"axisAlignment = 1 0 0 2 0 1 0 0 0 0 1 0 0 0 0 1 \nfx_color = 2\nfy_color = 3\nmx_color = 4\nmy_color=5\nbad\n",
        );
        assert_eq!(meta.matrix("axisAlignment").unwrap().unwrap()[3], 2.0);
        assert!(meta.matrix("colorToDepthExtrinsics").is_none());
        assert_eq!(meta.colour_camera(), Some(Intrinsics { fx: 2.0, fy: 3.0, cx: 4.0, cy: 5.0 }));
        assert_eq!(meta.size(["colorWidth", "colorHeight"]), None);
        assert_eq!(
            parse(b"axisAlignment: 1 0 0 2 0 1 0 0 0 0 1 0 0 0 0 1").matrix("axisAlignment").unwrap().unwrap()[3],
            2.0
        );
        assert!(parse(b"axisAlignment = 1 2").matrix("axisAlignment").unwrap().is_err());
        assert!(parse(b"fx_color = nan").colour_camera().is_none());
    }
}
