//! `draw(seed, purpose, id, ...)`: a random number that belongs to ids and not to rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::key::{check_types, hash_rows};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const DRAW: Function = Function {
    doc: FunctionDoc {
        name: "draw",
        signature: "draw(seed, purpose, id, ...)",
        summary: "a number in [0, 1) that depends on its arguments alone: randomness that survives any order of rows",
        details: "\
The first argument is `$seed`, the second says what is decided, the others are the ids that it is decided for. The purpose \
keeps two uses of one id apart: if the same draw chose the objects and then the wording, the wording would depend on the \
choice. The same arguments give the same number on every machine, in every batch and in every partition; it is a hash (XXH3), \
and no generator with a state.",
        example: Example { sql: "SELECT draw(0, 'template', 'kitchen/1')", result: "0.29018281524321454" },
        cost: Cost::Cheap,
    },
    return_type: |types| check_types("draw", types).map(|()| DataType::Float64),
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let hashes = hash_rows(arguments, [0])?;
    Ok(Arc::new(Float64Array::from_iter_values(hashes.into_iter().map(|[hash]| unit_interval(hash)))))
}

/// The upper 53 bits, as many as a double holds exactly, so that all numbers are equally far apart and none rounds up to 1.
fn unit_interval(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, DictionaryArray, Int32Array, Int64Array, LargeStringArray, StringArray};
    use arrow::datatypes::{Float64Type, Int8Type};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::ColumnarValue;

    use super::*;

    fn draw(values: &[ColumnarValue], rows: usize) -> Vec<f64> {
        call(&Arguments::new("draw", values, rows))
            .expect("hashable arguments")
            .as_primitive::<Float64Type>()
            .values()
            .to_vec()
    }

    fn column(array: impl arrow::array::Array + 'static) -> ColumnarValue {
        ColumnarValue::Array(Arc::new(array))
    }

    #[test]
    fn depends_on_values_and_not_on_how_they_are_stored() {
        let (ids, seed) = (["a", "b", "a"], ColumnarValue::Scalar(ScalarValue::Int64(Some(7))));
        let plain = draw(&[seed, column(StringArray::from(ids.to_vec()))], 3);
        assert_eq!(plain[0], plain[2]);
        assert_ne!(plain[0], plain[1]);
        let seeds = column(Int32Array::from(vec![7; 3]));
        for stored in
            [column(LargeStringArray::from(ids.to_vec())), column(DictionaryArray::<Int8Type>::from_iter(ids))]
        {
            assert_eq!(draw(&[seeds.clone(), stored], 3), plain);
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let pairs = [
            (Some("ab"), Some("c")),
            (Some("a"), Some("bc")),
            (Some("abc"), None),
            (None, Some("abc")),
            (Some("abc"), Some("")),
        ];
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut numbers = draw(&[column(StringArray::from(left)), column(StringArray::from(right))], 5);
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        assert_eq!(numbers.len(), 5);
    }

    #[test]
    fn is_uniform() {
        let n = 100_000;
        let numbers = draw(&[column(Int64Array::from_iter_values(0..n))], n as usize);
        let mut counts = [0; 10];
        numbers.iter().for_each(|number| counts[(number * 10.0) as usize] += 1);
        // 10,000 are expected in each tenth; the standard deviation is 95.
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert_eq!(unit_interval(u64::MAX), 1.0 - f64::EPSILON / 2.0);
    }
}
