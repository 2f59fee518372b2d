//! Masks: `STRUCT<height INT, width INT, counts VARCHAR>`, COCO's compressed run lengths.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use serde::{Deserialize, Serialize};
use spatialmill_geometry::{Mask, MaskError};

use crate::record::{Numbers, Record, Shape};

/// What a function needs of an argument that is one.
pub const MASK: Shape = Shape::Struct(&[("height", Shape::Number), ("width", Shape::Number), ("counts", Shape::Text)]);

/// A mask as tables have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedMask {
    pub height: i32,
    pub width: i32,
    pub counts: String,
}

impl EncodedMask {
    pub fn decode(&self) -> std::result::Result<Mask, MaskError> {
        let (height, width) = self.size();
        Mask::from_counts(height, width, &self.counts)
    }

    /// Height and width; a side below 0 is none.
    pub fn size(&self) -> (u32, u32) {
        (u32::try_from(self.height).unwrap_or_default(), u32::try_from(self.width).unwrap_or_default())
    }
}

impl From<&Mask> for EncodedMask {
    fn from(mask: &Mask) -> Self {
        // A picture has at most 2^28 pixels.
        Self { height: mask.height() as i32, width: mask.width() as i32, counts: mask.to_counts() }
    }
}

/// A column of masks. None is decoded before it is asked for.
#[derive(Debug)]
pub struct MaskColumn {
    sides: [Numbers; 2],
    counts: StringArray,
    nulls: Option<NullBuffer>,
}

impl MaskColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        let rows = column.len();
        if column.data_type() == &DataType::Null {
            let sides = [Numbers::nulls(rows), Numbers::nulls(rows)];
            return Ok(Self { sides, counts: StringArray::new_null(rows), nulls: Some(NullBuffer::new_null(rows)) });
        }
        let Some(structs) = column.as_struct_opt() else {
            return exec_err!("a mask is a struct of height, width and counts and not a {}", column.data_type());
        };
        let mask = Record(structs);
        let sides = [mask.number("height")?, mask.number("width")?];
        Ok(Self { sides, counts: mask.text("counts")?, nulls: structs.nulls().cloned() })
    }

    /// The mask of a row as it stands there, to be decoded where there is time for it.
    pub fn encoded(&self, row: usize) -> Option<EncodedMask> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) || self.counts.is_null(row) {
            return None;
        }
        let [height, width] = self.sides.each_ref().map(|side| side.get(row).unwrap_or_default() as i32);
        Some(EncodedMask { height, width, counts: self.counts.value(row).to_owned() })
    }

    /// The mask of a row.
    pub fn get(&self, row: usize) -> Option<std::result::Result<Mask, MaskError>> {
        self.encoded(row).map(|mask| mask.decode())
    }
}
