//! The index of an export's images, `images-*.jsonl`: a line an image, in the order of a hash. In: lines as images are put or named. Out: files.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128;

use super::buckets::Buckets;
use super::json_lines::cannot_write;
use super::manifest::ManifestFile;
use super::place::ExportFolder;
use super::spool::Spool;
use crate::error::{Context, Result};

/// The lines of `images-*.jsonl`, each once.
pub struct ImageIndex {
    /// Hashes of the paths that are listed: sixteen bytes an image.
    listed: Mutex<HashSet<u128>>,
    lines: Buckets,
}

impl ImageIndex {
    /// For about so many images.
    pub fn new(images: u64, seed: i64) -> Result<Self> {
        Ok(Self { listed: Mutex::default(), lines: Buckets::new(images, seed)? })
    }

    /// Adds an image, unless it is there.
    pub fn add(&self, path: &str, line: &str) -> Result<()> {
        let is_new = self.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(xxh3_128(path.as_bytes()));
        if is_new { self.lines.add(path, line) } else { Ok(()) }
    }

    /// Writes the index, a file a bucket.
    pub async fn written(self: &Arc<Self>, place: &ExportFolder) -> Result<Vec<ManifestFile>> {
        let rows = self.lines.close()?;
        let mut files = Vec::with_capacity(rows.len());
        for bucket in 0..rows.len() {
            let own = Arc::clone(self);
            let spool = move || {
                let lines = own.lines.sorted(bucket)?;
                Spool::new()?.filled(|out| {
                    lines
                        .records(0..lines.rows())
                        .try_for_each(|line| writeln!(out, "{}", line?).or_input(cannot_write))
                })
            };
            let spooled = tokio::task::spawn_blocking(spool).await.or_internal(|| "writing died".into())??;
            let path = format!("images-{bucket:05}-of-{:05}.jsonl", rows.len());
            files.push(spooled.entry(&path, None));
            place.put_spooled(&path, spooled).await?;
        }
        Ok(files)
    }
}
