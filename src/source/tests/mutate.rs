//! Damaged copies of a file, the same ones every time: what disks, networks, other people's scripts and attackers do to data.

/// A damaged copy and what was done to it.
pub struct Mutant {
    pub what: String,
    pub bytes: Vec<u8>,
}

/// `count` damaged copies of `original`.
pub fn mutants(original: &[u8], count: usize, seed: u64) -> impl Iterator<Item = Mutant> {
    let mut dice = Dice(seed);
    (0..count).map(move |_| mutant(original, &mut dice))
}

fn mutant(original: &[u8], dice: &mut Dice) -> Mutant {
    let mut bytes = original.to_vec();
    let length = bytes.len();
    let at = dice.below(length.max(1));
    let end = (at + 1 + dice.below(64)).min(length);
    let what = match dice.below(11) {
        _ if length == 0 => "nothing to damage".to_owned(),
        0 => {
            bytes[at] ^= 1 << dice.below(8);
            format!("a bit of byte {at} flipped")
        }
        1 => {
            for _ in 0..16 {
                let at = dice.below(length);
                bytes[at] ^= 1 << dice.below(8);
            }
            "16 bits flipped".to_owned()
        }
        2 => {
            bytes.truncate(at);
            format!("cut off after {at} bytes")
        }
        3 => {
            bytes.clear();
            "emptied".to_owned()
        }
        4 => {
            bytes.iter_mut().take(8).for_each(|byte| *byte = dice.below(256) as u8);
            "the first 8 bytes replaced".to_owned()
        }
        5 => {
            bytes[at..end].fill(0);
            format!("bytes {at}..{end} zeroed")
        }
        6 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
            format!("bytes {at}..{end} doubled")
        }
        7 => {
            bytes.drain(at..end);
            format!("bytes {at}..{end} removed")
        }
        8 => {
            bytes.extend_from_slice(&original[at..]);
            format!("its end from byte {at} on appended")
        }
        9 => {
            bytes.splice(at..at, std::iter::repeat_n(b'[', 200_000));
            format!("200000 brackets put in at byte {at}")
        }
        _ => huge(&mut bytes, at, dice),
    };
    Mutant { what, bytes }
}

/// Numbers that promise more than there is, with checksums mended so that they are believed.
fn huge(bytes: &mut Vec<u8>, at: usize, dice: &mut Dice) -> String {
    if bytes.starts_with(b"\x89PNG") && bytes.len() > 33 {
        bytes[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let crc = crc32(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&crc);
        return "the PNG's sides set to 2^31 - 1".to_owned();
    }
    if bytes.starts_with(b"\xff\xd8")
        && let Some(frame) = bytes.windows(2).position(|marker| marker[0] == 0xff && matches!(marker[1], 0xc0 | 0xc2))
        && frame + 9 < bytes.len()
    {
        bytes[frame + 5..frame + 9].fill(0xff);
        return "the JPEG's sides set to 65535".to_owned();
    }
    // The next number in text, or four bytes of a binary file.
    let digits = bytes[at..].iter().position(u8::is_ascii_digit).map(|start| at + start);
    match digits {
        Some(start) => {
            let end = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |n| start + n);
            let number = ["99999999999999999999", "4294967295", "1e308", "-1", "1e999", "nan"][dice.below(6)];
            bytes.splice(start..end, number.bytes());
            format!("the number at byte {start} set to {number}")
        }
        None => {
            let end = (at + 4).min(bytes.len());
            bytes[at..end].fill(0xff);
            format!("bytes {at}..{end} set to 255")
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

/// SplitMix64: enough to choose where to hit.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
