//! Filter pushdown: rows with a `filtered` reason are counted and dropped below the projections that would compute more for them.
//!
//! In: the physical plan of a stage's rows. Out: a plan of the rows without a reason, and the others in the row counts.
//!
//! ```text
//!   AccountExec                              AccountExec
//!     └─ ids, templates, answers      ─►       └─ ids, templates, answers        of the rows that go on
//!          └─ facts and their doubts             └─ CountFiltered                drops and counts the others
//!                                                     └─ facts and their doubts
//! ```
//!
//! A query computes `filtered` beside its other columns, because that reads best. The reason is moved down through every projection that
//! computes nothing expensive for it, and rows with a reason end there, counted as `AccountExec` would have counted them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch, is_null};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, PlanProperties};
use futures::StreamExt;

use super::Stage;
use super::account::{ORIGIN, ShardAccount};
use crate::tables::RowCounts;
use crate::tables::{FILTERED, QUARANTINED};

/// The plan of a stage's rows, with what it filters dropped and counted where that saves work. The rows that are left come out
/// as they would have.
pub fn push_down_filtered(plan: Arc<dyn ExecutionPlan>, stage: &Stage) -> Result<Arc<dyn ExecutionPlan>> {
    // One plan for each of the stage's files.
    if plan.is::<UnionExec>() {
        let files = plan.children().into_iter().map(|file| push_down_filtered(Arc::clone(file), stage));
        let files = files.collect::<Result<Vec<_>>>()?;
        return with_children(plan, files);
    }
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(plan) };
    let expression = |name: &str| projection.expr().iter().find(|one| one.alias == name).map(|one| &one.expr);
    let (Some(reason), Some(lost), Some(origin)) = (expression(FILTERED), expression(QUARANTINED), expression(ORIGIN))
    else {
        return Ok(plan);
    };
    // A row that may also be quarantined is the accountant's: it is counted once.
    if constant(lost).is_none_or(|lost| !lost.is_null()) || constant(reason).is_some() {
        return Ok(plan);
    }
    let origin = constant(origin).and_then(|origin| origin.try_as_str().flatten()).map(str::to_owned);
    let origin = origin.filter(|_| stage.files.len() > 1);
    let below = below(projection.input(), Arc::clone(reason), origin.as_deref())?;
    with_children(plan, vec![below])
}

/// Puts the node below every projection that computes nothing dear of what `reason` is made of.
fn below(
    plan: &Arc<dyn ExecutionPlan>,
    reason: Arc<dyn PhysicalExpr>,
    origin: Option<&str>,
) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>()
        && is_cheap_below(projection, &reason)?
    {
        let reason = projection.projection_expr().unproject_expr(&reason)?;
        let input = below(projection.input(), reason, origin)?;
        return with_children(Arc::clone(plan), vec![input]);
    }
    let properties = Arc::clone(plan.properties());
    let origin = origin.map(str::to_owned);
    Ok(Arc::new(CountFiltered { input: Arc::clone(plan), reason, origin, properties }))
}

fn with_children(
    plan: Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// Whether all columns of an expression are cheap to compute below a projection: they are computed there once more.
fn is_cheap_below(projection: &ProjectionExec, expression: &Arc<dyn PhysicalExpr>) -> Result<bool> {
    let mut all = true;
    expression.apply(|part| {
        if let Some(column) = part.downcast_ref::<Column>() {
            all &= match projection.expr().get(column.index()) {
                Some(below) => is_cheap(&below.expr)?,
                None => false,
            };
        }
        Ok(if all { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(all)
}

/// Functions that cost less than the rows that they spare; operators and cases cost nothing beside them.
const CHEAP: &[&str] = &["get_field", "array_element", "format_allowed", "first_missing"];

fn is_cheap(expression: &Arc<dyn PhysicalExpr>) -> Result<bool> {
    let mut cheap = true;
    expression.apply(|part| {
        let function = part.downcast_ref::<ScalarFunctionExpr>();
        cheap &= function.is_none_or(|function| CHEAP.contains(&function.name()));
        Ok(if cheap { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(cheap)
}

fn constant(expression: &Arc<dyn PhysicalExpr>) -> Option<&ScalarValue> {
    expression.downcast_ref::<Literal>().map(Literal::value)
}

/// Drops and counts the rows that have a reason; see the module.
#[derive(Debug)]
struct CountFiltered {
    input: Arc<dyn ExecutionPlan>,
    /// Null for a row that goes on.
    reason: Arc<dyn PhysicalExpr>,
    /// The file whose rows these are, where the stage has several.
    origin: Option<String>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for CountFiltered {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountFiltered: {}", self.reason)
    }
}

impl ExecutionPlan for CountFiltered {
    fn name(&self) -> &str {
        "CountFiltered"
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
        f(&self.reason)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (reason, origin) = (Arc::clone(&self.reason), self.origin.clone());
        let input = children.swap_remove(0);
        Ok(Arc::new(Self { properties: Arc::clone(input.properties()), input, reason, origin }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (reason, origin, account) = (Arc::clone(&self.reason), self.origin.clone(), ShardAccount::of(&context)?);
        let count = move |batch: Result<RecordBatch>| drop_filtered(&batch?, &reason, origin.as_deref(), &account);
        let rows = self.input.execute(partition, context)?.map(count);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The rows of a batch without a reason; the others are counted.
fn drop_filtered(
    batch: &RecordBatch,
    reason: &Arc<dyn PhysicalExpr>,
    origin: Option<&str>,
    account: &ShardAccount,
) -> Result<RecordBatch> {
    let reasons = cast(&reason.evaluate(batch)?.into_array(batch.num_rows())?, &DataType::Utf8)?;
    let reasons = reasons.as_string::<i32>();
    if reasons.null_count() == reasons.len() {
        return Ok(batch.clone());
    }
    let mut counted = RowCounts::default();
    counted.filter(reasons.iter().flatten().map(|reason| (origin, reason)));
    counted.rows_in = counted.filtered.values().sum();
    account.add(&counted);
    filter_record_batch(batch, &is_null(reasons)?).map_err(DataFusionError::from)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::SessionContext;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_row_ends_where_its_reason_is_known() {
        let text = "-- writes: t\n-- keep: table\nSELECT 1";
        let files =
            BTreeMap::from([("a/one.sql".to_owned(), text.to_owned()), ("b/two.sql".to_owned(), text.to_owned())]);
        let stage = Stage::parse_all(&files).unwrap().remove("t").unwrap();
        let context = SessionContext::new();
        let file = |origin: &str| {
            format!(
                "SELECT upper(name) AS name, reason AS filtered, CAST(NULL AS VARCHAR) AS quarantined, '{origin}' AS origin__
                 FROM (SELECT name, CASE WHEN n > 1 THEN 'large' END AS reason FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t (n, name))"
            )
        };
        let sql = format!("{} UNION ALL {}", file("a"), file("b"));
        let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        let counts = Arc::<Mutex<RowCounts>>::default();
        let pushed_down = push_down_filtered(Arc::clone(&plan), &stage).unwrap();
        let shown = displayable(pushed_down.as_ref()).indent(false).to_string();
        assert_eq!(shown.matches("CountFiltered").count(), 2, "{shown}");
        let account = ShardAccount::new(Arc::clone(&counts), mpsc::channel(1).0);
        let config = context.copied_config().with_extension(Arc::new(account));
        let context = SessionContext::new_with_config(config);
        let rows = collect(pushed_down, context.task_ctx()).await.unwrap();
        let names =
            rows.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        assert_eq!(names.collect::<Vec<_>>(), ["A", "A"]);
        let counts = counts.lock().unwrap();
        assert_eq!(
            (counts.rows_in, &counts.filtered),
            (4, &[("a/large".to_owned(), 2), ("b/large".to_owned(), 2)].into())
        );
    }
}
