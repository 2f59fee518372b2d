//! Records of an export: its second pass. In: the samples of a slice, batch by batch. Out: the record of each in the words of the kind, in buckets by the
//! hash of its id; or, where the export packs, samples in buckets by their images.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::prelude::{DataFrame, ident, lit};
use futures::StreamExt;

use super::buckets::Buckets;
use super::by_frame::FrameIndex;
use super::conversation::Conversation;
use super::counts::{ExportCounts, uncount};
use super::dialect::Dialect;
use super::image_index::ImageIndex;
use super::images::{self, IndexLine};
use super::run::ExportRun;
use super::{ExportKind, packing};
use crate::error::{Context, Error, Result};
use crate::marked_image::marks_on;
use crate::tables::{Sample, SampleImage, from_arrow};

impl ExportRun<'_> {
    /// The records, with the paths of their images, whose files may be withheld. Rows come by their first frame, which is where the sizes of
    /// images are looked up. Gives how many samples were left out because an image of theirs cannot be read.
    pub(super) async fn records(
        &self,
        rows: DataFrame,
        frames: &Arc<FrameIndex>,
        (buckets, groups): (&Arc<Buckets>, &Option<Arc<Buckets>>),
        index: &Arc<ImageIndex>,
        unreadable: BTreeSet<String>,
        counts: &mut ExportCounts,
    ) -> Result<u64> {
        let steps = self.mill.progress.steps("records", self.samples, "samples");
        let order = vec![frame_of().sort(true, false), ident("sample_id").sort(true, false)];
        let encoder = Arc::new(Encoder {
            frames: Arc::clone(frames),
            buckets: Arc::clone(buckets),
            groups: groups.clone(),
            index: self.options.annotations_only.then(|| Arc::clone(index)),
            kind: self.options.kind,
            dialect: self.options.dialect,
            unreadable,
        });
        let work = rows.sort(order)?.execute_stream().await?.map(|batch| {
            let encoder = Arc::clone(&encoder);
            async move {
                let batch = batch?;
                let n = batch.num_rows() as u64;
                let encoded = tokio::task::spawn_blocking(move || encoder.encode(&batch)).await;
                Ok::<_, Error>((encoded.or_internal(|| "encoding died".into())??, n))
            }
        });
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut work = std::pin::pin!(work.buffer_unordered(workers));
        let mut left_out = 0;
        while let Some(done) = work.next().await {
            let (samples, n) = done?;
            left_out += samples.len() as u64;
            uncount(counts, &samples);
            steps.add(n);
        }
        steps.finish();
        Ok(left_out)
    }
}

fn frame_of() -> datafusion::logical_expr::Expr {
    array_element(ident("frame_ids"), lit(1))
}

/// Makes records of samples.
struct Encoder {
    frames: Arc<FrameIndex>,
    buckets: Arc<Buckets>,
    /// Where samples wait to be packed, where they are.
    groups: Option<Arc<Buckets>>,
    /// Where images are withheld: the index that says how to make them.
    index: Option<Arc<ImageIndex>>,
    kind: &'static ExportKind,
    dialect: Dialect,
    /// Frames whose image cannot be read.
    unreadable: BTreeSet<String>,
}

impl Encoder {
    /// Adds the records of a batch to the buckets; gives the samples that are left out.
    fn encode(&self, batch: &RecordBatch) -> Result<Vec<Sample>> {
        let mut left_out = Vec::new();
        for mut sample in from_arrow::rows::<Sample>(batch)? {
            if sample.frame_ids.iter().any(|frame_id| self.unreadable.contains(frame_id)) {
                left_out.push(sample);
                continue;
            }
            for (at, frame_id) in sample.frame_ids.iter().enumerate() {
                let (frame, marks) = (self.frames.get(frame_id)?, marks_on(&sample.marks, at));
                let path = match &self.index {
                    Some(index) => {
                        let path = images::withheld_path(&frame, &marks)?;
                        index.add(&path, &super::to_json(&IndexLine::of(&frame, marks, path.clone()))?)?;
                        path
                    }
                    None => images::path(&frame, &marks)?,
                };
                sample.images.push(SampleImage { path, width: frame.width, height: frame.height });
            }
            match &self.groups {
                Some(groups) => packing::add(groups, &sample)?,
                None => {
                    let record = (self.kind.record)(&Conversation::of(&sample), &self.dialect)?;
                    self.buckets.add(&sample.sample_id, &record)?;
                }
            }
        }
        Ok(left_out)
    }
}
