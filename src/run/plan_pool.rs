//! A plan pool: physical plans of one optimized plan, each lent to one shard at a time.
//!
//! Planning costs more than what a small shard has to do. A plan that has been executed is reset, which takes hundredths of the time, and
//! lent to the next shard of which the same inputs are empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::tree_node::TreeNode;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;

use super::empty_inputs::without_empty_inputs;
use crate::error::Result;

/// See the module.
pub struct PlanPool {
    optimized: LogicalPlan,
    /// By the inputs without rows, the plans that no shard has.
    idle: Mutex<BTreeMap<BTreeSet<String>, Vec<Arc<dyn ExecutionPlan>>>>,
}

/// A plan that a shard has.
pub struct LentPlan {
    pub plan: Arc<dyn ExecutionPlan>,
    /// The inputs that it was planned without.
    empty: BTreeSet<String>,
}

/// Shards of one source are alike, so that few sets of empty inputs are common. Plans of more are not kept, because memory does not grow with
/// the number of shards.
const MOST_SETS: usize = 16;

impl PlanPool {
    pub fn new(optimized: LogicalPlan) -> Self {
        Self { optimized, idle: Mutex::default() }
    }

    /// A plan for a shard of which these inputs have no rows: one that was given back, or a new one, to which `complete` adds its top.
    pub async fn lend(
        &self,
        empty: &BTreeSet<String>,
        session: &SessionState,
        complete: impl FnOnce(Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>>,
    ) -> Result<LentPlan> {
        if let Some(lent) = self.idle_plan(empty) {
            return Ok(lent);
        }
        let reduced = without_empty_inputs(&self.optimized, empty)?;
        let plan = session.query_planner().create_physical_plan(&reduced, session).await?;
        Ok(LentPlan { plan: complete(plan)?, empty: empty.clone() })
    }

    /// A plan without inputs that this shard has rows of serves only others; where the sets are all taken, one that reads more than needed
    /// serves it, too.
    fn idle_plan(&self, empty: &BTreeSet<String>) -> Option<LentPlan> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lend = |set: &BTreeSet<String>, plans: &mut Vec<Arc<dyn ExecutionPlan>>| {
            plans.pop().map(|plan| LentPlan { plan, empty: set.clone() })
        };
        if let Some(plans) = idle.get_mut(empty) {
            return lend(empty, plans);
        }
        if idle.len() < MOST_SETS {
            return None;
        }
        let serving = idle.iter_mut().filter(|(set, plans)| set.is_subset(empty) && !plans.is_empty());
        serving.max_by_key(|(set, _)| set.len()).and_then(|(set, plans)| lend(set, plans))
    }

    /// Takes back a plan whose execution has come to its end.
    pub fn give_back(&self, lent: LentPlan) -> Result<()> {
        // DataFusion cannot reset it.
        if lent.plan.exists(|node| Ok(node.is::<RecursiveQueryExec>()))? {
            return Ok(());
        }
        // At once, because an executed plan holds the left sides of its joins.
        let plan = reset_plan_states(lent.plan)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_SETS || idle.contains_key(&lent.empty) {
            idle.entry(lent.empty).or_default().push(plan);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::arrow::array::{Int64Array, RecordBatch};
    use datafusion::catalog::TableProvider;
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::super::plan_input::{BoundInputs, PlanInput};
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// A pool of the plans of a query over the inputs `a` and `b`, each with a column `id`, and the session that plans it.
    async fn pool(sql: &str) -> (PlanPool, SessionContext) {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        for name in ["a", "b"] {
            context.register_table(name, Arc::new(PlanInput::new(name, columns()))).unwrap();
        }
        let optimized = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        (PlanPool::new(optimized), context)
    }

    fn columns() -> Arc<Schema> {
        Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]))
    }

    fn table(ids: &[i64]) -> Arc<dyn TableProvider> {
        let rows = |id: &i64| {
            let column = Arc::new(Int64Array::from(vec![*id]));
            vec![RecordBatch::try_new(columns(), vec![column]).unwrap()]
        };
        Arc::new(MemTable::try_new(columns(), ids.iter().map(rows).collect()).unwrap())
    }

    /// The numbers in the first column that a plan of the pool gives for these rows of `a` and `b`.
    async fn ask((pool, context): &(PlanPool, SessionContext), a: &[i64], b: &[i64]) -> Vec<i64> {
        let inputs = BoundInputs::new(Arc::new(context.state()));
        for (name, ids) in [("a", a), ("b", b)] {
            match ids.is_empty() {
                true => inputs.bind_empty(name, columns()),
                false => inputs.bind(name, table(ids)),
            }
        }
        let empty = inputs.empty();
        let config = context.state().config().clone().with_extension(Arc::new(inputs));
        let bound = SessionStateBuilder::new_from_existing(context.state()).with_config(config).build();
        let lent = pool.lend(&empty, &context.state(), Ok).await.unwrap();
        let rows = collect(Arc::clone(&lent.plan), bound.task_ctx()).await.unwrap();
        pool.give_back(lent).unwrap();
        rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    fn plans(pool: &PlanPool) -> usize {
        pool.idle.lock().unwrap().values().map(Vec::len).sum()
    }

    #[tokio::test]
    async fn a_plan_serves_shard_after_shard() {
        // What keeps something of an execution: the left sides of joins, groups, sorts with a limit, windows, scalar subqueries.
        for (sql, first, second) in [
            ("SELECT a.id FROM a JOIN b ON a.id = b.id", vec![2], vec![5]),
            ("SELECT a.id FROM a WHERE id > 1 AND id NOT IN (SELECT id FROM b)", vec![3], vec![4, 6]),
            ("SELECT a.id + b.id FROM a CROSS JOIN b ORDER BY 1", vec![3, 4, 5], vec![9, 10, 11]),
            ("SELECT id FROM a ORDER BY id DESC LIMIT 1", vec![3], vec![6]),
            ("SELECT max(id) FROM a", vec![3], vec![6]),
            ("SELECT id FROM a WHERE id > (SELECT max(id) FROM b)", vec![3], vec![6]),
            ("SELECT DISTINCT id % 2 FROM a ORDER BY 1", vec![0, 1], vec![0, 1]),
            ("SELECT sum(id) OVER (ORDER BY id) FROM a ORDER BY 1", vec![1, 3, 6], vec![4, 9, 15]),
            ("SELECT a.id FROM a JOIN b ON a.id > b.id ORDER BY 1", vec![3], vec![6]),
        ] {
            let pool = pool(sql).await;
            let shards = [(&[3, 2, 1], &[2]), (&[4, 6, 5], &[5])];
            assert_eq!(ask(&pool, shards[0].0, shards[0].1).await, first, "{sql}");
            assert_eq!(ask(&pool, shards[1].0, shards[1].1).await, second, "{sql}");
            assert_eq!(ask(&pool, shards[0].0, shards[0].1).await, first, "{sql}");
            assert_eq!(plans(&pool.0), 1, "{sql}");
        }
    }

    #[tokio::test]
    async fn a_plan_without_an_input_serves_no_shard_that_has_rows_of_it() {
        let pool = pool("SELECT id FROM a UNION ALL SELECT id FROM b").await;
        assert_eq!(ask(&pool, &[1], &[]).await, [1]);
        assert_eq!(ask(&pool, &[1], &[2]).await, [1, 2]);
        assert_eq!(ask(&pool, &[], &[2]).await, [2]);
        assert_eq!(plans(&pool.0), 3);
    }

    #[tokio::test]
    async fn shards_at_the_same_time_have_plans_of_their_own() {
        let (pool, context) = pool("SELECT id FROM a").await;
        let (state, none) = (context.state(), BTreeSet::new());
        let lend = async || pool.lend(&none, &state, Ok).await.unwrap();
        let (one, other) = (lend().await, lend().await);
        assert!(!Arc::ptr_eq(&one.plan, &other.plan));
        pool.give_back(one).unwrap();
        pool.give_back(other).unwrap();
        assert_eq!(plans(&pool), 2);
    }

    #[tokio::test]
    async fn plans_of_more_sets_of_empty_inputs_are_not_kept() {
        let (pool, context) = pool("SELECT id FROM a").await;
        let state = context.state();
        for other in 0..MOST_SETS + 3 {
            let lent = pool.lend(&names(&["b", &format!("other{other}")]), &state, Ok).await.unwrap();
            pool.give_back(lent).unwrap();
        }
        assert_eq!(plans(&pool), MOST_SETS);
        // The plan that leaves fewer inputs out serves instead.
        let lent = pool.lend(&names(&["b", "other0", "more"]), &state, Ok).await.unwrap();
        assert_eq!(lent.empty, names(&["b", "other0"]));
    }

    #[tokio::test]
    async fn a_recursive_plan_is_not_lent_twice() {
        let sql =
            "WITH RECURSIVE up AS (SELECT id FROM a UNION ALL SELECT id + 1 FROM up WHERE id < 3) SELECT id FROM up";
        let pool = pool(sql).await;
        assert_eq!(ask(&pool, &[1], &[]).await, [1, 2, 3]);
        assert_eq!(ask(&pool, &[2], &[]).await, [2, 3]);
        assert_eq!(plans(&pool.0), 0);
    }
}
