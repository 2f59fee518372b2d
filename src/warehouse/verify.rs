//! Verification: compares a version's parts with what the log says of them, byte by byte.
//!
//! In: a table. Out: discrepancies. Every active part is read once in full: it exists, with the logged size and BLAKE3, is readable as
//! Parquet, with the logged number of rows and the table's columns. A flipped bit anywhere is found. Files that no version names are
//! reported too; they do no harm and `gc` removes them.
//!
//! The log itself is compared with what its entries say of themselves: how many parts and rows each adds, and how many the table has
//! with it. A missing line or entry is detected, unless all that says so is missing, too; `runs` remembers what this cannot. A checkpoint
//! is compared with what the entries say without it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use super::commit::{ADDED, CONTENT, Counts, TABLE};
use super::{Part, Table, content_hash_of, schema};
use crate::error::{Context, Result};

/// Something that is not as the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// The part is not there.
    Missing { path: String },
    /// The part cannot be read, from the store or as Parquet.
    Unreadable { path: String, why: String },
    /// The file has another size.
    Size { path: String, logged: u64, found: u64 },
    /// The file has the right size and other bytes.
    Content { path: String },
    /// The file has another number of rows.
    Rows { path: String, logged: u64, found: u64 },
    /// The file's columns do not fit the table's.
    Columns { path: String, why: String },
    /// The log does not say what it said when it was written.
    Log {
        version: u64,
        why: String,
        /// What the table has now is right: no active part is of this version or an older one, or a checkpoint has them.
        is_past: bool,
    },
    /// A file that no version names; harmless.
    Orphan { path: String, bytes: u64 },
}

impl Discrepancy {
    /// True where rows are lost or wrong, false where there is only something to tidy.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Orphan { .. } | Self::Log { is_past: true, .. })
    }

    /// The part whose shard has to be made again for this. One that cannot be read at all may be there tomorrow.
    pub fn lost_part(&self) -> Option<&str> {
        match self {
            Self::Missing { path }
            | Self::Size { path, .. }
            | Self::Content { path }
            | Self::Rows { path, .. }
            | Self::Columns { path, .. } => Some(path),
            Self::Unreadable { .. } | Self::Log { .. } | Self::Orphan { .. } => None,
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "missing: {path}"),
            Self::Unreadable { path, why } => write!(f, "unreadable ({why}): {path}"),
            Self::Size { path, logged, found } => write!(f, "{found} bytes instead of {logged}: {path}"),
            Self::Content { path } => write!(f, "bytes differ from what was written: {path}"),
            Self::Rows { path, logged, found } => write!(f, "{found} rows instead of {logged}: {path}"),
            Self::Columns { path, why } => write!(f, "{why}: {path}"),
            Self::Log { version, why, is_past } => {
                let since = if *is_past { "; what the table has now is right" } else { "" };
                write!(f, "version {version} in the log: {why}{since}")
            }
            Self::Orphan { path, bytes } => write!(f, "not in the table ({bytes} bytes): {path}"),
        }
    }
}

/// Parts that are read at the same time. Each holds one piece, and after that its footer.
const AT_ONCE: usize = 4;

/// Holds most footers whole; a longer one is asked for again.
const FOOTER_BYTES: u64 = 64 << 10;

impl Table {
    /// Reads every active part and tells what differs from the log, sorted by path.
    pub async fn verify(&self) -> Result<Vec<Discrepancy>> {
        let checked = stream::iter(self.parts()).map(|part| self.check(part)).buffered(AT_ONCE);
        let mut findings: Vec<Discrepancy> = checked.try_collect::<Vec<_>>().await?.into_iter().flatten().collect();
        findings.extend(self.check_log().await?);
        findings.extend(self.orphans().await?);
        Ok(findings)
    }

    /// Entries that are not as they were written, newest first.
    async fn check_log(&self) -> Result<Vec<Discrepancy>> {
        let mut findings = Vec::new();
        let (mut gap, mut is_newest) = (None, true);
        // Those of the versions that are not looked at yet.
        let mut older: HashSet<&str> = self.parts().iter().map(|part| part.path.as_str()).collect();
        for version in (0..=self.version()).rev() {
            let Some(entry) = self.entry(version).await? else {
                // Old entries may have been cleaned up by another program; a gap has entries on both sides.
                gap = gap.or(Some(version));
                continue;
            };
            let is_past = older.is_empty();
            if let Some(version) = gap.take() {
                findings.push(Discrepancy::Log { version, why: "its entry is gone".to_owned(), is_past });
            }
            if entry.operation.is_empty() {
                let why = if entry.is_torn { "its entry cannot be read" } else { "its entry does not say what it was" };
                let why = why.to_owned();
                findings.push(Discrepancy::Log { version, why, is_past });
            }
            let mut compare = |field: &str, found: Counts, what: &str| {
                if let Some(said) = Counts::from_info(&entry.info, field).filter(|said| *said != found) {
                    let why = format!(
                        "{what} {} parts with {} rows, and {} with {} when it was written",
                        found.parts, found.rows, said.parts, said.rows
                    );
                    findings.push(Discrepancy::Log { version, why, is_past });
                }
            };
            compare(ADDED, entry.counted, "it adds");
            // Creating a table and adding columns change no parts; what other programs did cannot be counted on.
            if is_newest {
                compare(TABLE, Counts::of(self.parts()), "the table has");
                is_newest = entry.info.is_empty() && ["CREATE TABLE", "ADD COLUMN"].contains(&entry.operation.as_str());
            }
            entry.added.iter().for_each(|path| {
                older.remove(path.as_str());
            });
        }
        if self.without_checkpoints().await?.is_some_and(|replayed| replayed.parts() != self.parts()) {
            let why = "its checkpoint and its entries name different parts".to_owned();
            // Which of the two is right, the newest entry knows.
            let newest = self.entry(self.version()).await?;
            let said = newest.as_ref().and_then(|entry| entry.info.get(CONTENT)).and_then(serde_json::Value::as_str);
            let is_past = said == Some(content_hash_of(self.parts()).as_str());
            findings.push(Discrepancy::Log { version: self.version(), why, is_past });
        }
        Ok(findings)
    }

    async fn check(&self, part: &Part) -> Result<Option<Discrepancy>> {
        let path = part.path.clone();
        let object = self.location().path(&part.path);
        let found = match self.location().store().get(&object).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(Some(Discrepancy::Missing { path })),
            Err(error) => return Ok(Some(Discrepancy::Unreadable { path, why: error.to_string() })),
        };
        if found.meta.size != part.bytes {
            return Ok(Some(Discrepancy::Size { path, logged: part.bytes, found: found.meta.size }));
        }
        let mut hasher = blake3::Hasher::new();
        let mut pieces = found.into_stream();
        loop {
            match pieces.try_next().await {
                Ok(Some(piece)) => hasher.update(&piece),
                Ok(None) => break,
                Err(error) => return Ok(Some(Discrepancy::Unreadable { path, why: error.to_string() })),
            };
        }
        // A file that another program added has no hash in the log.
        if !part.blake3.is_empty() && *hasher.finalize().to_hex() != part.blake3 {
            return Ok(Some(Discrepancy::Content { path }));
        }
        Ok(match self.footer(part).await {
            Err(error) => Some(Discrepancy::Unreadable { path, why: error.to_string() }),
            Ok(footer) => self.check_footer(part, &footer),
        })
    }

    fn check_footer(&self, part: &Part, footer: &ArrowReaderMetadata) -> Option<Discrepancy> {
        let path = part.path.clone();
        let found = footer.metadata().file_metadata().num_rows().unsigned_abs();
        if found != part.rows {
            return Some(Discrepancy::Rows { path, logged: part.rows, found });
        }
        // An older part may lack columns that were added later, and nothing else.
        let columns = schema::added_columns(&schema::canonical(footer.schema()), self.schema());
        columns.err().map(|error| Discrepancy::Columns { path, why: error.to_string() })
    }

    async fn footer(&self, part: &Part) -> Result<ArrowReaderMetadata> {
        let unreadable = || format!("cannot read the footer of {}", part.path);
        let path = self.location().path(&part.path);
        let mut reader = ParquetMetaDataReader::new();
        let mut wanted = FOOTER_BYTES.min(part.bytes);
        loop {
            let tail = self.location().store().get_range(&path, part.bytes - wanted..part.bytes).await;
            match reader.try_parse_sized(&tail.or_input(unreadable)?, part.bytes) {
                Err(ParquetError::NeedMoreData(more)) if wanted < more as u64 && more as u64 <= part.bytes => {
                    wanted = more as u64;
                }
                parsed => {
                    parsed.or_input(unreadable)?;
                    break;
                }
            }
        }
        let metadata = reader.finish().or_input(unreadable)?;
        ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()).or_input(unreadable)
    }

    /// Files that neither a version in the log nor a staging record names.
    async fn orphans(&self) -> Result<Vec<Discrepancy>> {
        let files = self.part_files().await?;
        let latest = self.latest().await?;
        let mut named: HashSet<String> = latest.parts().iter().map(|part| part.path.clone()).collect();
        named.extend(self.parts().iter().map(|part| part.path.clone()));
        for entry in latest.history(usize::MAX).await? {
            named.extend(entry.added);
        }
        for stored in self.staging().all().await? {
            named.extend(stored.record.into_iter().flat_map(|record| record.parts).map(|part| part.path));
        }
        let named: HashSet<_> = named.iter().map(|path| self.location().path(path)).collect();
        let orphans = files.into_iter().filter(|file| !named.contains(&file.path));
        Ok(orphans.map(|file| Discrepancy::Orphan { path: file.path.to_string(), bytes: file.bytes }).collect())
    }
}
