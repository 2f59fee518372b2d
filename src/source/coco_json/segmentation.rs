//! The three ways in which COCO writes a mask, read without a copy of every number in between, and made into run lengths in
//! bounded time whatever the numbers say.
//!
//! Polygons are taken in the forms that people write: `[[x, y, x, y, ..], ..]` as COCO does, one ring without the outer list, and rings
//! of points, `[[[x, y], ..], ..]` or `[[x, y], ..]`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use spatialmill_geometry::Mask;

use crate::source::json::forms::{Number, Numbers};
use crate::tables::Unusable;

/// A mask as the document has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Segmentation {
    /// Rings of x, y, x, y, ..; their union is the mask.
    Polygons(Vec<Vec<f64>>),
    /// `size` is height, width.
    Runs { size: Vec<f64>, counts: Counts },
}

/// Run lengths down the columns, starting with zeros.
#[derive(Debug, Clone, PartialEq)]
pub enum Counts {
    /// As a list: crowds of COCO.
    Plain(Vec<u32>),
    /// As COCO's compressed text.
    Text(String),
}

impl Counts {
    fn is_empty(&self) -> bool {
        match self {
            Self::Plain(runs) => runs.is_empty(),
            Self::Text(text) => text.trim().is_empty(),
        }
    }
}

/// A mask, and what was odd about its description.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadMask {
    pub mask: Option<Mask>,
    pub oddity: Option<String>,
}

/// Objects in more pieces than this are refused: the union takes time with each piece.
const MAX_POLYGONS: usize = 10_000;

impl Segmentation {
    /// The mask over an image of this size; none for an empty list, which is how box-only annotations are written. A ring that is
    /// none is left out where another one is good, as detectron2 does. Code: `mask`.
    pub fn mask(&self, height: u32, width: u32) -> Result<ReadMask, Unusable> {
        let refused = |message: String| Unusable::new("mask", message);
        let mut oddity = None;
        let mask = match self {
            Self::Polygons(polygons) if polygons.iter().all(Vec::is_empty) => {
                return Ok(ReadMask { mask: None, oddity: None });
            }
            Self::Polygons(polygons) if polygons.len() > MAX_POLYGONS => {
                let n = polygons.len();
                return Err(refused(format!("{n} polygons for one object, more than the {MAX_POLYGONS} allowed")));
            }
            Self::Polygons(polygons) => {
                let mut good = Vec::with_capacity(polygons.len());
                let mut bad = None;
                for ring in polygons {
                    match wrong_with(ring, height, width) {
                        None => good.push(ring.as_slice()),
                        Some(why) => drop(bad.get_or_insert(why)),
                    }
                }
                match bad {
                    Some(why) if good.is_empty() => return Err(refused(why)),
                    Some(why) => {
                        let (left_out, all) = (polygons.len() - good.len(), polygons.len());
                        oddity = Some(format!("{left_out} of {all} rings of its mask left out: {why}"));
                    }
                    None => {}
                }
                Mask::from_polygons(height, width, good)
            }
            Self::Runs { counts, .. } if counts.is_empty() => {
                return Ok(ReadMask {
                    mask: None,
                    oddity: Some("its mask has no run lengths, so that it has none".to_owned()),
                });
            }
            Self::Runs { size, .. } if *size != [f64::from(height), f64::from(width)] => {
                return Err(refused(format!(
                    "the mask's `size` is {size:?}, its image is {height} high and {width} wide"
                )));
            }
            Self::Runs { counts: Counts::Plain(runs), .. } => Mask::from_runs(height, width, runs.iter().copied()),
            Self::Runs { counts: Counts::Text(text), .. } => Mask::from_counts(height, width, text),
        };
        let mask = mask.map_err(|e| refused(e.to_string()))?;
        if mask.is_empty() {
            return Err(refused("the mask covers no pixel".to_owned()));
        }
        Ok(ReadMask { mask: Some(mask), oddity })
    }
}

/// Why a ring is none. It may stick out of its image by as much again; further out it is in other units, or of another image.
fn wrong_with(ring: &[f64], height: u32, width: u32) -> Option<String> {
    let (h, w) = (f64::from(height), f64::from(width));
    let (points, rest) = ring.as_chunks::<2>();
    if !rest.is_empty() || points.len() < 3 {
        let n = ring.len();
        return Some(format!("a polygon has three points or more of two coordinates each, not {n} numbers"));
    }
    let outside = |point: &&[f64; 2]| !(-w..=2.0 * w).contains(&point[0]) || !(-h..=2.0 * h).contains(&point[1]);
    let [x, y] = points.iter().find(outside)?;
    Some(format!("a polygon's point ({x}, {y}) is far outside its image of {width}x{height}"))
}

impl<'de> Deserialize<'de> for Segmentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SegmentationVisitor;
        impl<'de> Visitor<'de> for SegmentationVisitor {
            type Value = Segmentation;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of polygons, or run lengths as `size` and `counts`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Segmentation, A::Error> {
                let (mut rings, mut flat, mut points) = (Vec::new(), Vec::new(), true);
                while let Some(item) = list.next_element()? {
                    match item {
                        Item::Number(number) => flat.push(number),
                        Item::Ring { numbers, nested } => {
                            points &= numbers.len() == 2 && !nested;
                            rings.push(numbers);
                        }
                    }
                }
                // As a table library writes none.
                if rings.is_empty() && flat.iter().all(|number| number.is_nan()) {
                    flat.clear();
                }
                if points && flat.is_empty() && rings.len() >= 3 {
                    flat = std::mem::take(&mut rings).concat();
                }
                if !flat.is_empty() {
                    rings.push(flat);
                }
                Ok(Segmentation::Polygons(rings))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Segmentation, E> {
                match text.trim() {
                    "" => Ok(Segmentation::Polygons(Vec::new())),
                    _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Segmentation, A::Error> {
                let (mut size, mut counts) = (None, None);
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "size" => size = Some(fields.next_value::<Numbers>()?.0),
                        "counts" => counts = Some(fields.next_value()?),
                        _ => drop(fields.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                if size.is_none() && counts.is_none() {
                    return Ok(Segmentation::Polygons(Vec::new()));
                }
                let size = size.ok_or_else(|| A::Error::missing_field("size"))?;
                let counts = counts.ok_or_else(|| A::Error::missing_field("counts"))?;
                Ok(Segmentation::Runs { size, counts })
            }
        }
        deserializer.deserialize_any(SegmentationVisitor)
    }
}

/// What stands in a list of polygons: a ring, or a number where the outer list is missing.
enum Item {
    Number(f64),
    Ring { numbers: Vec<f64>, nested: bool },
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor {
            /// How many lists may still be inside this one.
            deeper: u8,
        }
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a polygon: a list of coordinates, or of points")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
                let Some(deeper) = self.deeper.checked_sub(1) else {
                    return Err(A::Error::invalid_type(Unexpected::Seq, &self));
                };
                let (mut numbers, mut nested) = (Vec::new(), false);
                while let Some(item) = list.next_element_seed(ItemVisitor { deeper })? {
                    match item {
                        Item::Number(number) => numbers.push(number),
                        Item::Ring { numbers: point, .. } => {
                            nested = true;
                            // A point of another number of coordinates must not shift those behind it.
                            let is_point = point.len() == 2;
                            numbers.extend(if is_point { [point[0], point[1]] } else { [f64::NAN; 2] });
                        }
                    }
                }
                Ok(Item::Ring { numbers, nested })
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Item, E> {
                Ok(Item::Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Item, E> {
                Ok(Item::Number(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Item, E> {
                Ok(Item::Number(number as f64))
            }

            fn visit_unit<E: Error>(self) -> Result<Item, E> {
                Ok(Item::Number(f64::NAN))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
                let number = text.trim().parse();
                number.map(Item::Number).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        impl<'de> serde::de::DeserializeSeed<'de> for ItemVisitor {
            type Value = Item;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
                deserializer.deserialize_any(self)
            }
        }
        deserializer.deserialize_any(ItemVisitor { deeper: 2 })
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
                while let Some(Number(run)) = runs.next_element()? {
                    if run.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&run) {
                        return Err(A::Error::invalid_value(Unexpected::Float(run), &self));
                    }
                    plain.push(run as u32);
                }
                Ok(Counts::Plain(plain))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Counts, E> {
                Ok(Counts::Text(text.to_owned()))
            }

            fn visit_unit<E: Error>(self) -> Result<Counts, E> {
                Ok(Counts::Plain(Vec::new()))
            }
        }
        deserializer.deserialize_any(CountsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::json::forms;

    fn read(json: &str) -> Result<ReadMask, String> {
        let segmentation: Segmentation = forms::record(json.as_bytes()).map_err(|e| e.message)?;
        segmentation.mask(4, 6).map_err(|e| e.message)
    }

    fn mask(json: &str) -> Result<Option<(u64, String)>, String> {
        Ok(read(json)?.mask.map(|mask| (mask.area(), mask.to_counts())))
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
    fn polygons_are_taken_in_any_form() {
        let expected = mask("[[1, 1, 3, 1, 3, 3, 1, 3]]").unwrap();
        for same in [
            "[1, 1, 3, 1, 3, 3, 1, 3]",
            "[[[1, 1], [3, 1], [3, 3], [1, 3]]]",
            "[[1, 1], [3, 1], [3, 3], [1, 3]]",
            r#"[["1", 1.0, 3, 1, 3, 3, 1, 3]]"#,
        ] {
            let read = read(same).unwrap();
            assert_eq!(
                (read.mask.map(|mask| (mask.area(), mask.to_counts())), read.oddity),
                (expected.clone(), None),
                "{same}"
            );
        }
        let runs = mask(r#"{"size": [4.0, "6"], "counts": [5.0, 2, "2", 2, 13]}"#).unwrap();
        assert_eq!(runs, expected);
    }

    #[test]
    fn no_mask_is_written_in_many_forms() {
        for none in ["[]", "[[]]", "{}", "\"\"", "[null]", "[NaN]"] {
            assert_eq!(read(none), Ok(ReadMask { mask: None, oddity: None }), "{none}");
        }
        for told in [
            r#"{"size": [4, 6], "counts": null}"#,
            r#"{"size": [0, 0], "counts": []}"#,
            r#"{"size": [4, 6], "counts": ""}"#,
        ] {
            let read = read(told).unwrap();
            assert!(read.mask.is_none() && read.oddity.is_some(), "{told}");
        }
        for fault in ["\"wide\"", r#"{"size": [4, 6]}"#, r#"{"counts": [24]}"#] {
            assert!(read(fault).is_err(), "{fault}");
        }
    }

    #[test]
    fn a_bad_ring_beside_a_good_one_is_left_out() {
        let expected = mask("[[1, 1, 3, 1, 3, 3, 1, 3]]").unwrap();
        for bad in [
            "[2, 2]",
            "[2, 2, 3, 3]",
            "[]",
            "[2, 2, 4, 2, 4, 4, 2]",
            "[2, 2, 4, NaN, 4, 4]",
            "[[2, 2], [4, 2, 1], [4, 4]]",
            "[0, 0, 1e9, 0, 1, 1]",
            "null",
            "5",
        ] {
            for rings in [format!("[[1, 1, 3, 1, 3, 3, 1, 3], {bad}]"), format!("[{bad}, [1, 1, 3, 1, 3, 3, 1, 3]]")] {
                let read = read(&rings).unwrap();
                assert_eq!(read.mask.map(|mask| (mask.area(), mask.to_counts())), expected, "{rings}");
                assert!(read.oddity.unwrap().starts_with("1 of 2 rings"), "{rings}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_mask_is_refused() {
        for json in [
            r#"{"size": [6, 4], "counts": [24]}"#,
            r#"{"size": [4, 6], "counts": [25]}"#,
            r#"{"size": [4, 6], "counts": [24]}"#,
            r#"{"size": [4, 6], "counts": [-1, 25]}"#,
            r#"{"size": [4, 6], "counts": [23.5, 0.5]}"#,
            r#"{"size": [4], "counts": [24]}"#,
            r#"{"size": [4, 6], "counts": "zzzz"}"#,
            r#"{"size": [4, 6]}"#,
            "[[1, 1, 3, 1]]",
            "[[1, 1, 3, 1, 3, 1, 4]]",
            "[[1, 1, 1e9, 1, 3, 3]]",
            "[[1, 1, 2e308, 1, 3, 3]]",
            "[1, 2, 3]",
            "[[2, 2], [4, 2]]",
            "[[[[1, 1], [3, 1], [3, 3]]]]",
            "7",
        ] {
            assert!(mask(json).is_err(), "{json}");
        }
        let crumbs = format!("[{}]", ["[0, 0, 1, 0, 1, 1]"; MAX_POLYGONS + 1].join(", "));
        assert!(mask(&crumbs).is_err());
    }
}
