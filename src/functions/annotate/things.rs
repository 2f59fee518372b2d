//! The argument `things` of the functions that ask models: for each image a list of objects with id, category and box.

use arrow::array::{Array, ArrayRef};
use datafusion::error::Result;
use spatialmill_columns::types::PixelBoxColumn;
use spatialmill_columns::{Lists, Record};
use spatialmill_geometry::PixelBox;

/// One thing.
#[derive(Debug, Clone)]
pub struct Thing {
    pub object_id: String,
    pub category: Option<String>,
    /// Pixels.
    pub bounds: PixelBox,
}

/// Those of each row, by their ids: the order in which rows were gathered is the engine's. `category` may be missing.
pub fn things_of(column: &ArrayRef) -> Result<Vec<Vec<Thing>>> {
    let lists = Lists::new(column)?;
    if lists.values.is_empty() {
        return Ok(lists.ranges().map(|_| Vec::new()).collect());
    }
    let all = Record(&lists.values);
    let ids = all.text("object_id")?;
    let categories = lists.values.column_by_name("category").map(|_| all.text("category")).transpose()?;
    let boxes = PixelBoxColumn::of(all.field("box")?)?;
    let one = |row: usize| Thing {
        object_id: if ids.is_valid(row) { ids.value(row).to_owned() } else { String::new() },
        category: categories.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row).to_owned()),
        bounds: boxes.or_nan(row),
    };
    let sorted = |range: Option<std::ops::Range<usize>>| {
        let mut things: Vec<Thing> = range.unwrap_or_default().map(one).collect();
        things.sort_by(|a, b| a.object_id.cmp(&b.object_id));
        things
    };
    Ok(lists.ranges().map(sorted).collect())
}
