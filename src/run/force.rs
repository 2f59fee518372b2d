//! What `build --force` names: shards that are made again although nothing that they depend on changed.

use std::collections::BTreeSet;

use super::Mill;
use super::import::IMPORT;
use crate::error::{Error, Result};
use crate::pipeline::IMPORTED;
use crate::suggestion;

/// Tables, shards, or shards of tables.
#[derive(Debug, Clone, Default)]
pub struct Force(BTreeSet<String>);

impl Force {
    /// True where a shard of a table is to be made again.
    pub fn names(&self, table: &str, shard: &str) -> bool {
        self.0.contains(table) || self.0.contains(shard) || self.0.contains(&format!("{table}/{shard}"))
    }

    /// True where a shard of a source is to be read again, into all of its tables.
    pub(super) fn names_import(&self, shard: &str) -> bool {
        IMPORTED.iter().chain([&IMPORT]).any(|table| self.names(table, shard))
    }
}

impl Mill {
    /// Takes the names for those of tables, shards (`rooms/room_0001`) and shards of tables (`objects/rooms/room_0001`); refuses what is none.
    pub async fn force(&mut self, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let mut known = BTreeSet::new();
        for name in IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str)) {
            let Some(table) = self.warehouse.table(name).await? else { continue };
            known.insert(name.to_owned());
            for shard in table.shards().into_keys() {
                known.extend([shard.to_owned(), format!("{name}/{shard}")]);
            }
        }
        let known: Vec<String> = known.into_iter().collect();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            // Mostly the last part of a shard's name is given.
            let ending =
                known.iter().filter(|known| known.ends_with(&format!("/{name}"))).min_by_key(|name| name.len());
            let near = ending.map(String::as_str).or_else(|| suggestion::nearest(name, &known));
            let error = Error::usage(format!("there is no table or shard `{name}`"));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => {
                    error.hint("`spatialmill sql \"SELECT DISTINCT source, scene_id FROM frames\"` shows what there is")
                }
            });
        }
        self.force = Force(names.iter().cloned().collect());
        Ok(())
    }
}
