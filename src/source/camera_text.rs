//! The text files of a camera: intrinsics, pose, gravity; and the turn that makes a dataset's world stand upright.

use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use crate::tables::Unusable;
use crate::text;

/// Why an image has no pose whose scan lost its way there, which scanners write as infinite or no numbers.
pub const TRACKING: &str = "tracking";

/// Text files of a camera have a few hundred bytes.
pub const MAX_BYTES: u64 = 64 << 10;

/// The numbers of a text file, whatever separates them; a word that begins with a `#` begins a comment.
pub fn numbers(text: &[u8]) -> Result<Vec<f64>, String> {
    let text = text::decode(text)?;
    let words = |line| str::split(line, |c: char| c.is_whitespace() || [',', ';', '[', ']'].contains(&c));
    let words = text.lines().flat_map(|line| words(line).take_while(|word| !word.starts_with('#')));
    let mut numbers = Vec::new();
    for word in words {
        if is_none_of_windows(word) {
            numbers.push(f64::NAN);
            continue;
        }
        // A comment may stand at a number.
        let word = word.split('#').next().unwrap_or_default();
        for number in word.split(['(', ')']).filter(|number| !number.is_empty()) {
            numbers.push(number.parse().map_err(|_| format!("`{}` is not a number", number.escape_debug()))?);
        }
    }
    Ok(numbers)
}

/// How Microsoft's runtimes print what is no number, or infinite: `-1.#IND`, `1.#QNAN`, `1.#INF`, `-nan(ind)`.
fn is_none_of_windows(word: &str) -> bool {
    let word = word.trim_matches(['(', ')']).trim_start_matches(['-', '+']).to_ascii_lowercase();
    let digits = word.find('#').map(|at| (&word[..at], &word[at + 1..]));
    let is_printed = |(number, kind): (&str, &str)| {
        number == "1." && ["ind", "inf", "qnan", "snan"].iter().any(|none| kind.starts_with(none))
    };
    digits.is_some_and(is_printed) || word.starts_with("nan(")
}

/// fx, fy, cx, cy from four numbers, a 3x3, 3x4 or 4x4 matrix. Code: `intrinsics`.
pub fn intrinsics(text: &[u8]) -> Result<Intrinsics, Unusable> {
    let refused = |message: String| Unusable::new("intrinsics", message);
    let numbers = numbers(text).map_err(refused)?;
    let matrix = match numbers[..] {
        [fx, fy, cx, cy] => [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        [a, b, c, d, e, f, g, h, i] => [a, b, c, d, e, f, g, h, i],
        [a, b, c, _, d, e, f, _, g, h, i, _] | [a, b, c, _, d, e, f, _, g, h, i, _, _, _, _, _] => {
            [a, b, c, d, e, f, g, h, i]
        }
        _ => {
            let n = numbers.len();
            return Err(refused(format!("{n} numbers; it takes fx fy cx cy, or a 3x3, 3x4 or 4x4 matrix")));
        }
    };
    intrinsics_of(matrix)
}

/// Intrinsics from a 3x3 matrix, row by row. Code: `intrinsics`.
pub fn intrinsics_of(matrix: [f64; 9]) -> Result<Intrinsics, Unusable> {
    let refused = |message: String| Unusable::new("intrinsics", message);
    let [fx, skew, cx, row, fy, cy, x, y, w] = matrix;
    if [row, x, y, w] != [0.0, 0.0, 0.0, 1.0] {
        return Err(refused(format!("the matrix is no camera's: {matrix:?}; is it stored column by column?")));
    }
    // Calibrated cameras have less than a thousandth, which is nothing at this precision.
    if skew.abs() > 1e-2 * fx.abs() {
        return Err(refused(format!("the matrix has a skew of {skew}; pixels must be straight")));
    }
    (Intrinsics { fx, fy, cx, cy }).checked().map_err(|e| refused(e.to_string()))
}

/// Camera-to-world from a 4x4 or 3x4 matrix, row by row. Codes: `pose`; [`TRACKING`] where it is not finite.
pub fn pose(text: &[u8]) -> Result<Rigid, Unusable> {
    let refused = |message: String| Unusable::new("pose", message);
    let mut numbers = numbers(text).map_err(refused)?;
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(Unusable::new(TRACKING, "its pose is not finite: tracking was lost when it was taken"));
    }
    if numbers.len() == 12 {
        numbers.extend([0.0, 0.0, 0.0, 1.0]);
    }
    let matrix =
        <[f64; 16]>::try_from(numbers).map_err(|n| refused(format!("{} numbers; a pose has 16 or 12", n.len())))?;
    Rigid::from_row_major(&matrix).map_err(|e| refused(e.to_string()))
}

/// The unit vector that points down, in camera axes, from that vector of any length, or from the rotation that turns camera
/// axes into a world whose z points up. Code: `gravity`.
pub fn gravity(text: &[u8]) -> Result<Vector3<f64>, Unusable> {
    let refused = |message: String| Unusable::new("gravity", message);
    let down = match numbers(text).map_err(refused)?[..] {
        [x, y, z] => Vector3::new(x, y, z),
        [_, _, _, _, _, _, x, y, z] => -Vector3::new(x, y, z),
        ref numbers => {
            return Err(refused(format!("{} numbers; it takes the downward vector, or a rotation", numbers.len())));
        }
    };
    gravity_of(down)
}

/// The direction that points down, one long. Code: `gravity`.
pub fn gravity_of(down: Vector3<f64>) -> Result<Vector3<f64>, Unusable> {
    let refused = |message: String| Unusable::new("gravity", message);
    let length = down.norm();
    if !(1e-6..1e6).contains(&length) {
        return Err(refused("the downward vector has no usable length".to_owned()));
    }
    Ok(down / length)
}

/// The rotation after which `up` is +z. Where `up` is an axis, axes stay axes: y up becomes (x, -z, y).
pub fn upright(up: &Vector3<f64>) -> Matrix3<f64> {
    let z = up.normalize();
    let seed = if z.x.abs() < 0.9 { Vector3::x() } else { Vector3::y() };
    let x = (seed - z * z.dot(&seed)).normalize();
    let y = z.cross(&x);
    Matrix3::from_rows(&[x.transpose(), y.transpose(), z.transpose()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intrinsics_are_read_in_three_shapes() {
        let expected = Intrinsics { fx: 500.0, fy: 510.0, cx: 320.0, cy: 240.0 };
        for text in [
            "500 510 320 240",
            "500 0 320\n0 510 240\n0 0 1 # K",
            "[[500, 0, 320, 0], [0, 510, 240, 0], [0, 0, 1, 0], [0, 0, 0, 1]]",
        ] {
            assert_eq!(intrinsics(text.as_bytes()).unwrap(), expected);
        }
        for text in [
            "",
            "500 510 320",
            "500 0 0 0 510 0 320 240 x",
            "500 0 0 0 510 0 320 240 1",
            "500 320 0 0 510 0 0 0 1",
            "0 510 320 240",
            "nan 1 1 1",
        ] {
            assert_eq!(intrinsics(text.as_bytes()).unwrap_err().code, "intrinsics", "{text}");
        }
    }

    #[test]
    fn lost_tracking_is_told_in_any_runtimes_words() {
        for none in ["nan", "-nan(ind)", "nan(snan)", "-1.#IND", "1.#QNAN", "-1.#INF", "1.#INF00", "-inf", "Infinity"] {
            let text = format!("{none} 0 0 1\n0 1 0 2 # metres\n0 0 1 3#\n(0 0 0 1)\n");
            assert_eq!(numbers(text.as_bytes()).map(|numbers| numbers.len()), Ok(16), "{none}");
            assert_eq!(pose(text.as_bytes()).unwrap_err().code, TRACKING, "{none}");
        }
        assert!(numbers(b"1.#x").is_ok_and(|numbers| numbers == [1.0]) && numbers(b"nana").is_err());
    }

    #[test]
    fn gravity_is_a_vector_or_a_rotation() {
        assert_eq!(gravity(b"0 9.81 0").unwrap(), Vector3::y());
        // Camera y points down: it is minus the world's z, the matrix's last row.
        assert_eq!(gravity(b"1 0 0  0 0 1  0 -1 0").unwrap(), Vector3::y());
        for text in ["0 0 0", "0 nan 0", "1 2", "down"] {
            assert_eq!(gravity(text.as_bytes()).unwrap_err().code, "gravity");
        }
    }

    #[test]
    fn worlds_are_set_upright() {
        assert_eq!(upright(&Vector3::z()), Matrix3::identity());
        let from_y_up = upright(&Vector3::y());
        assert_eq!(from_y_up * Vector3::new(1.0, 2.0, 3.0), Vector3::new(1.0, -3.0, 2.0));
        for up in [Vector3::x(), -Vector3::z(), Vector3::new(1.0, 2.0, -3.0)] {
            let turn = upright(&up);
            assert!((turn * up.normalize() - Vector3::z()).norm() < 1e-12);
            assert!((turn.determinant() - 1.0).abs() < 1e-12);
        }
    }
}
