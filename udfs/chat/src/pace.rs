//! Rate limiting: when the next call may start, evenly spaced, and not before a server's `Retry-After`.

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
            let turn = self.take(Instant::now());
            time::sleep_until(turn).await;
            // While this one slept, another call may have been told to wait.
            if !self.is_void(turn) {
                return;
            }
        }
    }

    /// No turn comes for so long.
    pub fn hold(&self, pause: Duration) {
        self.hold_until(Instant::now() + pause);
    }

    fn hold_until(&self, time: Instant) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.held_until = times.held_until.max(time);
    }

    fn take(&self, now: Instant) -> Instant {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = times.next.max(times.held_until).max(now);
        times.next = turn + self.spacing;
        turn
    }

    fn is_void(&self, turn: Instant) -> bool {
        turn < self.times.lock().unwrap_or_else(PoisonError::into_inner).held_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds after a start, by a clock that the tests set.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, ms: u64) -> Instant {
            self.0 + Duration::from_millis(ms)
        }

        fn turns(&self, pace: &Pace, now_ms: u64, count: usize) -> Vec<u128> {
            (0..count).map(|_| pace.take(self.at(now_ms)).duration_since(self.0).as_millis()).collect()
        }
    }

    fn started(per_minute: Option<f64>) -> (Pace, Clock) {
        let pace = Pace::new(per_minute);
        let start = pace.times.lock().unwrap().next;
        (pace, Clock(start))
    }

    #[test]
    fn turns_are_evenly_spaced() {
        let (pace, clock) = started(Some(120.0));
        assert_eq!(clock.turns(&pace, 0, 4), [0, 500, 1000, 1500]);
        let (pace, clock) = started(None);
        assert_eq!(clock.turns(&pace, 0, 3), [0, 0, 0]);
    }

    #[test]
    fn idle_time_saves_no_turns_up() {
        let (pace, clock) = started(Some(60.0));
        clock.turns(&pace, 0, 1);
        assert_eq!(clock.turns(&pace, 100_000, 3), [100_000, 101_000, 102_000]);
    }

    #[test]
    fn a_hold_voids_turns_that_are_waited_for() {
        let (pace, clock) = started(Some(60.0));
        let waited_for: Vec<Instant> = (0..3).map(|_| pace.take(clock.at(0))).collect();
        pace.hold_until(clock.at(10_000));
        assert!(waited_for.iter().all(|turn| pace.is_void(*turn)));
        assert_eq!(clock.turns(&pace, 2_000, 3), [10_000, 11_000, 12_000]);
        assert!(!pace.is_void(clock.at(10_000)));
    }

    /// A turn that is given up was taken all the same.
    #[test]
    fn a_turn_given_up_is_lost() {
        let (pace, clock) = started(Some(60.0));
        assert_eq!(clock.turns(&pace, 0, 2), [0, 1000]);
        assert_eq!(clock.turns(&pace, 10, 1), [2000]);
    }
}
