//! A part: one immutable Parquet file of one shard, as it is described in the log, in plans and in staging records.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use deltalake_core::kernel::{Add, LogicalFileView, Remove};
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};

/// One Parquet file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Relative to the table's folder: `parts/<run id>/<shard>-<attempt>-<writer>-<n>.parquet`.
    pub path: String,
    /// The slice of the table that it belongs to.
    pub shard: String,
    /// Of everything that the shard was made from.
    pub fingerprint: String,
    /// The run that wrote the file.
    pub run_id: String,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, lower-case hexadecimal.
    pub blake3: String,
    /// Its block checksums (see `checksums`); empty where it was written without.
    #[serde(default)]
    pub checksums: String,
    /// The content hash of its rows (see `content_hash`); empty where another program wrote it.
    #[serde(default)]
    pub content_hash: String,
    /// Delta's statistics: JSON with `numRecords`, `minValues`, `maxValues` and `nullCount`. Empty in an opened table's parts, whose
    /// statistics stay in the log until a plan over all of them asks (see `Table::parts_with_stats`).
    pub stats: String,
    /// When the file was finished, milliseconds since 1970.
    pub written: u64,
}

impl Part {
    /// The columns of [`Self::to_batch`]: what a writing plan yields.
    pub fn schema() -> SchemaRef {
        static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
            let text = |name| Field::new(name, DataType::Utf8, false);
            let number = |name| Field::new(name, DataType::UInt64, false);
            Arc::new(Schema::new(vec![
                text("path"),
                text("shard"),
                text("fingerprint"),
                text("run_id"),
                number("rows"),
                number("bytes"),
                text("blake3"),
                text("stats"),
                number("written"),
                text("checksums"),
                text("content_hash"),
            ]))
        });
        Arc::clone(&SCHEMA)
    }

    /// One row for each part.
    pub fn to_batch(parts: &[Self]) -> Result<RecordBatch> {
        let text = |of: fn(&Self) -> &str| Arc::new(StringArray::from_iter_values(parts.iter().map(of))) as ArrayRef;
        let number = |of: fn(&Self) -> u64| Arc::new(UInt64Array::from_iter_values(parts.iter().map(of))) as ArrayRef;
        let columns = vec![
            text(|p| &p.path),
            text(|p| &p.shard),
            text(|p| &p.fingerprint),
            text(|p| &p.run_id),
            number(|p| p.rows),
            number(|p| p.bytes),
            text(|p| &p.blake3),
            text(|p| &p.stats),
            number(|p| p.written),
            text(|p| &p.checksums),
            text(|p| &p.content_hash),
        ];
        RecordBatch::try_new(Self::schema(), columns).or_internal(|| "cannot describe the written parts".into())
    }

    /// The parts that [`Self::to_batch`] made rows of.
    pub fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>> {
        if batch.schema() != Self::schema() {
            return Err(Error::internal("these rows do not describe parts"));
        }
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        let number = |column: usize, row: usize| batch.column(column).as_primitive::<UInt64Type>().value(row);
        let part = |row| Self {
            path: text(0, row),
            shard: text(1, row),
            fingerprint: text(2, row),
            run_id: text(3, row),
            rows: number(4, row),
            bytes: number(5, row),
            blake3: text(6, row),
            stats: text(7, row),
            written: number(8, row),
            checksums: text(9, row),
            content_hash: text(10, row),
        };
        Ok((0..batch.num_rows()).map(part).collect())
    }

    /// As the log says it.
    pub(super) fn to_add(&self) -> Add {
        let tags = [
            ("shard", self.shard.clone()),
            ("fingerprint", self.fingerprint.clone()),
            ("run_id", self.run_id.clone()),
            ("rows", self.rows.to_string()),
            ("blake3", self.blake3.clone()),
            ("checksums", self.checksums.clone()),
            ("content_hash", self.content_hash.clone()),
        ];
        Add {
            path: self.path.clone(),
            partition_values: HashMap::new(),
            size: self.bytes.cast_signed(),
            modification_time: self.written.cast_signed(),
            data_change: true,
            stats: Some(self.stats.clone()),
            tags: Some(tags.into_iter().map(|(key, value)| (key.to_owned(), Some(value))).collect()),
            ..Add::default()
        }
    }

    /// As the log says that it no longer counts.
    pub(super) fn to_remove(&self, now: u64) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change: true,
            deletion_timestamp: Some(now.cast_signed()),
            extended_file_metadata: Some(true),
            partition_values: Some(HashMap::new()),
            size: Some(self.bytes.cast_signed()),
            ..Remove::default()
        }
    }

    /// What the log says of an active file. A file that another program added has no tags of ours: it forms a shard by itself,
    /// named by its path, so that it is read, counted and never replaced by accident.
    pub(super) fn from_log(file: &LogicalFileView) -> Result<Self> {
        #[expect(deprecated, reason = "the tags of a file can be reached in no other way")]
        let add = file.add_action();
        let mut tags = add.tags.unwrap_or_default();
        let mut tag = |key: &str| tags.remove(key).flatten();
        let counted =
            || serde_json::from_str::<serde_json::Value>(add.stats.as_deref()?).ok()?.get("numRecords")?.as_u64();
        let rows = tag("rows").and_then(|n| n.parse().ok()).or_else(counted);
        let rows =
            rows.ok_or_else(|| Error::input("the log does not say how many rows a file has").with("file", &add.path))?;
        Ok(Self {
            shard: tag("shard").unwrap_or_else(|| add.path.clone()),
            fingerprint: tag("fingerprint").unwrap_or_default(),
            run_id: tag("run_id").unwrap_or_default(),
            blake3: tag("blake3").unwrap_or_default(),
            checksums: tag("checksums").unwrap_or_default(),
            content_hash: tag("content_hash").unwrap_or_default(),
            rows,
            bytes: add.size.unsigned_abs(),
            written: add.modification_time.unsigned_abs(),
            stats: String::new(),
            path: add.path,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::warehouse) fn part(shard: &str, n: u64) -> Part {
        Part {
            path: format!("parts/r{n}/{shard}-{n}.parquet"),
            shard: shard.to_owned(),
            fingerprint: format!("f{n}"),
            run_id: format!("r{n}"),
            rows: n,
            bytes: 100 + n,
            blake3: "00".repeat(32),
            checksums: String::new(),
            content_hash: format!("{n:032x}"),
            stats: format!(r#"{{"numRecords":{n}}}"#),
            written: 1_700_000_000_000 + n,
        }
    }

    #[test]
    fn parts_survive_being_rows() {
        let parts = vec![part("a", 1), part("b", 2)];
        assert_eq!(Part::from_batch(&Part::to_batch(&parts).unwrap()).unwrap(), parts);
    }
}
