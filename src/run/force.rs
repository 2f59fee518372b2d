//! `build --force`: names of tables, sources, scenes and shards in, the shards that are made again although nothing changed out.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::lit;
use datafusion::prelude::ident;

use super::Mill;
use super::order::IMPORT;
use super::snapshot::Snapshot;
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
    /// Takes the names for those of tables, sources (`rooms`), shards (`rooms/rooms-0000`), shards of tables (`objects/rooms/rooms-0000`) and scenes
    /// (`rooms/room-0001`), whose shards are meant; refuses what is none.
    pub async fn force(&mut self, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let snapshot = self.snapshot().await;
        let mut known = BTreeSet::new();
        for name in IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str)) {
            let Some(table) = snapshot.table(name).await? else { continue };
            known.insert(name.to_owned());
            for shard in table.shard_names() {
                known.extend([shard.to_owned(), format!("{name}/{shard}")]);
            }
        }
        let of_scenes = self.shards_of_scenes(&snapshot, names).await?;
        let of_source = |name: &String| {
            let shards = known
                .iter()
                .filter(|known| known.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/')));
            shards.filter(|_| self.project.sources.iter().any(|source| source.options.name == *name)).cloned().collect()
        };
        let meant = |name: &String| -> BTreeSet<String> {
            if known.contains(name) {
                return BTreeSet::from([name.clone()]);
            }
            of_scenes.get(name).cloned().unwrap_or_else(|| of_source(name))
        };
        let (forced, unknown): (Vec<_>, Vec<_>) =
            names.iter().map(|name| (name, meant(name))).partition(|(_, shards)| !shards.is_empty());
        let known: Vec<String> = known.iter().cloned().collect();
        if let Some((name, _)) = unknown.first() {
            // Mostly the last part of a shard's name is given.
            let ending =
                known.iter().filter(|known| known.ends_with(&format!("/{name}"))).min_by_key(|name| name.len());
            let near = ending.map(String::as_str).or_else(|| suggestion::nearest(name, &known));
            let error = Error::usage(format!("there is no table or shard `{name}`"));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => {
                    let list = self.project.command("sql \"SELECT DISTINCT source, scene_id FROM frames\"");
                    error.hint(format!("a table, a source, a shard or a scene is named; `{list}` shows the scenes"))
                }
            });
        }
        self.force = Force(forced.into_iter().flat_map(|(_, shards)| shards).collect());
        Ok(())
    }

    /// The shards that frames of these scenes lie in.
    async fn shards_of_scenes(
        &self,
        snapshot: &Snapshot,
        names: &[String],
    ) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut shards: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let Some(frames) = snapshot.table("frames").await? else { return Ok(shards) };
        let of_source = |shard: &str| names.iter().any(|name| name.split('/').next() == shard.split('/').next());
        for shard in frames.shard_names().filter(|shard| of_source(shard)) {
            let rows = frames.provider_of_parts(frames.parts_of(shard).to_vec());
            let rows = self.session_without_tables()?.read_table(rows)?;
            for name in names {
                if rows.clone().filter(ident("scene_id").eq(lit(name.as_str())))?.count().await? > 0 {
                    shards.entry(name.clone()).or_default().insert(shard.to_owned());
                }
            }
        }
        Ok(shards)
    }
}
