//! Plots: histograms and bars as inline SVG. Numbers in, markup out; colours come from the page's style.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use super::html_text::Text;
use super::number::number;
use super::shares::Share;

/// How many values of a measure fall into one bin.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Bin {
    pub plot: String,
    pub relation: String,
    pub width: f64,
    /// How many bins the plot has; the last one is open.
    pub bins: u64,
    pub bin: u64,
    pub n: u64,
    /// The relation's topic; see [`SampleCount::topic`](super::shares::SampleCount::topic).
    #[serde(skip)]
    pub topic: String,
}

/// The plot's size in its own units; it is scaled to its column.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 6.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 16.0;

/// More bins than this are a mistake in the query, not a plot.
const MOST_BINS: u64 = 200;

/// A histogram of bins that share their width; bins without a row are empty.
pub fn histogram(title: &str, unit: &str, bins: &[&Bin]) -> String {
    let Some(first) = bins.first() else { return String::new() };
    let count = first.bins.clamp(1, MOST_BINS);
    let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
    for bin in bins {
        *sums.entry(bin.bin.min(count - 1)).or_default() += bin.n;
    }
    let total: u64 = sums.values().sum();
    let highest = sums.values().copied().max().unwrap_or(1).max(1);
    let step = (WIDTH - 2.0 * LEFT) / count as f64;
    let floor = HEIGHT - BOTTOM;
    let edge = |bin: u64| number(bin as f64 * first.width);

    let mut svg = format!(
        "<figure class=\"plot\"><figcaption>{}<span class=\"dim\">{}</span></figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: histogram of {total} values\">",
        Text(title),
        thousands(total),
        Text(title)
    );
    for (&bin, &n) in &sums {
        let height = n as f64 / highest as f64 * (floor - TOP);
        let (x, y) = (LEFT + bin as f64 * step, floor - height);
        let upper = if bin + 1 == count { "and more".to_owned() } else { format!("to {}", edge(bin + 1)) };
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{height:.2}\">\
             <title>{} {upper} {}: {}</title></rect>",
            x + 0.5,
            (step - 1.0).max(0.5),
            edge(bin),
            Text(unit),
            thousands(n)
        );
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" d=\"M{LEFT} {floor}H{}\"/><text class=\"tick\" x=\"{LEFT}\" y=\"{}\">{}</text>",
        WIDTH - LEFT,
        TOP - 5.0,
        thousands(highest)
    );
    for quarter in 0..=4 {
        let bin = count * quarter / 4;
        let anchor = ["start", "middle", "middle", "middle", "end"][quarter as usize];
        let more = if quarter == 4 { format!("+ {unit}") } else { String::new() };
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.2}\" y=\"{}\" text-anchor=\"{anchor}\">{}{}</text>",
            LEFT + bin as f64 * step,
            HEIGHT - 6.0,
            edge(bin),
            Text(more.trim_end())
        );
    }
    svg + "</svg></figure>"
}

/// A table of shares as bars, each with a tick where its target is.
pub fn bars(shares: &[Share]) -> String {
    let most = shares.iter().flat_map(|s| [Some(s.share), s.target]).flatten().fold(0.0, f64::max);
    let scale = if most > 0.0 { 100.0 / most } else { 0.0 };
    let mut table = String::from("<table class=\"bars\"><tbody>");
    for share in shares {
        let target = share.target.map(|target| target * scale);
        let mark = target.map_or_else(String::new, |at| {
            format!("<path class=\"target\" d=\"M{at:.2} 0V10\" vector-effect=\"non-scaling-stroke\"/>")
        });
        let wanted = share.target.map_or_else(String::new, |target| format!(" of {}", percent(target)));
        let _ = write!(
            table,
            "<tr><th scope=\"row\">{}</th><td class=\"track\"><svg viewBox=\"-1 0 102 10\" preserveAspectRatio=\"none\" \
             aria-hidden=\"true\"><rect class=\"bar\" y=\"1\" width=\"{:.2}\" height=\"8\"/>{mark}</svg></td>\
             <td class=\"n\">{}</td><td class=\"n\">{}<span class=\"dim\">{wanted}</span></td></tr>",
            Text(&share.value),
            share.share * scale,
            thousands(share.n),
            percent(share.share)
        );
    }
    table + "</tbody></table>"
}

/// `12,035,415`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.5 %`, with a space that does not break.
pub fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(bin: u64, n: u64) -> Bin {
        Bin { plot: "depth".to_owned(), relation: String::new(), topic: String::new(), width: 0.25, bins: 4, bin, n }
    }

    #[test]
    fn a_histogram_adds_up_its_bins_and_keeps_strays_in_the_last() {
        let (low, more, last, stray) = (bin(0, 1), bin(0, 2), bin(3, 5), bin(99, 1));
        let svg = histogram("Depth", "m", &[&low, &more, &last, &stray]);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("0 to 0.25 m: 3"), "{svg}");
        assert!(svg.contains("0.75 and more m: 6"), "{svg}");
        // The highest bar reaches the top, and the other is half as high.
        assert!(svg.contains("height=\"112.00\"") && svg.contains("height=\"56.00\""), "{svg}");
    }

    #[test]
    fn no_values_make_no_histogram() {
        assert_eq!(histogram("Depth", "m", &[]), "");
    }

    #[test]
    fn bars_without_samples_have_no_length() {
        let share = Share { value: "a".to_owned(), n: 0, share: 0.0, target: None };
        assert!(bars(&[share]).contains("width=\"0.00\""));
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(12_035_415), "12,035,415");
        assert_eq!(thousands(999), "999");
    }
}
