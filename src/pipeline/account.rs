//! `AccountExec`: the operator between a stage's query and its writer, which counts every row and drops those that do not go on.
//!
//! ```text
//! query rows (table's columns + filtered + quarantined) ─► AccountExec ─► table's columns, kept rows only
//!                                                            ├─► RowCounts: rows in, out, filtered by reason, quarantined by code
//!                                                            └─► quarantined rows, to be written
//! ```
//!
//! A row whose `filtered` is not null is dropped and counted under that reason; one whose `quarantined` is not null is dropped and
//! sent away with code and message. Each kept row must satisfy the stage's checks, or the build fails. It never buffers.
//!
//! One plan serves many shards: whose rows are counted, the session says that executes it, by its [`ShardAccount`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray, StructArray};
use arrow::compute::{cast, filter, is_null};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ExecutionPlan, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;
use tokio::sync::mpsc::Sender;

use super::images::{FRAME_ID, Images};
use crate::error::Error;
use crate::tables::RowCounts;
use crate::tables::{FILTERED, Loss, QUARANTINED, Quarantined, Unusable};

/// The column that says which of a stage's files a row came from.
pub const ORIGIN: &str = "origin__";

/// Counts, drops and checks; see the module.
#[derive(Debug)]
pub struct AccountExec {
    input: Arc<dyn ExecutionPlan>,
    rules: Arc<Rules>,
    properties: Arc<PlanProperties>,
}

/// What must be true of every row of a stage.
#[derive(Debug, Clone)]
pub struct Checks {
    stage: String,
    keys: Vec<String>,
    predicates: Vec<(String, Arc<dyn PhysicalExpr>)>,
}

/// What one stage asks of its rows.
#[derive(Debug)]
struct Rules {
    /// Positions in the input of the columns that go on.
    kept: Vec<usize>,
    checks: Checks,
    schema: SchemaRef,
    several_origins: bool,
}

/// Where the rows of one shard are counted, and where those go that could not be used; an extension of its session's configuration.
#[derive(Debug)]
pub struct ShardAccount {
    counts: Arc<Mutex<RowCounts>>,
    images: Mutex<Images>,
    losses: Sender<Vec<Quarantined>>,
}

impl ShardAccount {
    /// Rows are counted in `counts`, quarantined rows go to `losses`.
    pub fn new(counts: Arc<Mutex<RowCounts>>, losses: Sender<Vec<Quarantined>>) -> Self {
        Self { counts, images: Mutex::default(), losses }
    }

    /// The account of the shard that a plan is executed for.
    pub fn of(context: &TaskContext) -> PlanResult<Arc<Self>> {
        let account = context.session_config().get_extension::<Self>();
        account.ok_or_else(|| Error::internal("a stage's plan is executed without an account of its shard").into())
    }

    /// Adds counted rows.
    pub fn add(&self, counted: &RowCounts) {
        self.counts().add(counted);
    }

    /// A panic elsewhere while the lock was held has failed the build already.
    fn counts(&self) -> MutexGuard<'_, RowCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccountExec {
    /// Wraps a plan whose columns are those of `schema` and, where the stage has them, the three extra ones. Checks are
    /// evaluated on the rows that go on.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        stage: &super::Stage,
        schema: SchemaRef,
        checks: Checks,
    ) -> PlanResult<Self> {
        let kept = schema.fields().iter().map(|f| Ok(input.schema().index_of(f.name())?)).collect::<PlanResult<_>>()?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        let rules = Rules { kept, checks, schema, several_origins: stage.files.len() > 1 };
        Ok(Self { input, rules: Arc::new(rules), properties: Arc::new(properties) })
    }
}

impl Checks {
    /// The checks of a stage: each as it is written, and as it is evaluated.
    pub fn new(stage: &super::Stage, predicates: Vec<(String, Arc<dyn PhysicalExpr>)>) -> Self {
        Self { stage: stage.writes.clone(), keys: stage.keys.clone(), predicates }
    }

    /// Fails with the first row that breaks a check.
    pub fn check(&self, batch: &RecordBatch) -> PlanResult<()> {
        for (text, predicate) in &self.predicates {
            let holds = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
            // A check that is null says nothing about the row, as in a SQL CHECK constraint.
            let broken = (0..batch.num_rows()).find(|&row| holds.is_valid(row) && !holds.as_boolean().value(row));
            if let Some(row) = broken {
                let error = Error::input("a row breaks a check of its stage, so nothing is published")
                    .with("stage", &self.stage)
                    .with("check", text)
                    .with("key", self.key(batch, row)?);
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn key(&self, batch: &RecordBatch, row: usize) -> PlanResult<String> {
        let mut parts = Vec::with_capacity(self.keys.len());
        for name in &self.keys {
            if let Some(column) = batch.column_by_name(name) {
                parts.push(arrow::util::display::array_value_to_string(column, row)?);
            }
        }
        Ok(parts.join("/"))
    }
}

impl DisplayAs for AccountExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountExec: stage={}", self.rules.checks.stage)
    }
}

impl ExecutionPlan for AccountExec {
    fn name(&self) -> &str {
        "AccountExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        datafusion::physical_plan::execution_plan::apply_expression_roots(
            self.rules.checks.predicates.iter().map(|(_, e)| e),
            f,
        )
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            input: children.swap_remove(0),
            rules: Arc::clone(&self.rules),
            properties: Arc::clone(&self.properties),
        }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        let (rules, account) = (Arc::clone(&self.rules), ShardAccount::of(&context)?);
        let rows = self.input.execute(partition, context)?.then(move |batch| {
            let (rules, account) = (Arc::clone(&rules), Arc::clone(&account));
            async move {
                let (rows, lost) = rules.divide(&batch?, &account)?;
                // Waits while they are written, so that they never pile up.
                if !lost.is_empty() && account.losses.send(lost).await.is_err() {
                    return Err(Error::internal("the quarantine writer is gone").into());
                }
                Ok(rows)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.rules.schema), rows)))
    }
}

impl Rules {
    /// One batch: its kept rows and those that could not be used, with everything counted.
    fn divide(&self, batch: &RecordBatch, account: &ShardAccount) -> PlanResult<(RecordBatch, Vec<Quarantined>)> {
        let mut counted = RowCounts { rows_in: batch.num_rows() as u64, ..RowCounts::default() };
        let (mut keep, mut all_lost): (Option<BooleanArray>, _) = (None, Vec::new());
        if let Some(reasons) = batch.column_by_name(FILTERED) {
            keep = Some(is_null(reasons)?);
            self.count_filtered(batch, reasons, &mut counted)?;
        }
        if let Some(lost) = batch.column_by_name(QUARANTINED) {
            let fine = is_null(lost)?;
            all_lost = self.collect_quarantined(batch, lost)?;
            all_lost.iter().for_each(|lost| counted.quarantine(lost));
            keep = Some(match keep {
                Some(kept) => arrow::compute::and(&kept, &fine)?,
                None => fine,
            });
        }
        // Rows are dropped before their columns are held against the schema: a lost row may miss what others must have.
        let keep = keep.filter(|keep| keep.has_false());
        let column = |&i: &usize| match &keep {
            Some(keep) => filter(batch.column(i), keep),
            None => Ok(Arc::clone(batch.column(i))),
        };
        let columns = self.kept.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let out = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.checks.check(&out)?;
        counted.rows_out = out.num_rows() as u64;
        let mut counts = account.counts();
        counts.add(&counted);
        if let (Some(lost), Some(frame_ids)) = (batch.column_by_name(QUARANTINED), batch.column_by_name(FRAME_ID)) {
            let frame_ids = cast(frame_ids, &DataType::Utf8)?;
            let mut images = account.images.lock().unwrap_or_else(PoisonError::into_inner);
            images.count(frame_ids.as_string(), lost.as_ref(), &mut counts);
        }
        drop(counts);
        Ok((out, all_lost))
    }

    fn count_filtered(&self, batch: &RecordBatch, reasons: &Arc<dyn Array>, counted: &mut RowCounts) -> PlanResult<()> {
        if reasons.null_count() == reasons.len() {
            return Ok(());
        }
        let reasons = cast(reasons, &DataType::Utf8)?;
        let origins = self.origins(batch)?;
        let lost = batch.column_by_name(QUARANTINED);
        let reasons = reasons.as_string::<i32>().iter().enumerate();
        // A row that is both is quarantined: it must be counted once.
        let dropped = reasons.filter(|(row, _)| lost.is_none_or(|lost| lost.is_null(*row)));
        counted.filter(dropped.filter_map(|(row, reason)| {
            let origin = origins.as_ref().map(|origins| origins.value(row));
            reason.map(|reason| (origin, reason))
        }));
        Ok(())
    }

    fn collect_quarantined(&self, batch: &RecordBatch, lost: &Arc<dyn Array>) -> PlanResult<Vec<Quarantined>> {
        if lost.null_count() == lost.len() {
            return Ok(Vec::new());
        }
        let lost: &StructArray = lost.as_struct_opt().ok_or_else(|| {
            DataFusionError::from(
                Error::usage("`quarantined` must be a struct of code and message").with("stage", &self.checks.stage),
            )
        })?;
        let text = |name: &str| -> PlanResult<Option<StringArray>> {
            lost.column_by_name(name).map(|c| Ok(cast(c, &DataType::Utf8)?.as_string::<i32>().clone())).transpose()
        };
        let (codes, messages, uris) = (text("code")?, text("message")?, text("uri")?);
        let value = |array: &Option<StringArray>, row: usize| {
            array.as_ref().filter(|a| a.is_valid(row)).map(|a| a.value(row).to_owned())
        };
        let collect = |row: usize| {
            let (code, message) = (value(&codes, row).unwrap_or_default(), value(&messages, row).unwrap_or_default());
            let key = self.checks.key(batch, row)?;
            Ok(Quarantined { key, uri: value(&uris, row), why: Unusable::new(code, message), loss: Loss::Record })
        };
        (0..lost.len()).filter(|&row| lost.is_valid(row)).map(collect).collect()
    }

    fn origins(&self, batch: &RecordBatch) -> PlanResult<Option<StringArray>> {
        match batch.column_by_name(ORIGIN) {
            Some(origins) if self.several_origins => {
                Ok(Some(cast(origins, &DataType::Utf8)?.as_string::<i32>().clone()))
            }
            _ => Ok(None),
        }
    }
}
