//! `generator()`: the name and version of this program, which every row of `dataset` carries.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use spatialmill_columns::{Call, Cost, Example, Function, FunctionDoc};

pub const GENERATOR: Function = Function {
    doc: FunctionDoc {
        name: "generator",
        signature: "generator()",
        summary: "this program's name and version, for the rows that it makes",
        details: "\
`spatialmill` and the version of the program that runs, for the column `dataset.generator`.",
        example: Example { sql: "SELECT generator() LIKE 'spatialmill %'", result: "true" },
        cost: Cost::Cheap,
    },
    return_type: |_| Ok(DataType::Utf8),
    call: Call::Values(|arguments| {
        let name = concat!("spatialmill ", env!("CARGO_PKG_VERSION"));
        Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, arguments.rows()))))
    }),
};
