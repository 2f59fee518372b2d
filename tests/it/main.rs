//! Integration tests: one binary, one module for each part of the engine.

mod build;
mod export;
mod mutate;
mod sheet;
mod slt;
mod sources;
mod tidy;
mod warehouse;
