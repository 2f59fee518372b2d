//! YOLOX: boxes on three grids, with an objectness and a score for each class.

use std::sync::Arc;

use serde::Deserialize;
use spatialmill_geometry::PixelBox;

use super::image_size::image_size;
use super::{Adapter, Detect, Family, Found, InvalidModel, NetworkRoles, Parameters, Signature, Task, boxes, output};
use crate::labels::Labels;
use crate::nms::{ScoredBox, non_maximum_suppression};
use crate::normalise::{Canvas, Channels, Normalise};
use crate::resize::linear;
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "yolox",
    task: Task::Detect,
    doc: "YOLOX detectors as their own repository exports them, without the grid decoded",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: blue, green, red, 0-255. The picture is shrunk or grown to fit (OpenCV's INTER_LINEAR), lies in
          the top-left corner, and 114 is around it.
Outputs:  `output` [n, anchors, 5 + classes]: centre x and y in cells from the anchor's, the logarithms of width and height in
          cells, objectness 0-1, and a score 0-1 for each class; anchors row by row, for each stride in turn.

An anchor's score is its objectness times its best class. Of anchors of one class that overlap, the best is kept.

Parameters:
  score     = 0.3          anchors below it are left out
  nms       = 0.45         intersection over union from which two anchors of one class show one object
  max       = 100          objects in a picture, best first
  labels    = \"coco\"       the classes' names: \"coco\", or a list
  strides   = [8, 16, 32]  pixels of a cell, for each grid
  size      = [H, W]       only for networks that take any size
  overshoot = 0.25         boxes may leave the picture by this part of its sides and are cut off there; others are invalid

From: github.com/Megvii-BaseDetection/YOLOX, demo/ONNXRuntime and yolox/utils (arXiv 2107.08430).",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["output"], optional: &[] }],
    open,
};

/// What is around the picture, as in training.
const PADDING: f32 = 114.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    score: f32,
    nms: f64,
    max: usize,
    labels: Labels,
    strides: Vec<u32>,
    size: Option<[u32; 2]>,
    overshoot: f64,
}

impl Default for Settings {
    fn default() -> Self {
        let strides = vec![8, 16, 32];
        Self { score: 0.3, nms: 0.45, max: 100, labels: Labels::default(), strides, size: None, overshoot: 0.25 }
    }
}

struct Yolox {
    score: f32,
    nms: f64,
    max: usize,
    labels: Vec<String>,
    size: Size,
    anchors: Vec<Anchor>,
    overshoot: f64,
}

/// A cell of a grid, which may say what object has its centre there.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Anchor {
    x: f64,
    y: f64,
    stride: f64,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let size = image_size(&signature, "image", settings.size)?;
    let labels = settings.labels.names()?;
    boxes::check_overshoot(settings.overshoot)?;
    let divides =
        |stride: &u32| *stride > 0 && size.width.is_multiple_of(*stride) && size.height.is_multiple_of(*stride);
    if settings.strides.is_empty() || !settings.strides.iter().all(divides) {
        return Err(InvalidModel(format!(
            "pictures of {} x {} cannot be divided into cells of {:?} pixels",
            size.width, size.height, settings.strides
        )));
    }
    let anchors = anchors(size, &settings.strides);
    if let Some(shape) = signature.outputs.get("output") {
        let [_, count, channels] = shape.as_slice() else {
            return Err(InvalidModel(format!(
                "`output` must be [n, anchors, 5 + classes], not of {} axes",
                shape.len()
            )));
        };
        if let Some(count) = count.filter(|count| *count != anchors.len()) {
            return Err(InvalidModel(format!(
                "`output` has {count} anchors, but pictures of {} x {} with strides {:?} have {}",
                size.width,
                size.height,
                settings.strides,
                anchors.len()
            )));
        }
        if let Some(channels) = channels.filter(|channels| *channels != 5 + labels.len()) {
            return Err(InvalidModel(format!(
                "`output` has {channels} numbers for each anchor, but there are 5 and {} labels",
                labels.len()
            )));
        }
    }
    let Settings { score, nms, max, overshoot, .. } = settings;
    Ok(Adapter::Detect(Box::new(Yolox { score, nms, max, labels, size, anchors, overshoot })))
}

/// Row by row, one grid after the other.
fn anchors(size: Size, strides: &[u32]) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for stride in strides {
        for y in 0..size.height / stride {
            let row = (0..size.width / stride).map(|x| Anchor { x: x.into(), y: y.into(), stride: (*stride).into() });
            anchors.extend(row);
        }
    }
    anchors
}

impl Yolox {
    /// How many of the network's pixels one of the picture's becomes.
    fn ratio(&self, picture: Size) -> f64 {
        let across = f64::from(self.size.width) / f64::from(picture.width);
        across.min(f64::from(self.size.height) / f64::from(picture.height))
    }
}

impl Detect for Yolox {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        let ratio = self.ratio(picture.size());
        // Cut down to whole pixels, as upstream does; not to none of a very long picture.
        let side = |side: u32| ((f64::from(side) * ratio) as u32).max(1);
        let fitted = linear(picture, Size { width: side(picture.width()), height: side(picture.height()) });
        let canvas = Canvas { padding: [PADDING; 3], ..Canvas::of(self.size) };
        let image = Normalise::none(Channels::Bgr).tensor(fitted.pixels(), fitted.size(), &canvas);
        vec![("image", Arc::new(image))]
    }

    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Vec<Found>, InvalidOutput> {
        let length = 5 + self.labels.len();
        let output = output::shaped(outputs, "output", &[1, self.anchors.len(), length])?;
        let ratio = self.ratio(picture);
        let mut candidates = Vec::new();
        for (anchor, numbers) in self.anchors.iter().zip(output.data().chunks_exact(length)) {
            let objectness = boxes::score("output", numbers[4])?;
            let (mut class, mut best) = (0, f32::NEG_INFINITY);
            for (at, score) in numbers[5..].iter().enumerate() {
                if *score > best {
                    (class, best) = (at, *score);
                }
            }
            let score = objectness * boxes::score("output", best)?;
            if score < self.score {
                continue;
            }
            let [x, y, width, height] = [0, 1, 2, 3].map(|at| f64::from(numbers[at]));
            let centre = [(x + anchor.x) * anchor.stride / ratio, (y + anchor.y) * anchor.stride / ratio];
            let half = [width, height].map(|length| length.exp() * anchor.stride / ratio / 2.0);
            let bounds = PixelBox {
                x0: centre[0] - half[0],
                y0: centre[1] - half[1],
                x1: centre[0] + half[0],
                y1: centre[1] + half[1],
            };
            candidates.push(ScoredBox { class, score, bounds });
        }
        boxes::named(non_maximum_suppression(candidates, self.nms, self.max), &self.labels, picture, self.overshoot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{codes, detector, signature};

    fn open_with(parameters: &str) -> Box<dyn Detect> {
        detector(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 32, 64])], &[("output", &[1, 42, 7])])])
    }

    const TWO: &str = "labels = ['cat', 'dog']";

    /// All anchors empty but one, whose numbers are given.
    fn one(at: usize, numbers: [f32; 7]) -> Outputs {
        let mut data = vec![0.0; 42 * 7];
        data[at * 7..at * 7 + 7].copy_from_slice(&numbers);
        Outputs::new([("output".to_owned(), Tensor::new([1, 42, 7], data))])
    }

    #[test]
    fn a_picture_of_the_networks_size_stays_as_it_is() {
        let picture = Rgb::new(64, 32, (0..64 * 32 * 3).map(|at| (at % 251) as u8).collect()).unwrap();
        let inputs = open_with(TWO).prepare(&picture);
        let image = &inputs[0].1;
        assert_eq!((inputs[0].0, image.shape()), ("image", &[1, 3, 32, 64][..]));
        // Blue first.
        assert_eq!(image.data()[..3], [2.0, 5.0, 8.0]);
        assert_eq!(image.data()[2 * 64 * 32..][..3], [0.0, 3.0, 6.0]);
    }

    #[test]
    fn a_square_picture_fills_the_left_half() {
        let picture = Rgb::new(100, 100, vec![7; 30_000]).unwrap();
        let inputs = open_with(TWO).prepare(&picture);
        assert_eq!(inputs[0].1.data()[31..33], [7.0, 114.0]);
    }

    #[test]
    fn one_anchor_is_decoded_by_hand() {
        // Anchor 9 is the second of the second row of 8 x 4 cells of 8 pixels: x 1, y 1. Its centre: (1 + 0.5) · 8 = 12 for both.
        // Width e^ln 2 · 8 = 16, height 8. The picture is twice the network's size, so all of it doubles.
        let outputs = one(9, [0.5, 0.5, 2.0_f32.ln(), 0.0, 0.9, 0.2, 0.8]);
        let found = open_with(TWO).decode(&outputs, Size { width: 128, height: 64 }).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].label, found[0].score), ("dog", 0.9 * 0.8));
        let bounds = found[0].bounds;
        for (edge, expected) in [(bounds.x0, 8.0), (bounds.y0, 16.0), (bounds.x1, 40.0), (bounds.y1, 32.0)] {
            assert!((edge - expected).abs() < 1e-5, "{bounds:?}");
        }
    }

    #[test]
    fn invalid_outputs() {
        let decode = |outputs: &Outputs| open_with(TWO).decode(outputs, Size { width: 64, height: 32 });
        let good = [0.5, 0.5, 0.0, 0.0, 0.9, 0.2, 0.8];
        let with = |at: usize, number: f32| {
            let mut numbers = good;
            numbers[at] = number;
            decode(&one(9, numbers))
        };
        assert!(with(0, 0.5).is_ok());
        assert_eq!(codes([with(0, f32::NAN), with(6, f32::INFINITY)]), ["not_finite", "not_finite"]);
        assert_eq!(codes([with(4, 1.5), with(5, 20.0), with(4, -0.1)]), ["score", "score", "score"]);
        assert_eq!(codes([with(0, -50.0), with(2, 9.0), with(2, 900.0)]), ["box", "box", "box"]);
        let short = Outputs::new([("output".to_owned(), Tensor::new([1, 41, 7], vec![0.0; 41 * 7]))]);
        assert_eq!(codes([decode(&short), decode(&Outputs::default())]), ["shape", "shape"]);
    }

    #[test]
    fn networks_that_do_not_fit_are_refused() {
        let check = |parameters: &str, image: &[usize], output: &[usize]| {
            let parameters = Parameters(parameters.parse().unwrap());
            let refused = (FAMILY.open)(&parameters, &[signature(&[("image", image)], &[("output", output)])]).err();
            refused.map(|unfit| unfit.0).unwrap_or_default()
        };
        assert!(check(TWO, &[1, 3, 32, 64], &[1, 43, 7]).contains("43 anchors"));
        assert!(check("", &[1, 3, 32, 64], &[1, 42, 7]).contains("80 labels"));
        assert!(check(TWO, &[1, 3, 30, 64], &[1, 42, 7]).contains("cells"));
        assert!(check("colour = 1", &[1, 3, 32, 64], &[1, 42, 85]).contains("colour"));
        assert_eq!(check("", &[1, 3, 32, 64], &[1, 42, 85]), "");
    }
}
