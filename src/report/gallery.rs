//! The gallery: a few samples with their images and the objects that they speak of.
//!
//! In: one row for each object on each image of each sample. Out: cards, whose images are small JPEGs inside the page; a sample of several images has
//! a wide card, with its scene from above. An image that cannot be read leaves its reason on the card and never fails the report.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};
use image::{DynamicImage, RgbImage};
use spatialmill_drawing::decode_rgb;

use super::card::{Card, CardImage, CardObject, CardView, GalleryRow, rectangle};
use super::html_text::Text;
use super::number::number;
use super::sheet::{Scenes, named_objects, scene_from_above};
use super::{files, strip_card};
use crate::error::{Context, Result};
use crate::marked_image::{SourceImage, marks_on, recipe};

/// Images are no wider than this on the page, in pixels: enough to judge an answer, and 36 of them stay below 3 MB.
const WIDEST: u32 = 480;
/// The same for each image of a sample that shows several: 32 of them are some 200 kB.
const WIDEST_OF_SEVERAL: u32 = 224;
/// Of the scene from above, pixels.
const SCENE_HEIGHT: u32 = 420;
/// A strip of a panorama must not be a page high.
const HIGHEST: u32 = 640;
const JPEG_QUALITY: u8 = 78;

/// Images that are decoded at the same time; each may take a few hundred megabytes while it is at full size.
const AT_ONCE: usize = 2;

/// Rows of one sample next to each other become a card.
pub async fn cards(context: &SessionContext, rows: Vec<GalleryRow>) -> Result<Vec<Card>> {
    let mut cards = with_images(gathered(rows)).await;
    let mut scenes = Scenes::default();
    for card in cards.iter_mut().filter(|card| card.shows_several()) {
        let scene = match &card.sample.scene_id {
            Some(scene_id) => scenes.get(context, scene_id).await?,
            None => None,
        };
        let category = |id: &str| {
            let placed = scene.iter().flat_map(|scene| &scene.objects).find(|object| object.object_id == id);
            let seen = || card.views.iter().flat_map(|view| &view.objects).find(|object| object.object_id == id);
            placed.map(|object| object.category.clone()).or_else(|| Some(seen()?.category.clone()))
        };
        card.named = named_objects(&card.sample.object_ids, &card.sample.marks, category);
        if let Some(scene) = scene {
            let (named, shown) = (card.named.clone(), card.sample.frame_ids.clone());
            let drawn = move || scene_from_above(&scene, &named, &shown, SCENE_HEIGHT)?.png();
            let drawn = tokio::task::spawn_blocking(drawn).await.or_internal(cannot_draw)?.or_internal(cannot_draw)?;
            card.scene = Some(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(drawn)));
        }
    }
    Ok(cards)
}

fn cannot_draw() -> String {
    "a scene cannot be drawn".to_owned()
}

/// The cards with their images. Samples of one scene show the same ones, which are read once.
async fn with_images(cards: Vec<Card>) -> Vec<Card> {
    let known: Mutex<HashMap<(String, u32), CardImage>> = Mutex::default();
    let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
    stream::iter(cards)
        .map(|mut card| async {
            let widest = if card.shows_several() { WIDEST_OF_SEVERAL } else { WIDEST };
            for view in &mut card.views {
                let key = view.recipe().map(|recipe| (recipe, widest));
                let found = key.as_ref().and_then(|key| known().get(key).cloned());
                view.image = match found {
                    Some(image) => image,
                    None => load(view, widest).await.map_or_else(CardImage::Missing, CardImage::Small),
                };
                if let Some(key) = key {
                    known().insert(key, view.image.clone());
                }
            }
            card
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn gathered(rows: Vec<GalleryRow>) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for mut row in rows {
        let object = row.object.take();
        if cards.last().is_none_or(|card| card.sample.sample_id != row.sample_id) {
            cards.push(Card { sample: row.clone(), ..Card::default() });
        }
        let Some(card) = cards.last_mut() else { continue };
        if card.views.last().is_none_or(|view| view.shown.image != row.image) {
            card.views.push(CardView { shown: row, ..CardView::default() });
        }
        if let Some(view) = card.views.last_mut() {
            view.objects.extend(object);
        }
    }
    cards
}

/// The image with its marks as a small JPEG in a `data:` URI, or the reason why there is none.
async fn load(view: &CardView, widest: u32) -> Result<String, String> {
    let marks = marks_on(&view.shown.marks, view.shown.image);
    let mut masks = BTreeMap::new();
    for object in &view.objects {
        if let Some(mask) = &object.mask {
            masks.insert(object.object_id.clone(), mask.decode().map_err(|e| e.to_string())?);
        }
    }
    let shown = files::marked(view.frame(), marks, masks).await?;
    let encoded = tokio::task::spawn_blocking(move || shrink(&shown, widest)).await;
    encoded.unwrap_or_else(|died| Err(format!("decoding died: {died}")))
}

impl CardView {
    fn frame(&self) -> SourceImage {
        let GalleryRow { frame_id, uri, width, height, .. } = self.shown.clone();
        SourceImage { frame_id, uri, sha256: None, width, height }
    }

    /// What tells its image apart from all others.
    fn recipe(&self) -> Option<String> {
        recipe(&self.frame(), &marks_on(&self.shown.marks, self.shown.image)).ok()
    }
}

fn shrink(bytes: &[u8], widest: u32) -> Result<String, String> {
    let (width, height, pixels) = decode_rgb(bytes).map_err(|refused| refused.to_string())?;
    let full = RgbImage::from_raw(width, height, pixels).ok_or("its pixels do not fill it")?;
    let full = DynamicImage::from(full);
    let small: RgbImage = match full.width() <= widest && full.height() <= HIGHEST {
        true => full.into_rgb8(),
        false => full.thumbnail(widest, HIGHEST).into_rgb8(),
    };
    let side = |pixels: u32| u16::try_from(pixels).map_err(|e| e.to_string());
    let (width, height) = (side(small.width())?, side(small.height())?);
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, JPEG_QUALITY)
        .encode(small.as_raw(), width, height, jpeg_encoder::ColorType::Rgb)
        .map_err(|e| e.to_string())?;
    Ok(format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg)))
}

/// A card's markup.
pub fn card(card: &Card) -> String {
    let Card { sample, views, .. } = card;
    let mut html = match card.shows_several() {
        true => format!("<article class=\"card several\">{}", strip_card::strip(card)),
        false => String::from("<article class=\"card\">"),
    };
    let only = if card.shows_several() { &[] } else { views.as_slice() };
    for CardView { shown, objects, image } in only {
        match image {
            CardImage::Small(uri) => {
                let _ = write!(
                    html,
                    "<div class=\"photo\"><img src=\"{}\" alt=\"{}\" loading=\"lazy\">{}</div>",
                    Text(uri),
                    Text(&shown.frame_id),
                    // What is drawn already is not drawn over.
                    if shown.marks.is_empty() { outlines(shown, objects) } else { String::new() }
                );
            }
            CardImage::Missing(why) => {
                let _ = write!(html, "<p class=\"note\">no image: {}, file {}</p>", Text(why), Text(&shown.uri));
            }
        }
    }
    let _ = write!(
        html,
        "<p class=\"tags\"><b>{}</b> {} · {}</p><p class=\"question\">{}</p>",
        Text(&sample.task),
        Text(&sample.relation),
        Text(&sample.answer_form),
        Text(&without_options(sample))
    );
    if let Some(options) = &sample.options {
        html += "<ol class=\"options\" type=\"A\">";
        for (i, option) in options.iter().enumerate() {
            let right = if sample.answer_index == Some(i) { " class=\"right\"" } else { "" };
            let _ = write!(html, "<li{right}>{}</li>", Text(option));
        }
        html += "</ol>";
    }
    let _ = write!(html, "<p class=\"answer\">{}</p>", Text(&sample.answer));
    if card.shows_several() {
        html += &strip_card::sightings(card);
    }
    // Numbered as its outlines are.
    for CardView { objects, .. } in only {
        html += "<ol class=\"objects\">";
        for object in objects {
            let _ = write!(
                html,
                "<li>{} <span class=\"dim\">{}, {}\u{a0}m ahead</span></li>",
                Text(&object.category),
                Text(&object.object_id),
                number(object.nearest)
            );
        }
        html += "</ol>";
    }
    let value = match (sample.answer_value, &sample.answer_unit) {
        (Some(value), Some(unit)) => format!(" · value {} {unit}", number(value)),
        _ => String::new(),
    };
    let _ = write!(
        html,
        "<p class=\"small dim\">{} · {} text, {} image · margin {}{} · visibility {}<br><code>{}</code> · <code>{}</code></p></article>",
        Text(&sample.source),
        Text(&sample.text_format),
        Text(&sample.image_format),
        number(sample.margin),
        Text(&value),
        number(sample.visibility),
        Text(sample.scene_id.as_ref().filter(|_| card.shows_several()).unwrap_or(&sample.frame_id)),
        Text(&sample.sample_id)
    );
    html
}

/// The question without the lines of its options, which are listed below it.
fn without_options(sample: &GalleryRow) -> String {
    let options = sample.options.iter().flatten().zip('A'..);
    let lines: Vec<String> = options.map(|(option, letter)| format!("{letter}. {option}")).collect();
    let kept = sample.question.lines().filter(|line| !lines.iter().any(|listed| listed == line));
    kept.collect::<Vec<_>>().join("\n")
}

/// The objects' boxes over the image, numbered as in the list below it. Each line is drawn twice, dark under light, so that it
/// shows on any image.
fn outlines(sample: &GalleryRow, objects: &[CardObject]) -> String {
    let (width, height) = (f64::from(sample.width.max(1)), f64::from(sample.height.max(1)));
    // Labels have one size on the page, whatever the image's.
    let size = width.max(height) / 24.0;
    let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">");
    for (i, object) in objects.iter().enumerate() {
        let (rect, (tx, ty)) = rectangle(object, (width, height), size);
        let role = ["first", "other"][usize::from(i > 0)];
        let _ = write!(
            svg,
            "<g class=\"{role}\"><rect class=\"under\" {rect}/><rect class=\"over\" {rect}/>\
             <text x=\"{tx:.1}\" y=\"{ty:.1}\" font-size=\"{size:.1}\" stroke-width=\"{:.1}\">{}</text></g>",
            size / 5.0,
            i + 1
        );
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::photo::dimensions;
    use std::io::Cursor;

    fn row(sample: &str, object: Option<&str>) -> GalleryRow {
        let object =
            object.map(|id| CardObject { object_id: id.to_owned(), x1: 9.0, y1: 9.0, ..CardObject::default() });
        GalleryRow { sample_id: sample.to_owned(), width: 10, height: 10, object, ..GalleryRow::default() }
    }

    #[test]
    fn the_rows_of_a_sample_are_one_card() {
        let cards = gathered(vec![row("a", Some("1")), row("a", Some("2")), row("b", None)]);
        let objects = |card: &Card| card.views.iter().map(|view| view.objects.len()).collect::<Vec<_>>();
        assert_eq!(cards.iter().map(objects).collect::<Vec<_>>(), [vec![2], vec![0]]);
        let second = GalleryRow { image: 1, ..row("a", Some("1")) };
        let cards = gathered(vec![row("a", Some("1")), row("a", Some("2")), second]);
        assert_eq!(cards.iter().map(objects).collect::<Vec<_>>(), [vec![2, 1]]);
    }

    #[test]
    fn options_are_listed_once() {
        let question = "Which one?\nA. the bed\nB. A. bed\nB. the chair".to_owned();
        let options = Some(vec!["the bed".to_owned(), "the chair".to_owned()]);
        let sample = GalleryRow { question, options, ..row("a", None) };
        assert_eq!(without_options(&sample), "Which one?\nB. A. bed");
    }

    #[test]
    fn a_row_without_an_object_is_read() {
        let text = r#"{"sample_id": "a", "source": "s", "task": "t", "relation": "r", "answer_form": "f", "text_format": "n",
            "image_format": "o", "question": "q", "answer": "a", "margin": 0.5, "visibility": 1.0, "frame_id": "f", "uri": "u",
            "width": 1, "height": 1}"#;
        assert!(serde_json::from_str::<GalleryRow>(text).unwrap().object.is_none());
        let with = text.replace(
            "\"width\"",
            r#""object_id": "7", "category": "c", "nearest": 1, "x0": 0, "y0": 0, "x1": 1, "y1": 1, "width""#,
        );
        assert_eq!(serde_json::from_str::<GalleryRow>(&with).unwrap().object.unwrap().object_id, "7");
    }

    #[test]
    fn large_images_shrink_and_broken_ones_say_why() {
        let mut png = Vec::new();
        RgbImage::new(960, 100).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        let uri = shrink(&png, WIDEST).unwrap();
        let jpeg = BASE64_STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        assert_eq!(dimensions(&jpeg).unwrap(), (480, 50));
        assert!(shrink(&png[..60], WIDEST).is_err());
        assert!(shrink(b"no image", WIDEST).unwrap_err().contains("neither a JPEG nor a PNG"));
    }

    #[tokio::test]
    async fn an_image_that_is_not_there_leaves_a_note() {
        let lost = GalleryRow { uri: "memory://gallery/none.jpg".to_owned(), ..row("a", None) };
        let cards = with_images(gathered(vec![lost])).await;
        assert!(card(&cards[0]).contains("no image: "), "{}", card(&cards[0]));
    }
}
