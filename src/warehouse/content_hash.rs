//! Content hash: an order-independent hash of rows (the sum of their 128-bit row hashes), equal for equal rows in any order and any files.
//!
//! In: record batches as they are written. Out: 32 hexadecimal digits, kept in the log for each part. Staleness compares content hashes, so
//! that neither the number of partitions nor their order makes anything stale. Each row is put into Arrow's row format, which has one form
//! for one value, and hashed; a row that occurs twice counts twice.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, SortField};
use xxhash_rust::xxh3::xxh3_128;

use super::Part;
use crate::error::{Context, Result};

/// Rows put into row format at once: their copy is small beside the batch that they come from.
const ROWS_AT_ONCE: usize = 1024;

/// Computes the content hash of rows that are being written.
#[derive(Debug)]
pub(super) struct ContentHasher {
    converter: RowConverter,
    sum: u128,
}

impl ContentHasher {
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields).or_internal(|| "these columns have no row format".into())?;
        Ok(Self { converter, sum: 0 })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for start in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
            let some = batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start));
            let rows = self.converter.convert_columns(some.columns());
            let rows = rows.or_internal(|| "cannot put rows into row format".into())?;
            for row in &rows {
                self.sum = self.sum.wrapping_add(xxh3_128(row.data()));
            }
        }
        Ok(())
    }

    /// As the log keeps it: 32 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        format!("{:032x}", self.sum)
    }
}

/// The content hash of all rows of some parts. A file that another program wrote has none, and counts by the hash of its bytes.
pub fn content_hash_of<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    let sum = |part: &Part| {
        let known = u128::from_str_radix(&part.content_hash, 16);
        known.unwrap_or_else(|_| xxh3_128(format!("{} {}", part.path, part.blake3).as_bytes()))
    };
    format!("{:032x}", parts.into_iter().map(sum).fold(0, u128::wrapping_add))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, ListArray, StringArray};
    use arrow::compute::take_record_batch;
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::super::part::tests::part;
    use super::*;

    fn rows() -> RecordBatch {
        let names = StringArray::from((0..3000).map(|i| (i % 7 != 0).then(|| format!("n{i}"))).collect::<Vec<_>>());
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
            (0..3000i64).map(|i| (i % 5 != 0).then(|| (0..i % 4).map(Some).collect::<Vec<_>>())),
        );
        RecordBatch::try_from_iter([("name", Arc::new(names) as ArrayRef), ("ids", Arc::new(lists))]).unwrap()
    }

    fn sum(batches: &[RecordBatch]) -> String {
        let mut sum = ContentHasher::new(&batches[0].schema()).unwrap();
        batches.iter().for_each(|batch| sum.add(batch).unwrap());
        sum.finish()
    }

    #[test]
    fn the_order_of_rows_and_their_files_do_not_matter() {
        let rows = rows();
        let backwards = Int64Array::from_iter_values((0..3000).rev());
        let backwards = take_record_batch(&rows, &backwards).unwrap();
        assert_eq!(sum(std::slice::from_ref(&rows)), sum(&[backwards.slice(1000, 2000), backwards.slice(0, 1000)]));
        let parts =
            [rows.slice(0, 17), rows.slice(17, 2983)].map(|some| Part { content_hash: sum(&[some]), ..part("a", 1) });
        assert_eq!(content_hash_of(&parts), sum(&[rows]));
    }

    #[test]
    fn what_differs_in_one_value_or_in_how_often_a_row_occurs_has_another_sum() {
        let rows = rows();
        let whole = sum(std::slice::from_ref(&rows));
        assert_ne!(whole, sum(&[rows.slice(0, 2999)]));
        assert_ne!(whole, sum(&[rows.clone(), rows.slice(0, 1)]));
        let null = |name: Option<&str>| {
            RecordBatch::try_from_iter([("name", Arc::new(StringArray::from(vec![name])) as ArrayRef)]).unwrap()
        };
        assert_ne!(sum(&[null(None)]), sum(&[null(Some(""))]));
    }

    #[test]
    fn how_a_column_is_encoded_does_not_matter() {
        let plain = StringArray::from(vec!["a", "b", "a"]);
        let encoded: DictionaryArray<Int32Type> = plain.iter().collect();
        let of = |column: ArrayRef| sum(&[RecordBatch::try_from_iter([("name", column)]).unwrap()]);
        assert_eq!(of(Arc::new(plain)), of(Arc::new(encoded)));
    }

    #[test]
    fn a_file_of_another_program_counts_by_its_bytes() {
        let foreign = Part { content_hash: String::new(), ..part("a", 1) };
        let other = Part { blake3: "11".repeat(32), ..foreign.clone() };
        assert_ne!(content_hash_of([&foreign]), content_hash_of([&other]));
    }
}
