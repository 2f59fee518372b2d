//! The three ways in which COCO writes a mask, read without a copy of every number in between, and made into run lengths in
//! bounded time whatever the numbers say.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use spatialmill_geometry::Mask;

use crate::source::rows::Refused;

/// A mask as the document has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Segmentation {
    /// Rings of x, y, x, y, ..; their union is the mask.
    Polygons(Vec<Vec<f64>>),
    /// `size` is height, width.
    Runs { size: [u32; 2], counts: Counts },
}

/// Run lengths down the columns, starting with zeros.
#[derive(Debug, Clone, PartialEq)]
pub enum Counts {
    /// As a list: crowds of COCO.
    Plain(Vec<u32>),
    /// As COCO's compressed text.
    Text(String),
}

/// Objects in more pieces than this are refused: the union takes time with each piece.
const MAX_POLYGONS: usize = 10_000;

impl Segmentation {
    /// The mask over an image of this size; none for an empty list, which is how box-only annotations are written. Code: `mask`.
    pub fn mask(&self, height: u32, width: u32) -> Result<Option<Mask>, Refused> {
        let refused = |message: String| Refused::new("mask", message);
        let mask = match self {
            Self::Polygons(polygons) if polygons.iter().all(Vec::is_empty) => return Ok(None),
            Self::Polygons(polygons) => {
                check_polygons(polygons, height, width).map_err(refused)?;
                Mask::from_polygons(height, width, polygons.iter().map(Vec::as_slice))
            }
            Self::Runs { size, .. } if *size != [height, width] => {
                return Err(refused(format!("the mask is {}x{}, its image {width}x{height}", size[1], size[0])));
            }
            Self::Runs { counts: Counts::Plain(runs), .. } => Mask::from_runs(height, width, runs.iter().copied()),
            Self::Runs { counts: Counts::Text(text), .. } => Mask::from_counts(height, width, text),
        };
        let mask = mask.map_err(|e| refused(e.to_string()))?;
        if mask.is_empty() { Err(refused("the mask covers no pixel".to_owned())) } else { Ok(Some(mask)) }
    }
}

/// A polygon may stick out of its image by as much again; further out it is in other units, or of another image.
fn check_polygons(polygons: &[Vec<f64>], height: u32, width: u32) -> Result<(), String> {
    if polygons.len() > MAX_POLYGONS {
        return Err(format!("{} polygons for one object, more than the {MAX_POLYGONS} allowed", polygons.len()));
    }
    let (h, w) = (f64::from(height), f64::from(width));
    let mut points = polygons.iter().flat_map(|ring| ring.chunks_exact(2)).map(|point| (point[0], point[1]));
    match points.find(|(x, y)| !(-w..=2.0 * w).contains(x) || !(-h..=2.0 * h).contains(y)) {
        Some((x, y)) => Err(format!("a polygon's point ({x}, {y}) is far outside its image of {width}x{height}")),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Segmentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SegmentationVisitor;
        impl<'de> Visitor<'de> for SegmentationVisitor {
            type Value = Segmentation;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of polygons, or run lengths as `size` and `counts`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rings: A) -> Result<Segmentation, A::Error> {
                let mut polygons = Vec::new();
                while let Some(ring) = rings.next_element()? {
                    polygons.push(ring);
                }
                Ok(Segmentation::Polygons(polygons))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Segmentation, A::Error> {
                let (mut size, mut counts) = (None, None);
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "size" => size = Some(fields.next_value()?),
                        "counts" => counts = Some(fields.next_value()?),
                        _ => drop(fields.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                let size = size.ok_or_else(|| A::Error::missing_field("size"))?;
                let counts = counts.ok_or_else(|| A::Error::missing_field("counts"))?;
                Ok(Segmentation::Runs { size, counts })
            }
        }
        deserializer.deserialize_any(SegmentationVisitor)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountsVisitor;
        impl<'de> Visitor<'de> for CountsVisitor {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("run lengths: a list of integers, or COCO's compressed text")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut runs: A) -> Result<Counts, A::Error> {
                let mut plain = Vec::new();
                while let Some(run) = runs.next_element()? {
                    plain.push(run);
                }
                Ok(Counts::Plain(plain))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Counts, E> {
                Ok(Counts::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(CountsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(json: &str) -> Result<Option<(u64, String)>, String> {
        let segmentation: Segmentation = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let mask = segmentation.mask(4, 6).map_err(|e| e.message)?;
        Ok(mask.map(|mask| (mask.area(), mask.to_counts())))
    }

    #[test]
    fn the_three_kinds_give_the_same_mask() {
        // Columns 1 and 2, rows 1 and 2: five zeros, two ones, two zeros, two ones, thirteen zeros.
        let plain = mask(r#"{"size": [4, 6], "counts": [5, 2, 2, 2, 13]}"#).unwrap().unwrap();
        assert_eq!(plain.0, 4);
        let text = mask(&format!(r#"{{"size": [4, 6], "counts": {:?}}}"#, plain.1)).unwrap().unwrap();
        let polygon = mask("[[1, 1, 3, 1, 3, 3, 1, 3]]").unwrap().unwrap();
        assert_eq!(text, plain);
        assert_eq!(polygon, plain);
        assert_eq!(mask("[]"), Ok(None));
        assert_eq!(mask("[[]]"), Ok(None));
    }

    #[test]
    fn what_cannot_be_a_mask_is_refused() {
        for json in [
            r#"{"size": [6, 4], "counts": [24]}"#,
            r#"{"size": [4, 6], "counts": [25]}"#,
            r#"{"size": [4, 6], "counts": [24]}"#,
            r#"{"size": [4, 6], "counts": [-1, 25]}"#,
            r#"{"size": [4, 6], "counts": "zzzz"}"#,
            r#"{"size": [4, 6]}"#,
            "[[1, 1, 3, 1]]",
            "[[1, 1, 3, 1, 3, 1, 4]]",
            "[[1, 1, 1e9, 1, 3, 3]]",
            "[[1, 1, 2e308, 1, 3, 3]]",
            "[1, 2, 3]",
            "7",
        ] {
            assert!(mask(json).is_err(), "{json}");
        }
        let crumbs = format!("[{}]", ["[0, 0, 1, 0, 1, 1]"; MAX_POLYGONS + 1].join(", "));
        assert!(mask(&crumbs).is_err());
    }
}
