//! The SQL functions of the pipeline: those of `udfs/columns`, which see only their arguments, and those here, which open files.
//!
//! A function that opens files is asynchronous: DataFusion awaits it, reads overlap, and the arithmetic runs on blocking threads.

mod depth;
mod frames;
mod generator;
mod lift;
mod object_function;
mod object_rows;
pub mod phrases;
mod project;

use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;

use spatialmill_columns::wording;

use crate::error::Result;
use crate::project::Project;

/// Registers every function with a session; `objects` are the columns of the table that `lift` and `project` fill.
pub fn register(context: &SessionContext, project: &Project, objects: &SchemaRef) -> Result<()> {
    for function in spatialmill_columns::scalar_functions() {
        context.register_udf(function);
    }
    context.register_udf(generator::GENERATOR.scalar());
    for function in wording::functions(&phrases::phrases(project)?) {
        context.register_udf(function);
    }
    for function in [&lift::LIFT, &project::PROJECT] {
        context.register_udf(function.scalar(objects));
    }
    Ok(())
}

/// How to call each function and what it gives, for lists.
pub fn list() -> Vec<(&'static str, &'static str)> {
    let own = [
        (generator::GENERATOR.usage, generator::GENERATOR.doc),
        (lift::LIFT.usage, lift::LIFT.doc),
        (project::PROJECT.usage, project::PROJECT.doc),
    ];
    let mut all: Vec<_> = spatialmill_columns::FUNCTIONS
        .iter()
        .map(|f| (f.usage, f.doc))
        .chain(own)
        .chain(wording::USAGES.iter().copied())
        .collect();
    all.sort_unstable();
    all
}
