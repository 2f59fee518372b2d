//! SAM 2 for single pictures: an encoder that sees the picture once, and a decoder for each box.

use std::sync::Arc;

use serde::Deserialize;
use spatialmill_geometry::{Mask, PixelBox};

use super::image_size::image_size;
use super::prompt::{Margin, Prompt};
use super::stretch::{Resize, Stretch};
use super::{Adapter, Family, InvalidModel, NetworkRoles, Parameters, Segment, Signature, Task};
use crate::normalise::{Channels, IMAGENET_MEAN, IMAGENET_STD, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "sam2",
    task: Task::Segment,
    doc: "SAM 2 on single pictures, exported as an encoder and a decoder",
    long_doc: "\
Networks: `encoder`, once for a picture, and `decoder`, once for each box.
Inputs:   encoder: `image` [n, 3, H, W]: red, green, blue, stretched to the square with each pixel counted (torchvision's Resize),
          normalised by ImageNet's mean and deviation.
          decoder: what the encoder gave, `point_coords` [n, 2, 2] in pixels of `image`, `point_labels` [n, 2]: 2 and 3 for the
          box's first and last corner, `mask_input` [n, 1, h, w] of zeros, `has_mask_input` [1]: 0.
Outputs:  encoder: `high_res_feats_0`, `high_res_feats_1`, `image_embed`.
          decoder: `masks` [n, m, h, w]: logits; `iou_predictions` [n, m].

The mask with the best predicted IoU is grown to the picture's size (bilinear, corners kept), and what is above 0 is kept. A box is
one prompt, so its mask is cut off at `margin` of the box's sides around it: what a mask has farther away is another thing.

Parameters:
  margin = 0.1               in parts of the box's sides; inf cuts nothing off
  resize = \"antialiased_float\"  or \"linear\" (OpenCV's), \"antialiased\" (Pillow's)
  size   = [H, W]            only for encoders that take any size

From: github.com/facebookresearch/sam2, sam2/utils/transforms.py and sam2/sam2_image_predictor.py (arXiv 2408.00714); the split into
two networks as in samexporter.",
    networks: &[
        NetworkRoles {
            name: "encoder",
            inputs: &["image"],
            outputs: &["high_res_feats_0", "high_res_feats_1", "image_embed"],
            optional: &[],
        },
        NetworkRoles {
            name: "decoder",
            inputs: &[
                "image_embed",
                "high_res_feats_0",
                "high_res_feats_1",
                "point_coords",
                "point_labels",
                "mask_input",
                "has_mask_input",
            ],
            outputs: &["masks", "iou_predictions"],
            optional: &[],
        },
    ],
    open,
};

/// The sides of `mask_input` where the network does not say.
const MASK_INPUT: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    margin: f64,
    resize: Resize,
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 0.1, resize: Resize::AntialiasedFloat, size: None }
    }
}

struct Sam2 {
    stretch: Stretch,
    prompt: Prompt,
    margin: Margin,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let [encoder, decoder] = signatures else {
        return Err(InvalidModel("sam2 needs two networks, `encoder` and `decoder`".to_owned()));
    };
    let stretch = Stretch {
        size: image_size(encoder, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(Channels::Rgb, 1.0, IMAGENET_MEAN, IMAGENET_STD)?,
    };
    let prompt = Prompt::new(mask_input(decoder)?);
    Ok(Adapter::Segment(Box::new(Sam2 { stretch, prompt, margin: Margin::new(settings.margin)? })))
}

/// The side of `mask_input`.
pub(super) fn mask_input(decoder: &Signature) -> Result<usize, InvalidModel> {
    match decoder.inputs.get("mask_input").map(Vec::as_slice) {
        None | Some([_, _, None, None]) => Ok(MASK_INPUT),
        Some([_, None | Some(1), Some(height), Some(width)]) if height == width && (1..=4096).contains(height) => {
            Ok(*height)
        }
        Some(other) => Err(InvalidModel(format!("`mask_input` must be [n, 1, side, side], not {other:?}"))),
    }
}

impl Segment for Sam2 {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        vec![("image", self.stretch.tensor(picture))]
    }

    fn prompt(&self, embedding: &Outputs, bounds: &PixelBox, picture: Size) -> Result<Inputs, InvalidOutput> {
        let across = f64::from(self.stretch.size.width) / f64::from(picture.width);
        let down = f64::from(self.stretch.size.height) / f64::from(picture.height);
        let mut inputs = self.prompt.inputs(bounds, picture, across, down)?;
        for role in ["image_embed", "high_res_feats_0", "high_res_feats_1"] {
            inputs.push((role, Arc::clone(embedding.get(role)?)));
        }
        Ok(inputs)
    }

    fn decode(&self, outputs: &Outputs, bounds: &PixelBox, picture: Size) -> Result<(Mask, f32), InvalidOutput> {
        self.margin.best(outputs, bounds, picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{codes, segmenter, signature};

    const PICTURE: Size = Size { width: 8, height: 4 };
    const BOX: PixelBox = PixelBox { x0: 2.0, y0: 1.0, x1: 6.0, y1: 3.0 };

    fn open_with(parameters: &str) -> Box<dyn Segment> {
        let decoder = signature(&[("mask_input", &[1, 1, 4, 4])], &[]);
        segmenter(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 16, 16])], &[]), decoder])
    }

    fn outputs(masks: Vec<f32>, scores: Vec<f32>) -> Outputs {
        let count = scores.len();
        Outputs::new([
            ("masks".to_owned(), Tensor::new([1, count, 4, 8], masks)),
            ("iou_predictions".to_owned(), Tensor::new([1, count], scores)),
        ])
    }

    /// Positive inside `area`, at the picture's own size.
    fn logits(area: &PixelBox) -> Vec<f32> {
        let inside = Mask::from_box(4, 8, area).unwrap();
        (0..32).map(|at| if inside.contains(at % 8, at / 8) { 4.0 } else { -4.0 }).collect()
    }

    #[test]
    fn the_box_becomes_two_points_of_the_networks_size() {
        let given = |role: &str| (role.to_owned(), Tensor::new([1, 1], vec![5.0]));
        let embedding = Outputs::new(["image_embed", "high_res_feats_0", "high_res_feats_1"].map(given));
        let inputs = open_with("").prompt(&embedding, &BOX, PICTURE).unwrap();
        let data = |role: &str| inputs.iter().find(|(name, _)| *name == role).unwrap().1.data().to_vec();
        assert_eq!(data("point_coords"), [4.0, 4.0, 12.0, 12.0]);
        assert_eq!((data("point_labels"), data("has_mask_input")), (vec![2.0, 3.0], vec![0.0]));
        assert_eq!((data("mask_input"), data("image_embed")), (vec![0.0; 16], vec![5.0]));
        assert_eq!(inputs.len(), FAMILY.networks[1].inputs.len());
        assert_eq!(codes([open_with("").prompt(&Outputs::default(), &BOX, PICTURE)]), ["shape"]);
        let outside = PixelBox { x0: 20.0, x1: 30.0, ..BOX };
        assert_eq!(codes([open_with("").prompt(&embedding, &outside, PICTURE)]), ["box"]);
    }

    #[test]
    fn the_best_mask_wins_and_is_cut_off_far_from_the_box() {
        let wide = PixelBox { x0: 0.0, x1: 8.0, ..BOX };
        let masks = [logits(&BOX), logits(&wide)].concat();
        let (mask, score) = open_with("").decode(&outputs(masks.clone(), vec![0.9, 0.8]), &BOX, PICTURE).unwrap();
        assert_eq!((mask.bounds(), mask.area(), score), (Some(BOX), 8, 0.9));
        // A tenth of four pixels is less than half a pixel.
        let (mask, _) = open_with("").decode(&outputs(masks.clone(), vec![0.7, 0.8]), &BOX, PICTURE).unwrap();
        assert_eq!(mask.bounds(), Some(BOX));
        let (mask, _) = open_with("margin = inf").decode(&outputs(masks, vec![0.7, 0.8]), &BOX, PICTURE).unwrap();
        assert_eq!(mask.bounds(), Some(wide));
    }

    #[test]
    fn invalid_outputs() {
        let decode = |masks: Vec<f32>, scores: Vec<f32>| {
            open_with("margin = 9.0").decode(&outputs(masks, scores), &BOX, PICTURE)
        };
        assert_eq!(codes([decode(vec![-1.0; 32], vec![0.5])]), ["empty_mask"]);
        assert_eq!(codes([decode(vec![1.0; 32], vec![0.5])]), ["full_mask"]);
        assert_eq!(
            codes([decode(vec![f32::NAN; 32], vec![0.5]), decode(logits(&BOX), vec![f32::NAN])]),
            ["not_finite"; 2]
        );
        assert_eq!(codes([decode(logits(&BOX), vec![7.0])]), ["score"]);
        // The SAM that says its IoU unsquashed.
        assert_eq!(decode(logits(&BOX), vec![1.02]).unwrap().1, 1.0);
        let everything = PixelBox { x0: 0.0, y0: 0.0, x1: 8.0, y1: 4.0 };
        assert!(open_with("").decode(&outputs(vec![1.0; 32], vec![0.5]), &everything, PICTURE).is_ok());
        let wrong = Outputs::new([
            ("masks".to_owned(), Tensor::new([1, 4, 8], vec![0.0; 32])),
            ("iou_predictions".to_owned(), Tensor::new([1, 1], vec![0.0])),
        ]);
        assert_eq!(codes([open_with("").decode(&wrong, &BOX, PICTURE)]), ["shape"]);
    }
}
