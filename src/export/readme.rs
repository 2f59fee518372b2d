//! `README.md` inside an export: how its trainer is started, what is in it, under which licences, and how to tell whether it is whole.

use std::fmt::Write;

use super::FinishedExport;
use super::dialect::Dialect;
use super::images::ImageStorage;

pub const README: &str = "README.md";

/// The README of an export.
pub fn of(finished: &FinishedExport<'_>) -> String {
    let kind = finished.kind;
    let mut text = if kind.name == "hf" { super::hf::front_matter(finished) } else { String::new() };
    let shards = finished.shards.len();
    let _ = writeln!(
        text,
        "# {}\n\nSpatial-reasoning questions about images, made by spatialmill {}: {} samples in {shards} {}. Each is a question in one of 19 instruction \
         formats (how the text refers to things, and what is drawn on the image) with its answer.\n",
        finished.name,
        env!("CARGO_PKG_VERSION"),
        finished.samples,
        if shards == 1 { "shard" } else { "shards" },
    );
    if finished.turns > 1 {
        let records: usize = finished.shards.iter().map(|(_, rows)| rows).sum();
        let _ = writeln!(
            text,
            "A record is a conversation about one set of images: up to {} samples, of different questions, in turns; the images are in the first. There are {records} \
             records, and `{}` says whose turns they are. Train on all answers, as trainers do unless they are told to mask what is not the last.\n",
            finished.turns,
            if kind.embeds { "samples" } else { "sample_ids" },
        );
    }
    let _ = writeln!(text, "For {}.\n\n## Start\n\n{}", kind.doc, (kind.start)(finished));
    let _ = writeln!(text, "## Images and boxes\n\n{}\n{}", images(finished), boxes(finished));
    text += "## Licences\n\nEach sample has the licence of its source.\n\n| licence | samples |\n|---|---|\n";
    for (licence, n) in finished.counts.get("licence").into_iter().flatten() {
        let _ = writeln!(text, "| {} | {n} |", cell(licence));
    }
    text += "\n## What is in it\n\n| column | value | samples |\n|---|---|---|\n";
    for (column, counts) in finished.counts.iter().filter(|(column, _)| **column != "licence") {
        for (value, n) in counts {
            let _ = writeln!(text, "| {column} | {} | {n} |", cell(value));
        }
    }
    if !finished.left_out.is_empty() {
        text += "\n## What is not in it\n\n| samples | why |\n|---|---|\n";
        for (reason, n) in finished.left_out {
            let _ = writeln!(text, "| {n} | {} (`{reason}`) |", super::why_left_out(reason, kind));
        }
    }
    let _ = writeln!(
        text,
        "\n## Is it whole?\n\nThis folder may be moved and copied. `manifest.json` has the BLAKE3 hash of every file, and what it was made from: version {} of \
         `dataset`, of which\n\n```sql\n{}\n```\n\nWhoever has the project checks a copy by\n\n```sh\nspatialmill --project PROJECT verify --export \
         /path/to/this/folder\n```\n\nwhich reads every record as the loader does, decodes every picture, and compares both with the table.",
        finished.dataset_version,
        // It is shown, and ends no block of code.
        finished.slice.replace("```", "` ` `"),
    );
    text
}

/// The names of the entries that an index has, as trainers take them.
pub fn entries(finished: &FinishedExport<'_>) -> String {
    let names: Vec<String> = (0..finished.shards.len()).map(|at| format!("{}_{at:05}", finished.name)).collect();
    names.join(",")
}

fn images(finished: &FinishedExport<'_>) -> String {
    let place = match finished.images {
        ImageStorage::Files => {
            "Images are files below `images/`, named by the hash of their frame and marks; `images-*.jsonl` says what each shows, and has the BLAKE3 of its bytes."
        }
        ImageStorage::Embedded => "Images are in the shards.",
        ImageStorage::Withheld => {
            "The images are withheld: records have their paths, and `images-*.jsonl` says which frame each is of, with the SHA-256 of the source's file, \
             how it has to be `turned` (as EXIF counts it; whatever the file says of itself is to be disregarded) and the marks to draw."
        }
    };
    let notes = match finished.images {
        ImageStorage::Withheld => "",
        ImageStorage::Files | ImageStorage::Embedded => {
            " All are seen one way up by every loader, whether it obeys EXIF or not. Those that nothing is drawn on are the sources' own files, with \
             whatever the camera noted in them, which may be a place and a time; only a note to turn the picture is taken out, with all of EXIF."
        }
    };
    format!("{place}{notes}")
}

fn boxes(finished: &FinishedExport<'_>) -> String {
    let written = match finished.dialect {
        Dialect::InternVl => "`<ref>name</ref><box>[[x1, y1, x2, y2]]</box>`, integers of 0 to 1000 of each side",
        Dialect::Qwen3 => "`name {\"bbox_2d\": [x1, y1, x2, y2]}`, integers of 0 to 1000 of each side",
        Dialect::Qwen25 { .. } => {
            "`name {\"bbox_2d\": [x1, y1, x2, y2]}`, pixels of the image as Qwen2.5-VL resizes it"
        }
        Dialect::Relative => "`name [x1, y1, x2, y2]`, numbers of 0 to 1 of each side",
        Dialect::Pixels => "`name [x1, y1, x2, y2]`, pixels",
        Dialect::Swift => "`<ref-object><bbox>`, with both in `objects`, boxes in pixels",
    };
    format!("References and boxes are written in the dialect `{}`: {written}.\n", finished.dialect.name())
}

/// A value of the data in a table of Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
