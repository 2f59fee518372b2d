//! When the next call may start: evenly spaced, and not before a server that asked for patience has had it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{self, Instant};

/// Gives turns in the order in which they are asked for. A turn that is given up is lost, so that no rate is ever exceeded.
#[derive(Debug)]
pub struct Pace {
    spacing: Duration,
    times: Mutex<Times>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    /// The next turn that is free.
    next: Instant,
    /// Turns before this are void.
    held_until: Instant,
}

impl Pace {
    /// No limit is a spacing of nothing.
    pub fn new(per_minute: Option<f64>) -> Self {
        let spacing = per_minute.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(60.0 / rate));
        let now = Instant::now();
        Self { spacing, times: Mutex::new(Times { next: now, held_until: now }) }
    }

    /// Waits for a turn.
    pub async fn turn(&self) {
        loop {
            let turn = self.take();
            time::sleep_until(turn).await;
            // While this one slept, another call may have been told to wait.
            if turn >= self.times().held_until {
                return;
            }
        }
    }

    /// No turn comes for so long.
    pub fn hold(&self, pause: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.held_until = times.held_until.max(Instant::now() + pause);
    }

    fn take(&self) -> Instant {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = times.next.max(times.held_until).max(Instant::now());
        times.next = turn + self.spacing;
        turn
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turns(pace: &Pace, count: usize) -> Vec<u64> {
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..count {
            pace.turn().await;
            at.push(start.elapsed().as_millis() as u64);
        }
        at
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_evenly_spaced() {
        assert_eq!(turns(&Pace::new(Some(120.0)), 4).await, [0, 500, 1000, 1500]);
        assert_eq!(turns(&Pace::new(None), 3).await, [0, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_saves_no_turns_up() {
        let pace = Pace::new(Some(60.0));
        turns(&pace, 1).await;
        time::sleep(Duration::from_secs(100)).await;
        assert_eq!(turns(&pace, 3).await, [0, 1000, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_voids_turns_that_are_waited_for() {
        let pace = std::sync::Arc::new(Pace::new(Some(60.0)));
        turns(&pace, 1).await;
        let start = Instant::now();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let pace = pace.clone();
                tokio::spawn(async move {
                    pace.turn().await;
                    start.elapsed().as_millis() as u64
                })
            })
            .collect();
        time::sleep(Duration::from_millis(1)).await;
        pace.hold(Duration::from_millis(9_999));
        let mut at = Vec::new();
        for turn in waiting {
            at.push(turn.await.unwrap());
        }
        at.sort_unstable();
        assert_eq!(at, [10_000, 11_000, 12_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_given_up_is_lost() {
        let pace = Pace::new(Some(60.0));
        turns(&pace, 1).await;
        assert!(time::timeout(Duration::from_millis(10), pace.turn()).await.is_err());
        assert_eq!(turns(&pace, 1).await, [1990]);
    }
}
