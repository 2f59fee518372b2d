//! COCO's compressed run lengths: a string of characters from '0' to 'o'.
//!
//! From the fourth count on, the difference to the count two before is written. A number is cut into groups of five
//! bits, lowest first; a sixth bit says that more follow; each group plus 48 is a character. The last group's top bit
//! is the number's sign.

use super::{Mask, MaskError, Runs};

const FIRST_CHARACTER: u8 = 48;
const PAYLOAD_BITS: u32 = 5;
const MORE: u8 = 0x20;
const SIGN: u8 = 0x10;

/// More groups than any count of a picture below 2^28 pixels needs: its difference has 29 bits and a sign.
const MAX_GROUPS: u32 = 6;

pub(super) fn encode(runs: &[u32]) -> String {
    let mut text = String::new();
    for (i, &run) in runs.iter().enumerate() {
        let before = if i > 2 { i64::from(runs[i - 2]) } else { 0 };
        let mut number = i64::from(run) - before;
        loop {
            // The lowest five bits, then the rest; the shift keeps the sign.
            let group = (number & 0x1f) as u8;
            number >>= PAYLOAD_BITS;
            let rest_is_sign = number == if group & SIGN == 0 { 0 } else { -1 };
            text.push(char::from(FIRST_CHARACTER + group + if rest_is_sign { 0 } else { MORE }));
            if rest_is_sign {
                break;
            }
        }
    }
    text
}

pub(super) fn decode(height: u32, width: u32, text: &[u8]) -> Result<Mask, MaskError> {
    let mut runs = Runs::new(height, width)?;
    // The counts as written, one and two before: the canonical runs may differ from them.
    let (mut before, mut two_before) = (0, 0);
    let (mut at, mut index) = (0, 0);
    while at < text.len() {
        let difference = number(text, &mut at)?;
        let count = difference + if index > 2 { two_before } else { 0 };
        runs.push(index % 2 == 1, u64::try_from(count).map_err(|_| MaskError::Run { run: index })?)?;
        (two_before, before) = (before, count);
        index += 1;
    }
    runs.finish()
}

fn number(text: &[u8], at: &mut usize) -> Result<i64, MaskError> {
    let mut number = 0_i64;
    for place in 0..MAX_GROUPS + 1 {
        let bad = MaskError::Character { at: *at };
        let group = match text.get(*at) {
            Some(character) => character.wrapping_sub(FIRST_CHARACTER),
            None => return Err(bad),
        };
        if group >= 0x40 {
            return Err(bad);
        }
        *at += 1;
        number |= i64::from(group & 0x1f) << (PAYLOAD_BITS * place);
        if group & MORE == 0 {
            if group & SIGN != 0 {
                number |= -1 << (PAYLOAD_BITS * (place + 1));
            }
            return Ok(number);
        }
    }
    Err(MaskError::Character { at: *at - 1 })
}
