//! What a dataset records of an image whose pixels lie on their side in its file, moved onto the upright image.
//!
//! A frame is its upright image, as EXIF says it, whoever looks at it. A dataset's boxes, masks, depth and camera are of the pixels as they
//! are stored, as NumPy and OpenCV see them, or of the upright image, as browsers show it: their sizes say which. Where sizes say
//! nothing, they are of the pixels as they are stored.

use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::{MaskError, Rigid, Turn, Vector3};

use super::photo::Photo;
use crate::tables::{Detection, Unusable, Vec3};

/// Images of one view have shapes (width over height) that agree to about a pixel of a small sensor.
const SHAPE_TOLERANCE: f64 = 0.02;

/// True where sizes are of one shape.
pub fn alike((a, b): (f64, f64), (width, height): (u32, u32)) -> bool {
    (a * f64::from(height) / (b * f64::from(width)) - 1.0).abs() <= SHAPE_TOLERANCE
}

/// The pixels of an image's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredImage {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What sets them upright.
    pub turn: Turn,
}

impl StoredImage {
    /// The pixels of a photo.
    pub fn of(photo: &Photo) -> Self {
        let turn = Turn::from_exif(photo.orientation).unwrap_or_default();
        Self { width: photo.width, height: photo.height, turn }
    }

    /// Width and height of the upright image.
    pub fn upright(&self) -> (u32, u32) {
        self.turn.size(self.width, self.height)
    }

    /// What takes a record of exactly this size to the upright image; none where it is of another image.
    pub fn turn_of(&self, width: u32, height: u32) -> Option<Turn> {
        if (width, height) == (self.width, self.height) {
            Some(self.turn)
        } else {
            ((width, height) == self.upright()).then_some(Turn::NONE)
        }
    }

    /// What takes a record of this shape, as large as it may be, to the upright image; none where it is of another view.
    pub fn turn_of_shape(&self, size: (f64, f64)) -> Option<Turn> {
        if alike(size, (self.width, self.height)) {
            Some(self.turn)
        } else {
            alike(size, self.upright()).then_some(Turn::NONE)
        }
    }
}

/// A detection that was recorded on an image of this size, on the upright image. Code: `mask`.
pub fn detection(mut row: Detection, turn: Turn, width: u32, height: u32) -> Result<Detection, Unusable> {
    if turn == Turn::NONE {
        return Ok(row);
    }
    row.bbox = turn.pixel_box(&row.bbox.into(), width, height).into();
    if let Some(mask) = &row.mask {
        let refused = |e: MaskError| Unusable::new("mask", e.to_string());
        let mask = turn.mask(&mask.decode().map_err(refused)?).map_err(refused)?;
        row.mask = Some(EncodedMask::from(&mask));
    }
    if let Some(obb) = &mut row.obb {
        let Vec3 { x, y, z } = obb.centre;
        obb.centre = axes_of(turn, [x, y, z]).into();
        obb.axes =
            obb.axes.chunks_exact(3).flat_map(|axis| axes_of(turn, [axis[0], axis[1], axis[2]]).data.0[0]).collect();
    }
    Ok(row)
}

fn axes_of(turn: Turn, vector: [f64; 3]) -> Vector3<f64> {
    turn.axes() * Vector3::from(vector)
}

/// Camera-to-world of the camera that took the upright image, from that of its recorded axes.
pub fn pose(recorded: &Rigid, turn: Turn) -> Rigid {
    Rigid { rotation: recorded.rotation * turn.axes().transpose(), translation: recorded.translation }
}

/// Images that are stored in a mirror have no camera that could be turned.
pub fn unmirrored(turn: Turn) -> Result<(), Unusable> {
    if turn.mirrors() {
        let message = format!(
            "its EXIF note says that it is stored in a mirror (orientation {}), which no camera with depth or a pose does",
            turn.exif()
        );
        return Err(Unusable::new("image", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use spatialmill_geometry::Mask;

    use super::*;
    use crate::tables::{self, Box2};

    #[test]
    fn a_record_is_of_the_stored_or_of_the_upright_pixels() {
        let turn = Turn::from_exif(6).unwrap();
        let stored = StoredImage { width: 640, height: 480, turn };
        assert_eq!(
            [(640, 480), (480, 640), (320, 240)].map(|(w, h)| stored.turn_of(w, h)),
            [Some(turn), Some(Turn::NONE), None]
        );
        assert_eq!(stored.turn_of_shape((1296.0, 968.0)), Some(turn));
        assert_eq!(stored.turn_of_shape((24.0, 32.0)), Some(Turn::NONE));
        assert_eq!(stored.turn_of_shape((24.0, 24.0)), None);
        // A half turn, and a square: nothing tells, and most tools see what is stored.
        let half = Turn::from_exif(3).unwrap();
        assert_eq!(StoredImage { width: 640, height: 480, turn: half }.turn_of(640, 480), Some(half));
    }

    #[test]
    fn a_detection_is_turned_whole() {
        let mask = Mask::from_bits(2, 3, [true, false, false, false, false, false]).unwrap();
        let row = Detection {
            bbox: Box2 { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 },
            mask: Some(EncodedMask::from(&mask)),
            obb: Some(tables::Obb {
                centre: Vec3 { x: 1.0, y: 0.0, z: 2.0 },
                axes: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
                lengths: Vec3::default(),
            }),
            ..Detection::default()
        };
        let turned = detection(row, Turn::from_exif(6).unwrap(), 3, 2).unwrap();
        // The top left pixel of three by two goes to the top right of two by three, and what was on the right is below.
        assert_eq!(turned.bbox, Box2 { x0: 1.0, y0: 0.0, x1: 2.0, y1: 1.0 });
        let mask = turned.mask.unwrap().decode().unwrap();
        assert_eq!(mask.pixels().collect::<Vec<_>>(), [(1, 0)]);
        let obb = turned.obb.unwrap();
        assert_eq!((obb.centre, &obb.axes[..3]), (Vec3 { x: 0.0, y: 1.0, z: 2.0 }, &[0.0, 1.0, 0.0][..]));
    }
}
