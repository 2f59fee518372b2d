//! The pole of inaccessibility of a mask: the inner-most point, where a number can stand without touching what is beside it.

use super::Mask;

/// A point with the room that there is around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelPoint {
    /// Pixels from the picture's left edge.
    pub x: f64,
    /// Pixels from the picture's top edge.
    pub y: f64,
    /// Pixels: a circle of this radius around the point stays inside the mask and the picture.
    pub radius: f64,
}

/// A mask that is larger is looked at through a grid of this many points a side, so that a wall costs no more than a cup. The
/// point found is then off by a sixty-fourth of the mask's size at most, and so is the room around it.
const FINEST: u32 = 64;

impl Mask {
    /// The point of the mask that is furthest from everything outside it, `None` without pixels. Of several, the one nearest to the
    /// middle of the mask's bounds.
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let square = Mask::from_polygons(20, 20, [&[2.0, 2.0, 13.0, 2.0, 13.0, 13.0, 2.0, 13.0][..]])?;
    /// let label_point = square.label_point().unwrap();
    /// assert_eq!((label_point.x, label_point.y, label_point.radius), (7.5, 7.5, 5.5));
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn label_point(&self) -> Option<LabelPoint> {
        let bounds = self.bounds()?;
        // Exact: a mask's bounds are whole pixels of a picture.
        let (left, top) = (bounds.x0 as u32, bounds.y0 as u32);
        let (width, height) = (bounds.x1 as u32 - left, bounds.y1 as u32 - top);
        let step = width.max(height).div_ceil(FINEST);
        // A frame of points outside, because the picture's edge is an edge here.
        let (columns, rows) = (width.div_ceil(step) as usize + 2, height.div_ceil(step) as usize + 2);
        let mut distances = vec![0.0; columns * rows];
        for (start, end) in self.spans() {
            let picture_height = u64::from(self.height);
            // A run may go through the bottom of one column and the top of the next.
            for column in start / picture_height..=(end - 1) / picture_height {
                let x = column as u32 - left;
                if x % step != step / 2 && width > step {
                    continue;
                }
                let from = start.saturating_sub(column * picture_height) as u32 - top;
                let to = (end - column * picture_height).min(picture_height) as u32 - top;
                // From one point of the grid to the next.
                let first = if height > step { from + (step + step / 2 - from % step) % step } else { from };
                for y in (first..to).step_by(step as usize) {
                    distances[(x / step + 1) as usize * rows + (y / step + 1) as usize] = f64::INFINITY;
                }
            }
        }
        squared_distances(&mut distances, columns, rows);
        let off_middle = |at: usize| {
            let middle = |at: usize, points: usize| (at as f64 - 0.5 * (points - 1) as f64).powi(2);
            middle(at / rows, columns) + middle(at % rows, rows)
        };
        let best = (0..distances.len()).max_by(|a, b| {
            distances[*a]
                .total_cmp(&distances[*b])
                .then_with(|| off_middle(*b).total_cmp(&off_middle(*a)))
                .then(b.cmp(a))
        })?;
        if distances[best] == 0.0 {
            // Thinner than the grid: any pixel of it, with no room around.
            let (x, y) = self.pixels().next()?;
            return Some(LabelPoint { x: f64::from(x) + 0.5, y: f64::from(y) + 0.5, radius: 0.5 });
        }
        let centre = |at: usize, origin: u32| {
            let point = (at as u32 - 1) * step + if step > 1 { step / 2 } else { 0 };
            f64::from(origin + point) + 0.5
        };
        // From the point's middle to the nearest edge of a point outside.
        let radius = (distances[best].sqrt() - 0.5) * f64::from(step);
        Some(LabelPoint { x: centre(best / rows, left), y: centre(best % rows, top), radius })
    }
}

/// Puts the squared distance to the nearest 0 in the place of each infinity, column-major: exact and in linear time, by the
/// lower envelope of parabolas (Felzenszwalb and Huttenlocher, Theory of Computing 2012), one axis after the other.
fn squared_distances(grid: &mut [f64], columns: usize, rows: usize) {
    let mut envelope = Envelope::default();
    let mut line = vec![0.0; rows.max(columns)];
    for column in grid.chunks_mut(rows) {
        line[..rows].copy_from_slice(column);
        envelope.transform(&line[..rows], |at, distance| column[at] = distance);
    }
    for row in 0..rows {
        for column in 0..columns {
            line[column] = grid[column * rows + row];
        }
        envelope.transform(&line[..columns], |at, distance| grid[at * rows + row] = distance);
    }
}

/// The lower envelope of parabolas that stand on a line; its buffers are reused from line to line.
#[derive(Default)]
struct Envelope {
    /// Where each parabola of the envelope stands, and where it begins to be the lowest.
    parabolas: Vec<(usize, f64)>,
}

impl Envelope {
    fn transform(&mut self, heights: &[f64], mut put: impl FnMut(usize, f64)) {
        self.parabolas.clear();
        for (at, height) in heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
            let mut begins = f64::NEG_INFINITY;
            while let Some((other, other_begins)) = self.parabolas.last().copied() {
                // Where the two cross.
                let (p, q) = (at as f64, other as f64);
                begins = ((height + p * p) - (heights[other] + q * q)) / (2.0 * (p - q));
                if begins > other_begins {
                    break;
                }
                self.parabolas.pop();
                begins = f64::NEG_INFINITY;
            }
            self.parabolas.push((at, begins));
        }
        let mut lowest = 0;
        for at in 0..heights.len() {
            while self.parabolas.get(lowest + 1).is_some_and(|(_, begins)| *begins <= at as f64) {
                lowest += 1;
            }
            let distance = self.parabolas.get(lowest).map_or(f64::INFINITY, |(foot, _)| {
                let away = at as f64 - *foot as f64;
                away * away + heights[*foot]
            });
            put(at, distance);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn brute_force(mask: &Mask) -> Option<f64> {
        let inside = |x: i64, y: i64| x >= 0 && y >= 0 && mask.contains(x as u32, y as u32);
        let distance = |x: u32, y: u32| {
            let (x, y) = (i64::from(x), i64::from(y));
            let mut nearest = f64::INFINITY;
            for other_x in -1..=i64::from(mask.width()) {
                for other_y in -1..=i64::from(mask.height()) {
                    if !inside(other_x, other_y) {
                        nearest = nearest.min(((x - other_x) as f64).hypot((y - other_y) as f64));
                    }
                }
            }
            nearest
        };
        mask.pixels().map(|(x, y)| distance(x, y)).max_by(f64::total_cmp)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_anchor_is_as_far_inside_as_any_pixel(height in 1u32..14, width in 1u32..14, bits in prop::collection::vec(prop::bool::weighted(0.8), 169)) {
            let mask = Mask::from_bits(height, width, bits.into_iter().take((height * width) as usize)).unwrap();
            let label_point = mask.label_point();
            prop_assert_eq!(label_point.is_none(), mask.is_empty());
            if let Some(label_point) = label_point {
                prop_assert!(mask.contains(label_point.x as u32, label_point.y as u32));
                let furthest = brute_force(&mask).unwrap();
                prop_assert!((label_point.radius + 0.5 - furthest).abs() < 1e-9, "{:?}, {}", label_point, furthest);
            }
        }
    }

    #[test]
    fn a_large_mask_has_its_anchor_near_its_middle() {
        let ring: Vec<(u64, u64)> = (0..2000u64).map(|x| (x * 1500 + 100, x * 1500 + 900)).collect();
        let label_point = Mask::from_spans(1500, 2000, ring).unwrap().label_point().unwrap();
        assert!((label_point.y - 500.0).abs() < 40.0 && (label_point.radius - 400.0).abs() < 40.0, "{label_point:?}");
    }

    #[test]
    fn what_is_thinner_than_the_grid_has_an_anchor_on_it() {
        let line = Mask::from_spans(1000, 1000, (0..1000u64).map(|x| (x * 1000 + x, x * 1000 + x + 1))).unwrap();
        let label_point = line.label_point().unwrap();
        assert!(line.contains(label_point.x as u32, label_point.y as u32), "{label_point:?}");
    }
}
