//! Verifying: what the log promises, what the stages check and what their keys say, against what is stored.

use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{ident, not};

use super::{Mill, read_only};
use crate::error::{Error, Result};

/// Something that is not as it should be.
#[derive(Debug, Clone)]
pub struct Finding {
    /// False for what costs only space.
    pub is_damage: bool,
    /// What and where.
    pub text: String,
}

impl Mill {
    /// Verifies one stored table: bytes, then rows.
    pub async fn verify(&self, name: &str) -> Result<Vec<Finding>> {
        let table =
            self.warehouse.table(name).await?.ok_or_else(|| Error::usage("no such table").with("table", name))?;
        let mut findings: Vec<Finding> = table
            .verify()
            .await?
            .into_iter()
            .map(|finding| Finding { is_damage: finding.is_damage(), text: finding.to_string() })
            .collect();
        if findings.iter().any(|finding| finding.is_damage) {
            // Rows of damaged files say nothing.
            return Ok(findings);
        }
        let Some(stage) = self.pipeline.stages.get(name) else { return Ok(findings) };
        let context = self.session(&Default::default()).await?;
        for check in &stage.checks {
            let rows = context.table(name).await?;
            let broken = rows.clone().filter(not(rows.parse_sql_expr(&read_only::predicate(check)?)?))?.count().await?;
            if broken > 0 {
                findings.push(Finding { is_damage: true, text: format!("{broken} rows break the check `{check}`") });
            }
        }
        if !stage.keys.is_empty() {
            let keys: Vec<Expr> = stage.keys.iter().map(ident).collect();
            let twice = context
                .table(name)
                .await?
                .aggregate(keys, vec![count(lit(1)).alias("n")])?
                .filter(ident("n").gt(lit(1)))?
                .count()
                .await?;
            if twice > 0 {
                let text = format!("{twice} keys ({}) have more than one row", stage.keys.join(", "));
                findings.push(Finding { is_damage: true, text });
            }
        }
        Ok(findings)
    }
}
