//! Hysteresis (`-- hysteresis: column`): stored rows stay where new ones differ from them by less than a tolerance.
//!
//! In: the new rows of a stage that is built once from all shards, and the stored version of its table. Out: the stored rows where both have
//! the same keys and no value of the column moved by more than the tolerance, else the new ones. Such a table is small: both are in memory.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{DataFrame, SessionContext, ident};

use crate::error::{Context, Error, Result};
use crate::warehouse::Table;

/// See the module.
pub(super) struct Hysteresis {
    pub column: String,
    pub keys: Vec<String>,
    pub stored: Table,
    pub tolerance: f64,
}

impl Hysteresis {
    /// The rows that are stored already, where the new ones say the same within `$rate_tolerance`; else the new ones. Rows that stay have
    /// their content hash, so that no reader of theirs becomes stale.
    pub async fn choose(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &SessionContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.stored.schema();
        let order = || self.keys.iter().map(|key| ident(key).sort(true, false)).collect::<Vec<_>>();
        let sorted = async |rows: DataFrame| -> Result<RecordBatch> {
            let batches = rows.sort(order())?.collect().await?;
            Ok(concat_batches(schema, &batches).map_err(DataFusionError::from)?)
        };
        let new = collect(plan, context.task_ctx()).await?;
        // One batch, so that no rows at all still have columns.
        let new = concat_batches(schema, &new).map_err(DataFusionError::from)?;
        let new = sorted(context.read_batch(new)?).await?;
        let old = sorted(context.read_table(self.stored.provider())?).await?;
        let keep_old =
            same_keys(&old, &new, &self.keys)? && largest_change(&old, &new, &self.column)? <= self.tolerance;
        let rows = if keep_old { old } else { new };
        Ok(MemorySourceConfig::try_new_exec(&[vec![rows]], Arc::clone(schema), None)?)
    }
}

/// True where two sorted tables have the same rows by key.
fn same_keys(old: &RecordBatch, new: &RecordBatch, keys: &[String]) -> Result<bool> {
    Ok(old.num_rows() == new.num_rows() && keys.iter().all(|key| old.column_by_name(key) == new.column_by_name(key)))
}

/// The largest change of a number between two tables with the same rows.
fn largest_change(old: &RecordBatch, new: &RecordBatch, column: &str) -> Result<f64> {
    let numbers = |rows: &RecordBatch| -> Result<Float64Array> {
        let values = rows
            .column_by_name(column)
            .ok_or_else(|| Error::usage("`-- hysteresis:` names no column").with("column", column))?;
        let values =
            cast(values, &DataType::Float64).or_input(|| format!("`-- hysteresis: {column}` is not a number"))?;
        Ok(values.as_primitive::<Float64Type>().clone())
    };
    let (old, new) = (numbers(old)?, numbers(new)?);
    Ok(old.values().iter().zip(new.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}
