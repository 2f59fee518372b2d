//! A look at the beginning of each file, before there is time to read them all: what is missing, what it costs, and which option helps.

use super::files;
use super::markup::Markup;
use super::records::{self, ConversationRecord, Found, RecordKind, RegionRecord};
use super::square_pad;
use super::{AllSeeingReader, MissingImages};
use crate::error::Result;
use crate::source::json::forms;
use crate::source::photo;

/// Files that are looked at: one of each photo says what all do.
const FILES: usize = 16;

/// Bytes of each.
const BEGINNING: u64 = 1 << 20;

/// Photos of each that are looked for.
const PHOTOS: usize = 8;

/// Boxes that tell whether coordinates are of a square.
const TELLING: usize = 50;

/// What is met at the beginning of a file.
#[derive(Default)]
struct Beginning {
    photos: Vec<String>,
    found: usize,
    tagged: usize,
    untagged: usize,
    /// Boxes of conversations about photos that are not square, and how many of them lie where padding would leave them.
    boxes: usize,
    inside: usize,
}

/// A sentence for each thing that only the project's author knows.
pub fn unsaid(source: &AllSeeingReader) -> Result<Vec<String>> {
    let (mut said, mut found, mut photos) = (Vec::new(), 0, Vec::new());
    for file in source.files.iter().take(FILES) {
        let mut seen = Beginning::default();
        records::read_part(&source.root, file, BEGINNING, &mut |record| {
            if let Found::Record { kind, photo, json, .. } = record {
                seen.record(source, kind, photo, json);
            }
            Ok(())
        })?;
        found += seen.found;
        photos.extend(seen.photos);
        let path = &file.path;
        if seen.untagged > 0 && seen.tagged == 0 && source.untagged.is_none() {
            said.push(format!(
                "the regions of `{path}` have no tags: those whose boxes no other file names are quarantined (category), unless `untagged` \
                 of the [[source]] gives them a name"
            ));
        }
        let padded = source.options.square_pad.unwrap_or_else(|| files::is_square_padded(path));
        if source.options.square_pad.is_none() && seen.boxes >= TELLING && padded != (seen.inside == seen.boxes) {
            let (is, set) = if padded { ("not to be", false) } else { ("to be", true) };
            said.push(format!(
                "the first {} boxes of `{path}` on photos that are not square seem {is} of the photo amid a square: `square_pad = {set}` of the \
                 [[source]] takes them so, and their boxes are elsewhere than now",
                seen.boxes
            ));
        }
    }
    if let Some(first) =
        photos.first().filter(|_| found == 0 && source.options.missing_images == MissingImages::Quarantine)
    {
        let below: Vec<String> = source.folders.iter().map(|folder| format!("`{folder}/`")).collect();
        said.push(format!(
            "none of the first {} photos is there, such as `{first}` below {}: they and their regions are quarantined (missing_file); `images` \
             of the [[source]] names their folder, and `missing_images = \"keep\"` does without them where their sizes are stated",
            photos.len(),
            below.join(" or ")
        ));
    }
    Ok(said)
}

impl Beginning {
    fn record(&mut self, source: &AllSeeingReader, kind: RecordKind, path: &str, json: &[u8]) {
        let mut size = None;
        if self.photos.len() < PHOTOS && !self.photos.iter().any(|known| known == path) {
            self.photos.push(path.to_owned());
            self.found += usize::from(matches!(source.found(&[path.to_owned()]), Ok(Some(_))));
        }
        match kind {
            RecordKind::Image => {}
            RecordKind::Annotation | RecordKind::Region => {
                if let Ok(region) = forms::record::<RegionRecord>(json) {
                    let counter = if region.tags().is_empty() { &mut self.untagged } else { &mut self.tagged };
                    *counter += 1;
                }
            }
            RecordKind::Conversation if self.boxes < TELLING => {
                let Ok(record) = forms::record::<ConversationRecord>(json) else { return };
                for turn in &record.conversations {
                    for grounding in Markup::read(&turn.value).grounded {
                        let size = *size.get_or_insert_with(|| sides(source, path));
                        let Some(size) = size.filter(|(width, height)| width != height) else { return };
                        self.boxes += grounding.boxes.len();
                        let inside =
                            |corners: &&[f64; 4]| square_pad::is_inside(**corners, size, source.options.box_scale);
                        self.inside += grounding.boxes.iter().filter(inside).count();
                    }
                }
            }
            RecordKind::Conversation => {}
        }
    }
}

/// Of a photo, where it is there.
fn sides(source: &AllSeeingReader, path: &str) -> Option<(f64, f64)> {
    let path = source.found(&[path.to_owned()]).ok()??;
    let bytes = photo::bytes(&source.root, &path).ok()?;
    photo::dimensions(&bytes).ok().map(|(width, height)| (f64::from(width), f64::from(height)))
}
