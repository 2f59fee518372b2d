//! The argument `things` of the functions that ask models: for each image a list of objects with id, category and box.

use arrow::array::{Array, ArrayRef};
use datafusion::error::Result;
use spatialmill_columns::{Lists, Record};
use spatialmill_geometry::PixelBox;

use crate::functions::lift::column_of_structs;

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
    let boxes = column_of_structs(all.field("box")?, "box")?;
    let [x0, y0, x1, y1] = ["x0", "y0", "x1", "y1"].map(|side| Record(&boxes).number(side));
    let (x0, y0, x1, y1) = (x0?, y0?, x1?, y1?);
    let (x0, y0, x1, y1) = (x0.or_nan(), y0.or_nan(), x1.or_nan(), y1.or_nan());
    let one = |row: usize| Thing {
        object_id: if ids.is_valid(row) { ids.value(row).to_owned() } else { String::new() },
        category: categories.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row).to_owned()),
        bounds: PixelBox { x0: x0[row], y0: y0[row], x1: x1[row], y1: y1[row] },
    };
    let sorted = |range: Option<std::ops::Range<usize>>| {
        let mut things: Vec<Thing> = range.unwrap_or_default().map(one).collect();
        things.sort_by(|a, b| a.object_id.cmp(&b.object_id));
        things
    };
    Ok(lists.ranges().map(sorted).collect())
}
