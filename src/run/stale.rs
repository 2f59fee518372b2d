//! Staleness: which shards of a stored stage have to be made again, and why.
//!
//! A shard is fresh when the fingerprint in its parts' tags equals that of its query, configuration, functions and inputs now, and its parts
//! are there, with the sizes that the log says, and not found damaged. Its parts of `quarantine` count too.

use std::collections::BTreeSet;

use super::Mill;
use super::build::ALL;
use crate::error::Result;
use crate::pipeline::fingerprint::Fingerprint;
use crate::pipeline::{Scope, Stage};
use crate::warehouse::{Table, content_hash_of};

/// A shard to be made again.
#[derive(Debug, Clone)]
pub struct Stale {
    /// `<source>/<shard>`, or `all`.
    pub shard: String,
    /// What it will be made from.
    pub fingerprint: Fingerprint,
    /// Why, in words.
    pub reason: &'static str,
    /// What is stored cannot be read.
    pub is_lost: bool,
    /// It is made again, whatever an interrupted run left of it.
    pub is_forced: bool,
}

/// Why a shard is made again whose parts are missing or damaged.
pub(super) const LOST: &str = "a part of it is missing or damaged";

/// The state of a stored stage.
#[derive(Debug, Clone, Default)]
pub struct Staleness {
    /// Shards to be made again.
    pub stale: Vec<Stale>,
    /// How many shards stand.
    pub fresh: usize,
    /// Shards whose inputs are gone.
    pub gone: Vec<String>,
}

impl Mill {
    /// Compares what is stored with what the inputs say now.
    pub async fn staleness(&self, stage: &Stage) -> Result<Staleness> {
        let mut inputs = Vec::new();
        for name in self.pipeline.inputs(stage) {
            let whole = self.pipeline.stages.get(&name).is_some_and(|s| s.shard == Scope::All);
            inputs.push((name.clone(), whole, self.warehouse.table(&name).await?));
        }
        let shards: BTreeSet<String> = match stage.shard {
            Scope::All => BTreeSet::from([ALL.to_owned()]),
            Scope::Each => inputs
                .iter()
                .filter(|(_, whole, _)| !whole)
                .filter_map(|(_, _, table)| table.as_ref())
                .flat_map(|table| table.shards().into_keys().map(str::to_owned))
                .collect(),
        };
        let stored = self.warehouse.table(&stage.writes).await?;
        let stored_shards = stored.as_ref().map(Table::shards).unwrap_or_default();
        let lost = self.lost_shards(stored.as_ref(), &stage.writes).await?;
        let mut state = Staleness::default();
        for shard in &shards {
            let mut content = Vec::new();
            for (name, whole, table) in &inputs {
                content.push(name.clone());
                let Some(table) = table else { continue };
                let all = *whole || stage.shard == Scope::All;
                content.push(content_hash_of(table.parts().iter().filter(|p| all || p.shard == *shard)));
            }
            let fingerprint = Fingerprint::of(&self.pipeline, stage, &self.project, &content)?;
            let (is_lost, is_forced) = (lost.contains(shard), self.force.names(&stage.writes, shard));
            let reason = match stored_shards.get(shard.as_str()) {
                None => Some("it was never built"),
                Some(_) if is_lost => Some(LOST),
                Some(_) if is_forced => Some("--force names it"),
                Some(stored) => fingerprint.differs_from(stored),
            };
            match reason {
                Some(reason) => {
                    state.stale.push(Stale { shard: shard.clone(), fingerprint, reason, is_lost, is_forced })
                }
                None => state.fresh += 1,
            }
        }
        state.gone = stored_shards.keys().filter(|s| !shards.contains(**s)).map(|s| (*s).to_owned()).collect();
        Ok(state)
    }

    /// The shards of a table, or of what `quarantine` says of it, that have parts which are missing or damaged.
    pub(super) async fn lost_shards(&self, table: Option<&Table>, stage: &str) -> Result<BTreeSet<String>> {
        let mut lost = match table {
            Some(table) => table.broken_shards().await?,
            None => BTreeSet::new(),
        };
        let prefix = format!("{stage}/");
        lost.extend(
            self.lost_quarantine().await?.iter().filter_map(|shard| shard.strip_prefix(&prefix).map(str::to_owned)),
        );
        Ok(lost)
    }
}
