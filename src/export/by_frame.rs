//! Images and masks as they are drawn: frame by frame. In: rows of `dataset`, `frames` and `objects`. Out: each frame with the marks of its images.
//!
//! Both come as streams in the order of their frames, so that a frame's image is decoded once and no table is held.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::DataType;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions_nested::expr_fn::{cardinality, range};
use datafusion::prelude::{DataFrame, SessionContext, cast, ident, lit};
use futures::StreamExt;
use serde::Deserialize;
use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::Mask;

use crate::error::{Context, Error, Result};
use crate::marked_image::{DrawnMark, SourceImage, marks_on};
use crate::spill::full;
use crate::tables::{MarkRecipe, from_arrow};

/// Where each frame's image is: on disk in the order of their ids, because every sample needs one of them and there may be more than fit into
/// memory. Of every 64th the id and its place are held.
pub struct FrameIndex {
    file: Mutex<(File, VecDeque<FrameBlock>)>,
    blocks: Vec<(String, u64)>,
}

/// The frames from one that is held to the next, which were read last: samples come by frame.
struct FrameBlock {
    at: usize,
    frames: Vec<SourceImage>,
}

/// Frames of a block: some twenty kilobytes.
const BLOCK: usize = 64;

/// Blocks that are held: one for each image of a sample, and for each worker.
const BLOCKS: usize = 64;

impl FrameIndex {
    /// The frame of this id.
    pub fn get(&self, frame_id: &str) -> Result<SourceImage> {
        let missing = || {
            Error::input("a sample is about a frame that is not in the table `frames`")
                .with("frame", frame_id)
                .hint("`spatialmill build` makes the dataset from what is imported now")
        };
        let at =
            self.blocks.partition_point(|(first, _)| first.as_str() <= frame_id).checked_sub(1).ok_or_else(missing)?;
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, latest) = &mut *guard;
        let block = match latest.iter().position(|block| block.at == at).and_then(|place| latest.remove(place)) {
            Some(block) => block,
            None => FrameBlock { at, frames: self.read(file, at)? },
        };
        let found = block.frames.binary_search_by(|frame| frame.frame_id.as_str().cmp(frame_id));
        let found = found.ok().and_then(|at| block.frames.get(at)).cloned();
        latest.push_front(block);
        latest.truncate(BLOCKS);
        found.ok_or_else(missing)
    }

    fn read(&self, file: &mut File, at: usize) -> Result<Vec<SourceImage>> {
        let lost = || "cannot read a temporary file again".to_owned();
        file.seek(SeekFrom::Start(self.blocks[at].1)).or_input(lost)?;
        let lines = BufReader::new(file).lines().take(BLOCK);
        lines.map(|line| serde_json::from_str(&line.or_input(lost)?).or_internal(lost)).collect()
    }
}

/// Reads the table `frames`.
pub async fn frames(context: &SessionContext) -> Result<FrameIndex> {
    let columns = ["frame_id", "uri", "sha256", "width", "height"];
    let rows = context.table("frames").await?.select(columns.map(ident).to_vec())?;
    let mut stream = rows.sort(vec![ident("frame_id").sort(true, false)])?.execute_stream().await?;
    let mut file = BufWriter::new(tempfile::tempfile().map_err(full)?);
    let (mut blocks, mut n, mut end) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.next().await {
        for frame in from_arrow::rows::<SourceImage>(&batch?)? {
            let mut line = super::to_json(&frame)?;
            line.push('\n');
            file.write_all(line.as_bytes()).map_err(full)?;
            if n % BLOCK == 0 {
                blocks.push((frame.frame_id, end));
            }
            n += 1;
            end += line.len() as u64;
        }
    }
    let file = file.into_inner().map_err(|e| full(e.into_error()))?;
    Ok(FrameIndex { file: Mutex::new((file, VecDeque::new())), blocks })
}

/// The images that are made of one frame: the marks of each.
pub struct FrameImages {
    pub frame_id: String,
    pub marks: Vec<Vec<DrawnMark>>,
}

impl FrameImages {
    /// Whether the masks of its objects are needed.
    pub fn draws_masks(&self) -> bool {
        self.marks.iter().flatten().any(|mark| mark.kind == "mask")
    }
}

/// A frame that a sample shows, with the marks of all of that sample's images.
#[derive(Default, Deserialize)]
struct ShownFrame {
    frame_id: String,
    /// Which of the sample's images it is, from 0.
    image: usize,
    marks: Vec<MarkRecipe>,
}

/// The images of all samples, frame by frame. Images of one frame come as often as samples show them.
pub struct FrameImagesStream {
    rows: SendableRecordBatchStream,
    ready: std::vec::IntoIter<ShownFrame>,
    next: Option<ShownFrame>,
}

impl FrameImagesStream {
    /// Those of rows of `dataset`.
    pub async fn of(samples: DataFrame) -> Result<Self> {
        let count = cast(cardinality(ident("frame_ids")), DataType::Int64);
        let shown = vec![
            ident("frame_ids").alias("frame_id"),
            range(lit(0_i64), count, lit(1_i64)).alias("image"),
            ident("marks"),
        ];
        let shown = samples.select(shown)?.unnest_columns(&["frame_id", "image"])?;
        let rows = shown.sort(vec![ident("frame_id").sort(true, false)])?.execute_stream().await?;
        Ok(Self { rows, ready: Vec::new().into_iter(), next: None })
    }

    /// The next frame's images, each once, and how often samples show one of them.
    pub async fn next(&mut self) -> Result<Option<(FrameImages, u64)>> {
        let Some(first) = self.shown().await? else { return Ok(None) };
        let frame_id = first.frame_id.clone();
        let (mut marks, mut n) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(shown) = next.take() {
            if shown.frame_id != frame_id {
                self.next = Some(shown);
                break;
            }
            n += 1;
            let own = marks_on(&shown.marks, shown.image);
            if !marks.contains(&own) {
                marks.push(own);
            }
            next = self.shown().await?;
        }
        Ok(Some((FrameImages { frame_id, marks }, n)))
    }

    async fn shown(&mut self) -> Result<Option<ShownFrame>> {
        if let Some(shown) = self.next.take() {
            return Ok(Some(shown));
        }
        loop {
            if let Some(shown) = self.ready.next() {
                return Ok(Some(shown));
            }
            match self.rows.next().await {
                Some(batch) => self.ready = from_arrow::rows(&batch?)?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// The masks of objects, which come by frame too; frames are asked for in their order.
pub struct Masks {
    rows: SendableRecordBatchStream,
    ready: VecDeque<(String, String, Mask)>,
    ended: bool,
}

impl Masks {
    pub fn new(rows: SendableRecordBatchStream) -> Self {
        Self { rows, ready: Default::default(), ended: false }
    }

    /// Those of one frame, by object.
    pub async fn of(&mut self, frame_id: &str) -> Result<BTreeMap<String, Mask>> {
        let mut found = BTreeMap::new();
        loop {
            match self.ready.front() {
                Some((frame, ..)) if frame.as_str() < frame_id => drop(self.ready.pop_front()),
                Some((frame, ..)) if frame == frame_id => {
                    if let Some((_, object, mask)) = self.ready.pop_front() {
                        found.insert(object, mask);
                    }
                }
                Some(_) => return Ok(found),
                None if self.ended => return Ok(found),
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let Some(batch) = self.rows.next().await else {
            self.ended = true;
            return Ok(());
        };
        for ObjectMask { frame_id, object_id, mask } in from_arrow::rows(&batch?)? {
            let mask = mask.decode().map_err(|e| {
                Error::input("an object's mask cannot be read")
                    .with("frame", &frame_id)
                    .with("object", &object_id)
                    .because(e)
            })?;
            self.ready.push_back((frame_id, object_id, mask));
        }
        Ok(())
    }
}

/// An object's mask.
#[derive(Deserialize)]
struct ObjectMask {
    frame_id: String,
    object_id: String,
    mask: EncodedMask,
}
