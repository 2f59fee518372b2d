//! Samples on a sheet: each one's images, its scene from above, and its words.
//!
//! ```text
//! ┌────┐┌────┐┌────┐┌────┐ ┌──────────┐
//! │1   ││2   ││3   ││4   │ │          │    images in reading order; the scene, where it has a world
//! └────┘└────┘└────┘└────┘ │  scene   │
//! ┌────┐┌────┐             │          │
//! │5   ││6   │             └──────────┘
//! └────┘└────┘
//! the question with its options, the answer, and what else is known of the sample
//! ```
//!
//! One image at a time is in memory at its full size, and one page.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::common::ParamValues;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use spatialmill_columns::types::EncodedMask;
use spatialmill_drawing::{Board, BoardError};
use spatialmill_geometry::colour::{Colour, PALETTE};

use super::layout::{PanelSlot, wrapped};
use super::scene::Scene;
use super::scene_plan::{self, NamedObject};
use super::strip::{StripImage, Wrapping};
use super::{LONGEST_SIDE, asked, cannot_draw, encoded, format_of, numbered, put};
use crate::error::{Context, Error, Result};
use crate::marked_image::{SourceImage, marks_on};
use crate::report::number::number;
use crate::report::read_rows;
use crate::run::Mill;
use crate::suggestion::known;
use crate::tables::{Box2, MarkRecipe};

/// Which samples are on a sheet.
pub struct SampleSheet {
    /// These and no others, by sample_id or question_id, where any are named.
    pub samples: Vec<String>,
    /// Samples of one source; of all where none is named.
    pub source: Option<String>,
    /// Samples of one task; of all where none is named.
    pub task: Option<String>,
    pub limit: usize,
    /// Of the scene from above, and of the images together, pixels.
    pub height: u32,
    pub rows_per_page: usize,
}

const MARGIN: u32 = 14;
const GAP: u32 = 10;
const PAPER: [u8; 3] = [255; 3];
const WORDS: [u8; 3] = [30, 33, 38];
const GOOD: [u8; 3] = [16, 112, 62];
const FAINT: [u8; 3] = [105, 110, 118];

/// Images that are decoded at the same time.
const AT_ONCE: usize = 2;

/// Scenes that are held: samples of one scene are not next to each other.
const SCENES: usize = 64;

#[derive(Deserialize)]
struct Id {
    sample_id: String,
}

#[derive(Deserialize)]
struct TaskName {
    task: String,
}

/// A row of `sample.sql`.
#[derive(Debug, Clone, Default, Deserialize)]
struct SampleRow {
    sample_id: String,
    source: String,
    scene_id: Option<String>,
    frame_ids: Vec<String>,
    task: String,
    relation: String,
    answer_form: String,
    text_format: String,
    image_format: String,
    question: String,
    answer: String,
    object_ids: Vec<String>,
    marks: Vec<MarkRecipe>,
    margin: f64,
}

/// A row of `sample_images.sql`.
#[derive(Debug, Deserialize)]
struct ImageRow {
    image: usize,
    frame_id: String,
    uri: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    object_id: Option<String>,
    category: Option<String>,
    #[serde(rename = "box")]
    area: Option<Box2>,
    mask: Option<EncodedMask>,
}

impl Mill {
    /// Draws samples to a file, or to several numbered ones where there are more than a page has, and says which.
    pub async fn sheet_of_samples(&self, file: &Path, wanted: &SampleSheet) -> Result<Vec<PathBuf>> {
        let format = format_of(file)?;
        let context = self.session(&Default::default()).await?;
        let ids = picked(&context, wanted).await?;
        let mut scenes = Scenes::default();
        let mut written = Vec::new();
        let pages = ids.chunks(wanted.rows_per_page.max(1));
        let count = pages.len();
        for (at, ids) in pages.enumerate() {
            let mut blocks = Vec::with_capacity(ids.len());
            for id in ids {
                blocks.push(block(&context, id, &mut scenes, wanted.height).await?);
            }
            let name = if count == 1 { file.to_owned() } else { numbered(file, at + 1) };
            let bytes = tokio::task::spawn_blocking(move || page(&blocks).and_then(|board| encoded(&board, format)));
            put(&name, bytes.await.or_internal(cannot_draw)??).await?;
            written.push(name);
        }
        Ok(written)
    }
}

/// The sample_ids of what is shown.
async fn picked(context: &SessionContext, wanted: &SampleSheet) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for id in &wanted.samples {
        let sample: Vec<SampleRow> = asked(context, include_str!("sample.sql"), "sample", id).await?;
        let of_question: Vec<Id> = match sample.is_empty() {
            true => asked(context, include_str!("sample_of.sql"), "question", id).await?,
            false => Vec::new(),
        };
        let own = sample.into_iter().map(|row| row.sample_id).chain(of_question.into_iter().map(|row| row.sample_id));
        let missing = || {
            Error::usage("there is no such sample")
                .with("sample", id)
                .hint("`spatialmill slice --limit 20` shows some that there are; a question_id names its first sample")
        };
        found.push(own.into_iter().next().ok_or_else(missing)?);
    }
    if !wanted.samples.is_empty() {
        return Ok(found);
    }
    if let Some(task) = &wanted.task {
        let tasks: Vec<TaskName> =
            read_rows(context.sql("SELECT DISTINCT task FROM dataset ORDER BY task").await?).await?;
        let tasks: Vec<&str> = tasks.iter().map(|row| row.task.as_str()).collect();
        if !tasks.is_empty() {
            known("task of the dataset", task, &tasks)?;
        }
    }
    let of = |value: &Option<String>| ScalarValue::from(value.as_deref().unwrap_or_default());
    let values = vec![("source".to_owned(), of(&wanted.source)), ("task".to_owned(), of(&wanted.task))];
    let rows = context.sql(include_str!("picked_samples.sql")).await?.with_param_values(ParamValues::from(values))?;
    let ids: Vec<Id> = read_rows(rows.limit(0, Some(wanted.limit))?).await?;
    if ids.is_empty() {
        return Err(Error::input("there is no sample to show")
            .hint("`spatialmill build` makes samples; `spatialmill sql 'SELECT source, task, count(*) FROM dataset GROUP BY 1, 2'` counts them"));
    }
    Ok(ids.into_iter().map(|id| id.sample_id).collect())
}

/// Scenes that were read.
#[derive(Default)]
pub struct Scenes(HashMap<String, Option<Arc<Scene>>>);

impl Scenes {
    /// A scene; none where it has no world.
    pub async fn get(&mut self, context: &SessionContext, scene_id: &str) -> Result<Option<Arc<Scene>>> {
        if let Some(scene) = self.0.get(scene_id) {
            return Ok(scene.clone());
        }
        if self.0.len() >= SCENES {
            self.0.clear();
        }
        let scene = Scene::open(context, scene_id).await?.map(Arc::new);
        self.0.insert(scene_id.to_owned(), scene.clone());
        Ok(scene)
    }
}

/// The objects of a sample as people see them: the number that is drawn on one where any has one, else its place among them; the colour that it is
/// marked in, else one that no other has. A category is that of its scene or of an image.
pub fn named_objects(
    object_ids: &[String],
    marks: &[MarkRecipe],
    category: impl Fn(&str) -> Option<String>,
) -> Vec<NamedObject> {
    let mark_of = |id: &String, kind: Option<&str>| {
        marks.iter().find(|mark| mark.object_id == *id && kind.is_none_or(|kind| mark.kind == kind))
    };
    let is_numbered = marks.iter().any(|mark| mark.kind == "number");
    let taken: Vec<Colour> = marks.iter().filter_map(|mark| Colour::named(&mark.colour)).collect();
    let mut free: Vec<Colour> = PALETTE.into_iter().filter(|colour| !taken.contains(colour)).collect();
    if free.is_empty() {
        free = PALETTE.to_vec();
    }
    let mut free = free.into_iter().cycle();
    let named = |(place, id): (usize, &String)| {
        let drawn = mark_of(id, Some("number")).and_then(|mark| mark.label.clone());
        let number = if is_numbered { drawn } else { Some((place + 1).to_string()) };
        let own = mark_of(id, None).and_then(|mark| Colour::named(&mark.colour));
        let colour = own.or_else(|| free.next()).unwrap_or(PALETTE[0]);
        NamedObject { object_id: id.clone(), category: category(id).unwrap_or_default(), number, colour }
    };
    object_ids.iter().enumerate().map(named).collect()
}

/// A sample, drawn.
struct SampleBlock {
    row: SampleRow,
    wrapping: Wrapping,
    images: Vec<Board>,
    scene: Option<Board>,
    /// Of the scene and of the images together.
    height: u32,
}

/// What images and scene may take of a page.
fn widths(height: u32) -> (u32, u32) {
    (height * 8 / 3, PanelSlot::of_height(height).width)
}

async fn block(context: &SessionContext, sample_id: &str, scenes: &mut Scenes, height: u32) -> Result<SampleBlock> {
    let rows: Vec<SampleRow> = asked(context, include_str!("sample.sql"), "sample", sample_id).await?;
    let row = rows.into_iter().next().ok_or_else(|| Error::input("a sample is gone").with("sample", sample_id))?;
    let images: Vec<ImageRow> = asked(context, include_str!("sample_images.sql"), "sample", sample_id).await?;
    let scene = match &row.scene_id {
        Some(scene_id) => scenes.get(context, scene_id).await?,
        None => None,
    };
    let category = |id: &str| {
        let placed = scene.iter().flat_map(|scene| &scene.objects).find(|object| object.object_id == id);
        let seen = || images.iter().find(|row| row.object_id.as_deref() == Some(id))?.category.clone();
        placed.map(|object| object.category.clone()).or_else(seen)
    };
    let named = named_objects(&row.object_ids, &row.marks, category);
    let (strip, beside) = widths(height);
    let area = if scene.is_some() { strip } else { strip + GAP + beside };
    let shape = images.iter().find_map(|row| Some((row.width?, row.height?))).unwrap_or((4, 3));
    let wrapping = Wrapping::within(row.frame_ids.len(), shape, (area, height));
    let small = gathered(&row, images)?
        .into_iter()
        .zip(1..)
        .map(|(image, number)| image.small(number, named.clone(), wrapping.slot));
    let images = stream::iter(small).buffered(AT_ONCE).try_collect().await.or_internal(cannot_draw)?;
    let shown = row.frame_ids.clone();
    let scene = match scene {
        Some(scene) => {
            let slot = PanelSlot::of_height(height);
            let drawn = tokio::task::spawn_blocking(move || scene_plan::panel(&scene, &named, &shown, slot));
            Some(drawn.await.or_internal(cannot_draw)?.or_internal(cannot_draw)?)
        }
        None => None,
    };
    Ok(SampleBlock { row, wrapping, images, scene, height })
}

/// The rows of a sample's images, one after the other, as its images.
fn gathered(sample: &SampleRow, rows: Vec<ImageRow>) -> Result<Vec<StripImage>> {
    let mut images: Vec<StripImage> = Vec::new();
    for row in rows {
        while images.len() <= row.image {
            let frame = SourceImage {
                frame_id: row.frame_id.clone(),
                uri: row.uri.clone().unwrap_or_default(),
                sha256: None,
                width: row.width.unwrap_or_default(),
                height: row.height.unwrap_or_default(),
            };
            let marks = marks_on(&sample.marks, images.len());
            images.push(StripImage { frame, marks, seen: Vec::new(), masks: BTreeMap::new() });
        }
        let (Some(image), Some(id), Some(area)) = (images.get_mut(row.image), row.object_id, row.area) else {
            continue;
        };
        if let Some(place) = sample.object_ids.iter().position(|own| *own == id) {
            image.seen.push((place, area.into()));
        }
        if let Some(mask) = &row.mask
            && image.marks.iter().any(|mark| mark.kind == "mask")
        {
            let mask = mask.decode();
            image.masks.insert(id.clone(), mask.or_input(|| format!("the mask of the object `{id}` cannot be read"))?);
        }
    }
    Ok(images)
}

/// A line of words on a page.
struct WordLine {
    text: String,
    size: f64,
    ink: [u8; 3],
}

impl SampleBlock {
    fn words(&self, width: u32) -> Vec<WordLine> {
        let row = &self.row;
        let size = (f64::from(self.height) / 26.0).clamp(13.0, 20.0);
        let places = match row.frame_ids.len() {
            1 => "1 image".to_owned(),
            n => format!("{n} images"),
        };
        let scene = row.scene_id.clone().unwrap_or_default();
        let known = [
            row.task.clone(),
            row.relation.clone(),
            row.answer_form.clone(),
            format!("{} text, {} image", row.text_format, row.image_format),
            places,
            if scene.is_empty() { row.source.clone() } else { scene },
            format!("margin {}", number(row.margin)),
            row.sample_id.clone(),
        ];
        let said = [
            (readable(&row.question), 1.0, WORDS),
            (readable(&row.answer), 1.0, GOOD),
            (known.join("   ·   "), 0.75, FAINT),
        ];
        let lines = |(text, part, ink): (String, f64, [u8; 3])| -> Vec<WordLine> {
            let size = size * part;
            let own = text.lines().flat_map(|line| wrapped(line, size, f64::from(width))).collect::<Vec<_>>();
            own.into_iter().map(|text| WordLine { text, size, ink }).collect()
        };
        said.into_iter().flat_map(lines).collect()
    }

    /// Of everything but the words.
    fn picture_height(&self) -> u32 {
        self.wrapping.size().1.max(if self.scene.is_some() { self.height } else { 0 })
    }

    fn size(&self, width: u32) -> u32 {
        let words: f64 = self.words(width).iter().map(|line| 1.3 * line.size).sum();
        self.picture_height() + GAP + words.ceil() as u32
    }

    fn draw(&self, page: &mut Board, top: u32, width: u32) {
        for (at, image) in self.images.iter().enumerate() {
            let (x, y) = self.wrapping.place(at);
            page.place(image, (MARGIN + x, top + y));
        }
        if let Some(scene) = &self.scene {
            page.place(scene, (MARGIN + self.wrapping.size().0 + GAP, top));
        }
        let mut baseline = f64::from(top + self.picture_height() + GAP);
        for WordLine { text, size, ink } in self.words(width) {
            page.write(&text, (f64::from(MARGIN), baseline + 0.9 * size), size, ink);
            baseline += 1.3 * size;
        }
    }
}

/// A text of the dataset without its markup.
fn readable(text: &str) -> String {
    text.replace("<ref>", "").replace("</ref>", "").replace("<box>", " [box ").replace("</box>", "]")
}

/// Samples below each other.
fn page(blocks: &[SampleBlock]) -> Result<Board> {
    let height = blocks.first().map_or(1, |block| block.height);
    let (strip, beside) = widths(height);
    let width = strip + GAP + beside;
    let between = 2 * MARGIN;
    let tall = blocks.iter().map(|block| block.size(width) + between).sum::<u32>();
    let (wide, tall) = (width + 2 * MARGIN, tall + MARGIN);
    if wide.max(tall) > LONGEST_SIDE {
        return Err(Error::usage("a page would be too large to look at")
            .with("pixels", format!("{wide}x{tall}"))
            .hint("`--rows-per-page` and `--height` make it smaller"));
    }
    let draw = || -> Result<Board, BoardError> {
        let mut page = Board::new(wide, tall, PAPER)?;
        let mut top = MARGIN;
        for block in blocks {
            block.draw(&mut page, top, width);
            top += block.size(width) + between;
        }
        Ok(page)
    };
    draw().or_internal(cannot_draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(id: &str, kind: &str, colour: &str, label: Option<&str>) -> MarkRecipe {
        MarkRecipe {
            object_id: id.into(),
            kind: kind.into(),
            colour: colour.into(),
            label: label.map(str::to_owned),
            ..MarkRecipe::default()
        }
    }

    #[test]
    fn objects_have_the_numbers_and_colours_that_are_drawn_on_them() {
        let ids = ["a", "b", "c"].map(str::to_owned);
        let category = |id: &str| Some(format!("thing {id}"));
        let plain = named_objects(&ids, &[], category);
        assert_eq!(plain.iter().map(NamedObject::label).collect::<Vec<_>>(), ["1 thing a", "2 thing b", "3 thing c"]);
        assert!(plain[0].colour != plain[1].colour && plain[1].colour != plain[2].colour);
        let marks = [mark("b", "number", "red", Some("1")), mark("a", "number", "blue", Some("2"))];
        let drawn = named_objects(&ids, &marks, category);
        assert_eq!(drawn.iter().map(NamedObject::label).collect::<Vec<_>>(), ["2 thing a", "1 thing b", "thing c"]);
        assert_eq!((drawn[0].colour.name(), drawn[1].colour.name()), ("blue", "red"));
        assert!(!["blue", "red"].contains(&drawn[2].colour.name()));
        assert!(named_objects(&[], &[], category).is_empty());
    }

    #[test]
    fn markup_is_no_text() {
        assert_eq!(readable("Is <ref>the cup</ref><box>1</box> left?"), "Is the cup [box 1] left?");
    }

    #[test]
    fn blocks_of_any_number_of_images_are_drawn_below_each_other() {
        let block = |images: usize| {
            let wrapping = Wrapping::within(images, (640, 480), (320, 120));
            let images = (0..images).map(|_| Board::new(wrapping.slot.width, wrapping.slot.height, [9; 3]).unwrap());
            let row =
                SampleRow { question: "How far?\nA. 1 m\nB. 2 m".into(), answer: "B".into(), ..SampleRow::default() };
            SampleBlock { row, images: images.collect(), wrapping, scene: None, height: 120 }
        };
        let (one, many) = (block(1), block(32));
        let width = widths(120).0 + GAP + widths(120).1;
        assert_eq!(one.words(width).len(), 5);
        let drawn = page(&[block(1), block(32)]).unwrap();
        assert_eq!(drawn.height(), one.size(width) + many.size(width) + 5 * MARGIN);
        assert_eq!(drawn.at(MARGIN + 5, MARGIN + 5), Some([9; 3]));
        let second = MARGIN + one.size(width) + 2 * MARGIN;
        assert_eq!((drawn.at(MARGIN + 5, second + 5), drawn.at(MARGIN + 5, second - 5)), (Some([9; 3]), Some(PAPER)));
        let too_many: Vec<SampleBlock> = (0..400).map(|_| block(1)).collect();
        assert!(page(&too_many).unwrap_err().to_string().contains("too large"));
    }
}
