//! Box prompts of SAM's decoders: a box in, its two corner points as prompt tensors out; and the choice among a decoder's masks.

use std::sync::Arc;

use spatialmill_geometry::{Mask, PixelBox};

use super::mask_of_logits::{Logits, mask_of_logits};
use super::{InvalidModel, output};
use crate::{Inputs, InvalidOutput, Outputs, Size, Tensor};

/// The box as points labelled 2 (top left) and 3 (bottom right), and no earlier mask.
pub(crate) struct Prompt {
    labels: Arc<Tensor>,
    no_mask: Arc<Tensor>,
    has_no_mask: Arc<Tensor>,
}

impl Prompt {
    /// For decoders with an input `mask_input` [n, 1, grid, grid].
    pub(crate) fn new(grid: usize) -> Self {
        Self {
            labels: Arc::new(Tensor::new([1, 2], vec![2.0, 3.0])),
            no_mask: Arc::new(Tensor::new([1, 1, grid, grid], vec![0.0; grid * grid])),
            has_no_mask: Arc::new(Tensor::new([1], vec![0.0])),
        }
    }

    /// `across` and `down`: how many of the network's pixels one of the picture's is.
    pub(crate) fn inputs(
        &self,
        bounds: &PixelBox,
        picture: Size,
        across: f64,
        down: f64,
    ) -> Result<Inputs, InvalidOutput> {
        let Some(inside) = bounds.clipped_to(picture.width, picture.height) else {
            return Err(InvalidOutput::new("box", format!("the prompt {bounds} is no area of the picture")));
        };
        let corners = [inside.x0 * across, inside.y0 * down, inside.x1 * across, inside.y1 * down];
        Ok(vec![
            ("point_coords", Arc::new(Tensor::new([1, 2, 2], corners.map(|edge| edge as f32).to_vec()))),
            ("point_labels", Arc::clone(&self.labels)),
            ("mask_input", Arc::clone(&self.no_mask)),
            ("has_mask_input", Arc::clone(&self.has_no_mask)),
        ])
    }
}

/// The parameter `margin`: how far a mask may reach beyond its box, in parts of the box's sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Margin(f64);

/// A mask with this share of the picture shows everything and nothing, unless the box was as large.
const FULL: f64 = 0.98;

impl Margin {
    pub(crate) fn new(margin: f64) -> Result<Self, InvalidModel> {
        if margin >= 0.0 {
            Ok(Self(margin))
        } else {
            Err(InvalidModel(format!("`margin` must be 0 or more, not {margin}")))
        }
    }

    fn around(self, bounds: &PixelBox) -> PixelBox {
        let (x, y) = (self.0 * (bounds.x1 - bounds.x0), self.0 * (bounds.y1 - bounds.y0));
        PixelBox { x0: bounds.x0 - x, y0: bounds.y0 - y, x1: bounds.x1 + x, y1: bounds.y1 + y }
    }

    /// The mask that the network thinks is best (the first of equally good ones), without what is too far from the box.
    pub(crate) fn best(
        self,
        outputs: &Outputs,
        bounds: &PixelBox,
        picture: Size,
    ) -> Result<(Mask, f32), InvalidOutput> {
        let masks = output::shaped(outputs, "masks", &[1, 0, 0, 0])?;
        let [count, height, width] = [1, 2, 3].map(|axis| masks.shape()[axis]);
        let scores = output::shaped(outputs, "iou_predictions", &[1, count])?;
        let mut best = 0;
        for (at, score) in scores.data().iter().enumerate() {
            if *score > scores.data()[best] {
                best = at;
            }
        }
        let data = &masks.data()[best * height * width..(best + 1) * height * width];
        let mask = mask_of_logits(Logits { width, height, data }, picture, &self.around(bounds))?;
        self.check(&mask, bounds, picture)?;
        Ok((mask, predicted(scores.data()[best])?))
    }

    fn check(self, mask: &Mask, bounds: &PixelBox, picture: Size) -> Result<(), InvalidOutput> {
        if mask.is_empty() {
            return Err(InvalidOutput::new("empty_mask", format!("no pixel of the mask lies near its box {bounds}")));
        }
        let all = f64::from(picture.width) * f64::from(picture.height);
        let in_box = bounds.clipped_to(picture.width, picture.height).map_or(0.0, |inside| inside.area());
        let area = mask.area();
        if area as f64 >= FULL * all && in_box < FULL * all {
            return Err(InvalidOutput::new("full_mask", format!("the mask has {area} of the picture's {all} pixels")));
        }
        Ok(())
    }
}

/// An IoU that a network predicts. Some say it without a squashing at the end and go a little beyond 0 and 1.
fn predicted(iou: f32) -> Result<f32, InvalidOutput> {
    if (-0.5..=1.5).contains(&iou) {
        Ok(iou.clamp(0.0, 1.0))
    } else {
        Err(InvalidOutput::new("score", format!("`iou_predictions` says {iou}, which is far from 0-1")))
    }
}
