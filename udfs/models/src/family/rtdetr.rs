//! RT-DETR and its relatives as their own repositories export them: labels, boxes and scores, all decoded by the network.

use std::sync::Arc;

use serde::Deserialize;
use spatialmill_geometry::PixelBox;

use super::image_size::image_size;
use super::stretch::{Resize, Stretch};
use super::{Adapter, Detect, Family, Found, InvalidModel, NetworkRoles, Parameters, Signature, Task, boxes, output};
use crate::labels::Labels;
use crate::nms::{ScoredBox, non_maximum_suppression};
use crate::normalise::{Channels, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size, Tensor};

pub(super) const FAMILY: Family = Family {
    name: "rtdetr",
    task: Task::Detect,
    doc: "RT-DETR, D-FINE and DEIM detectors as their own repositories export them",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: red, green, blue, 0-1, stretched with each pixel counted (Pillow's BILINEAR);
          `size` [n, 2]: the picture's width and height (`orig_target_sizes`).
Outputs:  `labels` [n, queries]: class numbers; `boxes` [n, queries, 4]: x0, y0, x1, y1 in the picture's pixels;
          `scores` [n, queries]: 0-1.

Parameters:
  score      = 0.5         queries below it are left out
  nms        = 1.0         queries of one class that overlap by more than this are one object; these networks need none
  max        = 100         objects in a picture, best first
  labels     = \"coco\"      the classes' names; \"coco_91\" for exports that give COCO's category numbers; or a list
  mean, std  = 0s, 1s      in parts of white
  resize     = \"antialiased\"  or \"linear\", \"antialiased_float\", \"cubic\"
  size       = [H, W]      only for networks that take any size
  overshoot  = 0.25        boxes may leave the picture by this part of its sides and are cut off there; others are invalid

From: github.com/lyuwenyu/RT-DETR, rtdetr_pytorch/tools/export_onnx.py (arXiv 2304.08069).",
    networks: &[NetworkRoles {
        name: "main",
        inputs: &["image", "size"],
        outputs: &["labels", "boxes", "scores"],
        optional: &[],
    }],
    open,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
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
            score: 0.5,
            nms: 1.0,
            max: 100,
            labels: Labels::default(),
            mean: [0.0; 3],
            std: [1.0; 3],
            resize: Resize::Antialiased,
            size: None,
            overshoot: 0.25,
        }
    }
}

struct RtDetr {
    score: f32,
    nms: f64,
    max: usize,
    labels: Vec<String>,
    stretch: Stretch,
    overshoot: f64,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let stretch = Stretch {
        size: image_size(&signature, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(Channels::Rgb, 1.0, settings.mean, settings.std)?,
    };
    let labels = settings.labels.names()?;
    boxes::check_overshoot(settings.overshoot)?;
    let Settings { score, nms, max, overshoot, .. } = settings;
    Ok(Adapter::Detect(Box::new(RtDetr { score, nms, max, labels, stretch, overshoot })))
}

impl Detect for RtDetr {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        // Exact: sides of pictures in memory are far below 2^24.
        let size = Tensor::new([1, 2], vec![picture.width() as f32, picture.height() as f32]);
        vec![("image", self.stretch.tensor(picture)), ("size", Arc::new(size))]
    }

    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Vec<Found>, InvalidOutput> {
        let scores = output::shaped(outputs, "scores", &[1, 0])?;
        let queries = scores.shape()[1];
        let labels = output::shaped(outputs, "labels", &[1, queries])?;
        let edges = output::shaped(outputs, "boxes", &[1, queries, 4])?;
        let mut candidates = Vec::new();
        for ((score, label), edges) in scores.data().iter().zip(labels.data()).zip(edges.data().chunks_exact(4)) {
            let score = boxes::score("scores", *score)?;
            if score < self.score {
                continue;
            }
            let known = label.fract() == 0.0 && (0.0..self.labels.len() as f32).contains(label);
            if !known {
                let message = format!("class {label} of a model with {} labels", self.labels.len());
                return Err(InvalidOutput::new("label", message));
            }
            let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|at| f64::from(edges[at]));
            candidates.push(ScoredBox { class: *label as usize, score, bounds: PixelBox { x0, y0, x1, y1 } });
        }
        boxes::named(non_maximum_suppression(candidates, self.nms, self.max), &self.labels, picture, self.overshoot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::sampling::{codes, detector, signature};

    const PICTURE: Size = Size { width: 200, height: 100 };

    fn open_with(parameters: &str) -> Box<dyn Detect> {
        detector(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 2, 2])], &[])])
    }

    fn decode(labels: &[f32], scores: &[f32], boxes: &[f32]) -> Result<Vec<Found>, InvalidOutput> {
        let tensor = |role: &str, shape: &[usize], data: &[f32]| (role.to_owned(), Tensor::new(shape, data.to_vec()));
        let outputs = Outputs::new([
            tensor("labels", &[1, labels.len()], labels),
            tensor("scores", &[1, scores.len()], scores),
            tensor("boxes", &[1, boxes.len() / 4, 4], boxes),
        ]);
        open_with("labels = ['cat', '', 'dog']").decode(&outputs, PICTURE)
    }

    #[test]
    fn tells_the_network_the_pictures_size() {
        let inputs = open_with("").prepare(&Rgb::new(5, 1, vec![255; 15]).unwrap());
        assert_eq!((inputs[0].1.data(), inputs[1].1.data()), (&[1.0; 12][..], &[5.0, 1.0][..]));
    }

    #[test]
    fn best_first_inside_the_picture() {
        let boxes = [0.0, 0.0, 50.0, 50.0, 190.0, 90.0, 201.0, 101.0, 0.0, 0.0, 9.0, 9.0, 5.0, 5.0, 9.0, 9.0];
        let found = decode(&[2.0, 0.0, 0.0, 1.0], &[0.6, 0.9, 0.2, 0.8], &boxes).unwrap();
        // The third is too unsure, and the fourth is of a class without a name.
        let said: Vec<_> = found.iter().map(|found| (&*found.label, found.score, found.bounds.x1)).collect();
        assert_eq!(said, [("cat", 0.9, 200.0), ("dog", 0.6, 50.0)]);
    }

    #[test]
    fn invalid_outputs() {
        let good = [0.0, 0.0, 9.0, 9.0];
        assert_eq!(codes([decode(&[0.0], &[f32::NAN], &good), decode(&[f32::NAN], &[0.9], &good)]), ["not_finite"; 2]);
        assert_eq!(codes([decode(&[0.0], &[1.5], &good), decode(&[0.0], &[-0.5], &good)]), ["score"; 2]);
        assert_eq!(
            codes([decode(&[3.0], &[0.9], &good), decode(&[-1.0], &[0.9], &good), decode(&[0.5], &[0.9], &good)]),
            ["label"; 3]
        );
        assert_eq!(codes([decode(&[0.0, 0.0], &[0.9], &good), decode(&[], &[], &[])]), ["shape"; 2]);
        assert_eq!(
            codes([decode(&[0.0], &[0.9], &[9.0, 0.0, 0.0, 9.0]), decode(&[0.0], &[0.9], &[0.0, 0.0, 900.0, 9.0])]),
            ["box"; 2]
        );
    }
}
