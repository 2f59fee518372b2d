//! How an export is done; the module above draws it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use bytes::Bytes;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use spatialmill_geometry::Mask;
use tokio::sync::{Semaphore, SemaphorePermit};
use xxhash_rust::xxh3::xxh3_128;

use super::buckets::{Buckets, SortedBucket};
use super::by_frame::{FrameIndex, FrameSamples, FrameSamplesStream, Masks, frames};
use super::claim::Claim;
use super::dialect::Dialect;
use super::images::{self, ImageFile, ImageStorage, IndexLine, SourceImage};
use super::manifest::{Manifest, ManifestFile};
use super::place::ExportFolder;
use super::readme;
use super::rows::{column, samples};
use super::sample::{MarkRow, Sample, SampleImage};
use super::shards::cannot_write;
use super::spool::Spool;
use super::{ExportKind, ExportShard, FinishedExport};
use crate::error::{Context, Error, Result};
use crate::run::Mill;

/// What an export is to be.
#[derive(Clone)]
pub struct ExportOptions {
    pub kind: &'static ExportKind,
    /// Where it goes: a path, `file://` or `s3://` URL.
    pub out: String,
    /// Names the entries that a trainer reads.
    pub name: String,
    pub dialect: Dialect,
    pub shard_rows: usize,
    /// Images stay where they are.
    pub annotations_only: bool,
    /// Samples whose image cannot be read are left out and counted, instead of ending the export.
    pub skip_unreadable: bool,
    /// What is there of another export is overwritten.
    pub replace: bool,
    /// Where the export will lie, for kinds whose index names files by their whole path; relative to the export when none is given.
    pub root: Option<String>,
    /// The query that selects the rows; whoever verifies the export runs it again.
    pub slice: String,
    /// The version of the table `dataset` that it is run on.
    pub dataset_version: u64,
}

/// What came of it.
pub struct ExportOutcome {
    pub manifest: Manifest,
    /// False where a whole export of the same fingerprint was there already.
    pub written: bool,
}

pub const MANIFEST: &str = "manifest.json";
const PROGRESS: &str = "_progress";

/// Frames whose images are put before a line of progress says so: what is drawn again after an interruption, at most.
const FRAMES_AT_ONCE: usize = 64;

impl Mill {
    /// Exports rows of `dataset`. `context` is the session that they are of.
    pub async fn export(
        &self,
        context: &SessionContext,
        rows: DataFrame,
        options: &ExportOptions,
    ) -> Result<ExportOutcome> {
        let place = ExportFolder::at(&options.out)?;
        let fingerprint = self.fingerprint(options).await?;
        if let Some(there) = there_already(&place, &fingerprint, options).await? {
            return Ok(ExportOutcome { manifest: there, written: false });
        }
        let claim = Claim::take(&place).await?;
        let outcome = self.export_claimed(context, rows, options, fingerprint, &claim).await;
        let released = claim.release().await;
        // What failed first is what is told.
        outcome.and_then(|outcome| released.map(|()| outcome))
    }

    /// The export itself, when nobody else writes there.
    async fn export_claimed(
        &self,
        context: &SessionContext,
        rows: DataFrame,
        options: &ExportOptions,
        fingerprint: String,
        claim: &Claim,
    ) -> Result<ExportOutcome> {
        let place = ExportFolder::at(&options.out)?;
        // Another one may have ended just now.
        if let Some(there) = there_already(&place, &fingerprint, options).await? {
            return Ok(ExportOutcome { manifest: there, written: false });
        }
        if let Some(there) = manifest(&place).await? {
            // First what says that the rest is whole.
            place.delete(MANIFEST).await?;
            for entry in &there.files {
                place.delete(&entry.path).await?;
            }
            for image in place.list("images").await? {
                place.delete(&image).await?;
            }
        }
        begin(&place, &fingerprint, options).await?;
        let samples = rows.clone().count().await? as u64;
        let counts = counts(&rows).await?;
        let memory = self.project.memory()?;
        let export = ExportRun { mill: self, place, options, fingerprint, samples, memory, claim };
        let manifest = export.run(context, rows, counts).await?;
        Ok(ExportOutcome { manifest, written: true })
    }

    /// Whatever decides about a byte of the export: what is asked for, and the versions of what it is made from.
    async fn fingerprint(&self, options: &ExportOptions) -> Result<String> {
        let ExportOptions {
            kind,
            name,
            dialect,
            shard_rows,
            annotations_only,
            skip_unreadable,
            slice,
            dataset_version,
            root,
            ..
        } = options;
        let mut parts = format!(
            "{} {name} {dialect:?} {shard_rows} {annotations_only} {skip_unreadable} {root:?} {slice} {dataset_version} {} {} {}",
            kind.name,
            self.project.integer("seed"),
            env!("CARGO_PKG_VERSION"),
            self.warehouse.location().url()
        );
        // Images and their sizes, and masks.
        for table in ["frames", "objects"] {
            let version = self.warehouse.table(table).await?.map(|table| table.version());
            parts += &format!(" {table} {version:?}");
        }
        Ok(blake3::hash(parts.as_bytes()).to_hex()[..32].to_owned())
    }
}

/// The manifest of the very export that is asked for, where it is there and whole; an error where it is another one that may not be replaced.
async fn there_already(place: &ExportFolder, fingerprint: &str, options: &ExportOptions) -> Result<Option<Manifest>> {
    let Some(there) = manifest(place).await?.filter(|_| !options.replace) else { return Ok(None) };
    if there.fingerprint == fingerprint {
        // An interruption may have come between the two.
        clear_progress(place).await?;
        return Ok(Some(there));
    }
    Err(Error::usage("another export is there already")
        .with("out", &options.out)
        .hint("choose another --out, or give --replace to write over it"))
}

/// The manifest of a whole export, where there is one.
pub async fn manifest(place: &ExportFolder) -> Result<Option<Manifest>> {
    let Some(bytes) = place.get(MANIFEST).await? else { return Ok(None) };
    let manifest = serde_json::from_slice(&bytes).or_input(|| "the manifest of an export cannot be read".into())?;
    Ok(Some(manifest))
}

/// Says what is being made here, or that it is taken up.
async fn begin(place: &ExportFolder, fingerprint: &str, options: &ExportOptions) -> Result<()> {
    let begun = format!("{PROGRESS}/export.json");
    match place.get(&begun).await? {
        Some(there) if there != fingerprint.as_bytes() && !options.replace => {
            return Err(Error::usage("another export was begun there and is not finished")
                .with("out", &options.out)
                .hint("run that one again, choose another --out, or give --replace to begin anew"));
        }
        Some(there) if there == fingerprint.as_bytes() => return Ok(()),
        _ => {}
    }
    clear_progress(place).await?;
    place.put(&begun, Bytes::from(fingerprint.to_owned())).await
}

async fn clear_progress(place: &ExportFolder) -> Result<()> {
    for path in place.list(PROGRESS).await? {
        place.delete(&path).await?;
    }
    Ok(())
}

/// How many samples each value of a column has, by column.
pub type ExportCounts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What a null counts as.
const UNKNOWN: &str = "unknown";

/// Takes samples out of the counts that are not exported after all.
fn uncount(counts: &mut ExportCounts, samples: &[Sample]) {
    for sample in samples {
        for (column, values) in counts.iter_mut() {
            let value = match *column {
                "source" => Some(&sample.source),
                "licence" => sample.licence.as_ref(),
                "split" => sample.split.as_ref(),
                "task" => Some(&sample.task),
                "relation" => Some(&sample.relation),
                "answer_form" => Some(&sample.answer_form),
                "text_format" => Some(&sample.text_format),
                _ => Some(&sample.image_format),
            };
            if let Some(n) = values.get_mut(value.map_or(UNKNOWN, String::as_str)) {
                *n -= 1;
            }
        }
    }
    counts.values_mut().for_each(|values| values.retain(|_, n| *n > 0));
}

/// How many samples each value of the columns of few values has.
async fn counts(rows: &DataFrame) -> Result<ExportCounts> {
    let columns = ["source", "licence", "split", "task", "relation", "answer_form", "text_format", "image_format"];
    let mut counts = ExportCounts::new();
    let grouped = rows
        .clone()
        .aggregate(
            columns.map(ident).to_vec(),
            vec![datafusion::functions_aggregate::expr_fn::count(datafusion::prelude::lit(1)).alias("n")],
        )?
        .collect()
        .await?;
    for batch in &grouped {
        let n = column(batch, "n", &DataType::Int64)?;
        for name in columns {
            let values = column(batch, name, &DataType::Utf8)?;
            let values = values.as_string::<i32>();
            let counted: &mut BTreeMap<String, u64> = counts.entry(name).or_default();
            for row in 0..batch.num_rows() {
                let value = if values.is_valid(row) { values.value(row) } else { UNKNOWN };
                *counted.entry(value.to_owned()).or_default() += n.as_primitive::<Int64Type>().value(row) as u64;
            }
        }
    }
    Ok(counts)
}

struct ExportRun<'a> {
    mill: &'a Mill,
    place: ExportFolder,
    options: &'a ExportOptions,
    fingerprint: String,
    samples: u64,
    /// What the process may use, in bytes.
    memory: u64,
    claim: &'a Claim,
}

impl ExportRun<'_> {
    async fn run(&self, context: &SessionContext, rows: DataFrame, mut counts: ExportCounts) -> Result<Manifest> {
        let seed = self.mill.project.integer("seed");
        let buckets = Arc::new(Buckets::new(self.samples, seed)?);
        let frames = Arc::new(frames(context).await?);
        // Most images are of several samples.
        let index = Arc::new(ImageIndex { listed: Mutex::default(), lines: Buckets::new(self.samples / 2, seed)? });
        let mut left_out = BTreeMap::new();
        if self.options.annotations_only {
            self.records_alone(rows, &frames, &buckets, &index).await?;
        } else {
            let unreadable = self.records_and_images(context, rows, &frames, &buckets, &index, &mut counts).await?;
            if unreadable > 0 {
                left_out.insert("unreadable_image".to_owned(), unreadable);
            }
        }
        let mut files = Vec::new();
        if self.options.annotations_only || !self.options.kind.embeds {
            files = self.index(&index).await?;
        }
        let shards = self.shards(&buckets).await?;
        let images = match (self.options.annotations_only, self.options.kind.embeds) {
            (true, _) => ImageStorage::Withheld,
            (false, true) => ImageStorage::Embedded,
            (false, false) => ImageStorage::Files,
        };
        let samples = shards.iter().filter_map(|entry| entry.rows).sum::<usize>() as u64;
        let rows_of = |entry: &ManifestFile| (entry.path.clone(), entry.rows.unwrap_or_default());
        let named: Vec<(String, usize)> = shards.iter().map(rows_of).collect();
        let finished = FinishedExport {
            kind: self.options.kind,
            name: &self.options.name,
            dialect: &self.options.dialect,
            root: self.options.root.as_deref(),
            shards: &named,
            counts: &counts,
            images,
            samples,
            dataset_version: self.options.dataset_version,
            slice: &self.options.slice,
        };
        let mut beside = (self.options.kind.finish)(&finished)?;
        beside.insert(readme::README.to_owned(), readme::of(&finished).into_bytes());
        for (path, bytes) in beside {
            files.push(self.put(&path, bytes.into(), None).await?);
        }
        if self.options.kind.index.is_some() {
            for (path, _) in &named {
                let path = format!("{path}.idx");
                files.push(ManifestFile::of(&path, &self.place.get_existing(&path).await?, None));
            }
        }
        files.extend(shards);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let (min_pixels, max_pixels) = match self.options.dialect {
            Dialect::Qwen25 { min_pixels, max_pixels } => (Some(min_pixels), Some(max_pixels)),
            _ => (None, None),
        };
        let manifest = Manifest {
            kind: self.options.kind.name.to_owned(),
            name: self.options.name.clone(),
            samples,
            dialect: self.options.dialect.name().to_owned(),
            min_pixels,
            max_pixels,
            images,
            upright: true,
            dataset_version: self.options.dataset_version,
            slice: self.options.slice.clone(),
            seed,
            generator: concat!("spatialmill ", env!("CARGO_PKG_VERSION")).to_owned(),
            fingerprint: self.fingerprint.clone(),
            licences: counts.get("licence").cloned().unwrap_or_default(),
            left_out,
            files,
        };
        self.claim.holds().await?;
        self.place.put(MANIFEST, super::pretty(&json!(manifest))?.into()).await?;
        clear_progress(&self.place).await?;
        Ok(manifest)
    }

    async fn put(&self, path: &str, bytes: Bytes, rows: Option<usize>) -> Result<ManifestFile> {
        let entry = ManifestFile::of(path, &bytes, rows);
        self.place.put(path, bytes).await?;
        Ok(entry)
    }

    /// Records whose images are withheld: partitions stream side by side, in no order.
    async fn records_alone(
        &self,
        rows: DataFrame,
        frames: &Arc<FrameIndex>,
        buckets: &Arc<Buckets>,
        index: &Arc<ImageIndex>,
    ) -> Result<()> {
        let steps = self.mill.progress.steps("records", self.samples, "samples");
        let partitions = rows.execute_stream_partitioned().await?;
        let (kind, dialect) = (self.options.kind, self.options.dialect);
        let work = partitions.into_iter().map(|mut stream| {
            let (frames, buckets, index) = (Arc::clone(frames), Arc::clone(buckets), Arc::clone(index));
            let steps = steps.clone();
            tokio::spawn(async move {
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    let (frames, buckets, index) = (Arc::clone(&frames), Arc::clone(&buckets), Arc::clone(&index));
                    let rows = batch.num_rows() as u64;
                    let work = move || encode_withheld(&batch, &frames, &buckets, &index, kind, &dialect);
                    tokio::task::spawn_blocking(work).await.or_internal(|| "encoding died".into())??;
                    steps.add(rows);
                }
                Ok::<_, Error>(())
            })
        });
        for part in futures::future::join_all(work).await {
            part.or_internal(|| "encoding died".into())??;
        }
        steps.finish();
        Ok(())
    }

    /// The index of images, a file a bucket.
    async fn index(&self, index: &Arc<ImageIndex>) -> Result<Vec<ManifestFile>> {
        let rows = index.lines.close()?;
        let mut files = Vec::with_capacity(rows.len());
        for bucket in 0..rows.len() {
            let own = Arc::clone(index);
            let spool = move || {
                let lines = own.lines.sorted(bucket)?;
                Spool::new()?.filled(|out| {
                    lines
                        .records(0..lines.rows())
                        .try_for_each(|line| writeln!(out, "{}", line?).or_input(cannot_write))
                })
            };
            let spooled = tokio::task::spawn_blocking(spool).await.or_internal(|| "writing died".into())??;
            let path = format!("images-{bucket:05}-of-{:05}.jsonl", rows.len());
            files.push(spooled.entry(&path, None));
            self.place.put_spooled(&path, spooled).await?;
        }
        Ok(files)
    }

    /// Records with their images. Rows come by frame, so that an image is decoded once. Gives how many samples were left out because
    /// their image cannot be read.
    async fn records_and_images(
        &self,
        context: &SessionContext,
        rows: DataFrame,
        frames: &Arc<FrameIndex>,
        buckets: &Arc<Buckets>,
        index: &Arc<ImageIndex>,
        counts: &mut ExportCounts,
    ) -> Result<u64> {
        let steps = self.mill.progress.steps("images", self.samples, "samples");
        let order = vec![frame_of().sort(true, false), ident("sample_id").sort(true, false)];
        let mut groups = FrameSamplesStream::new(rows.sort(order)?.execute_stream().await?);
        let masks = context.table("objects").await?.filter(ident("mask").is_not_null())?;
        let masks = masks.select(vec![ident("frame_id"), ident("object_id"), ident("mask")])?;
        let mut masks = Masks::new(masks.sort(vec![ident("frame_id").sort(true, false)])?.execute_stream().await?);
        let made_before = self.made_before().await?;
        let (mut unreadable, mut chunk) = (0, made_before.chunks);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let pixels = PixelBudget::within(self.memory / 4);
        loop {
            let mut work = Vec::new();
            while work.len() < FRAMES_AT_ONCE {
                let Some(group) = groups.next().await? else { break };
                let frame = frames.get(&group.frame_id)?;
                let masks = if group.draws_masks() { masks.of(&group.frame_id).await? } else { BTreeMap::new() };
                work.push((group, frame, masks));
            }
            if work.is_empty() {
                break;
            }
            let done: Vec<_> = futures::stream::iter(work)
                .map(|(group, frame, masks)| {
                    let (known, pixels) = (&made_before.images, &pixels);
                    async move { self.frame(group, frame, masks, frames, known, pixels).await }
                })
                .buffered(workers)
                .try_collect()
                .await?;
            let mut fresh = Vec::new();
            for frame in done {
                let left_out = frame.unreadable.len() as u64;
                uncount(counts, &frame.unreadable);
                unreadable += left_out;
                steps.add(frame.records.len() as u64 + left_out);
                for (id, record) in &frame.records {
                    buckets.add(id, record)?;
                }
                for (recipe, line, is_new) in frame.lines {
                    if is_new && let Some(bytes) = line.bytes {
                        fresh.push(format!(
                            "{recipe} {}",
                            super::to_json(&PutImage { path: line.path.clone(), bytes })?
                        ));
                    }
                    index.add(&recipe, &line)?;
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

    /// One frame: its images made and put, its samples with their paths.
    async fn frame(
        &self,
        mut group: FrameSamples,
        frame: SourceImage,
        masks: BTreeMap<String, Mask>,
        frames: &Arc<FrameIndex>,
        known: &HashMap<String, PutImage>,
        pixels: &PixelBudget,
    ) -> Result<WrittenFrame> {
        let mut recipes: BTreeMap<String, Vec<MarkRow>> = BTreeMap::new();
        for sample in &group.samples {
            recipes.entry(images::recipe(&frame, &sample.marks)?).or_insert_with(|| sample.marks.clone());
        }
        // What else a sample shows is drawn nowhere: the source's own files.
        let others: Vec<String> =
            group.samples.iter().flat_map(|sample| sample.frame_ids.iter().skip(1).cloned()).collect();
        let mut work = vec![(frame, recipes, masks)];
        for other in others {
            let other = frames.get(&other)?;
            if work.iter().all(|(frame, ..)| frame.frame_id != other.frame_id) {
                let plain = BTreeMap::from([(images::recipe(&other, &[])?, Vec::new())]);
                work.push((other, plain, BTreeMap::new()));
            }
        }
        let mut lines: Vec<(String, IndexLine, bool)> = Vec::new();
        for (frame, recipes, masks) in work {
            let (there, wanted): (Vec<_>, Vec<_>) =
                recipes.into_iter().partition(|(recipe, _)| known.contains_key(recipe));
            for (recipe, marks) in there {
                let put = known[&recipe].clone();
                lines.push((recipe, line(&frame, marks, put), false));
            }
            if wanted.is_empty() {
                continue;
            }
            let (recipes, drawn): (Vec<String>, Vec<Vec<MarkRow>>) = wanted.into_iter().unzip();
            match self.drawn(&frame, drawn.clone(), masks, pixels).await? {
                Ok(put) => {
                    let made = recipes.into_iter().zip(drawn).zip(put);
                    lines.extend(made.map(|((recipe, marks), put)| (recipe, line(&frame, marks, put), true)));
                }
                Err(_) if self.options.skip_unreadable => {
                    return Ok(WrittenFrame { unreadable: group.samples, records: Vec::new(), lines: Vec::new() });
                }
                Err(e) => {
                    return Err(e.hint("--skip-unreadable leaves its samples out, --annotations-only needs no images"));
                }
            }
        }
        // The same order whether they were made now or before.
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        let path_of: HashMap<&str, &IndexLine> =
            lines.iter().map(|(recipe, line, _)| (recipe.as_str(), line)).collect();
        for sample in &mut group.samples {
            let mut shown = Vec::with_capacity(sample.frame_ids.len());
            for (at, frame_id) in sample.frame_ids.iter().enumerate() {
                let marks: &[MarkRow] = if at == 0 { &sample.marks } else { &[] };
                let recipe = images::recipe(&frames.get(frame_id)?, marks)?;
                let line = path_of.get(recipe.as_str()).ok_or_else(|| Error::internal("an image was made"))?;
                shown.push(SampleImage { path: line.path.clone(), width: line.width, height: line.height });
            }
            sample.images = shown;
        }
        let (kind, dialect) = (self.options.kind, self.options.dialect);
        let encode = move || {
            let record = |sample: Sample| Ok(((kind.record)(&sample, &dialect)?, sample.sample_id));
            let records = group.samples.into_iter().map(record).collect::<Result<Vec<_>>>()?;
            Ok::<_, Error>(records.into_iter().map(|(record, id)| (id, record)).collect())
        };
        let records = tokio::task::spawn_blocking(encode).await.or_internal(|| "encoding died".into())??;
        Ok(WrittenFrame { records, unreadable: Vec::new(), lines })
    }

    /// Reads a frame's image, draws on it what is wanted and puts it, one picture after the other. The inner error is the image's; what cannot be
    /// written is the outer one, for which no sample may be left out.
    async fn drawn(
        &self,
        frame: &SourceImage,
        recipes: Vec<Vec<MarkRow>>,
        masks: BTreeMap<String, Mask>,
        pixels: &PixelBudget,
    ) -> Result<Result<Vec<PutImage>>> {
        let _held = pixels.hold(images::memory(frame)).await?;
        let file = match images::read(frame).await {
            Ok(file) => file,
            Err(e) => return Ok(Err(e)),
        };
        let (frame, place, embeds) = (frame.clone(), self.place.clone(), self.options.kind.embeds);
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let (mut all, mut unwritten) = (Vec::with_capacity(recipes.len()), None);
            let made = images::make(&frame, &file, &recipes, &masks, |made| {
                match runtime.block_on(put_image(&place, embeds, made)) {
                    Ok(put) => all.push(put),
                    Err(e) => unwritten = Some(e),
                }
                if unwritten.is_none() { Ok(()) } else { Err(Error::internal("nothing more is put")) }
            });
            match unwritten {
                Some(e) => Err(e),
                None => Ok(made.map(|()| all)),
            }
        };
        tokio::task::spawn_blocking(work).await.or_internal(|| "drawing died".into())?
    }

    /// The images that an interrupted export has put.
    async fn made_before(&self) -> Result<MadeBefore> {
        let mut made = MadeBefore { images: HashMap::new(), chunks: 0 };
        for path in self.place.list(PROGRESS).await? {
            let Some(chunk) = path.strip_prefix(&format!("{PROGRESS}/images-")) else { continue };
            made.chunks = made.chunks.max(chunk.parse::<usize>().map_or(0, |chunk| chunk + 1));
            let bytes = self.place.get_existing(&path).await?;
            for line in String::from_utf8_lossy(&bytes).lines() {
                if let Some((recipe, line)) = line.split_once(' ')
                    && let Ok(put) = serde_json::from_str(line)
                {
                    made.images.insert(recipe.to_owned(), put);
                }
            }
        }
        Ok(made)
    }

    /// Buckets become shards, one after the other; those that an interrupted export has written stay.
    async fn shards(&self, buckets: &Arc<Buckets>) -> Result<Vec<ManifestFile>> {
        let rows = buckets.close()?;
        let per_shard = self.options.shard_rows.max(1);
        let count: usize = rows.iter().map(|rows| rows.div_ceil(per_shard)).sum();
        let steps = self.mill.progress.steps("shards", count as u64, "shards");
        let mut entries: Vec<ManifestFile> = Vec::with_capacity(count);
        let mut first_row = 0;
        for (bucket, rows) in rows.into_iter().enumerate() {
            let mut sorted: Option<Arc<SortedBucket>> = None;
            for part in 0..rows.div_ceil(per_shard) {
                let at = entries.len();
                let done = format!("{PROGRESS}/shard-{at:07}.json");
                if let Some(bytes) = self.place.get(&done).await?
                    && let Ok(entry) = serde_json::from_slice::<ManifestFile>(&bytes)
                    && self.place.size(&entry.path).await? == Some(entry.bytes)
                {
                    first_row += entry.rows.unwrap_or_default();
                    entries.push(entry);
                    steps.add(1);
                    continue;
                }
                let records = match &sorted {
                    Some(sorted) => Arc::clone(sorted),
                    None => {
                        let buckets = Arc::clone(buckets);
                        let read = tokio::task::spawn_blocking(move || buckets.sorted(bucket)).await;
                        Arc::clone(sorted.insert(Arc::new(read.or_internal(|| "reading died".into())??)))
                    }
                };
                let range = part * per_shard..records.rows().min((part + 1) * per_shard);
                let entry = self.shard(records, range, at, count, first_row).await?;
                self.place.put(&done, super::to_json(&entry)?.into()).await?;
                first_row += entry.rows.unwrap_or_default();
                entries.push(entry);
                steps.add(1);
            }
        }
        steps.finish();
        Ok(entries)
    }

    async fn shard(
        &self,
        sorted: Arc<SortedBucket>,
        range: Range<usize>,
        at: usize,
        of: usize,
        first_row: usize,
    ) -> Result<ManifestFile> {
        let kind = self.options.kind;
        let path = (kind.path)(at, of);
        let rows = range.len();
        let (place, runtime) = (self.place.clone(), tokio::runtime::Handle::current());
        let embeds = kind.embeds && !self.options.annotations_only;
        let keep = self.memory / 16;
        let work = move || {
            // Samples of one shard share images, but not next to each other.
            let latest: RefCell<(HashMap<String, Bytes>, u64)> = RefCell::default();
            let image = |path: &str| -> Result<Option<Bytes>> {
                if !embeds {
                    return Ok(None);
                }
                let mut latest = latest.borrow_mut();
                if let Some(bytes) = latest.0.get(path) {
                    return Ok(Some(bytes.clone()));
                }
                let bytes = runtime.block_on(place.get_existing(&stored(embeds, path)))?;
                if latest.1 + bytes.len() as u64 > keep {
                    *latest = Default::default();
                }
                latest.1 += bytes.len() as u64;
                latest.0.insert(path.to_owned(), bytes.clone());
                Ok(Some(bytes))
            };
            let shard = ExportShard { sorted: &sorted, range, image: &image, first_row };
            let spooled = Spool::new()?.filled(|out| (kind.write)(&shard, out))?;
            let index = kind.index.map(|index| index(&mut spooled.reader()?)).transpose()?;
            Ok::<_, Error>((spooled, index))
        };
        let (spooled, index) = tokio::task::spawn_blocking(work).await.or_internal(|| "writing died".into())??;
        if let Some(index) = index {
            self.place.put(&format!("{path}.idx"), index.into()).await?;
        }
        let entry = spooled.entry(&path, Some(rows));
        self.place.put_spooled(&path, spooled).await?;
        Ok(entry)
    }
}

/// Puts an image. Those that shards embed are put aside until they are in them.
async fn put_image(place: &ExportFolder, embeds: bool, image: ImageFile) -> Result<PutImage> {
    let bytes = image.bytes.len() as u64;
    let path = stored(embeds, &image.path);
    // Its name is the hash of its bytes: what is there is the same.
    if place.size(&path).await? != Some(bytes) {
        place.put(&path, image.bytes).await?;
    }
    Ok(PutImage { path: image.path, bytes })
}

fn stored(embeds: bool, path: &str) -> String {
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

/// The lines of `images-*.jsonl`, each once.
struct ImageIndex {
    /// Hashes of the recipes that are listed: sixteen bytes an image.
    listed: Mutex<HashSet<u128>>,
    lines: Buckets,
}

impl ImageIndex {
    fn add(&self, recipe: &str, line: &IndexLine) -> Result<()> {
        let is_new = self.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(xxh3_128(recipe.as_bytes()));
        if is_new { self.lines.add(&line.path, &super::to_json(line)?) } else { Ok(()) }
    }
}

/// What an interrupted export has put, by recipe.
struct MadeBefore {
    images: HashMap<String, PutImage>,
    chunks: usize,
}

/// An image file that is there.
#[derive(Clone, Serialize, Deserialize)]
struct PutImage {
    path: String,
    bytes: u64,
}

fn line(frame: &SourceImage, marks: Vec<MarkRow>, PutImage { path, bytes }: PutImage) -> IndexLine {
    IndexLine { bytes: Some(bytes), ..IndexLine::of(frame, marks, path) }
}

/// A frame's samples, ready to be written.
struct WrittenFrame {
    /// Ids with their records.
    records: Vec<(String, String)>,
    /// Left out, because their image cannot be read.
    unreadable: Vec<Sample>,
    /// Recipe, line of the index, and whether it was made now.
    lines: Vec<(String, IndexLine, bool)>,
}

fn joined(lines: impl Iterator<Item = String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

fn frame_of() -> datafusion::logical_expr::Expr {
    datafusion::functions_nested::expr_fn::array_element(ident("frame_ids"), datafusion::prelude::lit(1))
}

/// Adds the records of a batch to the buckets, and their images to the index.
fn encode_withheld(
    batch: &RecordBatch,
    frames: &FrameIndex,
    buckets: &Buckets,
    index: &ImageIndex,
    kind: &ExportKind,
    dialect: &Dialect,
) -> Result<()> {
    for mut sample in samples(batch)? {
        for (at, frame_id) in sample.frame_ids.iter().enumerate() {
            let frame = frames.get(frame_id)?;
            let marks: &[MarkRow] = if at == 0 { &sample.marks } else { &[] };
            let path = images::withheld_path(&frame, marks)?;
            index.add(&path, &IndexLine::of(&frame, marks.to_vec(), path.clone()))?;
            sample.images.push(SampleImage { path, width: frame.width, height: frame.height });
        }
        buckets.add(&sample.sample_id, &(kind.record)(&sample, dialect)?)?;
    }
    Ok(())
}
