//! What stands in a JPEG file before its pixels, and whether it goes on to its end.
//!
//! ```text
//! FF D8 ─► segments, each with its length ─► FF C0..C2: the size ─► FF DA: a scan, in which FF is followed by 00 ─► ... ─► FF D9
//! ```

use super::Header;

/// The size, and the camera's note.
pub fn header(bytes: &[u8]) -> Result<Header, String> {
    let mut exif = None;
    for segment in Segments::of(bytes) {
        let (marker, data) = segment?;
        match marker {
            EXIF if exif.is_none() => exif = data.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec),
            SCAN => return Err("the JPEG has pixels before it says how many".to_owned()),
            _ if is_frame(marker) => {
                let &[precision, h0, h1, w0, w1, components, ..] = data else {
                    return Err("the JPEG's header is cut off".to_owned());
                };
                // Baseline, extended and progressive, as cameras and browsers have them.
                if !(0xc0..=0xc2).contains(&marker) || precision != 8 || !matches!(components, 1 | 3 | 4) {
                    return Err(format!(
                        "a JPEG of process {marker:02x} with {precision} bits and {components} components is not read"
                    ));
                }
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                let header = |exif| Header { width: side(w0, w1), height: side(h0, h1), exif };
                // Some writers have the note behind it.
                let later = || Segments::of(bytes).map_while(Result::ok).take_while(|(marker, _)| *marker != SCAN);
                let note = |(marker, data): (u8, &[u8])| {
                    data.strip_prefix(b"Exif\0\0").filter(|_| marker == EXIF).map(<[u8]>::to_vec)
                };
                return Ok(header(exif.or_else(|| later().find_map(note))));
            }
            _ => {}
        }
    }
    Err("the JPEG has no header".to_owned())
}

/// Walks to the end. A file that was cut, or is still being written, has none.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let mut scans = 0;
    for segment in Segments::of(bytes) {
        scans += usize::from(segment?.0 == SCAN);
    }
    if scans == 0 { Err("the JPEG has no pixels".to_owned()) } else { Ok(()) }
}

const EXIF: u8 = 0xe1;
const SCAN: u8 = 0xda;
const END: u8 = 0xd9;

/// All kinds of frames: what stands between is tables.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// The segments up to the end. A scan is one with what follows its head.
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    ended: bool,
}

impl<'a> Segments<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        // Behind FF D8, which whoever comes here has seen.
        Self { bytes, at: 2, ended: false }
    }

    /// The next FF with something behind it that is neither a filler nor, inside of a scan, a part of it.
    fn marker(&mut self) -> Option<u8> {
        loop {
            self.at += self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0xff)? + 1;
            match *self.bytes.get(self.at)? {
                0xff => {}
                // An escaped FF, a marker without anything, a restart.
                0x00 | 0x01 | 0xd0..=0xd7 => self.at += 1,
                marker => {
                    self.at += 1;
                    return Some(marker);
                }
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<(u8, &'a [u8]), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let cut = || format!("the JPEG breaks off: it has {} bytes and no end", self.bytes.len());
        let cut = cut();
        let Some(marker) = self.marker() else {
            self.ended = true;
            return Some(Err(cut));
        };
        if marker == END {
            self.ended = true;
            return None;
        }
        let length = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()).map(|two| u16::from_be_bytes(*two));
        let data = length.and_then(|length| self.bytes.get(self.at + 2..self.at + usize::from(length)));
        match (length, data) {
            (Some(length), Some(data)) => {
                self.at += usize::from(length);
                Some(Ok((marker, data)))
            }
            _ => {
                self.ended = true;
                Some(Err(cut))
            }
        }
    }
}
