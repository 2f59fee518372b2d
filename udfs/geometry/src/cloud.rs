//! Point clouds: outlier removal, voxel downsampling and DBSCAN. Metres, any frame; no randomness, and the same
//! points in the same order give the same answer.
//!
//! The defaults are those of SpatialRGPT's pipeline. Points must be finite; whoever makes a cloud out of numbers from
//! a file sees to that.

use kiddo::{ImmutableKdTree, SquaredEuclidean};
use nalgebra::Vector3;
use std::num::NonZero;

/// When a point is a stray: it lies further from its neighbours than most points do from theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrayRule {
    /// How many nearest points are looked at, the point itself (at distance 0) included, as Open3D counts.
    pub neighbours: NonZero<usize>,
    /// A mean distance above the cloud's mean by this many standard deviations makes a stray,
    pub sigma_ratio: f64,
    /// but only if it is also this many times the cloud's mean. With 1.0 the rule is Open3D's, which finds strays in
    /// the tidiest of clouds: the rim of a flat board, whose points have neighbours on one side only. A corner's
    /// points are 1.6 times as far from their neighbours as others.
    pub mean_ratio: f64,
}

impl Default for StrayRule {
    fn default() -> Self {
        Self { neighbours: NonZero::<usize>::MIN.saturating_add(9), sigma_ratio: 1.2, mean_ratio: 2.0 }
    }
}

/// When points belong together (DBSCAN).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterRule {
    /// Points at most this far apart are neighbours.
    pub radius_m: f64,
    /// A point with this many neighbours, itself included, lies inside a cluster; others at most on its edge.
    pub neighbours: usize,
}

impl Default for ClusterRule {
    fn default() -> Self {
        Self { radius_m: 0.2, neighbours: 10 }
    }
}

/// The indices of the points that are no strays, in order.
///
/// ```
/// use spatialmill_geometry::{Vector3, cloud::{StrayRule, without_strays}};
/// // Ten points one centimetre apart and one a metre off.
/// let mut line: Vec<_> = (0..10).map(|i| Vector3::new(f64::from(i) * 0.01, 0.0, 0.0)).collect();
/// line.push(Vector3::new(1.0, 0.0, 0.0));
/// assert_eq!(without_strays(&line, &StrayRule::default()), (0..10).collect::<Vec<_>>());
/// ```
pub fn without_strays(points: &[Vector3<f64>], rule: &StrayRule) -> Vec<usize> {
    let Some(tree) = Tree::of(points) else { return (0..points.len()).collect() };
    let mean_distances: Vec<f64> = points.iter().map(|p| tree.mean_distance(p, rule.neighbours)).collect();
    let count = mean_distances.len() as f64;
    let mean = mean_distances.iter().sum::<f64>() / count;
    let square_sum: f64 = mean_distances.iter().map(|distance| (distance - mean).powi(2)).sum();
    let deviation = if count > 1.0 { (square_sum / (count - 1.0)).sqrt() } else { 0.0 };
    let limit = (mean + rule.sigma_ratio * deviation).max(rule.mean_ratio * mean);
    // `<=`, so that points which are all equally far apart all stay.
    (0..points.len()).filter(|&i| mean_distances[i] <= limit).collect()
}

/// A cloud thinned out to at most one point per cube.
#[derive(Debug, Clone, PartialEq)]
pub struct Voxels {
    /// The mean of each occupied cube's points, cubes in the order of x, then y, then z.
    pub centres: Vec<Vector3<f64>>,
    /// For each point of the cloud, the index of its cube.
    pub of_point: Vec<usize>,
}

/// Sorts points into cubes of side `size_m`, which must be positive; the grid starts half a cube below the lowest
/// coordinates, as Open3D's.
///
/// ```
/// use spatialmill_geometry::{Vector3, cloud::voxels};
/// let points = [0.0, 0.25, 3.0].map(|x| Vector3::new(x, 0.0, 0.0));
/// let thinned = voxels(&points, 1.0);
/// assert_eq!(thinned.centres, [Vector3::new(0.125, 0.0, 0.0), Vector3::new(3.0, 0.0, 0.0)]);
/// assert_eq!(thinned.of_point, [0, 0, 1]);
/// ```
pub fn voxels(points: &[Vector3<f64>], size_m: f64) -> Voxels {
    let lowest = points.iter().fold(Vector3::repeat(f64::INFINITY), |low, p| low.inf(p));
    let origin = lowest.add_scalar(-0.5 * size_m);
    let cube = |p: &Vector3<f64>| <[i64; 3]>::from((p - origin).map(|at| (at / size_m).floor() as i64));
    let mut keyed: Vec<([i64; 3], usize)> = points.iter().enumerate().map(|(i, p)| (cube(p), i)).collect();
    keyed.sort_unstable();
    let mut centres = Vec::new();
    let mut of_point = vec![0; points.len()];
    for same in keyed.chunk_by(|a, b| a.0 == b.0) {
        let sum: Vector3<f64> = same.iter().map(|(_, i)| points[*i]).sum();
        for (_, i) in same {
            of_point[*i] = centres.len();
        }
        centres.push(sum / same.len() as f64);
    }
    Voxels { centres, of_point }
}

/// The cluster of each point, `None` for those of none (DBSCAN). Clusters are numbered by their first inner point; a
/// point on the edge of two belongs to the lower number.
///
/// ```
/// use spatialmill_geometry::{Vector3, cloud::{ClusterRule, clusters}};
/// let points = [0.0, 0.1, 0.2, 5.0, 9.0, 9.1].map(|x| Vector3::new(x, 0.0, 0.0));
/// let rule = ClusterRule { radius_m: 0.15, neighbours: 2 };
/// assert_eq!(clusters(&points, &rule), [Some(0), Some(0), Some(0), None, Some(1), Some(1)]);
/// ```
pub fn clusters(points: &[Vector3<f64>], rule: &ClusterRule) -> Vec<Option<usize>> {
    let mut cluster_of = vec![None; points.len()];
    let Some(tree) = Tree::of(points) else { return cluster_of };
    let mut visited = vec![false; points.len()];
    let mut next_cluster = 0;
    let mut to_visit = Vec::new();
    for seed in 0..points.len() {
        if visited[seed] {
            continue;
        }
        to_visit.push(seed);
        let mut found = false;
        while let Some(i) = to_visit.pop() {
            if std::mem::replace(&mut visited[i], true) {
                continue;
            }
            let neighbours = tree.within(&points[i], rule.radius_m);
            if neighbours.len() < rule.neighbours {
                // Not an inner point. A seed may turn out to be on the edge of a later cluster; anything else that
                // came here is on this one's edge and has its number.
                visited[i] = found;
                if !found {
                    break;
                }
                continue;
            }
            found = true;
            for j in neighbours {
                if cluster_of[j].is_none() {
                    cluster_of[j] = Some(next_cluster);
                    to_visit.push(j);
                }
            }
        }
        next_cluster += usize::from(found);
    }
    cluster_of
}

/// The indices of the points in the cluster that has most of them, the first of equals; empty when no point is in a cluster.
pub fn largest_cluster(points: &[Vector3<f64>], rule: &ClusterRule) -> Vec<usize> {
    let cluster_of = clusters(points, rule);
    let mut sizes = vec![0_usize; cluster_of.iter().flatten().max().map_or(0, |last| last + 1)];
    cluster_of.iter().flatten().for_each(|cluster| sizes[*cluster] += 1);
    let largest = (0..sizes.len()).rev().max_by_key(|&cluster| sizes[cluster]);
    (0..points.len()).filter(|&i| largest.is_some() && cluster_of[i] == largest).collect()
}

/// A k-d tree over a cloud.
#[derive(Debug)]
pub(crate) struct Tree(ImmutableKdTree<f64, 3>);

impl Tree {
    /// `None` for an empty cloud, or for one with more points than the tree can number.
    pub(crate) fn of(points: &[Vector3<f64>]) -> Option<Self> {
        if points.is_empty() {
            return None;
        }
        let entries: Vec<[f64; 3]> = points.iter().map(|p| (*p).into()).collect();
        ImmutableKdTree::new_from_slice(&entries).ok().map(Self)
    }

    /// The squared distance to the nearest point of the cloud.
    pub(crate) fn squared_distance(&self, point: &Vector3<f64>) -> f64 {
        self.0.query(point.as_ref()).nearest_one::<SquaredEuclidean<f64>>().execute().distance
    }

    fn mean_distance(&self, point: &Vector3<f64>, neighbours: NonZero<usize>) -> f64 {
        let found = self.0.query(point.as_ref()).nearest_n::<SquaredEuclidean<f64>>(neighbours).execute();
        found.iter().map(|neighbour| neighbour.distance.sqrt()).sum::<f64>() / found.len().max(1) as f64
    }

    fn within(&self, point: &Vector3<f64>, radius: f64) -> Vec<usize> {
        // The metric is the squared distance, and so is its radius.
        let found = self.0.query(point.as_ref()).within::<SquaredEuclidean<f64>>(radius * radius).unsorted().execute();
        found.iter().map(|neighbour| neighbour.item as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Clouds with several blobs, exact doubles and flat parts, which k-d trees are known to stumble over.
    fn lumpy() -> impl Strategy<Value = Vec<Vector3<f64>>> {
        let lump = (-3..3, -3..3, prop::collection::vec((0..9, 0..9, 0..3), 1..60)).prop_map(|(x, y, points)| {
            let corner = Vector3::new(f64::from(x), f64::from(y), 0.0);
            let at = |(x, y, z)| Vector3::new(0.03 * f64::from(x), 0.03 * f64::from(y), 0.07 * f64::from(z));
            points.into_iter().map(|steps| corner + at(steps)).collect::<Vec<_>>()
        });
        prop::collection::vec(lump, 1..5).prop_map(|lumps| lumps.concat())
    }

    fn strays_by_brute_force(points: &[Vector3<f64>], rule: &StrayRule) -> (Vec<f64>, f64) {
        let means: Vec<f64> = points
            .iter()
            .map(|p| {
                let mut distances: Vec<f64> = points.iter().map(|q| (p - q).norm()).collect();
                distances.sort_by(f64::total_cmp);
                let nearest = &distances[..rule.neighbours.get().min(points.len())];
                nearest.iter().sum::<f64>() / nearest.len() as f64
            })
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        (means, (mean + rule.sigma_ratio * variance.sqrt()).max(rule.mean_ratio * mean))
    }

    /// DBSCAN by its definition: clusters are the components of the inner points; edges go to the lowest number.
    fn clusters_by_brute_force(points: &[Vector3<f64>], rule: &ClusterRule) -> Vec<Option<usize>> {
        let close = |i: usize, j: usize| (points[i] - points[j]).norm_squared() <= rule.radius_m * rule.radius_m;
        let n = points.len();
        let inner: Vec<bool> = (0..n).map(|i| (0..n).filter(|&j| close(i, j)).count() >= rule.neighbours).collect();
        let mut component: Vec<usize> = (0..n).collect();
        loop {
            let before = component.clone();
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                if inner[i] && inner[j] && close(i, j) {
                    component[i] = component[i].min(component[j]);
                }
            }
            if component == before {
                break;
            }
        }
        let mut firsts: Vec<usize> = (0..n).filter(|&i| inner[i]).map(|i| component[i]).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let number = |i: usize| firsts.iter().position(|first| *first == component[i]);
        (0..n)
            .map(|i| {
                if inner[i] { number(i) } else { (0..n).filter(|&j| inner[j] && close(i, j)).filter_map(number).min() }
            })
            .collect()
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(without_strays(&[], &StrayRule::default()).is_empty());
        assert!(voxels(&[], 0.1).centres.is_empty());
        assert!(clusters(&[], &ClusterRule::default()).is_empty());
        assert!(largest_cluster(&[], &ClusterRule::default()).is_empty());
    }

    #[test]
    fn a_wall_of_equal_depths_is_no_trouble() {
        let wall: Vec<_> =
            (0..20_000).map(|i| Vector3::new(f64::from(i % 200) * 0.01, 4.0, f64::from(i / 200) * 0.01)).collect();
        let thinned = voxels(&wall, 0.05).centres;
        assert_eq!(largest_cluster(&thinned, &ClusterRule::default()).len(), thinned.len());
        assert_eq!(without_strays(&wall, &StrayRule::default()).len(), 20_000);
        let one_place = vec![Vector3::new(1.0, 2.0, 3.0); 5_000];
        assert_eq!(without_strays(&one_place, &StrayRule::default()).len(), 5_000);
        assert_eq!(clusters(&one_place, &ClusterRule::default()), vec![Some(0); 5_000]);
    }

    #[test]
    fn the_first_of_equal_clusters_wins() {
        let rule = ClusterRule { radius_m: 0.15, neighbours: 2 };
        let largest = |along: &[f64]| {
            largest_cluster(&along.iter().map(|x| Vector3::new(*x, 0.0, 0.0)).collect::<Vec<_>>(), &rule)
        };
        assert_eq!(largest(&[0.0, 0.1, 5.0, 5.1]), [0, 1]);
        assert_eq!(largest(&[0.0, 0.1, 5.0, 5.1, 5.2]), [2, 3, 4]);
    }

    proptest! {
        #[test]
        fn strays_agree_with_brute_force(points in lumpy(), mean_ratio in 1.0..3.0) {
            let rule = StrayRule { mean_ratio, ..StrayRule::default() };
            let (means, limit) = strays_by_brute_force(&points, &rule);
            let kept = without_strays(&points, &rule);
            for (i, mean) in means.iter().enumerate() {
                // Sums in another order differ in the last bits; only a tie may fall either way.
                prop_assert!((mean - limit).abs() < 1e-9 || kept.contains(&i) == (*mean < limit));
            }
        }

        #[test]
        fn clusters_agree_with_brute_force(points in lumpy(), neighbours in 1..12_usize) {
            // 0.1 lies between the distances that the lumps' grid allows, so that rounding decides nothing.
            let rule = ClusterRule { radius_m: 0.1, neighbours };
            prop_assert_eq!(clusters(&points, &rule), clusters_by_brute_force(&points, &rule));
        }

        #[test]
        fn each_point_lies_in_its_voxel(points in lumpy(), size in 0.01..2.0) {
            let thinned = voxels(&points, size);
            for (p, voxel) in points.iter().zip(&thinned.of_point) {
                prop_assert!((p - thinned.centres[*voxel]).amax() <= size + 1e-9);
            }
            let occupied: std::collections::BTreeSet<_> = thinned.of_point.iter().collect();
            prop_assert_eq!(occupied.len(), thinned.centres.len());
        }
    }
}
