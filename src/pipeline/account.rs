//! The accountant: a plan node between a stage's query and the writer, which counts every row and lets no loss go unseen.
//!
//! ```text
//! query rows (table's columns + filtered + quarantined) ─► AccountExec ─► table's columns, kept rows only
//!                                                            └─► Ledger: rows in, out, filtered by reason, quarantined rows
//! ```
//!
//! A row whose `filtered` is not null is dropped and counted under that reason; one whose `quarantined` is not null is dropped and
//! remembered with code and message. Each kept row must satisfy the stage's checks, or the build fails. It never buffers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray, StructArray};
use arrow::compute::{cast, filter_record_batch, is_null};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ExecutionPlan, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The column that names why a row does not go on.
pub const FILTERED: &str = "filtered";
/// The column that says what is wrong with a row: a struct of `code` and `message`.
pub const QUARANTINED: &str = "quarantined";
/// The column that says which of a stage's files a row came from.
pub const ORIGIN: &str = "origin__";

/// What became of the rows of one shard of one stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Rows that the query produced, or records that a reader saw.
    pub rows_in: u64,
    /// Rows that went on.
    pub rows_out: u64,
    /// Dropped rows by reason.
    pub filtered: BTreeMap<String, u64>,
    /// Rows that could not be used.
    pub quarantined: Vec<Lost>,
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lost {
    /// The row's keys, joined by `/`.
    pub key: String,
    /// The file, where one is known.
    pub uri: Option<String>,
    /// Short and countable.
    pub code: String,
    /// What was wrong.
    pub message: String,
}

impl Ledger {
    /// Adds another shard's counts.
    pub fn add(&mut self, other: &Ledger) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        for (reason, n) in &other.filtered {
            *self.filtered.entry(reason.clone()).or_default() += n;
        }
        self.quarantined.extend_from_slice(&other.quarantined);
    }

    /// True when every row is accounted for.
    pub fn balances(&self) -> bool {
        self.rows_in == self.rows_out + self.filtered.values().sum::<u64>() + self.quarantined.len() as u64
    }

    /// Quarantined rows by code.
    pub fn codes(&self) -> BTreeMap<String, u64> {
        let mut codes = BTreeMap::new();
        for lost in &self.quarantined {
            *codes.entry(lost.code.clone()).or_default() += 1;
        }
        codes
    }
}

/// Counts, drops and checks; see the module.
#[derive(Debug)]
pub struct AccountExec {
    input: Arc<dyn ExecutionPlan>,
    rules: Arc<Rules>,
    properties: Arc<PlanProperties>,
}

/// What one stage asks of its rows.
#[derive(Debug)]
struct Rules {
    stage: String,
    /// Positions in the input of the columns that go on.
    kept: Vec<usize>,
    keys: Vec<String>,
    checks: Vec<(String, Arc<dyn PhysicalExpr>)>,
    schema: SchemaRef,
    several_origins: bool,
    ledger: Arc<Mutex<Ledger>>,
}

impl AccountExec {
    /// Wraps a plan whose columns are those of `schema` and, where the stage has them, the three extra ones. Checks are
    /// evaluated on the rows that go on. Counts go to `ledger`.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        stage: &super::Stage,
        schema: SchemaRef,
        checks: Vec<(String, Arc<dyn PhysicalExpr>)>,
        ledger: Arc<Mutex<Ledger>>,
    ) -> PlanResult<Self> {
        let kept = schema.fields().iter().map(|f| Ok(input.schema().index_of(f.name())?)).collect::<PlanResult<_>>()?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        let rules = Rules {
            stage: stage.writes.clone(),
            kept,
            keys: stage.keys.clone(),
            checks,
            schema,
            several_origins: stage.files.len() > 1,
            ledger,
        };
        Ok(Self { input, rules: Arc::new(rules), properties: Arc::new(properties) })
    }
}

impl DisplayAs for AccountExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountExec: stage={}", self.rules.stage)
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
        datafusion::physical_plan::execution_plan::apply_expression_roots(self.rules.checks.iter().map(|(_, e)| e), f)
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
        let rules = Arc::clone(&self.rules);
        let rows = self.input.execute(partition, context)?.map(move |batch| rules.settle(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.rules.schema), rows)))
    }
}

impl Rules {
    /// One batch: its kept rows, with everything else in the ledger.
    fn settle(&self, batch: &RecordBatch) -> PlanResult<RecordBatch> {
        let mut counted = Ledger { rows_in: batch.num_rows() as u64, ..Ledger::default() };
        let mut keep: Option<BooleanArray> = None;
        if let Some(reasons) = batch.column_by_name(FILTERED) {
            keep = Some(is_null(reasons)?);
            self.count_filtered(batch, reasons, &mut counted)?;
        }
        if let Some(lost) = batch.column_by_name(QUARANTINED) {
            let fine = is_null(lost)?;
            self.collect_quarantined(batch, lost, &mut counted)?;
            keep = Some(match keep {
                Some(kept) => arrow::compute::and(&kept, &fine)?,
                None => fine,
            });
        }
        let columns = self.kept.iter().map(|&i| Arc::clone(batch.column(i))).collect();
        let out = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let out = match keep {
            Some(keep) => filter_record_batch(&out, &keep)?,
            None => out,
        };
        self.check(&out)?;
        counted.rows_out = out.num_rows() as u64;
        // A panic elsewhere while the lock was held has failed the build already.
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(&counted);
        Ok(out)
    }

    fn count_filtered(&self, batch: &RecordBatch, reasons: &Arc<dyn Array>, counted: &mut Ledger) -> PlanResult<()> {
        if reasons.null_count() == reasons.len() {
            return Ok(());
        }
        let reasons = cast(reasons, &DataType::Utf8)?;
        let origins = self.origins(batch)?;
        let lost = batch.column_by_name(QUARANTINED);
        for (row, reason) in reasons.as_string::<i32>().iter().enumerate() {
            // A row that is both is quarantined: it must be counted once.
            if let Some(reason) = reason.filter(|_| lost.is_none_or(|l| l.is_null(row))) {
                let name = match &origins {
                    Some(origins) => format!("{}/{reason}", origins.value(row)),
                    None => reason.to_owned(),
                };
                *counted.filtered.entry(name).or_default() += 1;
            }
        }
        Ok(())
    }

    fn collect_quarantined(&self, batch: &RecordBatch, lost: &Arc<dyn Array>, counted: &mut Ledger) -> PlanResult<()> {
        if lost.null_count() == lost.len() {
            return Ok(());
        }
        let lost: &StructArray = lost.as_struct_opt().ok_or_else(|| {
            DataFusionError::from(
                Error::usage("`quarantined` must be a struct of code and message").with("stage", &self.stage),
            )
        })?;
        let text = |name: &str| -> PlanResult<Option<StringArray>> {
            lost.column_by_name(name).map(|c| Ok(cast(c, &DataType::Utf8)?.as_string::<i32>().clone())).transpose()
        };
        let (codes, messages, uris) = (text("code")?, text("message")?, text("uri")?);
        let value = |array: &Option<StringArray>, row: usize| {
            array.as_ref().filter(|a| a.is_valid(row)).map(|a| a.value(row).to_owned())
        };
        for row in (0..lost.len()).filter(|&row| lost.is_valid(row)) {
            counted.quarantined.push(Lost {
                key: self.key(batch, row)?,
                uri: value(&uris, row),
                code: value(&codes, row).unwrap_or_default(),
                message: value(&messages, row).unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn check(&self, batch: &RecordBatch) -> PlanResult<()> {
        for (text, predicate) in &self.checks {
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

    fn origins(&self, batch: &RecordBatch) -> PlanResult<Option<StringArray>> {
        match batch.column_by_name(ORIGIN) {
            Some(origins) if self.several_origins => {
                Ok(Some(cast(origins, &DataType::Utf8)?.as_string::<i32>().clone()))
            }
            _ => Ok(None),
        }
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
