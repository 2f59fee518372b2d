//! Table scan: a version's parts (or those of some shards) as a table that DataFusion can plan over.
//!
//! Names, sizes, row counts and bounds come from the log, so planning sends no requests. Filters are pushed down to row groups,
//! pages and Bloom filters; DataFusion keeps its own filter above, because ours is inexact. What is read is verified against the
//! log's checksums.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::checksums::VerifyingStore;
use super::{Location, Part, stats};

#[derive(Debug)]
pub(super) struct Scan {
    location: Location,
    schema: SchemaRef,
    parts: Vec<Part>,
}

impl Scan {
    pub(super) fn new(location: Location, schema: SchemaRef, parts: Vec<Part>) -> Self {
        Self { location, schema, parts }
    }

    /// Bounds of a file leave it out where a filter says so. Without filters they would be held for nothing: of many parts they are most of a plan.
    fn file(&self, part: &Part, is_filtered: bool) -> PartitionedFile {
        let mut file = PartitionedFile::new("", part.bytes);
        // Not through the constructor, which would encode the path a second time.
        file.object_meta.location = self.location.path(&part.path);
        if is_filtered { file.with_statistics(Arc::new(self.part_statistics(part))) } else { file }
    }

    fn part_statistics(&self, part: &Part) -> Statistics {
        stats::for_plans(&part.stats, part.rows, part.bytes, &self.schema)
    }

    /// Merged as they are read, so that only some are held at a time.
    fn statistics_of(&self, parts: &[&Part]) -> Result<Statistics> {
        let mut merged: Option<Statistics> = None;
        for some in parts.chunks(64) {
            let each: Vec<_> = merged.into_iter().chain(some.iter().map(|part| self.part_statistics(part))).collect();
            merged = Some(Statistics::try_merge_iter(&each, &self.schema)?);
        }
        merged.map_or_else(|| Statistics::try_merge_iter(&[], &self.schema), Ok)
    }
}

#[async_trait]
impl TableProvider for Scan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        self.statistics_of(&self.parts.iter().collect::<Vec<_>>()).ok()
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = enough(&self.parts, if filters.is_empty() { limit } else { None });
        if parts.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }

        let url = self.location.object_store_url()?;
        let runtime = session.runtime_env();
        runtime.register_object_store(url.as_ref(), Arc::clone(self.location.store()));

        let mut options =
            TableParquetOptions { global: session.config_options().execution.parquet.clone(), ..Default::default() };
        options.global.pushdown_filters = true;
        options.global.reorder_filters = true;
        let readers = CachedParquetFileReaderFactory::new(
            Arc::new(VerifyingStore::new(&self.location, &parts)),
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut source =
            ParquetSource::new(Arc::clone(&self.schema)).with_parquet_file_reader_factory(Arc::new(readers));
        if let Some(hint) = options.global.metadata_size_hint {
            source = source.with_metadata_size_hint(hint);
        }

        let files = FileGroup::new(parts.iter().map(|part| self.file(part, !filters.is_empty())).collect());
        let config = FileScanConfigBuilder::new(url, Arc::new(source.with_table_parquet_options(options)))
            .with_file_groups(files.split_files(session.config().target_partitions()))
            .with_statistics(self.statistics_of(&parts)?)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The first parts that together have `limit` rows; parts without rows are never read.
fn enough(parts: &[Part], limit: Option<usize>) -> Vec<&Part> {
    let mut wanted = limit.map_or(u64::MAX, |limit| limit as u64);
    let mut chosen = Vec::new();
    for part in parts.iter().filter(|part| part.rows > 0) {
        if wanted == 0 {
            break;
        }
        wanted = wanted.saturating_sub(part.rows);
        chosen.push(part);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::part;
    use super::*;

    #[test]
    fn a_limit_needs_only_some_parts() {
        let parts = [part("a", 0), part("b", 3), part("c", 2), part("d", 9)];
        let shards = |limit| enough(&parts, limit).iter().map(|part| part.shard.as_str()).collect::<String>();
        assert_eq!(shards(None), "bcd");
        assert_eq!(shards(Some(0)), "");
        assert_eq!(shards(Some(3)), "b");
        assert_eq!(shards(Some(4)), "bc");
    }
}
