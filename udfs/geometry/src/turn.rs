//! EXIF orientation: turning a picture upright, and with it all that lies on it or in its camera's axes.
//!
//! ```text
//! as it is stored, EXIF's orientation 6       upright
//!
//!   o───────── u                              o───── u
//!   │ A      B                                │ C  A
//!   │                     one turn clockwise  │
//!   │ C      D                 ────────►      │
//!   v                                         │ D  B
//!                                             v
//! ```
//!
//! Each of the eight orientations exchanges the sides or not, and then mirrors along neither, either or both of the upright sides.

use nalgebra::{Matrix3, Vector3};

use crate::{DepthImage, Intrinsics, Mask, MaskError, PixelBox};

/// One of EXIF's eight orientations, as what takes a stored picture to the upright one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// Rows become columns.
    exchanged: bool,
    /// Then left becomes right.
    across: bool,
    /// Then top becomes bottom.
    down: bool,
}

impl Turn {
    /// The picture is upright as it is stored.
    pub const NONE: Self = Self { exchanged: false, across: false, down: false };

    /// From EXIF's number, 1 to 8; none for any other.
    ///
    /// ```
    /// use spatialmill_geometry::Turn;
    /// assert_eq!(Turn::from_exif(1), Some(Turn::NONE));
    /// assert_eq!(Turn::from_exif(6).unwrap().size(640, 480), (480, 640));
    /// assert_eq!(Turn::from_exif(0), None);
    /// ```
    pub fn from_exif(orientation: u8) -> Option<Self> {
        let of = |exchanged, across, down| Some(Self { exchanged, across, down });
        match orientation {
            1 => of(false, false, false),
            2 => of(false, true, false),
            3 => of(false, true, true),
            4 => of(false, false, true),
            5 => of(true, false, false),
            6 => of(true, true, false),
            7 => of(true, true, true),
            8 => of(true, false, true),
            _ => None,
        }
    }

    /// EXIF's number, 1 to 8.
    pub fn exif(self) -> u8 {
        match (self.exchanged, self.across, self.down) {
            (false, false, false) => 1,
            (false, true, false) => 2,
            (false, true, true) => 3,
            (false, false, true) => 4,
            (true, false, false) => 5,
            (true, true, false) => 6,
            (true, true, true) => 7,
            (true, false, true) => 8,
        }
    }

    /// True where no camera, however held, sees the upright picture: it shows the stored one in a mirror.
    pub fn mirrors(self) -> bool {
        self.exchanged ^ self.across ^ self.down
    }

    /// Width and height of the upright picture.
    pub fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.exchanged { (height, width) } else { (width, height) }
    }

    /// A box of a stored picture of this size.
    ///
    /// ```
    /// use spatialmill_geometry::{PixelBox, Turn};
    /// let left = PixelBox { x0: 0.0, y0: 100.0, x1: 50.0, y1: 480.0 };
    /// // One turn clockwise: what was on the left is at the top, and what was at the bottom is on the left.
    /// let top = Turn::from_exif(6).unwrap().pixel_box(&left, 640, 480);
    /// assert_eq!(top, PixelBox { x0: 0.0, y0: 0.0, x1: 380.0, y1: 50.0 });
    /// ```
    pub fn pixel_box(self, stored: &PixelBox, width: u32, height: u32) -> PixelBox {
        let PixelBox { x0, y0, x1, y1 } = *stored;
        let (upright_width, upright_height) = self.size(width, height);
        let [x, y] = if self.exchanged { [[y0, y1], [x0, x1]] } else { [[x0, x1], [y0, y1]] };
        let mirrored = |mirror: bool, [low, high]: [f64; 2], side: u32| {
            if mirror { [f64::from(side) - high, f64::from(side) - low] } else { [low, high] }
        };
        let ([x0, x1], [y0, y1]) = (mirrored(self.across, x, upright_width), mirrored(self.down, y, upright_height));
        PixelBox { x0, y0, x1, y1 }
    }

    /// The pixel of a stored picture of this size that the upright picture shows at `(x, y)`.
    fn stored_pixel(self, x: u32, y: u32, width: u32, height: u32) -> (u32, u32) {
        let (upright_width, upright_height) = self.size(width, height);
        let x = if self.across { upright_width - 1 - x } else { x };
        let y = if self.down { upright_height - 1 - y } else { y };
        if self.exchanged { (y, x) } else { (x, y) }
    }

    /// A mask on the stored picture. It takes a bit a pixel.
    pub fn mask(self, stored: &Mask) -> Result<Mask, MaskError> {
        if self == Self::NONE {
            return Ok(stored.clone());
        }
        let (width, height) = (stored.width(), stored.height());
        let mut bits = vec![0u64; (u64::from(width) * u64::from(height)).div_ceil(64) as usize];
        for (x, y) in stored.pixels() {
            let at = u64::from(x) * u64::from(height) + u64::from(y);
            bits[(at / 64) as usize] |= 1 << (at % 64);
        }
        let (upright_width, upright_height) = self.size(width, height);
        let pixels = (0..upright_width).flat_map(|x| (0..upright_height).map(move |y| (x, y)));
        let shown = pixels.map(|(x, y)| {
            let (x, y) = self.stored_pixel(x, y, width, height);
            let at = u64::from(x) * u64::from(height) + u64::from(y);
            bits[(at / 64) as usize] >> (at % 64) & 1 == 1
        });
        Mask::from_bits(upright_height, upright_width, shown)
    }

    /// A depth image that is stored as its picture is.
    pub fn depth(self, stored: DepthImage) -> DepthImage {
        if self == Self::NONE {
            return stored;
        }
        let (width, height) = (stored.width(), stored.height());
        let (upright_width, upright_height) = self.size(width, height);
        let pixels = (0..upright_height).flat_map(|y| (0..upright_width).map(move |x| (x, y)));
        let metres = pixels.map(|(x, y)| {
            let (x, y) = self.stored_pixel(x, y, width, height);
            stored.reading(x, y).map_or(0.0, |metres| metres as f32)
        });
        let metres = metres.collect();
        DepthImage::new(upright_width, upright_height, metres).expect("as many readings as before")
    }

    /// The camera of a stored picture of this size.
    pub fn intrinsics(self, stored: &Intrinsics, width: u32, height: u32) -> Intrinsics {
        let Intrinsics { fx, fy, cx, cy } = *stored;
        let (upright_width, upright_height) = self.size(width, height);
        let [[fx, cx], [fy, cy]] = if self.exchanged { [[fy, cy], [fx, cx]] } else { [[fx, cx], [fy, cy]] };
        let mirrored = |mirror: bool, c: f64, side: u32| if mirror { f64::from(side) - 1.0 - c } else { c };
        Intrinsics { fx, fy, cx: mirrored(self.across, cx, upright_width), cy: mirrored(self.down, cy, upright_height) }
    }

    /// Takes camera axes (x right, y down, z forward) of the stored picture to those of the upright one. A rotation about z, but where
    /// the turn [mirrors](Self::mirrors).
    ///
    /// ```
    /// use spatialmill_geometry::{Turn, Vector3};
    /// // Down was to the right in the stored picture.
    /// assert_eq!(Turn::from_exif(8).unwrap().axes() * -Vector3::x(), Vector3::y());
    /// assert_eq!(Turn::from_exif(6).unwrap().axes() * Vector3::x(), Vector3::y());
    /// ```
    pub fn axes(self) -> Matrix3<f64> {
        let sign = |mirror: bool| if mirror { -1.0 } else { 1.0 };
        let (x, y) = if self.exchanged { (Vector3::y(), Vector3::x()) } else { (Vector3::x(), Vector3::y()) };
        Matrix3::from_rows(&[
            (x * sign(self.across)).transpose(),
            (y * sign(self.down)).transpose(),
            Vector3::z().transpose(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::intrinsics;
    use proptest::prelude::*;

    fn turns() -> impl Strategy<Value = Turn> {
        (1u8..=8).prop_map(|orientation| Turn::from_exif(orientation).unwrap())
    }

    #[test]
    fn orientations_are_those_of_exif() {
        for orientation in 1..=8 {
            assert_eq!(Turn::from_exif(orientation).unwrap().exif(), orientation);
        }
        // Where the stored picture's first row and column are, as the standard's table says: (row, column).
        let corner = |orientation: u8| {
            let mask = Mask::from_bits(3, 5, (0..15).map(|at| at == 0)).unwrap();
            let area = Turn::from_exif(orientation).unwrap().mask(&mask).unwrap().bounds().unwrap();
            (if area.y0 == 0.0 { "top" } else { "bottom" }, if area.x0 == 0.0 { "left" } else { "right" })
        };
        let expected = [
            ("top", "left"),
            ("top", "right"),
            ("bottom", "right"),
            ("bottom", "left"),
            ("top", "left"),
            ("top", "right"),
            ("bottom", "right"),
            ("bottom", "left"),
        ];
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(corner), expected);
        assert_eq!([2, 4, 5, 7].map(|o| Turn::from_exif(o).unwrap().mirrors()), [true; 4]);
        assert_eq!([1, 3, 6, 8].map(|o| Turn::from_exif(o).unwrap().axes().determinant()), [1.0; 4]);
    }

    proptest! {
        #[test]
        fn boxes_masks_and_depth_stay_together(turn in turns(), bits in proptest::collection::vec(any::<bool>(), 35)) {
            let mask = Mask::from_bits(5, 7, bits.iter().copied()).unwrap();
            let metres = (0..5).flat_map(|y| (0..7).map(move |x| (x, y)));
            let metres = metres.map(|(x, y)| if bits[x * 5 + y] { 1.0 } else { 0.0 }).collect();
            let depth = turn.depth(DepthImage::new(7, 5, metres).unwrap());
            let turned = turn.mask(&mask).unwrap();
            prop_assert_eq!(turned.area(), mask.area());
            prop_assert!(turned.pixels().all(|(x, y)| depth.reading(x, y) == Some(1.0)));
            prop_assert_eq!((turned.width(), turned.height()), turn.size(7, 5));
            prop_assert_eq!(turned.bounds(), mask.bounds().map(|area| turn.pixel_box(&area, 7, 5)));
        }

        #[test]
        fn a_point_stays_on_its_pixel(
            turn in turns(), camera in intrinsics(), u in 0.0..639.0, v in 0.0..479.0, depth in 0.1..100.0,
        ) {
            let point = turn.axes() * camera.back_project(u, v, depth);
            let (x, y) = turn.intrinsics(&camera, 640, 480).project(&point).unwrap();
            let pixel = PixelBox { x0: u, y0: v, x1: u + 1.0, y1: v + 1.0 };
            let turned = turn.pixel_box(&pixel, 640, 480);
            prop_assert!((x - turned.x0).abs() < 1e-6 && (y - turned.y0).abs() < 1e-6);
        }
    }
}
