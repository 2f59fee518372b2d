//! The SQL functions of the pipeline: those of `udfs/columns`, which see only their arguments, and those here, which open files.
//!
//! A function that opens files is asynchronous: DataFusion awaits it, reads overlap, and the arithmetic runs on blocking threads. It opens
//! what lies in the project's `places` alone.

mod annotate;
mod appearance;
mod async_function;
pub(crate) mod code_digests;
pub(crate) mod depth;
mod frames;
mod generator;
mod lift;
mod lists;
mod object_rows;
pub mod phrases;
mod places;
mod project;
mod scenes;
mod sightings;
mod view_overlaps;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;

use spatialmill_columns::{Call, Cost, Function, FunctionDoc};

use self::async_function::AsyncFunction;
use self::places::Places;
use crate::error::Result;
use crate::models::Models;
use crate::project::Project;

/// Those that open files or ask models.
const ASYNC_FUNCTIONS: [&AsyncFunction; 12] = [
    &lift::LIFT,
    &project::PROJECT,
    &sightings::SIGHTINGS,
    &view_overlaps::VIEW_OVERLAPS,
    &appearance::APPEARANCE,
    &annotate::detect::DETECT,
    &annotate::segment::SEGMENT,
    &annotate::depth::DEPTH,
    &annotate::camera::INTRINSICS,
    &annotate::camera::GRAVITY,
    &annotate::caption::CAPTION,
    &annotate::caption::GROUND,
];

/// Every function, as it is documented, in the order of names.
pub fn docs() -> Vec<&'static FunctionDoc> {
    let values = spatialmill_columns::FUNCTIONS.iter().map(|function| &function.doc);
    let mut docs: Vec<_> =
        values.chain([&generator::GENERATOR.doc]).chain(ASYNC_FUNCTIONS.iter().map(|function| &function.doc)).collect();
    docs.sort_unstable_by_key(|doc| doc.name);
    docs
}

/// Registers every function with a session; `objects` are the columns of the table that `lift` and `project` fill.
pub fn register(context: &SessionContext, project: &Project, objects: &SchemaRef, models: &Arc<Models>) -> Result<()> {
    let phrases = phrases::phrases(project)?;
    for function in spatialmill_columns::scalar_functions(Some(&phrases)).chain(generator::GENERATOR.scalar(None)) {
        context.register_udf(function);
    }
    let places = Arc::new(Places::of(project));
    for function in ASYNC_FUNCTIONS {
        context.register_udf(function.scalar(objects, models, &places));
    }
    Ok(())
}

/// True for a function whose results depend on the project's phrases.
pub fn reads_phrases(name: &str) -> bool {
    let over_phrases = |function: &&Function| matches!(function.call, Call::Phrases(_));
    spatialmill_columns::FUNCTIONS.iter().filter(over_phrases).any(|function| function.doc.name == name)
}

/// True for a function whose answers come from models: then several slices are in flight, so that devices never wait for pictures.
pub fn asks_models(name: &str) -> bool {
    ASYNC_FUNCTIONS.iter().any(|function| function.doc.name == name && function.doc.cost == Cost::AsksModels)
}
