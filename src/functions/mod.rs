//! The SQL functions of the pipeline: those of `udfs/columns`, which see only their arguments, and those here, which open files.
//!
//! A function that opens files is asynchronous: DataFusion awaits it, reads overlap, and the arithmetic runs on blocking threads. It opens
//! what lies in the project's `places` alone.

mod annotate;
mod appearance;
mod async_function;
pub(crate) mod depth;
mod frames;
mod generator;
mod lift;
mod lists;
mod object_rows;
pub mod phrases;
mod places;
mod project;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;

use spatialmill_columns::wording;

use self::async_function::AsyncFunction;
use self::places::Places;
use crate::error::Result;
use crate::models::Models;
use crate::project::Project;

/// Those that open files.
const ASYNC_FUNCTIONS: [&AsyncFunction; 10] = [
    &lift::LIFT,
    &project::PROJECT,
    &appearance::APPEARANCE,
    &annotate::detect::DETECT,
    &annotate::segment::SEGMENT,
    &annotate::depth::DEPTH,
    &annotate::camera::INTRINSICS,
    &annotate::camera::GRAVITY,
    &annotate::caption::CAPTION,
    &annotate::caption::GROUND,
];

/// Registers every function with a session; `objects` are the columns of the table that `lift` and `project` fill.
pub fn register(context: &SessionContext, project: &Project, objects: &SchemaRef, models: &Arc<Models>) -> Result<()> {
    for function in spatialmill_columns::scalar_functions() {
        context.register_udf(function);
    }
    context.register_udf(generator::GENERATOR.scalar());
    for function in wording::functions(&phrases::phrases(project)?) {
        context.register_udf(function);
    }
    let places = Arc::new(Places::of(project));
    for function in ASYNC_FUNCTIONS {
        context.register_udf(function.scalar(objects, models, &places));
    }
    Ok(())
}

/// True for a function whose answers come from models.
pub fn asks_models(name: &str) -> bool {
    ASYNC_FUNCTIONS.iter().any(|function| function.name == name && function.asks_models)
}

/// How to call each function and what it gives, for lists.
pub fn list() -> Vec<(&'static str, &'static str)> {
    let own = ASYNC_FUNCTIONS
        .iter()
        .map(|f| (f.usage, f.doc))
        .chain([(generator::GENERATOR.usage, generator::GENERATOR.doc)]);
    let mut all: Vec<_> = spatialmill_columns::FUNCTIONS
        .iter()
        .map(|f| (f.usage, f.doc))
        .chain(own)
        .chain(wording::USAGES.iter().copied())
        .collect();
    all.sort_unstable();
    all
}
