//! A plan input: a table of which a stage's plan knows the name and the columns, and to which every shard binds its own.
//!
//! Where tables are bound to a session before it plans, an input is planned as the scan of its table. Without, it becomes an
//! [`InputExec`], which looks its table up when it is executed: one physical plan serves shard after shard.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, conjunction};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions, apply_expression_roots,
};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterPushdownResult, ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Error;

/// See the module.
#[derive(Debug)]
pub struct PlanInput {
    name: String,
    schema: SchemaRef,
}

/// The tables that are bound to a shard's inputs; an extension of its session's configuration.
pub struct BoundInputs {
    tables: Mutex<Tables>,
    /// What the tables are scanned in.
    session: Arc<SessionState>,
}

#[derive(Debug, Default)]
struct Tables {
    by_input: BTreeMap<String, Arc<dyn TableProvider>>,
    /// The inputs without rows.
    empty: BTreeSet<String>,
}

impl fmt::Debug for BoundInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tables().by_input.keys()).finish()
    }
}

impl PlanInput {
    pub fn new(name: &str, schema: SchemaRef) -> Self {
        Self { name: name.to_owned(), schema }
    }
}

impl BoundInputs {
    /// No tables yet.
    pub fn new(session: Arc<SessionState>) -> Self {
        Self { tables: Mutex::default(), session }
    }

    /// Binds a table that has rows.
    pub fn bind(&self, input: &str, table: Arc<dyn TableProvider>) {
        self.tables().by_input.insert(input.to_owned(), table);
    }

    /// Binds a table without rows. What reads it need not be planned.
    pub fn bind_empty(&self, input: &str, columns: SchemaRef) {
        let mut tables = self.tables();
        tables.by_input.insert(input.to_owned(), Arc::new(EmptyTable::new(columns)));
        tables.empty.insert(input.to_owned());
    }

    /// The inputs without rows.
    pub fn empty(&self) -> BTreeSet<String> {
        self.tables().empty.clone()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let unbound = || Error::internal(format!("no table is bound to plan input `{name}`"));
        Ok(self.tables().by_input.get(name).cloned().ok_or_else(unbound)?)
    }

    /// Columns of a bound table. A stored table may have its columns in another order: those that were added are its last.
    async fn scan(&self, name: &str, columns: &SchemaRef, limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let table = self.table(name)?;
        let stored = table.schema();
        let places = columns.fields().iter().map(|column| stored.index_of(column.name()));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        table.scan(self.session.as_ref(), Some(&places), &[], limit).await
    }
}

#[async_trait]
impl TableProvider for PlanInput {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The table that is bound to it may use a filter, and may let rows through.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => Arc::clone(&self.schema),
        };
        match session.config().get_extension::<BoundInputs>() {
            Some(inputs) => inputs.scan(&self.name, &columns, limit).await,
            None => Ok(Arc::new(InputExec::new(&self.name, columns, limit))),
        }
    }
}

/// The rows of the table that is bound to an input at the time of execution, in one partition.
#[derive(Debug, Clone)]
struct InputExec {
    name: String,
    columns: SchemaRef,
    limit: Option<usize>,
    /// Rows for which one of them is not true are left out.
    filters: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
}

impl InputExec {
    fn new(name: &str, columns: SchemaRef, limit: Option<usize>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&columns)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { name: name.to_owned(), columns, limit, filters: Vec::new(), properties: Arc::new(properties) }
    }

    /// The scan of the bound table, with as many of the filters in it as it takes, as the optimizer would have planned it.
    async fn scan(&self, inputs: &BoundInputs) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = inputs.scan(&self.name, &self.columns, self.limit).await?;
        if self.filters.is_empty() {
            return Ok(scan);
        }
        let offer = |filter: &Arc<dyn PhysicalExpr>| ChildFilterPushdownResult {
            filter: Arc::clone(filter),
            child_results: vec![PushedDown::No],
        };
        let offered =
            ChildPushdownResult { parent_filters: self.filters.iter().map(offer).collect(), self_filters: Vec::new() };
        let config = inputs.session.config_options();
        let answer = scan.handle_child_pushdown_result(FilterPushdownPhase::Pre, offered, config)?;
        let scan = answer.updated_node.unwrap_or(scan);
        let refused = self.filters.iter().zip(answer.filters).filter(|(_, taken)| matches!(taken, PushedDown::No));
        let refused: Vec<_> = refused.map(|(filter, _)| Arc::clone(filter)).collect();
        match refused.is_empty() {
            true => Ok(scan),
            false => Ok(Arc::new(FilterExec::try_new(conjunction(refused), scan)?)),
        }
    }
}

impl DisplayAs for InputExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.columns.fields().iter().map(|column| column.name().as_str()).collect();
        write!(f, "InputExec: {}, columns=[{}]", self.name, columns.join(", "))?;
        if !self.filters.is_empty() {
            write!(f, ", filter={}", conjunction(self.filters.iter().cloned()))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for InputExec {
    fn name(&self) -> &str {
        "InputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(&self.filters, f)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    /// Takes all filters that are known before execution: those that the bound table refuses are applied above its scan. The others belong to
    /// one execution.
    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        offered: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        if matches!(phase, FilterPushdownPhase::Post) {
            return Ok(FilterPushdownPropagation::all_unsupported(offered));
        }
        let mut taking = self.clone();
        let taken = vec![PushedDown::Yes; offered.parent_filters.len()];
        taking.filters.extend(offered.parent_filters.into_iter().map(|offered| offered.filter));
        Ok(FilterPushdownPropagation { filters: taken, updated_node: Some(Arc::new(taking)) })
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let this = self.clone();
        let rows = stream::once(async move {
            let inputs = context.session_config().get_extension::<BoundInputs>();
            let inputs = inputs.ok_or_else(|| Error::internal("a plan input is executed without bound tables"))?;
            let scan = this.scan(&inputs).await?;
            let partitions = 0..scan.output_partitioning().partition_count();
            // One after the other, so that the order of rows is that of the parts.
            let each = stream::iter(partitions).map(move |partition| scan.execute(partition, Arc::clone(&context)));
            Ok::<_, datafusion::error::DataFusionError>(each.try_flatten())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.columns), rows.try_flatten())))
    }
}
