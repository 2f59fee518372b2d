//! Concurrent async functions: the operator that replaces DataFusion's `AsyncFuncExec`, with several slices of rows in flight.
//!
//! ```text
//! input batches ─ cut ─► slices ─► [call][call][call] ... at most `slices` at once ─► in the order of the input
//! ```
//!
//! DataFusion gathers a whole batch and awaits one slice of it after the other, so a device would wait while images are decoded. Here a
//! slice is handed over as soon as it is there, further ones are begun while it is computed, and none is begun while so many are in
//! flight. An error, or a reader that goes away, drops all of them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::async_scalar_function::AsyncFuncExpr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::async_func::AsyncFuncExec;
use datafusion::physical_plan::execution_plan::{ExecutionPlan, ReplaceChildrenOptions, apply_expression_roots};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

/// The optimizer rule that replaces every `AsyncFuncExec` by a [`ConcurrentAsyncExec`].
#[derive(Debug)]
pub struct ConcurrentAsync {
    /// Rows of one partition that models are asked about at once. Other functions overlap their rows themselves: one slice is enough.
    pub rows: usize,
}

impl PhysicalOptimizerRule for ConcurrentAsync {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let replaced = plan.transform_up(|node| {
            let Some(awaiting) = node.downcast_ref::<AsyncFuncExec>() else { return Ok(Transformed::no(node)) };
            let mut calls = Vec::new();
            awaiting.apply_expressions(&mut |expression| {
                if let Some(call) = expression.downcast_ref::<AsyncFuncExpr>() {
                    calls.push(call.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
            let slice = rows_at_once(&calls)?;
            let slices = if calls.iter().all(asks_models) { (self.rows / slice).max(1) } else { 1 };
            let (input, properties) = (Arc::clone(awaiting.input()), Arc::clone(awaiting.properties()));
            Ok(Transformed::yes(Arc::new(ConcurrentAsyncExec { input, calls, slice, slices, properties }) as _))
        })?;
        Ok(replaced.data)
    }

    fn name(&self) -> &str {
        "concurrent_async"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// See the module. Its columns are the input's, and one for each call.
#[derive(Debug, Clone)]
pub struct ConcurrentAsyncExec {
    input: Arc<dyn ExecutionPlan>,
    calls: Vec<AsyncFuncExpr>,
    /// Rows of a slice.
    slice: usize,
    /// In flight, at most.
    slices: usize,
    properties: Arc<PlanProperties>,
}

/// How many rows make a slice: what the most careful of the functions asks for.
fn rows_at_once(calls: &[AsyncFuncExpr]) -> Result<usize> {
    let mut rows = usize::MAX;
    for call in calls {
        rows = rows.min(call.ideal_batch_size()?.unwrap_or(usize::MAX));
    }
    Ok(rows.max(1))
}

fn asks_models(call: &AsyncFuncExpr) -> bool {
    call.func.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| crate::functions::asks_models(call.fun().name()))
}

/// A slice with the results of its calls beside it. Calls of one slice run side by side.
async fn called(
    calls: Arc<Vec<AsyncFuncExpr>>,
    slice: RecordBatch,
    config: Arc<ConfigOptions>,
) -> Result<Vec<Arc<dyn Array>>> {
    let results = calls.iter().map(|call| call.invoke_with_args(&slice, Arc::clone(&config)));
    let results = futures::future::try_join_all(results).await?;
    let columns = results.into_iter().map(|value: ColumnarValue| value.to_array(slice.num_rows()));
    slice.columns().iter().map(|column| Ok(Arc::clone(column))).chain(columns).collect()
}

fn slices(batch: RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    (0..batch.num_rows()).step_by(rows).map(move |at| batch.slice(at, rows.min(batch.num_rows() - at)))
}

impl DisplayAs for ConcurrentAsyncExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<String> = self.calls.iter().map(ToString::to_string).collect();
        write!(f, "ConcurrentAsyncExec: {} slices of {} rows, calls=[{}]", self.slices, self.slice, calls.join(", "))
    }
}

impl ExecutionPlan for ConcurrentAsyncExec {
    fn name(&self) -> &str {
        "ConcurrentAsyncExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let calls = self.calls.iter().map(|call| Arc::new(call.clone()) as Arc<dyn PhysicalExpr>);
        apply_expression_roots(calls, f)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0), ..Self::clone(&self) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (rows, schema) = (self.slice, self.schema());
        let (calls, config) = (Arc::new(self.calls.clone()), Arc::clone(context.session_config().options()));
        let made = self
            .input
            .execute(partition, context)?
            .map_ok(move |batch| stream::iter(slices(batch, rows).map(Ok)))
            .try_flatten()
            .map_ok(move |slice| called(Arc::clone(&calls), slice, Arc::clone(&config)))
            .try_buffered(self.slices.max(1))
            .map(move |columns| Ok(RecordBatch::try_new(Arc::clone(&schema), columns?)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), made)))
    }
}
