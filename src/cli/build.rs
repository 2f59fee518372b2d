//! `build`: everything that is stale, up to the dataset.

use clap::Args;
use datafusion::prelude::ident;

use super::{Global, columns, out};
use crate::error::Result;
use crate::progress::tell_line;
use crate::run::Mill;
use crate::run::build::Built;
use crate::run::import::Imported;

/// Import what changed, then make every stale shard of every table up to `dataset`
///
/// Each table changes in one commit, so that readers see whole versions only. A build that is interrupted is taken up by the next one
/// at the shard. Exit code 3: too many rows were quarantined, and nothing of that table was published.
#[derive(Debug, Args)]
#[command(after_long_help = REASONS)]
pub struct Build {
    /// Stop after this table
    #[arg(long, value_name = "TABLE")]
    until: Option<String>,
    /// Do not look at the sources; build from what is imported
    #[arg(long)]
    no_import: bool,
}

/// In the words of the queries, where each is decided.
const REASONS: &str = "\
Why rows are filtered; `doctor --keys` lists the thresholds:

  detected, captioned
    found_twice           the same place was found before, under this name or another
    phrase_*              what the model calls a thing is no short noun phrase, or says where it is
    does_not_fit          the model itself says that the phrase does not fit (verify)
  objects
    crowd                 the region stands for a group
    no_depth, no_pixels, too_few_points, bad_camera
                          nothing to make a place in space from
    no_box3d              the 3D box is missing or is none
    behind_camera         the 3D box reaches behind the camera
  questions, of each thing
    skipped_category      its name says nothing, or it has no end (skip_categories)
    low_score             a model is not sure of it, or of its mask (min_score, min_mask_score)
    occluded              too little of it is seen (min_visibility, min_visibility_size)
    low_lift_quality      its shape or place cannot be trusted (min_lift_quality, min_lift_quality_size)
    truncated             the image cuts it off, so its size is not seen
  questions, of two things
    ambiguous_margin      too close to call (min_gap_*, min_margin_*), or a tie
    overlapping           too much of one is where the other is, in space or in the image (max_overlap_*)
    image_disagrees       the image shows them in the other order
    seen_aslant           the wider one is narrower when one stands before it
    shape_disagrees       the larger one is smaller from its broad side
  questions, of several things
    candidates_unclear    one of the things to be looked for or counted has no place or is unclear in one of these ways
  dataset, of each question in each of the 19 formats
    no_name               a name of its things fits another thing of the image, too, or sounds like the other name
    no_box                too little of a thing is inside the image for a box (min_box_side)
    no_mask               a thing has no mask, or too small a one (min_mask_pixels)
    no_number             a number would not stand on its thing alone (min_number_room)
    not_allowed           the project does not allow the format (allow)
    balanced_out          the mix that `[balance]` wants has less of it";

impl Build {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let imported = if self.no_import { Vec::new() } else { mill.import(&[]).await? };
        // What models were asked is paid for, also where the build ends early.
        let account = || mill.models.account().iter().for_each(|line| tell_line(format_args!("{line}")));
        let built = mill.build(self.until.as_deref()).await.inspect_err(|_| account())?;
        if !imported.is_empty() {
            out(&format!("{}\n", sources(&imported)))?;
        }
        out(&summary(&built))?;
        account();
        let lost = imported
            .iter()
            .map(|i| &i.ledger)
            .chain(built.iter().map(|b| &b.ledger))
            .any(|l| !l.quarantined.is_empty());
        if lost {
            tell_line(format_args!(
                "why rows are quarantined: spatialmill sql -c \"SELECT code, message, count(*) FROM quarantine GROUP BY ALL\""
            ));
        }
        if built.iter().any(|b| b.table == "questions") {
            note_frames_without_objects(&mill).await?;
        }
        Ok(())
    }
}

/// Photos alone give no question: that is said, and not left to be found out.
async fn note_frames_without_objects(mill: &Mill) -> Result<()> {
    let frames = mill.session(&Default::default()).await?.table("frames").await?;
    let all = frames.clone().count().await?;
    let flat = frames.filter(ident("lifted_from").is_null())?.count().await?;
    if flat > 0 && mill.project.text("depth_model").is_empty() {
        tell_line(format_args!(
            "{flat} of {all} frames say nothing about where their objects are in space (no depth, no 3D boxes): nothing is asked about them \
             unless a model tells (`depth_model` under [models])"
        ));
    }
    Ok(())
}

/// One line a source.
pub(super) fn sources(imported: &[Imported]) -> String {
    let rows: Vec<Vec<String>> = imported
        .iter()
        .map(|i| {
            let l = &i.ledger;
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
            let l = &b.ledger;
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
    for b in built.iter().filter(|b| !b.ledger.filtered.is_empty()) {
        let mut reasons: Vec<(&String, &u64)> = b.ledger.filtered.iter().collect();
        reasons.sort_by(|x, y| y.1.cmp(x.1).then(x.0.cmp(y.0)));
        let reasons: Vec<Vec<String>> = reasons.into_iter().map(|(r, n)| vec![r.clone(), n.to_string()]).collect();
        text += &format!("\n{}", columns(&[&format!("filtered from {}", b.table), "rows"], &reasons));
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::project::Project;

    #[test]
    fn every_reason_is_explained() {
        let project = Project::in_memory();
        let judging = ["3_objects", "4_relations", "7_balance"];
        let queries =
            project.queries().iter().filter(|(path, _)| judging.iter().any(|folder| path.starts_with(folder)));
        for (path, text) in queries.filter(|(path, _)| path.ends_with(".sql")) {
            for reason in text.split("THEN '").skip(1).filter_map(|rest| rest.split_once('\'')) {
                assert!(
                    super::REASONS.contains(&format!("    {} ", reason.0)),
                    "{} of {path} is not explained",
                    reason.0
                );
            }
        }
    }
}
