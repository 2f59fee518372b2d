//! Shards of an export: its third pass. In: records in buckets by the hash of their ids. Out: files of so many records, each with its entry of the
//! manifest; those that an interrupted export has written stay.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use super::ExportShard;
use super::buckets::{Buckets, SortedBucket};
use super::drawing::stored;
use super::manifest::ManifestFile;
use super::run::{ExportRun, PROGRESS};
use super::spool::Spool;
use crate::error::{Context, Error, Result};

impl ExportRun<'_> {
    /// Buckets become shards, one after the other; those that an interrupted export has written stay.
    pub(super) async fn shards(&self, buckets: &Arc<Buckets>) -> Result<Vec<ManifestFile>> {
        let rows = buckets.close()?;
        let per_shard = self.options.shard_rows.max(1);
        let count: usize = rows.iter().map(|rows| rows.div_ceil(per_shard)).sum();
        let steps = self.mill.progress.steps("shards", count as u64, "shards");
        let mut entries: Vec<ManifestFile> = Vec::with_capacity(count);
        let mut first_row = 0;
        for (bucket, rows) in rows.into_iter().enumerate() {
            let mut sorted: Option<Arc<SortedBucket>> = None;
            for part in 0..rows.div_ceil(per_shard) {
                let at = entries.len();
                let done = format!("{PROGRESS}/shard-{at:07}.json");
                if let Some(bytes) = self.place.get(&done).await?
                    && let Ok(entry) = serde_json::from_slice::<ManifestFile>(&bytes)
                    && self.place.size(&entry.path).await? == Some(entry.bytes)
                {
                    first_row += entry.rows.unwrap_or_default();
                    entries.push(entry);
                    steps.add(1);
                    continue;
                }
                let records = match &sorted {
                    Some(sorted) => Arc::clone(sorted),
                    None => {
                        let buckets = Arc::clone(buckets);
                        let read = tokio::task::spawn_blocking(move || buckets.sorted(bucket)).await;
                        Arc::clone(sorted.insert(Arc::new(read.or_internal(|| "reading died".into())??)))
                    }
                };
                let range = part * per_shard..records.rows().min((part + 1) * per_shard);
                let entry = self.shard(records, range, at, count, first_row).await?;
                self.place.put(&done, super::to_json(&entry)?.into()).await?;
                first_row += entry.rows.unwrap_or_default();
                entries.push(entry);
                steps.add(1);
            }
        }
        steps.finish();
        Ok(entries)
    }

    async fn shard(
        &self,
        sorted: Arc<SortedBucket>,
        range: Range<usize>,
        at: usize,
        of: usize,
        first_row: usize,
    ) -> Result<ManifestFile> {
        let kind = self.options.kind;
        let path = (kind.path)(at, of);
        let rows = range.len();
        let (place, runtime) = (self.place.clone(), tokio::runtime::Handle::current());
        let embeds = kind.embeds && !self.options.annotations_only;
        let (keep, columns, turns) = (self.memory / 16, SchemaRef::clone(&self.columns), self.options.turns);
        let work = move || {
            // Samples of one shard share images, but not next to each other.
            let latest: RefCell<(HashMap<String, Bytes>, u64)> = RefCell::default();
            let image = |path: &str| -> Result<Option<Bytes>> {
                if !embeds {
                    return Ok(None);
                }
                let mut latest = latest.borrow_mut();
                if let Some(bytes) = latest.0.get(path) {
                    return Ok(Some(bytes.clone()));
                }
                let bytes = runtime.block_on(place.get_existing(&stored(embeds, path)))?;
                if latest.1 + bytes.len() as u64 > keep {
                    *latest = Default::default();
                }
                latest.1 += bytes.len() as u64;
                latest.0.insert(path.to_owned(), bytes.clone());
                Ok(Some(bytes))
            };
            let shard = ExportShard { sorted: &sorted, range, image: &image, columns, first_row, turns };
            let spooled = Spool::new()?.filled(|out| (kind.write)(&shard, out))?;
            let index = kind.index.map(|index| index(&mut spooled.reader()?)).transpose()?;
            Ok::<_, Error>((spooled, index))
        };
        let (spooled, index) = tokio::task::spawn_blocking(work).await.or_internal(|| "writing died".into())??;
        if let Some(index) = index {
            self.place.put(&format!("{path}.idx"), index.into()).await?;
        }
        let entry = spooled.entry(&path, Some(rows));
        self.place.put_spooled(&path, spooled).await?;
        Ok(entry)
    }
}
