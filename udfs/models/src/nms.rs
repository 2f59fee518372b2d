//! Of boxes around one thing, the best.

use spatialmill_geometry::PixelBox;

/// A box that a detector gave, before it has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    pub class: usize,
    pub score: f32,
    pub bounds: PixelBox,
}

/// Best first; none that overlaps a better one of its class by more than `iou`, and at most `most`. Of equally good ones, those
/// that came first.
pub fn suppress(mut candidates: Vec<Candidate>, iou: f64, most: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.len() == most {
            break;
        }
        let hidden = |better: &Candidate| better.class == candidate.class && better.bounds.iou(&candidate.bounds) > iou;
        if !kept.iter().any(hidden) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(class: usize, score: f32, x0: f64) -> Candidate {
        Candidate { class, score, bounds: PixelBox { x0, y0: 0.0, x1: x0 + 10.0, y1: 10.0 } }
    }

    #[test]
    fn keeps_the_best_of_each_class_and_place() {
        // 1 apart: 9 / 11 shared. 5 apart: 5 / 15 shared.
        let kept = suppress(vec![at(0, 0.5, 1.0), at(0, 0.9, 0.0), at(1, 0.4, 0.0), at(0, 0.3, 5.0)], 0.45, 10);
        assert_eq!(kept, [at(0, 0.9, 0.0), at(1, 0.4, 0.0), at(0, 0.3, 5.0)]);
    }

    #[test]
    fn equally_good_ones_stay_in_order() {
        let kept = suppress(vec![at(0, 0.5, 100.0), at(0, 0.5, 0.0), at(0, 0.5, 99.0)], 0.45, 10);
        assert_eq!(kept, [at(0, 0.5, 100.0), at(0, 0.5, 0.0)]);
        assert_eq!(suppress(vec![at(0, 0.5, 100.0), at(0, 0.5, 0.0)], 0.45, 1), [at(0, 0.5, 100.0)]);
    }
}
