//! The card of a sample of several images: its images in reading order, each with its number, its scene from above, and which image shows what.
//!
//! In: a card of the gallery. Out: its markup. An object has one number and one colour on all images and on the plan.

use std::fmt::Write;

use super::card::{Card, CardImage, CardView, rectangle};
use super::html_text::Text;
use super::sheet::NamedObject;

/// The images beside the scene from above.
pub fn strip(card: &Card) -> String {
    let few = if card.views.len() <= 6 { " few" } else { "" };
    let mut html = format!("<div class=\"scene\"><div class=\"strip{few}\">");
    for (number, view) in (1..).zip(&card.views) {
        let shown = &view.shown;
        html += "<figure>";
        match &view.image {
            CardImage::Small(uri) => {
                let _ = write!(
                    html,
                    "<div class=\"photo\"><img src=\"{}\" alt=\"{}\" loading=\"lazy\">{}</div>",
                    Text(uri),
                    Text(&shown.frame_id),
                    outlines(view, &card.named)
                );
            }
            CardImage::Missing(why) => {
                let _ = write!(html, "<p class=\"note\">no image: {}, file {}</p>", Text(why), Text(&shown.uri));
            }
        }
        let _ = write!(html, "<figcaption>{number}</figcaption></figure>");
    }
    html += "</div>";
    if let Some(scene) = &card.scene {
        let _ =
            write!(html, "<img class=\"above\" src=\"{}\" alt=\"the scene from above\" loading=\"lazy\">", Text(scene));
    }
    html + "</div>"
}

/// The objects that the sample names, with the numbers of the images that show them.
pub fn sightings(card: &Card) -> String {
    let mut html = String::from("<ul class=\"objects\">");
    for name in &card.named {
        let shows = |view: &CardView| view.objects.iter().any(|object| object.object_id == name.object_id);
        let numbered = (1..).zip(&card.views).filter(|(_, view)| shows(view));
        let places: Vec<String> = numbered.map(|(number, _): (u32, _)| number.to_string()).collect();
        let seen = match places.len() {
            0 => "in no image".to_owned(),
            1 => format!("in image {}", places[0]),
            _ => format!("in images {}", places.join(", ")),
        };
        let _ = write!(
            html,
            "<li><span class=\"key\" style=\"background:{}\"></span>{} <span class=\"dim\">{}, {seen}</span></li>",
            hex(name),
            Text(&name.label()),
            Text(&name.object_id)
        );
    }
    html + "</ul>"
}

fn hex(name: &NamedObject) -> String {
    let [r, g, b] = name.colour.rgb();
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The boxes of the objects that the sample names, where it draws nothing on them itself.
fn outlines(view: &CardView, named: &[NamedObject]) -> String {
    let shown = &view.shown;
    let (width, height) = (f64::from(shown.width.max(1)), f64::from(shown.height.max(1)));
    // Legible on an image that is as wide as a thumb.
    let size = width.max(height) / 11.0;
    let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">");
    let is_drawn = |id: &str| shown.marks.iter().any(|mark| mark.image == shown.image && mark.object_id == id);
    for object in view.objects.iter().filter(|object| !is_drawn(&object.object_id)) {
        let Some(name) = named.iter().find(|name| name.object_id == object.object_id) else { continue };
        let (rect, (x, y)) = rectangle(object, (width, height), size);
        let colour = hex(name);
        let _ = write!(
            svg,
            "<rect class=\"under\" {rect}/><rect class=\"over\" style=\"stroke:{colour}\" {rect}/>\
             <text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\" stroke-width=\"{:.1}\" style=\"fill:{colour}\">{}</text>",
            size / 5.0,
            Text(name.number.as_deref().unwrap_or_default())
        );
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::super::card::{CardObject, GalleryRow};
    use super::*;
    use spatialmill_geometry::colour::PALETTE;

    fn view(image: usize, objects: &[&str]) -> CardView {
        let shown = GalleryRow {
            image,
            width: 640,
            height: 480,
            uri: format!("memory://strip/{image}.jpg"),
            ..GalleryRow::default()
        };
        let object =
            |id: &&str| CardObject { object_id: (*id).to_owned(), x1: 100.0, y1: 90.0, ..CardObject::default() };
        CardView { shown, objects: objects.iter().map(object).collect(), image: CardImage::Small("data:,".into()) }
    }

    #[test]
    fn every_image_has_its_number_and_every_object_its_images() {
        let name = |id: &str, number: &str, colour: usize| NamedObject {
            object_id: id.into(),
            category: "<cup>".into(),
            number: Some(number.into()),
            colour: PALETTE[colour],
        };
        let mut lost = view(2, &[]);
        lost.image = CardImage::Missing("it is gone".into());
        let card = Card {
            views: vec![view(0, &["a"]), view(1, &["a", "b"]), lost],
            named: vec![name("a", "1", 0), name("b", "2", 1), name("c", "3", 2)],
            scene: Some("data:,plan".into()),
            ..Card::default()
        };
        let html = strip(&card);
        for number in 1..=3 {
            assert!(html.contains(&format!("<figcaption>{number}</figcaption>")), "{html}");
        }
        assert!(html.contains("no image: it is gone") && html.contains("data:,plan") && !html.contains("<cup>"));
        assert_eq!(html.matches("class=\"over\"").count(), 3);
        let list = sightings(&card);
        for what in ["1 &lt;cup&gt;", "a, in images 1, 2", "b, in image 2", "c, in no image"] {
            assert!(list.contains(what), "{what}: {list}");
        }
        // A question about a room as a whole names nothing.
        assert_eq!(
            sightings(&Card { views: vec![view(0, &[]), view(1, &[])], ..Card::default() }),
            "<ul class=\"objects\"></ul>"
        );
    }
}
