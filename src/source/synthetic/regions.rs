//! Regions: where each object shows in an instance image, as a box and run lengths.

use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::Mask;

use super::render::Rendering;
use crate::error::{Context, Result};
use crate::tables;

/// Where one object shows.
pub struct ObjectRegion {
    /// Index into the room's objects.
    pub object: usize,
    pub bbox: tables::Box2,
    pub mask: EncodedMask,
}

/// The regions of all of `objects` things that show at all, by index.
pub fn of(picture: &Rendering, objects: usize) -> Result<Vec<ObjectRegion>> {
    // One pass for all objects: in run-length order, a run ends wherever the value changes.
    let mut runs: Vec<Vec<u32>> = vec![Vec::new(); objects];
    let mut ends = vec![0u32; objects];
    let (mut value, mut since, mut at) = (0, 0u32, 0u32);
    let mut close = |value: u16, since: u32, at: u32| {
        if let Some(object) = usize::from(value).checked_sub(1) {
            runs[object].extend([since - ends[object], at - since]);
            ends[object] = at;
        }
    };
    for column in 0..picture.width {
        for row in 0..picture.height {
            let here = picture.instance[row * picture.width + column];
            if here != value {
                close(value, since, at);
                (value, since) = (here, at);
            }
            at += 1;
        }
    }
    close(value, since, at);

    let mut regions = Vec::new();
    for (object, mut counts) in runs.into_iter().enumerate() {
        counts.push(at - ends[object]);
        let mask = Mask::from_runs(picture.height as u32, picture.width as u32, counts)
            .or_internal(|| "a rendered mask has not the size of its picture".to_owned())?;
        let Some(bounds) = mask.bounds() else { continue };
        regions.push(ObjectRegion { object, bbox: bounds.into(), mask: EncodedMask::from(&mask) });
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_down_the_columns() {
        // 1 2 0
        // 1 1 0
        let instance = vec![1, 2, 0, 1, 1, 0];
        let picture = Rendering { width: 3, height: 2, colour: Vec::new(), depth_mm: Vec::new(), instance };
        let regions = of(&picture, 3).unwrap();
        let seen: Vec<_> = regions.iter().map(|region| (region.object, region.bbox.x1, region.bbox.y1)).collect();
        assert_eq!(seen, [(0, 2.0, 2.0), (1, 2.0, 1.0)], "the third object does not show");
        let mask = regions[0].mask.decode().unwrap();
        assert_eq!(mask.pixels().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 1)]);
    }
}
