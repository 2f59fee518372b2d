//! The tables' columns, as `schemas/*.sql` declares them.
//!
//! In: `CREATE TABLE` statements with types and comments. Out: Arrow schemas, and each column's comment, which `DESCRIBE`, the documents and the
//! tables' logs show. DataFusion parses them, so that a schema reads as any SQL shell would
//! read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{ColumnOption, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::{Context, Error, Result};

static FILES: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// A table's columns.
#[derive(Debug, Clone)]
pub struct TableSchema {
    /// Column names, types and whether they may be null.
    pub schema: SchemaRef,
    /// What each column means, by name; empty where it says nothing.
    pub comments: BTreeMap<String, String>,
}

impl TableSchema {
    /// The columns with their comments as metadata, for the table's log; plans see none, because DataFusion compares metadata, too.
    pub fn with_comments(&self) -> SchemaRef {
        let fields = self.schema.fields().iter().map(|field| match self.comments.get(field.name()) {
            Some(comment) => {
                let metadata = [("comment".to_owned(), comment.clone())].into();
                Arc::new(field.as_ref().clone().with_metadata(metadata))
            }
            None => Arc::clone(field),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Every declared table by name.
pub async fn schemas() -> Result<BTreeMap<String, TableSchema>> {
    let mut tables = BTreeMap::new();
    let mut files: Vec<_> = FILES.files().collect();
    files.sort_by_key(|file| file.path());
    for file in files {
        let text = file.contents_utf8().ok_or_else(|| Error::internal("a schema file is not UTF-8"))?;
        let here = || format!("schemas/{} is not valid", file.path().display());
        for statement in Parser::parse_sql(&GenericDialect {}, text).or_internal(here)? {
            let Statement::CreateTable(create) = &statement else { return Err(Error::internal(here())) };
            let name = create.name.to_string();
            let mut comments = BTreeMap::new();
            for column in &create.columns {
                for option in &column.options {
                    if let ColumnOption::Comment(comment) = &option.option {
                        comments.insert(column.name.value.clone(), comment.clone());
                    }
                }
            }
            let schema = schema_of(&name, &statement.to_string()).await.or_internal(here)?;
            tables.insert(name, TableSchema { schema, comments });
        }
    }
    Ok(tables)
}

async fn schema_of(name: &str, create: &str) -> Result<SchemaRef> {
    let mut config = SessionConfig::new();
    // Hugging Face's reader does not know string views, and stored tables are for everyone.
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    // What `WITH TIME ZONE` means: Delta's `timestamp`, an instant, as every engine reads it.
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    let context = SessionContext::new_with_config(config);
    context.sql(create).await?.collect().await?;
    let table = context.table_provider(name).await?;
    Ok(Arc::clone(&table.schema()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, TimeUnit};

    use super::*;

    #[tokio::test]
    async fn the_tables_of_the_design_are_declared() {
        let tables = schemas().await.unwrap();
        for name in [
            "frames",
            "detections",
            "scenes",
            "scene_objects",
            "objects",
            "relations",
            "questions",
            "dataset",
            "quarantine",
            "runs",
        ] {
            assert!(tables.contains_key(name), "{name}");
        }
        let frames = &tables["frames"];
        assert!(!frames.schema.field_with_name("frame_id").unwrap().is_nullable());
        assert!(frames.comments["frame_id"].contains("the source's own key"));
        let started = tables["runs"].schema.field_with_name("started").unwrap().data_type().clone();
        assert_eq!(started, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    }
}
