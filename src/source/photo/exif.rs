//! What a camera noted in a photo: how it was held, and its focal length.
//!
//! EXIF is a small TIFF file: directories of entries, each a tag with a value or the place of one.
//!
//! ```text
//! II 42 ─► directory ─┬─ 0x0112 orientation
//!                     └─ 0x8769 ─► directory ─┬─ 0xa405 focal length as of 35 mm film
//!                                             └─ 0x920a focal length, 0xa20e pixels in a unit of the sensor
//! ```
//!
//! Nine tags are looked up where they are: nothing is allocated and no directory is visited twice, so that a note made to hurt
//! cannot. The libraries that we know collect the entries of all directories that a note claims to have, in quadratic memory.

/// Millimetres: the diagonal of 35 mm film, 36 by 24. Equal focal lengths "in 35 mm film" see equal diagonals (CIPA DCG-001).
const FILM_DIAGONAL: f64 = 43.266_615_305_567_87;

/// Millimetres as of 35 mm film. Wider than a fisheye or longer than a telescope is a wrong note.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 10.0..=1000.0;

/// A picture of another shape than was taken was cropped, and what was noted is not true of it any more.
const SAME_SHAPE: f64 = 0.01;

/// What was noted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exif {
    /// 1 to 8; 1 where nothing usable was noted.
    pub orientation: u8,
    /// Pixels along the stored width and height.
    pub focal: Option<[f64; 2]>,
}

impl Exif {
    /// Of a picture that is stored with this width and height.
    pub fn read(note: &[u8], width: u32, height: u32) -> Self {
        Self::found(note, f64::from(width), f64::from(height)).unwrap_or(Self { orientation: 1, focal: None })
    }

    fn found(note: &[u8], width: f64, height: f64) -> Option<Self> {
        let tiff = Tiff::open(note)?;
        let first = tiff.directory(tiff.u32(4)?)?;
        let orientation = first.number(0x0112).filter(|turn| (1.0..=8.0).contains(turn)).map_or(1, |turn| turn as u8);
        let camera = first.number(0x8769).and_then(|at| tiff.directory(at as u32));
        let focal = camera.and_then(|camera| focal(&camera, width, height));
        Some(Self { orientation, focal })
    }
}

fn focal(camera: &Directory, width: f64, height: f64) -> Option<[f64; 2]> {
    let positive = |tag| camera.number(tag).filter(|value| *value > 0.0);
    let taken = positive(0xa002).zip(positive(0xa003));
    // An editor may have turned the pixels and left the note.
    let shape = |a: f64, b: f64| a.max(b) / a.min(b);
    if taken.is_some_and(|(w, h)| (shape(w, h) / shape(width, height) - 1.0).abs() > SAME_SHAPE) {
        return None;
    }
    let diagonal = width.hypot(height);
    let plausible = |[x, y]: &[f64; 2]| {
        // The same film's diagonal, seen along each side.
        [x, y].into_iter().all(|focal| PLAUSIBLE.contains(&(focal / diagonal * FILM_DIAGONAL)))
    };
    if let Some(film) = positive(0xa405) {
        return Some([film / FILM_DIAGONAL * diagonal; 2]).filter(plausible);
    }
    let millimetres = match camera.number(0xa210).unwrap_or(2.0) {
        2.0 => 25.4,
        3.0 => 10.0,
        4.0 => 1.0,
        5.0 => 1e-3,
        _ => return None,
    };
    let (length, (taken_width, taken_height)) = (positive(0x920a)?, taken?);
    let x = positive(0xa20e)?;
    let y = positive(0xa20f).unwrap_or(x);
    // A resolution is of the pixels that were taken, whose sides an editor may have turned.
    let scale = width.max(height) / taken_width.max(taken_height);
    Some([x, y].map(|resolution| length * resolution / millimetres * scale)).filter(plausible)
}

/// The bytes of a note.
#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// A directory's entries, twelve bytes each.
struct Directory<'a> {
    tiff: Tiff<'a>,
    entries: &'a [[u8; 12]],
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        // Some writers put JPEG's prefix into PNG, too.
        let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
        let little = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn array<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        let at = at as usize;
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: u32) -> Option<u16> {
        self.array(at).map(|bytes| if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, at: u32) -> Option<u32> {
        self.array(at).map(|bytes| if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// A directory that is cut off has the entries that are there.
    fn directory(&self, at: u32) -> Option<Directory<'a>> {
        let count = usize::from(self.u16(at)?);
        let entries = self.bytes.get((at as usize).checked_add(2)?..)?.as_chunks::<12>().0;
        Some(Directory { tiff: *self, entries: &entries[..count.min(entries.len())] })
    }
}

impl Directory<'_> {
    /// The first number of a tag.
    fn number(&self, tag: u16) -> Option<f64> {
        let own = |entry: &&[u8; 12]| Tiff { bytes: &entry[..], ..self.tiff }.u16(0) == Some(tag);
        let entry = Tiff { bytes: self.entries.iter().find(own)?, ..self.tiff };
        let ratio = |read: fn(u32) -> f64| {
            let at = entry.u32(8)?;
            let (over, under) = (self.tiff.u32(at)?, self.tiff.u32(at.checked_add(4)?)?);
            Some(read(over) / read(under)).filter(|ratio| ratio.is_finite())
        };
        if entry.u32(4)? == 0 {
            return None;
        }
        match entry.u16(2)? {
            3 => entry.u16(8).map(f64::from),
            4 => entry.u32(8).map(f64::from),
            5 => ratio(f64::from),
            9 => entry.u32(8).map(|bits| f64::from(bits.cast_signed())),
            10 => ratio(|bits| f64::from(bits.cast_signed())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Value {
        Short(u16),
        Ratio(u32, u32),
    }
    use Value::{Ratio, Short};

    /// A note with an orientation and the camera's tags, in either byte order.
    fn note(little: bool, orientation: u16, camera: &[(u16, Value)]) -> Vec<u8> {
        let two = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let four = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut bytes = if little { b"II\x2a\0".to_vec() } else { b"MM\0\x2a".to_vec() };
        let inner = 8 + 2 + 2 * 12 + 4;
        let mut values = inner + 2 + 12 * camera.len() as u32 + 4;
        bytes.extend(four(8));
        bytes.extend([two(2), two(0x0112), two(3)].concat());
        bytes.extend([&four(1)[..], &two(orientation), &two(0)].concat());
        bytes.extend([&two(0x8769)[..], &two(4), &four(1), &four(inner), &four(0)].concat());
        bytes.extend(two(camera.len() as u16));
        let mut after = Vec::new();
        for (tag, value) in camera {
            match value {
                Short(n) => bytes.extend([&two(*tag)[..], &two(3), &four(1), &two(*n), &two(0)].concat()),
                Ratio(over, under) => {
                    bytes.extend([&two(*tag)[..], &two(5), &four(1), &four(values)].concat());
                    after.extend([four(*over), four(*under)].concat());
                    values += 8;
                }
            }
        }
        bytes.extend(four(0));
        bytes.extend(after);
        bytes
    }

    fn check(camera: &[(u16, Value)], size: (u32, u32), expected: Option<[f64; 2]>) {
        for little in [true, false] {
            let found = Exif::read(&note(little, 6, camera), size.0, size.1);
            assert_eq!(found.orientation, 6);
            match (found.focal, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) => {
                    assert!((0..2).all(|i| (found[i] - expected[i]).abs() < 1e-6), "{found:?}, not {expected:?}");
                }
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn the_focal_length_is_in_pixels() {
        // A film of 36 x 24 mm at 100 pixels a millimetre.
        check(&[(0xa405, Short(50))], (3600, 2400), Some([5000.0; 2]));
        // The same angle of view on 4:3: the diagonal is 5000 pixels.
        check(&[(0xa405, Short(43))], (4000, 3000), Some([43.0 / FILM_DIAGONAL * 5000.0; 2]));
        // 4 mm before a sensor of 5.76 mm with 4000 pixels, scaled down to a quarter.
        let sensor = || {
            vec![
                (0x920a, Ratio(4, 1)),
                (0xa20e, Ratio(4_000_000, 576)),
                (0xa20f, Ratio(4_000_000, 576)),
                (0xa210, Short(3)),
                (0xa002, Short(4000)),
                (0xa003, Short(3000)),
            ]
        };
        check(&sensor(), (1000, 750), Some([4.0 / 5.76 * 1000.0; 2]));
        check(&sensor(), (750, 1000), Some([4.0 / 5.76 * 1000.0; 2]));
        // Cropped.
        check(&sensor(), (1000, 1000), None);
        check(&[(0xa405, Short(50)), (0xa002, Short(4000)), (0xa003, Short(3000))], (1000, 1000), None);
    }

    #[test]
    fn an_implausible_focal_length_is_none() {
        for film in [0, 2, 9, 1001, 65535] {
            check(&[(0xa405, Short(film))], (3600, 2400), None);
        }
        check(&[(0x920a, Ratio(4, 0))], (3600, 2400), None);
        check(&[], (3600, 2400), None);
    }

    #[test]
    fn damaged_notes_say_nothing() {
        let whole = note(true, 6, &[(0xa405, Short(50)), (0x920a, Ratio(4, 1))]);
        for end in 0..whole.len() {
            let exif = Exif::read(&whole[..end], 3600, 2400);
            assert!((1..=8).contains(&exif.orientation));
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let exif = Exif::read(&damaged, 3600, 2400);
                assert!(exif.focal.is_none_or(|focal| focal[0].is_finite() && focal[0] > 0.0));
            }
        }
        // A directory that is its own child, and values behind the end of the file.
        let mut own = note(true, 1, &[(0xa405, Short(50))]);
        own[30..34].copy_from_slice(&8_u32.to_le_bytes());
        assert_eq!(Exif::read(&own, 3600, 2400).focal, None);
        for orientation in [0, 9, 65535] {
            assert_eq!(Exif::read(&note(true, orientation, &[]), 10, 10).orientation, 1);
        }
    }
}
