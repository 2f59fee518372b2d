//! WriteParts, the plan node that writes: each partition of its input streams into parts of its own, and a row comes out for each part.
//!
//! DataFusion's own file sink is one task however many partitions feed it; this one is as parallel as its input, and commits nothing.
//! In: any rows that fit the table. Out: [`Part::schema`]. Partition 0 always writes a part, even without rows, so that the shard's
//! fingerprint can be found. Memory: what [`PartWriter`] holds, counted against the pool; a stream that is dropped cancels its upload.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::TryStreamExt;

use super::part_writer::{Empty, PartWriter};
use super::{Part, WriteOptions};

/// A plan that writes the rows of `input` as parts of one shard and yields a row for each part.
pub fn write_parts(input: Arc<dyn ExecutionPlan>, options: WriteOptions) -> Arc<dyn ExecutionPlan> {
    Arc::new(WriteParts::new(input, Arc::new(options)))
}

#[derive(Debug)]
struct WriteParts {
    input: Arc<dyn ExecutionPlan>,
    options: Arc<WriteOptions>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl WriteParts {
    fn new(input: Arc<dyn ExecutionPlan>, options: Arc<WriteOptions>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Part::schema()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, options, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for WriteParts {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WriteOptions { location, shard, cluster_by, .. } = &*self.options;
        write!(f, "WriteParts: {}, shard={shard}", location.url())?;
        if !cluster_by.is_empty() {
            write!(f, ", cluster_by=[{}]", cluster_by.join(", "))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for WriteParts {
    fn name(&self) -> &'static str {
        "WriteParts"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        // More partitions would be more files; the stage that feeds this one decides.
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("WriteParts has exactly one child".to_owned()))?;
        Ok(Arc::new(Self::new(input, Arc::clone(&self.options))))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let partitions = self.input.output_partitioning().partition_count();
        let memory = MemoryConsumer::new(format!("WriteParts[{partition}]")).register(context.memory_pool());
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let writer = PartWriter::new(Arc::clone(&self.options), partition, partitions)?;
        let empty = if partition == 0 { Empty::WritePart } else { Empty::WriteNothing };
        let parts = futures::stream::once(async move {
            let parts = write_all(input, writer, empty, memory, rows).await?;
            Ok(Part::to_batch(&parts)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Part::schema(), parts)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn write_all(
    mut input: SendableRecordBatchStream,
    mut writer: PartWriter,
    empty: Empty,
    memory: MemoryReservation,
    rows: Count,
) -> Result<Vec<Part>> {
    while let Some(batch) = input.try_next().await? {
        writer.write(&batch).await?;
        rows.add(batch.num_rows());
        if memory.try_resize(writer.memory_size()).is_err() {
            writer.relieve().await?;
            memory.try_resize(writer.memory_size())?;
        }
    }
    Ok(writer.finish(empty).await?)
}
