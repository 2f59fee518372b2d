//! `sheet`: frames and what is known of them, as an image.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Global;
use crate::error::{Error, Result};
use crate::progress::tell_line;
use crate::report::sheet::{FrameSheet, HEIGHTS, PANELS, SampleSheet};
use crate::suggestion::known;

/// Draw a contact sheet: a row a frame with its boxes, masks, depth and objects from above, to see what models and sources say; or a row a sample
///
/// Look at it before you trust what is built from it. A thing has one number and one colour in all panels of its row. Boxes that are on the wrong
/// thing, masks that run out, depth that is flat or upside down, footprints that float apart or pile up: each is seen at a glance, and each makes wrong
/// answers. What is on the left of the photo is on the left from above.
///
/// With --task or --sample a row is a sample: its images in reading order, each with its number and with what the sample draws on it; its scene from above,
/// where it has a world, with the objects that it names, the way of the camera and from where the images were taken; question and answer.
#[derive(Debug, Args)]
#[command(after_long_help = after_help())]
pub struct Sheet {
    /// Where to: a .jpg or .png file. With more frames than a page has rows, sheet.jpg becomes sheet-001.jpg, sheet-002.jpg, ...
    #[arg(long, value_name = "FILE", default_value = "sheet.jpg")]
    out: PathBuf,
    /// Only frames of this [[source]]
    #[arg(long, value_name = "NAME", conflicts_with = "frame")]
    source: Option<String>,
    /// This frame, by its frame_id; may be repeated, and the rows come in that order
    #[arg(long, value_name = "ID")]
    frame: Vec<String>,
    /// Samples of this task, a row each, instead of frames
    #[arg(long, value_name = "NAME", conflicts_with_all = ["frame", "columns"])]
    task: Option<String>,
    /// This sample, by its sample_id or its question_id; may be repeated, and the rows come in that order
    #[arg(long, value_name = "ID", conflicts_with_all = ["frame", "columns", "source", "task"])]
    sample: Vec<String>,
    /// How many frames or samples, where none is named: a fair choice, the same one each time
    #[arg(long, value_name = "N", default_value_t = 12)]
    limit: usize,
    /// Which panels, in which order
    #[arg(long, value_name = "PANELS", value_delimiter = ',', value_parser = PossibleValuesParser::new(PANELS.iter().map(|panel| panel.name)))]
    columns: Vec<String>,
    /// How high a panel is, pixels; of a sample, its scene from above and all of its images together [default: 300; 480 of samples]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(i64::from(*HEIGHTS.start())..=i64::from(*HEIGHTS.end())))]
    height: Option<u32>,
    /// How many frames or samples are on a page [default: 12; 6 of samples]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rows_per_page: Option<u32>,
}

impl Sheet {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if self.limit == 0 && self.frame.is_empty() && self.sample.is_empty() {
            return Err(Error::usage("a sheet of nothing cannot be drawn").hint("`--limit 12`"));
        }
        let project = global.project()?;
        let sources: Vec<&str> = project.sources.iter().map(|source| source.options.name.as_str()).collect();
        self.source.as_ref().map_or(Ok(()), |source| known("source", source, &sources))?;
        if self.task.is_some() || !self.sample.is_empty() {
            let wanted = SampleSheet {
                samples: self.sample,
                source: self.source,
                task: self.task,
                limit: self.limit,
                height: self.height.unwrap_or(480),
                rows_per_page: self.rows_per_page.unwrap_or(6) as usize,
            };
            let mill = global.mill().await?;
            return told(&mill.sheet_of_samples(&self.out, &wanted).await?);
        }
        let panel = |name: &String| PANELS.iter().find(|panel| panel.name == name);
        let panels = match self.columns.is_empty() {
            true => PANELS.iter().collect(),
            false => self.columns.iter().filter_map(panel).collect(),
        };
        let wanted = FrameSheet {
            source: self.source,
            frames: self.frame,
            limit: self.limit,
            panels,
            height: self.height.unwrap_or(300),
            rows_per_page: self.rows_per_page.unwrap_or(12) as usize,
        };
        let mill = global.mill().await?;
        told(&mill.sheet(&self.out, &wanted).await?)
    }
}

fn told(files: &[PathBuf]) -> Result<()> {
    files.iter().for_each(|file| tell_line(format_args!("wrote {}", file.display())));
    Ok(())
}

fn after_help() -> String {
    let mut text = String::from("Panels:\n");
    for panel in PANELS {
        text += &format!("  {:<6} {}\n", panel.name, panel.doc);
    }
    text + "\nBelow a row: the frame, how many things are marked and how many have a place in space, where the camera and the depth image are \
        from (source, fov for a stated field of view, or a model), and how many questions were asked about the frame.\n\n\
        Examples:\n  spatialmill --project my sheet\n  spatialmill --project my sheet --source photos --limit 40 --rows-per-page 10 --out look.jpg\n  \
        spatialmill --project my sheet --frame photos/0042 --columns photo,plan --height 600 --out one.png\n  spatialmill --project my sheet --task relative_direction --limit 6 --out asked.jpg\n"
}
