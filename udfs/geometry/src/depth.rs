//! Depth images: metres along the camera's z axis, row by row from the top.

use thiserror::Error;

/// 0, negative, infinite and NaN mean that there is no reading.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthImage {
    width: u32,
    height: u32,
    metres: Vec<f32>,
}

/// A depth image with a size that its readings do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a depth image of {width} x {height} needs as many readings and at least one, not {readings}")]
pub struct DepthShapeError {
    pub width: u32,
    pub height: u32,
    pub readings: usize,
}

impl DepthImage {
    pub fn new(width: u32, height: u32, metres: Vec<f32>) -> Result<Self, DepthShapeError> {
        let fits = u64::from(width) * u64::from(height) == metres.len() as u64 && !metres.is_empty();
        let readings = metres.len();
        if fits { Ok(Self { width, height, metres }) } else { Err(DepthShapeError { width, height, readings }) }
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// The reading at a pixel of the depth image; `None` without one, or outside.
    pub fn reading(&self, x: u32, y: u32) -> Option<f64> {
        if x >= self.width || y >= self.height {
            return None;
        }
        // Fits: the readings are in memory.
        let metres = self.metres[y as usize * self.width as usize + x as usize];
        (metres.is_finite() && metres > 0.0).then(|| metres.into())
    }

    /// The pixel of the depth image that lies under the centre of pixel `(x, y)` of a picture of `width` x `height`
    /// that shows the same view.
    ///
    /// ```
    /// use spatialmill_geometry::DepthImage;
    /// let depth = DepthImage::new(2, 1, vec![1.0, 3.0])?;
    /// assert_eq!(depth.under(639, 0, 1280, 960), (0, 0));
    /// assert_eq!(depth.under(640, 0, 1280, 960), (1, 0));
    /// # Ok::<(), spatialmill_geometry::DepthShapeError>(())
    /// ```
    pub fn under(&self, x: u32, y: u32, width: u32, height: u32) -> (u32, u32) {
        // (x + ½) · own / theirs, cut down to a whole pixel; the result is less than `own` for x less than `theirs`.
        let scaled = |at: u32, own: u32, theirs: u32| {
            let pixel = (2 * u128::from(at) + 1) * u128::from(own) / (2 * u128::from(theirs.max(1)));
            u32::try_from(pixel).unwrap_or(u32::MAX)
        };
        (scaled(x, self.width, width), scaled(y, self.height, height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_readings_from_gaps() {
        let depth = DepthImage::new(3, 2, vec![0.0, f32::NAN, f32::INFINITY, -1.0, 2.5, 4.0]).unwrap();
        let readings: Vec<_> =
            (0..2).flat_map(|y| (0..3).map(move |x| (x, y))).map(|(x, y)| depth.reading(x, y)).collect();
        assert_eq!(readings, [None, None, None, None, Some(2.5), Some(4.0)]);
        assert_eq!((depth.reading(3, 0), depth.reading(0, 2)), (None, None));
    }

    #[test]
    fn refuses_sizes_that_do_not_fit() {
        assert!(DepthImage::new(2, 2, vec![1.0; 3]).is_err());
        assert!(DepthImage::new(0, 0, vec![]).is_err());
        assert!(DepthImage::new(u32::MAX, u32::MAX, vec![1.0]).is_err());
    }

    #[test]
    fn the_same_size_maps_onto_itself() {
        let depth = DepthImage::new(7, 5, vec![1.0; 35]).unwrap();
        assert!((0..7).all(|x| depth.under(x, 4, 7, 5) == (x, 4)));
        assert_eq!(depth.under(13, 9, 14, 10), (6, 4));
    }
}
