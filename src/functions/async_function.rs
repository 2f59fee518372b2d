//! An asynchronous SQL function as a value: it opens files and gives, for each row of arguments, a list of rows.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::{DataType, Fields, SchemaRef};
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use futures::future::BoxFuture;
use spatialmill_columns::{FunctionDoc, Lists, Record};

use super::lists::column_of_structs;
use super::lists::list_type;
use super::places::Places;
use crate::models::Models;

/// The function. DataFusion awaits it; arithmetic runs on blocking threads.
#[derive(Debug)]
pub struct AsyncFunction {
    pub doc: FunctionDoc,
    pub arguments: usize,
    /// What it opens.
    pub opens: Opens,
    /// So many rows are handed over at once: what they come to is held in memory.
    pub rows_at_once: usize,
    /// The columns of the rows that it gives, by the columns of the table `objects`.
    pub fields: fn(&SchemaRef) -> Fields,
    /// The lists of rows with these columns.
    pub call: fn(Vec<ArrayRef>, Fields, Arc<Models>) -> BoxFuture<'static, Result<ArrayRef>>,
}

/// Which of its arguments name files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// The first is a `uri`.
    Image,
    /// The first is a frame with a `depth_uri`, or a list of frames.
    Depth,
}

fn depth_uris(frames: &ArrayRef) -> Result<ArrayRef> {
    let frames = match frames.data_type() {
        DataType::List(_) => {
            let frames = Lists::new(frames)?.values;
            if frames.is_empty() {
                return Ok(new_null_array(&DataType::Utf8, 0));
            }
            frames
        }
        _ => column_of_structs(frames, "frame")?,
    };
    Ok(Arc::clone(Record(&frames).field("depth_uri")?))
}

impl AsyncFunction {
    /// What a session registers; `objects` are the columns of that table. Files are opened in these places alone.
    pub fn scalar(&'static self, objects: &SchemaRef, models: &Arc<Models>, places: &Arc<Places>) -> ScalarUDF {
        // Files may change between two calls.
        let signature = Signature::any(self.arguments, Volatility::Volatile);
        let (fields, models, places) = ((self.fields)(objects), Arc::clone(models), Arc::clone(places));
        let udf = AsyncUdf { function: self, signature, fields, models, places };
        AsyncScalarUDF::new(Arc::new(udf)).into_scalar_udf()
    }
}

#[derive(Debug)]
struct AsyncUdf {
    function: &'static AsyncFunction,
    signature: Signature,
    fields: Fields,
    models: Arc<Models>,
    places: Arc<Places>,
}

impl ScalarUDFImpl for AsyncUdf {
    fn name(&self) -> &str {
        self.function.doc.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type(&self.fields))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.function.doc.name;
        Err(DataFusionError::Plan(format!(
            "`{name}` opens files and cannot be called here; call it in a subquery's SELECT"
        )))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for AsyncUdf {
    fn ideal_batch_size(&self) -> Option<usize> {
        Some(self.function.rows_at_once)
    }

    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let files = match self.function.opens {
            Opens::Image => Arc::clone(&columns[0]),
            Opens::Depth => depth_uris(&columns[0])?,
        };
        self.places.admit(self.function.doc.name, &files).await?;
        Ok(ColumnarValue::Array((self.function.call)(columns, self.fields.clone(), Arc::clone(&self.models)).await?))
    }
}

/// Names are unique in a session, and so are the columns of its rows.
impl PartialEq for AsyncUdf {
    fn eq(&self, other: &Self) -> bool {
        self.function.doc.name == other.function.doc.name && self.fields == other.fields
    }
}

impl Eq for AsyncUdf {}

impl Hash for AsyncUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.doc.name.hash(state);
    }
}
