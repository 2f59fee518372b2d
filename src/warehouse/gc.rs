//! Garbage collection: deletes parts that no retained version names, and staging records that are older than the grace.
//!
//! A version is retained while it is among the newest few, or was the newest at some time within the grace. A file that no
//! retained version names may still be about to be committed, so it stays until it is older than the grace; so do the parts that a
//! staging record of that age names. While any run holds a lease, all staging records and the parts that they name stay whatever the
//! grace, because the run may resume from any of them or commit what other processes built for it; so does what a live run wrote.
//!
//! ```text
//! mark:       list files ─► records ─► leases ─► log        candidates
//! tombstone:  names the candidates                          from here on no build relies on them
//! mark again: in the same order                             what is needed by now is spared
//! sweep:      records ─► files ─► tombstone                 deleted
//! ```
//!
//! Nothing depends on the grace being longer than a build, or on the time between marking and deleting: `tombstones` says why a part
//! that is deleted here is never one that a build commits. The order of reading matters: a run removes its records and releases its lease
//! after its commit, so that what is seen in none of them is in the log, which is read last.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, stream};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::lease::is_alive;
use super::part_writer::now_ms;
use super::staging::StagedFile;
use super::tombstones::{Reason, run_of};
use super::{Table, Warehouse};
use crate::error::{Context, Error, Result};
use crate::random_id::random_id;

/// What is kept although nothing current needs it.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How many of the newest versions can be read in full; at least one.
    pub versions: u64,
    /// For how long a file without a version, or a version no longer the newest, is kept.
    pub grace: Duration,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Parts, and uploads that were never finished.
    pub files: u64,
    /// Their bytes, where they are known.
    pub bytes: u64,
    /// Staging files: records of parts, of errors and of attempts.
    pub staging_files: u64,
    /// The oldest version that can still be read in full.
    pub oldest_version: u64,
}

/// What can be deleted.
struct Garbage {
    /// With their sizes.
    files: HashMap<Path, u64>,
    /// Staging records, and the errors and tries beside them.
    staging_files: HashSet<Path>,
    oldest_version: u64,
}

impl Warehouse {
    /// What [`Self::collect_garbage`] would remove.
    pub async fn preview_garbage(&self, table: &Table, retention: Retention) -> Result<Collected> {
        let uploads = abandoned_uploads(table, retention.grace, &self.live_runs().await?).await?;
        Ok(self.garbage(table, retention).await?.counted(uploads.len()))
    }

    /// Removes what no retained version of a table names and is older than the grace.
    pub async fn collect_garbage(&self, table: &Table, retention: Retention) -> Result<Collected> {
        let uploads = abandoned_uploads(table, retention.grace, &self.live_runs().await?).await?;
        for upload in &uploads {
            remove_upload(upload)?;
        }
        let mut garbage = self.garbage(table, retention).await?;
        if !garbage.files.is_empty() || !garbage.staging_files.is_empty() {
            let paths = garbage.files.keys().filter_map(|path| table.relative(path)).collect();
            let tombstone = table.write_tombstone(Reason::Garbage, &random_id(), paths).await?;
            let again = self.garbage(table, retention).await?;
            garbage.files.retain(|path, _| again.files.contains_key(path));
            garbage.staging_files.retain(|path| again.staging_files.contains(path));
            garbage.oldest_version = again.oldest_version;
            // Records first: a build that finds a record then finds its parts too, or builds the shard again.
            table.delete(garbage.staging_files.iter()).await?;
            table.delete(garbage.files.keys()).await?;
            table.remove_tombstones(vec![tombstone]).await?;
        }
        table.remove_spent_tombstones().await?;
        Ok(garbage.counted(uploads.len()))
    }

    async fn garbage(&self, table: &Table, retention: Retention) -> Result<Garbage> {
        let before = now_ms().saturating_sub(u64::try_from(retention.grace.as_millis()).unwrap_or(u64::MAX));
        let files = table.part_files().await?;
        let staged = table.staging().all().await?;
        let live_runs = self.live_runs().await?;
        let (mut kept, mut staging_files) = (HashSet::new(), HashSet::new());
        for StagedFile { object, record } in staged {
            if live_runs.is_empty() && object.last_modified.timestamp_millis().unsigned_abs() < before {
                staging_files.insert(object.location);
            } else {
                let parts = record.iter().flat_map(|record| &record.parts);
                kept.extend(parts.map(|part| table.location().path(&part.path)));
            }
        }
        let oldest_version = table.latest().await?.keep_retained(retention, before, &mut kept).await?;
        let is_garbage = |file: &PartFile| {
            // Only files that are named as a build names its parts are ours.
            let path = table.relative(&file.path).filter(|path| path.ends_with(".parquet"));
            let run = path.as_deref().and_then(run_of);
            file.written < before
                && !kept.contains(&file.path)
                && run.is_some_and(|run| !run.contains('/') && !is_alive(&live_runs, run))
        };
        let files = files.into_iter().filter(is_garbage).map(|file| (file.path, file.bytes)).collect();
        Ok(Garbage { files, staging_files, oldest_version })
    }
}

impl Table {
    async fn delete<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<()> {
        let paths: Vec<_> = paths.cloned().map(Ok).collect();
        let mut deleted = self.location().store().delete_stream(stream::iter(paths).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot remove garbage of `{}`", self.name())),
            }
        }
        Ok(())
    }

    /// Removes tombstones whose parts are all gone and no longer in the table: those of a `gc` that died, and of damage that was repaired.
    async fn remove_spent_tombstones(&self) -> Result<()> {
        let tombstones = self.tombstones().await?;
        if tombstones.is_empty() {
            return Ok(());
        }
        let mut needed: HashSet<Path> = self.part_files().await?.into_iter().map(|file| file.path).collect();
        needed.extend(self.latest().await?.parts().iter().map(|part| self.location().path(&part.path)));
        let is_spent = |paths: &[String]| paths.iter().all(|path| !needed.contains(&self.location().path(path)));
        let spent = tombstones.into_iter().filter(|tombstone| is_spent(&tombstone.parts));
        self.remove_tombstones(spent.map(|tombstone| tombstone.path).collect()).await
    }

    /// A file's path as the log says it.
    fn relative(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(self.location().root())?.map(|part| part.as_ref().to_owned()).collect();
        Some(parts.join("/"))
    }

    /// Adds the parts of all retained versions to `kept` and gives the oldest of them.
    async fn keep_retained(&self, retention: Retention, before: u64, kept: &mut HashSet<Path>) -> Result<u64> {
        let mut oldest = self.version();
        let mut keep = |path: &str| kept.insert(self.location().path(path));
        loop {
            // A version whose entry is gone cannot be read, so nothing older than it can be retained.
            let Some(entry) = self.entry(oldest).await? else { break };
            if entry.is_torn {
                // Without knowing what it added, nothing can be called garbage.
                return Err(Error::input("a version's entry in the log is damaged")
                    .with("table", self.name())
                    .with("version", oldest)
                    .hint("`spatialmill verify` says more"));
            }
            entry.added.iter().for_each(|path| {
                keep(path);
            });
            let enough = self.version() - oldest + 1 >= retention.versions.max(1);
            if oldest == 0 || (enough && entry.at < before) {
                break;
            }
            oldest -= 1;
        }
        let first = Self::open(self.warehouse(), self.name(), Some(oldest)).await?;
        let first = first.ok_or_else(|| Error::input("the table vanished").with("table", self.name()))?;
        first.parts().iter().for_each(|part| {
            keep(&part.path);
        });
        Ok(oldest)
    }

    /// Every file in the table's folder of parts.
    pub(super) async fn part_files(&self) -> Result<Vec<PartFile>> {
        let files = self.location().files("parts").await?;
        let file = |object: ObjectMeta| PartFile {
            path: object.location,
            bytes: object.size,
            written: object.last_modified.timestamp_millis().unsigned_abs(),
        };
        Ok(files.into_iter().map(file).collect())
    }
}

impl Garbage {
    fn counted(&self, uploads: usize) -> Collected {
        Collected {
            files: (self.files.len() + uploads) as u64,
            bytes: self.files.values().sum(),
            staging_files: self.staging_files.len() as u64,
            oldest_version: self.oldest_version,
        }
    }
}

/// A file in a table's folder of parts, named by the log or not.
pub(super) struct PartFile {
    pub(super) path: Path,
    pub(super) bytes: u64,
    pub(super) written: u64,
}

/// Uploads that a killed process left unfinished. A bucket hides them and ends them by its own rules; on a disk they are files
/// called `<part>#<number>`, which the object store does not list.
async fn abandoned_uploads(table: &Table, grace: Duration, live_runs: &BTreeSet<String>) -> Result<Vec<PathBuf>> {
    let Ok(folder) = table.location().url().to_file_path() else { return Ok(Vec::new()) };
    let live_runs = live_runs.clone();
    let walk = move || {
        let mut found = Vec::new();
        let runs = std::fs::read_dir(folder.join("parts")).into_iter().flatten().flatten();
        let runs = runs.filter(|run| !is_alive(&live_runs, &run.file_name().to_string_lossy()));
        // A link leads to what is somebody else's.
        let runs = runs.map(|run| run.path()).filter(|run| !run.is_symlink());
        for file in runs.flat_map(std::fs::read_dir).flatten().flatten() {
            let name = file.file_name();
            let unfinished = name.to_string_lossy().rsplit_once(".parquet#").is_some();
            let age = || SystemTime::now().duration_since(file.metadata().ok()?.modified().ok()?).ok();
            if unfinished && age().is_some_and(|age| age > grace) {
                found.push(file.path());
            }
        }
        found
    };
    tokio::task::spawn_blocking(walk).await.or_internal(|| "looking for unfinished uploads broke off".into())
}

fn remove_upload(path: &std::path::Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_input(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
