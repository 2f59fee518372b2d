//! What `lift` and `project` give: rows of the table `objects`, each with why it does not go on, where it does not.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use datafusion::error::Result;
use serde::Serialize;
use spatialmill_geometry::{Bounds, OrientedBox, Vector3};

use crate::pipeline::account::{FILTERED, QUARANTINED};
use crate::source::rows::{Box2, Mask, Obb, Vec3};

/// A row of `objects`; the columns are those of `schemas/4_objects.sql`, all of them null where there is no object.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ObjectRow {
    pub frame_id: String,
    pub object_id: String,
    pub category: Option<String>,
    pub caption: Option<String>,
    #[serde(rename = "box")]
    pub bbox: Option<Box2>,
    pub mask: Option<Mask>,
    pub centre: Option<Vec3>,
    pub extent: Option<Vec3>,
    pub low: Option<Vec3>,
    pub nearest: Option<f64>,
    pub obb: Option<Obb>,
    pub points: Option<i64>,
    pub visibility: Option<f64>,
    pub lift_quality: Option<f64>,
    pub lifted_from: Option<&'static str>,
    pub exhaustive: Option<bool>,
    pub filtered: Option<&'static str>,
    pub quarantined: Option<Lost>,
}

/// Why something cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    pub code: String,
    pub message: String,
}

impl ObjectRow {
    /// Where the object is, in view space.
    pub fn place(&mut self, centre: &Vector3<f64>, bounds: &Bounds, nearest: f64, obb: &OrientedBox) {
        self.centre = Some((*centre).into());
        self.extent = Some(bounds.extent().into());
        self.low = Some(bounds.low.into());
        self.nearest = Some(nearest);
        self.obb = Some(obb.into());
    }
}

/// The type of one row: the table's columns, any of which may be null, and the accountant's two.
pub fn row_fields(objects: &SchemaRef) -> Fields {
    let lost = vec![Field::new("code", DataType::Utf8, true), Field::new("message", DataType::Utf8, true)];
    let own = objects.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
    let more =
        [Field::new(FILTERED, DataType::Utf8, true), Field::new(QUARANTINED, DataType::Struct(lost.into()), true)];
    own.chain(more.into_iter().map(Arc::new)).collect()
}

/// The type of what the functions give: the rows of each argument row as a list.
pub fn list_type(fields: &Fields) -> DataType {
    DataType::new_list(DataType::Struct(fields.clone()), true)
}

/// The rows of each argument row as a list.
pub fn to_lists(fields: &Fields, rows: &[Vec<ObjectRow>]) -> Result<ArrayRef> {
    let schema = Arc::new(Schema::new(fields.clone()));
    let flat: Vec<&ObjectRow> = rows.iter().flatten().collect();
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(flat.len().max(1)).build_decoder()?;
    decoder.serialize(&flat)?;
    let batch = decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(schema));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), true));
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(StructArray::from(batch)), None)?))
}
