//! How much a metrics server is asked, and how much it answers: so that a team can see what a cockpit costs it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counters of one environment; they only grow.
#[derive(Debug)]
pub struct Tally {
    since: Instant,
    queries: AtomicU64,
    failures: AtomicU64,
    bytes: AtomicU64,
}

/// What a [`Tally`] has counted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Requests that were sent.
    pub queries: u64,
    /// Those of them that had no good answer.
    pub failures: u64,
    /// Bytes of all answers, after decompression.
    pub bytes: u64,
    /// Seconds since counting began; at least 1.
    pub seconds: u64,
}

impl Default for Tally {
    fn default() -> Self {
        let (queries, failures, bytes) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { since: Instant::now(), queries, failures, bytes }
    }
}

impl Tally {
    /// What was counted so far.
    pub fn read(&self) -> Counted {
        Counted {
            queries: self.queries.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            seconds: self.since.elapsed().as_secs().max(1),
        }
    }

    /// A request was sent.
    pub(super) fn sent(&self) {
        self.queries.fetch_add(1, Ordering::Relaxed);
    }

    /// It had no good answer.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes came.
    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Counted {
    /// What came since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            queries: self.queries - earlier.queries,
            failures: self.failures - earlier.failures,
            bytes: self.bytes - earlier.bytes,
            seconds: self.seconds.saturating_sub(earlier.seconds).max(1),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (queries, bytes) = (self.queries * 60 / self.seconds, self.bytes * 60 / self.seconds / 1000);
        write!(f, "{queries} queries and {bytes} kB a minute, {} of {} failed", self.failures, self.queries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_a_minute_costs() {
        let earlier = Counted { queries: 10, failures: 1, bytes: 1_000, seconds: 60 };
        let later = Counted { queries: 34, failures: 3, bytes: 121_000, seconds: 180 };
        assert_eq!(later.since(earlier).to_string(), "12 queries and 60 kB a minute, 2 of 24 failed");
    }
}
