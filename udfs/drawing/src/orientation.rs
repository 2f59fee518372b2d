//! The note in a photo's file by which a loader may turn it: EXIF's orientation, which XMP may repeat.
//!
//! Some loaders obey it and some do not. A file without the note is seen one way up by all of them, and its pixels stay as they are, bit for bit.

/// The same file without what states an orientation other than upright; `None` where it states none. What else the camera noted goes with it, because
/// it stands in the same block. Bytes that are no JPEG or PNG state nothing.
///
/// ```
/// // A start, a block of EXIF with orientation 6 as its only note, and an end.
/// let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
/// let jpeg = [b"\xFF\xD8\xFF\xE1\0\x22", &exif[..], b"\xFF\xD9"].concat();
/// assert_eq!(spatialmill_drawing::without_orientation(&jpeg), Some(b"\xFF\xD8\xFF\xD9".to_vec()));
/// assert_eq!(spatialmill_drawing::without_orientation(b"\xFF\xD8\xFF\xD9"), None);
/// ```
pub fn without_orientation(bytes: &[u8]) -> Option<Vec<u8>> {
    let blocks = match bytes {
        [0xFF, 0xD8, ..] => jpeg_blocks(bytes),
        _ if bytes.starts_with(PNG) => png_blocks(bytes),
        _ => return None,
    };
    if !blocks.iter().any(|block| block.states_another) {
        return None;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for block in blocks {
        kept.extend_from_slice(&bytes[from..block.start]);
        from = block.end;
    }
    kept.extend_from_slice(&bytes[from..]);
    Some(kept)
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A part of a file that may state an orientation.
struct Block {
    start: usize,
    end: usize,
    /// It states one that is not upright, or it cannot be known what it states.
    states_another: bool,
}

/// The segments of EXIF and XMP. Loaders put several of them together, so all go when one does.
fn jpeg_blocks(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 2;
    while let Some(&[0xFF, marker]) = bytes.get(at..at + 2) {
        match marker {
            // Fill bytes.
            0xFF => {
                at += 1;
                continue;
            }
            0x01 | 0xD0..=0xD7 => {
                at += 2;
                continue;
            }
            // Pixels begin, or the file ends.
            0xD9 | 0xDA => break,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { break };
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let Some(content) = bytes.get(at + 4..end) else { break };
        if marker == 0xE1 {
            if let Some(tiff) = content.strip_prefix(b"Exif\0") {
                // A byte of padding follows.
                let states_another = tiff.get(1..).is_some_and(exif_states_another);
                blocks.push(Block { start: at, end, states_another });
            } else if content.starts_with(b"http://ns.adobe.com/x") {
                blocks.push(Block { start: at, end, states_another: xmp_states_another(content) });
            }
        }
        at = end;
    }
    blocks
}

/// The chunks of EXIF and XMP, and what programs put EXIF into before it had a chunk of its own. What is compressed is taken to state something.
fn png_blocks(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = PNG.len();
    while let Some(&[a, b, c, d]) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        // Its length, its name, what it holds, and a sum.
        let end = at + 12 + length;
        let (Some(name), Some(content)) = (bytes.get(at + 4..at + 8), bytes.get(at + 8..at + 8 + length)) else {
            break;
        };
        if end > bytes.len() {
            break;
        }
        let is_profile =
            content.starts_with(b"Raw profile type exif\0") || content.starts_with(b"Raw profile type APP1\0");
        match name {
            b"eXIf" => blocks.push(Block { start: at, end, states_another: exif_states_another(content) }),
            b"tEXt" | b"zTXt" | b"iTXt" if is_profile => blocks.push(Block { start: at, end, states_another: true }),
            b"iTXt" if content.starts_with(b"XML:com.adobe.xmp\0") => {
                let is_compressed = content.get(18).is_some_and(|flag| *flag == 1);
                blocks.push(Block { start: at, end, states_another: is_compressed || xmp_states_another(content) });
            }
            _ => {}
        }
        at = end;
    }
    blocks
}

/// EXIF is a TIFF file; the orientation is the entry 0x0112 of its first folder.
fn exif_states_another(tiff: &[u8]) -> bool {
    let Some(little) = (match tiff.get(..2) {
        Some(b"II") => Some(true),
        Some(b"MM") => Some(false),
        _ => None,
    }) else {
        return false;
    };
    let short = |at: usize| {
        let two: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    };
    let long = |at: usize| {
        let four: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let Some(folder) = long(4).map(|at| at as usize) else { return false };
    let entries = short(folder).unwrap_or(0);
    (0..usize::from(entries)).any(|entry| {
        let at = folder + 2 + entry * 12;
        if short(at) != Some(0x0112) {
            return false;
        }
        // Two bytes by the standard; one and four are seen, too.
        let value = match short(at + 2) {
            Some(1) => tiff.get(at + 8).map(|byte| u32::from(*byte)),
            Some(4 | 9) => long(at + 8),
            _ => short(at + 8).map(u32::from),
        };
        value != Some(1)
    })
}

/// `tiff:Orientation="6"` or `<tiff:Orientation>6</tiff:Orientation>`.
fn xmp_states_another(xmp: &[u8]) -> bool {
    const NAME: &[u8] = b"tiff:Orientation";
    memchr::memmem::find_iter(xmp, NAME).any(|at| {
        let after = xmp.get(at + NAME.len()..).unwrap_or_default();
        let value = after.iter().find(|byte| !b"=\"'> \t\r\n".contains(byte));
        value.is_some_and(|value| value.is_ascii_digit() && *value != b'1')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(little: bool, kind: u16, value: u32) -> Vec<u8> {
        let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let value = match kind {
            3 => [&short(value as u16)[..], &[0; 2]].concat(),
            _ => long(value).to_vec(),
        };
        let head = if little { b"II" } else { b"MM" };
        // Another entry stands before it.
        [
            &head[..],
            &short(42),
            &long(8),
            &short(2),
            &short(0x010F),
            &short(2),
            &long(1),
            &[0; 4],
            &short(0x0112),
            &short(kind),
            &long(1),
            &value,
            &long(0),
        ]
        .concat()
    }

    fn segment(content: &[u8]) -> Vec<u8> {
        [b"\xFF\xE1", &(content.len() as u16 + 2).to_be_bytes()[..], content].concat()
    }

    fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
        // In the pixels, nothing is a segment.
        [b"\xFF\xD8", &segments.concat()[..], b"\xFF\xDB\0\x03\x07\xFF\xDA\0\x02", &segment(b"Exif\0\0"), b"\xFF\xD9"]
            .concat()
    }

    fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32).to_be_bytes()[..], name, content, b"_sum"].concat()
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        [PNG, &chunk(b"IHDR", &[0; 13]), &chunk(b"IDAT", b"pixels"), &chunks.concat(), &chunk(b"IEND", b"")].concat()
    }

    #[test]
    fn whatever_turns_a_photo_goes_and_everything_else_stays() {
        let exif = |little, kind, value| [b"Exif\0\0", &tiff(little, kind, value)[..]].concat();
        let xmp = |text: &str| [b"http://ns.adobe.com/xap/1.0/\0", text.as_bytes()].concat();
        let upright = segment(&exif(true, 3, 1));
        for turned in [
            exif(true, 3, 6),
            exif(false, 3, 8),
            exif(false, 4, 3),
            exif(true, 3, 0),
            xmp("<x tiff:Orientation=\"6\"/>"),
            xmp("<tiff:Orientation>3</tiff:Orientation>"),
            xmp("<x tiff:Orientation = '8'/>"),
        ] {
            let profile = segment(b"Photoshop");
            let file = jpeg(&[upright.clone(), segment(&turned), profile.clone()]);
            assert_eq!(without_orientation(&file), Some(jpeg(&[profile])), "{turned:?}");
        }
        for plain in
            [exif(true, 3, 1), exif(false, 4, 1), xmp("<x tiff:Orientation=\"1\"/>"), xmp("<x/>"), b"Exif\0\0".to_vec()]
        {
            assert_eq!(without_orientation(&jpeg(&[segment(&plain)])), None, "{plain:?}");
        }
        let xmp = |flag: u8, text: &str| [b"XML:com.adobe.xmp\0", &[flag, 0, 0, 0][..], text.as_bytes()].concat();
        for (name, turned) in [
            (b"eXIf", tiff(true, 3, 6)),
            (b"iTXt", xmp(0, "tiff:Orientation=\"6\"")),
            (b"iTXt", xmp(1, "compressed")),
            (b"zTXt", b"Raw profile type exif\0\0compressed".to_vec()),
        ] {
            let time = chunk(b"tIME", &[0; 7]);
            assert_eq!(
                without_orientation(&png(&[chunk(name, &turned), time.clone()])),
                Some(png(&[time])),
                "{turned:?}"
            );
        }
        assert_eq!(without_orientation(&png(&[chunk(b"eXIf", &tiff(false, 3, 1)), chunk(b"iTXt", &xmp(0, ""))])), None);
    }

    #[test]
    fn what_breaks_off_states_nothing_and_nothing_panics() {
        for file in [
            jpeg(&[segment(&[b"Exif\0\0", &tiff(true, 3, 6)[..]].concat())]),
            png(&[chunk(b"eXIf", &tiff(false, 3, 6))]),
        ] {
            assert!(without_orientation(&file).is_some());
            for cut in 0..file.len() {
                let _ = without_orientation(&file[..cut]);
                let mut bent = file.clone();
                bent[cut] = 0xFF;
                let _ = without_orientation(&bent);
            }
        }
    }
}
