//! Tombstones: parts that must be treated as absent, because `gc` is about to delete them or they were found missing or damaged.
//!
//! A tombstone is a file `_tombstones/<table>/<reason>-<id>.json` that names parts. A build does not resume from a part with a
//! tombstone, builds a shard again that has one, and checks for tombstones once more when its commit has landed. One listing finds those
//! of all tables, and mostly there are none.
//!
//! ```text
//! gc      writes its tombstone ─► reads records, leases and log ─► deletes the parts that none of them needs ─► removes its tombstone
//! build   acquires its lease ─► reads records ─► reads the tombstones ─► checks that their parts exist
//!         writes its log entry                 ─► reads the tombstones ─► checks that its parts exist
//! ```
//!
//! Both sides first write what they claim and then read the other side's claim, so that in any order at least one of them sees the other:
//! where a tombstone is written after a build read the tombstones, `gc` reads leases and log afterwards, finds the build's lease, or its
//! parts in the log, and spares them. Where a tombstone was removed before a build read the tombstones, its parts were deleted before, and
//! the build, which checks for its parts after it read the tombstones, misses them. No clock and no age is part of this: a `gc` that is
//! stopped between its reads and its deletions leaves its tombstone in place, and a build whose lease expired while it was suspended fails
//! to commit. A `gc` that died leaves its tombstone, too: it costs at most that a shard is built again, and the next `gc` removes it once
//! its parts are gone.
//!
//! A commit that lands and then misses parts leaves a tombstone for them, so that the next build makes them again on any store: on a disk
//! every build looks at each file (3 µs), in a bucket it asks for tombstones alone, reads are verified, and `verify` finds what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::{Location, Part, Table, Warehouse};
use crate::error::{Context, Error, Result};

/// The folder of the tombstones, beside the tables. Names that begin with `_` are no tables.
const FOLDER: &str = "_tombstones";

/// Why a part has a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// `gc` is about to remove it.
    Garbage,
    /// It is missing, or has other bytes than were written.
    Damaged,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Damaged => "damaged",
        }
    }
}

/// A tombstone's file.
#[derive(Debug, Serialize, Deserialize)]
struct TombstoneFile {
    parts: Vec<String>,
}

/// One tombstone of a table.
pub(super) struct Tombstone {
    pub(super) path: Path,
    reason: Reason,
    /// Relative to the table's folder.
    pub(super) parts: Vec<String>,
}

/// The parts that have tombstones, by table.
#[derive(Debug, Clone, Default)]
pub struct Tombstones(BTreeMap<String, HashSet<String>>);

impl Warehouse {
    /// The tombstones of all tables, found by one listing.
    pub async fn tombstones(&self) -> Result<Tombstones> {
        let mut all = Tombstones::default();
        for (table, tombstone) in read(self.location(), FOLDER).await? {
            all.0.entry(table).or_default().extend(tombstone.parts);
        }
        Ok(all)
    }
}

impl Table {
    /// Writes a tombstone. One for the same parts and reason replaces the one before.
    pub(super) async fn write_tombstone(&self, reason: Reason, id: &str, parts: Vec<String>) -> Result<Path> {
        let path = self.warehouse().path(&format!("{FOLDER}/{}/{}-{id}.json", self.name(), reason.name()));
        let bytes =
            serde_json::to_vec(&TombstoneFile { parts }).or_internal(|| "a tombstone has no JSON form".into())?;
        let store = self.warehouse().store();
        store.put(&path, PutPayload::from(bytes)).await.or_input(|| format!("cannot write {path}"))?;
        Ok(path)
    }

    /// Removes tombstones; one that is gone already is no matter.
    pub(super) async fn remove_tombstones(&self, tombstones: Vec<Path>) -> Result<()> {
        let mut deleted = self.warehouse().store().delete_stream(stream::iter(tombstones).map(Ok).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot remove a tombstone of `{}`", self.name())),
            }
        }
        Ok(())
    }

    /// Replaces the tombstones of damaged parts: these are damaged, and no others.
    pub async fn mark_damaged(&self, paths: Vec<String>) -> Result<()> {
        let before = self.tombstones().await?.into_iter().filter(|tombstone| tombstone.reason == Reason::Damaged);
        let mut before: Vec<Path> = before.map(|tombstone| tombstone.path).collect();
        if !paths.is_empty() {
            let now = self.write_damaged(paths).await?;
            before.retain(|path| *path != now);
        }
        self.remove_tombstones(before).await
    }

    /// Writes a tombstone for parts that are missing or damaged.
    async fn write_damaged(&self, paths: Vec<String>) -> Result<Path> {
        let id = blake3::hash(paths.join("\n").as_bytes()).to_hex()[..16].to_owned();
        self.write_tombstone(Reason::Damaged, &id, paths).await
    }

    /// The table's tombstones; torn ones name no parts.
    pub(super) async fn tombstones(&self) -> Result<Vec<Tombstone>> {
        let read = read(self.warehouse(), &format!("{FOLDER}/{}", self.name())).await?;
        Ok(read.into_iter().map(|(_, tombstone)| tombstone).collect())
    }

    /// Those of the parts that are missing, have another size than the log says, or have a tombstone.
    pub async fn broken_parts<'a>(&self, parts: &'a [Part]) -> Result<Vec<&'a Part>> {
        let ours = ours(parts);
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        // Tombstones first: see above.
        let tombstoned: HashSet<String> =
            self.tombstones().await?.into_iter().flat_map(|tombstone| tombstone.parts).collect();
        let in_place: Vec<&Part> = ours.iter().copied().filter(|part| folder_of(&part.path).is_some()).collect();
        let found = self.sizes(&in_place).await?;
        let is_broken = |part: &Part| {
            folder_of(&part.path).is_none()
                || tombstoned.contains(&part.path)
                || found.get(&self.location().path(&part.path)) != Some(&part.bytes)
        };
        Ok(ours.into_iter().filter(|part| is_broken(part)).collect())
    }

    /// The sizes of these parts' files, and perhaps of others; missing ones are left out.
    async fn sizes(&self, parts: &[&Part]) -> Result<HashMap<Path, u64>> {
        if let Some(files) = self.local_files(parts) {
            let sizes = local_sizes(files).await?;
            let paths = parts.iter().map(|part| self.location().path(&part.path));
            return Ok(paths.zip(sizes).filter_map(|(path, size)| Some((path, size?))).collect());
        }
        let store = self.location().store();
        let mut found = HashMap::new();
        if parts.len() <= ASKED_SINGLY {
            for part in parts {
                let path = self.location().path(&part.path);
                match store.head(&path).await {
                    Ok(object) => found.insert(path, object.size),
                    Err(object_store::Error::NotFound { .. }) => None,
                    Err(error) => return Err(error).or_input(|| format!("cannot look for {path}")),
                };
            }
            return Ok(found);
        }
        let mut folders: BTreeSet<&str> = parts.iter().filter_map(|part| folder_of(&part.path)).collect();
        if folders.len() > LISTED_SINGLY {
            folders = BTreeSet::from([PARTS]);
        }
        for folder in folders {
            let folder = self.location().path(folder);
            let mut listed = store.list(Some(&folder));
            while let Some(object) = listed.try_next().await.or_input(|| format!("cannot list {folder}"))? {
                found.insert(object.location, object.size);
            }
        }
        Ok(found)
    }

    /// The shards of this version that cannot be relied on, because of a broken part or of parts with different fingerprints.
    pub async fn broken_shards(&self) -> Result<BTreeSet<String>> {
        let tombstoned = self.tombstones().await?.into_iter().flat_map(|tombstone| tombstone.parts).collect();
        self.broken_shards_by(&Tombstones(BTreeMap::from([(self.name().to_owned(), tombstoned)]))).await
    }

    /// The same, where the tombstones were read already. It sends no request: on a disk it looks at each file.
    pub async fn broken_shards_by(&self, tombstones: &Tombstones) -> Result<BTreeSet<String>> {
        let ours = ours(self.parts());
        let sizes = match self.local_files(&ours) {
            Some(files) => local_sizes(files).await?,
            None => ours.iter().map(|part| Some(part.bytes)).collect(),
        };
        let tombstoned = tombstones.0.get(self.name());
        let is_broken = |part: &Part, size: Option<u64>| {
            folder_of(&part.path).is_none()
                || size != Some(part.bytes)
                || tombstoned.is_some_and(|paths| paths.contains(&part.path))
        };
        let broken = ours.into_iter().zip(sizes).filter(|(part, size)| is_broken(part, *size));
        let mut shards: BTreeSet<String> = broken.map(|(part, _)| part.shard.clone()).collect();
        // Parts of a shard are replaced together; where a log was altered they may not be.
        let neighbours = self.parts().windows(2).filter(|two| two[0].shard == two[1].shard);
        let mixed = neighbours.filter(|two| two[0].fingerprint != two[1].fingerprint);
        shards.extend(mixed.map(|two| two[0].shard.clone()));
        Ok(shards)
    }

    /// Fails where a part that a commit is about to name is broken.
    pub(super) async fn check_parts_exist(&self, parts: &[Part]) -> Result<()> {
        let broken = self.broken_parts(parts).await?;
        self.parts_were_removed(&broken, parts.len())
    }

    /// Fails where a part that was just committed is broken, and leaves a tombstone for it.
    pub(super) async fn check_committed_parts(&self, parts: &[Part]) -> Result<()> {
        let broken = self.broken_parts(parts).await?;
        if !broken.is_empty() {
            self.write_damaged(broken.iter().map(|part| part.path.clone()).collect()).await?;
        }
        self.parts_were_removed(&broken, parts.len())
    }

    fn parts_were_removed(&self, broken: &[&Part], all: usize) -> Result<()> {
        let Some(first) = broken.first() else { return Ok(()) };
        Err(Error::lost(format!("{} of {all} parts were removed while they were written", broken.len()))
            .with("table", self.name())
            .with("part", &first.path)
            .hint("was something else cleaning up the warehouse? run again: what is still there is kept"))
    }

    /// Where the parts are on this machine; none in a bucket or in memory.
    fn local_files(&self, parts: &[&Part]) -> Option<Vec<PathBuf>> {
        let folder = self.location().local_folder()?;
        Some(parts.iter().map(|part| folder.join(&part.path)).collect())
    }
}

/// Reads the tombstones below a folder of the warehouse, with the names of their tables.
async fn read(warehouse: &Location, folder: &str) -> Result<Vec<(String, Tombstone)>> {
    let mut tombstones = Vec::new();
    for object in warehouse.files(folder).await? {
        let path = object.location;
        let names: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
        let [.., table, name] = names.as_slice() else { continue };
        let Some(reason) = [Reason::Garbage, Reason::Damaged].into_iter().find(|r| name.starts_with(r.name())) else {
            continue;
        };
        let found = match warehouse.store().get(&path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            // One that cannot be parsed is torn, and its writer has deleted nothing yet.
            Ok(bytes) => {
                let file = serde_json::from_slice::<TombstoneFile>(&bytes);
                let parts = file.map(|tombstone| tombstone.parts).unwrap_or_default();
                tombstones.push((table.clone(), Tombstone { path, reason, parts }));
            }
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error).or_input(|| format!("cannot read {path}")),
        }
    }
    Ok(tombstones)
}

/// Files that another program added may lie anywhere, and only `verify` checks them. A part of ours that lies elsewhere is one whose path in
/// the log was altered.
fn ours(parts: &[Part]) -> Vec<&Part> {
    parts.iter().filter(|part| folder_of(&part.path).is_some() || !part.fingerprint.is_empty()).collect()
}

/// The sizes of files, in order; none for what is no file.
async fn local_sizes(files: Vec<PathBuf>) -> Result<Vec<Option<u64>>> {
    let size = |file: PathBuf| match file.metadata() {
        Ok(meta) => Ok(meta.is_file().then_some(meta.len())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).or_input(|| format!("cannot look for {}", file.display())),
    };
    let look = move || files.into_iter().map(size).collect();
    tokio::task::spawn_blocking(look).await.or_internal(|| "looking for parts broke off".into())?
}

/// The folder of all parts.
const PARTS: &str = "parts";

/// Up to so many parts are looked up one by one; more are listed, a thousand at a time.
const ASKED_SINGLY: usize = 4;

/// Up to so many folders of runs are listed one by one; more are found by listing all.
const LISTED_SINGLY: usize = 4;

/// `parts/<run>`.
fn folder_of(path: &str) -> Option<&str> {
    if path.split('/').any(|name| matches!(name, "." | "..")) {
        return None;
    }
    let run = path.strip_prefix(PARTS)?.strip_prefix('/')?.find('/')?;
    Some(&path[..PARTS.len() + 1 + run])
}

/// The run that wrote a part.
pub(super) fn run_of(path: &str) -> Option<&str> {
    folder_of(path).map(|folder| &folder[PARTS.len() + 1..])
}
