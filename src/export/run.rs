//! One export, from options to manifest: what is there already, the three passes that the module above draws, and the files beside their shards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use datafusion::functions_nested::expr_fn::cardinality;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident, lit};
use serde_json::json;

use super::buckets::Buckets;
use super::by_frame::frames;
use super::counts::{ExportCounts, counts};
use super::dialect::Dialect;
use super::image_index::ImageIndex;
use super::images::ImageStorage;
use super::manifest::{Manifest, ManifestFile};
use super::place::ExportFolder;
use super::place_lock::PlaceLock;
use super::{ExportKind, FinishedExport, TOO_MANY_IMAGES, UNREADABLE_IMAGE, why_left_out};
use super::{packing, readme};
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

/// Below it is what an export has done that is not whole yet.
pub const PROGRESS: &str = "_progress";

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

/// An export that is being made.
pub struct ExportRun<'a> {
    pub(super) mill: &'a Mill,
    pub(super) place: ExportFolder,
    pub(super) options: &'a ExportOptions,
    fingerprint: String,
    pub(super) samples: u64,
    /// The columns of `dataset`.
    pub(super) columns: SchemaRef,
    /// What the process may use, in bytes.
    pub(super) memory: u64,
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
        let index = Arc::new(ImageIndex::new(self.samples / 2, seed)?);
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
            files = index.written(&self.place).await?;
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
}
