//! Empty inputs: an optimized plan and the names of inputs without rows in, the plan without what gives no rows for that out.
//!
//! Most shards have no rows in some tables: photos have no triangles, a scan has no navigation graph. What a stage asks of those would be
//! planned for every shard to find nothing, and planning is most of what a small shard costs.

use std::collections::BTreeSet;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::optimizer::propagate_empty_relation::PropagateEmptyRelation;
use datafusion::optimizer::{OptimizerContext, OptimizerRule};

/// The same rows, where the tables of these names have none.
pub fn without_empty_inputs(plan: &LogicalPlan, empty: &BTreeSet<String>) -> Result<LogicalPlan> {
    let (rule, config) = (PropagateEmptyRelation::new(), OptimizerContext::new());
    let reduced = plan.clone().transform_up_with_subqueries(|node| match &node {
        LogicalPlan::TableScan(scan) if empty.contains(scan.table_name.table()) => Ok(Transformed::yes(no_rows(&node))),
        // DataFusion's rule leaves these.
        LogicalPlan::Unnest(unnest) if is_empty(&unnest.input) => Ok(Transformed::yes(no_rows(&node))),
        LogicalPlan::Distinct(distinct) if is_empty(distinct.input()) => Ok(Transformed::yes(no_rows(&node))),
        _ => rule.rewrite(node, &config),
    })?;
    Ok(reduced.data)
}

fn no_rows(node: &LogicalPlan) -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: node.schema().clone() })
}

fn is_empty(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::EmptyRelation(empty) if !empty.produce_one_row)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::datasource::empty::EmptyTable;
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn reduced(sql: &str) -> String {
        let context = SessionContext::new();
        let columns = vec![
            Field::new("id", DataType::Int64, true),
            Field::new_list("list", Field::new_list_field(DataType::Int64, true), true),
        ];
        for name in ["some", "none"] {
            context.register_table(name, Arc::new(EmptyTable::new(Arc::new(Schema::new(columns.clone()))))).unwrap();
        }
        let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        without_empty_inputs(&plan, &["none".to_owned()].into()).unwrap().display_indent().to_string()
    }

    #[tokio::test]
    async fn what_reads_an_empty_input_is_not_planned() {
        for sql in [
            "SELECT some.id FROM some JOIN none ON some.id = none.id",
            "SELECT unnest(list) FROM none WHERE id > 3",
            "SELECT id, count(*) FROM none GROUP BY id",
            "SELECT id FROM some WHERE id IN (SELECT id FROM none)",
            "SELECT DISTINCT id FROM none ORDER BY id LIMIT 3",
        ] {
            assert!(reduced(sql).await.starts_with("EmptyRelation"), "{sql}: {}", reduced(sql).await);
        }
        let one = reduced("SELECT id FROM some UNION ALL SELECT id FROM none").await;
        assert!(one.contains("TableScan: some") && !one.contains("Union"), "{one}");
    }

    #[tokio::test]
    async fn what_has_rows_for_an_empty_input_stays() {
        for (sql, node) in [
            ("SELECT count(*) FROM none", "Aggregate"),
            ("SELECT some.id, none.id FROM some LEFT JOIN none ON some.id = none.id", "TableScan: some"),
            ("SELECT id FROM some WHERE id NOT IN (SELECT id FROM none WHERE id IS NOT NULL)", "TableScan: some"),
        ] {
            assert!(reduced(sql).await.contains(node), "{sql}: {}", reduced(sql).await);
        }
    }
}
