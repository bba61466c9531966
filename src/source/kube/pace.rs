//! How long to wait before trying again: longer each time up to a limit, never exactly alike, so that many who lost the same server do
//! not come back in step.

use std::time::Duration;

/// First wait.
const FIRST: Duration = Duration::from_millis(200);

/// The waits of one thing that is being tried.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Pace {
    /// Counts a failure and says how long to wait: doubling from 0.2 s to `limit`, of which half is chance.
    pub fn next(&mut self, limit: Duration) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(16)).min(limit);
        self.failures += 1;
        whole.mul_f64(0.5 + 0.5 * fastrand::f64())
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since it last worked.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_start_anew() {
        let mut pace = Pace::default();
        let limit = Duration::from_secs(5);
        let waits: Vec<Duration> = (0..40).map(|_| pace.next(limit)).collect();
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
        assert!(waits.iter().all(|wait| *wait <= limit) && waits[39] >= limit / 2);
        pace.reset();
        assert!(pace.next(limit) <= FIRST);
    }
}
