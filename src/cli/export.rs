//! `export`: the dataset, or a slice of it, as files that a trainer loads.

use clap::Args;

use super::limits::Timeout;
use super::watch::Watch;
use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::export::{Dialect, EXPORTS, ExportKind, ExportOptions, why_left_out};
use crate::progress::tell_line;
use crate::slice::Selection;

/// Export samples with their images in a trainer's own format
///
/// Rows are shuffled (by a hash of the seed) and sharded; images are drawn and put once, under the hash of their bytes. An export that is interrupted is
/// taken up where it was by the same command; one that is whole has a manifest.json, and `verify --export URL` checks it. It may be moved: its
/// paths are relative, and its README.md says how the trainer is started. Pictures that nothing is drawn on are the sources' own files, with what
/// cameras noted in them; a note to turn them is taken out, so that all loaders see them one way up.
#[derive(Debug, Args)]
#[command(after_long_help = kinds())]
pub struct Export {
    /// internvl, swift, qwen, llava, sharegpt, hf, webdataset or vlmeval; `--to all` describes them
    #[arg(long, value_name = "KIND")]
    to: String,
    /// Where: a path, file:// or s3://bucket/prefix
    #[arg(long, value_name = "URL")]
    out: Option<String>,
    /// Describe the kind's files and how they are loaded, and write nothing
    #[arg(long)]
    describe: bool,
    #[command(flatten)]
    selection: Selection,
    /// At most so many samples, those with the lowest ids, which is a fair choice
    #[arg(long)]
    limit: Option<usize>,
    /// What the trainer calls it
    #[arg(long, default_value = "spatialmill")]
    name: String,
    /// How references and boxes are written: internvl, qwen2.5, qwen3, relative, pixels or swift; by default the kind's own
    #[arg(long)]
    dialect: Option<String>,
    /// For --dialect qwen2.5: pixels that a resized image has at least
    #[arg(long, value_name = "N")]
    min_pixels: Option<u64>,
    /// For --dialect qwen2.5: pixels that a resized image has at most
    #[arg(long, value_name = "N")]
    max_pixels: Option<u64>,
    /// Samples of a shard, at most; by default what suits the kind
    #[arg(long, value_name = "N")]
    shard_rows: Option<usize>,
    /// Pack up to so many samples about the same images into one record, as the turns of a conversation; no record asks one question twice
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    turns: u32,
    /// Write no image, where a licence forbids to pass them on: images-*.jsonl says what each is made of
    #[arg(long)]
    annotations_only: bool,
    /// Leave samples out whose image cannot be read, and count them, instead of stopping
    #[arg(long)]
    skip_unreadable: bool,
    /// Write over another export that is there
    #[arg(long)]
    replace: bool,
    /// internvl, qwen: write the whole paths of files into the index, as if the export lay in this folder; by default they are relative to the export
    #[arg(long, value_name = "PATH")]
    root: Option<String>,
    #[command(flatten)]
    timeout: Timeout,
}

impl Export {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if self.to == "all" {
            return out(&kinds());
        }
        let kind = ExportKind::named(&self.to)?;
        if self.describe {
            return out(&format!("{}: {}\n\n{}\n", kind.name, kind.doc, kind.long_doc));
        }
        let out_url = self.out.clone().ok_or_else(|| {
            Error::usage("`--out` must say where the export goes").hint("a path, file:// or s3://bucket/prefix")
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(Error::usage("the name of an export is made of letters, digits, `-`, `_` and `.`")
                .with("name", &self.name));
        }
        let dialect = self.dialect(kind.dialect)?;
        if (kind.name == "swift") != (dialect == Dialect::Swift) {
            return Err(Error::usage(format!("`{}` cannot be written in the dialect `{}`", kind.name, dialect.name()))
                .hint("ms-swift writes boxes itself, in its model's dialect; all other kinds need them in the text"));
        }
        if self.root.is_some() && !kind.rooted {
            let rooted: Vec<&str> = EXPORTS.iter().filter(|kind| kind.rooted).map(|kind| kind.name).collect();
            return Err(Error::usage(format!(
                "`{}` names no file by its whole path, so `--root` changes nothing",
                kind.name
            ))
            .hint(format!(
                "leave it out; it is for {}. The export's README.md says where images are looked for",
                rooted.join(" and ")
            )));
        }
        let timeout = self.timeout;
        timeout.within(self.write(global, kind, dialect, out_url)).await
    }

    async fn write(self, global: &Global, kind: &'static ExportKind, dialect: Dialect, url: String) -> Result<()> {
        let mill = global.mill().await?;
        let _watch = Watch::over(&mill)?;
        let selected = self.selection.rows(&mill, self.limit).await?;
        let options = ExportOptions {
            kind,
            out: url,
            name: self.name,
            dialect,
            shard_rows: self.shard_rows.unwrap_or(kind.shard_rows).max(1),
            turns: self.turns as usize,
            annotations_only: self.annotations_only,
            skip_unreadable: self.skip_unreadable,
            replace: self.replace,
            root: self.root.filter(|root| !root.is_empty()),
            slice: selected.sql,
            dataset_version: selected.version,
        };
        let outcome = mill.export(&selected.context, selected.rows, &options).await?;
        let manifest = outcome.manifest;
        if !outcome.written {
            tell_line(format_args!("it is there already, whole, and nothing has changed: {}", options.out));
        }
        for (reason, n) in &manifest.left_out {
            tell_line(format_args!("{n} samples left out: {} ({reason})", why_left_out(reason, kind)));
        }
        let shards = manifest.files.iter().filter(|entry| entry.rows.is_some()).count();
        tell_line(format_args!("how its trainer is started: README.md there"));
        let records: usize = manifest.files.iter().filter_map(|entry| entry.rows).sum();
        let packed = if manifest.turns > 1 { format!(" in {records} conversations") } else { String::new() };
        out(&format!("{} samples{packed} in {shards} shards, {}\n", manifest.samples, options.out))
    }

    fn dialect(&self, default: &str) -> Result<Dialect> {
        let named = Dialect::named(self.dialect.as_deref().unwrap_or(default))?;
        match named {
            Dialect::Qwen25 { min_pixels, max_pixels } => {
                let (min_pixels, max_pixels) =
                    (self.min_pixels.unwrap_or(min_pixels), self.max_pixels.unwrap_or(max_pixels));
                if min_pixels == 0 || min_pixels > max_pixels {
                    return Err(Error::usage("--min-pixels must be 1 or more, and no more than --max-pixels")
                        .with("min", min_pixels)
                        .with("max", max_pixels));
                }
                Ok(Dialect::Qwen25 { min_pixels, max_pixels })
            }
            _ if self.min_pixels.is_some() || self.max_pixels.is_some() => {
                Err(Error::usage("--min-pixels and --max-pixels are of the dialect qwen2.5 alone"))
            }
            other => Ok(other),
        }
    }
}

fn kinds() -> String {
    let rows: Vec<Vec<String>> =
        EXPORTS.iter().map(|kind| vec![kind.name.to_owned(), kind.dialect.to_owned(), kind.doc.to_owned()]).collect();
    let table = columns(&["kind", "dialect", "for"], &rows);
    format!("{table}\n`export --to KIND --describe` describes a kind's files and how they are loaded.\n")
}
