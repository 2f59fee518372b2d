//! DETR and RT-DETR as Hugging Face exports them: class logits and relative boxes, one of each for every query.

use std::sync::Arc;

use serde::Deserialize;
use spatialmill_geometry::PixelBox;

use super::image_size::image_size;
use super::stretch::{Resize, Stretch};
use super::{Adapter, Detect, Family, Found, InvalidModel, NetworkRoles, Parameters, Signature, Task, boxes, output};
use crate::labels::Labels;
use crate::nms::{ScoredBox, non_maximum_suppression};
use crate::normalise::{Channels, IMAGENET_MEAN, IMAGENET_STD, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size, Tensor};

pub(super) const FAMILY: Family = Family {
    name: "detr",
    task: Task::Detect,
    doc: "DETR-like detectors as Hugging Face exports them: logits and relative boxes",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: red, green, blue, stretched with each pixel counted (Pillow's BILINEAR);
          optionally `pixel_mask` [n, H, W]: all 1, because nothing is padded.
Outputs:  `logits` [n, queries, classes], or classes and \"no object\" last; `boxes` [n, queries, 4]: centre x and y, width and
          height, in parts of the picture's sides.

A query's class is its best but \"no object\".

Parameters:
  scores     = \"softmax\"   DETR: over all classes with \"no object\" the last. \"sigmoid\": RT-DETR and Deformable DETR, without it
  score      = 0.5         queries below it are left out
  nms        = 1.0         queries of one class that overlap by more than this are one object; these networks need none
  max        = 100         objects in a picture, best first
  labels     = \"coco_91\"   by COCO's category number, as DETR counts; \"coco\": the 80 in turn, as RT-DETR; or a list
  mean, std  = ImageNet's  in parts of white; RT-DETR: [0.0, 0.0, 0.0] and [1.0, 1.0, 1.0]
  resize     = \"antialiased\"  or \"linear\", \"antialiased_float\", \"cubic\"
  size       = [H, W]      only for networks that take any size
  overshoot  = 0.25        boxes may leave the picture by this part of its sides and are cut off there; others are invalid

From: huggingface/transformers, models/detr and models/rt_detr, image_processing (arXiv 2005.12872, 2304.08069). Upstream's DETR keeps
the picture's proportions; a network of one size cannot, so the picture is stretched, and relative boxes undo it.",
    networks: &[NetworkRoles {
        name: "main",
        inputs: &["image", "pixel_mask"],
        outputs: &["logits", "boxes"],
        optional: &["pixel_mask"],
    }],
    open,
};

/// The parameter `scores`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scores {
    Softmax,
    Sigmoid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    scores: Scores,
    score: f32,
    nms: f64,
    max: usize,
    labels: Labels,
    mean: [f32; 3],
    std: [f32; 3],
    resize: Resize,
    size: Option<[u32; 2]>,
    overshoot: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scores: Scores::Softmax,
            score: 0.5,
            nms: 1.0,
            max: 100,
            labels: Labels::Known("coco_91".to_owned()),
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
            resize: Resize::Antialiased,
            size: None,
            overshoot: 0.25,
        }
    }
}

struct Detr {
    scores: Scores,
    score: f32,
    nms: f64,
    max: usize,
    labels: Vec<String>,
    stretch: Stretch,
    pixel_mask: Option<Arc<Tensor>>,
    overshoot: f64,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let size = image_size(&signature, "image", settings.size)?;
    let labels = settings.labels.names()?;
    boxes::check_overshoot(settings.overshoot)?;
    let classes = settings.scores.classes(labels.len());
    if let Some(shape) = signature.outputs.get("logits") {
        let [_, _, channels] = shape.as_slice() else {
            return Err(InvalidModel(format!("`logits` must be [n, queries, classes], not of {} axes", shape.len())));
        };
        if let Some(channels) = channels.filter(|channels| *channels != classes) {
            let labels = labels.len();
            let scores = match settings.scores {
                Scores::Softmax => "softmax",
                Scores::Sigmoid => "sigmoid",
            };
            return Err(InvalidModel(format!(
                "`logits` has {channels} classes, but `{scores}` of {labels} labels has {classes}"
            )));
        }
    }
    let pixel_mask = signature.inputs.contains_key("pixel_mask").then(|| {
        let sides = [1, size.height as usize, size.width as usize];
        Arc::new(Tensor::new(sides, vec![1.0; sides[1] * sides[2]]))
    });
    let normalise = Normalise::new(Channels::Rgb, 1.0, settings.mean, settings.std)?;
    let stretch = Stretch { size, resize: settings.resize, normalise };
    let Settings { scores, score, nms, max, overshoot, .. } = settings;
    Ok(Adapter::Detect(Box::new(Detr { scores, score, nms, max, labels, stretch, pixel_mask, overshoot })))
}

impl Scores {
    /// How many logits a query has.
    fn classes(self, labels: usize) -> usize {
        match self {
            Self::Softmax => labels + 1,
            Self::Sigmoid => labels,
        }
    }

    /// The best class and its score.
    fn best(self, logits: &[f32], labels: usize) -> (usize, f32) {
        let mut best = 0;
        for at in 1..labels {
            if logits[at] > logits[best] {
                best = at;
            }
        }
        let score = match self {
            Self::Sigmoid => 1.0 / (1.0 + (-f64::from(logits[best])).exp()),
            Self::Softmax => {
                let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let part = |logit: f32| f64::from(logit - highest).exp();
                part(logits[best]) / logits.iter().copied().map(part).sum::<f64>()
            }
        };
        (best, score as f32)
    }
}

impl Detect for Detr {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        let mut inputs = vec![("image", self.stretch.tensor(picture))];
        inputs.extend(self.pixel_mask.iter().map(|mask| ("pixel_mask", Arc::clone(mask))));
        inputs
    }

    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Vec<Found>, InvalidOutput> {
        let classes = self.scores.classes(self.labels.len());
        let logits = output::shaped(outputs, "logits", &[1, 0, classes])?;
        let queries = logits.shape()[1];
        let relative = output::shaped(outputs, "boxes", &[1, queries, 4])?;
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let mut candidates = Vec::new();
        for (logits, relative) in logits.data().chunks_exact(classes).zip(relative.data().chunks_exact(4)) {
            let (class, score) = self.scores.best(logits, self.labels.len());
            if score < self.score {
                continue;
            }
            let [x, y, across, down] = [0, 1, 2, 3].map(|at| f64::from(relative[at]));
            let bounds = PixelBox {
                x0: (x - across / 2.0) * width,
                y0: (y - down / 2.0) * height,
                x1: (x + across / 2.0) * width,
                y1: (y + down / 2.0) * height,
            };
            candidates.push(ScoredBox { class, score, bounds });
        }
        boxes::named(non_maximum_suppression(candidates, self.nms, self.max), &self.labels, picture, self.overshoot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::sampling::{codes, detector, signature};

    const PICTURE: Size = Size { width: 200, height: 100 };

    fn outputs(logits: &[f32], boxes: &[f32]) -> Outputs {
        let queries = boxes.len() / 4;
        Outputs::new([
            ("logits".to_owned(), Tensor::new([1, queries, logits.len() / queries], logits.to_vec())),
            ("boxes".to_owned(), Tensor::new([1, queries, 4], boxes.to_vec())),
        ])
    }

    fn decode(parameters: &str, logits: &[f32], boxes: &[f32]) -> Result<Vec<Found>, InvalidOutput> {
        let parameters = format!("labels = ['cat', 'dog']\n{parameters}");
        detector(&FAMILY, &parameters, &[signature(&[("image", &[1, 3, 8, 8])], &[])])
            .decode(&outputs(logits, boxes), PICTURE)
    }

    #[test]
    fn softmax_leaves_out_no_object() {
        // Two queries: e^ln 6 : e^0 : e^0 is 6 of 8; in the other "no object" is the likeliest, and "cat" has 1 of 6.
        let logits = [0.0, 6.0_f32.ln(), 0.0, 0.0, 0.0, 4.0_f32.ln()];
        let found = decode("", &logits, &[0.5, 0.5, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(&*found[0].label, "dog");
        assert!((found[0].score - 0.75).abs() < 1e-6);
        let bounds = found[0].bounds;
        for (edge, expected) in [(bounds.x0, 50.0), (bounds.y0, 40.0), (bounds.x1, 150.0), (bounds.y1, 60.0)] {
            assert!((edge - expected).abs() < 1e-4, "{bounds:?}");
        }
    }

    #[test]
    fn sigmoid_takes_each_class_alone() {
        let found = decode("scores = 'sigmoid'", &[3.0_f32.ln(), 0.0], &[0.5, 0.5, 1.0, 1.0]).unwrap();
        assert_eq!((&*found[0].label, found.len()), ("cat", 1));
        assert!((found[0].score - 0.75).abs() < 1e-6);
    }

    #[test]
    fn a_network_with_a_pixel_mask_gets_one() {
        let with = signature(&[("image", &[1, 3, 2, 3]), ("pixel_mask", &[1, 2, 3])], &[]);
        let inputs = detector(&FAMILY, "", &[with]).prepare(&Rgb::new(1, 1, vec![0; 3]).unwrap());
        assert_eq!(
            (inputs[1].0, inputs[1].1.shape(), inputs[1].1.data()),
            ("pixel_mask", &[1, 2, 3][..], &[1.0; 6][..])
        );
        let without = signature(&[("image", &[1, 3, 2, 3])], &[]);
        assert_eq!(detector(&FAMILY, "", &[without]).prepare(&Rgb::new(1, 1, vec![0; 3]).unwrap()).len(), 1);
    }

    #[test]
    fn invalid_outputs() {
        let good = [0.5, 0.5, 0.5, 0.5];
        assert_eq!(codes([decode("", &[f32::NAN, 9.0, 0.0], &good)]), ["not_finite"]);
        assert_eq!(codes([decode("", &[0.0, 9.0, 0.0], &[0.5, f32::INFINITY, 0.5, 0.5])]), ["not_finite"]);
        assert_eq!(codes([decode("", &[0.0, 9.0], &good), decode("", &[0.0, 9.0, 0.0, 0.0], &good)]), ["shape"; 2]);
        let boxes = [[7.0, 0.5, 0.5, 0.5], [0.5, 0.5, -0.5, 0.5], [0.5, 0.5, 9.0, 0.5]];
        assert_eq!(codes(boxes.map(|wrong| decode("", &[0.0, 9.0, 0.0], &wrong))), ["box"; 3]);
        // Numbers that are large, but not too large.
        assert!(decode("", &[-3e38, 3e38, 0.0], &good).is_ok());
    }

    #[test]
    fn networks_with_other_classes_are_refused() {
        let check = |parameters: &str, classes: usize| {
            let parameters = Parameters(parameters.parse().unwrap());
            let signature = signature(&[("image", &[1, 3, 8, 8])], &[("logits", &[1, 0, classes])]);
            (FAMILY.open)(&parameters, &[signature]).is_ok()
        };
        // DETR's own: category numbers 0-90 and "no object".
        assert!(check("", 92) && !check("", 91));
        assert!(check("scores = 'sigmoid'\nlabels = 'coco'", 80) && !check("scores = 'sigmoid'\nlabels = 'coco'", 81));
    }
}
