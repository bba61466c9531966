//! The world's clock: an origin, a speed, and a hand that can be moved. Nobody else in the world reads a clock.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock that runs at `speed` times the pace of this machine's.
#[derive(Debug)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
    speed: f64,
}

impl Clock {
    /// A clock that shows `base` now.
    pub fn new(base: Timestamp, speed: f64) -> Self {
        Self { base, since: Instant::now(), speed: speed.max(0.0) }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        self.base + SignedDuration::from_secs_f64(self.since.elapsed().as_secs_f64() * self.speed)
    }

    /// Moves its hand; it never goes back.
    pub fn set(&mut self, to: Timestamp) {
        self.base = to.max(self.now());
        self.since = Instant::now();
    }

    /// How long to wait until it shows `time`; none if it stands still.
    pub fn wait_for(&self, time: Timestamp) -> Option<Duration> {
        let ahead = time.duration_since(self.now()).as_secs_f64().max(0.0);
        (self.speed > 0.0).then(|| Duration::from_secs_f64((ahead / self.speed).min(3600.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_by_hand_and_never_back() {
        let start: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let mut clock = Clock::new(start, 0.0);
        assert_eq!(clock.now(), start);
        assert_eq!(clock.wait_for(start + SignedDuration::from_secs(1)), None);
        clock.set(start + SignedDuration::from_secs(42));
        clock.set(start);
        assert_eq!(clock.now(), start + SignedDuration::from_secs(42));
    }

    #[test]
    fn a_fast_clock_is_waited_for_less() {
        let start: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let clock = Clock::new(start, 60.0);
        let wait = clock.wait_for(start + SignedDuration::from_secs(60)).unwrap();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(500), "{wait:?}");
    }
}
