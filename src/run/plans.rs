//! Plans of a stage: the logical plan is optimized once, a physical plan is made for each shard.
//!
//! ```text
//! queries ─► logical plan over named inputs ─► optimized, once
//!                     └─► for each set of inputs without rows: what reads them left out, once
//!                              └─► for each shard: the shard's parts bound to the inputs ─► cached views ─► physical plan
//! ```
//!
//! Optimizing a stage's plan takes longer than many of its shards: views are inlined into each other, and every rule visits all of it.
//! The shards' plans differ only in the parts that they read, so the logical plan scans inputs (a name and columns), and each shard's
//! session binds a table to every input.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::Result as PlanResult;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, TableProviderFilterPushDown, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use tokio::sync::mpsc::Sender;

use super::empty_inputs::without_empty_inputs;
use super::{Mill, read_only};
use crate::error::{Error, Result};
use crate::pipeline::account::{AccountExec, Checks, ORIGIN};
use crate::pipeline::filter_pushdown::push_down_filtered;
use crate::pipeline::{Keep, Stage};
use crate::tables::RowCounts;
use crate::tables::{FILTERED, QUARANTINED, Quarantined};

/// What the plans of all shards of a stage share.
pub struct Plans {
    stage: Stage,
    schema: SchemaRef,
    state: SessionState,
    inputs: BTreeMap<String, SchemaRef>,
    cached: Vec<CachedView>,
    rows: Reduced,
    checks: Checks,
}

/// A view that is computed once for each shard.
struct CachedView {
    name: String,
    schema: SchemaRef,
    rows: Reduced,
    checks: Checks,
}

/// An optimized plan, and what is left of it by the names of the inputs without rows.
struct Reduced {
    whole: LogicalPlan,
    by_empty_inputs: Mutex<BTreeMap<BTreeSet<String>, LogicalPlan>>,
}

/// Shards of one source are alike, so that few sets of inputs without rows are common; of rare ones the plans are not kept, as memory does not grow
/// with the number of shards.
const MOST_REDUCED: usize = 64;

impl Reduced {
    fn new(whole: LogicalPlan) -> Self {
        Self { whole, by_empty_inputs: Mutex::default() }
    }

    /// The plan for shards of which these inputs have no rows.
    fn for_empty(&self, inputs: &BTreeSet<String>) -> Result<LogicalPlan> {
        let mut reduced = self.by_empty_inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = reduced.get(inputs) {
            return Ok(plan.clone());
        }
        let plan = without_empty_inputs(&self.whole, inputs)?;
        if reduced.len() < MOST_REDUCED {
            reduced.insert(inputs.clone(), plan.clone());
        }
        Ok(plan)
    }
}

impl Plans {
    /// A session in which tables and cached views are bound to the inputs; an input without a table has no rows, and what reads it is not
    /// planned.
    pub async fn session(&self, tables: &BTreeMap<String, Arc<dyn TableProvider>>) -> Result<SessionContext> {
        let bound = |(name, schema): (&String, &SchemaRef)| -> (String, Arc<dyn TableProvider>) {
            let none = || Arc::new(EmptyTable::new(Arc::clone(schema))) as _;
            (name.clone(), tables.get(name).map_or_else(none, Arc::clone))
        };
        let mut inputs = Inputs {
            tables: self.inputs.iter().map(bound).collect(),
            empty: self.inputs.keys().filter(|name| !tables.contains_key(*name)).cloned().collect(),
        };
        for view in &self.cached {
            let state = self.state_with(inputs.clone());
            let plan = physical(&view.rows.for_empty(&inputs.empty)?, &state).await?;
            let rows = collect_partitioned(plan, state.task_ctx()).await?;
            for batch in rows.iter().flatten() {
                view.checks.check(batch)?;
            }
            if rows.iter().flatten().all(|batch| batch.num_rows() == 0) {
                inputs.empty.insert(view.name.clone());
            }
            let cached = MemTable::try_new(Arc::clone(&view.schema), rows)?;
            inputs.tables.insert(view.name.clone(), Arc::new(cached));
        }
        Ok(SessionContext::new_with_state(self.state_with(inputs)))
    }

    /// The rows of a shard that go into the table; the others are counted in `counts` and, where they could not be
    /// used, to `losses`.
    pub async fn rows(
        &self,
        context: &SessionContext,
        counts: &Arc<Mutex<RowCounts>>,
        losses: Sender<Vec<Quarantined>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let inputs = context.state().config().get_extension::<Inputs>();
        let empty = inputs.map(|inputs| inputs.empty.clone()).unwrap_or_default();
        let plan = physical(&self.rows.for_empty(&empty)?, &context.state()).await?;
        let plan = push_down_filtered(plan, &self.stage, counts)?;
        let (schema, checks) = (Arc::clone(&self.schema), self.checks.clone());
        Ok(Arc::new(AccountExec::new(plan, &self.stage, schema, checks, Arc::clone(counts), losses)?))
    }

    fn state_with(&self, inputs: Inputs) -> SessionState {
        let config = self.state.config().clone().with_extension(Arc::new(inputs));
        SessionStateBuilder::new_from_existing(self.state.clone()).with_config(config).build()
    }
}

/// Plans what is optimized already.
async fn physical(plan: &LogicalPlan, state: &SessionState) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(state.query_planner().create_physical_plan(plan, state).await?)
}

impl Mill {
    /// Plans a stage.
    pub(super) async fn plans(&self, stage: &Stage, partitions: usize) -> Result<Plans> {
        let context = self.engine.shard_session(partitions)?;
        let mut inputs = BTreeMap::new();
        for name in self.pipeline.inputs(stage) {
            let schema = self.schema(&name)?;
            let input = Input { name: name.clone(), schema: Arc::clone(&schema) };
            context.register_table(name.as_str(), Arc::new(input))?;
            inputs.insert(name, schema);
        }
        let views = self.pipeline.inlined(stage).split_off(1);
        let mut cached = Vec::new();
        for view in views.iter().filter(|view| view.keep == Keep::Cached) {
            cached.push(self.cache(&context, view).await?);
        }
        for view in views {
            self.register_view(&context, view).await?;
        }
        let schema = self.schema(&stage.writes)?;
        let rows = self.rows_of(&context, stage).await?;
        let rows = context.state().optimize(rows.logical_plan())?;
        let checks = checks(&context, stage, &DFSchema::try_from(Arc::clone(&schema))?)?;
        let (state, rows) = (context.state(), Reduced::new(rows));
        Ok(Plans { stage: stage.clone(), schema, state, inputs, cached, rows, checks })
    }

    /// Plans a cached view, and registers an input in its place for its readers.
    async fn cache(&self, context: &SessionContext, view: &Stage) -> Result<CachedView> {
        self.register_view(context, view).await?;
        let name = view.writes.clone();
        let rows = context.table(name.as_str()).await?;
        // A planner knows of some columns that they are never null where the batches do not say so.
        let fields = rows.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let checks = checks(context, view, rows.schema())?;
        let rows = context.state().optimize(rows.logical_plan())?;
        context.deregister_table(name.as_str())?;
        context.register_table(name.as_str(), Arc::new(Input { name: name.clone(), schema: Arc::clone(&schema) }))?;
        Ok(CachedView { name, schema, rows: Reduced::new(rows), checks })
    }

    /// The rows of all of a stage's files: the table's columns in order and type, then the accountant's.
    async fn rows_of(&self, context: &SessionContext, stage: &Stage) -> Result<DataFrame> {
        let schema = self.schema(&stage.writes)?;
        let mut all: Option<DataFrame> = None;
        for query in stage.queries(&self.project)? {
            let here = |e: Error| e.with("file", format!("queries/{}", query.path));
            let rows = read_only::rows(context, &query.sql).await.map_err(here)?;
            let rows = align(rows, &schema, &query.origin).map_err(here)?;
            all = Some(match all {
                None => rows,
                Some(before) => before.union(rows)?,
            });
        }
        all.ok_or_else(|| Error::internal("a stage without files").with("stage", &stage.writes))
    }
}

fn checks(context: &SessionContext, stage: &Stage, columns: &DFSchema) -> Result<Checks> {
    let check = |text: &String| -> Result<(String, Arc<dyn PhysicalExpr>)> {
        let check = read_only::predicate(text).map_err(|e| e.with("check", text))?;
        let check = context.parse_sql_expr(&check, columns).map_err(|e| Error::from(e).with("check", text))?;
        Ok((text.clone(), context.create_physical_expr(check, columns)?))
    };
    Ok(Checks::new(stage, stage.checks.iter().map(check).collect::<Result<_>>()?))
}

/// Columns by name, in the schema's order and types; the accountant's columns are added where the query has none.
fn align(rows: DataFrame, schema: &SchemaRef, origin: &str) -> Result<DataFrame> {
    let has = |name: &str| rows.schema().has_column_with_unqualified_name(name);
    let known = |name: &str| schema.field_with_name(name).is_ok() || [FILTERED, QUARANTINED].contains(&name);
    if let Some(field) = rows.schema().fields().iter().find(|field| !known(field.name())) {
        return Err(Error::usage(format!("the query yields `{}`, which is no column of the table", field.name())));
    }
    let mut columns: Vec<Expr> = Vec::with_capacity(schema.fields().len() + 3);
    for field in schema.fields() {
        if !has(field.name()) && !field.is_nullable() {
            return Err(Error::usage(format!("the query does not yield `{}`, which may not be null", field.name())));
        }
        let value = if has(field.name()) { ident(field.name()) } else { lit(datafusion::common::ScalarValue::Null) };
        let same = has(field.name()) && value.get_type(rows.schema())? == *field.data_type();
        let value = if same { value } else { cast(value, field.data_type().clone()) };
        columns.push(value.alias(field.name()));
    }
    let reason = if has(FILTERED) { ident(FILTERED) } else { lit(datafusion::common::ScalarValue::Null) };
    columns.push(cast(reason, DataType::Utf8).alias(FILTERED));
    let lost = if has(QUARANTINED) { ident(QUARANTINED) } else { lit(datafusion::common::ScalarValue::Null) };
    columns.push(cast(lost, lost_type()).alias(QUARANTINED));
    columns.push(lit(origin).alias(ORIGIN));
    Ok(rows.select(columns)?)
}

fn lost_type() -> DataType {
    DataType::Struct(vec![Field::new("code", DataType::Utf8, true), Field::new("message", DataType::Utf8, true)].into())
}

/// A plan input: a table of which the logical plan knows the name and the columns only.
#[derive(Debug)]
struct Input {
    name: String,
    schema: SchemaRef,
}

/// The tables that are bound to the inputs of a session; an extension of its configuration.
#[derive(Clone)]
struct Inputs {
    tables: BTreeMap<String, Arc<dyn TableProvider>>,
    /// The inputs without rows.
    empty: BTreeSet<String>,
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tables.keys()).finish()
    }
}

#[async_trait]
impl TableProvider for Input {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The table that is bound to it may use a filter, and may let rows through.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let inputs = session.config().get_extension::<Inputs>();
        let Some(table) = inputs.as_ref().and_then(|inputs| inputs.tables.get(&self.name)) else {
            return Err(Error::internal(format!("no table is bound to plan input `{}`", self.name)).into());
        };
        // A stored table may have its columns in another order: those that were added are its last.
        let stored = table.schema();
        let wanted = projection.map_or_else(|| (0..self.schema.fields().len()).collect(), Vec::clone);
        let places = wanted.into_iter().map(|column| stored.index_of(self.schema.field(column).name()));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        table.scan(session, Some(&places), filters, limit).await
    }
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::displayable;
    use tokio::sync::mpsc;

    use super::*;
    use crate::progress::Progress;
    use crate::project::Project;

    /// The plan of a shard: that of which any input may have rows, or that of which none has.
    async fn planned(stage: &str, settings: &[&str], rows: Rows) -> String {
        let mut project = Project::in_memory();
        for set in settings {
            project.set(set).unwrap();
        }
        let mill = Mill::open(project, Progress::silent()).await.unwrap();
        let plans = mill.plans(mill.pipeline.stage(stage).unwrap(), 1).await.unwrap();
        let mut context = plans.session(&BTreeMap::new()).await.unwrap();
        if rows == Rows::Any {
            let inputs = context.state().config().get_extension::<Inputs>().unwrap();
            let any = Inputs { empty: BTreeSet::new(), ..Inputs::clone(&inputs) };
            context = SessionContext::new_with_state(plans.state_with(any));
        }
        let plan = plans.rows(&context, &Arc::default(), mpsc::channel(1).0).await.unwrap();
        displayable(plan.as_ref()).indent(false).to_string()
    }

    #[derive(PartialEq)]
    enum Rows {
        Any,
        None,
    }

    #[tokio::test]
    async fn a_shard_without_rows_is_planned_as_nothing() {
        let text = planned("questions", &["url=memory://plans-of-nothing", "pair_tasks=true"], Rows::None).await;
        assert_eq!(text, "AccountExec: stage=questions\n  EmptyExec\n");
    }

    /// What makes `questions` quick: pairs are drawn before they are compared, and a row ends where its reason is known.
    #[tokio::test]
    async fn questions_draw_first_and_filter_early() {
        let settings = ["url=memory://plans", "scene_tasks=false", "metric_tasks=false"];
        let text = planned("questions", &settings, Rows::Any).await;
        // The other joins look up the references that groups are around.
        let pairs = text.lines().filter(|line| line.contains("HashJoinExec") && line.contains(" AND draw(")).count();
        assert_eq!(pairs, 4, "{text}");
        for task in text.split("CountFiltered").skip(1) {
            assert!(
                task.contains("relate(") && !task.split("HashJoinExec").next().unwrap().contains("template("),
                "{text}"
            );
        }
        assert_eq!(text.matches("CountFiltered").count(), 4, "{text}");
    }

    /// What makes `dataset` quick: a format that does not suit a question, or that the balance leaves out, is never worded.
    #[tokio::test]
    async fn samples_are_worded_after_they_are_counted() {
        let text = planned("dataset", &["url=memory://plans-of-dataset"], Rows::Any).await;
        let below = text.split("CountFiltered").nth(1).unwrap_or_else(|| panic!("{text}"));
        assert!(text.contains("wording(") && !below.contains("wording(") && !below.contains("template("), "{text}");
    }
}
