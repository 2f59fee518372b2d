//! Refusal: a build stops, and commits nothing, when too many rows or images are quarantined (`max_quarantined`).
//!
//! In: what was made of a stage, whose quarantined rows are entered already, and the tables that it will be published in. Out: nothing, or an
//! error that names the commonest reasons with an example of each; what only follows from a lost image is none of them. Shards that stand count
//! too, so that the verdict is that of a build of everything.

use std::collections::{BTreeMap, BTreeSet};

use arrow::util::display::array_value_to_string;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::lit;
use datafusion::prelude::ident;

use super::Mill;
use super::built_shard::BuiltShard;
use super::quarantine::QUARANTINE;
use super::snapshot::{PinnedTable, Snapshot};
use crate::error::{Context, Error, Kind, Result};
use crate::tables::{RowCounts, quarantine_code};

/// In place of the codes of what shards lost that stand.
const STANDING: &str = "standing";

/// Reasons that an error names.
const REASONS: usize = 3;

impl Mill {
    /// Nothing is published when more than the allowed share of a source's images, or of its other rows, could not be used.
    pub(super) async fn refuse_if_too_many(
        &self,
        snapshot: &Snapshot,
        stage: &str,
        tables: &[&PinnedTable],
        made: &[BuiltShard],
        gone: &[String],
    ) -> Result<()> {
        let limit = self.project.number("max_quarantined");
        let mut by_source: BTreeMap<&str, RowCounts> = BTreeMap::new();
        for shard in made {
            let source = shard.shard.split('/').next().unwrap_or_default();
            by_source.entry(source).or_default().add(&shard.counts);
        }
        let too_many = |counts: &RowCounts| {
            let images = (counts.images_lost, counts.images_in, "images");
            let rows = (counts.rows_quarantined() - counts.no_row_lost, counts.rows_in - counts.no_row_lost, "rows");
            [images, rows].into_iter().find(|(lost, seen, _)| *lost as f64 > limit * *seen as f64)
        };
        for (source, mut counts) in by_source {
            if too_many(&counts).is_none() {
                continue;
            }
            let of_made: BTreeSet<&str> = made.iter().map(|made| made.shard.as_str()).collect();
            let stands = |shard: &str| {
                shard.split('/').next() == Some(source)
                    && !of_made.contains(shard)
                    && !gone.iter().any(|gone| gone == shard)
            };
            counts.add(&self.standing(snapshot, stage, tables, stands).await?);
            let Some((lost, seen, what)) = too_many(&counts) else { continue };
            let message =
                format!("{lost} of {seen} {what} are quarantined, more than the {limit} that max_quarantined allows");
            let mut error = Error::new(Kind::Quarantined, message).with("rows of", source).with("stage", stage);
            // What they were is worth having, and no reason to fail otherwise.
            for reason in self.commonest_losses(snapshot, stage, source, what == "images").await.unwrap_or_default() {
                error = error.with("reason", reason);
            }
            let all = self.project.command("sql \"SELECT code, count(*), min(message) FROM quarantine GROUP BY code\"");
            return Err(error.hint(format!("nothing was published; `{all}` says why")));
        }
        Ok(())
    }

    /// What was counted of shards that stand.
    async fn standing(
        &self,
        snapshot: &Snapshot,
        stage: &str,
        tables: &[&PinnedTable],
        stands: impl Fn(&str) -> bool,
    ) -> Result<RowCounts> {
        let mut counts = RowCounts::default();
        let mut quarantined = BTreeSet::new();
        for table in tables {
            for part in table.parts().iter().filter(|part| stands(&part.shard)) {
                counts.rows_in += part.rows;
                counts.rows_out += part.rows;
                counts.images_in += if table.name() == "frames" { part.rows } else { 0 };
                quarantined.insert(format!("{stage}/{}", part.shard));
            }
        }
        let quarantine = self.open_or_create(snapshot, QUARANTINE).await?;
        let rows = self.session_without_tables()?.read_table(quarantine.provider_of(&quarantined))?;
        let of = async |loss: &str| -> Result<u64> {
            Ok(rows.clone().filter(ident("loss").eq(lit(loss)))?.count().await? as u64)
        };
        // One row may be of several images, whose number it says to people only.
        let (images, records) = (of("image").await?, of("record").await?);
        counts.images_in += images;
        counts.images_lost += images;
        counts.rows_in += records;
        *counts.quarantined.entry(STANDING.to_owned()).or_default() += records;
        Ok(counts)
    }

    /// Why rows of a source were lost to a stage, the commonest reasons first.
    async fn commonest_losses(
        &self,
        snapshot: &Snapshot,
        stage: &str,
        source: &str,
        of_images: bool,
    ) -> Result<Vec<String>> {
        let context = self.session_without_tables()?;
        context.register_table(QUARANTINE, self.open_or_create(snapshot, QUARANTINE).await?.provider())?;
        let reasons = context
            .sql(
                "SELECT concat(count(*), ' ', code, ', such as ', min(\"key\" || ': ' || message)) AS reason, code FROM quarantine
                 WHERE stage = $stage AND source = $source AND loss <> 'nothing' AND (loss = 'image' OR NOT $of_images)
                 GROUP BY code ORDER BY count(*) DESC, code",
            )
            .await?
            .with_param_values(vec![
                ("stage", ScalarValue::from(stage)),
                ("source", ScalarValue::from(source)),
                ("of_images", ScalarValue::from(of_images)),
            ])?
            .limit(0, Some(REASONS))?
            .collect()
            .await?;
        let mut said = Vec::new();
        for batch in &reasons {
            for row in 0..batch.num_rows() {
                let text = |column| {
                    array_value_to_string(batch.column(column), row).or_internal(|| "a reason is no text".into())
                };
                let (reason, code) = (text(0)?, text(1)?);
                said.push(quarantine_code(&code).map_or(reason.clone(), |code| format!("{reason} ({})", code.advice)));
            }
        }
        Ok(said)
    }
}
