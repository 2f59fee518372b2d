//! How an export is done; the module above draws it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use datafusion::functions_nested::expr_fn::cardinality;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident, lit};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use spatialmill_geometry::Mask;
use tokio::sync::{Semaphore, SemaphorePermit};
use xxhash_rust::xxh3::xxh3_128;

use super::buckets::{Buckets, SortedBucket};
use super::by_frame::{FrameImagesStream, FrameIndex, Masks, frames};
use super::conversation::Conversation;
use super::dialect::Dialect;
use super::images::{self, ImageStorage, IndexLine};
use super::manifest::{Manifest, ManifestFile};
use super::place::ExportFolder;
use super::place_lock::PlaceLock;
use super::shards::cannot_write;
use super::spool::Spool;
use super::{ExportKind, ExportShard, FinishedExport, TOO_MANY_IMAGES, UNREADABLE_IMAGE, why_left_out};
use super::{packing, readme};
use crate::error::{Context, Error, Result};
use crate::marked_image::{self, DrawnMark, SourceImage, marks_on};
use crate::run::Mill;
use crate::tables::{Sample, SampleImage, from_arrow};

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
    /// How many samples about the same images a record holds at most.
    pub turns: usize,
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
        if options.turns > 1 && !options.kind.takes_turns {
            let message = format!(
                "a record of `{}` is one question: its samples cannot be packed into conversations",
                options.kind.name
            );
            return Err(Error::usage(message).hint("leave --turns out"));
        }
        let place = ExportFolder::at(&options.out)?;
        let fingerprint = self.fingerprint(options).await?;
        if let Some(there) = there_already(&place, &fingerprint, options).await? {
            return Ok(ExportOutcome { manifest: there, written: false });
        }
        // Before anything is written, or deleted to make room.
        let suited = suited(rows, options.kind).await?;
        let lock = PlaceLock::take(&place).await?;
        let outcome = self.export_locked(context, suited, options, fingerprint, &lock).await;
        let released = lock.release().await;
        // What failed first is what is told.
        outcome.and_then(|outcome| released.map(|()| outcome))
    }

    /// The export itself, when nobody else writes there.
    async fn export_locked(
        &self,
        context: &SessionContext,
        SuitedRows { rows, samples, too_many_images }: SuitedRows,
        options: &ExportOptions,
        fingerprint: String,
        lock: &PlaceLock,
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
        let counts = counts(&rows).await?;
        let left_out = match too_many_images {
            0 => BTreeMap::new(),
            n => BTreeMap::from([(TOO_MANY_IMAGES.to_owned(), n)]),
        };
        let memory = self.project.memory()?;
        let columns = SchemaRef::clone(rows.schema().inner());
        let export = ExportRun { mill: self, place, options, fingerprint, samples, columns, memory, lock };
        let manifest = export.run(context, rows, counts, left_out).await?;
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
        if options.turns > 1 {
            parts += &format!(" turns {}", options.turns);
        }
        // Images and their sizes, and masks.
        for table in ["frames", "objects"] {
            let version = self.warehouse.table(table).await?.map(|table| table.version());
            parts += &format!(" {table} {version:?}");
        }
        Ok(blake3::hash(parts.as_bytes()).to_hex()[..32].to_owned())
    }
}

/// The samples that show no more images than a kind takes.
struct SuitedRows {
    rows: DataFrame,
    samples: u64,
    /// How many others there are.
    too_many_images: u64,
}

async fn suited(rows: DataFrame, kind: &ExportKind) -> Result<SuitedRows> {
    let all = rows.clone().count().await? as u64;
    let Some(most) = kind.most_images else { return Ok(SuitedRows { rows, samples: all, too_many_images: 0 }) };
    let shown = cast(cardinality(ident("frame_ids")), DataType::Int64);
    let rows = rows.filter(shown.lt_eq(lit(i64::try_from(most).unwrap_or(i64::MAX))))?;
    let samples = rows.clone().count().await? as u64;
    if samples == 0 && all > 0 {
        return Err(Error::usage(format!(
            "none of the {all} samples can be exported: {}",
            why_left_out(TOO_MANY_IMAGES, kind)
        ))
        .hint("another kind, or other samples: `--task` and `--where` choose them"));
    }
    Ok(SuitedRows { rows, samples, too_many_images: all - samples })
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
            vec![datafusion::functions_aggregate::expr_fn::count(lit(1)).alias("n")],
        )?
        .collect()
        .await?;
    for batch in &grouped {
        for row in from_arrow::rows::<serde_json::Map<String, Value>>(batch)? {
            let n = row.get("n").and_then(Value::as_u64).unwrap_or_default();
            for name in columns {
                let value = row.get(name).and_then(Value::as_str).unwrap_or(UNKNOWN);
                *counts.entry(name).or_default().entry(value.to_owned()).or_default() += n;
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
    /// The columns of `dataset`.
    columns: SchemaRef,
    /// What the process may use, in bytes.
    memory: u64,
    lock: &'a PlaceLock,
}

impl ExportRun<'_> {
    async fn run(
        &self,
        context: &SessionContext,
        rows: DataFrame,
        mut counts: ExportCounts,
        mut left_out: BTreeMap<String, u64>,
    ) -> Result<Manifest> {
        let seed = self.mill.project.integer("seed");
        let buckets = Arc::new(Buckets::new(self.samples, seed)?);
        let frames = Arc::new(frames(context).await?);
        // Most images are of several samples.
        let index = Arc::new(ImageIndex { listed: Mutex::default(), lines: Buckets::new(self.samples / 2, seed)? });
        // Images first: a sample whose image cannot be read has no record.
        let unreadable = match self.options.annotations_only {
            true => BTreeSet::new(),
            false => self.images(context, rows.clone(), &frames, &index).await?,
        };
        let groups = match self.options.turns {
            0 | 1 => None,
            _ => Some(Arc::new(Buckets::new(self.samples, seed)?)),
        };
        let unreadable = self.records(rows, &frames, (&buckets, &groups), &index, unreadable, &mut counts).await?;
        if let Some(groups) = groups {
            let (records, options) = (Arc::clone(&buckets), self.options.clone());
            let pack = move || packing::pack(&groups, options.turns, seed, options.kind, &options.dialect, &records);
            tokio::task::spawn_blocking(pack).await.or_internal(|| "packing died".into())??;
        }
        if unreadable > 0 {
            left_out.insert(UNREADABLE_IMAGE.to_owned(), unreadable);
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
        let samples = self.samples - unreadable;
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
            turns: self.options.turns.max(1),
            left_out: &left_out,
            dataset_version: self.options.dataset_version,
            slice: &self.options.slice,
            columns: SchemaRef::clone(&self.columns),
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
            turns: self.options.turns.max(1),
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
        self.lock.holds().await?;
        self.place.put(MANIFEST, super::pretty(&json!(manifest))?.into()).await?;
        clear_progress(&self.place).await?;
        Ok(manifest)
    }

    async fn put(&self, path: &str, bytes: Bytes, rows: Option<usize>) -> Result<ManifestFile> {
        let entry = ManifestFile::of(path, &bytes, rows);
        self.place.put(path, bytes).await?;
        Ok(entry)
    }

    /// The records, with the paths of their images, whose files may be withheld. Rows come by their first frame, which is where the sizes of
    /// images are looked up. Gives how many samples were left out because an image of theirs cannot be read.
    async fn records(
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

    /// The images that samples show, frame by frame, so that each is decoded once. Gives the frames whose image cannot be read.
    async fn images(
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
        let (keep, columns, turns) = (self.memory / 16, SchemaRef::clone(&self.columns), self.options.turns);
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
            let shard = ExportShard { sorted: &sorted, range, image: &image, columns, first_row, turns };
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
    /// Hashes of the paths that are listed: sixteen bytes an image.
    listed: Mutex<HashSet<u128>>,
    lines: Buckets,
}

impl ImageIndex {
    fn add(&self, path: &str, line: &str) -> Result<()> {
        let is_new = self.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(xxh3_128(path.as_bytes()));
        if is_new { self.lines.add(path, line) } else { Ok(()) }
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

fn frame_of() -> datafusion::logical_expr::Expr {
    datafusion::functions_nested::expr_fn::array_element(ident("frame_ids"), lit(1))
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
