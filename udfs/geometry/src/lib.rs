//! Pure maths of spatialmill: floats in, floats out. It knows no Arrow, no input or output, no clock and no randomness.

pub mod relate;
