//! `build`: everything that is stale, up to the dataset.

use std::time::Instant;

use clap::Args;

use super::{Global, columns, out};
use crate::error::{Kind, Result};
use crate::pipeline::filter_reasons;
use crate::process_memory;
use crate::progress::tell_line;
use crate::run::Mill;
use crate::run::build::Built;
use crate::run::import::Imported;
use crate::run::parallel::BuildPart;
use crate::run::snapshot::Snapshot;

/// Import what changed, then make every stale shard of every table up to `dataset`
///
/// Each table changes in one commit, so that readers see whole versions only. A build that is interrupted is taken up by the next one
/// at the shard. What is missing from a table, or was found damaged by `verify` or while it was read, is made again; in a bucket, what is
/// missing is found so, too. Exit code 3: too many rows were quarantined, and nothing of that table was published.
#[derive(Debug, Args)]
#[command(after_long_help = filter_reasons::help())]
pub struct Build {
    /// Stop after this table
    #[arg(long, value_name = "TABLE")]
    until: Option<String>,
    /// Do not look at the sources; build from what is imported
    #[arg(long)]
    no_import: bool,
    /// One build by n processes, on any machines: start it n times with the same flags, 0/n to (n-1)/n. They share the project's files, sources and the
    /// warehouse; each makes its own shards, part 0 commits. A process that was killed is started again with the same command.
    /// Slurm: `sbatch --array=0-63 --wrap 'spatialmill --project DIR build --part $SLURM_ARRAY_TASK_ID/64'`. Kubernetes: an indexed Job
    /// (completionMode: Indexed, backoffLimitPerIndex: 3) with `build --part $JOB_COMPLETION_INDEX/64`. See `part_timeout` under [build]
    #[arg(long, value_name = "I/N", conflicts_with = "force")]
    part: Option<BuildPart>,
    /// Make this again although nothing changed: a table (`objects`), a source (`rooms`), a scene (`rooms/room-0001`), a shard of all
    /// tables (`rooms/rooms-0000`) or of one (`objects/rooms/rooms-0000`); may be given several times
    #[arg(long, value_name = "NAME")]
    force: Vec<String>,
}

impl Build {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let began = Instant::now();
        let mut mill = global.mill().await?;
        // Before the import, which may take hours.
        self.until.as_deref().map_or(Ok(()), |table| mill.pipeline.check_built(table))?;
        mill.force(&self.force).await?;
        let mut snapshot = mill.snapshot().await;
        let (imported, built) = match self.make(&mill, &snapshot).await {
            // One damaged part is seldom alone: all are looked at before they are made again.
            Err(error) if error.kind() == Kind::Damaged && self.part.is_none() => {
                tell_line(format_args!("{error}; looking for what else is damaged, then making it again"));
                mill.mark_damaged().await?;
                snapshot = mill.snapshot().await;
                self.make(&mill, &snapshot).await?
            }
            outcome => outcome?,
        };
        if !imported.is_empty() {
            out(&format!("{}\n", sources(&imported)))?;
            ask(&imported);
        }
        out(&summary(&built))?;
        account(&mill);
        let lost = imported
            .iter()
            .map(|i| &i.counts)
            .chain(built.iter().map(|b| &b.counts))
            .any(|l| !l.quarantined.is_empty());
        if lost {
            let why = mill.project.command("sql \"SELECT code, message, count(*) FROM quarantine GROUP BY ALL\"");
            tell_line(format_args!("why rows are quarantined: {why}"));
        }
        if built.iter().any(|b| b.table == "dataset") && self.part.is_none_or(BuildPart::is_driver) {
            for line in mill.shortfall(&snapshot).await? {
                tell_line(format_args!("{line}"));
            }
        }
        let memory =
            process_memory::peak().map_or_else(String::new, |peak| format!(", {} MiB of memory at most", peak >> 20));
        tell_line(format_args!("built in {:.1} s{memory}", began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn make(&self, mill: &Mill, snapshot: &Snapshot) -> Result<(Vec<Imported>, Vec<Built>)> {
        if let Some(part) = self.part {
            let made = mill.build_part(snapshot, part, !self.no_import, self.until.as_deref()).await;
            let made = made.inspect_err(|_| account(mill))?;
            if part.is_driver() {
                tell_benchmarks(mill, snapshot).await?;
            }
            return Ok(made);
        }
        let imported = if self.no_import { Vec::new() } else { mill.import_over(snapshot, &[]).await? };
        tell_benchmarks(mill, snapshot).await?;
        let built = mill.build_over(snapshot, self.until.as_deref()).await.inspect_err(|_| account(mill))?;
        Ok((imported, built))
    }
}

/// What models were asked is paid for, also where the build ends early.
fn account(mill: &Mill) {
    mill.models.account().iter().for_each(|line| tell_line(format_args!("{line}")));
}

/// What only the project's author can say of a source.
pub(super) fn ask(imported: &[Imported]) {
    for (source, line) in imported.iter().flat_map(|i| i.unsaid.iter().map(move |line| (&i.source, line))) {
        tell_line(format_args!("source {source}: {line}"));
    }
}

/// What the lists of benchmarks keep out, and what they do not: a line that matches nothing may be misspelt, and then what it means is trained
/// on; one that matches more than was meant costs photos.
pub(super) async fn tell_benchmarks(mill: &Mill, snapshot: &Snapshot) -> Result<()> {
    for outcome in mill.benchmarks_over(snapshot).await?.into_iter().flatten() {
        tell_line(format_args!("{}", outcome.effect()));
        if let Some(complaint) = outcome.complaint() {
            tell_line(format_args!("{complaint}"));
        }
    }
    Ok(())
}

/// One line a source.
pub(super) fn sources(imported: &[Imported]) -> String {
    let rows: Vec<Vec<String>> = imported
        .iter()
        .map(|i| {
            let l = &i.counts;
            let left_out: u64 = l.filtered.values().sum();
            let numbers = [i.read as u64, i.fresh as u64, l.rows_in, l.rows_out, left_out, l.rows_quarantined()];
            std::iter::once(i.source.clone()).chain(numbers.map(|n| n.to_string())).collect()
        })
        .collect();
    let heading =
        ["source", "shards read", "up to date", "records in", "rows out", "on a benchmark's list", "quarantined"];
    columns(&heading, &rows)
}

/// One line a table, then why rows did not go on.
pub(super) fn summary(built: &[Built]) -> String {
    let rows: Vec<Vec<String>> = built
        .iter()
        .map(|b| {
            let l = &b.counts;
            let filtered: u64 = l.filtered.values().sum();
            [
                b.table.clone(),
                b.version.to_string(),
                b.made.to_string(),
                b.fresh.to_string(),
                l.rows_in.to_string(),
                l.rows_out.to_string(),
                filtered.to_string(),
                l.rows_quarantined().to_string(),
            ]
            .to_vec()
        })
        .collect();
    let heading = ["table", "version", "made", "up to date", "rows in", "rows out", "filtered", "quarantined"];
    let mut text = columns(&heading, &rows);
    for b in built.iter().filter(|b| !b.counts.filtered.is_empty()) {
        let mut reasons: Vec<(&String, &u64)> = b.counts.filtered.iter().collect();
        reasons.sort_by(|x, y| y.1.cmp(x.1).then(x.0.cmp(y.0)));
        let reasons: Vec<Vec<String>> = reasons.into_iter().map(|(r, n)| vec![r.clone(), n.to_string()]).collect();
        text += &format!("\n{}", columns(&[&format!("filtered from {}", b.table), "rows"], &reasons));
    }
    text
}
