//! Lost images of a stage: those of which all rows are quarantined. In: rows with their `frame_id`, in any order. Out: row counts.
//!
//! A photo that cannot be decoded is one row where the others have a row for each of their objects; held against rows, half of the
//! photos would be a few per cent. Memory: 24 bytes for each image of a shard.

use std::collections::HashMap;

use arrow::array::{Array, StringArray};
use xxhash_rust::xxh3::xxh3_64;

use crate::tables::RowCounts;

/// The column that says which image a row is of.
pub const FRAME_ID: &str = "frame_id";

/// The images of one shard, by a hash of their ids.
#[derive(Debug, Default)]
pub struct Images(HashMap<u64, Image>);

#[derive(Debug, Default)]
struct Image {
    rows_lost: u64,
    /// Whether one of its rows is not quarantined.
    used: bool,
}

impl Images {
    /// Adds the images of rows that `counts` has already: whose images they are, and which rows are lost (`lost` is not null).
    pub fn count(&mut self, frame_ids: &StringArray, lost: &dyn Array, counts: &mut RowCounts) {
        for row in (0..frame_ids.len()).filter(|row| frame_ids.is_valid(*row)) {
            let image = self.0.entry(xxh3_64(frame_ids.value(row).as_bytes())).or_insert_with(|| {
                counts.images_in += 1;
                Image::default()
            });
            if lost.is_null(row) {
                if !image.used && image.rows_lost > 0 {
                    counts.images_lost -= 1;
                    counts.no_row_lost -= image.rows_lost;
                }
                image.used = true;
            } else if !image.used {
                counts.images_lost += u64::from(image.rows_lost == 0);
                counts.no_row_lost += 1;
                image.rows_lost += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as images and whether they are lost, in two batches.
    fn check(rows: &[(&str, bool)], expected: (u64, u64, u64)) {
        for split in 0..=rows.len() {
            let (mut images, mut counts) = (Images::default(), RowCounts::default());
            for batch in [&rows[..split], &rows[split..]] {
                let ids = StringArray::from_iter_values(batch.iter().map(|(id, _)| id));
                let lost: StringArray = batch.iter().map(|(_, lost)| lost.then_some("why")).collect();
                images.count(&ids, &lost, &mut counts);
            }
            assert_eq!((counts.images_in, counts.images_lost, counts.no_row_lost), expected, "{rows:?}");
        }
    }

    #[test]
    fn an_image_is_lost_where_all_of_its_rows_are() {
        check(&[], (0, 0, 0));
        check(&[("a", false), ("b", true), ("a", false)], (2, 1, 1));
        // Lost rows of an image that keeps others are lost rows.
        check(&[("a", true), ("a", true), ("a", false), ("a", true)], (1, 0, 0));
        check(&[("a", true), ("b", true), ("a", true), ("c", true), ("c", false)], (3, 2, 3));
    }
}
