//! WriteParts, the plan node that writes: its writers stream their shares of the input into parts, and a row comes out for each part.
//!
//! ```text
//! input partitions 0 1 2 3 4 5 ─► writer 0: 0, then 2, then 4 ─► parts
//!                              └► writer 1: 1, then 3, then 5 ─► parts
//! ```
//!
//! DataFusion's own file sink is one task however many partitions feed it; this one has as many writers as it is told, and commits
//! nothing. A UNION has the partitions of all its inputs: with one writer they are read one after the other, so that rows have one order.
//! In: any rows that fit the table. Out: [`Part::schema`]. Writer 0 always writes a part, even without rows, so that the shard's
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

/// A plan that writes the rows of `input` as parts of one shard, by at most so many writers, and yields a row for each part.
pub fn write_parts(input: Arc<dyn ExecutionPlan>, options: WriteOptions, writers: usize) -> Arc<dyn ExecutionPlan> {
    Arc::new(WriteParts::new(input, Arc::new(options), writers))
}

#[derive(Debug)]
struct WriteParts {
    input: Arc<dyn ExecutionPlan>,
    options: Arc<WriteOptions>,
    /// At most so many, and no more than the input has partitions.
    writers: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl WriteParts {
    fn new(input: Arc<dyn ExecutionPlan>, options: Arc<WriteOptions>, writers: usize) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Part::schema()),
            Partitioning::UnknownPartitioning(writers.clamp(1, partitions.max(1))),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, options, writers, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
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
        Ok(Arc::new(Self::new(input, Arc::clone(&self.options), self.writers)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(Recompute))
    }

    fn execute(&self, writer: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.output_partitioning().partition_count();
        let writers = self.properties.output_partitioning().partition_count();
        let inputs = (writer..partitions).step_by(writers);
        let memory = MemoryConsumer::new(format!("WriteParts[{writer}]")).register(context.memory_pool());
        let rows = MetricBuilder::new(&self.metrics).output_rows(writer);
        let empty = if writer == 0 { Empty::WritePart } else { Empty::WriteNothing };
        let mut writer = PartWriter::new(Arc::clone(&self.options), writer, writers)?;
        let input = Arc::clone(&self.input);
        let parts = futures::stream::once(async move {
            for partition in inputs {
                let stream = input.execute(partition, Arc::clone(&context))?;
                write_all(stream, &mut writer, &memory, &rows).await?;
            }
            Ok(Part::to_batch(&writer.finish(empty).await?)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Part::schema(), parts)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn write_all(
    mut input: SendableRecordBatchStream,
    writer: &mut PartWriter,
    memory: &MemoryReservation,
    rows: &Count,
) -> Result<()> {
    while let Some(batch) = input.try_next().await? {
        writer.write(&batch).await?;
        rows.add(batch.num_rows());
        if memory.try_resize(writer.memory_size()).is_err() {
            writer.relieve().await?;
            memory.try_resize(writer.memory_size())?;
        }
    }
    Ok(())
}
