//! Samples and masks as they are drawn: frame by frame.
//!
//! Both come as streams in the order of their frames, so that a frame's image is decoded once and no table is held. What is held is where each frame's
//! image is.

use std::collections::{BTreeMap, HashMap, VecDeque};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionContext, ident};
use futures::StreamExt;
use spatialmill_geometry::Mask;

use super::images::Frame;
use super::rows::{column, samples};
use super::sample::Sample;
use crate::error::{Context, Error, Result};

/// Where each frame's image is: some two hundred bytes a frame, because every sample needs one of them.
pub struct Frames(HashMap<String, Frame>);

impl Frames {
    /// The frame of this id.
    pub fn get(&self, frame_id: &str) -> Result<&Frame> {
        self.0.get(frame_id).ok_or_else(|| {
            Error::input("a sample is about a frame that is not in the table `frames`")
                .with("frame", frame_id)
                .hint("`spatialmill build` makes the dataset from what is imported now")
        })
    }
}

/// Reads the table `frames`.
pub async fn frames(context: &SessionContext) -> Result<Frames> {
    let columns = ["frame_id", "uri", "sha256", "width", "height"];
    let mut stream = context.table("frames").await?.select(columns.map(ident).to_vec())?.execute_stream().await?;
    let mut frames = HashMap::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let text = |name: &str| column(&batch, name, &DataType::Utf8).map(|found| found.as_string::<i32>().clone());
        let side =
            |name: &str| column(&batch, name, &DataType::Int32).map(|found| found.as_primitive::<Int32Type>().clone());
        let (ids, uris, hashes) = (text("frame_id")?, text("uri")?, text("sha256")?);
        let (widths, heights) = (side("width")?, side("height")?);
        for row in 0..batch.num_rows() {
            let frame = Frame {
                frame_id: ids.value(row).to_owned(),
                uri: uris.value(row).to_owned(),
                sha256: hashes.is_valid(row).then(|| hashes.value(row).to_owned()),
                width: widths.value(row).max(0) as u32,
                height: heights.value(row).max(0) as u32,
            };
            frames.insert(frame.frame_id.clone(), frame);
        }
    }
    Ok(Frames(frames))
}

/// The samples of one frame.
pub struct Group {
    pub frame_id: String,
    pub samples: Vec<Sample>,
}

impl Group {
    /// Whether the masks of its objects are needed.
    pub fn draws_masks(&self) -> bool {
        self.samples.iter().flat_map(|sample| &sample.marks).any(|mark| mark.kind == "mask")
    }
}

/// Rows that come by frame, frame by frame.
pub struct Groups {
    rows: SendableRecordBatchStream,
    ready: std::vec::IntoIter<Sample>,
    next: Option<Sample>,
}

impl Groups {
    pub fn new(rows: SendableRecordBatchStream) -> Self {
        Self { rows, ready: Vec::new().into_iter(), next: None }
    }

    /// The next frame's samples.
    pub async fn next(&mut self) -> Result<Option<Group>> {
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
        Ok(Some(Group { frame_id, samples }))
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
