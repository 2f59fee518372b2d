//! Commits: whole shards of a table replaced in one new version of its log. Nothing else makes rows visible.
//!
//! The rule for two writers is optimistic concurrency by shard: **a commit lands when the shards that it replaces are unchanged since its
//! table was read**, whatever else happened to the table meanwhile; otherwise another build was first and ours is a conflict. The log's
//! put-if-absent decides between writers that arrive together. A lost response needs no special case: parts have names that no other run
//! uses, so a table whose shards hold exactly our parts shows that our commit landed. A request that was reset is sent again, because both
//! would write the same.
//!
//! A commit checks that its parts exist, before it is written and when it has landed; `tombstones` says why both, and why that is enough.
//! One that finds parts missing fails with [`Kind::Lost`], and the build makes them again.
//!
//! Each entry says how many parts and rows it adds and how many the table has with them, so that `verify` detects a missing line or entry.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use deltalake_core::kernel::Action;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use serde_json::{Map, Value};

use super::part_writer::now_ms;
use super::{Part, Table, content_hash_of};
use crate::error::{Error, Kind, Result};

/// What one run changes in one table.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The run.
    pub run_id: String,
    /// New parts; they replace all parts of their shards.
    pub add: Vec<Part>,
    /// Shards that go without replacement.
    pub remove_shards: Vec<String>,
    /// Fingerprint, seed, counts: kept in the log under `spatialmill`.
    pub info: Map<String, Value>,
}

/// How often a commit that others overtook is tried again before giving up. Each round at least one of them has landed.
const ROUNDS: u32 = 64;

/// How often a commit that failed by itself is sent again.
const RESENT: u32 = 3;

impl Table {
    /// Makes the change visible and gives the table that has it; nothing is committed when nothing would change.
    ///
    /// Fails with [`Kind::Conflict`] when another build replaced one of the same shards since this version, and with [`Kind::Lost`]
    /// when a new part is not there.
    pub async fn commit(&self, commit: &Commit) -> Result<Self> {
        self.check_parts_exist(&commit.add).await?;
        let landed = self.land(commit).await?;
        landed.check_committed_parts(&commit.add).await?;
        Ok(landed)
    }

    async fn land(&self, commit: &Commit) -> Result<Self> {
        let shards: BTreeSet<&str> = commit
            .add
            .iter()
            .map(|part| part.shard.as_str())
            .chain(commit.remove_shards.iter().map(String::as_str))
            .collect();
        let seen = self.paths(&shards);
        let ours: BTreeSet<&str> = commit.add.iter().map(|part| part.path.as_str()).collect();
        let mut table = self.latest().await?;
        let mut resent = 0;
        for round in 0..ROUNDS {
            let now = table.paths(&shards);
            if now == ours {
                return Ok(table);
            }
            if now != seen {
                return Err(conflict(&table, &shards));
            }
            let error = match table.append(commit, &shards).await {
                Ok(table) => return Ok(table),
                Err(error) => error,
            };
            let next = self.latest().await?;
            if next.version() == table.version() {
                // Nobody was faster, so it was not the race that failed.
                if resent == RESENT {
                    return Err(error);
                }
                resent += 1;
            }
            table = next;
            tokio::time::sleep(pause(&commit.run_id, round + 2 * resent)).await;
        }
        Err(Error::new(Kind::Conflict, "other builds kept changing the table")
            .with("table", self.name())
            .hint("run again when they are done: what was built is kept"))
    }

    fn paths(&self, shards: &BTreeSet<&str>) -> BTreeSet<&str> {
        self.parts().iter().filter(|part| shards.contains(part.shard.as_str())).map(|part| part.path.as_str()).collect()
    }

    /// One attempt to write the version after this one.
    async fn append(&self, commit: &Commit, shards: &BTreeSet<&str>) -> Result<Self> {
        let now = now_ms();
        // A part that is active already stays as it is: the log may not remove and add one file in one version.
        let added: BTreeSet<&str> = commit.add.iter().map(|part| part.path.as_str()).collect();
        let active: BTreeSet<&str> = self.paths(shards);
        let replaced = self.parts().iter().filter(|part| shards.contains(part.shard.as_str()));
        let removed = replaced.filter(|part| !added.contains(part.path.as_str()));
        let mut actions: Vec<Action> = removed.map(|part| Action::Remove(part.to_remove(now))).collect();
        let mode = if actions.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        let new: Vec<&Part> = commit.add.iter().filter(|part| !active.contains(part.path.as_str())).collect();
        actions.extend(new.iter().map(|part| Action::Add(part.to_add())));

        let mut info = commit.info.clone();
        info.insert("run_id".to_owned(), Value::from(commit.run_id.as_str()));
        let others = self.parts().iter().filter(|part| !shards.contains(part.shard.as_str()));
        let whole: Vec<&Part> = others.chain(&commit.add).collect();
        info.insert(ADDED.to_owned(), Counts::of(new).into());
        info.insert(TABLE.to_owned(), Counts::of(whole.iter().copied()).into());
        info.insert(CONTENT.to_owned(), content_hash_of(whole.iter().copied()).into());
        // No retries inside: the library's own rule about conflicts knows nothing of shards.
        let properties = CommitProperties::default()
            .with_metadata(HashMap::from([("spatialmill".to_owned(), Value::Object(info))]))
            .with_max_retries(0)
            .with_create_checkpoint(false);
        let operation = DeltaOperation::Write { mode, partition_by: None, predicate: None };
        let failed = |error| Error::input("cannot commit to the table").with("table", self.name()).because(error);
        let state = self.delta.snapshot().map_err(failed)?;
        let changed_parts = actions.len();
        let landed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state), self.delta.log_store(), operation)
            .await
            .map_err(failed)?;
        let landed = self.committed(landed.snapshot())?;
        landed.location().sync(&format!("_delta_log/{:020}.json", landed.version())).await?;
        landed.checkpoint_if_due(changed_parts).await;
        Ok(landed)
    }
}

/// What an entry says of the parts that it adds, and of all parts of the table with them.
pub(super) const ADDED: &str = "added";
pub(super) const TABLE: &str = "table";

/// What an entry says of all rows of the table with it.
pub(super) const CONTENT: &str = "content_hash";

/// How many parts, with how many rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) parts: u64,
    pub(super) rows: u64,
}

impl Counts {
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Self {
        parts.into_iter().fold(Self::default(), |all, part| Self { parts: all.parts + 1, rows: all.rows + part.rows })
    }

    /// What an entry says, where it says it.
    pub(super) fn from_info(info: &Map<String, Value>, field: &str) -> Option<Self> {
        let count = |of: &str| info.get(field)?.get(of)?.as_u64();
        Some(Self { parts: count("parts")?, rows: count("rows")? })
    }
}

impl From<Counts> for Value {
    fn from(counts: Counts) -> Self {
        serde_json::json!({"parts": counts.parts, "rows": counts.rows})
    }
}

fn conflict(table: &Table, shards: &BTreeSet<&str>) -> Error {
    let some: Vec<_> = shards.iter().take(3).copied().collect();
    Error::new(Kind::Conflict, "another build replaced the same shards first")
        .with("table", table.name())
        .with("version", table.version())
        .with("shards", some.join(", "))
        .hint("run again: only what is still out of date is built")
}

/// Up to 20 ms, then 40, ... 320: different for each run and round, so that writers who met once do not meet again.
fn pause(run_id: &str, round: u32) -> Duration {
    let spread = xxhash_rust::xxh3::xxh3_64_with_seed(run_id.as_bytes(), u64::from(round));
    Duration::from_millis(spread % (20 << round.min(4)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use object_store::ObjectStoreExt;

    use super::super::fault_store::{Fault, FaultStore, Operation};
    use super::super::part::tests::part;
    use super::super::tombstones::Reason;
    use super::super::{Location, Retention, Warehouse};
    use super::*;

    async fn table(name: &str) -> (Arc<FaultStore>, Table) {
        let plain = Location::parse(&format!("memory://{name}"), Path::new("/")).unwrap();
        let faults = Arc::new(FaultStore::new(Arc::clone(plain.store())));
        let warehouse = plain.through(Arc::clone(&faults) as _);
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let table = Table::create(&warehouse, "t", schema).await.unwrap();
        write(&table, &[1, 2, 3, 5].map(|n| part("a", n))).await;
        write(&table, &[2, 5].map(|n| part("b", n))).await;
        (faults, table)
    }

    fn commit(n: u64) -> Commit {
        Commit { run_id: format!("r{n}"), add: vec![part("a", n)], ..Commit::default() }
    }

    /// Puts files where the parts are said to be.
    async fn write(table: &Table, parts: &[Part]) {
        for part in parts {
            let bytes = vec![0; usize::try_from(part.bytes).unwrap()];
            table.location().store().put(&table.location().path(&part.path), bytes.into()).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lost_answer_is_no_conflict() {
        for (fault, name) in [(Fault::After, "after"), (Fault::AfterAndRetried, "after-and-retried")] {
            let (faults, table) = table(name).await;
            faults.fail_next(Operation::Commit, fault);
            let table = table.commit(&commit(1)).await.unwrap();
            assert_eq!((table.version(), table.parts_with_stats()), (1, vec![part("a", 1)]), "{name}");
            assert_eq!(table.commit(&commit(2)).await.unwrap().version(), 2);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_that_was_reset_is_sent_again_and_not_for_ever() {
        let (faults, table) = table("before").await;
        faults.fail_next(Operation::Commit, Fault::Before);
        assert_eq!(table.commit(&commit(1)).await.unwrap().version(), 1);
        for _ in 0..=RESENT {
            faults.fail_next(Operation::Commit, Fault::Before);
        }
        let table = table.latest().await.unwrap();
        let error = table.commit(&commit(2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Input, "{error}");
        assert_eq!(table.latest().await.unwrap().version(), 1);
        assert_eq!(table.commit(&commit(2)).await.unwrap().version(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_names_no_part_that_is_gone_or_going() {
        let (_, table) = table("gone").await;
        let gone = Commit { run_id: "r9".into(), add: vec![part("a", 9)], ..Commit::default() };
        assert_eq!(table.commit(&gone).await.unwrap_err().kind(), Kind::Lost);
        let tombstone = table.write_tombstone(Reason::Garbage, "x", vec![part("a", 1).path]).await.unwrap();
        assert_eq!(table.commit(&commit(1)).await.unwrap_err().kind(), Kind::Lost);
        assert_eq!(table.latest().await.unwrap().version(), 0);
        table.remove_tombstones(vec![tombstone]).await.unwrap();
        assert_eq!(table.commit(&commit(1)).await.unwrap().version(), 1);
    }

    /// Opening costs the same however many versions there were, and so does the look at what a build can rely on.
    #[tokio::test(flavor = "multi_thread")]
    async fn opening_a_table_costs_four_requests_at_most() {
        let (faults, mut table) = table("requests").await;
        let name = ["t".to_owned()];
        for n in 1..=24 {
            write(&table, &[part("a", n)]).await;
            table = table.commit(&commit(n)).await.unwrap();
            faults.take_requests();
            let warehouse = Warehouse { location: table.warehouse().clone() };
            let (_, opened) = warehouse.open_all(&name).await.remove(0);
            let opened = opened.unwrap().unwrap();
            let requests = faults.take_requests();
            assert_eq!((opened.version(), opened.parts()), (n, table.parts()));
            assert!(requests.len() <= 4, "version {n}: {requests:#?}");
            assert_eq!(requests.iter().filter(|request| request.starts_with("LIST")).count(), 1, "{requests:#?}");

            let tombstones = warehouse.tombstones().await.unwrap();
            assert_eq!(faults.take_requests().len(), 1);
            assert!(opened.broken_shards_by(&tombstones).await.unwrap().is_empty());
            assert_eq!(faults.take_requests().len(), 0);
            opened.latest().await.unwrap();
            let requests = faults.take_requests();
            assert!(requests.len() <= 2, "version {n}: {requests:#?}");
        }
        faults.take_requests();
        assert!(Warehouse { location: table.warehouse().clone() }.table("none").await.unwrap().is_none());
        assert!(faults.take_requests().len() <= 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn parts_that_vanish_as_they_are_committed_are_told_to_the_next_build() {
        let (_, table) = table("vanish").await;
        let landed = table.land(&commit(1)).await.unwrap();
        assert!(landed.broken_shards().await.unwrap().is_empty());
        landed.location().store().delete(&landed.location().path(&part("a", 1).path)).await.unwrap();
        let error = landed.check_committed_parts(&[part("a", 1)]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Lost);
        let warehouse = Warehouse { location: table.warehouse().clone() };
        let retention = Retention { versions: 1, grace: Duration::ZERO };
        for _ in 0..2 {
            assert!(landed.broken_shards().await.unwrap().contains("a"), "gc does not remove what is needed");
            warehouse.collect_garbage(&landed, retention).await.unwrap();
        }
        write(&landed, &[part("a", 2)]).await;
        let mended = landed.commit(&commit(2)).await.unwrap();
        assert!(mended.broken_shards().await.unwrap().is_empty());
        warehouse.collect_garbage(&mended, retention).await.unwrap();
        assert!(mended.tombstones().await.unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_the_same_shards_conflict() {
        let (_, table) = table("shards").await;
        table.commit(&commit(1)).await.unwrap();
        let other = Commit { run_id: "r2".into(), add: vec![part("b", 2)], ..Commit::default() };
        assert_eq!(table.commit(&other).await.unwrap().parts().len(), 2, "though `table` had not seen r1");
        assert_eq!(table.commit(&commit(3)).await.unwrap_err().kind(), Kind::Conflict);
        let removal = Commit { run_id: "r4".into(), remove_shards: vec!["a".into()], ..Commit::default() };
        assert_eq!(table.commit(&removal).await.unwrap_err().kind(), Kind::Conflict);
        let table = table.latest().await.unwrap().commit(&removal).await.unwrap();
        assert_eq!(table.shards().len(), 1);

        let half_known = Commit { run_id: "r5".into(), add: vec![part("b", 2), part("b", 5)], ..Commit::default() };
        let table = table.commit(&half_known).await.unwrap();
        assert_eq!(
            table.parts_with_stats(),
            [part("b", 2), part("b", 5)],
            "a part that was active already is not removed"
        );
    }
}
