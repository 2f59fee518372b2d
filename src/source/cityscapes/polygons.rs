//! `polygons.json`: labelled outlines, of which later ones cover earlier ones. In: its JSON. Out: the mask of each thing, as the instance image has it.

use serde::Deserialize;
use spatialmill_geometry::Mask;

use super::image_size;
use super::labels::{self, Thing};
use crate::source::json::forms::{self, Numbers};
use crate::source::upright::StoredImage;
use crate::tables::Unusable;

/// The largest of Cityscapes' own is under a megabyte.
pub const MAX_BYTES: u64 = 64 << 20;

/// Which outline covers a pixel is held for all of them, in two bytes each. Cityscapes' own images have two million.
const MAX_PIXELS: u64 = 1 << 27;

/// Things of a category in one image: their ids have three digits for it.
const MAX_THINGS: u16 = 1000;

const SHAPE: &str =
    "{\"imgHeight\": .., \"imgWidth\": .., \"objects\": [{\"label\": \"car\", \"polygon\": [[x, y], ..]}, ..]}";

#[derive(Deserialize)]
struct PolygonRecord {
    label: String,
    polygon: Numbers,
    /// An annotator took it back.
    #[serde(default)]
    deleted: forms::Flag,
}

/// A thing and the pixels that nothing covers.
#[derive(Debug)]
pub struct DrawnThing {
    pub thing: Thing,
    pub mask: Mask,
}

/// What a file draws.
#[derive(Debug, Default)]
pub struct Drawing {
    pub things: Vec<DrawnThing>,
    /// Records that could not be used, by their place in `objects`.
    pub wrong: Vec<(usize, Unusable)>,
}

/// The things of a file about an image, in the order in which they are drawn. Codes: `json`, `instance`; of records `json`, `mask`.
pub fn read(json: &[u8], stored: StoredImage) -> Result<Drawing, Unusable> {
    let (width, height) = image_size::read(json, SHAPE)?;
    let (w, h) = (stored.width, stored.height);
    if stored.turn_of_shape((width, height)).is_none() {
        return Err(Unusable::new(
            "instance",
            format!("the polygons are of an image of {width}x{height}, this one has {w}x{h}"),
        ));
    }
    if u64::from(w) * u64::from(h) > MAX_PIXELS {
        return Err(Unusable::new("instance", format!("an image of {w}x{h} is too large for outlines")));
    }
    let mut drawing = Drawing::default();
    // Column by column, as masks are.
    let mut covered_by = vec![0_u16; w as usize * h as usize];
    let mut things: Vec<Thing> = Vec::new();
    let mut seen = [0_u16; 34];
    for (place, json) in forms::elements(json, "objects")?.iter().enumerate() {
        let drawn = forms::record::<PolygonRecord>(json).and_then(|record| {
            // What has an id below 0 is not drawn at all, as the licence plates of cars.
            if record.deleted.0 == Some(true) || record.label == "license plate" {
                return Ok(None);
            }
            let points: Vec<f64> =
                record.polygon.0.chunks(2).flat_map(|at| scaled(at, [width, height], [w, h])).collect();
            let mask = Mask::from_polygons(h, w, [&points[..]]).map_err(|e| Unusable::new("mask", e.to_string()))?;
            Ok(Some((labels::of_label(&record.label), mask)))
        });
        let (thing, mask) = match drawn {
            Ok(Some(drawn)) => drawn,
            Ok(None) => continue,
            Err(why) => {
                drawing.wrong.push((place, why));
                continue;
            }
        };
        // Stuff covers things, too.
        let number = match thing {
            None => 0,
            Some(thing) => match numbered(thing, &mut things, &mut seen) {
                Ok(number) => number,
                Err(why) => {
                    drawing.wrong.push((place, why));
                    continue;
                }
            },
        };
        let mut at = 0;
        for (run, length) in mask.runs().iter().enumerate() {
            let end = at + *length as usize;
            if run % 2 == 1 {
                covered_by[at..end].fill(number);
            }
            at = end;
        }
    }
    let mut spans = vec![Vec::new(); things.len()];
    let mut at = 0;
    for run in covered_by.chunk_by(|a, b| a == b) {
        let end = at + run.len() as u64;
        if let Some(own) = usize::from(run[0]).checked_sub(1) {
            spans[own].push((at, end));
        }
        at = end;
    }
    for (thing, spans) in things.into_iter().zip(spans) {
        // What is covered whole is not in the image.
        if !spans.is_empty() {
            let mask = Mask::from_spans(h, w, spans).map_err(|e| Unusable::new("instance", e.to_string()))?;
            drawing.things.push(DrawnThing { thing, mask });
        }
    }
    Ok(drawing)
}

/// Which number paints a thing: its own, and for groups of a category one for all, as they are one value in an instance image. Code: `mask`.
fn numbered(mut thing: Thing, things: &mut Vec<Thing>, seen: &mut [u16; 34]) -> Result<u16, Unusable> {
    if thing.is_group {
        if let Some(place) = things.iter().position(|known| known.id == thing.id) {
            return Ok(place as u16 + 1);
        }
    } else {
        let count = &mut seen[usize::from(thing.id / 1000)];
        if *count == MAX_THINGS {
            return Err(Unusable::new("mask", format!("an image has at most {MAX_THINGS} things of a category")));
        }
        thing.id += *count;
        *count += 1;
    }
    things.push(thing);
    // Ten categories of a thousand things and a group each.
    Ok(things.len() as u16)
}

/// A point of an image on one of another size.
fn scaled(at: &[f64], [width, height]: [f64; 2], [w, h]: [u32; 2]) -> Vec<f64> {
    let sides = [f64::from(w) / width, f64::from(h) / height];
    at.iter().zip(sides).map(|(at, scale)| at * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spatialmill_geometry::Turn;

    const IMAGE: StoredImage = StoredImage { width: 8, height: 4, turn: Turn::NONE };

    fn drawn(objects: &str) -> Drawing {
        read(format!(r#"{{"imgHeight": 8, "imgWidth": 16, "objects": [{objects}]}}"#).as_bytes(), IMAGE).unwrap()
    }

    #[test]
    fn later_outlines_cover_earlier_ones() {
        let square = |label: &str, x0: u32, x1: u32| {
            format!(r#"{{"label": "{label}", "polygon": [[{x0}, 0], [{x1}, 0], [{x1}, 8], [{x0}, 8]]}}"#)
        };
        let objects = [
            square("car", 0, 4),
            square("car", 0, 8),
            square("road", 6, 16),
            square("persongroup", 12, 16),
            square("license plate", 0, 16),
            square("car", 8, 10).replace("\"label\"", "\"deleted\": 1, \"label\""),
            square("bicycle", 14, 16),
            r#"{"label": "car"}"#.to_owned(),
        ];
        let Drawing { things, wrong } = drawn(&objects.join(", "));
        let found: Vec<_> =
            things.iter().map(|drawn| (drawn.thing.id, drawn.thing.is_group, drawn.mask.area())).collect();
        // The first car is covered by the second, but keeps its number; of the second the road leaves three columns of four pixels.
        assert_eq!(found, [(26_001, false, 12), (24, true, 4), (33_000, false, 4)]);
        assert_eq!((wrong.len(), wrong[0].0), (1, 7));
    }

    #[test]
    fn groups_of_a_category_are_one_and_its_things_have_an_end() {
        let crowd = |x: u32| {
            format!(r#"{{"label": "persongroup", "polygon": [[{x}, 0], [{0}, 0], [{0}, 8], [{x}, 8]]}}"#, x + 2)
        };
        let Drawing { things, .. } = drawn(&[crowd(0), crowd(8)].join(", "));
        assert_eq!(things.iter().map(|drawn| (drawn.thing.id, drawn.mask.area())).collect::<Vec<_>>(), [(24, 8)]);
        // As many as would run into the ids of the next category.
        let many = vec![r#"{"label": "car", "polygon": [[0, 0], [2, 0], [2, 2], [0, 2]]}"#; 1002];
        let Drawing { things, wrong } = drawn(&many.join(", "));
        assert_eq!((things.len(), things[0].thing.id), (1, 26_999));
        assert_eq!(
            wrong.iter().map(|(place, why)| (*place, why.code.as_ref())).collect::<Vec<_>>(),
            [(1000, "mask"), (1001, "mask")]
        );
    }

    /// `out of roi` is one ring that touches itself: what is inside the inner rectangle is not covered.
    #[test]
    fn a_ring_leaves_its_hole() {
        let Drawing { things, .. } = drawn(
            r#"{"label": "train", "polygon": [[0, 0], [16, 0], [16, 8], [0, 8]]},
               {"label": "out of roi", "polygon": [[0, 0], [16, 0], [16, 8], [0, 8], [0, 0], [4, 2], [4, 6], [12, 6], [12, 2], [4, 2]]}"#,
        );
        assert_eq!(things[0].mask.area(), 4 * 2);
    }

    #[test]
    fn polygons_of_another_image_are_refused() {
        let other = read(br#"{"imgHeight": 8, "imgWidth": 8, "objects": []}"#, IMAGE);
        assert_eq!(other.unwrap_err().code, "instance");
        for json in [r#"{"imgHeight": 8, "objects": []}"#, r#"{"imgHeight": 8, "imgWidth": 16, "object": []}"#] {
            assert_eq!(read(json.as_bytes(), IMAGE).unwrap_err().code, "json", "{json}");
        }
    }
}
