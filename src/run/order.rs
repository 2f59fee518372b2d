//! An order: the work of one stage, or of one source's import, on one shard; what a driver hands out and a worker makes.
//!
//! ```text
//! driver: Stale + Snapshot ─► Order ─(a task of this process, or JSON to another one)─► Worker::make ─► staging record, or error record
//! ```
//!
//! An order says what has to come out (the fingerprint) and pins what goes in: the parts of the shard's inputs without their statistics, or
//! the version of an input that is read whole. A worker computes the fingerprint anew from its own queries, keys, functions and the pinned
//! inputs, and refuses an order with another one: its binary, project and inputs are those of the driver, or nothing is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Mill;
use super::snapshot::{PinnedTable, Snapshot};
use crate::error::{Error, Result};
use crate::pipeline::{Scope, Stage};
use crate::warehouse::{Part, content_hash_of};

/// The shard of a table that is built once, from all shards.
pub const ALL: &str = "all";

/// What an import is called where a stage has the name of its table, in `quarantine` too.
pub(super) const IMPORT: &str = "import";

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The driver's version of spatialmill.
    pub version: String,
    /// The digest of the driver's project.
    pub project: String,
    /// What is to be made.
    pub work: Work,
    /// `<source>/<shard>`, or `all`.
    pub shard: String,
    /// What the shard is made from, hashed.
    pub fingerprint: String,
    /// The driver's run.
    pub run_id: String,
    /// How often the driver has handed out this shard, this time included.
    pub attempt: u32,
    /// The stage's inputs by name; none of an import.
    pub inputs: BTreeMap<String, Input>,
    /// The version of the stage's own table whose rows stay where the new ones say nearly the same (`-- hysteresis:`).
    pub stored: Option<u64>,
}

/// What an order is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// A stage, by the table that it writes.
    Stage(String),
    /// A source, by its name in mill.toml.
    Import(String),
}

/// What a stage reads of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Nothing: the table was never created.
    Absent,
    /// The shard's parts, without their statistics.
    Parts(Vec<Part>),
    /// All rows of a version.
    Version(u64),
}

/// A stored table that a stage reads.
#[derive(Clone)]
pub(super) struct StageInput {
    pub name: String,
    /// Whether each shard reads all of it.
    pub is_whole: bool,
    pub table: Option<Arc<PinnedTable>>,
}

impl StageInput {
    /// What a shard reads of it.
    pub fn pinned(&self, shard: &str) -> Input {
        match &self.table {
            None => Input::Absent,
            Some(table) if self.is_whole => Input::Version(table.version()),
            Some(table) => Input::Parts(table.parts_of(shard).to_vec()),
        }
    }

    /// The content hash of what a shard reads of it.
    pub fn content(&self, shard: &str) -> Option<String> {
        self.table.as_ref().map(|table| match self.is_whole {
            true => table.content().to_owned(),
            false => content_hash_of(table.parts_of(shard)),
        })
    }
}

impl Order {
    /// Refuses an order of another version of the program or of another project.
    pub(super) fn check(&self, project: &str) -> Result<()> {
        let refused = |what: &str| {
            Error::usage(format!("the order is of another {what} than this worker's")).hint(
                "every process of one build runs the same spatialmill on the same mill.toml, queries and models.toml",
            )
        };
        if self.version != env!("CARGO_PKG_VERSION") {
            return Err(refused("version of spatialmill"));
        }
        if self.project != project {
            return Err(refused("project"));
        }
        Ok(())
    }

    /// Refuses an order whose fingerprint is not the one that this worker computes.
    pub(super) fn check_fingerprint(&self, computed: &str) -> Result<()> {
        if self.fingerprint == computed {
            return Ok(());
        }
        Err(Error::input(
            "the order's fingerprint is not the one that this worker computes, so that it would make other rows",
        )
        .with("ordered", &self.fingerprint)
        .with("computed", computed)
        .hint("queries, keys, models or a source changed while the build was running: run it again"))
    }
}

impl Mill {
    /// The stored tables that a stage reads.
    pub(super) async fn inputs_of(&self, snapshot: &Snapshot, stage: &Stage) -> Result<Vec<StageInput>> {
        let mut inputs = Vec::new();
        for name in self.pipeline.inputs(stage) {
            let is_all = |stage: &Stage| stage.shard == Scope::All;
            let is_whole = is_all(stage) || self.pipeline.stages.get(&name).is_some_and(is_all);
            let table = snapshot.table(&name).await?;
            inputs.push(StageInput { name, is_whole, table });
        }
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_travels_as_json_and_a_worker_of_another_project_refuses_it() {
        let order = Order {
            version: env!("CARGO_PKG_VERSION").into(),
            project: "p".into(),
            work: Work::Stage("objects".into()),
            shard: "rooms/a".into(),
            fingerprint: "f".into(),
            run_id: "r".into(),
            attempt: 1,
            inputs: BTreeMap::from([("frames".into(), Input::Version(3)), ("detections".into(), Input::Absent)]),
            stored: None,
        };
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
        assert!(order.check("p").is_ok() && order.check_fingerprint("f").is_ok());
        assert!(order.check("q").unwrap_err().to_string().contains("another project"));
        assert!(order.check_fingerprint("g").unwrap_err().to_string().contains("computed `g`"));
        let older = Order { version: "0.0.1".into(), ..order };
        assert!(older.check("p").unwrap_err().to_string().contains("another version"));
    }
}
