//! Plans of a stage: optimized once for all shards, and planned as often as shards are made at the same time.
//!
//! ```text
//! queries ─► logical plan over named inputs ─► optimized, once
//!                └─► for each set of inputs without rows: what reads them left out ─► physical plans, lent to shard after shard
//!                         └─► for each shard: its parts bound to the inputs ─► cached views ─► rows
//! ```
//!
//! Optimizing a stage's plan takes longer than many of its shards: views are inlined into each other, and every rule visits all of it. The
//! shards' plans differ only in the parts that they read, so a plan scans inputs (a name and columns), and each shard binds a table to every
//! input. A shard that is divided into partitions is planned by itself, with the statistics of its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::DFSchema;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use tokio::sync::Mutex;

use super::plan_input::{BoundInputs, PlanInput};
use super::plan_pool::{LentPlan, PlanPool};
use super::{Mill, read_only};
use crate::error::{Error, Result};
use crate::pipeline::account::{AccountExec, Checks, ORIGIN, ShardAccount};
use crate::pipeline::filter_pushdown::push_down_filtered;
use crate::pipeline::{Keep, Scope, Stage};
use crate::tables::{FILTERED, QUARANTINED};

/// What the plans of all shards of a stage share.
pub struct Plans {
    stage: Stage,
    schema: SchemaRef,
    state: Arc<SessionState>,
    inputs: BTreeMap<String, SchemaRef>,
    cached: Vec<CachedView>,
    rows: PlanPool,
    checks: Checks,
    /// Plans serve several shards, one after the other.
    is_shared: bool,
}

/// A view that is computed once for each shard, or once for all of them.
struct CachedView {
    name: String,
    schema: SchemaRef,
    rows: PlanPool,
    checks: Checks,
    /// The tables that the view of all shards reads, and its rows.
    of_all: Option<(BTreeSet<String>, Mutex<Option<RowsOfAll>>)>,
}

/// The rows of a cached view of all shards.
struct RowsOfAll {
    /// What they were computed from: the content hash of each table.
    content: Vec<Option<String>>,
    rows: CachedRows,
}

/// The rows of a cached view, where it has any.
type CachedRows = Option<Arc<dyn TableProvider>>;

/// What is bound to an input.
pub struct Bound {
    /// The content hash of the rows.
    pub content: String,
    /// Nothing where it has no rows.
    pub table: Option<Arc<dyn TableProvider>>,
}

impl Plans {
    /// The session of a shard: tables and cached views are bound to the inputs; an input without rows, and what reads it, is not planned.
    pub async fn session(&self, bound: &BTreeMap<String, Bound>, account: ShardAccount) -> Result<SessionContext> {
        let inputs = Arc::new(BoundInputs::new(Arc::clone(&self.state)));
        for (name, schema) in &self.inputs {
            match bound.get(name).and_then(|bound| bound.table.as_ref()) {
                Some(table) => inputs.bind(name, Arc::clone(table)),
                None => inputs.bind_empty(name, Arc::clone(schema)),
            }
        }
        let config = self.state.config().clone().with_extension(Arc::clone(&inputs)).with_extension(Arc::new(account));
        let state =
            SessionStateBuilder::new_from_existing(SessionState::clone(&self.state)).with_config(config).build();
        for view in &self.cached {
            let rows = match &view.of_all {
                None => self.rows_of_view(view, &inputs, &state).await?,
                Some((reads, kept)) => {
                    let content = reads.iter().map(|name| bound.get(name).map(|bound| bound.content.clone()));
                    let content = content.collect::<Vec<_>>();
                    // Held meanwhile, so that the other shards in flight wait for the rows and do not compute them, too.
                    let mut kept = kept.lock().await;
                    match &*kept {
                        Some(of_all) if of_all.content == content => of_all.rows.clone(),
                        _ => {
                            let rows = self.rows_of_view(view, &inputs, &state).await?;
                            kept.insert(RowsOfAll { content, rows }).rows.clone()
                        }
                    }
                }
            };
            match rows {
                Some(rows) => inputs.bind(&view.name, rows),
                None => inputs.bind_empty(&view.name, Arc::clone(&view.schema)),
            }
        }
        Ok(SessionContext::new_with_state(state))
    }

    async fn rows_of_view(&self, view: &CachedView, inputs: &BoundInputs, state: &SessionState) -> Result<CachedRows> {
        let lent = view.rows.lend(&inputs.empty(), self.planner(state), Ok).await?;
        let rows = collect_partitioned(Arc::clone(&lent.plan), state.task_ctx()).await?;
        self.give_back(&view.rows, lent)?;
        for batch in rows.iter().flatten() {
            view.checks.check(batch)?;
        }
        if rows.iter().flatten().all(|batch| batch.num_rows() == 0) {
            return Ok(None);
        }
        Ok(Some(Arc::new(MemTable::try_new(Arc::clone(&view.schema), rows)?)))
    }

    /// The plan of the rows that go into the table, for the shard whose session this is. The others go to its account.
    pub async fn rows(&self, session: &SessionContext) -> Result<LentPlan> {
        let state = session.state();
        let inputs = state.config().get_extension::<BoundInputs>();
        let empty = inputs.map(|inputs| inputs.empty()).unwrap_or_default();
        let complete = |plan| -> Result<Arc<dyn ExecutionPlan>> {
            let plan = push_down_filtered(plan, &self.stage)?;
            Ok(Arc::new(AccountExec::new(plan, &self.stage, Arc::clone(&self.schema), self.checks.clone())?))
        };
        self.rows.lend(&empty, self.planner(&state), complete).await
    }

    /// To be called when a shard's rows have all been read, so that its plan serves another.
    pub fn finish(&self, lent: LentPlan) -> Result<()> {
        self.give_back(&self.rows, lent)
    }

    /// The session that plans are made in: with a shard's tables bound, or without.
    fn planner<'a>(&'a self, shard: &'a SessionState) -> &'a SessionState {
        if self.is_shared { &self.state } else { shard }
    }

    fn give_back(&self, pool: &PlanPool, lent: LentPlan) -> Result<()> {
        if self.is_shared { pool.give_back(lent) } else { Ok(()) }
    }
}

impl Mill {
    /// Plans a stage.
    pub(super) async fn plans(&self, stage: &Stage, partitions: usize) -> Result<Plans> {
        let context = self.engine.shard_session(partitions)?;
        let mut inputs = BTreeMap::new();
        for name in self.pipeline.inputs(stage) {
            let schema = self.schema(&name)?;
            let input = PlanInput::new(&name, Arc::clone(&schema));
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
        let (state, rows) = (Arc::new(context.state()), PlanPool::new(rows));
        Ok(Plans { stage: stage.clone(), schema, state, inputs, cached, rows, checks, is_shared: partitions == 1 })
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
        context.register_table(name.as_str(), Arc::new(PlanInput::new(&name, Arc::clone(&schema))))?;
        let of_all = (view.shard == Scope::All).then(|| (self.pipeline.inputs(view), Mutex::default()));
        Ok(CachedView { name, schema, rows: PlanPool::new(rows), checks, of_all })
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
        let account = ShardAccount::new(Arc::default(), mpsc::channel(1).0);
        let mut session = plans.session(&BTreeMap::new(), account).await.unwrap();
        if rows == Rows::Any {
            session = SessionContext::new_with_state(SessionState::clone(&plans.state));
        }
        let rows = plans.rows(&session).await.unwrap();
        displayable(rows.plan.as_ref()).indent(false).to_string()
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
