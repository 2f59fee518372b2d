//! Random ids: 64 random bits as 16 hexadecimal digits, by which processes that know nothing of each other name what they write.

use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

/// An id that no other call gives, in this process or another one.
pub fn random_id() -> String {
    // The keys of each state come from the operating system's randomness.
    let bits = RandomState::new().hash_one((SystemTime::now(), std::process::id()));
    format!("{bits:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| random_id()).collect();
        assert!(ids.len() == 1000 && ids.iter().all(|id| id.len() == 16));
    }
}
