//! The report: the dataset as one HTML page that needs nothing but itself.
//!
//! ```text
//!  tables ─► *.sql beside this file: a few thousand rows at most ─┐
//!  log    ─► what the last commit of each table counted           ├─► Contents ─► page ─► report.html
//!  images ─► those of the gallery, scaled down                    ┘
//! ```
//!
//! Everything is aggregated by the query engine under its memory limit; only the few rows that are shown come here. The page has no script, asks for no
//! other file and says so to the browser; every text in it comes from data and is escaped.

mod card;
mod diversity;
mod files;
mod gallery;
mod html_text;
mod number;
mod page;
mod plots;
mod shares;
pub mod sheet;
mod shortfall;
mod strip_card;

use std::path::Path;

use datafusion::prelude::{DataFrame, SessionContext};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::functions::phrases::phrases;
use crate::pipeline::IMPORTED;
use crate::run::{Mill, iso};
use crate::tables::from_arrow;
use crate::warehouse::Table;

/// How many versions back a table's last counted commit is looked for: the newest ones may only have cleaned up.
const LOOK_BACK: usize = 20;

impl Mill {
    /// Writes the report on the dataset to a file.
    pub async fn report(&self, file: &Path) -> Result<()> {
        let contents = self.contents().await?;
        let page = page::render(&contents);
        tokio::fs::write(file, page).await.map_err(|e| {
            Error::input("cannot write the report")
                .with("file", file.display())
                .because(e)
                .hint("the folder must exist and be writable; `--out FILE` names another place")
        })
    }

    async fn contents(&self) -> Result<Contents> {
        let hint = "`spatialmill build` makes it from what `spatialmill import` brought";
        let missing = |name: &str| Error::input("there is nothing to report on yet").with("table", name).hint(hint);
        let dataset = self.warehouse.table("dataset").await?.ok_or_else(|| missing("dataset"))?;
        let context = self.session(&Default::default()).await?;
        for name in ["questions", "objects", "frames"] {
            if !context.table_exist(name)? {
                return Err(missing(name));
            }
        }
        let size =
            rows::<DatasetSize>(&context, include_str!("size.sql")).await?.into_iter().next().unwrap_or_default();
        let samples = size.samples;
        let lost = match context.table_exist("quarantine")? {
            true => rows(&context, include_str!("quarantined.sql")).await?,
            false => Vec::new(),
        };
        let phrases = phrases(&self.project)?;
        let topics = phrases.topics();
        let counts: Vec<shares::SampleCount> = rows(&context, include_str!("counts.sql")).await?;
        let mut bins: Vec<plots::Bin> = rows(&context, include_str!("histograms.sql")).await?;
        for bin in &mut bins {
            bin.topic = topics.topic_of(&bin.relation).to_owned();
        }
        Ok(Contents {
            warehouse: public_url(self),
            version: dataset.version(),
            seed: self.project.integer("seed"),
            size,
            targets: self.project.value("targets").and_then(toml::Value::as_table).cloned().unwrap_or_default(),
            counts: counts.into_iter().map(|count| count.with_words(topics)).collect(),
            bins,
            flows: self.flows().await?,
            lost,
            diversity: diversity::measure(&rows(&context, &diversity_query(samples)).await?),
            cards: gallery::cards(&context, rows(&context, include_str!("gallery.sql")).await?).await?,
        })
    }

    /// What the last commit of each table counted, in the order in which tables are made.
    async fn flows(&self) -> Result<Vec<StageFlow>> {
        let mut flows = Vec::new();
        for name in IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str)) {
            if let Some(table) = self.warehouse.table(name).await? {
                flows.extend(flow_of(&table).await?);
            }
        }
        Ok(flows)
    }
}

/// Everything that the page shows.
#[derive(Debug, Default)]
struct Contents {
    warehouse: String,
    version: u64,
    seed: i64,
    size: DatasetSize,
    /// `[balance.targets]` of mill.toml.
    targets: toml::Table,
    counts: Vec<shares::SampleCount>,
    bins: Vec<plots::Bin>,
    flows: Vec<StageFlow>,
    lost: Vec<QuarantineCount>,
    diversity: Vec<diversity::Diversity>,
    cards: Vec<card::Card>,
}

#[derive(Debug, Default, Deserialize)]
struct DatasetSize {
    samples: u64,
    questions: u64,
    frames: u64,
}

/// What a table's last counted commit did.
#[derive(Debug, Default)]
struct StageFlow {
    table: String,
    version: u64,
    /// ISO 8601, UTC.
    at: String,
    rows: u64,
    rows_in: u64,
    rows_out: u64,
    filtered: Vec<FilterCount>,
    quarantined: Vec<FilterCount>,
}

#[derive(Debug, Default, Deserialize)]
struct FilterCount {
    reason: String,
    n: u64,
}

/// A kind of loss.
#[derive(Debug, Default, Deserialize)]
struct QuarantineCount {
    stage: String,
    source: String,
    code: String,
    n: u64,
    example: String,
    message: String,
}

async fn flow_of(table: &Table) -> Result<Option<StageFlow>> {
    let history = table.history(LOOK_BACK).await?;
    let Some(entry) = history.into_iter().find(|entry| entry.info.contains_key("rows_in")) else { return Ok(None) };
    let count = |name: &str| entry.info.get(name).and_then(Value::as_u64).unwrap_or_default();
    // A commit of another version of this program may count in another shape: then there is nothing to show.
    let reasons = |name: &str| -> Vec<FilterCount> {
        let mut reasons: Vec<FilterCount> =
            entry.info.get(name).and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default();
        reasons.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.reason.cmp(&b.reason)));
        reasons
    };
    Ok(Some(StageFlow {
        table: table.name().to_owned(),
        version: entry.version,
        at: iso(entry.at),
        rows: table.rows(),
        rows_in: count("rows_in"),
        rows_out: count("rows_out"),
        filtered: reasons("filtered"),
        quarantined: reasons("quarantined"),
    }))
}

/// The query for texts, of which some thousands are enough to measure.
fn diversity_query(samples: u64) -> String {
    const ENOUGH: f64 = 8_000.0;
    let share = (ENOUGH / samples.max(1) as f64).min(1.0);
    // An id is 128 bits in hexadecimal; `g` is above them all.
    let highest = if share < 1.0 { format!("{:08x}", (share * f64::from(u32::MAX)) as u32) } else { "g".to_owned() };
    include_str!("diversity.sql").replace("HIGHEST", &highest)
}

/// The warehouse's URL without a password, because reports are passed on.
fn public_url(mill: &Mill) -> String {
    let mut url = mill.warehouse.location().url().clone();
    // Fails only for URLs that cannot have either.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.set_query(None);
    url.to_string()
}

/// The rows of one of the report's queries.
async fn rows<T: DeserializeOwned>(context: &SessionContext, sql: &str) -> Result<Vec<T>> {
    read_rows(context.sql(sql).await?).await
}

/// The rows of a frame of data; a few, for all of them are in memory.
async fn read_rows<T: DeserializeOwned>(frame: DataFrame) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    for batch in frame.collect().await? {
        rows.extend(from_arrow::rows(&batch)?);
    }
    Ok(rows)
}
