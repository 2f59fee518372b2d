//! Tombstones: parts that must be treated as absent, because `gc` is about to delete them or `verify` found them damaged.
//!
//! A tombstone is a file `_tombstones/<reason>-<id>.json` that names parts. A build does not resume from a part with a tombstone, builds
//! a shard again that has one, and checks for tombstones once more when its commit has landed.
//!
//! ```text
//! gc      writes its tombstone ─► reads log, records and leases ─► deletes the parts that none of them needs ─► removes its tombstone
//! build   writes its log entry (or record) ─► reads the tombstones ─► checks that its parts exist
//! ```
//!
//! Both sides first write what they claim and then read the other side's claim, so that in any order at least one of them sees the other:
//! where a tombstone is written after a build read the tombstones, `gc` reads the log afterwards, finds the build's parts in it and spares
//! them. Where a tombstone was removed before a build read the tombstones, its parts were deleted before, and the build, which checks for
//! its parts after it read the tombstones, misses them. No clock and no age is part of this: a `gc` that is stopped between its reads and
//! its deletions leaves its tombstone in place. So does a `gc` that died: it costs at most that a shard is built again, and the next `gc`
//! removes the tombstone once its parts are gone.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::{Part, Table};
use crate::error::{Context, Error, Result};

/// The folder of the tombstones, beside the parts. Delta readers pass over names that begin with `_`.
const FOLDER: &str = "_tombstones";

/// Why a part has a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// `gc` is about to remove it.
    Garbage,
    /// `verify` found other bytes than were written.
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

/// A tombstone as it lies in the store.
pub(super) struct Tombstone {
    pub(super) path: Path,
    reason: Reason,
    /// Relative to the table's folder.
    pub(super) parts: Vec<String>,
}

impl Table {
    /// Writes a tombstone. One for the same parts and reason replaces the one before.
    pub(super) async fn write_tombstone(&self, reason: Reason, id: &str, parts: Vec<String>) -> Result<Path> {
        let path = self.location().path(&format!("{FOLDER}/{}-{id}.json", reason.name()));
        let bytes =
            serde_json::to_vec(&TombstoneFile { parts }).or_internal(|| "a tombstone has no JSON form".into())?;
        self.location()
            .store()
            .put(&path, PutPayload::from(bytes))
            .await
            .or_input(|| format!("cannot write {path}"))?;
        Ok(path)
    }

    /// Removes tombstones; one that is gone already is no matter.
    pub(super) async fn remove_tombstones(&self, tombstones: Vec<Path>) -> Result<()> {
        let mut deleted = self.location().store().delete_stream(stream::iter(tombstones).map(Ok).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot remove a tombstone of `{}`", self.name())),
            }
        }
        Ok(())
    }

    /// Replaces the tombstones that `verify` wrote before: these parts are damaged, and no others.
    pub async fn mark_damaged(&self, paths: Vec<String>) -> Result<()> {
        let id = blake3::hash(paths.join("\n").as_bytes()).to_hex()[..16].to_owned();
        let before = self.tombstones().await?.into_iter().filter(|tombstone| tombstone.reason == Reason::Damaged);
        let mut before: Vec<Path> = before.map(|tombstone| tombstone.path).collect();
        if !paths.is_empty() {
            let now = self.write_tombstone(Reason::Damaged, &id, paths).await?;
            before.retain(|path| *path != now);
        }
        self.remove_tombstones(before).await
    }

    /// All tombstones that can be read.
    pub(super) async fn tombstones(&self) -> Result<Vec<Tombstone>> {
        let listed = self.location().files(FOLDER).await?;
        let mut tombstones = Vec::new();
        for object in listed {
            let name = object.location.filename().unwrap_or_default();
            let Some(reason) = [Reason::Garbage, Reason::Damaged].into_iter().find(|r| name.starts_with(r.name()))
            else {
                continue;
            };
            let found = match self.location().store().get(&object.location).await {
                Ok(found) => found.bytes().await,
                Err(error) => Err(error),
            };
            match found {
                // One that cannot be parsed is torn, and its writer has deleted nothing yet.
                Ok(bytes) => {
                    let parts = serde_json::from_slice::<TombstoneFile>(&bytes)
                        .map(|tombstone| tombstone.parts)
                        .unwrap_or_default();
                    tombstones.push(Tombstone { path: object.location, reason, parts });
                }
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot read {}", object.location)),
            }
        }
        Ok(tombstones)
    }

    /// Those of the parts that are missing, have another size than the log says, or have a tombstone.
    pub async fn broken_parts<'a>(&self, parts: &'a [Part]) -> Result<Vec<&'a Part>> {
        // Files that another program added may lie anywhere, and only `verify` checks them. A part of ours that lies elsewhere is one whose
        // path in the log was altered.
        let ours: Vec<&Part> =
            parts.iter().filter(|part| folder_of(&part.path).is_some() || !part.fingerprint.is_empty()).collect();
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
        let mut shards: BTreeSet<String> =
            self.broken_parts(self.parts()).await?.into_iter().map(|part| part.shard.clone()).collect();
        // Parts of a shard are replaced together; where a log was altered they may not be.
        let neighbours = self.parts().windows(2).filter(|two| two[0].shard == two[1].shard);
        let mixed = neighbours.filter(|two| two[0].fingerprint != two[1].fingerprint);
        shards.extend(mixed.map(|two| two[0].shard.clone()));
        Ok(shards)
    }

    /// Fails where a part that a commit names is broken.
    pub(super) async fn check_parts_exist(&self, parts: &[Part]) -> Result<()> {
        let broken = self.broken_parts(parts).await?;
        let Some(first) = broken.first() else { return Ok(()) };
        Err(Error::lost(format!("{} of {} parts were removed while they were written", broken.len(), parts.len()))
            .with("table", self.name())
            .with("part", &first.path)
            .hint("was something else cleaning up the warehouse? run again: what is still there is kept"))
    }
}

/// The folder of all parts.
const PARTS: &str = "parts";

/// Up to so many parts are looked up one by one; more are listed, a thousand at a time.
const ASKED_SINGLY: usize = 4;

/// Up to so many folders of runs are listed one by one; more are found by listing all.
const LISTED_SINGLY: usize = 4;

/// `parts/<run>`.
fn folder_of(path: &str) -> Option<&str> {
    let run = path.strip_prefix(PARTS)?.strip_prefix('/')?.find('/')?;
    Some(&path[..PARTS.len() + 1 + run])
}

/// The run that wrote a part.
pub(super) fn run_of(path: &str) -> Option<&str> {
    folder_of(path).map(|folder| &folder[PARTS.len() + 1..])
}
