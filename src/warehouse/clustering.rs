//! Clustering buffer: holds rows back so that rows with the same values in a few columns are written together.
//!
//! In: batches in any order. Out: the rows of one combination of values at a time, in the order in which they came. When the
//! buffer is full, the largest cluster is written; at the end the rest, sorted by their values. Memory is the given bound plus
//! one batch.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, SortField};

use crate::error::{Context, Error, Result};

#[derive(Debug)]
pub(super) struct ClusteringBuffer {
    columns: Vec<usize>,
    converter: RowConverter,
    /// By the key's comparable bytes, so that iterating is sorting.
    held: BTreeMap<Vec<u8>, Cluster>,
    bytes: usize,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Cluster {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl ClusteringBuffer {
    pub(super) fn new(by: &[String], schema: &Schema, capacity: usize) -> Result<Self> {
        let column = |name: &String| {
            schema.index_of(name).map_err(|_| Error::internal("no such column to cluster by").with("column", name))
        };
        let columns = by.iter().map(column).collect::<Result<Vec<_>>>()?;
        let fields = columns.iter().map(|&i| SortField::new(schema.field(i).data_type().clone())).collect();
        let converter = RowConverter::new(fields).or_internal(|| "these columns cannot be clustered by".into())?;
        Ok(Self { columns, converter, held: BTreeMap::new(), bytes: 0, capacity })
    }

    /// Bytes of Arrow held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys: Vec<_> = self.columns.iter().map(|&i| batch.column(i).clone()).collect();
        let keys =
            self.converter.convert_columns(&keys).or_internal(|| "cannot compare the clustered columns".into())?;
        let mut rows_of: HashMap<&[u8], Vec<u32>> = HashMap::new();
        for (row, key) in (0u32..).zip(keys.iter()) {
            rows_of.entry(key.data()).or_default().push(row);
        }
        for (key, rows) in rows_of {
            // A copy even where the whole batch is one cluster: a slice would keep its whole, uncounted parent alive.
            let part =
                take_record_batch(batch, &UInt32Array::from(rows)).or_internal(|| "cannot divide a batch".into())?;
            let bytes = part.get_array_memory_size();
            let cluster = self.held.entry(key.to_vec()).or_default();
            cluster.batches.push(part);
            cluster.bytes += bytes;
            self.bytes += bytes;
        }
        Ok(())
    }

    /// The rows of the largest cluster while more is held than allowed.
    pub(super) fn pop_if_full(&mut self) -> Option<Vec<RecordBatch>> {
        if self.bytes <= self.capacity {
            return None;
        }
        let largest = self.held.iter().max_by_key(|(_, cluster)| cluster.bytes)?.0.clone();
        let cluster = self.held.remove(&largest)?;
        self.bytes -= cluster.bytes;
        Some(cluster.batches)
    }

    /// Everything, sorted by the clusters' values.
    pub(super) fn drain(&mut self) -> Vec<Vec<RecordBatch>> {
        self.bytes = 0;
        std::mem::take(&mut self.held).into_values().map(|cluster| cluster.batches).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn batch(tasks: Vec<&str>, ids: Vec<i64>) -> RecordBatch {
        RecordBatch::try_from_iter([
            ("task", Arc::new(StringArray::from(tasks)) as _),
            ("id", Arc::new(Int64Array::from(ids)) as _),
        ])
        .unwrap()
    }

    fn ids(cluster: &[RecordBatch]) -> Vec<i64> {
        cluster.iter().flat_map(|b| b.column(1).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn clusters_leave_sorted_and_keep_their_rows_order() {
        let first = batch(vec!["b", "a", "b"], vec![1, 2, 3]);
        let mut clusters = ClusteringBuffer::new(&["task".to_owned()], &first.schema(), usize::MAX).unwrap();
        clusters.push(&first).unwrap();
        clusters.push(&batch(vec!["a", "c"], vec![4, 5])).unwrap();
        assert!(clusters.pop_if_full().is_none());
        let drained: Vec<_> = clusters.drain().iter().map(|cluster| ids(cluster)).collect();
        assert_eq!(drained, [vec![2, 4], vec![1, 3], vec![5]]);
        assert_eq!(clusters.bytes(), 0);
    }

    #[test]
    fn the_largest_cluster_leaves_a_full_buffer() {
        let first = batch(vec!["a"; 100].into_iter().chain(["b"]).collect(), (0..101).collect());
        let mut clusters = ClusteringBuffer::new(&["task".to_owned()], &first.schema(), 1000).unwrap();
        clusters.push(&first).unwrap();
        assert_eq!(ids(&clusters.pop_if_full().unwrap()).len(), 100);
        assert!(clusters.pop_if_full().is_none(), "one row of b fits");
    }
}
