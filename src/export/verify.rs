//! Verifying an export: every file against the manifest, every record read by its loader's rule and compared with the table.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use spatialmill_drawing::{Picture, oddity, without_orientation};
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::Instant;

use super::buckets::Buckets;
use super::by_frame::{FrameIndex, frames};
use super::dialect::{Dialect, WrittenText};
use super::exact_json;
use super::images::{ImageStorage, IndexLine};
use super::manifest::Manifest;
use super::place::ExportFolder;
use super::run::{MANIFEST, manifest};
use super::{ExportKind, LoadedImage, LoadedRecord, LoadedTurn, boxes};
use crate::error::{Context, Error, Result};
use crate::marked_image::{DrawnMark, marks_on};
use crate::run::{Mill, read_only};
use crate::source::photo::check;
use crate::tables::{Sample, SampleImage, from_arrow};

/// What was found.
#[derive(Debug, Default)]
pub struct VerifiedExport {
    pub files: usize,
    pub samples: u64,
    pub images: usize,
    /// What is wrong, the first few of it.
    pub faults: Vec<String>,
    pub faulty: u64,
    /// How many of the faults are of files: absent, changed, or no picture. The rest is what the export and the tables disagree about.
    pub damaged: u64,
}

/// So many faults are told; the rest are counted.
const TOLD: usize = 20;

impl VerifiedExport {
    fn damage(&mut self, what: String) {
        self.damaged += 1;
        self.fault(what);
    }

    fn fault(&mut self, what: String) {
        self.faulty += 1;
        if self.faults.len() < TOLD {
            self.faults.push(what);
        }
    }
}

/// What is left of a record when its images are checked.
#[derive(Serialize, Deserialize)]
struct FoundRecord {
    images: Vec<String>,
    question: String,
    answer: String,
    references: Vec<String>,
    boxes: Vec<[f64; 4]>,
    box_images: Vec<usize>,
}

impl Mill {
    /// Verifies the export at a URL against the version of `dataset` that it was made from.
    pub async fn verify_export(&self, url: &str) -> Result<VerifiedExport> {
        let place = ExportFolder::at(url)?;
        let manifest = manifest(&place).await?.ok_or_else(|| {
            Error::input("there is no whole export")
                .with("url", url)
                .hint("an export ends with its manifest.json: run it again")
        })?;
        let versions = BTreeMap::from([("dataset".to_owned(), manifest.dataset_version)]);
        let context = self.session(&versions).await?;
        let frames = frames(&context).await?;
        let kind = ExportKind::named(&manifest.kind)?;
        let mut verified = VerifiedExport::default();
        let buckets = || Buckets::new(manifest.samples, 0);
        let (found, expected, listed, claimed) = (buckets()?, buckets()?, buckets()?, buckets()?);
        self.read_files(&place, &manifest, kind, &found, &listed, &mut verified).await?;
        expect(&context, &manifest, &frames, &expected).await?;
        compare(&manifest, kind, &found, &expected, &claimed, &mut verified)?;
        check_images(&place, &manifest, &listed, &claimed, &mut verified).await?;
        Ok(verified)
    }

    /// Every file against the manifest; records go to `found` by their ids, lines of the index to `listed` by their paths.
    async fn read_files(
        &self,
        place: &ExportFolder,
        manifest: &Manifest,
        kind: &'static ExportKind,
        found: &Buckets,
        listed: &Buckets,
        verified: &mut VerifiedExport,
    ) -> Result<()> {
        let steps = self.progress.steps("verify", manifest.files.len() as u64, "files");
        for entry in &manifest.files {
            verified.files += 1;
            steps.add(1);
            let Some(bytes) = place.get(&entry.path).await? else {
                verified.damage(format!("{}: it is not there", entry.path));
                continue;
            };
            let hash = blake3::hash(&bytes).to_hex().to_string();
            if (bytes.len() as u64, &hash) != (entry.bytes, &entry.blake3) {
                verified.damage(format!("{}: its bytes are others than the manifest says", entry.path));
                continue;
            }
            let Some(rows) = entry.rows else {
                if entry.path.starts_with("images-") {
                    for line in String::from_utf8_lossy(&bytes).lines() {
                        let path = serde_json::from_str::<IndexLine>(line).map(|line| line.path);
                        listed.add(&path.or_input(|| format!("a line of `{}` cannot be read", entry.path))?, line)?;
                    }
                }
                continue;
            };
            let path = entry.path.clone();
            let work = move || (kind.read)(&bytes).map_err(|e| e.with("file", path));
            let records = match tokio::task::spawn_blocking(work).await.or_internal(|| "reading died".into())? {
                Ok(records) => records,
                Err(e) => {
                    verified.damage(e.to_string());
                    continue;
                }
            };
            if records.len() != rows {
                verified.fault(format!("{}: it has {} records, the manifest says {rows}", entry.path, records.len()));
            }
            for record in records {
                verified.samples += record.turns.len() as u64;
                let (images, record) = checked(record, manifest.images, verified).await?;
                if record.turns.len() > manifest.turns {
                    let n = record.turns.len();
                    verified.fault(format!(
                        "{}: a record has {n} samples, the manifest says {}",
                        entry.path, manifest.turns
                    ));
                }
                for (id, sample) in by_sample(record, &images) {
                    found.add(&id, &format!("{id} {}", exact_json::write(&sample)?))?;
                }
            }
        }
        steps.finish();
        Ok(())
    }
}

/// A record as its samples: each has the images of all, and what its dialect keeps beside its own texts.
fn by_sample(record: LoadedRecord, images: &[String]) -> Vec<(String, FoundRecord)> {
    let LoadedRecord { turns, references, boxes, box_images, .. } = record;
    let last = turns.len().saturating_sub(1);
    let (mut references, mut boxes) = (references.into_iter(), boxes.into_iter().zip(box_images));
    let mut found = Vec::with_capacity(turns.len());
    for (at, LoadedTurn { sample_id, question, answer }) in turns.into_iter().enumerate() {
        let places = |place: &str| question.matches(place).count() + answer.matches(place).count();
        // Whatever is too much is the last one's, and found there.
        let take = |place: &str| if at == last { usize::MAX } else { places(place) };
        let references = references.by_ref().take(take("<ref-object>")).collect();
        let (boxes, box_images) = boxes.by_ref().take(take("<bbox>")).unzip();
        found.push((
            sample_id,
            FoundRecord { images: images.to_vec(), question, answer, references, boxes, box_images },
        ));
    }
    found
}

/// The images of a record, as what they are compared by: paths, or sizes where they are embedded.
async fn checked(
    record: LoadedRecord,
    images: ImageStorage,
    verified: &mut VerifiedExport,
) -> Result<(Vec<String>, LoadedRecord)> {
    let looked = tokio::task::spawn_blocking(move || {
        let looked: Vec<_> = record
            .images
            .iter()
            .map(|image| match image {
                LoadedImage::Path(path) => (path.clone(), None),
                LoadedImage::Bytes(bytes) => match look(bytes) {
                    Ok((width, height)) => (format!("{width}x{height}"), Some(Ok(()))),
                    Err(why) => (String::new(), Some(Err(why))),
                },
            })
            .collect();
        (looked, record)
    });
    let (looked, record) = looked.await.or_internal(|| "looking at an image died".into())?;
    let id = record.turns.first().map(|turn| turn.sample_id.clone()).unwrap_or_default();
    let mut names = Vec::with_capacity(looked.len());
    for (name, seen) in looked {
        verified.images += usize::from(seen.is_some());
        match seen {
            None if images == ImageStorage::Embedded => verified.damage(format!("{id}: an image has no bytes")),
            Some(Err(why)) => verified.damage(format!("{id}: {why}")),
            None | Some(Ok(())) => {}
        }
        names.push(name);
    }
    Ok((names, record))
}

/// The size of a picture that every loader can decode to its last pixel, and sees in one way, and one way up.
fn look(bytes: &[u8]) -> Result<(u32, u32), String> {
    let picture = Picture::decode(bytes).map_err(|e| format!("its image cannot be decoded: {e}"))?;
    if without_orientation(bytes).is_some() {
        return Err("its image says that it is to be turned, which some loaders do and some do not".to_owned());
    }
    check(bytes).map_err(|why| format!("its image is damaged: {}", why.message))?;
    if let Some(oddity) = oddity(bytes) {
        return Err(format!("its image is {oddity}, which some loaders refuse or show otherwise"));
    }
    Ok((picture.width(), picture.height()))
}

/// What the table says that the export holds.
async fn expect(context: &SessionContext, manifest: &Manifest, frames: &FrameIndex, expected: &Buckets) -> Result<()> {
    let wrong = |e: Error| e.with("file", MANIFEST).with("key", "slice");
    // Those that it has and those that were left out.
    let most = manifest.left_out.values().try_fold(manifest.samples, |sum, n| sum.checked_add(*n));
    let most = most.ok_or_else(|| Error::input("the manifest's counts cannot be").with("file", MANIFEST))?;
    let longest = SLICE_TAKES + SAMPLE_TAKES * u32::try_from(most).unwrap_or(u32::MAX);
    let end = Instant::now() + longest;
    let mut rows = read_slice(context.clone(), manifest.slice.clone(), most);
    let mut seen = 0;
    loop {
        let batch = tokio::time::timeout_at(end, rows.recv()).await;
        let late = |_| wrong(Error::input("the slice of the export takes longer than any that was exported"));
        let Some(batch) = batch.map_err(late)? else { return Ok(()) };
        let batch = batch.map_err(wrong)?;
        seen += batch.num_rows() as u64;
        if seen > most {
            let message = format!("the slice of the export has more than the {most} samples of its manifest");
            return Err(wrong(Error::input(message)));
        }
        for mut sample in from_arrow::rows::<Sample>(&batch)? {
            for frame_id in &sample.frame_ids {
                let frame = frames.get(frame_id)?;
                sample.images.push(SampleImage { path: String::new(), width: frame.width, height: frame.height });
            }
            expected.add(&sample.sample_id, &exact_json::write(&sample)?)?;
        }
    }
}

/// How long a slice may take, and each sample of it: many times what it takes where nothing was optimised.
const SLICE_TAKES: Duration = Duration::from_secs(15);
const SAMPLE_TAKES: Duration = Duration::from_millis(2);

/// The rows of a slice, no more than one too many. The manifest lies where the export does, and anybody may have written it: planning and
/// computing give way to nobody, so that who waits for them is another task.
fn read_slice(context: SessionContext, slice: String, most: u64) -> Receiver<Result<RecordBatch>> {
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let opened = async {
            let rows = read_only::rows_of_tables(&context, &slice).await?;
            Ok(rows.limit(0, usize::try_from(most.saturating_add(1)).ok())?.execute_stream().await?)
        };
        match opened.await {
            Ok(mut rows) => {
                while let Some(batch) = rows.next().await {
                    if send.send(batch.map_err(Error::from)).await.is_err() {
                        return;
                    }
                }
            }
            // Who no longer listens has said why.
            Err(error) => drop(send.send(Err(error)).await),
        }
    });
    receive
}

fn compare(
    manifest: &Manifest,
    kind: &ExportKind,
    found: &Buckets,
    expected: &Buckets,
    claimed: &Buckets,
    verified: &mut VerifiedExport,
) -> Result<()> {
    let dialect = match (Dialect::named(&manifest.dialect)?, manifest.min_pixels, manifest.max_pixels) {
        (Dialect::Qwen25 { .. }, Some(min_pixels), Some(max_pixels)) => Dialect::Qwen25 { min_pixels, max_pixels },
        (dialect, ..) => dialect,
    };
    let mut missing = 0;
    for bucket in 0..found.close()?.len().max(expected.close()?.len()) {
        let mut records: HashMap<String, FoundRecord> = HashMap::new();
        for record in found.read(bucket)? {
            let Some((id, text)) = record.split_once(' ') else { continue };
            let record = exact_json::read(text)?;
            if records.insert(id.to_owned(), record).is_some() {
                verified.fault(format!("{id}: it is there twice"));
            }
        }
        for text in expected.read(bucket)? {
            let sample: Sample = exact_json::read(&text)?;
            match records.remove(&sample.sample_id) {
                None => missing += 1,
                Some(record) => match agrees(&sample, &record, kind, &dialect, manifest.images) {
                    Ok(()) if manifest.images == ImageStorage::Embedded => {}
                    Ok(()) => claim(&sample, &record, claimed)?,
                    Err(why) => verified.fault(format!("{}: {why}", sample.sample_id)),
                },
            }
        }
        for id in records.keys() {
            verified.fault(format!("{id}: the table has no such sample in this slice"));
        }
    }
    let left_out: u64 = manifest.left_out.values().sum();
    if missing != left_out {
        verified.fault(format!(
            "{missing} samples of the table are not in the export, as far as its files can be read; its manifest says that {left_out} were left out"
        ));
    }
    Ok(())
}

fn agrees(
    sample: &Sample,
    record: &FoundRecord,
    kind: &ExportKind,
    dialect: &Dialect,
    images: ImageStorage,
) -> Result<(), String> {
    // What is kept beside the text is in the order of question and answer.
    let in_question = |place: &str| record.question.matches(place).count();
    let (references, boxes) = (in_question("<ref-object>"), in_question("<bbox>"));
    let split = |text: &str, references: &[String], boxes: Range<usize>| WrittenText {
        text: text.to_owned(),
        references: references.to_vec(),
        boxes: record.boxes[boxes.clone()].to_vec(),
        box_images: record.box_images.get(boxes).unwrap_or_default().to_vec(),
    };
    if *dialect == Dialect::Swift && (references > record.references.len() || boxes > record.boxes.len()) {
        return Err("fewer references or boxes than its text has places for".to_owned());
    }
    let (references, boxes) = (references.min(record.references.len()), boxes.min(record.boxes.len()));
    let asked = split(&record.question, &record.references[..references], 0..boxes);
    let answered = split(&record.answer, &record.references[references..], boxes..record.boxes.len());
    let placed = self::boxes(sample).map_err(|e| e.to_string())?;
    dialect.agrees(&asked, &(kind.asked)(sample), &placed).map_err(|why| format!("question: {why}"))?;
    dialect.agrees(&answered, &sample.answer, &placed).map_err(|why| format!("answer: {why}"))?;
    if record.images.len() != sample.images.len() {
        return Err(format!("it has {} images of {}", record.images.len(), sample.images.len()));
    }
    for (at, (name, image)) in record.images.iter().zip(&sample.images).enumerate() {
        if images == ImageStorage::Embedded && *name != format!("{}x{}", image.width, image.height) {
            return Err(format!("image {} has {name} pixels, its frame {}x{}", at + 1, image.width, image.height));
        }
    }
    Ok(())
}

/// What a sample takes each of its images for.
#[derive(Serialize, Deserialize)]
struct ImageClaim {
    path: String,
    sample_id: String,
    frame_id: String,
    marks: Vec<DrawnMark>,
}

fn claim(sample: &Sample, record: &FoundRecord, claimed: &Buckets) -> Result<()> {
    for (at, (path, frame_id)) in record.images.iter().zip(&sample.frame_ids).enumerate() {
        let claim = ImageClaim {
            path: path.clone(),
            sample_id: sample.sample_id.clone(),
            frame_id: frame_id.clone(),
            marks: marks_on(&sample.marks, at),
        };
        claimed.add(path, &super::to_json(&claim)?)?;
    }
    Ok(())
}

/// Every image is listed as what its samples take it for; its file is there, with the bytes that the index says.
async fn check_images(
    place: &ExportFolder,
    manifest: &Manifest,
    listed: &Buckets,
    claimed: &Buckets,
    verified: &mut VerifiedExport,
) -> Result<()> {
    let broken = || "a line was written by us".to_owned();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for bucket in 0..listed.close()?.len().max(claimed.close()?.len()) {
        // Equal images are one file, whatever they are of.
        let mut lines: HashMap<String, Vec<IndexLine>> = HashMap::new();
        for line in listed.read(bucket)? {
            let line: IndexLine = serde_json::from_str(&line).or_internal(broken)?;
            lines.entry(line.path.clone()).or_default().push(line);
        }
        for claim in claimed.read(bucket)? {
            let claim: ImageClaim = serde_json::from_str(&claim).or_internal(broken)?;
            let (path, sample) = (&claim.path, &claim.sample_id);
            match lines.get(path) {
                None => verified.fault(format!("{sample}: the index has no `{path}`")),
                Some(lines) => {
                    // Both were read from JSON once, so that equal numbers are equal.
                    if !lines.iter().any(|line| line.frame_id == claim.frame_id && line.marks == claim.marks) {
                        verified.fault(format!("{sample}: `{path}` is the image of another frame or has other marks"));
                    }
                }
            }
        }
        if manifest.images != ImageStorage::Files {
            continue;
        }
        let looked = lines.iter().map(|(path, lines)| look_at(place, path, lines.first()));
        let mut looked = futures::stream::iter(looked).buffer_unordered(at_once);
        while let Some(found) = looked.next().await {
            verified.images += 1;
            if let Some(fault) = found? {
                verified.damage(fault);
            }
        }
    }
    Ok(())
}

/// What is wrong with an image file, by the hash of its bytes, its pixels and their number.
async fn look_at(place: &ExportFolder, path: &str, line: Option<&IndexLine>) -> Result<Option<String>> {
    let Some(bytes) = place.get(path).await? else { return Ok(Some(format!("{path}: it is not there"))) };
    let (name, line) = (path.to_owned(), line.cloned());
    let look = move || {
        let line = line?;
        if line.blake3.as_deref() != Some(blake3::hash(&bytes).to_hex().as_str()) {
            return Some(format!("{name}: its bytes are others than the index says"));
        }
        match look(&bytes) {
            Err(why) => Some(format!("{name}: {why}")),
            Ok((width, height)) if (width, height) != (line.width, line.height) => {
                Some(format!("{name}: it has {width}x{height} pixels, the index says {}x{}", line.width, line.height))
            }
            Ok(_) => None,
        }
    };
    tokio::task::spawn_blocking(look).await.or_internal(|| "looking at an image died".into())
}
