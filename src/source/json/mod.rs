//! JSON of annotation files: records cut out of files of any size, and values taken in the forms that tools write them in.

pub mod cutter;
pub mod forms;
pub mod id;
