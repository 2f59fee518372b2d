//! Instance images: a PNG whose grey values are ids, and a JSON file that says what each id is.

use std::collections::BTreeMap;

use image::DynamicImage;
use serde::Deserialize;
use spatialmill_geometry::Mask;

use crate::source::category;
use crate::source::coco::object::MAX_CAPTION;
use crate::source::photo::{decode_png, palette_indices};
use crate::source::rows::Refused;
use crate::source::upright::Stored;
use crate::text;

/// Larger files of names are refused: there are 65,535 ids at most.
pub const MAX_BYTES: u64 = 64 << 20;

/// What an id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub category: String,
    pub caption: Option<String>,
    pub crowd: bool,
}

/// What each id is: none for what is no object (walls, background), an error for what could not be used.
pub type Names = BTreeMap<u16, Option<Result<Instance, Refused>>>;

/// As `instances.json` writes it: only a category, or more.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Category(String),
    #[serde(rename_all = "snake_case")]
    Whole {
        category: String,
        #[serde(default)]
        caption: Option<String>,
        #[serde(default)]
        crowd: bool,
    },
}

/// Reads `instances.json`: `{"1": "chair", "2": {"category": "bed", "caption": ".."}, "3": null}`. Code: `json`; entries that
/// cannot be used keep their own code.
pub fn names(json: &[u8]) -> Result<Names, Refused> {
    let entries: BTreeMap<String, serde_json::Value> = text::json(json).map_err(|why| Refused::new("json", why))?;
    let mut names = Names::new();
    for (id, entry) in entries {
        let id: u16 = id
            .parse()
            .map_err(|_| Refused::new("json", format!("`{}` is no id from 0 to 65535", id.escape_debug())))?;
        let entry: Option<Written> = match serde_json::from_value(entry) {
            Ok(entry) => entry,
            Err(e) => {
                names.insert(id, Some(Err(Refused::new("json", e.to_string()))));
                continue;
            }
        };
        names.insert(id, entry.map(Written::judged));
    }
    Ok(names)
}

impl Written {
    fn judged(self) -> Result<Instance, Refused> {
        let (category, caption, crowd) = match self {
            Self::Category(category) => (category, None, false),
            Self::Whole { category, caption, crowd } => (category, caption, crowd),
        };
        let category = category::spelled(&category).ok_or_else(|| Refused::new("category", "the category is empty"))?;
        if caption.as_ref().is_some_and(|caption| caption.len() > MAX_CAPTION) {
            return Err(Refused::new("caption", format!("the caption is longer than {MAX_CAPTION} bytes")));
        }
        let caption = caption.map(|caption| caption.trim().to_owned()).filter(|caption| !caption.is_empty());
        Ok(Instance { category, caption, crowd })
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
pub fn masks(png: &[u8], stored: Stored) -> Result<BTreeMap<u16, Mask>, Refused> {
    let refused = |message: String| Refused::new("instance", message);
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
