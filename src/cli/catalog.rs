//! The catalog in words: `SHOW FUNCTIONS` with what each function does, `DESCRIBE` with what each column means.
//!
//! DataFusion answers both, and knows neither: of functions that take arguments of any type it lists nothing, and comments of columns are not
//! in the schemas that it compares.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, Scalar, StringArray};
use arrow::compute::{ilike, like};
use datafusion::common::TableReference;
use datafusion::logical_expr::Documentation;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{DescribeAlias, ShowStatementFilter, Statement as Sql};

use super::output::OutputFormat;
use crate::error::{Context, Error, Result};
use crate::functions;
use crate::tables::schemas;

/// What is written for a statement.
pub enum Answer {
    Rows(DataFrame),
    Text(String),
}

/// Few enough functions to be explained and not only listed.
const EXPLAINED: usize = 3;

/// The answer to a question about functions or columns; none for every other statement.
pub async fn answer(context: &SessionContext, statement: &Statement, format: OutputFormat) -> Result<Option<Answer>> {
    let Statement::Statement(statement) = statement else { return Ok(None) };
    match statement.as_ref() {
        Sql::ShowFunctions { filter } => {
            let found = entries(context, filter.as_ref())?;
            if matches!(format, OutputFormat::Table) && (1..=EXPLAINED).contains(&found.len()) {
                return Ok(Some(Answer::Text(found.iter().map(Entry::page).collect::<Vec<_>>().join("\n\n"))));
            }
            Ok(Some(Answer::Rows(context.read_batch(list(&found, format)?)?)))
        }
        Sql::ExplainTable { describe_alias: DescribeAlias::Describe | DescribeAlias::Desc, table_name, .. } => {
            Ok(columns(context, &table_name.to_string()).await?.map(Answer::Rows))
        }
        _ => Ok(None),
    }
}

/// A function as it is listed: ours, and those of DataFusion.
struct Entry {
    name: String,
    signature: String,
    cost: Option<&'static str>,
    summary: String,
    details: Option<&'static str>,
    example: Option<String>,
    result: Option<&'static str>,
}

impl Entry {
    fn of(name: &str, documentation: Option<&Documentation>) -> Self {
        if let Some(doc) = functions::docs().into_iter().find(|doc| doc.name == name) {
            return Self {
                name: name.to_owned(),
                signature: doc.signature.to_owned(),
                cost: Some(doc.cost.name()),
                summary: doc.summary.to_owned(),
                details: Some(doc.details),
                example: Some(doc.example.text()),
                result: Some(doc.example.result),
            };
        }
        let text =
            |of: fn(&Documentation) -> &String| documentation.map(|d| of(d).trim().to_owned()).unwrap_or_default();
        Self {
            name: name.to_owned(),
            signature: text(|d| &d.syntax_example),
            cost: None,
            summary: text(|d| &d.description),
            details: None,
            example: documentation.and_then(|d| d.sql_example.clone()),
            result: None,
        }
    }

    fn page(&self) -> String {
        let mut parts = vec![self.signature.clone(), self.summary.clone()];
        parts.extend(self.details.map(str::to_owned));
        parts.extend(self.cost.map(|cost| format!("Cost: {cost}.")));
        parts.extend(self.example.as_ref().map(|sql| match self.result {
            Some(result) => format!("{sql}\n=> {result}"),
            None => sql.clone(),
        }));
        parts.join("\n\n") + "\n"
    }
}

/// Every function of the session by name, as far as the filter has it.
fn entries(context: &SessionContext, filter: Option<&ShowStatementFilter>) -> Result<Vec<Entry>> {
    let state = context.state();
    let scalar = state.scalar_functions().iter().map(|(name, function)| Entry::of(name, function.documentation()));
    let aggregate = state.aggregate_functions().iter().map(|(name, f)| Entry::of(name, f.documentation()));
    let window = state.window_functions().iter().map(|(name, f)| Entry::of(name, f.documentation()));
    let mut all: Vec<Entry> = scalar.chain(aggregate).chain(window).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.dedup_by(|a, b| a.name == b.name);
    let names = StringArray::from_iter_values(all.iter().map(|entry| &entry.name));
    let pattern = |text: &str| Scalar::new(StringArray::from(vec![text.to_owned()]));
    let kept: BooleanArray = match filter {
        None => return Ok(all),
        Some(ShowStatementFilter::Like(text)) => like(&names, &pattern(text)),
        Some(ShowStatementFilter::ILike(text)) => ilike(&names, &pattern(text)),
        Some(other) => {
            return Err(Error::usage(format!("SHOW FUNCTIONS has no filter `{other}`"))
                .hint("SHOW FUNCTIONS LIKE 'relate', with % for any characters"));
        }
    }
    .or_internal(|| "cannot match the names of functions".into())?;
    Ok(all.into_iter().zip(kept.values().iter()).filter_map(|(entry, is_kept)| is_kept.then_some(entry)).collect())
}

/// A row a function; for people without what would make it wider than a screen.
fn list(found: &[Entry], format: OutputFormat) -> Result<RecordBatch> {
    let column =
        |of: &dyn Fn(&Entry) -> Option<String>| -> ArrayRef { Arc::new(found.iter().map(of).collect::<StringArray>()) };
    let mut columns = vec![
        ("function", column(&|entry| Some(entry.name.clone()))),
        ("signature", column(&|entry| Some(entry.signature.clone()))),
        ("cost", column(&|entry| entry.cost.map(str::to_owned))),
        ("summary", column(&|entry| Some(entry.summary.clone()))),
    ];
    if !matches!(format, OutputFormat::Table) {
        columns.push(("details", column(&|entry| entry.details.map(str::to_owned))));
        columns.push(("example", column(&|entry| entry.example.clone())));
        columns.push(("result", column(&|entry| entry.result.map(str::to_owned))));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
        .or_internal(|| "the list of functions is no table".into())
}

/// A table's columns with their comments; none where there is no such table, which DataFusion says better.
async fn columns(context: &SessionContext, name: &str) -> Result<Option<DataFrame>> {
    let Ok(table) = context.table_provider(TableReference::parse_str(name)).await else { return Ok(None) };
    let (schema, declared) = (table.schema(), schemas().await?);
    let comments = declared.get(name).map(|table| &table.comments);
    let column = |of: &dyn Fn(&arrow::datatypes::Field) -> Option<String>| -> ArrayRef {
        Arc::new(schema.fields().iter().map(|field| of(field)).collect::<StringArray>())
    };
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("column_name", column(&|field| Some(field.name().clone())), false),
        ("data_type", column(&|field| Some(field.data_type().to_string())), false),
        ("is_nullable", column(&|field| Some(if field.is_nullable() { "YES" } else { "NO" }.to_owned())), false),
        ("comment", column(&|field| comments.and_then(|comments| comments.get(field.name()).cloned())), true),
    ])
    .or_internal(|| "the list of columns is no table".into())?;
    Ok(Some(context.read_batch(rows)?))
}
