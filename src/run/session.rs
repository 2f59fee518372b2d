//! The engine behind every plan: DataFusion with our functions, a bounded pool and the project's batch size.
//!
//! In: a project's limits and functions. Out: sessions. One runtime serves all plans of a process; a session is cheap and of one shard, so
//! that the tables of two shards never meet.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::common::ToDFSchema;
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::concurrent_async::ConcurrentAsync;
use super::memory_pool::HalfOfFreePool;
use super::{Mill, read_only};
use crate::error::Result;
use crate::models::Models;
use crate::pipeline::{Keep, Stage};
use crate::project::Project;

/// What sessions are made from.
pub struct Engine {
    state: SessionState,
    partitions: usize,
    /// Bytes of the pool.
    pool: usize,
}

/// How the shards of a stage share the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Shards that are made at the same time.
    pub in_flight: usize,
    /// Partitions of a shard's plan.
    pub partitions: usize,
    /// What a shard may hold back to cluster its rows.
    pub cluster_bytes: usize,
}

/// Of the pool, what a shard in flight takes at least: batches in its operators, and open row groups.
const SHARD_BYTES: usize = 64 << 20;

/// More helps no clustering.
const MOST_CLUSTER_BYTES: usize = 128 << 20;

/// A shard more is in flight than cores are there for, because a shard that opens its inputs or is being recorded needs none.
const ONE_MORE: usize = 1;

impl Concurrency {
    /// For so many shards, cores, and bytes of the pool. Few shards are divided into partitions, so that no core is idle; many have one
    /// partition each, which makes one file each. Half of the pool is left for what is no clustering.
    fn of(shards: usize, cores: usize, pool: usize) -> Self {
        let at_once = shards.clamp(1, cores.min(pool / SHARD_BYTES).max(1));
        let in_flight = at_once + ONE_MORE;
        let cluster_bytes = (pool / (2 * in_flight)).min(MOST_CLUSTER_BYTES);
        Self { in_flight, partitions: (cores / at_once).max(1), cluster_bytes }
    }
}

impl Engine {
    /// An engine with the project's limits and functions; `objects` are the columns of that table.
    pub fn new(project: &Project, objects: &SchemaRef, models: &Arc<Models>) -> Result<Self> {
        let partitions = match project.integer("partitions") {
            n if n > 0 => n as usize,
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        };
        // A third of what the process may use is the pool: decoded pages, output buffers and pixels live outside it.
        let pool = usize::try_from(project.memory()? / 3).unwrap_or(usize::MAX).max(16 << 20);
        let batch_size = project.integer("batch_size").max(1) as usize;
        let mut config = SessionConfig::new()
            .with_information_schema(true)
            .with_target_partitions(partitions)
            .with_batch_size(batch_size);
        let options = config.options_mut();
        // Plain strings everywhere: stored tables are read by others, and functions see one type.
        options.sql_parser.map_string_types_to_utf8view = false;
        options.execution.parquet.schema_force_view_types = false;
        options.execution.parquet.pushdown_filters = true;
        // It moves the fields of a struct down to where the struct is computed, and so computes the struct once for each of its fields.
        options.optimizer.enable_leaf_expression_pushdown = false;
        // Joins hold their left side, as all queries here are written: how many rows come out of `unnest` cannot be estimated, and a join that
        // is turned round holds all pair facts of a shard in memory. Besides, a filter over a join that was turned round may be pushed to the
        // wrong side where both have a column of its name (DataFusion 55 finds it by name in the projection that restores the order).
        options.optimizer.join_reordering = false;
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .with_runtime_env(runtime(pool)?)
            .with_physical_optimizer_rule(Arc::new(ConcurrentAsync {
                rows: project.integer("in_flight").max(1) as usize,
            }))
            .build();
        let context = SessionContext::new_with_state(state);
        crate::functions::register(&context, project, objects, models)?;
        Ok(Self { state: context.state(), partitions, pool })
    }

    /// How so many shards share the machine.
    pub fn concurrency(&self, shards: usize) -> Concurrency {
        Concurrency::of(shards, self.partitions, self.pool)
    }

    /// A session without tables, for a person's queries.
    pub fn session(&self) -> Result<SessionContext> {
        self.session_with(self.state.config().clone())
    }

    /// A session without tables, for a stage's shard.
    pub fn shard_session(&self, partitions: usize) -> Result<SessionContext> {
        let mut config = self.state.config().clone().with_target_partitions(partitions.max(1));
        // Partitions of a join with such a filter wait until all of them have begun, and a writer reads its partitions one after the other, so that
        // no more than one of a UNION's inputs is in memory.
        config.options_mut().optimizer.enable_join_dynamic_filter_pushdown = false;
        let context = self.session_with(config)?;
        // It makes one chain of all inner joins, the many on the left.
        context.remove_optimizer_rule("eliminate_cross_join");
        Ok(context)
    }

    fn session_with(&self, config: SessionConfig) -> Result<SessionContext> {
        let schema = Arc::new(MemorySchemaProvider::new());
        let catalog = MemoryCatalogProvider::new();
        let (catalog_name, schema_name) = {
            let options = &self.state.config().options().catalog;
            (options.default_catalog.clone(), options.default_schema.clone())
        };
        catalog.register_schema(&schema_name, schema)?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(catalog_name, Arc::new(catalog));
        let state = SessionStateBuilder::new_from_existing(self.state.clone())
            .with_config(config)
            .with_catalog_list(Arc::new(catalogs))
            .build();
        Ok(SessionContext::new_with_state(state))
    }
}

fn runtime(pool: usize) -> Result<Arc<RuntimeEnv>> {
    Ok(RuntimeEnvBuilder::new().with_memory_pool(Arc::new(HalfOfFreePool::new(pool))).build_arc()?)
}

impl Mill {
    /// A session for a table that is at hand.
    pub(super) fn session_without_tables(&self) -> Result<SessionContext> {
        self.engine.session()
    }

    /// Registers every view whose inputs the session has.
    pub async fn register_views(&self, context: &SessionContext) -> Result<()> {
        let views: Vec<&Stage> = self.pipeline.stages.values().filter(|s| s.keep != Keep::Table).collect();
        for view in views {
            self.register_view(context, view).await?;
        }
        Ok(())
    }

    /// Registers one view after the views that it reads; without its tables it is left out.
    pub(super) async fn register_view(&self, context: &SessionContext, view: &Stage) -> Result<()> {
        if context.table_exist(view.writes.as_str())? {
            return Ok(());
        }
        for name in &view.reads {
            if let Some(inner) = self.pipeline.stages.get(name).filter(|s| s.keep != Keep::Table) {
                Box::pin(self.register_view(context, inner)).await?;
            }
            if !context.table_exist(name.as_str())? {
                return Ok(());
            }
        }
        if view.files.is_empty() {
            let schema = self.schema(&view.writes)?.to_dfschema_ref()?;
            let none = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema });
            context.register_table(view.writes.as_str(), Arc::new(ViewTable::new(none, None)))?;
            return Ok(());
        }
        let mut plan = None;
        for query in view.queries(&self.project)? {
            let frame = read_only::rows(context, &query.sql)
                .await
                .map_err(|e| e.with("file", format!("queries/{}", query.path)))?;
            plan = Some(match plan {
                None => frame,
                Some(all) => datafusion::dataframe::DataFrame::union_by_name(all, frame)?,
            });
        }
        if let Some(frame) = plan {
            let provider = ViewTable::new(frame.into_unoptimized_plan(), None);
            context.register_table(view.writes.as_str(), Arc::new(provider))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::physical_plan::{ExecutionPlanProperties, displayable};
    use futures::TryStreamExt;

    use super::*;

    #[test]
    fn shards_share_cores_and_memory() {
        let gib = 1 << 30;
        let check = |shards: usize, cores: usize, pool: usize, expected: (usize, usize)| {
            let found = Concurrency::of(shards, cores, pool);
            assert_eq!((found.in_flight, found.partitions), expected, "{shards} shards, {cores} cores");
            assert!(found.cluster_bytes * found.in_flight <= pool / 2);
        };
        check(1, 8, gib, (2, 8));
        check(3, 8, gib, (4, 2));
        check(5_000, 8, gib, (9, 1));
        // Memory for ten shards leaves the cores of the others to partitions.
        check(5_000, 64, 700 << 20, (11, 6));
        check(0, 4, 16 << 20, (2, 4));
    }

    async fn engine() -> Engine {
        let objects = crate::tables::schemas().await.unwrap().remove("objects").unwrap().schema;
        let project = Project::in_memory();
        let warehouse = crate::warehouse::Location::parse("memory://joins", std::path::Path::new(".")).unwrap();
        let models = Arc::new(Models::of(&project, &warehouse).unwrap());
        Engine::new(&project, &objects, &models).unwrap()
    }

    /// A shard's facts stream only as long as no rule moves them to the left side of a join.
    #[tokio::test]
    async fn joins_of_a_shard_hold_what_their_query_puts_on_the_left() {
        let engine = engine().await;
        let context = engine.shard_session(1).unwrap();
        // By their sizes, and by what each condition names, every join here could be turned round.
        for (table, rows) in [("left_one", 3), ("left_two", 2), ("many", 1)] {
            let sql = format!("CREATE TABLE {table} AS SELECT unnest(range(0, {rows})) AS {table}_id");
            context.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        let sql = "SELECT * FROM left_one JOIN (left_two JOIN many ON many_id = left_two_id) ON many_id = left_one_id";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let text = displayable(plan.as_ref()).indent(false).to_string();
        let joins: Vec<&str> = text.lines().filter(|line| line.contains("HashJoinExec")).map(str::trim).collect();
        assert!(joins.len() == 2 && joins[0].contains("on=[(left_one_id@0, many_id@1)]"), "{text}");
        assert!(joins[1].contains("on=[(left_two_id@0, many_id@0)]"), "{text}");
    }

    #[tokio::test]
    async fn the_partitions_of_a_join_need_not_be_read_at_once() {
        let engine = engine().await;
        let context = engine.shard_session(1).unwrap();
        // Files take filters while they are read, and tables in memory do not.
        let folder = tempfile::tempdir().unwrap();
        for table in ["few", "one", "other"] {
            let path = folder.path().join(format!("{table}.parquet"));
            let rows = format!("COPY (SELECT unnest(range(0, 3)) AS id) TO '{}'", path.display());
            context.sql(&rows).await.unwrap().collect().await.unwrap();
            context.register_parquet(table, path.to_str().unwrap(), Default::default()).await.unwrap();
        }
        let sql =
            "SELECT * FROM few JOIN (SELECT id FROM one UNION ALL SELECT id FROM other) AS many ON many.id = few.id";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        assert_eq!(plan.output_partitioning().partition_count(), 2, "one of each table");
        let mut rows = 0;
        for partition in 0..2 {
            let stream = plan.execute(partition, context.task_ctx()).unwrap();
            let batches = stream.try_collect::<Vec<RecordBatch>>();
            let read = tokio::time::timeout(Duration::from_secs(60), batches).await;
            let batches = read.expect("waits for a partition that is read later").unwrap();
            rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        }
        assert_eq!(rows, 6);
    }
}
