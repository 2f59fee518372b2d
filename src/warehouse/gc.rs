//! Removes what no reader can reach any more: parts that no retained version names, and staging records that grew old.
//!
//! A version is retained while it is among the newest few, or was the newest at some time within the grace. A file that no
//! retained version names may still be about to be committed, so it stays until it is older than the grace too; so do the parts
//! that a staging record of that age names. Files are listed before the log is read: what is committed in between is found in
//! the log and kept.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;

use super::Table;
use super::part_writer::now_ms;
use crate::error::{Context, Error, Result};

/// What is kept although nothing current needs it.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How many of the newest versions can be read in full; at least one.
    pub versions: u64,
    /// For how long a file without a version, or a version no longer the newest, is kept.
    pub grace: Duration,
}

impl Default for Retention {
    /// Twenty versions and one day.
    fn default() -> Self {
        Self { versions: 20, grace: Duration::from_hours(24) }
    }
}

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Parts, and uploads that were never finished.
    pub files: u64,
    /// Their bytes, where they are known.
    pub bytes: u64,
    /// Staging records.
    pub records: u64,
    /// The oldest version that can still be read in full.
    pub oldest_version: u64,
}

/// What can go.
struct Garbage {
    files: Vec<(Path, u64)>,
    records: Vec<Path>,
    oldest_version: u64,
}

impl Table {
    /// What [`Self::collect_garbage`] would remove.
    pub async fn preview_garbage(&self, retention: Retention) -> Result<Collected> {
        let uploads = abandoned_uploads(self, retention.grace).await?;
        Ok(self.garbage(retention).await?.counted(uploads.len()))
    }

    /// Removes what no retained version names and is older than the grace.
    pub async fn collect_garbage(&self, retention: Retention) -> Result<Collected> {
        let garbage = self.garbage(retention).await?;
        let uploads = abandoned_uploads(self, retention.grace).await?;
        let counted = garbage.counted(uploads.len());
        for upload in uploads {
            remove_upload(&upload)?;
        }
        // Records first: a build that finds a record then finds its parts too, or checks and builds anew.
        let paths = garbage.records.into_iter().chain(garbage.files.into_iter().map(|(path, _)| path));
        let mut deleted = self.location().store().delete_stream(stream::iter(paths).map(Ok).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot remove garbage of `{}`", self.name())),
            }
        }
        Ok(counted)
    }

    async fn garbage(&self, retention: Retention) -> Result<Garbage> {
        let before = now_ms().saturating_sub(u64::try_from(retention.grace.as_millis()).unwrap_or(u64::MAX));
        let files = self.part_files().await?;
        let (young, old): (Vec<_>, Vec<_>) = self.staging().all().await?.into_iter().partition(|r| r.written >= before);
        let staged = young.iter().filter_map(|stored| stored.record.as_ref()).flat_map(|record| &record.parts);
        let mut kept: HashSet<Path> = staged.map(|part| self.location().path(&part.path)).collect();
        let oldest_version = self.latest().await?.keep_retained(retention, before, &mut kept).await?;
        let files = files.into_iter().filter(|file| file.written < before && !kept.contains(&file.path));
        Ok(Garbage {
            files: files.map(|file| (file.path, file.bytes)).collect(),
            records: old.into_iter().map(|stored| stored.path).collect(),
            oldest_version,
        })
    }

    /// Adds the parts of all retained versions to `kept` and gives the oldest of them.
    async fn keep_retained(&self, retention: Retention, before: u64, kept: &mut HashSet<Path>) -> Result<u64> {
        let mut oldest = self.version();
        let mut keep = |path: &str| kept.insert(self.location().path(path));
        loop {
            // A version whose entry is gone cannot be read, so nothing older than it can be retained.
            let Some(entry) = self.entry(oldest).await? else { break };
            entry.added.iter().for_each(|path| {
                keep(path);
            });
            let enough = self.version() - oldest + 1 >= retention.versions.max(1);
            if oldest == 0 || (enough && entry.at < before) {
                break;
            }
            oldest -= 1;
        }
        let first = Self::open(self.location().clone(), self.name(), Some(oldest)).await?;
        let first = first.ok_or_else(|| Error::input("the table vanished").with("table", self.name()))?;
        first.parts().iter().for_each(|part| {
            keep(&part.path);
        });
        Ok(oldest)
    }

    /// Every file in the table's folder of parts.
    pub(super) async fn part_files(&self) -> Result<Vec<PartFile>> {
        let folder = self.location().path("parts");
        let listed = self.location().store().list(Some(&folder)).map_ok(|object| PartFile {
            path: object.location,
            bytes: object.size,
            written: object.last_modified.timestamp_millis().unsigned_abs(),
        });
        listed.try_collect().await.or_input(|| format!("cannot list {folder}"))
    }
}

impl Garbage {
    fn counted(&self, uploads: usize) -> Collected {
        Collected {
            files: (self.files.len() + uploads) as u64,
            bytes: self.files.iter().map(|(_, bytes)| bytes).sum(),
            records: self.records.len() as u64,
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
async fn abandoned_uploads(table: &Table, grace: Duration) -> Result<Vec<PathBuf>> {
    let Ok(folder) = table.location().url().to_file_path() else { return Ok(Vec::new()) };
    let walk = move || {
        let mut found = Vec::new();
        let runs = std::fs::read_dir(folder.join("parts")).into_iter().flatten().flatten();
        for file in runs.flat_map(|run| std::fs::read_dir(run.path())).flatten().flatten() {
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
