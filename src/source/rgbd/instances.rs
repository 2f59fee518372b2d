//! Instance images: a PNG whose grey values are ids, and a JSON file that says what each id is.

use std::collections::BTreeMap;

use image::DynamicImage;
use serde::Deserialize;
use serde::de::IgnoredAny;
use spatialmill_geometry::Mask;

use crate::source::caption::Caption;
use crate::source::category;
use crate::source::json::forms::{self, Entries, Flag, Number, Perhaps};
use crate::source::photo::{decode_png, palette_indices};
use crate::source::upright::StoredImage;
use crate::tables::Unusable;

/// Larger files of names are refused: there are 65,535 ids at most.
pub const MAX_BYTES: u64 = 64 << 20;

/// What such a file should be.
const SHAPE: &str = "an object that says what each id of the id images is, such as \
                     {\"1\": \"chair\", \"2\": {\"category\": \"bed\", \"caption\": \"the red bed\"}, \"3\": null}";

/// What an id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub category: String,
    pub caption: Option<String>,
    pub crowd: bool,
}

/// What a file says of ids.
#[derive(Debug, Default)]
pub struct InstanceNames {
    /// None for what is no object (walls, background), an error for what could not be used.
    pub of: BTreeMap<u16, Option<Result<Instance, Unusable>>>,
    /// What is odd, and costs nothing by itself, with the id or what stands there instead.
    pub oddities: Vec<(String, Unusable)>,
}

/// As `instances.json` writes it: only a category, or more.
#[derive(Deserialize)]
#[serde(untagged)]
enum InstanceForm {
    Category(String),
    Whole {
        category: String,
        #[serde(default)]
        caption: Option<Perhaps<String>>,
        #[serde(default)]
        crowd: Flag,
    },
    Unusable(IgnoredAny),
}

/// Reads `instances.json`: `{"1": "chair", "2": {"category": "bed", "caption": ".."}, "3": null}`. Code: `json`; entries that
/// cannot be used keep their own code.
pub fn names(json: &[u8]) -> Result<InstanceNames, Unusable> {
    let Entries(entries) = forms::file::<Entries<Option<InstanceForm>>>(json, SHAPE)?;
    let mut names = InstanceNames::default();
    for (text, entry) in entries {
        let Some(id) = id(&text) else {
            let message = format!("`{}` is no id from 0 to 65535, so that it names nothing", text.escape_debug());
            names.oddities.push((text, Unusable::new("json", message)));
            continue;
        };
        let (entry, oddity) = match entry.map(InstanceForm::judged) {
            None => (None, None),
            Some(Ok((instance, oddity))) => (Some(Ok(instance)), oddity),
            Some(Err(why)) => (Some(Err(why)), None),
        };
        names.oddities.extend(oddity.map(|oddity| (text, oddity)));
        match names.of.get(&id) {
            None => drop(names.of.insert(id, entry)),
            Some(first) if *first == entry => {}
            Some(_) => {
                let message = format!("id {id} is named twice, and not the same; nobody knows what it is");
                names.of.insert(id, Some(Err(Unusable::new("duplicate", message))));
            }
        }
    }
    Ok(names)
}

/// An id as a field's name, which is text: `7`, and `7.0` where a table library made it a float.
fn id(text: &str) -> Option<u16> {
    let id = Number(text.trim().parse().ok()?).whole()?;
    u16::try_from(id).ok()
}

impl InstanceForm {
    /// The instance, and what is odd about it.
    fn judged(self) -> Result<(Instance, Option<Unusable>), Unusable> {
        let (category, caption, crowd) = match self {
            Self::Category(category) => (category, None, Flag::default()),
            Self::Whole { category, caption, crowd } => (category, caption, crowd),
            Self::Unusable(_) => {
                let message = "what it is should be a category, or null where it is no object, or \
                               {\"category\": .., \"caption\": .., \"crowd\": ..} with each of these once";
                return Err(Unusable::new("json", message));
            }
        };
        let category =
            category::spelled(&category).ok_or_else(|| Unusable::new("category", "the category is empty"))?;
        let caption = Perhaps::given(&caption).and_then(|caption| Caption::of(caption));
        let (caption, oddity) = caption.map_or((None, None), |Caption { text, oddity }| (Some(text), oddity));
        Ok((Instance { category, caption, crowd: crowd.0 == Some(true) }, oddity))
    }
}

/// Width, height and the number that each pixel is.
fn ids(png: &[u8]) -> Result<(u32, u32, Vec<u16>), String> {
    let unreadable = |why| format!("not a readable PNG: {why}");
    // As DAVIS, VOC and labelme write ids.
    if let Some((width, height, indices)) = palette_indices(png).map_err(unreadable)? {
        return Ok((width, height, indices.into_iter().map(u16::from).collect()));
    }
    let image = decode_png(png).map_err(unreadable)?;
    let (width, height) = (image.width(), image.height());
    // Grey values as they are: `to_luma16` would stretch 8 bits to 16.
    let ids = match image {
        DynamicImage::ImageLuma16(image) => image.into_raw(),
        DynamicImage::ImageLuma8(image) => image.into_raw().into_iter().map(u16::from).collect(),
        _ => return Err("its pixels are colours; ids are 8- or 16-bit greyscale, or a palette's indices".to_owned()),
    };
    Ok((width, height, ids))
}

/// The mask of each id but 0 in a PNG of an image's size, on the upright image: ids are grey values of 8 or 16 bits, or indices of a palette.
/// Code: `instance`.
pub fn masks(png: &[u8], stored: StoredImage) -> Result<BTreeMap<u16, Mask>, Unusable> {
    let refused = |message: String| Unusable::new("instance", message);
    let (width, height, ids) = ids(png).map_err(refused)?;
    let turn = stored.turn_of(width, height).ok_or_else(|| {
        refused(format!("the id image is {width}x{height}, the colour image {}x{}", stored.width, stored.height))
    })?;
    // One pass down the columns: each id gathers the run lengths of its own mask, zeros first.
    let mut runs = BTreeMap::<u16, (Vec<u32>, u64)>::new();
    let (w, h) = (width as usize, height as usize);
    let id_at = |position: usize| ids[position % h * w + position / h];
    let mut start = 0;
    while start < w * h {
        let id = id_at(start);
        let mut end = start + 1;
        while end < w * h && id_at(end) == id {
            end += 1;
        }
        if id != 0 {
            let (counts, covered) = runs.entry(id).or_default();
            // Fits: a decoded image has less than 2^30 pixels.
            counts.extend([(start as u64 - *covered) as u32, (end - start) as u32]);
            *covered = end as u64;
        }
        start = end;
    }
    runs.into_iter()
        .map(|(id, (mut counts, covered))| {
            counts.push(((w * h) as u64 - covered) as u32);
            let mask = Mask::from_runs(height, width, counts).and_then(|mask| turn.mask(&mask));
            Ok((id, mask.map_err(|e| refused(e.to_string()))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_in_any_form() {
        let json = r#"{"1": "Chair", " 2.0": {"category": "bed", "caption": ["x"], "crowd": "1", "area": NaN}, "3": null,
            "_note": "made by hand", "70000": "far", "4": 5, "5": {"category": "a", "category": "b"}, "6": "", "7": "sofa",
            "7.0": "sofa", "8": "sofa", "8": "couch", "9": {"caption": "what"}}"#;
        let names = names(json.as_bytes()).unwrap();
        let of = |id: u16| match names.of.get(&id) {
            None => "nothing".to_owned(),
            Some(None) => "no object".to_owned(),
            Some(Some(Ok(Instance { category, crowd, .. }))) => format!("{category} {crowd}"),
            Some(Some(Err(why))) => why.code.to_string(),
        };
        let found: Vec<String> = (0..=9).map(of).collect();
        let expected = ["nothing", "chair false", "bed true", "no object", "json", "json", "category", "sofa false"];
        assert_eq!(found[..8], expected);
        assert_eq!(found[8..], ["duplicate", "json"]);
        let odd: Vec<&str> = names.oddities.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(odd, ["_note", "70000"]);
    }
}
