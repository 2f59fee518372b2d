//! The one integration binary.

mod mutate;
mod sources;
