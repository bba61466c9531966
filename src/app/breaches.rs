//! Lines of *Now* about what is measured: that a signal is over its limit, that it is within again, that the metrics server is away. A gap
//! ends no breach.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::metrics::Metrics;
use super::notice::{Notices, Tone};
use crate::domain::duration::{age, clock};
use crate::domain::id::Key;
use crate::domain::signal::{Judgement, MetricsLink, Track, Verdict};

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Breaches by release and signal, with the longest that each was seen to last, in seconds.
    breaches: HashMap<(Key, Arc<str>), u32>,
    /// Since when the server has been away.
    down: Option<Timestamp>,
}

impl Told {
    /// Tells what has changed. Says whether something broke.
    pub(super) fn follow(&mut self, metrics: &Metrics, notices: &mut Notices, now: Timestamp) -> bool {
        let mut broke = self.link(&metrics.link, notices, now);
        for (key, standing) in metrics.standings() {
            for one in standing.judgements.iter() {
                broke |= self.judgement(key, one, notices, now);
            }
        }
        self.breaches.retain(|(key, _), _| metrics.standing(key).is_some());
        broke
    }

    fn judgement(&mut self, key: &Key, one: &Judgement, notices: &mut Notices, now: Timestamp) -> bool {
        let name = (key.clone(), Arc::clone(&one.name));
        match one.verdict {
            Verdict::Breach => {
                let known = self.breaches.get_mut(&name);
                if let Some(longest) = known {
                    *longest = one.breached.max(*longest);
                    return false;
                }
                self.breaches.insert(name, one.breached);
                let at = now.checked_sub(SignedDuration::from_secs(one.breached.into())).unwrap_or(now);
                notices.say(Some(key.clone()), Tone::Bad, over(one), at);
                true
            }
            Verdict::Pass | Verdict::Warn => {
                if let Some(lasted) = self.breaches.remove(&name) {
                    notices.say(Some(key.clone()), Tone::Good, within(one, lasted), now);
                }
                false
            }
            Verdict::NoData | Verdict::TooEarly | Verdict::LowTraffic => false,
        }
    }

    fn link(&mut self, link: &MetricsLink, notices: &mut Notices, now: Timestamp) -> bool {
        match (link, self.down) {
            (MetricsLink::Down { reason, .. }, None) => {
                self.down = Some(now);
                notices.say(None, Tone::Bad, format!("the metrics server does not answer: {reason}"), now);
                true
            }
            (MetricsLink::Up { .. }, Some(since)) => {
                self.down = None;
                let gone = age(now.duration_since(since).as_secs());
                notices.say(None, Tone::Good, format!("the metrics server answers again, after {gone}"), now);
                false
            }
            _ => false,
        }
    }
}

/// `errors 1.8% over 1% (canary)`.
fn over(one: &Judgement) -> String {
    let value = one.value.map_or_else(|| "–".to_owned(), |value| one.unit.show(value));
    let limit = one.unit.show(one.limit.threshold);
    let side = one.limit.beyond();
    let track = if one.track == Track::All { String::new() } else { format!(" ({})", one.track.name()) };
    format!("{} {value} {side} {limit}{track}", one.name)
}

/// `errors 0.2% within 1% again, after 3:12`.
fn within(one: &Judgement, lasted: u32) -> String {
    let value = one.value.map_or_else(|| "–".to_owned(), |value| one.unit.show(value));
    format!("{} {value} within {} again, after {}", one.name, one.unit.show(one.limit.threshold), clock(lasted.into()))
}
