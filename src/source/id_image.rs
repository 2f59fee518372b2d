//! Id images: a PNG whose values are ids. In: its bytes. Out: the mask of each id.

use std::collections::BTreeMap;

use image::DynamicImage;
use spatialmill_geometry::Mask;

use super::photo::{decode_png, palette_indices};
use super::upright::StoredImage;
use crate::tables::Unusable;

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
