//! Trust in an object that is lifted from estimated depth: checks beyond those of measured depth.
//!
//! A network gives a reading everywhere: in the sky, in a mirror, across the edge between two things. A measurement would have a gap there.

use super::Sample;
use super::visibility::{CoverRule, standing_out, unhidden};
use crate::{DepthImage, Mask};

/// Rules for depth that a model estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimatedRules {
    /// Readings beyond this are the sky, or as good as it.
    pub max_depth_m: f64,
    /// A mask that covers less than this share of the picture is trusted by how much it covers of it: at the resolution of networks it is a
    /// few pixels, each a blend with its neighbours.
    pub small: f64,
    /// A thing behind its own outline along this share of its edge may be hidden by others; from there on it looks more and more like a hole,
    /// which is what depth makes of mirrors and windows.
    pub hole: f64,
    /// A thing that stands out from what is around it along less than this share of its outline is trusted by how much of it does: the network
    /// did not tell it from the wall or the table, and gives it their depth.
    pub stands_out: f64,
}

impl Default for EstimatedRules {
    fn default() -> Self {
        Self { max_depth_m: 80.0, small: 0.002, hole: 0.5, stands_out: 0.2 }
    }
}

impl EstimatedRules {
    /// 0-1, the product of: how large the mask is; the share of its readings that lie on no jump; how little it looks like a hole; how far the
    /// network told it from what is around it.
    pub(super) fn quality(&self, mask: &Mask, depth: &DepthImage, sample: &Sample, cover: &CoverRule) -> f64 {
        let behind = 1.0 - unhidden(mask, depth, cover.nearer);
        let hole = ((behind - self.hole) / (1.0 - self.hole).max(f64::EPSILON)).clamp(0.0, 1.0);
        let picture = f64::from(mask.width()) * f64::from(mask.height());
        self.large_enough(mask.area() as f64 / picture) * sample.steady() * (1.0 - hole) * self.told_apart(mask, depth)
    }

    /// 0-1, by the share of its outline along which a thing stands out.
    pub(super) fn told_apart(&self, mask: &Mask, depth: &DepthImage) -> f64 {
        if self.stands_out <= 0.0 {
            return 1.0;
        }
        (standing_out(mask, depth) / self.stands_out).min(1.0)
    }

    /// 0-1, by the share of the picture that an outline covers.
    pub(super) fn large_enough(&self, covered: f64) -> f64 {
        (covered / self.small.max(f64::EPSILON)).min(1.0)
    }
}
