//! Dice: reproducible numbers. Each throw is a hash of (seed, what it is for, how many throws before it), so that a room
//! comes out the same on every machine, in any order and on any thread.

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// Throws for one purpose.
#[derive(Debug, Clone)]
pub struct Dice {
    key: u64,
    thrown: u64,
}

impl Dice {
    /// Dice of their own for each `purpose`: asking for more throws in one place never shifts those of another.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self { key: xxh3_64_with_seed(purpose.as_bytes(), seed), thrown: 0 }
    }

    /// Evenly in [0, 1).
    pub fn unit(&mut self) -> f64 {
        let hash = xxh3_128_with_seed(&self.thrown.to_le_bytes(), self.key) as u64;
        self.thrown += 1;
        // The upper 53 bits are as many as the mantissa of a double holds.
        (hash >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Evenly in low..=high.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        low + (self.unit() * (high - low + 1) as f64) as usize
    }

    /// True once in `1 / chance` throws.
    pub fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// One of `items`, which are not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.count(0, items.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_gives_the_same_throws_and_another_gives_others() {
        let throw = |seed, purpose| {
            let mut dice = Dice::new(seed, purpose);
            [dice.unit(), dice.unit(), dice.unit()]
        };
        assert_eq!(throw(1, "chairs"), throw(1, "chairs"));
        assert_ne!(throw(1, "chairs"), throw(1, "tables"));
        assert_ne!(throw(1, "chairs"), throw(2, "chairs"));
    }

    #[test]
    fn throws_are_even() {
        let mut dice = Dice::new(7, "even");
        let mut counts = [0; 6];
        for _ in 0..6000 {
            counts[dice.count(1, 6) - 1] += 1;
        }
        assert!(counts.iter().all(|n| (850..1150).contains(n)), "{counts:?}");
    }
}
