//! Rows from Arrow: a batch in, one value of a row struct for each of its rows out, by the names of columns and fields.
//!
//! The counterpart of the row structs' `Serialize`, so that a column of a table is written once in its schema and once in its struct, and a
//! reader of either is not written at all. A null is a field that is not there, a struct is a map, a list is a sequence; what a struct does not
//! name is passed over, or lands in its flattened map.

use std::fmt::Display;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde::de::value::{Error as ReadError, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::error::{Context, Error, Result};

/// The rows of a batch.
pub fn rows<T: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<T>> {
    let fields = batch.schema_ref().fields().iter().zip(batch.columns());
    let columns = fields.map(|(field, column)| Ok((field.name().clone(), Column::of(column)?)));
    let columns = columns.collect::<Result<Vec<_>, arrow::error::ArrowError>>().or_input(cannot)?;
    let row = |row| {
        T::deserialize(Fields { columns: &columns, row }).map_err(|e| Error::input(cannot()).because(e.to_string()))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn cannot() -> String {
    "a row of a table cannot be read".to_owned()
}

/// A column, with its values of one width.
enum Column {
    Null,
    Boolean(BooleanArray),
    Integer(Int64Array),
    Number(Float64Array),
    Text(StringArray),
    List(ListArray, Box<Column>),
    Struct(ArrayRef, Vec<(String, Column)>),
}

impl Column {
    fn of(column: &ArrayRef) -> Result<Self, arrow::error::ArrowError> {
        Ok(match column.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(column.as_boolean().clone()),
            kind if kind.is_integer() => Self::Integer(cast(column, &DataType::Int64)?.as_primitive().clone()),
            kind if kind.is_floating() => Self::Number(cast(column, &DataType::Float64)?.as_primitive().clone()),
            DataType::List(_) => {
                let lists = column.as_list::<i32>().clone();
                let values = Self::of(lists.values())?;
                Self::List(lists, Box::new(values))
            }
            DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) => {
                return Self::of(&cast(column, &DataType::List(item.clone()))?);
            }
            DataType::Struct(fields) => {
                let fields = fields.iter().zip(column.as_struct().columns());
                let fields = fields.map(|(field, column)| Ok((field.name().clone(), Self::of(column)?)));
                Self::Struct(column.clone(), fields.collect::<Result<_, arrow::error::ArrowError>>()?)
            }
            // Dates and the like as ISO 8601 writes them.
            _ => Self::Text(cast(column, &DataType::Utf8)?.as_string().clone()),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Boolean(values) => values.is_null(row),
            Self::Integer(values) => values.is_null(row),
            Self::Number(values) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
            Self::List(lists, _) => lists.is_null(row),
            Self::Struct(values, _) => values.is_null(row),
        }
    }
}

/// One value.
struct Cell<'a> {
    column: &'a Column,
    row: usize,
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Self { column, row } = self;
        if column.is_null(row) {
            return visitor.visit_unit();
        }
        match column {
            Column::Null => visitor.visit_unit(),
            Column::Boolean(values) => visitor.visit_bool(values.value(row)),
            Column::Integer(values) => visitor.visit_i64(values.value(row)),
            Column::Number(values) => visitor.visit_f64(values.value(row)),
            Column::Text(values) => visitor.visit_str(values.value(row)),
            Column::List(lists, values) => {
                let ends = lists.value_offsets();
                let rows = ends[row] as usize..ends[row + 1] as usize;
                visitor.visit_seq(Items { values, rows })
            }
            Column::Struct(_, columns) => Fields { columns, row }.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.column.is_null(self.row) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.column {
            Column::Text(values) if values.is_valid(self.row) => {
                let name: StrDeserializer<ReadError> = values.value(self.row).into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(ReadError::custom("a name is needed")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// The items of one list.
struct Items<'a> {
    values: &'a Column,
    rows: std::ops::Range<usize>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.rows.next().map(|row| seed.deserialize(Cell { column: self.values, row })).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rows.len())
    }
}

/// The fields of one row, or of one struct.
struct Fields<'a> {
    columns: &'a [(String, Column)],
    row: usize,
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_map(NamedCells { columns: self.columns.iter(), next: None, row: self.row })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct NamedCells<'a> {
    columns: std::slice::Iter<'a, (String, Column)>,
    next: Option<&'a (String, Column)>,
    row: usize,
}

impl<'de> MapAccess<'de> for NamedCells<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.next = self.columns.find(|(_, column)| !column.is_null(self.row));
        let Some((name, _)) = self.next else { return Ok(None) };
        let name: StrDeserializer<ReadError> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let (name, column) = self.next.take().ok_or_else(|| ReadError::custom("a value has no name"))?;
        let value = seed.deserialize(Cell { column, row: self.row });
        value.map_err(|e: ReadError| ReadError::custom(In { name, why: &e }))
    }
}

/// An error with the column that it is about.
struct In<'a> {
    name: &'a str,
    why: &'a ReadError,
}

impl Display for In<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.name, self.why)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Thing {
        id: String,
        score: Option<f64>,
        sides: Vec<u32>,
        at: Option<Point>,
        #[serde(flatten)]
        more: serde_json::Map<String, serde_json::Value>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: f64,
    }

    async fn things(sql: &str) -> Result<Vec<Thing>> {
        let batches = SessionContext::new().sql(sql).await.unwrap().collect().await.unwrap();
        rows(&batches[0])
    }

    #[tokio::test]
    async fn columns_become_fields_by_their_names() {
        let found = things(
            "SELECT * FROM (VALUES ([1, 2], named_struct('x', 3, 'y', 4), 'cup', 0.1, true), ([], NULL, 'jug', NULL, false))
                AS t (sides, at, id, score, lid)",
        );
        let [cup, jug] = &found.await.unwrap()[..] else { panic!() };
        assert_eq!(
            (cup.id.as_str(), cup.score, &cup.sides[..], &cup.at),
            ("cup", Some(0.1), &[1, 2][..], &Some(Point { x: 3.0 }))
        );
        assert_eq!((jug.id.as_str(), jug.score, &jug.sides[..], &jug.at), ("jug", None, &[][..], &None));
        assert_eq!((&cup.more["lid"], cup.more.len()), (&serde_json::json!(true), 1));
    }

    #[tokio::test]
    async fn what_does_not_fit_names_its_column() {
        let failed = things("SELECT 'cup' AS id, 0.5 AS score, ['wide'] AS sides, NULL AS at").await.unwrap_err();
        assert!(format!("{failed:#}{failed:?}").contains("sides"), "{failed:?}");
    }
}
