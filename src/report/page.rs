//! The page: what the report found, as HTML. Pure: contents in, text out.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use super::diversity::Diversity;
use super::html_text::Text;
use super::plots::{Bin, bars, histogram, percent, thousands};
use super::shares::{AnswerShares, DIMENSIONS, SampleCount, answers, lopsided, shares, shortcuts};
use super::{Contents, FilterCount, QuarantineCount, StageFlow, gallery};

/// A page that came from somewhere else could not run or load anything even if a text slipped through unescaped.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn render(contents: &Contents) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>spatialmill report</title><style>{STYLE}</style></head><body><main>\n"
    );
    page += &head(contents);
    if contents.counts.is_empty() {
        page += "<p class=\"note\">The dataset has no samples. What became of the rows is below.</p>";
    } else {
        page += &section("Shares", TARGETS_NOTE, &dimensions(contents));
        page += &section("Formats", "Samples by text format and image format.", &formats(&contents.counts));
        page += &section("Answers", ANSWERS_NOTE, &answer_tables(contents));
        page += &section("Shortcuts", SHORTCUTS_NOTE, &shortcut_tables(contents));
        page += &section("Wordings", DIVERSITY_NOTE, &diversity(&contents.diversity));
    }
    page += &section("Margins, depth and visibility", PLOTS_NOTE, &histograms(&contents.bins));
    page += &section("What became of the rows", FLOW_NOTE, &flows(&contents.flows));
    page +=
        &section("Quarantine", "What could not be used, with the first one of each kind.", &quarantine(&contents.lost));
    if !contents.cards.is_empty() {
        let cards: String = contents.cards.iter().map(gallery::card).collect();
        page += &section("Samples", GALLERY_NOTE, &format!("<div class=\"gallery\">{cards}</div>"));
    }
    page + "</main></body></html>\n"
}

const TARGETS_NOTE: &str =
    "The line on a bar is the target of <code>[balance.targets]</code>; a dimension without lines has none.";
const ANSWERS_NOTE: &str = "A model that answers without looking must gain nothing by it: within each kind of question the answers \
    should be equally likely. Numbers are as the world has them, but that none is the answer too often.";
const SHORTCUTS_NOTE: &str = "What gives an answer without a look at the scene: the names of the things, where the text says them (pictures hang \
    above tables), or nothing but their 2D boxes. Take them out with <code>slice --shortcut none</code>, or set their shares as \
    <code>shortcut</code> in <code>[balance.targets]</code>.";
const DIVERSITY_NOTE: &str = "How varied the texts are, over a fair sample of each task, with every name of a thing taken as one word. Distinct-n is the \
    share of different runs of n words; it falls as there are more texts. Self-similarity is the part of its 3-word runs that a text \
    shares with another, on average.";
const PLOTS_NOTE: &str = "A margin is how far a fact is from the decision boundary, relative to the size of its two objects. \
    Depth is of all objects, not only of those asked about. Hover for numbers.";
const FLOW_NOTE: &str = "As the last commit of each table counted them: rows in = rows out + filtered + quarantined. A commit speaks \
    of the shards that it made again.";
const GALLERY_NOTE: &str = "The same samples for the same dataset, every task and relation among them. 1 is the subject of a \
    comparison, or the reference of a count. Hover an image to see it without outlines. A sample of several images \
    shows them in the order in which a model sees them, and its scene from above: objects that it names in colour, the way of the camera, and from where each image \
    was taken.";

fn section(title: &str, note: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2><p class=\"dim lead\">{note}</p>{body}</section>\n")
}

fn head(contents: &Contents) -> String {
    let made = contents.flows.iter().find(|flow| flow.table == "dataset");
    let mut html = format!(
        "<header><h1>spatialmill report</h1><p class=\"dim\"><code>{}</code></p><dl class=\"facts\">",
        Text(&contents.warehouse)
    );
    let facts: [(&str, Cow<'_, str>); 6] = [
        ("samples", thousands(contents.size.samples).into()),
        ("questions", thousands(contents.size.questions).into()),
        ("images", thousands(contents.size.frames).into()),
        ("dataset version", contents.version.to_string().into()),
        ("seed", contents.seed.to_string().into()),
        (
            "committed",
            made.map_or("unknown", |flow| flow.at.split('.').next().unwrap_or_default()).replace('T', " ").into(),
        ),
    ];
    for (name, value) in facts {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&value));
    }
    html + "</dl></header>\n"
}

fn dimensions(contents: &Contents) -> String {
    let mut html = String::from("<div class=\"columns\">");
    for (name, title, by) in DIMENSIONS {
        let shares = shares(&contents.counts, *by, contents.targets.get(*name));
        let _ = write!(html, "<div class=\"block\"><h3>{title}</h3>{}</div>", bars(&shares));
    }
    html + "</div>"
}

/// Text formats down, image formats across.
fn formats(counts: &[SampleCount]) -> String {
    let texts = shares(counts, |count| &count.text_format, None);
    let images = shares(counts, |count| &count.image_format, None);
    let mut html = String::from("<div class=\"scroll\"><table class=\"grid\"><thead><tr><th></th>");
    for image in &images {
        let _ = write!(html, "<th scope=\"col\">{}</th>", Text(&image.value));
    }
    html += "</tr></thead><tbody>";
    for text in &texts {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", Text(&text.value));
        for image in &images {
            let n: u64 = counts
                .iter()
                .filter(|count| count.text_format == text.value && count.image_format == image.value)
                .map(|count| count.n)
                .sum();
            let shown = if n == 0 { "–".to_owned() } else { thousands(n) };
            let _ = write!(html, "<td class=\"n\">{shown}</td>");
        }
        html += "</tr>";
    }
    html + "</tbody></table></div>"
}

fn diversity(measured: &[Diversity]) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>task</th><th>of</th><th class=\"n\">texts</th><th class=\"n\">wordings</th><th class=\"n\">distinct-1</th>\
         <th class=\"n\">distinct-2</th><th class=\"n\">distinct-3</th><th class=\"n\">self-similarity</th></tr></thead><tbody>",
    );
    for Diversity { task, of, texts, wordings, distinct: [one, two, three], similarity } in measured {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{of}</td><td class=\"n\">{}</td><td class=\"n\">{wordings}</td><td class=\"n\">{one:.3}</td>\
             <td class=\"n\">{two:.3}</td><td class=\"n\">{three:.3}</td><td class=\"n\">{similarity:.3}</td></tr>",
            Text(task),
            thousands(*texts as u64)
        );
    }
    html + "</tbody></table>"
}

fn answer_tables(contents: &Contents) -> String {
    let mut html = String::new();
    for (title, groups) in answers(&contents.counts, contents.targets.get("answer")) {
        if groups.is_empty() {
            continue;
        }
        let _ = write!(html, "<h3>{title}</h3><div class=\"columns narrow\">");
        html += &blocks(&groups);
        html += "</div>";
    }
    html + &lopsided_table(&contents.counts)
}

fn blocks(groups: &[AnswerShares]) -> String {
    let mut html = String::new();
    for AnswerShares { of, shares } in groups {
        let _ = write!(html, "<div class=\"block\"><h4>{}</h4>{}</div>", Text(of), bars(shares));
    }
    html
}

/// Where there was too little to choose from: small sets above all.
fn lopsided_table(counts: &[SampleCount]) -> String {
    let found = lopsided(counts);
    if found.is_empty() {
        return "<p class=\"note\">No answer to any kind of question is right too often.</p>".to_owned();
    }
    let mut html = String::from(
        "<h3>Could not be balanced</h3><div class=\"scroll\"><table><thead><tr><th>source</th><th>of</th><th>answer</th>\
         <th class=\"n\">share</th><th class=\"n\">samples</th></tr></thead><tbody>",
    );
    for group in found {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            Text(&group.source),
            Text(&group.of),
            Text(&group.answer),
            percent(group.share),
            thousands(group.n)
        );
    }
    html + "</tbody></table></div>"
}

fn shortcut_tables(contents: &Contents) -> String {
    let groups = shortcuts(&contents.counts, contents.targets.get("shortcut"));
    format!("<div class=\"columns narrow\">{}</div>", blocks(&groups))
}

fn histograms(bins: &[Bin]) -> String {
    let of = |plot: &str| bins.iter().filter(|bin| bin.plot == plot).collect::<Vec<_>>();
    let mut html = String::from("<div class=\"columns narrow\">");
    html += &histogram("Depth of objects", "m", &of("depth"));
    html += &histogram("Visibility", "", &of("visibility"));
    let margins = of("margin");
    let topics: BTreeSet<&str> = margins.iter().map(|bin| bin.topic.as_str()).collect();
    for topic in topics {
        let of_topic: Vec<&Bin> = margins.iter().filter(|bin| bin.topic == topic).copied().collect();
        html += &histogram(&format!("Margin, {topic}"), "", &of_topic);
    }
    html + "</div>"
}

fn flows(flows: &[StageFlow]) -> String {
    let mut html = String::from(
        "<div class=\"scroll\"><table class=\"grid\"><thead><tr><th>table</th><th>version</th><th>rows now</th><th>in</th>\
         <th>out</th><th>filtered</th><th>quarantined</th><th class=\"wide\">why</th></tr></thead><tbody>",
    );
    let sum = |reasons: &[FilterCount]| reasons.iter().map(|reason| reason.n).sum::<u64>();
    for flow in flows {
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>",
            Text(&flow.table),
            flow.version,
            thousands(flow.rows),
            thousands(flow.rows_in),
            thousands(flow.rows_out),
            thousands(sum(&flow.filtered)),
            thousands(sum(&flow.quarantined)),
        );
        for reason in flow.filtered.iter().chain(&flow.quarantined) {
            let share = if flow.rows_in == 0 { 0.0 } else { reason.n as f64 / flow.rows_in as f64 };
            let _ = write!(
                html,
                "<span class=\"reason\">{}\u{a0}<b>{}</b> <span class=\"dim\">{}</span></span> ",
                Text(&reason.reason),
                thousands(reason.n),
                percent(share)
            );
        }
        html += "</td></tr>";
    }
    html + "</tbody></table></div>"
}

fn quarantine(lost: &[QuarantineCount]) -> String {
    if lost.is_empty() {
        return "<p>Nothing.</p>".to_owned();
    }
    let mut html = String::from(
        "<div class=\"scroll\"><table class=\"grid\"><thead><tr><th>stage</th><th>source</th><th>code</th><th>rows</th>\
         <th class=\"wide\">for example</th></tr></thead><tbody>",
    );
    for kind in lost {
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td><code>{}</code></td><td class=\"n\">{}</td>\
             <td>{} <span class=\"dim\">({})</span></td></tr>",
            Text(&kind.stage),
            Text(&kind.source),
            Text(&kind.code),
            thousands(kind.n),
            Text(&kind.message),
            Text(&kind.example)
        );
    }
    html + "</tbody></table></div>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::card::{Card, CardImage, CardObject, CardView, GalleryRow};

    const HOSTILE: &str =
        "\"><script src=https://evil.example/x.js></script><img src='http://evil.example'>&\u{0}\u{202e}";

    /// A page in which every text that data can supply is hostile.
    fn hostile() -> String {
        let text = || HOSTILE.to_owned();
        let sample = GalleryRow {
            sample_id: text(),
            source: text(),
            task: text(),
            relation: text(),
            answer_form: text(),
            text_format: text(),
            image_format: text(),
            question: text(),
            answer: text(),
            options: Some(vec![text()]),
            answer_unit: Some(text()),
            answer_value: Some(1.0),
            frame_id: text(),
            uri: text(),
            ..GalleryRow::default()
        };
        let object = CardObject { object_id: text(), category: text(), ..CardObject::default() };
        let count = |form: &str| SampleCount {
            source: text(),
            task: text(),
            relation: text(),
            answer_form: form.to_owned(),
            text_format: text(),
            shortcut: "none".to_owned(),
            image_format: text(),
            answer: Some(text()),
            range_begin: None,
            n: 3,
            topic: text(),
            opposite: Some(text()),
        };
        let reason = || vec![FilterCount { reason: text(), n: 1 }];
        render(&Contents {
            warehouse: text(),
            counts: vec![count(HOSTILE), count("yes_no"), count("choice"), count("open")],
            bins: ["margin", "depth", "visibility"]
                .map(|plot| Bin {
                    plot: plot.to_owned(),
                    relation: text(),
                    topic: text(),
                    width: 0.1,
                    bins: 3,
                    bin: 1,
                    n: 2,
                })
                .to_vec(),
            flows: vec![StageFlow {
                table: text(),
                at: text(),
                filtered: reason(),
                quarantined: reason(),
                ..StageFlow::default()
            }],
            lost: vec![QuarantineCount {
                stage: text(),
                source: text(),
                code: text(),
                n: 1,
                example: text(),
                message: text(),
            }],
            cards: [CardImage::Missing(text()), CardImage::Small("data:image/jpeg;base64,AAAA".to_owned())]
                .map(|image| {
                    let view = CardView { shown: sample.clone(), objects: vec![object.clone()], image };
                    Card { sample: sample.clone(), views: vec![view], ..Card::default() }
                })
                .into(),
            ..Contents::default()
        })
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(Text("a<b> & \"c\" 'd'\u{7}").to_string(), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\u{fffd}");
        assert_eq!(Text("stuhl, 椅子, café").to_string(), "stuhl, 椅子, café");
    }

    #[test]
    fn hostile_text_stays_text_wherever_it_comes_from() {
        let page = hostile();
        assert!(!page.contains("<script") && !page.contains("<img src='") && !page.contains('\u{0}'));
        assert!(!page.contains('\u{202e}'));
        assert_eq!(page.matches("<img ").count(), 1);
    }

    #[test]
    fn the_page_refers_to_nothing_outside() {
        let page = hostile();
        for attribute in ["src=\"", "href=\"", "url(", "@import", "srcset=\""] {
            for (at, _) in page.match_indices(attribute) {
                assert!(page[at + attribute.len()..].starts_with("data:"), "{}", &page[at..at + 60]);
            }
        }
        assert!(page.contains("default-src 'none'") && !page.contains("<link"));
    }

    #[test]
    fn every_tag_is_closed() {
        let page = hostile();
        for tag in
            ["section", "table", "tbody", "tr", "td", "div", "svg", "figure", "article", "p", "ol", "li", "dl", "g"]
        {
            let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "<{tag}>");
        }
    }

    #[test]
    fn an_empty_dataset_has_a_page() {
        assert!(render(&Contents::default()).contains("The dataset has no samples"));
    }
}
