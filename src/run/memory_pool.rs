//! Memory pool of a build's queries: bytes that operators ask for in, a grant or the word to spill out.
//!
//! One plan asks the questions of all tasks and so has hundreds of aggregations and sorts, of which few hold much at a time. DataFusion's
//! `FairSpillPool` gives each the same share, and an aggregation over lists may ask for more than that at once and cannot spill yet what it
//! does not hold. `GreedyMemoryPool` lets the first operator take everything, and the next one fails. Here an operator that can spill may
//! hold as much as it leaves free, or its equal share where that is more.

use std::sync::Mutex;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

#[derive(Debug)]
pub struct HalfOfFreePool {
    /// Bytes that all operators together may hold.
    size: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Operators that can spill.
    spilling: usize,
    bytes: usize,
}

impl HalfOfFreePool {
    /// A pool of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self { size, held: Mutex::default() }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl MemoryPool for HalfOfFreePool {
    fn name(&self) -> &str {
        "half of free"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held().spilling += usize::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held().spilling -= usize::from(consumer.can_spill());
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.held().bytes += additional;
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.held().bytes -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<(), DataFusionError> {
        let mut held = self.held();
        let free = self.size.saturating_sub(held.bytes);
        let allowed = if reservation.consumer().can_spill() {
            let own = reservation.size();
            let half = (free + own) / 2;
            let share = self.size / held.spilling.max(1);
            half.max(share).saturating_sub(own).min(free)
        } else {
            free
        };
        if additional > allowed {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} asks for {additional} bytes beside the {} that it holds, and {allowed} of {} may be had",
                reservation.consumer().name(),
                reservation.size(),
                self.size
            )));
        }
        held.bytes += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.held().bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.size)
    }
}

impl std::fmt::Display for HalfOfFreePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} of {} bytes are held", self.name(), self.reserved(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn operator(pool: &Arc<dyn MemoryPool>, spills: bool) -> MemoryReservation {
        MemoryConsumer::new("operator").with_can_spill(spills).register(pool)
    }

    #[test]
    fn an_idle_operator_takes_no_share_of_a_busy_one() {
        let pool: Arc<dyn MemoryPool> = Arc::new(HalfOfFreePool::new(1000));
        let _idle: Vec<MemoryReservation> = (0..100).map(|_| operator(&pool, true)).collect();
        let busy = operator(&pool, true);
        busy.try_grow(500).unwrap();
        assert!(busy.try_grow(1).is_err(), "as much is left free as it holds");

        let other = operator(&pool, true);
        other.try_grow(250).unwrap();
        assert!(other.try_grow(1).is_err());
        let merge = operator(&pool, false);
        merge.try_grow(250).unwrap();
        assert!(merge.try_grow(1).is_err() && operator(&pool, true).try_grow(1).is_err(), "nothing is free");

        busy.free();
        other.try_grow(125).unwrap();
        drop((busy, other, merge));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn an_operator_alone_has_the_whole_pool() {
        let pool: Arc<dyn MemoryPool> = Arc::new(HalfOfFreePool::new(1000));
        let alone = operator(&pool, true);
        alone.try_grow(600).unwrap();
        alone.try_grow(400).unwrap();
        assert!(alone.try_grow(1).is_err());
    }
}
