//! The snapshot: one version of every table, opened once, which staleness, orders and plans of a whole build read.
//!
//! ```text
//! warehouse ─► Snapshot ─┬─ staleness: fingerprints of stored shards, content of inputs
//!                        ├─ orders: the parts of a shard's inputs, versions of whole inputs
//!                        └─ commits: the version that each was made over          our own commit ─► replace(its version)
//! ```
//!
//! A table is opened when it is first asked for, and no other version of it is read after that: another build's commit in between
//! cannot give rows unlike their fingerprint. Parts are grouped by shard once, because every stage asks for them shard by shard.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::{StreamExt, stream};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::warehouse::{Part, Table, Tombstones, Warehouse, content_hash_of};

/// Tables that are opened at the same time.
const AT_ONCE: usize = 16;

/// See the module.
pub struct Snapshot {
    warehouse: Warehouse,
    tables: Mutex<BTreeMap<String, Opened>>,
    /// Those of all tables, read by one listing when a table first asks for them.
    tombstones: Mutex<Arc<OnceCell<Tombstones>>>,
}

type Opened = Arc<OnceCell<Option<Arc<PinnedTable>>>>;

/// One version of a table, its parts by shard.
#[derive(Debug)]
pub struct PinnedTable {
    table: Table,
    /// Where the parts of each shard are, which are sorted by shard.
    shards: HashMap<String, Range<usize>>,
    content: OnceLock<String>,
    broken: OnceCell<BTreeSet<String>>,
    warehouse: Warehouse,
    tombstones: Arc<OnceCell<Tombstones>>,
}

impl Snapshot {
    /// A snapshot that has opened nothing yet.
    pub fn of(warehouse: &Warehouse) -> Self {
        Self { warehouse: warehouse.clone(), tables: Mutex::default(), tombstones: Mutex::default() }
    }

    /// Opens tables side by side. One that cannot be opened is an error when it is asked for.
    pub async fn open<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let opened = stream::iter(names).map(|name| async move { drop(self.table(name).await) });
        opened.buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// A table, or `None` when it was never created.
    pub async fn table(&self, name: &str) -> Result<Option<Arc<PinnedTable>>> {
        let cell = Arc::clone(self.locked().entry(name.to_owned()).or_default());
        let opened =
            cell.get_or_try_init(|| async { Ok(self.warehouse.table(name).await?.map(|table| self.pin(table))) });
        opened.await.cloned()
    }

    /// Puts the version that a commit of ours has made in the place of the one before.
    pub fn replace(&self, table: Table) -> Arc<PinnedTable> {
        let name = table.name().to_owned();
        let pinned = self.pin(table);
        self.locked().insert(name, Arc::new(OnceCell::new_with(Some(Some(Arc::clone(&pinned))))));
        pinned
    }

    /// Lets the newest version of a table be opened when it is asked for again.
    pub fn forget(&self, name: &str) {
        self.locked().remove(name);
    }

    /// Lets the newest versions of all tables be opened again: something else changed what this snapshot relied on.
    pub fn forget_all(&self) {
        self.locked().clear();
        *self.tombstones.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn pin(&self, table: Table) -> Arc<PinnedTable> {
        let tombstones = Arc::clone(&self.tombstones.lock().unwrap_or_else(PoisonError::into_inner));
        Arc::new(PinnedTable::of(table, self.warehouse.clone(), tombstones))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Opened>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PinnedTable {
    fn of(table: Table, warehouse: Warehouse, tombstones: Arc<OnceCell<Tombstones>>) -> Self {
        let mut shards: HashMap<String, Range<usize>> = HashMap::new();
        let mut start = 0;
        for parts in table.parts().chunk_by(|a, b| a.shard == b.shard) {
            shards.insert(parts[0].shard.clone(), start..start + parts.len());
            start += parts.len();
        }
        Self { table, shards, content: OnceLock::new(), broken: OnceCell::new(), warehouse, tombstones }
    }

    /// The parts of a shard; none where the table does not have it.
    pub fn parts_of(&self, shard: &str) -> &[Part] {
        self.shards.get(shard).map_or(&[], |range| &self.table.parts()[range.clone()])
    }

    /// The fingerprint that a shard was made from.
    pub fn fingerprint_of(&self, shard: &str) -> Option<&str> {
        self.parts_of(shard).last().map(|part| part.fingerprint.as_str())
    }

    /// The names of its shards, in order.
    pub fn shard_names(&self) -> impl Iterator<Item = &str> {
        self.table.parts().chunk_by(|a, b| a.shard == b.shard).map(|parts| parts[0].shard.as_str())
    }

    /// The content hash of all rows.
    pub fn content(&self) -> &str {
        self.content.get_or_init(|| content_hash_of(self.table.parts()))
    }

    /// The shards that have parts which are missing or damaged; looked for once.
    pub async fn broken(&self) -> Result<&BTreeSet<String>> {
        let look = async || {
            let tombstones = self.tombstones.get_or_try_init(|| self.warehouse.tombstones()).await?;
            self.table.broken_shards_by(tombstones).await
        };
        self.broken.get_or_try_init(look).await
    }
}

impl Deref for PinnedTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    /// Another build commits in between: the snapshot stays as it was.
    #[tokio::test]
    async fn a_table_is_opened_once() {
        let warehouse = Warehouse::open("memory://snapshot", Path::new(".")).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let created = warehouse.create("t", schema).await.unwrap();
        let snapshot = Snapshot::of(&warehouse);
        snapshot.open(["t", "none"].into_iter()).await;
        let wider = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("m", DataType::Int64, true)]);
        let now = warehouse.create("t", Arc::new(wider)).await.unwrap();
        assert!(now.version() > created.version());
        assert_eq!(snapshot.table("t").await.unwrap().unwrap().version(), created.version());
        assert!(snapshot.table("none").await.unwrap().is_none());
        assert_eq!(snapshot.replace(now.clone()).version(), now.version());
        assert_eq!(snapshot.table("t").await.unwrap().unwrap().version(), now.version());
        snapshot.forget_all();
        assert_eq!(snapshot.table("t").await.unwrap().unwrap().version(), now.version());
    }
}
