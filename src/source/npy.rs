//! The header of a NumPy file (`.npy`), and its numbers where they lie.
//!
//! Only what depth needs: plain little-endian numbers in row order. The header is a Python dictionary of three known keys, so
//! that it is searched for them rather than parsed; `npyz` reads more kinds, but multiplies a hostile shape unchecked.

/// An array in the bytes of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Npy<'a> {
    /// Slowest dimension first.
    pub shape: Vec<u64>,
    /// As NumPy writes it: `<f4`.
    pub numbers: &'a str,
    /// The numbers, row by row. Its length is what shape and kind say.
    pub data: &'a [u8],
}

/// What a file of this kind starts with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

impl<'a> Npy<'a> {
    /// Reads a whole file; the message says why it cannot be.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("not a NumPy file")?;
        let (length, rest) = match rest {
            [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
            _ => return Err("the NumPy header is of an unknown version, or cut off".to_owned()),
        };
        let (header, data) = rest.split_at_checked(length).ok_or("the NumPy header is cut off")?;
        let header = std::str::from_utf8(header).map_err(|_| "the NumPy header is no text".to_owned())?;
        let numbers = value(header, "descr")?.strip_prefix('\'').and_then(|v| v.split_once('\''));
        let (numbers, _) = numbers.ok_or("the NumPy header's `descr` is not one kind of number")?;
        if !value(header, "fortran_order")?.starts_with("False") {
            return Err("the array is stored column by column; save it with numpy.ascontiguousarray".to_owned());
        }
        let shape = value(header, "shape")?.strip_prefix('(').and_then(|v| v.split_once(')'));
        let (shape, _) = shape.ok_or("the NumPy header's `shape` is no tuple")?;
        let shape = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
        let shape =
            shape.map(|side| side.parse::<u64>().map_err(|_| format!("`{side}` in the NumPy header is no side")));
        let shape = shape.collect::<Result<Vec<_>, _>>()?;

        let size =
            numbers.get(2..).and_then(|size| size.parse::<u64>().ok()).ok_or("the array has no plain numbers")?;
        let needed = shape.iter().try_fold(size, |product, side| product.checked_mul(*side));
        if needed != Some(data.len() as u64) {
            return Err(format!("an array of {shape:?} `{numbers}` does not fill {} bytes", data.len()));
        }
        Ok(Self { shape, numbers, data })
    }
}

/// What follows `'key':` in the header.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let (_, after) =
        header.split_once(&format!("'{key}'")).ok_or_else(|| format!("the NumPy header has no `{key}`"))?;
    let after = after.trim_start().strip_prefix(':').ok_or_else(|| format!("the NumPy header has no `{key}`"))?;
    Ok(after.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn shape_and_kind_are_found() {
        let bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }  \n", &[0; 8]);
        let npy = Npy::read(&bytes).unwrap();
        assert_eq!((npy.shape, npy.numbers, npy.data.len()), (vec![1, 2], "<f4", 8));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let huge = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({0}, {0}, {0})}}", u64::MAX);
        for header in [
            "",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (8,)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
            &huge,
        ] {
            assert!(Npy::read(&file(header, &[0; 8])).is_err(), "{header}");
        }
        assert!(Npy::read(b"\x93NUMPY\x02\0\xff\xff\xff\xff").is_err());
    }
}
