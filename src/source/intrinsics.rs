//! Whether intrinsics are of the image that lies beside them, and what they are of it.
//!
//! Photos are published smaller than they were taken, beside the intrinsics of the large ones, and nothing is seen of that but things in
//! the wrong place. So intrinsics are scaled where it is known which size they are of, and refused where they cannot be of their
//! image's: a camera's principal point is near the middle of what it takes, and its pixels are about square.

use serde::{Deserialize, Serialize};
use spatialmill_geometry::{Intrinsics, Turn};

use super::upright::StoredImage;
use crate::tables::Unusable;

/// Which size of image intrinsics are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CameraSize {
    /// Nobody says: of the image beside them, or refused where they cannot be.
    Unsaid,
    /// Of the image beside them, however odd they look.
    OfImage,
    /// The dataset says so.
    Recorded(f64, f64),
    /// The project says so.
    Stated(f64, f64),
}

/// `intrinsics_size` of a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntrinsicsSize {
    /// Width and height, pixels.
    Size([f64; 2]),
    /// `image`.
    Word(String),
}

impl IntrinsicsSize {
    /// What it says; the error is what it may say.
    pub fn parsed(given: Option<&Self>) -> Result<CameraSize, &'static str> {
        match given {
            None => Ok(CameraSize::Unsaid),
            Some(Self::Size([width, height])) if [width, height].iter().all(|side| (1.0..=1e6).contains(*side)) => {
                Ok(CameraSize::Stated(*width, *height))
            }
            Some(Self::Word(word)) if word == "image" => Ok(CameraSize::OfImage),
            Some(_) => Err("the width and height that the intrinsics are of, such as [640, 480], or \"image\""),
        }
    }
}

/// The camera of the upright image, and what took its recorded axes there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    pub intrinsics: Intrinsics,
    pub turn: Turn,
}

/// Fits intrinsics to an image: scaled where their own size is known, turned where the image is. Code: `intrinsics`.
pub fn fitted(recorded: &Intrinsics, of: CameraSize, image: StoredImage) -> Result<Camera, Unusable> {
    let upright = |turn: Turn, camera: Intrinsics| Camera {
        intrinsics: turn.intrinsics(&camera, image.width, image.height),
        turn,
    };
    let (width, height) = (image.width, image.height);
    let camera = match of {
        CameraSize::Recorded(w, h) | CameraSize::Stated(w, h) => {
            let turn = image.turn_of_shape((w, h)).ok_or_else(|| {
                let message = format!(
                    "the intrinsics are of {w}x{h}, and the image of {width}x{height} is of another shape; was it cropped?"
                );
                Unusable::new("intrinsics", message)
            })?;
            let (own_width, own_height) = if turn == Turn::NONE { image.upright() } else { (width, height) };
            let scaled = recorded.resized(f64::from(own_width) / w, f64::from(own_height) / h);
            match of {
                CameraSize::Recorded(..) => plausible(&scaled, own_width, own_height)?,
                _ => inside(&scaled, own_width, own_height)?,
            }
            upright(turn, scaled)
        }
        CameraSize::OfImage => return Ok(upright(image.turn, *recorded)),
        CameraSize::Unsaid => match plausible(recorded, width, height) {
            Ok(()) => upright(image.turn, *recorded),
            Err(why) => {
                let (width, height) = image.upright();
                plausible(recorded, width, height).map_err(|_| why)?;
                upright(Turn::NONE, *recorded)
            }
        },
    };
    square(&camera.intrinsics)?;
    Ok(camera)
}

/// Pixels are square, or are when images that were made square (16:9 at most) are made wide again. Beyond, one focal length is of another size, or a
/// slip, and every height would be wrong.
const OBLONG: f64 = 1.8;

fn square(camera: &Intrinsics) -> Result<(), Unusable> {
    let Intrinsics { fx, fy, .. } = camera;
    if fx.max(*fy) <= OBLONG * fx.min(*fy) {
        return Ok(());
    }
    let message = format!(
        "the focal lengths ({fx}, {fy}) are those of pixels that are not square; one of them is of another size of image, or a slip. Where \
         they are right, say `intrinsics_size = \"image\"` of the source"
    );
    Err(Unusable::new("intrinsics", message))
}

/// A camera's principal point is near the middle of its images: an image in whose middle it is has sides that differ by less than this
/// factor. Crops that datasets publish move it along one side only (by a quarter of the height on roads), so that one side alone is not
/// enough to tell.
const OFF_CENTRE: f64 = 1.2;

/// Where both sides are off by the same factor, the image was scaled and the intrinsics were not.
const SAME_FACTOR: f64 = 0.05;
const SCALED: f64 = 0.1;

/// Whether intrinsics can be of an image of this size, by their principal point.
fn plausible(camera: &Intrinsics, width: u32, height: u32) -> Result<(), Unusable> {
    inside(camera, width, height)?;
    // The size of the image in whose middle the principal point would be.
    let (own_width, own_height) = (2.0 * camera.cx + 1.0, 2.0 * camera.cy + 1.0);
    let (x, y) = (own_width / f64::from(width), own_height / f64::from(height));
    let off = |factor: f64| factor.max(1.0 / factor) > OFF_CENTRE;
    let scaled = (x / y - 1.0).abs() <= SAME_FACTOR && (x - 1.0).abs() > SCALED;
    if scaled || (off(x) && off(y)) {
        return Err(elsewhere(camera, width, height));
    }
    Ok(())
}

fn inside(camera: &Intrinsics, width: u32, height: u32) -> Result<(), Unusable> {
    let inside = |c: f64, side: u32| (-0.5..f64::from(side) - 0.5).contains(&c);
    if inside(camera.cx, width) && inside(camera.cy, height) { Ok(()) } else { Err(elsewhere(camera, width, height)) }
}

fn elsewhere(camera: &Intrinsics, width: u32, height: u32) -> Unusable {
    let Intrinsics { cx, cy, .. } = camera;
    let (own_width, own_height) = ((2.0 * cx + 1.0).round(), (2.0 * cy + 1.0).round());
    let message = if (0.0..=1.5).contains(cx) && (0.0..=1.5).contains(cy) {
        format!("the principal point ({cx}, {cy}) is in parts of the image's sides; intrinsics are in pixels")
    } else {
        format!(
            "the principal point ({cx}, {cy}) is far from the middle of the image of {width}x{height}: the intrinsics are of another \
             size, about {own_width}x{own_height}; say which with `intrinsics_size = [{own_width}, {own_height}]` of the source, or \
             `intrinsics_size = \"image\"` where they are right"
        )
    };
    Unusable::new("intrinsics", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: Intrinsics = Intrinsics { fx: 500.0, fy: 510.0, cx: 319.5, cy: 239.5 };

    fn check(camera: Intrinsics, of: CameraSize, (width, height): (u32, u32), orientation: u8) -> Option<[f64; 4]> {
        let turn = Turn::from_exif(orientation).unwrap();
        let found = fitted(&camera, of, StoredImage { width, height, turn }).ok()?;
        let Intrinsics { fx, fy, cx, cy } = found.intrinsics;
        Some([fx, fy, cx, cy])
    }

    #[test]
    fn intrinsics_of_a_known_size_are_scaled() {
        let half = Some([250.0, 255.0, 159.5, 119.5]);
        for of in [CameraSize::Recorded(640.0, 480.0), CameraSize::Stated(640.0, 480.0)] {
            assert_eq!(check(K, of, (320, 240), 1), half);
            assert_eq!(check(K, of, (320, 320), 1), None, "another shape");
            // The image lies on its side, and the intrinsics are of it as it is stored.
            assert_eq!(check(K, of, (320, 240), 6), Some([255.0, 250.0, 119.5, 159.5]));
            // Or as it is shown.
            assert_eq!(check(K, of, (240, 320), 6), half);
        }
        assert_eq!(check(K, CameraSize::OfImage, (320, 240), 1), Some([500.0, 510.0, 319.5, 239.5]));
    }

    #[test]
    fn intrinsics_of_another_size_are_refused_where_nobody_says_which() {
        for size in [(640, 480), (620, 480), (672, 504), (640, 380), (640, 300)] {
            assert!(check(K, CameraSize::Unsaid, size, 1).is_some(), "{size:?}");
        }
        for size in [(320, 240), (480, 360), (512, 384), (213, 160), (1280, 960), (800, 600), (480, 640), (160, 480)] {
            assert!(check(K, CameraSize::Unsaid, size, 1).is_none(), "{size:?}");
        }
        let relative = Intrinsics { fx: 0.8, fy: 1.1, cx: 0.5, cy: 0.5 };
        let why = fitted(&relative, CameraSize::Unsaid, StoredImage { width: 640, height: 480, turn: Turn::NONE })
            .unwrap_err();
        assert!(why.message.contains("in pixels"), "{}", why.message);
        let why =
            fitted(&K, CameraSize::Unsaid, StoredImage { width: 320, height: 240, turn: Turn::NONE }).unwrap_err();
        assert!(why.message.contains("intrinsics_size = [640, 480]"), "{}", why.message);
    }

    #[test]
    fn pixels_are_square_unless_somebody_says_otherwise() {
        for (fx, fy, taken) in [
            (260.0, 260.0, true),
            (260.0, 150.0, true),
            (150.0, 260.0, true),
            (260.0, 130.0, false),
            (140.0, 260.0, false),
        ] {
            let camera = Intrinsics { fx, fy, ..K };
            for of in [CameraSize::Unsaid, CameraSize::Recorded(640.0, 480.0), CameraSize::Stated(640.0, 480.0)] {
                assert_eq!(check(camera, of, (640, 480), 1).is_some(), taken, "{fx} {fy} {of:?}");
            }
            assert!(check(camera, CameraSize::OfImage, (640, 480), 1).is_some());
        }
    }

    #[test]
    fn the_principal_point_tells_which_way_up_the_intrinsics_are() {
        assert_eq!(check(K, CameraSize::Unsaid, (640, 480), 6), Some([510.0, 500.0, 239.5, 319.5]));
        assert_eq!(check(K, CameraSize::Unsaid, (480, 640), 6), Some([500.0, 510.0, 319.5, 239.5]));
        assert_eq!(check(K, CameraSize::Unsaid, (480, 640), 1), None);
    }
}
