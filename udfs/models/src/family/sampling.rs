//! Declared signatures and opened families, for the tests of families.

use spatialmill_geometry::Intrinsics;

use super::{
    Adapter, Detect, EstimateDepth, EstimateGravity, EstimateIntrinsics, Family, Parameters, Segment, Signature,
};
use crate::InvalidOutput;

pub(crate) const CAMERA: Intrinsics = Intrinsics { fx: 500.0, fy: 500.0, cx: 319.5, cy: 239.5 };

/// Of fixed sizes; 0 is any.
pub(crate) fn signature(inputs: &[(&str, &[usize])], outputs: &[(&str, &[usize])]) -> Signature {
    let all = |roles: &[(&str, &[usize])]| {
        let sides = |shape: &[usize]| shape.iter().map(|side| Some(*side).filter(|side| *side > 0)).collect();
        roles.iter().map(|(role, shape)| ((*role).to_owned(), sides(shape))).collect()
    };
    Signature { inputs: all(inputs), outputs: all(outputs) }
}

pub(crate) fn open(family: &Family, parameters: &str, signatures: &[Signature]) -> Adapter {
    (family.open)(&Parameters(parameters.parse().unwrap()), signatures).unwrap()
}

pub(crate) fn detector(family: &Family, parameters: &str, signatures: &[Signature]) -> Box<dyn Detect> {
    let Adapter::Detect(adapter) = open(family, parameters, signatures) else { panic!("{} detects", family.name) };
    adapter
}

pub(crate) fn segmenter(family: &Family, parameters: &str, signatures: &[Signature]) -> Box<dyn Segment> {
    let Adapter::Segment(adapter) = open(family, parameters, signatures) else { panic!("{} segments", family.name) };
    adapter
}

pub(crate) fn depth(family: &Family, parameters: &str, signatures: &[Signature]) -> Box<dyn EstimateDepth> {
    let Adapter::Depth(adapter) = open(family, parameters, signatures) else { panic!("{} is for depth", family.name) };
    adapter
}

pub(crate) fn intrinsics_estimator(
    family: &Family,
    parameters: &str,
    signatures: &[Signature],
) -> Box<dyn EstimateIntrinsics> {
    let Adapter::Intrinsics(adapter) = open(family, parameters, signatures) else {
        panic!("{} is for intrinsics", family.name)
    };
    adapter
}

pub(crate) fn gravity_estimator(
    family: &Family,
    parameters: &str,
    signatures: &[Signature],
) -> Box<dyn EstimateGravity> {
    let Adapter::Gravity(adapter) = open(family, parameters, signatures) else {
        panic!("{} is for gravity", family.name)
    };
    adapter
}

/// The codes of answers that all must be invalid.
pub(crate) fn codes<T: std::fmt::Debug>(
    answers: impl IntoIterator<Item = Result<T, InvalidOutput>>,
) -> Vec<&'static str> {
    answers.into_iter().map(|answer| answer.unwrap_err().code).collect()
}
