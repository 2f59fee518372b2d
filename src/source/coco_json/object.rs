//! One annotation of a COCO document as a detection: what is accepted, what is mended and what is refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::Mask;

use super::box3d::Box3d;
use super::segmentation::{self, Counts, Segmentation};
use crate::source::caption::Caption;
use crate::source::json::forms::{self, Flag, Number, Numbers, Perhaps};
use crate::source::json::id::Id;
use crate::tables::{self, Box2, Detection, Unusable};

/// An element of `annotations`. Fields that nothing is made from (`area`, `keypoints`, ..) are passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(expecting = "an annotation: {\"image_id\": .., \"category_id\": .., \"bbox\": ..}")]
pub struct ObjectRecord {
    /// Where it stands, where it has none.
    #[serde(default = "without_id", deserialize_with = "id")]
    pub id: Id,
    pub image_id: Id,
    pub category_id: Id,
    /// x, y, width, height.
    #[serde(default)]
    bbox: BboxNumbers,
    #[serde(default)]
    segmentation: Option<Segmentation>,
    #[serde(default)]
    iscrowd: Flag,
    /// What detectors are neither asked for nor told off for: CrowdHuman's, VisDrone's.
    #[serde(default)]
    ignore: Option<Perhaps<Flag>>,
    /// Not COCO's: a noun phrase for this object alone.
    #[serde(default)]
    caption: Option<Perhaps<String>>,
    /// As in COCO's files of results.
    #[serde(default)]
    score: Option<Number>,
    #[serde(default, rename = "bbox3D_cam")]
    has_box3d: Option<IgnoredAny>,
    /// Read apart: were its fields flattened into this record, serde would hold every polygon of COCO twice.
    #[serde(skip)]
    box3d: Box3d,
}

/// An element of `segments_info`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a segment: {\"id\": .., \"category_id\": ..}")]
struct SegmentRecord {
    id: Id,
    category_id: Id,
    #[serde(default)]
    bbox: BboxNumbers,
    #[serde(default)]
    iscrowd: Flag,
}

/// A row, and what was odd about its record without being wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadObject {
    pub row: Detection,
    pub oddities: Vec<Unusable>,
}

/// The image that an annotation lies on.
#[derive(Debug, Clone, Copy)]
pub struct FrameSize<'a> {
    pub frame_id: &'a str,
    pub width: u32,
    pub height: u32,
}

/// Boxes stick out of their images by a rounding here and there; further than this many pixels they are wrong.
const SLACK: f64 = 2.0;

/// A box and a mask of one object that share less than this of their union belong to two objects, or to two conventions.
/// In COCO itself the worst pair shares half, on objects of a few pixels.
const LEAST_SHARED: f64 = 0.1;

impl ObjectRecord {
    /// The record, which begins at this byte of its file, and the fields of its 3D box where it has one.
    pub fn parse(json: &[u8], offset: u64) -> Result<Self, Unusable> {
        let mut record: Self = forms::record(json)?;
        if record.id == without_id() {
            record.id = Id(format!("at{offset}"));
        }
        if record.has_box3d.is_some() {
            record.box3d = forms::record(json)?;
        }
        Ok(record)
    }

    /// A segment of a panoptic annotation, with its mask. Codes: `json`, `mask`.
    pub fn segment(
        json: &[u8],
        image_id: &Id,
        mask: impl FnOnce(&Id) -> Result<Mask, Unusable>,
    ) -> Result<Self, Unusable> {
        let SegmentRecord { id, category_id, bbox, iscrowd } = forms::record(json)?;
        let mask = mask(&id)?;
        let size = vec![f64::from(mask.height()), f64::from(mask.width())];
        let segmentation = Segmentation::Runs { size, counts: Counts::Plain(mask.runs().to_vec()) };
        Ok(Self {
            id,
            image_id: image_id.clone(),
            category_id,
            bbox,
            segmentation: Some(segmentation),
            iscrowd,
            ignore: None,
            caption: None,
            score: None,
            has_box3d: None,
            box3d: Box3d::default(),
        })
    }

    /// The row. Codes: `box`, `mask`, `box3d`, `score`.
    pub fn detection(self, canvas: FrameSize<'_>, category: &str, made_by: &str) -> Result<ReadObject, Unusable> {
        let mut oddities = Vec::new();
        let segmentation::ReadMask { mask, oddity } = match &self.segmentation {
            Some(segmentation) => segmentation.mask(canvas.height, canvas.width)?,
            None => segmentation::ReadMask { mask: None, oddity: None },
        };
        oddities.extend(oddity.map(|oddity| Unusable::new("mask", oddity)));
        let bbox = match (self.bbox()?.or_else(|| self.box3d.in_image()), &mask) {
            (Some(bbox), _) => inside(bbox, canvas)?,
            (None, Some(mask)) => bounds(mask),
            (None, None) => return Err(Unusable::new("box", "neither a box nor a mask")),
        };
        let (obb, visibility) = (self.box3d.obb()?, self.box3d.shown());
        if let Some(mask) = &mask {
            let shared = iou(bbox, bounds(mask));
            if shared < LEAST_SHARED {
                let message =
                    format!("its box and its mask do not belong together: they share {shared:.2} of their union");
                return Err(Unusable::new("mask", message));
            }
        }
        let score = Number::given(self.score);
        if let Some(score) = score.filter(|score| !(0.0..=1.0).contains(score)) {
            return Err(Unusable::new("score", format!("the score {score} is not in 0 to 1")));
        }
        let caption = Perhaps::given(&self.caption).and_then(|caption| {
            let Caption { text, oddity } = Caption::of(caption)?;
            oddities.extend(oddity);
            Some(text)
        });
        let row = Detection {
            frame_id: canvas.frame_id.to_owned(),
            object_id: self.id.0,
            category: category.to_owned(),
            caption,
            bbox,
            mask: mask.as_ref().map(EncodedMask::from),
            obb: obb.as_ref().map(tables::Obb::from),
            visibility,
            crowd: self.iscrowd.0 == Some(true)
                || Perhaps::given(&self.ignore).is_some_and(|ignore| ignore.0 == Some(true)),
            score,
            made_by: made_by.to_owned(),
        };
        Ok(ReadObject { row, oddities })
    }

    /// The box as the record has it; an empty list is none, as tools that only mark outlines write it, and so is one of nothing.
    fn bbox(&self) -> Result<Option<[f64; 4]>, Unusable> {
        match self.bbox.0[..] {
            _ if self.bbox.0.iter().all(|side| side.is_nan()) => Ok(None),
            [x, y, w, h] => Ok(Some([x, y, w, h])),
            ref other => {
                Err(Unusable::new("box", format!("`bbox` has {} numbers, not x, y, width, height", other.len())))
            }
        }
    }
}

fn without_id() -> Id {
    Id(String::new())
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
    Option::<Id>::deserialize(deserializer).map(|id| id.unwrap_or_else(without_id))
}

/// The numbers of a `bbox`; none for what stands for none: `null`, `false`, an empty text or object.
#[derive(Debug, Clone, Default)]
struct BboxNumbers(Vec<f64>);

impl<'de> Deserialize<'de> for BboxNumbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BboxVisitor;
        impl<'de> Visitor<'de> for BboxVisitor {
            type Value = BboxNumbers;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("x, y, width, height")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BboxNumbers, A::Error> {
                let mut sides = Vec::with_capacity(4);
                while let Some(Numbers(numbers)) = list.next_element()? {
                    sides.extend(numbers);
                }
                Ok(BboxNumbers(sides))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<BboxNumbers, A::Error> {
                match fields.next_key::<String>()? {
                    None => Ok(BboxNumbers::default()),
                    Some(_) => Err(A::Error::invalid_type(Unexpected::Map, &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<BboxNumbers, E> {
                match text.trim() {
                    "" => Ok(BboxNumbers::default()),
                    _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
                }
            }

            fn visit_bool<E: Error>(self, there: bool) -> Result<BboxNumbers, E> {
                match there {
                    false => Ok(BboxNumbers::default()),
                    true => Err(E::invalid_type(Unexpected::Bool(true), &self)),
                }
            }

            fn visit_unit<E: Error>(self) -> Result<BboxNumbers, E> {
                Ok(BboxNumbers::default())
            }
        }
        deserializer.deserialize_any(BboxVisitor)
    }
}

/// The box by its corners, clipped to the image where it sticks out by less than [`SLACK`].
fn inside([x, y, w, h]: [f64; 4], canvas: FrameSize<'_>) -> Result<Box2, Unusable> {
    let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
    let refused = |why: &str| Unusable::new("box", format!("the box [{x}, {y}, {w}, {h}] {why} of {width}x{height}"));
    if !(w > 0.0 && h > 0.0) {
        return Err(Unusable::new("box", format!("the box [{x}, {y}, {w}, {h}] has no area")));
    }
    if (w < 1.0 && h < 1.0) || (x + w <= 1.0 && y + h <= 1.0 && (w < 1.0 || h < 1.0)) {
        return Err(Unusable::new(
            "box",
            format!(
                "the box [{x}, {y}, {w}, {h}] is less than a pixel; boxes are in pixels, not in parts of the image's sides"
            ),
        ));
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

    fn marked(json: &str) -> Result<ReadObject, Unusable> {
        let record = ObjectRecord::parse(json.as_bytes(), 42)?;
        record.detection(FrameSize { frame_id: "s/1", width: 6, height: 4 }, "cat", "annotation")
    }

    fn check(json: &str) -> Result<Detection, Unusable> {
        marked(json).map(|marked| marked.row)
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
    fn the_same_is_said_in_many_forms() {
        let plain = r#"{"id": 7, "image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 2], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}"#;
        let expected = marked(plain).unwrap();
        for same in [
            r#"{"id": 7.0, "image_id": "1", "category_id": 3.0, "bbox": ["1", 1.0, 2, 2], "segmentation": [1, 1, 3, 1, 3, 3, 1, 3]}"#,
            r#"{"id": "7", "image_id": 1, "category_id": 3, "iscrowd": false, "bbox": [], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "ignore": 0, "bbox": "", "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "ignore": [], "bbox": {}, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "bbox": [NaN, null, NaN, NaN], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "iscrowd": "0", "bbox": null, "segmentation": [[[1, 1], [3, 1], [3, 3], [1, 3]]]}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "iscrowd": null, "score": NaN, "area": NaN, "caption": null, "bbox": [1, 1, 2, 2],
                "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]], "bbox3D_cam": null}"#,
            r#"{"id": 7, "image_id": 1, "category_id": 3, "iscrowd": 0.0, "caption": ["x"], "attributes": {"caption": Infinity},
                "segmentation": {"size": [4.0, 6.0], "counts": [5, 2, 2, 2, 13]}}"#,
        ] {
            assert_eq!(marked(same).unwrap(), expected, "{same}");
        }
    }

    #[test]
    fn an_annotation_needs_no_id_and_may_be_ignored() {
        for id in ["", "\"id\": null, "] {
            let json = format!("{{{id}\"image_id\": 1, \"category_id\": 3, \"bbox\": [1, 1, 2, 2], \"ignore\": 1}}");
            let row = check(&json).unwrap();
            assert_eq!((row.object_id.as_str(), row.crowd), ("at42", true));
        }
    }

    #[test]
    fn a_long_caption_is_odd() {
        let json = format!(
            r#"{{"id": 7, "image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 2], "caption": "{}"}}"#,
            "a ".repeat(900)
        );
        assert_eq!(marked(&json).unwrap().oddities.len(), 1);
    }

    #[test]
    fn each_refusal_has_its_code() {
        for (code, fields) in [
            ("box", r#""bbox": [0, 0, 0, 4]"#),
            ("box", r#""bbox": [0, 0, -1, 4]"#),
            ("box", r#""bbox": [0.25, 0.5, 0.1, 0.4]"#),
            ("box", r#""bbox": [2, 2, 0.5, 0.5]"#),
            ("box", r#""bbox": [0, 0, 60, 4]"#),
            ("box", r#""bbox": [-1.5, 0, 1, 4]"#),
            ("box", r#""iscrowd": 0"#),
            ("json", r#""bbox": [0, 0, 1e999, 4]"#),
            ("box", r#""bbox": [0, 0, 1]"#),
            ("box", r#""bbox": [0, NaN, 1, 1]"#),
            ("box", r#""bbox": [0, 0, Infinity, 1]"#),
            ("box", r#""bbox": [], "iscrowd": null"#),
            ("json", r#""bbox": "wide""#),
            ("json", r#""bbox": [0, 0, 1, 1], "iscrowd": 2"#),
            ("score", r#""bbox": [0, 0, 1, 1], "score": 1.5"#),
            ("mask", r#""bbox": [5, 3, 1, 1], "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]"#),
        ] {
            let json = format!(r#"{{"id": 7, "image_id": 1, "category_id": 3, {fields}}}"#);
            assert_eq!(check(&json).unwrap_err().code, code, "{json}");
        }
    }
}
