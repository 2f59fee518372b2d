//! COCO panoptic: an image's segments are ids in a PNG, and what each id is stands in its annotation.
//!
//! ```text
//! {"image_id": 139, "file_name": "000000000139.png",                     the PNG: R + 256 G + 65536 B is the id of a pixel,
//!  "segments_info": [{"id": 3226956, "category_id": 1, ..}, ..]}         and 0 is nobody's
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use spatialmill_geometry::Mask;

use crate::source::json::forms::Perhaps;
use crate::source::json::id::Id;
use crate::source::photo;
use crate::source::root::Root;
use crate::tables::Unusable;

/// What an annotation says beside its `segments_info`.
#[derive(Debug, Deserialize)]
pub struct PanopticRecord {
    pub image_id: Id,
    #[serde(default)]
    file_name: Option<Perhaps<String>>,
}

impl PanopticRecord {
    /// Its PNG, as the record calls it. Code: `json`.
    pub fn name(&self) -> Result<&str, Unusable> {
        let name = Perhaps::given(&self.file_name).map(String::as_str);
        name.ok_or_else(|| Unusable::new("json", "the annotation has no `file_name`"))
    }
}

/// The segments of one PNG by their ids.
#[derive(Debug)]
pub struct SegmentImage {
    height: u32,
    width: u32,
    /// Spans of pixels, first and one past the last, down the columns.
    spans: BTreeMap<u32, Vec<(u64, u64)>>,
}

/// A picture of noise has as many segments as pixels; no annotator has that many.
const MAX_SEGMENTS: usize = 65_536;

impl SegmentImage {
    /// Of an image of this size. Codes: `path`, `missing_file`, `unreadable`, `image`, `mask`.
    pub fn read(root: &Root, path: &str, (width, height): (u32, u32)) -> Result<Self, Unusable> {
        let bytes = photo::bytes(root, path)?;
        let refused = |why: String| Unusable::new("image", format!("the segments in `{path}` cannot be read: {why}"));
        photo::dimensions(&bytes)?;
        let stored = photo::decode_png(&bytes).map_err(refused)?;
        if (stored.width(), stored.height()) != (width, height) {
            let (w, h) = (stored.width(), stored.height());
            return Err(Unusable::new("mask", format!("`{path}` is {w}x{h}, its image {width}x{height}")));
        }
        Self::of(&stored.into_rgb8())
    }

    /// Of pixels. Code: `mask`.
    fn of(pixels: &image::RgbImage) -> Result<Self, Unusable> {
        let (width, height) = pixels.dimensions();
        let mut spans = BTreeMap::<u32, Vec<(u64, u64)>>::new();
        for x in 0..width {
            let mut y = 0;
            while y < height {
                let id = id(pixels, x, y);
                let start = y;
                while y < height && self::id(pixels, x, y) == id {
                    y += 1;
                }
                if id == 0 {
                    continue;
                }
                let at = |y: u32| u64::from(x) * u64::from(height) + u64::from(y);
                spans.entry(id).or_default().push((at(start), at(y)));
                if spans.len() > MAX_SEGMENTS {
                    return Err(Unusable::new("mask", format!("more than {MAX_SEGMENTS} segments in one image")));
                }
            }
        }
        Ok(Self { height, width, spans })
    }

    /// The mask of an id, once. Code: `mask`.
    pub fn take(&mut self, id: &Id) -> Result<Mask, Unusable> {
        let spans = id.0.parse().ok().and_then(|id: u32| self.spans.remove(&id));
        let spans = spans.ok_or_else(|| Unusable::new("mask", format!("no pixel of the PNG has the id {id}")))?;
        Mask::from_spans(self.height, self.width, spans).map_err(|e| Unusable::new("mask", e.to_string()))
    }

    /// The ids that are left.
    pub fn left(&self) -> impl Iterator<Item = u32> {
        self.spans.keys().copied()
    }
}

fn id(pixels: &image::RgbImage, x: u32, y: u32) -> u32 {
    let [red, green, blue] = pixels.get_pixel(x, y).0;
    u32::from_le_bytes([red, green, blue, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_ids() {
        let pixels = image::RgbImage::from_fn(4, 3, |x, y| match (x, y) {
            (1, 1..) | (2, 0) => image::Rgb([12, 61, 49]),
            (3, _) => image::Rgb([7, 0, 0]),
            _ => image::Rgb([0, 0, 0]),
        });
        let mut segments = SegmentImage::of(&pixels).unwrap();
        // 12 + 256 * 61 + 65536 * 49, over the end of a column.
        let mask = segments.take(&Id("3226892".to_owned())).unwrap();
        assert_eq!(mask.runs(), [4, 3, 5]);
        assert_eq!(segments.left().collect::<Vec<_>>(), [7]);
        for id in ["3226892", "0", "x", "-7"] {
            assert_eq!(segments.take(&Id(id.to_owned())).unwrap_err().code, "mask", "{id}");
        }
    }
}
