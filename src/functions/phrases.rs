//! The phrases of a project: those compiled in, with the project's own files over them.
//!
//! | file below `queries/` | what it is |
//! |---|---|
//! | `5_ask/topics.toml` | how relations are said |
//! | `5_ask/<task>/topics.toml` | how the relations of a task's own are said |
//! | `6_format/references.toml` | how marks are pointed at |
//! | `5_ask/<task>/phrases.toml` | a task's plain pack of wordings |
//! | `5_ask/<task>/phrases.<pack>.toml` | another pack, used where `formats.packs` gives it a share |

use std::collections::BTreeMap;
use std::sync::Arc;

use spatialmill_columns::phrases::{PLAIN, PackText, Phrases, Texts};

use crate::error::{Error, Result};
use crate::project::Project;

const FOLDER: &str = "5_ask";

/// Whether a file declares topics: of all tasks, or of one.
fn is_topics(path: &str) -> bool {
    let below = path.strip_prefix(FOLDER).and_then(|path| path.strip_prefix('/'));
    below.is_some_and(|path| path.rsplit_once('/').map_or(path, |(_, file)| file) == "topics.toml")
}

/// Compiles them.
pub fn phrases(project: &Project) -> Result<Arc<Phrases>> {
    let phrases = Phrases::new(&texts(project)?).map_err(|e| {
        let hint = "packs are queries/5_ask/<task>/phrases.toml and phrases.<pack>.toml; `spatialmill phrases list` names them";
        Error::usage("the phrases cannot be used").because(e).hint(hint)
    })?;
    Ok(Arc::new(phrases))
}

/// The texts that they are compiled from.
pub fn texts(project: &Project) -> Result<Texts<'_>> {
    let files = project.queries();
    let file = |path: &str| files.get(path).map_or("", String::as_str);
    let packs = files.iter().filter_map(|(path, text)| {
        let (task, file) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
        let name = match file.strip_prefix("phrases.")?.strip_suffix("toml")? {
            "" => PLAIN,
            name => name.strip_suffix('.')?,
        };
        Some(PackText { task, name, text })
    });
    let shares = project.value("packs").and_then(toml::Value::as_table).into_iter().flatten();
    let shares = shares.map(|(name, share)| {
        let number = share.as_float().or_else(|| share.as_integer().map(|whole| whole as f64));
        let number = number.ok_or_else(|| {
            Error::usage(format!("the share of the pack `{name}` is no number"))
                .hint("for example packs = { plain = 1.0 }")
        })?;
        Ok((name.clone(), number))
    });
    Ok(Texts {
        topics: files
            .iter()
            .filter(|(path, _)| is_topics(path))
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect(),
        references: file("6_format/references.toml"),
        packs: packs.collect(),
        shares: shares.collect::<Result<BTreeMap<_, _>>>()?,
    })
}
