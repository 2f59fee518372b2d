//! The phrases of a project: those compiled in, with the project's own `queries/5_ask/<task>/phrases.toml` over them.

use std::sync::Arc;

use spatialmill_columns::phrases::Phrases;

use crate::error::{Error, Result};
use crate::project::Project;

const FOLDER: &str = "5_ask";

/// Compiles them.
pub fn phrases(project: &Project) -> Result<Arc<Phrases>> {
    let files = project.queries();
    let relations = files.get(&format!("{FOLDER}/relations.toml")).map_or("", String::as_str);
    let packs = files.iter().filter_map(|(path, text)| {
        let task = path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix("/phrases.toml")?;
        Some((task, text.as_str()))
    });
    let phrases = Phrases::new(relations, packs).map_err(|e| {
        Error::usage("the phrases cannot be used").because(e).hint("each pack is queries/5_ask/<task>/phrases.toml")
    })?;
    Ok(Arc::new(phrases))
}
