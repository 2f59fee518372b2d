//! Samples and masks as they are drawn: frame by frame.
//!
//! Both come as streams in the order of their frames, so that a frame's image is decoded once and no table is held.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionContext, ident};
use futures::StreamExt;
use spatialmill_geometry::Mask;

use super::buckets::full;
use super::images::SourceImage;
use super::rows::{column, samples};
use super::sample::Sample;
use crate::error::{Context, Error, Result};

/// Where each frame's image is: on disk in the order of their ids, because every sample needs one of them and there may be more than fit into
/// memory. Of every 64th the id and its place are held.
pub struct FrameIndex {
    file: Mutex<(File, Option<FrameBlock>)>,
    blocks: Vec<(String, u64)>,
}

/// The frames from one that is held to the next, which were read last: samples come by frame.
struct FrameBlock {
    at: usize,
    frames: Vec<SourceImage>,
}

/// Frames of a block: some twenty kilobytes.
const BLOCK: usize = 64;

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
        let block = match latest.take() {
            Some(block) if block.at == at => block,
            _ => FrameBlock { at, frames: self.read(file, at)? },
        };
        let block = latest.insert(block);
        let found = block.frames.binary_search_by(|frame| frame.frame_id.as_str().cmp(frame_id));
        found.ok().and_then(|at| block.frames.get(at)).cloned().ok_or_else(missing)
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
        let batch = batch?;
        let text = |name: &str| column(&batch, name, &DataType::Utf8).map(|found| found.as_string::<i32>().clone());
        let side =
            |name: &str| column(&batch, name, &DataType::Int32).map(|found| found.as_primitive::<Int32Type>().clone());
        let (ids, uris, hashes) = (text("frame_id")?, text("uri")?, text("sha256")?);
        let (widths, heights) = (side("width")?, side("height")?);
        for row in 0..batch.num_rows() {
            let frame = SourceImage {
                frame_id: ids.value(row).to_owned(),
                uri: uris.value(row).to_owned(),
                sha256: hashes.is_valid(row).then(|| hashes.value(row).to_owned()),
                width: widths.value(row).max(0) as u32,
                height: heights.value(row).max(0) as u32,
            };
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
    Ok(FrameIndex { file: Mutex::new((file, None)), blocks })
}

/// The samples of one frame.
pub struct FrameSamples {
    pub frame_id: String,
    pub samples: Vec<Sample>,
}

impl FrameSamples {
    /// Whether the masks of its objects are needed.
    pub fn draws_masks(&self) -> bool {
        self.samples.iter().flat_map(|sample| &sample.marks).any(|mark| mark.kind == "mask")
    }
}

/// Rows that come by frame, frame by frame.
pub struct FrameSamplesStream {
    rows: SendableRecordBatchStream,
    ready: std::vec::IntoIter<Sample>,
    next: Option<Sample>,
}

impl FrameSamplesStream {
    pub fn new(rows: SendableRecordBatchStream) -> Self {
        Self { rows, ready: Vec::new().into_iter(), next: None }
    }

    /// The next frame's samples.
    pub async fn next(&mut self) -> Result<Option<FrameSamples>> {
        let Some(first) = self.sample().await? else { return Ok(None) };
        let frame_id = first.frame_ids.first().cloned().unwrap_or_default();
        let mut samples = vec![first];
        while let Some(sample) = self.sample().await? {
            if sample.frame_ids.first() != Some(&frame_id) {
                self.next = Some(sample);
                break;
            }
            samples.push(sample);
        }
        Ok(Some(FrameSamples { frame_id, samples }))
    }

    async fn sample(&mut self) -> Result<Option<Sample>> {
        if let Some(sample) = self.next.take() {
            return Ok(Some(sample));
        }
        loop {
            if let Some(sample) = self.ready.next() {
                return Ok(Some(sample));
            }
            match self.rows.next().await {
                Some(batch) => self.ready = samples(&batch?)?.into_iter(),
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
        let batch = batch?;
        let text = |name: &str| column(&batch, name, &DataType::Utf8).map(|found| found.as_string::<i32>().clone());
        let (frames, objects) = (text("frame_id")?, text("object_id")?);
        let masks = batch.column_by_name("mask").and_then(|masks| masks.as_struct_opt());
        let masks = masks.ok_or_else(|| Error::input("`objects.mask` is no struct"))?;
        let field = |name: &str| {
            masks.column_by_name(name).ok_or_else(|| Error::input("a mask lacks a field").with("field", name))
        };
        let counts = arrow::compute::cast(field("counts")?, &DataType::Utf8).or_input(|| "counts are text".into())?;
        let (heights, widths) =
            (field("height")?.as_primitive::<Int32Type>(), field("width")?.as_primitive::<Int32Type>());
        for row in 0..batch.num_rows() {
            let counts = counts.as_string::<i32>().value(row);
            let mask = Mask::from_counts(heights.value(row) as u32, widths.value(row) as u32, counts);
            let mask = mask.map_err(|e| {
                Error::input("an object's mask cannot be read")
                    .with("frame", frames.value(row))
                    .with("object", objects.value(row))
                    .because(e)
            })?;
            self.ready.push_back((frames.value(row).to_owned(), objects.value(row).to_owned(), mask));
        }
        Ok(())
    }
}
