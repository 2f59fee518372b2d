//! Exact JSON: values that wait in temporary files, read back as they were to the last bit.
//!
//! `serde_json` reads about one number of seven a unit in its last place beside what was written (its feature `float_roundtrip` mends that, and makes
//! reading of all sources' files slower). So a line of ours has the bits of its numbers behind the JSON, and reading puts them in their places:
//!
//! ```text
//! {"margin":0.19327636160092454}       JSON, in one line
//! 3fc8bd46a0d68000                     each number with a fraction, in the order in which they stand
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::error::{Context, Error, Result};

/// A value as such lines.
pub fn write(value: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(value).or_internal(unwritable)?;
    let mut bits = String::from("\n");
    fractions(&mut value, &mut |number| {
        bits += &format!("{:016x}", number.as_f64().unwrap_or_default().to_bits());
        Ok(())
    })?;
    // JSON in one line has no line break of its own.
    Ok(serde_json::to_string(&value).or_internal(unwritable)? + &bits)
}

/// The value of such lines.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let broken = || Error::internal("a temporary file does not hold what was written");
    let (json, bits) = text.split_once('\n').ok_or_else(broken)?;
    let mut value: Value = serde_json::from_str(json).or_internal(|| "a value was written by us".into())?;
    let mut bits = bits.as_bytes().chunks_exact(16);
    fractions(&mut value, &mut |number| {
        let digits = bits.next().and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(broken)?;
        let exact = u64::from_str_radix(digits, 16).ok().and_then(|bits| Number::from_f64(f64::from_bits(bits)));
        *number = exact.ok_or_else(broken)?;
        Ok(())
    })?;
    serde_json::from_value(value).or_internal(|| "a value was written by us".into())
}

fn unwritable() -> String {
    "a value has no JSON form".to_owned()
}

/// Hands every number that is no integer to `on`, in the order of the text.
fn fractions(value: &mut Value, on: &mut impl FnMut(&mut Number) -> Result<()>) -> Result<()> {
    match value {
        Value::Number(number) if number.is_f64() => on(number),
        Value::Array(items) => items.iter_mut().try_for_each(|item| fractions(item, on)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fractions(field, on)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{Sample, TextBox};

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        // Each of these is read by serde_json as another number.
        let odd = [0.19327636160092454, 0.21035592752722154, 0.9957620615517843, 1.0473671594800343e251];
        assert!(odd.iter().all(|x| serde_json::from_str::<f64>(&x.to_string()).unwrap() != *x));
        let [margin, visibility, x0, other] = odd;
        let mut sample = Sample {
            sample_id: "a \"line\"\nand 3fc8bd46a0d68000".to_owned(),
            answer_value: Some(-0.0),
            margin,
            visibility,
            lift_quality: 1.0,
            seed: -7,
            boxes: vec![TextBox::default(); 2],
            ..Sample::default()
        };
        sample.boxes[1].bbox.x0 = x0;
        sample
            .other_columns
            .insert("other".to_owned(), serde_json::json!({ "a": [other, 3, null], "b": f64::MIN_POSITIVE }));
        let again: Sample = read(&write(&sample).unwrap()).unwrap();
        assert_eq!(again, sample);
        assert_eq!(again.answer_value.map(f64::to_bits), sample.answer_value.map(f64::to_bits));
        assert!(read::<Sample>("{}").is_err() && read::<f64>("0.5\n").is_err());
    }
}
