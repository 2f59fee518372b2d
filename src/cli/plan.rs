//! `plan`: what a build would do, and why.

use clap::Args;

use super::{Global, columns, out};
use crate::error::Result;
use crate::pipeline::Keep;

/// Print the graph of stages, which shards are stale and why, and about how much work they are
#[derive(Debug, Args)]
pub struct Plan {
    /// Also list every stale shard
    #[arg(long)]
    shards: bool,
}

impl Plan {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let snapshot = mill.snapshot().await;
        let mut text = String::from("the graph\n");
        for stage in mill.pipeline.stages.values() {
            let keep = match stage.keep {
                Keep::Table => "stored",
                Keep::Cached => "cached",
                Keep::View => "inlined",
            };
            let reads: Vec<&str> = stage.reads.iter().map(String::as_str).collect();
            text += &format!("  {:<12} ({keep}) reads {}\n", stage.writes, reads.join(", "));
        }
        let (mut rows, mut shards, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        let mut waits_for: Option<&str> = None;
        for source in &mill.project.sources {
            let name = &source.options.name;
            let state = match mill.source_state(&snapshot, source).await {
                Ok(state) => state,
                // What is imported already can still be built.
                Err(error) => {
                    let row = [
                        format!("source {name}"),
                        "?".into(),
                        "?".into(),
                        String::new(),
                        String::new(),
                        error.to_string(),
                    ];
                    rows.push(row.to_vec());
                    continue;
                }
            };
            let why = match (state.stale(), state.changed, state.broken) {
                (0, ..) => "",
                (.., 1..) => "a part of it is missing or damaged",
                (_, 0, _) => "not imported yet",
                (..) => "it changed",
            };
            let row = [format!("source {name}"), state.stale().to_string(), state.fresh().to_string()];
            rows.push(row.into_iter().chain(["", "", why].map(str::to_owned)).collect());
            if state.stale() > 0 {
                waits_for = Some(name);
            }
            asked.extend(state.unsaid.iter().map(|line| vec![name.clone(), line.clone()]));
        }
        for name in &mill.pipeline.order {
            let stage = mill.pipeline.stage(name)?;
            let state = mill.staleness(&snapshot, stage).await?;
            let mut reasons: Vec<&str> = state.stale.iter().map(|s| s.reason).collect();
            reasons.sort_unstable();
            reasons.dedup();
            // What stands now may not stand when a table before it has changed.
            let upstream = waits_for.map(|table| format!("may change with {table}"));
            let why = reasons.into_iter().map(str::to_owned).chain(upstream).collect::<Vec<_>>().join("; ");
            let input_rows: u64 = state.stale.iter().map(|stale| stale.input_rows).sum();
            rows.push(vec![
                name.clone(),
                state.stale.len().to_string(),
                state.fresh.to_string(),
                state.gone.len().to_string(),
                input_rows.to_string(),
                why,
            ]);
            if self.shards {
                shards.extend(state.stale.iter().map(|s| vec![name.clone(), s.shard.clone(), s.reason.to_owned()]));
            }
            if waits_for.is_none() && !(state.stale.is_empty() && state.gone.is_empty()) {
                waits_for = Some(name);
            }
        }
        text += &format!("\n{}", columns(&["table", "stale", "up to date", "gone", "rows to read", "why"], &rows));
        if !shards.is_empty() {
            text += &format!("\n{}", columns(&["table", "shard", "why"], &shards));
        }
        if !asked.is_empty() {
            text += &format!("\n{}", columns(&["source", "what mill.toml does not say"], &asked));
        }
        out(&text)
    }
}
