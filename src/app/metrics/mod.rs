//! What is known of an environment's signals: the newest answers of its metrics server, and the verdicts on them. Asks nobody; what it wants to
//! have measured it says in [`Effect::Measure`](super::Effect::Measure). Never drops what was known because the server is away: a verdict
//! ages to *no data* by itself, and how old things are is said beside them.
//!
//! For those who build on it, all of `state.environment().metrics`:
//!
//! * [`Metrics::is_configured`]: whether there is anything to judge by. Without that, gates block nothing.
//! * [`Metrics::judgements`]: the verdict on each signal of a release, in the order of the configuration; *no data* for each that was not measured.
//!   [`Metrics::standing`] has them with the measured weight, the burn rates and the forecast. Both are worked out when facts come and once a
//!   second, never when they are asked for.
//! * [`Metrics::mark`]: the worst gate of any release in the list, from the grouped queries if it is not measured in full.
//! * [`Metrics::series`]: what was measured of one signal of a release, for charts.
//! * [`Metrics::freshness`]: how fresh the source is; late is the age of the newest *sample*.
//! * [`Metrics::alerts_of`]: alerts that concern a release, firing first.
//! * [`Metrics::keep`]: releases that are measured whatever is shown: the guarded ones.

mod concern;
mod definitions;
mod fleet;
mod standing;
mod targets;
mod weighted;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use definitions::Definitions;
pub use fleet::Mark;
pub use standing::Standing;
pub(super) use targets::{Aim, follow};
pub use targets::{MOST, asked};

use super::cluster::Cluster;
use super::freshness::Freshness;
use crate::domain::fact::MetricsNews;
use crate::domain::id::Key;
use crate::domain::signal::{Alert, Alerts, Context, Fleet, Judgement, Measured, MetricsLink, Signal, TrackSeries, judge};
use crate::domain::slo::{BurnReading, Collector};
use weighted::Weighted;

/// How often everything that was measured is judged anew: time alone makes samples old and breaches long.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How long what was measured of a release is kept when it is measured no more.
const KEPT: SignedDuration = SignedDuration::from_mins(2);

/// The newest answers, and what they mean.
#[derive(Debug)]
pub struct Metrics {
    /// How the server is doing.
    pub link: MetricsLink,
    /// Its alerts and alerting rules, as far as they were read.
    pub alerts: Arc<[Alert]>,
    /// How the collectors of telemetry are doing.
    pub collector: Collector,
    definitions: Definitions,
    measured: HashMap<Key, Arc<Measured>>,
    burns: HashMap<Key, Arc<BurnReading>>,
    fleets: HashMap<Arc<str>, Arc<Fleet>>,
    standings: HashMap<Key, Standing>,
    weights: HashMap<Key, Weighted>,
    /// Of which something new was said since they were judged.
    fresh: HashSet<Key>,
    judged: Option<Timestamp>,
    answered: Option<Timestamp>,
    /// When the newest sample was taken that was ever seen, also if the server has it no more.
    sampled: Option<Timestamp>,
    /// Whether an answer about alerts, or none, has come.
    alerts_asked: bool,
    /// Why the alerts are not all of them; None if they are.
    alerts_unread: Option<Box<str>>,
    aim: Aim,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Definitions::default())
    }
}

impl Metrics {
    /// Nothing is known yet.
    pub fn new(definitions: Definitions) -> Self {
        Self {
            link: if definitions.is_empty() { MetricsLink::None } else { MetricsLink::Connecting },
            alerts: Arc::new([]),
            alerts_asked: false,
            alerts_unread: Some("they were not read yet".into()),
            collector: Collector::default(),
            definitions,
            measured: HashMap::new(),
            burns: HashMap::new(),
            fleets: HashMap::new(),
            standings: HashMap::new(),
            weights: HashMap::new(),
            fresh: HashSet::new(),
            judged: None,
            answered: None,
            sampled: None,
            aim: Aim::default(),
        }
    }

    /// Takes in one piece of news.
    pub fn apply(&mut self, news: MetricsNews) {
        match news {
            MetricsNews::Link(link) => {
                if let MetricsLink::Up { at, sampled, .. } = link {
                    self.answered = Some(at);
                    self.sampled = sampled.or(self.sampled);
                }
                self.link = link;
            }
            MetricsNews::Measured(measured) => {
                self.fresh.insert(measured.key.clone());
                self.measured.insert(measured.key.clone(), measured);
            }
            MetricsNews::Fleet(fleet) => {
                self.fleets.insert(Arc::clone(&fleet.signal), fleet);
            }
            MetricsNews::Alerts(alerts) => self.hear(alerts),
            MetricsNews::Burn(reading) => {
                self.fresh.insert(reading.key.clone());
                self.burns.insert(reading.key.clone(), reading);
            }
            MetricsNews::Collector(collector) => self.collector = collector,
            MetricsNews::Recorded(recorded) => self.definitions.record(&recorded),
            MetricsNews::Templates(key, understood) => {
                self.definitions.learn(&key, &understood);
                self.fresh.insert(key);
            }
        }
    }

    fn hear(&mut self, alerts: Alerts) {
        self.alerts_asked = true;
        let (all, unread) = match alerts {
            Alerts::Read(all) => (Some(all), None),
            Alerts::Partly(all, why) => (Some(all), Some(why)),
            Alerts::Unread(why) => (None, Some(why)),
        };
        self.alerts = all.unwrap_or_else(|| Arc::clone(&self.alerts));
        self.alerts_unread = unread;
    }

    /// Whether there is a metrics server and a signal to ask it for.
    pub fn is_configured(&self) -> bool {
        !self.definitions.is_empty()
    }

    /// Whether it was asked for its alerts, and has answered or not.
    pub fn has_asked_for_alerts(&self) -> bool {
        self.alerts_asked
    }

    /// Why the alerts are not all that there are now, in one line: that none of them fires does then not mean that none does. None if they are.
    pub fn alerts_unread(&self) -> Option<&str> {
        self.alerts_unread.as_deref()
    }

    /// What is to be measured here.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The signals of a release, in the order of the configuration; none where there are no metrics.
    pub fn signals(&self, key: &Key) -> Arc<[Signal]> {
        self.definitions.signals(key)
    }

    /// The verdict on each signal of a release, in the order of its signals. *No data* for each that was never measured; nothing where there
    /// are no metrics.
    pub fn judgements(&self, key: &Key) -> Arc<[Judgement]> {
        if let Some(standing) = self.standings.get(key) {
            return Arc::clone(&standing.judgements);
        }
        let nothing = Context::at(Timestamp::UNIX_EPOCH, self.definitions.stale_after);
        self.signals(key).iter().map(|signal| judge(signal, &[], &nothing)).collect()
    }

    /// The verdicts on a release with its measured weight and what its failures cost. None if it was never measured.
    pub fn standing(&self, key: &Key) -> Option<&Standing> {
        self.standings.get(key)
    }

    /// All releases that were measured, with how they stand, in no particular order.
    pub fn standings(&self) -> impl Iterator<Item = (&Key, &Standing)> {
        self.standings.iter()
    }

    /// What was measured of a rollout last.
    pub fn measured(&self, key: &Key) -> Option<&Arc<Measured>> {
        self.measured.get(key)
    }

    /// What was measured of one signal of a release as it is now, by track; nothing if it was not.
    pub fn series(&self, key: &Key, signal: &str) -> &[TrackSeries] {
        let of_now = |measured: &&Arc<Measured>| self.standings.get(key).is_none_or(|standing| standing.hash == measured.hash);
        let measured = self.measured.get(key).filter(of_now).map_or(&[][..], |measured| &measured.signals);
        measured.iter().find(|(name, _)| **name == *signal).map_or(&[], |(_, series)| series)
    }

    /// How fast a rollout's service uses up what may fail, as it was read. [`Standing::burn`] is what that means.
    pub fn burn(&self, key: &Key) -> Option<&Arc<BurnReading>> {
        self.burns.get(key)
    }

    /// The newest answer of a signal's grouped query.
    pub fn fleet(&self, signal: &str) -> Option<&Arc<Fleet>> {
        self.fleets.get(signal)
    }

    /// What the server warns of beside its newest answers: those about a rollout first, then those about all of them, each once.
    pub fn notes(&self, key: Option<&Key>) -> Vec<&str> {
        let own = key.and_then(|key| self.measured.get(key)).into_iter().flat_map(|measured| &measured.notes);
        let mut fleets: Vec<_> = self.fleets.values().collect();
        fleets.sort_unstable_by(|a, b| a.signal.cmp(&b.signal));
        let mut notes: Vec<&str> = Vec::new();
        for note in own.chain(fleets.into_iter().flat_map(|fleet| &fleet.notes)) {
            if !notes.contains(&&**note) {
                notes.push(note);
            }
        }
        notes
    }

    /// Whether the server has ever answered.
    pub fn has_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// How fresh the source is, by its newest sample: late from half of the age on at which samples count no more. That a server answers says
    /// nothing about how old its answers are. None where there are no metrics.
    pub fn freshness(&self, now: Timestamp) -> Option<Freshness> {
        let since = |moment: Timestamp| now.duration_since(moment).as_secs().max(0);
        let late = i64::from(self.definitions.stale_after / 2);
        Some(match &self.link {
            MetricsLink::None => return None,
            MetricsLink::Connecting => Freshness::Connecting,
            MetricsLink::Up { millis, .. } => match self.sampled.map(since) {
                None => Freshness::Empty,
                Some(seconds) if seconds >= late => Freshness::Late { seconds },
                Some(_) => Freshness::Live { millis: *millis },
            },
            MetricsLink::Down { since: start, reason } => Freshness::Down {
                seconds: since(self.answered.unwrap_or(*start)),
                reason: reason.to_string(),
                ever: self.answered.is_some(),
            },
        })
    }

    /// Judges what is new, and once a second everything: `changed` are releases of which the cluster said something, `now` is the local clock.
    pub fn judge(&mut self, cluster: &Cluster, changed: &HashSet<Key>, now: Timestamp) {
        if !self.is_configured() {
            return;
        }
        let all = self.judged.is_none_or(|judged| now.duration_since(judged).abs() >= PACE);
        if all {
            self.judged = Some(now);
            self.forget(cluster, now);
        }
        let fresh = std::mem::take(&mut self.fresh);
        let due = |key: &&Key| all || fresh.contains(*key) || changed.contains(*key);
        let keys: Vec<Key> = self.measured.keys().filter(due).cloned().collect();
        for key in keys {
            self.judge_one(cluster, &key, now);
        }
    }

    /// When everything was last judged, by the local clock; the beginning of all time if it never was.
    pub fn judged_at(&self) -> Timestamp {
        self.judged.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Drops what is gone, and what was measured long ago and is measured no more.
    fn forget(&mut self, cluster: &Cluster, now: Timestamp) {
        let Self { measured, aim, .. } = self;
        measured.retain(|key, one| {
            aim.keeps(key) || (cluster.glance(key).is_some() && (aim.includes(key) || now.duration_since(one.asked) < KEPT))
        });
        self.standings.retain(|key, _| self.measured.contains_key(key));
        // A budget may be known before anything else is.
        self.burns.retain(|key, _| self.measured.contains_key(key) || self.aim.keeps(key) || self.aim.includes(key));
        self.weights.retain(|key, _| self.measured.contains_key(key));
    }
}
