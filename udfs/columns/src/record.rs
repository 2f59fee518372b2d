//! A struct column, read by the names of its fields.
//!
//! Fields may come in any order, with others between them, as integers where numbers are meant: what a person writes in SQL.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};

use crate::arguments::text;

/// What a function needs of a struct argument: a field and what it holds. Checked when a query is planned.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Number,
    Text,
    /// A struct with at least these fields.
    Struct(&'static [(&'static str, Shape)]),
    /// A list of structs with at least these fields.
    List(&'static [(&'static str, Shape)]),
    Numbers,
    Texts,
}

impl Shape {
    /// An error names the field that is missing or of another kind. `place` is where this value stands: `objects.centre`.
    pub fn check(&self, function: &str, place: &str, kind: &DataType) -> Result<()> {
        let fields = |wanted: &[(&str, Shape)], kind: &DataType| match kind {
            DataType::Struct(fields) => wanted.iter().try_for_each(|(name, shape)| match fields.find(name) {
                Some((_, field)) => shape.check(function, &format!("{place}.{name}"), field.data_type()),
                None => plan_err!("`{function}` needs a field `{name}` in `{place}`, which is a {kind}"),
            }),
            kind => plan_err!("`{function}` needs structs as `{place}`, which is a {kind}"),
        };
        match (self, kind) {
            (_, DataType::Null) => Ok(()),
            (Self::Number, kind) if kind.is_numeric() => Ok(()),
            (Self::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..)) => {
                Ok(())
            }
            (Self::Struct(wanted), kind) => fields(wanted, kind),
            (
                Self::List(wanted),
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
            ) => {
                match item.data_type() {
                    // An empty list in SQL has no type of its own.
                    DataType::Null => Ok(()),
                    item => fields(wanted, item),
                }
            }
            (Self::Numbers, DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _))
                if item.data_type().is_numeric() || item.data_type().is_null() =>
            {
                Ok(())
            }
            (Self::Texts, DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _))
                if item.data_type().is_string() || item.data_type().is_null() =>
            {
                Ok(())
            }
            (shape, kind) => plan_err!("`{function}` needs {} as `{place}`, which is a {kind}", shape.name()),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Struct(_) => "a struct",
            Self::List(_) => "a list of structs",
            Self::Numbers => "a list of numbers",
            Self::Texts => "a list of texts",
        }
    }
}

/// The rows of a struct column.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a>(pub &'a StructArray);

impl Record<'_> {
    pub fn field(&self, name: &str) -> Result<&ArrayRef> {
        match self.0.column_by_name(name) {
            Some(column) => Ok(column),
            None => exec_err!("there is no field `{name}` in a {}", self.0.data_type()),
        }
    }

    pub fn text(&self, name: &str) -> Result<StringArray> {
        text(self.field(name)?)
    }

    pub fn number(&self, name: &str) -> Result<Numbers> {
        Numbers::of(self.field(name)?)
    }

    /// The fields x, y and z of the struct `name`.
    pub fn vec3(&self, name: &str) -> Result<[Numbers; 3]> {
        let inner = match self.field(name)?.as_struct_opt() {
            Some(inner) => Record(inner),
            None => return exec_err!("`{name}` is a {} and no struct of x, y and z", self.field(name)?.data_type()),
        };
        Ok([inner.number("x")?, inner.number("y")?, inner.number("z")?])
    }
}

/// A column of floats.
#[derive(Debug, Clone)]
pub struct Numbers(Float64Array);

impl Numbers {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        let column = cast(column, &DataType::Float64)?;
        Ok(Self(column.as_primitive::<Float64Type>().clone()))
    }

    /// So many nulls.
    pub fn nulls(rows: usize) -> Self {
        Self(Float64Array::new_null(rows))
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    /// The values, NaN where they are null. A copy is made only where there are nulls.
    pub fn or_nan(&self) -> Cow<'_, [f64]> {
        if self.0.null_count() == 0 {
            return Cow::Borrowed(self.0.values());
        }
        Cow::Owned(self.0.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}
