//! Schemas between Arrow and Delta, and batches made to fit a table's schema.
//!
//! Delta knows no names for the elements of a list; in memory and in our files they are always called `item`, as Arrow and
//! DataFusion call them, so that a stored list and a computed one have the same type. Comments on columns go to the log, for
//! other engines to show; the schema that plans see carries none, because DataFusion compares them.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use deltalake_core::kernel::engine::arrow_conversion::TryFromArrow;
use deltalake_core::kernel::{StructField, StructType};

use crate::error::{Context, Error, Result};

/// The Delta columns of an Arrow schema, with their comments.
pub(super) fn to_delta(schema: &Schema) -> Result<Vec<StructField>> {
    let columns = StructType::try_from_arrow(&Schema::new(canonical_fields(schema.fields(), Comments::Keep)));
    Ok(columns.or_internal(|| "the schema has a type that Delta Lake does not know".into())?.into_fields().collect())
}

/// The schema that plans see.
pub(super) fn canonical(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(canonical_fields(schema.fields(), Comments::Drop)))
}

#[derive(Clone, Copy)]
enum Comments {
    Keep,
    Drop,
}

fn canonical_fields(fields: &[FieldRef], comments: Comments) -> Vec<FieldRef> {
    fields.iter().map(|field| canonical_field(field, field.name(), comments)).collect()
}

fn canonical_field(field: &Field, name: &str, comments: Comments) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(canonical_field(item, Field::LIST_FIELD_DEFAULT_NAME, comments))
        }
        DataType::Struct(fields) => DataType::Struct(canonical_fields(fields, comments).into()),
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        other => other.clone(),
    };
    let mut out = Field::new(name, data_type, field.is_nullable());
    if let (Comments::Keep, Some(comment)) = (comments, field.metadata().get("comment")) {
        out.set_metadata([("comment".to_owned(), comment.clone())].into());
    }
    Arc::new(out)
}

/// The columns of `wanted` that `have` lacks, all of which may be null; an error when the two differ in any other way.
pub(super) fn added_columns(have: &Schema, wanted: &Schema) -> Result<Vec<FieldRef>> {
    let mut added = Vec::new();
    for field in wanted.fields() {
        match have.field_with_name(field.name()) {
            Ok(old) if old.data_type() == field.data_type() && old.is_nullable() == field.is_nullable() => {}
            Ok(old) => {
                let message = format!("is stored as {} and wanted as {}", describe(old), describe(field));
                return Err(differs(format!("the column {message}"), field.name()));
            }
            Err(_) if field.is_nullable() => added.push(Arc::clone(field)),
            Err(_) => return Err(differs("a new column must be one that may be null".into(), field.name())),
        }
    }
    if let Some(gone) = have.fields().iter().find(|old| wanted.field_with_name(old.name()).is_err()) {
        return Err(differs("a stored column is no longer in the schema".into(), gone.name()));
    }
    Ok(added)
}

fn describe(field: &Field) -> String {
    format!("{}{}", field.data_type(), if field.is_nullable() { "" } else { " NOT NULL" })
}

fn differs(message: String, column: &str) -> Error {
    Error::input(message)
        .with("column", column)
        .hint("build into another warehouse, or move this table away and build it again")
}

/// `batch` with exactly the columns of `schema`, found by name and cast where only the representation differs.
pub(super) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = batch.column_by_name(field.name());
        let column = column.ok_or_else(|| {
            Error::internal("the query does not make a column of the table").with("column", field.name())
        })?;
        let column = if column.data_type() == field.data_type() {
            Arc::clone(column)
        } else {
            // Not `safe`: a value that does not fit is an error here, and never silently a null.
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(column, field.data_type(), &options).map_err(|error| {
                Error::input("the query's column does not fit the table").with("column", field.name()).because(error)
            })?
        };
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(Error::input("a column that may not be null has nulls").with("column", field.name()));
        }
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .or_internal(|| "the query's rows do not fit the table".into())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    fn list_of(name: &str, data_type: DataType) -> DataType {
        DataType::List(Arc::new(Field::new(name, data_type, true)))
    }

    #[test]
    fn lists_are_called_item_and_strings_are_plain() {
        let schema = Schema::new(vec![
            Field::new("a", list_of("element", DataType::Utf8View), false),
            Field::new(
                "b",
                DataType::Struct(vec![Field::new("c", list_of("x", DataType::Float64), true)].into()),
                true,
            ),
        ]);
        let schema = canonical(&schema);
        assert_eq!(schema.field(0).data_type(), &list_of("item", DataType::Utf8));
        let inner = Field::new("c", list_of("item", DataType::Float64), true);
        assert_eq!(schema.field(1).data_type(), &DataType::Struct(vec![inner].into()));
        assert!(to_delta(&schema).is_ok());
    }

    #[test]
    fn batches_are_matched_by_name_and_cast() {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![1, 2])) as _),
            ("s", Arc::new(StringViewArray::from(vec!["x", "y"])) as _),
        ])
        .unwrap();
        let schema = Arc::new(Schema::new(vec![
            Field::new("s", DataType::Utf8, false),
            Field::new("n", DataType::Int32, false),
        ]));
        assert_eq!(conform(&batch, &schema).unwrap().schema(), schema);

        let strict = Arc::new(Schema::new(vec![Field::new("absent", DataType::Utf8, false)]));
        assert!(conform(&batch, &strict).unwrap_err().to_string().contains("`absent`"));
    }

    #[test]
    fn only_new_nullable_columns_are_a_small_change() {
        let old = Schema::new(vec![Field::new("a", DataType::Int32, false)]);
        let more = Schema::new(vec![old.field(0).clone(), Field::new("b", DataType::Utf8, true)]);
        assert_eq!(added_columns(&old, &more).unwrap().len(), 1);
        assert!(added_columns(&more, &old).is_err());
        assert!(added_columns(&old, &Schema::new(vec![Field::new("a", DataType::Int64, false)])).is_err());
    }
}
