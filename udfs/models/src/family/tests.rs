//! The contract of every family: documented, listed once, and never a panic or an answer out of range, whatever a network gives.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use spatialmill_geometry::PixelBox;

use super::sampling::{CAMERA, open, signature};
use super::{Adapter, FAMILIES, Family};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size, Tensor};

#[test]
fn names_are_unique_and_docs_say_what_there_is() {
    let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), FAMILIES.len());
    for family in FAMILIES {
        assert!(
            !family.doc.is_empty() && !family.doc.ends_with('.') && family.long_doc.contains("\nFrom:"),
            "{}",
            family.name
        );
        for network in family.networks {
            for role in [network.inputs, network.outputs, network.optional].concat() {
                assert!(family.long_doc.contains(&format!("`{role}`")), "{}: `{role}`", family.name);
            }
        }
    }
}

/// The family for small networks, and what its outputs should be like for a picture of [`PICTURE`].
fn small(family: &Family) -> (Adapter, Vec<(&'static str, Vec<usize>)>) {
    let image: &[usize] = match family.name {
        "yolox" => &[1, 3, 32, 32],
        "depth_anything" => &[1, 3, 0, 0],
        _ => &[1, 3, 8, 12],
    };
    let (parameters, outputs): (&str, Vec<(&str, Vec<usize>)>) = match family.name {
        "yolox" => ("labels = ['a', 'b']", vec![("output", vec![1, 21, 7])]),
        "detr" => ("labels = ['a', 'b']", vec![("logits", vec![1, 3, 3]), ("boxes", vec![1, 3, 4])]),
        "rtdetr" => {
            ("labels = ['a', 'b']", vec![("labels", vec![1, 3]), ("boxes", vec![1, 3, 4]), ("scores", vec![1, 3])])
        }
        "sam2" => ("", vec![("masks", vec![1, 2, 4, 5]), ("iou_predictions", vec![1, 2])]),
        "sam" => ("size = [12, 12]", vec![("masks", vec![1, 2, 7, 9]), ("iou_predictions", vec![1, 2])]),
        "metric_depth" | "metric3d" => ("", vec![("depth", vec![1, 8, 12])]),
        "depth_anything" => ("size = 14\nmax_side = 28", vec![("depth", vec![1, 14, 14])]),
        "relative_depth" => ("near_m = 1.0\nfar_m = 9.0", vec![("inverse_depth", vec![1, 8, 12])]),
        "incidence" => ("", vec![("incidence", vec![1, 3, 8, 12])]),
        "perspective" => ("", vec![("roll", vec![1]), ("pitch", vec![1])]),
        other => panic!("a new family `{other}` needs its small networks here"),
    };
    let encoder = if family.name == "sam" { signature(&[], &[]) } else { signature(&[("image", image)], &[]) };
    let mut signatures = vec![encoder; family.networks.len()];
    if family.name == "incidence" {
        signatures[0] = signature(&[("image", image)], &[("incidence", &[1, 3, 0, 0])]);
    }
    (open(family, parameters, &signatures), outputs)
}

const PICTURE: Size = Size { width: 9, height: 7 };
const PROMPT: PixelBox = PixelBox { x0: 1.0, y0: 2.0, x1: 5.5, y1: 6.0 };

/// Whether the answer, if there is one, lies in range; the code of what is invalid otherwise.
fn judge(adapter: &Adapter, outputs: &Outputs) -> Result<bool, InvalidOutput> {
    Ok(match adapter {
        Adapter::Detect(detector) => detector.decode(outputs, PICTURE)?.iter().all(|found| {
            let inside = found.bounds.clipped_to(PICTURE.width, PICTURE.height);
            (0.0..=1.0).contains(&found.score) && inside == Some(found.bounds) && !found.label.is_empty()
        }),
        Adapter::Segment(segmenter) => {
            let (mask, score) = segmenter.decode(outputs, &PROMPT, PICTURE)?;
            (mask.width(), mask.height()) == (PICTURE.width, PICTURE.height)
                && !mask.is_empty()
                && (0.0..=1.0).contains(&score)
        }
        Adapter::Depth(depth) => {
            let map = depth.decode(outputs, PICTURE, &CAMERA)?;
            let full = map.metres.len() == map.size.width as usize * map.size.height as usize;
            full && map.metres.iter().all(|metres| (0.0..=300.0).contains(metres))
        }
        Adapter::Intrinsics(intrinsics_estimator) => intrinsics_estimator.decode(outputs, PICTURE)?.checked().is_ok(),
        Adapter::Gravity(gravity_estimator) => (gravity_estimator.decode(outputs, PICTURE)?.norm() - 1.0).abs() < 1e-9,
    })
}

fn prepare(adapter: &Adapter, picture: &Rgb) -> Inputs {
    match adapter {
        Adapter::Detect(detector) => detector.prepare(picture),
        Adapter::Segment(segmenter) => segmenter.prepare(picture),
        Adapter::Depth(depth) => depth.prepare(picture, &CAMERA),
        Adapter::Intrinsics(intrinsics_estimator) => intrinsics_estimator.prepare(picture),
        Adapter::Gravity(gravity_estimator) => gravity_estimator.prepare(picture),
    }
}

#[test]
fn nothing_is_poison_to_every_family() {
    for family in FAMILIES {
        let (adapter, _) = small(family);
        assert_eq!(judge(&adapter, &Outputs::default()).unwrap_err().code, "shape", "{}", family.name);
    }
}

fn number() -> impl Strategy<Value = f32> {
    let odd =
        [0.0, -0.0, 1.0, -1.0, 0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE];
    prop_oneof![3 => 0.0..1.0_f32, 3 => -30.0..30.0_f32, 1 => any::<f32>(), 1 => proptest::sample::select(odd.to_vec())]
}

/// Numbers for a tensor: each another, all finite, or the same everywhere.
fn numbers() -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        2 => proptest::collection::vec(0.0..1.0_f32, 1..40),
        2 => proptest::collection::vec(-30.0..30.0_f32, 1..40),
        1 => proptest::collection::vec(number(), 1..40),
        1 => proptest::collection::vec(number(), 1..2),
    ]
}

/// A tensor of a shape, its numbers over and over.
fn filled(shape: &[usize], numbers: &[f32]) -> Tensor {
    let count = shape.iter().product();
    Tensor::new(shape, numbers.iter().copied().cycle().take(count).collect())
}

proptest! {
    #[test]
    fn whatever_comes_out_of_a_network_no_family_panics(
        family in proptest::sample::select(FAMILIES.to_vec()),
        numbers in proptest::collection::vec(numbers(), 3),
    ) {
        let (adapter, shapes) = small(family);
        let outputs = shapes.iter().zip(&numbers).map(|((role, shape), numbers)| (role.to_string(), filled(shape, numbers)));
        if let Ok(in_range) = judge(&adapter, &Outputs::new(outputs)) {
            prop_assert!(in_range, "{}", family.name);
        }
    }

    #[test]
    fn whatever_shape_it_has_either(
        family in proptest::sample::select(FAMILIES.to_vec()),
        shapes in proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..6), 3),
        as_is in 0..4_usize,
        numbers in numbers(),
    ) {
        let (adapter, roles) = small(family);
        let outputs = roles.iter().zip(&shapes).enumerate().map(|(at, ((role, shape), other))| {
            (role.to_string(), filled(if at == as_is { shape } else { other }, &numbers))
        });
        if let Ok(in_range) = judge(&adapter, &Outputs::new(outputs)) {
            prop_assert!(in_range, "{}", family.name);
        }
    }

    #[test]
    fn any_picture_is_prepared(
        family in proptest::sample::select(FAMILIES.to_vec()),
        width in 1..70_u32, height in 1..70_u32, seed in any::<u8>(),
    ) {
        let (adapter, _) = small(family);
        let pixels = (0..3 * width * height).map(|at| (at as u8).wrapping_mul(seed)).collect();
        for (_, tensor) in prepare(&adapter, &Rgb::new(width, height, pixels).unwrap()) {
            prop_assert!(tensor.data().iter().all(|number| number.is_finite()) && tensor.shape()[0] == 1);
        }
    }

    #[test]
    fn any_prompt_is_a_box_of_the_network_or_poison(
        family in proptest::sample::select(vec!["sam", "sam2"]),
        edges in proptest::collection::vec(prop_oneof![4 => -5.0..20.0_f64, 1 => any::<f64>()], 4),
    ) {
        let family = FAMILIES.iter().find(|listed| listed.name == family).unwrap();
        let (Adapter::Segment(segmenter), _) = small(family) else { panic!("both segment") };
        let given = family.networks[0].outputs.iter().map(|role| (role.to_string(), Tensor::new([1], vec![0.0])));
        let bounds = PixelBox { x0: edges[0], y0: edges[1], x1: edges[2], y1: edges[3] };
        match segmenter.prompt(&Outputs::new(given), &bounds, PICTURE) {
            Ok(inputs) => {
                let find = |role: &str| inputs.iter().find(|(name, _)| *name == role).map(|(_, tensor)| Arc::clone(tensor));
                let points = find("point_coords").unwrap();
                prop_assert!(points.data().iter().all(|edge| (0.0..=12.0).contains(edge)));
            }
            Err(invalid) => prop_assert_eq!(invalid.code, "box"),
        }
    }
}
