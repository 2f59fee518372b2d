//! The SQL functions of the pipeline: those of `udfs/columns`, which see only their arguments, and those here, which open files.

mod phrases;

use datafusion::prelude::SessionContext;
use spatialmill_columns::{scalar_functions, wording};

use crate::error::Result;
use crate::project::Project;

/// Registers every function with a session.
pub fn register(context: &SessionContext, project: &Project) -> Result<()> {
    scalar_functions().for_each(|function| context.register_udf(function));
    wording::functions(&phrases::phrases(project)?).into_iter().for_each(|function| context.register_udf(function));
    Ok(())
}

/// One function, for lists.
pub struct Listed {
    pub usage: &'static str,
    pub doc: &'static str,
}

pub fn list() -> Vec<Listed> {
    Vec::new()
}
