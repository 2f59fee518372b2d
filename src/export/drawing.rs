//! Images of an export: its first pass. In: the frames that samples show, each with the marks of its images. Out: the images, put under their names, and
//! their lines of the index; and the frames whose image cannot be read.
//!
//! Each frame's image is decoded once. What an interrupted export has put is not drawn again: its lines of the index are below `_progress/`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::{StreamExt, TryStreamExt};
use spatialmill_geometry::Mask;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::by_frame::{FrameImagesStream, FrameIndex, Masks};
use super::image_index::ImageIndex;
use super::images::{self, IndexLine};
use super::run::{ExportRun, PROGRESS};
use crate::error::{Context, Error, Result};
use crate::marked_image::{self, DrawnMark, SourceImage};

/// Frames whose images are put before a line of progress says so: what is drawn again after an interruption, at most.
const FRAMES_AT_ONCE: usize = 64;

impl ExportRun<'_> {
    /// The images that samples show, frame by frame, so that each is decoded once. Gives the frames whose image cannot be read.
    pub(super) async fn images(
        &self,
        context: &SessionContext,
        rows: DataFrame,
        frames: &Arc<FrameIndex>,
        index: &Arc<ImageIndex>,
    ) -> Result<BTreeSet<String>> {
        let steps = self.mill.progress.steps("images", self.samples, "samples");
        let mut groups = FrameImagesStream::of(rows).await?;
        let masks = context.table("objects").await?.filter(ident("mask").is_not_null())?;
        let masks = masks.select(vec![ident("frame_id"), ident("object_id"), ident("mask")])?;
        let mut masks = Masks::new(masks.sort(vec![ident("frame_id").sort(true, false)])?.execute_stream().await?);
        let put_before = self.put_before().await?;
        let (mut unreadable, mut chunk) = (BTreeSet::new(), put_before.chunks);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let pixels = PixelBudget::within(self.memory / 4);
        loop {
            let mut work = Vec::new();
            while work.len() < FRAMES_AT_ONCE {
                let Some((group, shown)) = groups.next().await? else { break };
                let frame = frames.get(&group.frame_id)?;
                let masks = if group.draws_masks() { masks.of(&group.frame_id).await? } else { BTreeMap::new() };
                work.push((group, frame, masks, shown));
            }
            if work.is_empty() {
                break;
            }
            let done: Vec<_> = futures::stream::iter(work)
                .map(|(group, frame, masks, shown)| {
                    let (known, pixels) = (&put_before.images, &pixels);
                    async move {
                        let made = self.frame(group.marks, &frame, masks, known, pixels).await?;
                        Ok::<_, Error>((frame.frame_id, made, shown))
                    }
                })
                .buffered(workers)
                .try_collect()
                .await?;
            let mut fresh = Vec::new();
            for (frame_id, made, shown) in done {
                steps.add(shown);
                let Some(lines) = made else {
                    unreadable.insert(frame_id);
                    continue;
                };
                for ListedImage { path, line, is_new } in lines {
                    index.add(&path, &line)?;
                    if is_new {
                        fresh.push(line);
                    }
                }
            }
            if !fresh.is_empty() {
                let path = format!("{PROGRESS}/images-{chunk:07}");
                self.place.put(&path, joined(fresh.into_iter()).into()).await?;
                chunk += 1;
            }
        }
        steps.finish();
        Ok(unreadable)
    }

    /// One frame's images. None where its image cannot be read and its samples are left out.
    async fn frame(
        &self,
        all: Vec<Vec<DrawnMark>>,
        frame: &SourceImage,
        masks: BTreeMap<String, Mask>,
        known: &HashMap<String, String>,
        pixels: &PixelBudget,
    ) -> Result<Option<Vec<ListedImage>>> {
        let (mut lines, mut wanted) = (Vec::new(), Vec::new());
        for marks in all {
            let path = images::path(frame, &marks)?;
            match known.get(&path) {
                Some(line) => lines.push(ListedImage { path, line: line.clone(), is_new: false }),
                None => wanted.push((path, marks)),
            }
        }
        if !wanted.is_empty() {
            match self.drawn(frame, wanted, masks, pixels).await? {
                Ok(put) => {
                    for line in put {
                        lines.push(ListedImage { line: super::to_json(&line)?, path: line.path, is_new: true });
                    }
                }
                Err(_) if self.options.skip_unreadable => return Ok(None),
                Err(e) => {
                    return Err(e.hint("--skip-unreadable leaves its samples out, --annotations-only needs no images"));
                }
            }
        }
        Ok(Some(lines))
    }

    /// Reads a frame's image, draws on it what is wanted and puts it, one image after the other. The inner error is the image's; what cannot be
    /// written is the outer one, for which no sample may be left out.
    async fn drawn(
        &self,
        frame: &SourceImage,
        wanted: Vec<(String, Vec<DrawnMark>)>,
        masks: BTreeMap<String, Mask>,
        pixels: &PixelBudget,
    ) -> Result<Result<Vec<IndexLine>>> {
        let _held = pixels.hold(marked_image::memory(frame)).await?;
        let file = match marked_image::read(frame).await {
            Ok(file) => file,
            Err(e) => return Ok(Err(e)),
        };
        let (frame, place, embeds) = (frame.clone(), self.place.clone(), self.options.kind.embeds);
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let (paths, recipes): (Vec<String>, Vec<Vec<DrawnMark>>) = wanted.into_iter().unzip();
            let mut todo = paths.into_iter().zip(&recipes);
            let (mut lines, mut unwritten) = (Vec::with_capacity(recipes.len()), None);
            let made = marked_image::draw(&frame, &file, &recipes, &masks, |bytes| {
                let (path, marks) =
                    todo.next().ok_or_else(|| Error::internal("an image is one of those that are wanted"))?;
                let mut line = IndexLine::of(&frame, marks.clone(), path);
                line.bytes = Some(bytes.len() as u64);
                line.blake3 = Some(blake3::hash(&bytes).to_hex().to_string());
                // Those that shards embed are put aside until they are in them.
                if let Err(e) = runtime.block_on(place.put(&stored(embeds, &line.path), bytes)) {
                    unwritten = Some(e);
                    return Err(Error::internal("nothing more is put"));
                }
                lines.push(line);
                Ok(())
            });
            match unwritten {
                Some(e) => Err(e),
                None => Ok(made.map(|()| lines)),
            }
        };
        tokio::task::spawn_blocking(work).await.or_internal(|| "drawing died".into())?
    }

    /// The images that an interrupted export has put.
    async fn put_before(&self) -> Result<PutBefore> {
        let mut put = PutBefore { images: HashMap::new(), chunks: 0 };
        for path in self.place.list(PROGRESS).await? {
            let Some(chunk) = path.strip_prefix(&format!("{PROGRESS}/images-")) else { continue };
            put.chunks = put.chunks.max(chunk.parse::<usize>().map_or(0, |chunk| chunk + 1));
            let bytes = self.place.get_existing(&path).await?;
            let lines = String::from_utf8_lossy(&bytes);
            let path_of = |line: &str| serde_json::from_str::<IndexLine>(line).ok().map(|parsed| parsed.path);
            put.images.extend(lines.lines().filter_map(|line| Some((path_of(line)?, line.to_owned()))));
        }
        Ok(put)
    }
}

/// Where an image is put: aside, where shards embed it.
pub fn stored(embeds: bool, path: &str) -> String {
    if embeds { format!("{PROGRESS}/{path}") } else { path.to_owned() }
}

/// What pictures that are decoded at a time may take.
struct PixelBudget {
    free: Semaphore,
    all: u32,
}

impl PixelBudget {
    fn within(bytes: u64) -> Self {
        let all = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        Self { free: Semaphore::new(all as usize), all }
    }

    /// Waits while those that are decoded take it all; one that is larger than all of it is alone.
    async fn hold(&self, bytes: u64) -> Result<SemaphorePermit<'_>> {
        let needed = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, self.all);
        self.free.acquire_many(needed).await.or_internal(|| "nobody closes it".into())
    }
}

/// An image of the export, with its line of the index.
struct ListedImage {
    path: String,
    /// As text: a number that is read and written again may differ in its last digit.
    line: String,
    /// Whether it was put now, and not by an export that was interrupted.
    is_new: bool,
}

/// What an interrupted export has put: lines of the index by path.
struct PutBefore {
    images: HashMap<String, String>,
    chunks: usize,
}

fn joined(lines: impl Iterator<Item = String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}
