//! A SQL function that opens files and gives a list of rows for each row, as a value: what `lift`, `project` and `appearance` have in
//! common.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Fields, SchemaRef};
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use futures::future::BoxFuture;

use super::lists::list_type;
use crate::models::Models;

/// The function. DataFusion awaits it; the arithmetic is for blocking threads.
#[derive(Debug)]
pub struct ReadingFunction {
    pub name: &'static str,
    /// How to call it.
    pub usage: &'static str,
    /// One line.
    pub doc: &'static str,
    pub arguments: usize,
    /// So many rows are handed over at once: what they come to is held in memory.
    pub rows_at_once: usize,
    /// True where models answer: then several slices are in flight, so that devices never wait for pictures.
    pub asks_models: bool,
    /// The columns of the rows that it gives, by the columns of the table `objects`.
    pub fields: fn(&SchemaRef) -> Fields,
    /// The lists of rows with these columns.
    pub call: fn(Vec<ArrayRef>, Fields, Arc<Models>) -> BoxFuture<'static, Result<ArrayRef>>,
}

impl ReadingFunction {
    /// What a session registers; `objects` are the columns of that table.
    pub fn scalar(&'static self, objects: &SchemaRef, models: &Arc<Models>) -> ScalarUDF {
        // Files may change between two calls.
        let signature = Signature::any(self.arguments, Volatility::Volatile);
        let (fields, models) = ((self.fields)(objects), Arc::clone(models));
        let awaited = Awaited { function: self, signature, fields, models };
        AsyncScalarUDF::new(Arc::new(awaited)).into_scalar_udf()
    }
}

#[derive(Debug)]
struct Awaited {
    function: &'static ReadingFunction,
    signature: Signature,
    fields: Fields,
    models: Arc<Models>,
}

impl ScalarUDFImpl for Awaited {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type(&self.fields))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.function.name;
        Err(DataFusionError::Plan(format!(
            "`{name}` opens files and cannot be called here; call it in a subquery's SELECT"
        )))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Awaited {
    fn ideal_batch_size(&self) -> Option<usize> {
        Some(self.function.rows_at_once)
    }

    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array((self.function.call)(columns, self.fields.clone(), Arc::clone(&self.models)).await?))
    }
}

/// Names are unique in a session, and so are the columns of its rows.
impl PartialEq for Awaited {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name && self.fields == other.fields
    }
}

impl Eq for Awaited {}

impl Hash for Awaited {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}
