//! SAM and MobileSAM: an encoder that sees the picture once, and the decoder of SAM's own ONNX export for each box.

use std::sync::Arc;

use serde::Deserialize;
use spatialmill_geometry::{Mask, PixelBox};

use super::image_size::image_size;
use super::prompt::{Margin, Prompt};
use super::sam2::mask_input;
use super::stretch::Resize;
use super::{Adapter, Family, InvalidModel, NetworkRoles, Parameters, Segment, Signature, Task};
use crate::normalise::{Canvas, Channels, IMAGENET_MEAN, IMAGENET_STD, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size, Tensor};

pub(super) const FAMILY: Family = Family {
    name: "sam",
    task: Task::Segment,
    doc: "SAM and MobileSAM, with the decoder of SAM's own ONNX export",
    long_doc: "\
Networks: `encoder`, once for a picture, and `decoder`, once for each box.
Inputs:   encoder: `image` [n, 3, S, S]: red, green, blue; the longer side becomes S (1024) with each pixel counted (Pillow's
          BILINEAR), normalised by ImageNet's mean and deviation; zeros to the right or below.
          decoder: `image_embeddings`, `point_coords` [n, 2, 2] in pixels of `image`, `point_labels` [n, 2]: 2 and 3 for the box's
          first and last corner, `mask_input` [n, 1, h, w] of zeros, `has_mask_input` [1]: 0, `orig_im_size` [2]: the picture's
          height and width.
Outputs:  encoder: `image_embeddings`.
          decoder: `masks` [n, m, height, width]: logits at the picture's size; `iou_predictions` [n, m]. Others are not used.

The mask with the best predicted IoU is taken where it is above 0, and cut off at `margin` of the box's sides around the box.
`orig_im_size` has no batch axis, so only boxes of one picture can go through the decoder together.

Parameters:
  margin = 0.1             in parts of the box's sides; inf cuts nothing off
  resize = \"antialiased\"   or \"linear\" (OpenCV's), \"antialiased_float\" (torch's)
  size   = [S, S]          only for encoders that take any size

From: github.com/facebookresearch/segment-anything, utils/onnx.py and utils/transforms.py (arXiv 2304.02643);
github.com/ChaoningZhang/MobileSAM (arXiv 2306.14289).",
    networks: &[
        NetworkRoles { name: "encoder", inputs: &["image"], outputs: &["image_embeddings"], optional: &[] },
        NetworkRoles {
            name: "decoder",
            inputs: &[
                "image_embeddings",
                "point_coords",
                "point_labels",
                "mask_input",
                "has_mask_input",
                "orig_im_size",
            ],
            outputs: &["masks", "iou_predictions"],
            optional: &[],
        },
    ],
    open,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    margin: f64,
    resize: Resize,
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 0.1, resize: Resize::Antialiased, size: None }
    }
}

struct Sam {
    side: u32,
    resize: Resize,
    normalise: Normalise,
    prompt: Prompt,
    margin: Margin,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let [encoder, decoder] = signatures else {
        return Err(InvalidModel("sam needs two networks, `encoder` and `decoder`".to_owned()));
    };
    let size = image_size(encoder, "image", settings.size)?;
    if size.width != size.height {
        return Err(InvalidModel(format!("`image` must be square, not {} x {}", size.width, size.height)));
    }
    Ok(Adapter::Segment(Box::new(Sam {
        side: size.width,
        resize: settings.resize,
        normalise: Normalise::new(Channels::Rgb, 1.0, IMAGENET_MEAN, IMAGENET_STD)?,
        prompt: Prompt::new(mask_input(decoder)?),
        margin: Margin::new(settings.margin)?,
    })))
}

impl Sam {
    /// The size of a picture whose longer side is the network's; rounded as upstream does.
    fn fitted(&self, picture: Size) -> Size {
        let scale = f64::from(self.side) / f64::from(picture.width.max(picture.height));
        let side = |side: u32| ((f64::from(side) * scale + 0.5) as u32).clamp(1, self.side);
        Size { width: side(picture.width), height: side(picture.height) }
    }
}

impl Segment for Sam {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        let canvas = Canvas::of(Size { width: self.side, height: self.side });
        let image = self.resize.tensor(picture, self.fitted(picture.size()), &self.normalise, &canvas);
        vec![("image", image)]
    }

    fn prompt(&self, embedding: &Outputs, bounds: &PixelBox, picture: Size) -> Result<Inputs, InvalidOutput> {
        let fitted = self.fitted(picture);
        let across = f64::from(fitted.width) / f64::from(picture.width);
        let down = f64::from(fitted.height) / f64::from(picture.height);
        let mut inputs = self.prompt.inputs(bounds, picture, across, down)?;
        // Exact: sides of pictures in memory are far below 2^24.
        let size = Tensor::new([2], vec![picture.height as f32, picture.width as f32]);
        inputs.push(("orig_im_size", Arc::new(size)));
        inputs.push(("image_embeddings", Arc::clone(embedding.get("image_embeddings")?)));
        Ok(inputs)
    }

    fn decode(&self, outputs: &Outputs, bounds: &PixelBox, picture: Size) -> Result<(Mask, f32), InvalidOutput> {
        let shape = outputs.get("masks")?.shape();
        let sides = [picture.height as usize, picture.width as usize];
        if shape.len() != 4 || shape[2..] != sides {
            let message = format!("`masks` must be of the picture's size, {} x {}, not {shape:?}", sides[0], sides[1]);
            return Err(InvalidOutput::new("shape", message));
        }
        self.margin.best(outputs, bounds, picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::sampling::{codes, segmenter, signature};

    const PICTURE: Size = Size { width: 8, height: 4 };
    const BOX: PixelBox = PixelBox { x0: 2.0, y0: 1.0, x1: 6.0, y1: 3.0 };

    fn open_with(parameters: &str) -> Box<dyn Segment> {
        segmenter(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 16, 16])], &[]), Signature::default()])
    }

    fn decode(height: usize, width: usize, masks: Vec<f32>, scores: &[f32]) -> Result<(Mask, f32), InvalidOutput> {
        let outputs = Outputs::new([
            ("masks".to_owned(), Tensor::new([1, scores.len(), height, width], masks)),
            ("iou_predictions".to_owned(), Tensor::new([1, scores.len()], scores.to_vec())),
        ]);
        open_with("").decode(&outputs, &BOX, PICTURE)
    }

    #[test]
    fn pads_below_a_wide_picture_with_the_mean() {
        let image = &open_with("").prepare(&Rgb::new(8, 4, vec![255; 96]).unwrap())[0].1;
        let white = (1.0 - IMAGENET_MEAN[0]) / IMAGENET_STD[0];
        assert!(image.data()[..16 * 8].iter().all(|value| (value - white).abs() < 1e-5));
        assert_eq!(image.data()[16 * 8..16 * 16], [0.0; 128]);
    }

    #[test]
    fn the_box_goes_to_the_encoders_pixels() {
        let embedding = Outputs::new([("image_embeddings".to_owned(), Tensor::new([1], vec![5.0]))]);
        let inputs = open_with("").prompt(&embedding, &BOX, PICTURE).unwrap();
        let data = |role: &str| inputs.iter().find(|(name, _)| *name == role).unwrap().1.data().to_vec();
        assert_eq!((data("point_coords"), data("orig_im_size")), (vec![4.0, 2.0, 12.0, 6.0], vec![4.0, 8.0]));
        assert_eq!(inputs.len(), FAMILY.networks[1].inputs.len());
        assert_eq!(data("mask_input").len(), 256 * 256);
    }

    #[test]
    fn masks_are_of_the_pictures_size_already() {
        let mut masks = vec![-1.0; 64];
        masks[32 + 8 + 3] = 1.0;
        let (mask, score) = decode(4, 8, masks, &[0.1, 0.6]).unwrap();
        assert_eq!((mask.pixels().collect::<Vec<_>>(), score), (vec![(3, 1)], 0.6));
    }

    #[test]
    fn invalid_outputs() {
        assert_eq!(codes([decode(8, 4, vec![1.0; 32], &[0.5]), decode(4, 8, vec![], &[])]), ["shape"; 2]);
        assert_eq!(codes([decode(4, 8, vec![-1.0; 32], &[0.5])]), ["empty_mask"]);
        assert_eq!(codes([decode(4, 8, vec![f32::NEG_INFINITY; 32], &[0.5])]), ["not_finite"]);
        assert_eq!(codes([decode(4, 8, vec![1.0; 32], &[f32::NAN])]), ["not_finite"]);
        assert_eq!(codes([decode(4, 8, vec![1.0; 32], &[-3.0])]), ["score"]);
        assert_eq!(codes([open_with("").decode(&Outputs::default(), &BOX, PICTURE)]), ["shape"]);
    }
}
