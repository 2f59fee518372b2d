//! `generator()`: the name and version of this program, which every row of `dataset` carries.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use spatialmill_columns::{Example, Function};

/// This program and its version.
pub const GENERATOR: Function = Function {
    name: "generator",
    usage: "generator()",
    doc: "this program's name and version, for the rows that it makes",
    example: Example { sql: "SELECT generator() LIKE 'spatialmill %'", answer: "true" },
    answer: |_| Ok(DataType::Utf8),
    call: |arguments| {
        let name = concat!("spatialmill ", env!("CARGO_PKG_VERSION"));
        Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, arguments.rows()))))
    },
};
