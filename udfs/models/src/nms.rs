//! Non-maximum suppression: scored boxes in, the best of each group of overlapping boxes of one class out.

use spatialmill_geometry::PixelBox;

/// A detected box with its class number and score, before the class has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredBox {
    pub class: usize,
    pub score: f32,
    pub bounds: PixelBox,
}

/// Best first; none that overlaps a better one of its class by more than `iou`, and at most `most`. Of equally good ones, those
/// that came first.
pub fn non_maximum_suppression(mut boxes: Vec<ScoredBox>, iou: f64, most: usize) -> Vec<ScoredBox> {
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<ScoredBox> = Vec::new();
    for next in boxes {
        if kept.len() == most {
            break;
        }
        let hidden = |better: &ScoredBox| better.class == next.class && better.bounds.iou(&next.bounds) > iou;
        if !kept.iter().any(hidden) {
            kept.push(next);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(class: usize, score: f32, x0: f64) -> ScoredBox {
        ScoredBox { class, score, bounds: PixelBox { x0, y0: 0.0, x1: x0 + 10.0, y1: 10.0 } }
    }

    #[test]
    fn keeps_the_best_of_each_class_and_place() {
        // 1 apart: 9 / 11 shared. 5 apart: 5 / 15 shared.
        let kept =
            non_maximum_suppression(vec![at(0, 0.5, 1.0), at(0, 0.9, 0.0), at(1, 0.4, 0.0), at(0, 0.3, 5.0)], 0.45, 10);
        assert_eq!(kept, [at(0, 0.9, 0.0), at(1, 0.4, 0.0), at(0, 0.3, 5.0)]);
    }

    #[test]
    fn equally_good_ones_stay_in_order() {
        let kept = non_maximum_suppression(vec![at(0, 0.5, 100.0), at(0, 0.5, 0.0), at(0, 0.5, 99.0)], 0.45, 10);
        assert_eq!(kept, [at(0, 0.5, 100.0), at(0, 0.5, 0.0)]);
        assert_eq!(non_maximum_suppression(vec![at(0, 0.5, 100.0), at(0, 0.5, 0.0)], 0.45, 1), [at(0, 0.5, 100.0)]);
    }
}
