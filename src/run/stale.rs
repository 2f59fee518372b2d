//! Staleness: which shards of a stored stage have to be made again, and why.
//!
//! In: a snapshot, and a stage with its queries, keys, functions and models. Out: its stale shards with the fingerprints that they will have.
//! A shard is fresh when the fingerprint in its parts' tags equals the one that is computed now, and its parts are there, with the sizes
//! that the log says, and not found damaged. Its parts of `quarantine` count too.

use std::collections::BTreeSet;

use super::Mill;
use super::order::ALL;
use super::quarantine::QUARANTINE;
use super::snapshot::{PinnedTable, Snapshot};
use crate::error::Result;
use crate::pipeline::fingerprint::{Fingerprint, StageFingerprint};
use crate::pipeline::{Scope, Stage};

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
    pub is_broken: bool,
    /// It is made anew, also where an interrupted run left a record of it.
    pub is_forced: bool,
    /// How many rows and bytes it reads.
    pub input_rows: u64,
    pub input_bytes: u64,
}

/// Why a shard is made again whose parts are missing or damaged.
const BROKEN: &str = "a part of it is missing or damaged";

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
    pub async fn staleness(&self, snapshot: &Snapshot, stage: &Stage) -> Result<Staleness> {
        let inputs = self.inputs_of(snapshot, stage).await?;
        let shards: BTreeSet<&str> = match stage.shard {
            Scope::All => BTreeSet::from([ALL]),
            Scope::Each => {
                let of_shards = inputs.iter().filter(|input| !input.is_whole).filter_map(|input| input.table.as_ref());
                of_shards.flat_map(|table| table.shard_names()).collect()
            }
        };
        let stored = snapshot.table(&stage.writes).await?;
        let broken = self.broken_shards(snapshot, stored.as_deref(), &stage.writes).await?;
        let shared = StageFingerprint::of(&self.pipeline, stage, &self.project)?;
        let mut state = Staleness::default();
        for shard in &shards {
            let fingerprint =
                fingerprint(&shared, inputs.iter().map(|input| (input.name.as_str(), input.content(shard))));
            let (is_broken, is_forced) = (broken.contains(*shard), self.force.names(&stage.writes, shard));
            let reason = match stored.as_ref().and_then(|stored| stored.fingerprint_of(shard)) {
                None => Some("it was never built"),
                Some(_) if is_broken => Some(BROKEN),
                Some(_) if is_forced => Some("--force names it"),
                Some(stored) => fingerprint.differs_from(stored),
            };
            let Some(reason) = reason else {
                state.fresh += 1;
                continue;
            };
            let read = inputs.iter().filter_map(|input| {
                let table = input.table.as_ref()?;
                Some(if stage.shard == Scope::All { table.parts() } else { table.parts_of(shard) })
            });
            let (input_rows, input_bytes) =
                read.flatten().fold((0, 0), |(rows, bytes), part| (rows + part.rows, bytes + part.bytes));
            let shard = (*shard).to_owned();
            state.stale.push(Stale { shard, fingerprint, reason, is_broken, is_forced, input_rows, input_bytes });
        }
        let stored = stored.iter().flat_map(|stored| stored.shard_names());
        state.gone = stored.filter(|shard| !shards.contains(shard)).map(str::to_owned).collect();
        Ok(state)
    }

    /// The shards of a table that have parts which are missing or damaged, there or in `quarantine`, where they are `<stage>/<shard>`.
    pub(super) async fn broken_shards(
        &self,
        snapshot: &Snapshot,
        table: Option<&PinnedTable>,
        stage: &str,
    ) -> Result<BTreeSet<String>> {
        let mut broken = match table {
            Some(table) => table.broken().await?.clone(),
            None => BTreeSet::new(),
        };
        if let Some(quarantine) = snapshot.table(QUARANTINE).await? {
            let shards = quarantine.broken().await?.iter();
            broken.extend(shards.filter_map(|name| Some(name.strip_prefix(stage)?.strip_prefix('/')?.to_owned())));
        }
        Ok(broken)
    }
}

/// The fingerprint of a shard over its inputs, each with the content hash of what the shard reads of it where the table exists.
pub(super) fn fingerprint<'a>(
    shared: &StageFingerprint,
    inputs: impl Iterator<Item = (&'a str, Option<String>)>,
) -> Fingerprint {
    let mut content = Vec::new();
    for (name, hash) in inputs {
        content.push(name.to_owned());
        content.extend(hash);
    }
    shared.over(&content)
}
