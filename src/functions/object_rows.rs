//! The rows of `lift` and `project`: columns of the table `objects`, with the reason where a row is filtered or quarantined.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use serde::Serialize;
use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::{Bounds, OrientedBox, Vector3};

use super::lists::quarantined_field;
use crate::tables::FILTERED;
use crate::tables::Unusable;
use crate::tables::{Box2, Obb, Vec3};

/// A row of `objects`; the columns are those of `schemas/3_objects.sql`, all of them null where there is no object.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ObjectRow {
    pub frame_id: String,
    pub object_id: String,
    pub category: Option<String>,
    pub caption: Option<String>,
    #[serde(rename = "box")]
    pub bbox: Option<Box2>,
    pub mask: Option<EncodedMask>,
    pub centre: Option<Vec3>,
    pub extent: Option<Vec3>,
    pub low: Option<Vec3>,
    pub nearest: Option<f64>,
    pub obb: Option<Obb>,
    pub points: Option<i64>,
    pub visibility: Option<f64>,
    pub lift_quality: Option<f64>,
    pub size_quality: Option<f64>,
    pub lifted_from: Option<&'static str>,
    pub upright: Option<bool>,
    pub exhaustive: Option<bool>,
    pub filtered: Option<&'static str>,
    pub quarantined: Option<Unusable>,
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
    let own = objects.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
    let more = [Field::new(FILTERED, DataType::Utf8, true), quarantined_field()];
    own.chain(more.into_iter().map(Arc::new)).collect()
}
