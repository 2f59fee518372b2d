//! The contact sheet: what models and sources say of a few frames, or a few samples with their images and scenes, for people to look at.
//!
//! ```text
//!  picked.sql, or --frame ─► ids ─► a frame at a time: frame.sql, things.sql, its image, its depth image
//!                                        │
//!                                      shot ─► panels (photo, masks, depth, plan) ─► a row of a page ─► sheet-001.jpg
//!  picked_samples.sql, or --sample ─► ids ─► a sample at a time: strip of its images, scene from above, words ─► a row of a page
//! ```
//!
//! One frame and one page are in memory at a time. What a frame lacks is said in words on its panel and fails nothing.

mod depth;
mod layout;
mod photo;
mod plan;
mod samples;
mod scene;
mod scene_plan;
mod shot;
mod strip;

use std::path::{Path, PathBuf};

use datafusion::common::ParamValues;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spatialmill_drawing::{Board, BoardError};

use self::layout::{Page, PanelSlot};
pub use self::samples::SampleSheet;
pub(super) use self::samples::{Scenes, named_objects};
pub(super) use self::scene_plan::NamedObject;
use self::shot::{FrameRow, SheetFrame, ThingRow};
use super::read_rows;
use crate::error::{Context, Error, Result};
use crate::run::Mill;

/// A column of the sheet.
pub struct Panel {
    pub name: &'static str,
    pub doc: &'static str,
    title: &'static str,
    draw: fn(&SheetFrame, PanelSlot) -> Result<Board, BoardError>,
}

/// Those there are, in the order in which they stand.
pub const PANELS: &[Panel] = &[
    Panel {
        name: "photo",
        doc: "the image with each thing's 2D box, number, category and, where a model found it, score",
        title: "image: boxes",
        draw: photo::boxes,
    },
    Panel {
        name: "masks",
        doc: "the image in grey, each mask in its thing's colour",
        title: "image: masks",
        draw: photo::masks,
    },
    Panel {
        name: "depth",
        doc: "the depth image: light is near, dark is far, grey is no reading",
        title: "depth: light is near",
        draw: depth::panel,
    },
    Panel {
        name: "plan",
        doc: "from above: footprints in view space, the camera at the bottom between the borders of its view, beside each number its lift_quality where that is below 1; dashed below min_lift_quality",
        title: "from above: number, lift quality; dashed is not asked about",
        draw: plan::panel,
    },
];

/// What is on a sheet.
pub struct FrameSheet {
    /// The frames of one source; of all where none is named.
    pub source: Option<String>,
    /// These frames and no others, where any are named.
    pub frames: Vec<String>,
    pub limit: usize,
    pub panels: Vec<&'static Panel>,
    /// Of a panel, pixels.
    pub height: u32,
    pub rows_per_page: usize,
}

/// Panels that are lower say nothing; higher ones are the photos themselves.
pub const HEIGHTS: std::ops::RangeInclusive<u32> = 120..=1200;

/// JPEG ends at 65,535 pixels; programs that show images end earlier.
const LONGEST_SIDE: u32 = 30_000;

/// What a file's name may end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetFormat {
    Jpeg,
    Png,
}

#[derive(Deserialize)]
struct Id {
    frame_id: String,
}

impl Mill {
    /// Draws a contact sheet to a file, or to several numbered ones where it has more rows than a page, and says which.
    pub async fn sheet(&self, file: &Path, wanted: &FrameSheet) -> Result<Vec<PathBuf>> {
        let format = format_of(file)?;
        let context = self.session(&Default::default()).await?;
        let frames = frames(&context, wanted).await?;
        let slot = PanelSlot::of_height(wanted.height);
        let mut written = Vec::new();
        let pages = frames.chunks(wanted.rows_per_page.max(1));
        let count = pages.len();
        for (number, frames) in pages.enumerate() {
            let page = Page { slot, panels: wanted.panels.len() as u32, rows: frames.len() as u32 };
            if page.width().max(page.height()) > LONGEST_SIDE {
                return Err(Error::usage("a page would be too large to look at")
                    .with("pixels", format!("{}x{}", page.width(), page.height()))
                    .hint("`--rows-per-page` and `--height` make it smaller"));
            }
            let titles: Vec<&str> = wanted.panels.iter().map(|panel| panel.title).collect();
            let mut board = page.board(&titles).or_internal(cannot_draw)?;
            for (row, frame_id) in (0..).zip(frames) {
                let shot = self.shot(&context, frame_id).await?;
                let panels = wanted.panels.clone();
                board = tokio::task::spawn_blocking(move || -> Result<Board, BoardError> {
                    let drawn = panels.iter().map(|panel| (panel.draw)(&shot, slot)).collect::<Result<Vec<_>, _>>()?;
                    page.put(&mut board, row, &drawn, &caption(&shot));
                    Ok(board)
                })
                .await
                .or_internal(cannot_draw)?
                .or_internal(cannot_draw)?;
            }
            let name = if count == 1 { file.to_owned() } else { numbered(file, number + 1) };
            let bytes = tokio::task::spawn_blocking(move || encoded(&board, format));
            put(&name, bytes.await.or_internal(cannot_draw)??).await?;
            written.push(name);
        }
        Ok(written)
    }

    async fn shot(&self, context: &SessionContext, frame_id: &str) -> Result<SheetFrame> {
        let frame: Vec<FrameRow> = asked(context, include_str!("frame.sql"), "frame", frame_id).await?;
        let hint = "`spatialmill sql 'SELECT frame_id FROM frames LIMIT 20'` shows some that there are";
        let frame = frame.into_iter().next();
        let frame = frame.ok_or_else(|| Error::usage("there is no such frame").with("frame", frame_id).hint(hint))?;
        let things: Vec<ThingRow> = asked(context, include_str!("things.sql"), "frame", frame_id).await?;
        Ok(SheetFrame::open(frame, things, self.project.number("min_lift_quality")).await)
    }
}

fn encoded(board: &Board, format: SheetFormat) -> Result<Vec<u8>> {
    match format {
        SheetFormat::Jpeg => board.jpeg(),
        SheetFormat::Png => board.png(),
    }
    .or_internal(cannot_draw)
}

async fn put(file: &Path, bytes: Vec<u8>) -> Result<()> {
    tokio::fs::write(file, bytes).await.map_err(|e| {
        Error::input("cannot write the sheet")
            .with("file", file.display())
            .because(e)
            .hint("the folder must exist and be writable")
    })
}

fn cannot_draw() -> String {
    "the sheet cannot be drawn".to_owned()
}

/// The ids of what is shown.
async fn frames(context: &SessionContext, wanted: &FrameSheet) -> Result<Vec<String>> {
    if !wanted.frames.is_empty() {
        return Ok(wanted.frames.clone());
    }
    let source = wanted.source.clone().unwrap_or_default();
    let rows = context.sql(include_str!("picked.sql")).await?.with_param_values(named("source", &source))?;
    let ids: Vec<Id> = read_rows(rows.limit(0, Some(wanted.limit))?).await?;
    if ids.is_empty() {
        let missing = Error::input("there is no frame to show");
        return Err(match &wanted.source {
            Some(source) => missing.with("source", source).hint("`spatialmill status` names the sources"),
            None => missing.hint("`spatialmill import` brings frames, `spatialmill build` what models say of them"),
        });
    }
    Ok(ids.into_iter().map(|id| id.frame_id).collect())
}

/// The rows of a query with one parameter.
async fn asked<T: DeserializeOwned>(context: &SessionContext, sql: &str, name: &str, value: &str) -> Result<Vec<T>> {
    read_rows(context.sql(sql).await?.with_param_values(named(name, value))?).await
}

fn named(name: &str, value: &str) -> ParamValues {
    ParamValues::from(vec![(name.to_owned(), ScalarValue::from(value))])
}

/// A scene from above, that high, with the objects that a sample names and the cameras of its images.
pub(super) fn scene_from_above(
    scene: &scene::Scene,
    named: &[NamedObject],
    shown: &[String],
    height: u32,
) -> Result<Board, BoardError> {
    scene_plan::panel(scene, named, shown, PanelSlot::of_height(height))
}

/// What is said below a row.
fn caption(shot: &SheetFrame) -> String {
    let (things, lifted) = (shot.things.len(), shot.lifted().count());
    let weak = shot.lifted().filter(|(_, _, lifted)| !shot.trusts(lifted)).count();
    let plural = |n: u64, of: &str| if n == 1 { format!("{n} {of}") } else { format!("{n} {of}s") };
    let mut objects = format!("{}, {lifted} in space", plural(things as u64, "object"));
    if weak > 0 {
        objects += &format!(", {weak} below quality {}", shot.least_quality);
    }
    let from = |from: &Option<String>| from.clone().unwrap_or_else(|| "none".to_owned());
    let (camera, depth) = (from(&shot.frame.camera_from), from(&shot.frame.depth_from));
    let questions = plural(shot.frame.questions, "question");
    [&shot.frame.frame_id, &objects, &format!("camera: {camera}"), &format!("depth: {depth}"), &questions]
        .map(String::as_str)
        .join("   ·   ")
}

fn format_of(file: &Path) -> Result<SheetFormat> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("jpg" | "jpeg") => Ok(SheetFormat::Jpeg),
        Some("png") => Ok(SheetFormat::Png),
        _ => Err(Error::usage("a sheet is a JPEG or PNG file").with("file", file.display()).hint("`--out sheet.jpg`")),
    }
}

/// `sheet.jpg` is `sheet-002.jpg` as the second of several.
fn numbered(file: &Path, page: usize) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    file.with_file_name(format!("{}-{page:03}.{}", part(file.file_stem()), part(file.extension())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_have_names_of_their_own() {
        for (at, panel) in PANELS.iter().enumerate() {
            assert!(
                PANELS[..at].iter().all(|other| other.name != panel.name) && !panel.doc.is_empty(),
                "{}",
                panel.name
            );
        }
    }

    #[test]
    fn a_caption_counts() {
        let shot = shot::tests::shot(&[([0.0, 2.0], [1.0, 1.0], 0.9), ([1.0, 3.0], [1.0, 1.0], 0.1)]);
        assert_eq!(
            caption(&shot),
            "s/1   ·   2 objects, 2 in space, 1 below quality 0.3   ·   camera: none   ·   depth: none   ·   0 questions"
        );
    }

    #[test]
    fn names_say_format_and_page() {
        assert_eq!(format_of(Path::new("a/b.JPG")).unwrap(), SheetFormat::Jpeg);
        assert_eq!(format_of(Path::new("b.png")).unwrap(), SheetFormat::Png);
        assert!(format_of(Path::new("sheet.html")).is_err() && format_of(Path::new("sheet")).is_err());
        assert_eq!(numbered(Path::new("out/sheet.jpg"), 2), Path::new("out/sheet-002.jpg"));
    }
}
