//! Integration tests: one binary, one module for each part of the engine.

mod build;
mod changed_files;
mod chat;
mod export;
mod first_use;
mod functions;
mod models;
mod mutate;
mod own_task;
mod parallel;
mod repair;
mod sheet;
mod slt;
mod source_digests;
mod sources;
mod sql;
mod tidy;
mod warehouse;
