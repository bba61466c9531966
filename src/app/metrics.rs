//! What is known of an environment's signals: the newest answers of its metrics server. Never drops what was known because the server is
//! away: how old it is is said beside it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::fact::MetricsNews;
use crate::domain::id::Key;
use crate::domain::signal::{Alert, Fleet, Measured, MetricsLink};
use crate::domain::slo::{BurnReading, Collector};

/// The newest answers.
#[derive(Debug)]
pub struct Metrics {
    /// How the server is doing.
    pub link: MetricsLink,
    /// Its alerts and alerting rules.
    pub alerts: Arc<[Alert]>,
    /// How the collectors of telemetry are doing.
    pub collector: Collector,
    measured: HashMap<Key, Arc<Measured>>,
    burns: HashMap<Key, Arc<BurnReading>>,
    fleets: HashMap<Arc<str>, Arc<Fleet>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            link: MetricsLink::None,
            alerts: Arc::new([]),
            collector: Collector::default(),
            measured: HashMap::new(),
            burns: HashMap::new(),
            fleets: HashMap::new(),
        }
    }
}

impl Metrics {
    /// Takes in one piece of news.
    pub fn apply(&mut self, news: MetricsNews) {
        match news {
            MetricsNews::Link(link) => self.link = link,
            MetricsNews::Measured(measured) => {
                self.measured.insert(measured.key.clone(), measured);
            }
            MetricsNews::Fleet(fleet) => {
                self.fleets.insert(Arc::clone(&fleet.signal), fleet);
            }
            MetricsNews::Alerts(alerts) => self.alerts = alerts,
            MetricsNews::Burn(reading) => {
                self.burns.insert(reading.key.clone(), reading);
            }
            MetricsNews::Collector(collector) => self.collector = collector,
        }
    }

    /// What was measured of a rollout last.
    pub fn measured(&self, key: &Key) -> Option<&Arc<Measured>> {
        self.measured.get(key)
    }

    /// How fast a rollout's service uses up what may fail.
    pub fn burn(&self, key: &Key) -> Option<&Arc<BurnReading>> {
        self.burns.get(key)
    }

    /// The newest answer of a signal's grouped query.
    pub fn fleet(&self, signal: &str) -> Option<&Arc<Fleet>> {
        self.fleets.get(signal)
    }
}
