//! COCO JSON: the annotation files of Microsoft COCO and of all that write its form. Files in, records in buckets out; no frame and no photo.

mod box3d;
pub mod documents;
pub mod image;
pub mod object;
mod own;
pub mod panoptic;
mod segmentation;
