//! Models: the one crate that may name a model runtime, an accelerator or image tensors.
//!
//! No model is here yet: every source so far brings its own geometry. What models will give (detections, depth, cameras, captions) has
//! its columns in `schemas/` already, so that a model fills tables that exist.
