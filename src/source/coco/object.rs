//! One annotation of a COCO document as a detection: what is accepted, what is mended and what is refused.

use serde::Deserialize;
use serde::de::IgnoredAny;
use spatialmill_geometry::Mask;

use super::box3d::Box3d;
use super::id::Id;
use super::segmentation::Segmentation;
use crate::source::rows::{self, Box2, Detection, Refused};

/// An element of `annotations`. Fields that nothing is made from (`area`, `keypoints`, ..) are passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct ObjectRecord {
    pub id: Id,
    pub image_id: Id,
    pub category_id: Id,
    /// x, y, width, height.
    #[serde(default)]
    pub bbox: Option<[f64; 4]>,
    #[serde(default)]
    pub segmentation: Option<Segmentation>,
    #[serde(default)]
    pub iscrowd: u8,
    /// Not COCO's: a noun phrase for this object alone.
    #[serde(default)]
    pub caption: Option<String>,
    /// As in COCO's files of results.
    #[serde(default)]
    pub score: Option<f64>,
    #[serde(default, rename = "bbox3D_cam")]
    has_box3d: Option<IgnoredAny>,
    /// Read apart: were its fields flattened into this record, serde would hold every polygon of COCO twice.
    #[serde(skip)]
    pub box3d: Box3d,
}

/// The image that an annotation lies on.
#[derive(Debug, Clone, Copy)]
pub struct Canvas<'a> {
    pub frame_id: &'a str,
    pub width: u32,
    pub height: u32,
}

/// Boxes stick out of their images by a rounding here and there; further than this many pixels they are wrong.
const SLACK: f64 = 2.0;

/// A box and a mask of one object that share less than this of their union belong to two objects, or to two conventions.
/// In COCO itself the worst pair shares half, on objects of a few pixels.
const LEAST_SHARED: f64 = 0.1;

/// Longer captions are not phrases.
pub const MAX_CAPTION: usize = 1000;

impl ObjectRecord {
    /// The record, and the fields of its 3D box where it has one.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        let mut record: Self = serde_json::from_slice(json)?;
        if record.has_box3d.is_some() {
            record.box3d = serde_json::from_slice(json)?;
        }
        Ok(record)
    }

    /// The row. Codes: `box`, `mask`, `box3d`, `caption`, `score`, `json`.
    pub fn detection(self, canvas: Canvas<'_>, category: &str, made_by: &str) -> Result<Detection, Refused> {
        let mask = match &self.segmentation {
            Some(segmentation) => segmentation.mask(canvas.height, canvas.width)?,
            None => None,
        };
        let bbox = match (self.bbox.or_else(|| self.box3d.in_image()), &mask) {
            (Some(bbox), _) => inside(bbox, canvas)?,
            (None, Some(mask)) => bounds(mask),
            (None, None) => return Err(Refused::new("box", "neither a box nor a mask")),
        };
        let (obb, visibility) = (self.box3d.obb()?, self.box3d.shown());
        if let Some(mask) = &mask {
            let shared = iou(bbox, bounds(mask));
            if shared < LEAST_SHARED {
                let message =
                    format!("its box and its mask do not belong together: they share {shared:.2} of their union");
                return Err(Refused::new("mask", message));
            }
        }
        if let Some(score) = self.score.filter(|score| !(0.0..=1.0).contains(score)) {
            return Err(Refused::new("score", format!("the score {score} is not in 0 to 1")));
        }
        if self.caption.as_ref().is_some_and(|caption| caption.len() > MAX_CAPTION) {
            return Err(Refused::new("caption", format!("the caption is longer than {MAX_CAPTION} bytes")));
        }
        if self.iscrowd > 1 {
            return Err(Refused::new("json", format!("`iscrowd` is {}, not 0 or 1", self.iscrowd)));
        }
        Ok(Detection {
            frame_id: canvas.frame_id.to_owned(),
            object_id: self.id.0,
            category: category.to_owned(),
            caption: self.caption.map(|caption| caption.trim().to_owned()).filter(|caption| !caption.is_empty()),
            bbox,
            mask: mask.map(|mask| rows::Mask {
                height: canvas.height as i32,
                width: canvas.width as i32,
                counts: mask.to_counts(),
            }),
            obb: obb.as_ref().map(rows::Obb::from),
            visibility,
            crowd: self.iscrowd == 1,
            score: self.score,
            made_by: made_by.to_owned(),
        })
    }
}

/// The box by its corners, clipped to the image where it sticks out by less than [`SLACK`].
fn inside([x, y, w, h]: [f64; 4], canvas: Canvas<'_>) -> Result<Box2, Refused> {
    let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
    let refused = |why: &str| Refused::new("box", format!("the box [{x}, {y}, {w}, {h}] {why} of {width}x{height}"));
    if !(w > 0.0 && h > 0.0) {
        return Err(Refused::new("box", format!("the box [{x}, {y}, {w}, {h}] has no area")));
    }
    // Comparisons are written so that what is not a number fails them.
    if !(x >= -SLACK && y >= -SLACK && x + w <= width + SLACK && y + h <= height + SLACK) {
        return Err(refused("leaves its image"));
    }
    let bbox = Box2 { x0: x.max(0.0), y0: y.max(0.0), x1: (x + w).min(width), y1: (y + h).min(height) };
    if bbox.x0 < bbox.x1 && bbox.y0 < bbox.y1 { Ok(bbox) } else { Err(refused("lies outside its image")) }
}

fn bounds(mask: &Mask) -> Box2 {
    mask.bounds().map_or_else(Box2::default, |b| Box2 { x0: b.x0, y0: b.y0, x1: b.x1, y1: b.y1 })
}

fn iou(a: Box2, b: Box2) -> f64 {
    let width = (a.x1.min(b.x1) - a.x0.max(b.x0)).max(0.0);
    let height = (a.y1.min(b.y1) - a.y0.max(b.y0)).max(0.0);
    let area = |c: Box2| (c.x1 - c.x0) * (c.y1 - c.y0);
    let shared = width * height;
    shared / (area(a) + area(b) - shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Detection, Refused> {
        let record = ObjectRecord::parse(json.as_bytes()).map_err(|e| Refused::new("json", e.to_string()))?;
        record.detection(Canvas { frame_id: "s/1", width: 6, height: 4 }, "cat", "annotation")
    }

    #[test]
    fn boxes_become_corners_and_are_clipped_by_a_rounding() {
        let row = check(r#"{"id": 7, "image_id": 1, "category_id": 3, "bbox": [-0.5, 1, 6.5, 3.25]}"#).unwrap();
        assert_eq!(row.bbox, Box2 { x0: 0.0, y0: 1.0, x1: 6.0, y1: 4.0 });
        assert_eq!((row.object_id.as_str(), row.crowd, row.mask), ("7", false, None));
    }

    #[test]
    fn a_mask_alone_gives_its_box_and_a_crowd_stays_one() {
        let row = check(
            r#"{"id": 7, "image_id": 1, "category_id": 3, "iscrowd": 1,
                "segmentation": {"size": [4, 6], "counts": [5, 2, 2, 2, 13]}}"#,
        )
        .unwrap();
        assert_eq!(row.bbox, Box2 { x0: 1.0, y0: 1.0, x1: 3.0, y1: 3.0 });
        assert!(row.crowd && row.mask.is_some());
    }

    #[test]
    fn each_refusal_has_its_code() {
        for (code, fields) in [
            ("box", r#""bbox": [0, 0, 0, 4]"#),
            ("box", r#""bbox": [0, 0, -1, 4]"#),
            ("box", r#""bbox": [0, 0, 60, 4]"#),
            ("box", r#""bbox": [-1.5, 0, 1, 4]"#),
            ("box", r#""iscrowd": 0"#),
            ("json", r#""bbox": [0, 0, 1e999, 4]"#),
            ("json", r#""bbox": [0, 0, 1]"#),
            ("json", r#""bbox": [0, 0, 1, 1], "iscrowd": 2"#),
            ("score", r#""bbox": [0, 0, 1, 1], "score": 1.5"#),
            ("mask", r#""bbox": [5, 3, 1, 1], "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]"#),
        ] {
            let json = format!(r#"{{"id": 7, "image_id": 1, "category_id": 3, {fields}}}"#);
            assert_eq!(check(&json).unwrap_err().code, code, "{json}");
        }
    }
}
