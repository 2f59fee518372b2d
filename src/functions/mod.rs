//! The SQL functions of the pipeline: those of `udfs/columns`, which see only their arguments, and those here, which open files.

use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::project::Project;

/// Registers every function with a session.
pub fn register(context: &SessionContext, project: &Project) -> Result<()> {
    let _ = (context, project);
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
