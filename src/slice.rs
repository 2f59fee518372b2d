//! Slices: which samples of the dataset, by columns, a predicate or a named query. In: a [`Selection`], made of flags or in code. Out: its rows,
//! and the one SELECT that gives them, which a manifest repeats.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use clap::Args;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext, ident, lit};

use crate::error::{Error, Result};
use crate::project::Project;
use crate::run::{Mill, read_only};
use crate::suggestion::{nearest, unknown};

/// Each filter may be repeated: --relation left --relation right takes both. Filters of different kinds must all hold.
#[derive(Debug, Default, Args)]
pub struct Selection {
    /// position_comparison, size_comparison, existence_estimation, object_counting, absolute_distance, object_size, relative_distance,
    /// relative_direction, room_size
    #[arg(long)]
    pub task: Vec<String>,
    /// left, right, above, below, near, far, wider, thinner, taller, shorter, larger, smaller
    #[arg(long)]
    pub relation: Vec<String>,
    /// yes_no, choice, open, number
    #[arg(long)]
    pub answer_form: Vec<String>,
    /// natural, ref_caption, ref_region_box, ref_caption_box, mark: how things are referred to
    #[arg(long)]
    pub text_format: Vec<String>,
    /// original, boxes, masks, numbers: what is drawn on the image
    #[arg(long)]
    pub image_format: Vec<String>,
    /// the name of a `[[source]]`
    #[arg(long)]
    pub source: Vec<String>,
    /// train, val or test
    #[arg(long)]
    pub split: Vec<String>,
    /// as the source states it
    #[arg(long)]
    pub licence: Vec<String>,
    /// noun, box, none: what gives the answer without a look at the scene
    #[arg(long)]
    pub shortcut: Vec<String>,
    /// A SQL predicate on the columns of `dataset`: --where "margin > 0.5 AND visibility = 1"
    #[arg(long = "where", value_name = "SQL")]
    pub predicate: Option<String>,
    /// A named slice, of `queries/slices/<NAME>.sql`; `slice --list` names them
    #[arg(long, value_name = "NAME")]
    pub named: Option<String>,
}

/// The samples of a selection.
pub struct Selected {
    pub context: SessionContext,
    /// The version of `dataset` that they are of.
    pub version: u64,
    pub rows: DataFrame,
    /// The query that gives them.
    pub sql: String,
}

const PREDICATE: &str = "--where takes a predicate, such as --where \"margin > 0.5 AND task = 'object_counting'\"; `sql -c 'DESCRIBE dataset'` lists the columns";

/// Where named slices are, below `queries/`.
const SLICES: &str = "slices/";

impl Selection {
    /// The rows of `dataset` that are asked for; `limit` takes those with the lowest ids, which are hashes, so a fair choice.
    pub async fn rows(&self, mill: &Mill, limit: Option<usize>) -> Result<Selected> {
        let missing = || Error::input("there is no dataset yet").hint("`spatialmill build` makes it");
        let version = mill.warehouse.table("dataset").await?.ok_or_else(missing)?.version();
        // A build that lands meanwhile changes nothing of what is selected.
        let context = mill.session(&BTreeMap::from([("dataset".to_owned(), version)])).await?;
        let mut sql = match &self.named {
            None => "SELECT * FROM dataset".to_owned(),
            Some(name) => format!("SELECT * FROM ({}) AS slice", named(&mill.project, name)?),
        };
        let mut terms = Vec::new();
        for (column, wanted) in self.columns().into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
            for value in wanted {
                known(&context, column, value).await?;
            }
            let wanted: Vec<String> = wanted.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
            terms.push(format!("{column} IN ({})", wanted.join(", ")));
        }
        if let Some(given) = &self.predicate {
            let predicate = read_only::predicate(given).map_err(|e| e.with("where", given).hint(PREDICATE))?;
            terms.push(format!("({predicate})"));
        }
        if !terms.is_empty() {
            sql += &format!(" WHERE {}", terms.join(" AND "));
        }
        if let Some(limit) = limit {
            sql += &format!(" ORDER BY sample_id LIMIT {limit}");
        }
        let rows = read_only::rows(&context, &sql).await.map_err(|e| match e.advice() {
            Some(_) => e,
            None => e.hint(PREDICATE),
        })?;
        Ok(Selected { context, version, rows, sql })
    }

    fn columns(&self) -> [(&'static str, &Vec<String>); 9] {
        [
            ("task", &self.task),
            ("relation", &self.relation),
            ("answer_form", &self.answer_form),
            ("text_format", &self.text_format),
            ("image_format", &self.image_format),
            ("source", &self.source),
            ("split", &self.split),
            ("licence", &self.licence),
            ("shortcut", &self.shortcut),
        ]
    }
}

/// The named slices of a project with the first line of what each says of itself.
pub fn slices(project: &Project) -> Vec<(&str, &str)> {
    let slices = project.queries().iter().filter_map(|(path, text)| {
        let name = path.strip_prefix(SLICES)?.strip_suffix(".sql")?;
        let first = text.lines().next().unwrap_or_default();
        Some((name, first.trim_start_matches("--").trim()))
    });
    slices.collect()
}

fn named(project: &Project, name: &str) -> Result<String> {
    let text = project.queries().get(&format!("{SLICES}{name}.sql")).ok_or_else(|| {
        let names: Vec<&str> = slices(project).into_iter().map(|(name, _)| name).collect();
        unknown("slice", name, &names)
    })?;
    // As it is understood, so that no comment or parenthesis of it reaches into the query around it.
    let query = read_only::query(text).map_err(|e| e.with("file", format!("queries/{SLICES}{name}.sql")))?;
    Ok(query.to_string())
}

/// That a sample has this value; an error names those there are. It stops at the first such sample, for the whole column may be large.
async fn known(context: &SessionContext, column: &str, value: &str) -> Result<()> {
    let rows = context.table("dataset").await?.filter(ident(column).eq(lit(value)))?;
    if rows.select(vec![ident(column)])?.limit(0, Some(1))?.count().await? > 0 {
        return Ok(());
    }
    let there = values_of(context, column).await?;
    let is_empty = context.table("dataset").await?.limit(0, Some(1))?.count().await? == 0;
    let hint = match (nearest(value, &there), there.as_slice()) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, []) if !is_empty => format!("no sample has any {}: no source says it", column.replace('_', " ")),
        (None, []) => "the dataset is empty; `spatialmill report` says what became of its rows".to_owned(),
        (None, there) => format!("there are: {}", there.join(", ")),
    };
    Err(Error::usage(format!("no sample has the {} `{value}`", column.replace('_', " "))).hint(hint))
}

/// The values of a column of few values, in order.
async fn values_of(context: &SessionContext, column: &str) -> Result<Vec<String>> {
    let rows = context.table("dataset").await?;
    let rows = rows.select(vec![ident(column)])?.distinct()?.sort(vec![ident(column).sort(true, false)])?;
    let mut values = Vec::new();
    for batch in rows.collect().await? {
        let column = cast(batch.column(0), &DataType::Utf8).map_err(DataFusionError::from)?;
        values.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(values)
}
