//! Integration tests: one binary, one module for each part of the engine.

mod build;
mod changed_files;
mod chat;
mod export;
mod first_use;
mod functions;
mod models;
mod own_task;
mod parallel;
mod ready;
mod repair;
mod sheet;
mod source_digests;
mod sql;
mod tidy;
