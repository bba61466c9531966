//! How fresh a source is: nothing stale may look live. Judged by the probes and the time, never by how quiet a watch is.

use jiff::Timestamp;

use crate::domain::fact::{Health, Link};

/// Seconds without an answered probe after which a source is late: two probes of four seconds each.
pub const LATE: i64 = 9;

/// How fresh a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It has not answered yet, and has not failed either.
    Connecting,
    /// It answers. The number is the probe's round trip in milliseconds.
    Live {
        /// Milliseconds.
        millis: u32,
    },
    /// It answers, and has nothing to answer with: no sample of anything that it is asked for was ever seen.
    Empty,
    /// It has said nothing for this many seconds.
    Late {
        /// Seconds since it last answered.
        seconds: i64,
    },
    /// It does not answer.
    Down {
        /// Seconds since it last answered, or since the first try.
        seconds: i64,
        /// What the connection said, in one line.
        reason: String,
        /// Whether it has ever answered: then what was known stands, marked as old.
        ever: bool,
    },
}

impl Freshness {
    /// Judges a source by its newest probe, by when it last answered and by when it was first tried.
    pub fn judge(health: &Health, answered: Option<Timestamp>, tried: Timestamp, now: Timestamp) -> Self {
        let since = |moment: Timestamp| now.duration_since(moment).as_secs().max(0);
        match (&health.state, answered) {
            (Link::Down { reason }, _) => {
                Self::Down { seconds: since(answered.unwrap_or(tried)), reason: reason.clone(), ever: answered.is_some() }
            }
            (Link::Up { millis }, Some(moment)) if since(moment) < LATE => Self::Live { millis: *millis },
            (Link::Connecting, None) => Self::Connecting,
            (Link::Connecting, Some(moment)) if since(moment) < LATE => Self::Live { millis: 0 },
            (Link::Up { .. } | Link::Connecting, moment) => Self::Late { seconds: since(moment.unwrap_or(tried)) },
        }
    }

    /// Whether what is shown may be taken for the present.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// Whether what is shown is old: late or down.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Late { .. } | Self::Down { .. })
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn judge(state: Link, answered: Option<i64>, now: i64) -> Freshness {
        let at = |seconds: i64| Timestamp::UNIX_EPOCH + seconds.seconds();
        let health = Health { at: at(0), state, clock_skew_ms: 0 };
        Freshness::judge(&health, answered.map(at), at(0), at(now))
    }

    #[test]
    fn late_is_not_down_and_down_keeps_counting() {
        let down = || Link::Down { reason: "refused".into() };
        assert_eq!(judge(Link::Connecting, None, 3), Freshness::Connecting);
        assert_eq!(judge(Link::Up { millis: 7 }, Some(10), 14), Freshness::Live { millis: 7 });
        assert_eq!(judge(Link::Up { millis: 7 }, Some(10), 19), Freshness::Late { seconds: 9 });
        let reason = || "refused".to_owned();
        assert_eq!(judge(down(), Some(10), 30), Freshness::Down { seconds: 20, reason: reason(), ever: true });
        assert_eq!(judge(down(), None, 30), Freshness::Down { seconds: 30, reason: reason(), ever: false });
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_age() {
        assert_eq!(judge(Link::Up { millis: 7 }, Some(10), 2), Freshness::Live { millis: 7 });
    }
}
