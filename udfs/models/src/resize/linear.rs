//! OpenCV's `INTER_LINEAR` on bytes: weights of 11 bits, sums of 22, rounded at the end.

use crate::{Rgb, Size};

/// The picture at another size, bit for bit as `cv2.resize(..., interpolation=cv2.INTER_LINEAR)` makes it.
///
/// ```
/// use spatialmill_models::resize::linear;
/// use spatialmill_models::{Rgb, Size};
/// let picture = Rgb::new(2, 1, vec![0, 10, 20, 100, 110, 120]).unwrap();
/// // The middle of three lies half-way; the outer two lie beyond the outer centres, where the nearest pixel counts.
/// let wider = linear(&picture, Size { width: 3, height: 1 });
/// assert_eq!(wider.pixels(), [0, 10, 20, 50, 60, 70, 100, 110, 120]);
/// ```
pub fn linear(picture: &Rgb, to: Size) -> Rgb {
    if picture.size() == to {
        return picture.clone();
    }
    let columns: Vec<Tap> = (0..to.width).map(|x| Tap::new(x, picture.width(), to.width).within()).collect();
    let stride = 3 * picture.width() as usize;
    // Each output row needs a source row and the next one, so two places do, by odd and even.
    let mut rows = [vec![0; 3 * to.width as usize], vec![0; 3 * to.width as usize]];
    let mut held = [usize::MAX; 2];
    let mut pixels = vec![0; 3 * to.width as usize * to.height as usize];
    for (y, out) in pixels.chunks_exact_mut(3 * to.width as usize).enumerate() {
        // Fits: `y` counts the rows of `to`.
        let tap = Tap::new(y as u32, picture.height(), to.height);
        for row in [tap.first, tap.second] {
            if held[row % 2] != row {
                across(&picture.pixels()[stride * row..stride * (row + 1)], &columns, &mut rows[row % 2]);
                held[row % 2] = row;
            }
        }
        down(&rows[tap.first % 2], &rows[tap.second % 2], tap.weights, out);
    }
    Rgb::new(to.width, to.height, pixels).expect("as many pixels as the size says")
}

/// Which two pixels count, and how much, in parts of 2048.
#[derive(Debug, Clone, Copy)]
struct Tap {
    first: usize,
    second: usize,
    weights: [u32; 2],
    /// Whether the place lies before the first or behind the last pixel's centre.
    outside: bool,
}

impl Tap {
    /// For pixel `at` of a side of `to` pixels that had `from`. In single precision where OpenCV is: its weights depend on it.
    fn new(at: u32, from: u32, to: u32) -> Self {
        let scale = 1.0 / (f64::from(to) / f64::from(from));
        let place = ((f64::from(at) + 0.5) * scale - 0.5) as f32;
        let floor = place.floor();
        let part = place - floor;
        let weight = |part: f32| (part * 2048.0).round_ties_even() as u32;
        let last = from as usize - 1;
        // `floor` is -1 at the least, which the cast would make 0 as well, but then the second would be 1.
        let (first, second) = if floor < 0.0 { (0, 0) } else { (floor as usize, floor as usize + 1) };
        Self {
            first: first.min(last),
            second: second.min(last),
            weights: [weight(1.0 - part), weight(part)],
            outside: floor < 0.0 || first >= last,
        }
    }

    /// Along rows OpenCV takes the outermost pixel alone where a place lies outside. Down columns it keeps both weights on the same
    /// pixel, which sometimes rounds differently by 1.
    fn within(self) -> Self {
        if self.outside { Self { weights: [2048, 0], ..self } } else { self }
    }
}

/// One row of the source at the new width; four of the eleven bits are dropped, as OpenCV does before it goes down.
fn across(source: &[u8], columns: &[Tap], out: &mut [u16]) {
    for (tap, out) in columns.iter().zip(out.chunks_exact_mut(3)) {
        let a = &source[3 * tap.first..3 * tap.first + 3];
        let b = &source[3 * tap.second..3 * tap.second + 3];
        for channel in 0..3 {
            let sum = u32::from(a[channel]) * tap.weights[0] + u32::from(b[channel]) * tap.weights[1];
            // At most 255 · 2048 / 16.
            out[channel] = (sum >> 4) as u16;
        }
    }
}

fn down(above: &[u16], below: &[u16], weights: [u32; 2], out: &mut [u8]) {
    for ((above, below), out) in above.iter().zip(below).zip(out) {
        let sum = ((u32::from(*above) * weights[0]) >> 16) + ((u32::from(*below) * weights[1]) >> 16);
        *out = ((sum + 2) >> 2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_a_picture_of_the_same_size_and_one_colour() {
        let picture = Rgb::new(3, 2, (0..18).collect()).unwrap();
        assert_eq!(linear(&picture, picture.size()), picture);
        let grey = Rgb::new(5, 4, vec![77; 60]).unwrap();
        assert!(linear(&grey, Size { width: 13, height: 3 }).pixels().iter().all(|value| *value == 77));
    }

    #[test]
    fn halving_averages_four() {
        let picture = Rgb::new(2, 2, vec![1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 4, 4]).unwrap();
        // 11 / 4, rounded.
        assert_eq!(linear(&picture, Size { width: 1, height: 1 }).pixels(), [3, 3, 3]);
    }

    proptest! {
        #[test]
        fn stays_between_its_neighbours(
            (w, h, pixels) in (1..9_u32, 1..9_u32).prop_flat_map(|(w, h)| {
                (Just(w), Just(h), proptest::collection::vec(any::<u8>(), (3 * w * h) as usize))
            }),
            width in 1..30_u32, height in 1..30_u32,
        ) {
            let (least, most) = (*pixels.iter().min().unwrap(), *pixels.iter().max().unwrap());
            let resized = linear(&Rgb::new(w, h, pixels).unwrap(), Size { width, height });
            // Truncating twice may lose one.
            prop_assert!(resized.pixels().iter().all(|v| (least.saturating_sub(1)..=most).contains(v)));
        }
    }
}
