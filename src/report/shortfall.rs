//! The shortfall: why a dataset has no samples, or fewer than frames, and what to do about it.
//!
//! In: what sources, tables and commits say. Out: lines for a person, in the order of the pipeline: what was lost where, how many by which
//! reason, and the key or command that changes it.

use serde::Deserialize;

use super::{FilterCount, QuarantineCount, StageFlow, rows};
use crate::error::Result;
use crate::pipeline::filter_reasons::meaning;
use crate::run::Mill;
use crate::run::snapshot::Snapshot;

/// So many reasons of a stage are named: what comes after them explains little.
const REASONS_NAMED: usize = 3;

/// What the frames of a source have of what questions are made of.
#[derive(Debug, Default, Deserialize)]
struct SourceCoverage {
    source: String,
    frames: u64,
    /// Frames that say nothing about where things are in space.
    flat: u64,
    /// Frames on which nothing is marked.
    unmarked: u64,
    things: u64,
    /// Marked things on frames with depth that have a box and no mask.
    unmasked: u64,
}

impl Mill {
    /// Why there are few samples; nothing where there are as many as frames.
    pub async fn shortfall(&self, snapshot: &Snapshot) -> Result<Vec<String>> {
        let stored =
            async |name: &str| -> Result<u64> { Ok(snapshot.table(name).await?.map_or(0, |table| table.rows())) };
        let (samples, frames) = (stored("dataset").await?, stored("frames").await?);
        if samples > 0 && samples >= frames {
            return Ok(Vec::new());
        }
        let mut lines = vec![format!("the dataset has {samples} samples of {frames} frames. Where they were lost:")];
        if self.project.sources.is_empty() {
            lines.push("  mill.toml names no source: `spatialmill import --kind all` lists what can be read, `--kind NAME` shows its [[source]]".to_owned());
            return Ok(lines);
        }
        let context = self.session(&Default::default()).await?;
        let marked: Vec<SourceCoverage> = rows(&context, include_str!("marked.sql")).await?;
        let lost: Vec<QuarantineCount> = rows(&context, include_str!("quarantined.sql")).await?;
        for source in &self.project.sources {
            let name = &source.options.name;
            lost.iter().filter(|lost| lost.source == *name).for_each(|lost| lines.push(quarantined(lost)));
            match marked.iter().find(|marked| marked.source == *name) {
                None => {
                    let again = self.project.command(&format!("import {name}"));
                    lines.push(format!(
                        "  source `{name}` gave no frame (root `{}`); `{again}` reads it again",
                        source.root
                    ));
                }
                Some(marked) => lines.extend(self.lacking(marked, &source.kind)),
            }
        }
        lines.extend(self.flows().await?.iter().flat_map(filtered));
        let more = self.project.command("report");
        lines.push(format!("  `{more}` draws all of it; `spatialmill build --help` explains every reason"));
        Ok(lines)
    }

    /// What a source's frames lack, with the key that names a model for it.
    fn lacking(&self, marked: &SourceCoverage, kind: &str) -> Vec<String> {
        let SourceCoverage { source, frames, flat, unmarked, things, unmasked } = marked;
        let none = |key: &str| self.project.text(key).is_empty();
        let name_one = |key: &str| {
            format!("name a `{key}` under [models] (`spatialmill models --family all` lists what can be read)")
        };
        let mut lines = Vec::new();
        if *unmarked > 0 && none("detect_model") {
            let own = format!("or bring marks (`spatialmill import --kind {kind}`)");
            lines.push(format!(
                "  source `{source}`: nothing is marked on {unmarked} of {frames} frames: {}, {own}",
                name_one("detect_model")
            ));
        }
        if *flat > 0 && none("depth_model") {
            lines.push(format!(
                "  source `{source}`: {flat} of {frames} frames say nothing about where their things are in space (no depth, scan or 3D boxes): {}",
                name_one("depth_model")
            ));
        }
        if *unmasked > 0 && none("segment_model") {
            lines.push(format!(
                "  source `{source}`: {unmasked} of {things} things have boxes and no masks: {}",
                name_one("segment_model")
            ));
        }
        lines
    }
}

fn quarantined(lost: &QuarantineCount) -> String {
    let QuarantineCount { stage, source, code, n, message, .. } = lost;
    format!("  source `{source}`: {n} rows of {stage} quarantined as `{code}`: {message}")
}

/// The reasons that took most of a table's rows.
fn filtered(flow: &StageFlow) -> Option<String> {
    let lost: u64 = flow.filtered.iter().map(|reason| reason.n).sum();
    if lost == 0 {
        return None;
    }
    let said = |FilterCount { reason, n }: &FilterCount| match meaning(reason) {
        Some(meaning) => format!("{n} {reason}: {meaning}"),
        None => format!("{n} {reason}"),
    };
    let most: Vec<String> = flow.filtered.iter().take(REASONS_NAMED).map(said).collect();
    Some(format!("  {}: {lost} of {} rows were filtered: {}", flow.table, flow.rows_in, most.join("; ")))
}
