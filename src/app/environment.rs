//! One environment as the core knows it: its objects, its list, what happened in it, and how fresh all that is.
//! Facts of an older connection have no say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::breaches::Told;
use super::cluster::Cluster;
use super::course::Courses;
use super::freshness::Freshness;
use super::guard::Others;
use super::metrics::Metrics;
use super::notice::{Before, Notices};
use super::table::Table;
use crate::config;
use crate::domain::action::Memory;
use crate::domain::fact::{Fact, Health, Link, News, Object, Reading};
use crate::domain::id::{EnvironmentId, Kind};

/// One environment.
#[derive(Debug)]
pub struct Environment {
    /// Its place in the configuration.
    pub id: EnvironmentId,
    /// What the configuration says about it.
    pub settings: Arc<config::Environment>,
    /// Its objects.
    pub cluster: Cluster,
    /// Its releases in order, filtered, with the selection.
    pub table: Table,
    /// What is known of its signals.
    pub metrics: Metrics,
    /// The guards of others.
    pub guards: Others,
    /// What has been told of them.
    told: Told,
    /// What happened in it.
    pub notices: Notices,
    /// When nothing is to be started here.
    pub(super) freezes: Vec<config::Freeze>,
    /// What was done in it from here.
    pub courses: Courses,
    /// What is remembered of its releases beyond their objects, by uid, as far as it was asked.
    pub(super) memories: HashMap<Box<str>, Memory>,
    epoch: u32,
    tried: Timestamp,
    answered: Option<Timestamp>,
}

/// What the list of an environment can say instead of rows, or beside them: each a different thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All is read.
    Ready,
    /// All is read and there is nothing.
    Empty,
    /// The first list is still under way.
    Loading,
    /// Neither Argo Rollouts nor Flagger is installed.
    NotInstalled,
    /// The API refuses to list. The text is the server's.
    Denied(String),
    /// Only one namespace can be read. The text says which, and what was refused.
    Narrowed(String),
    /// The server has never answered. The text is the connection's.
    Unreachable(String),
    /// Reading fails for another reason, and is being tried again.
    Failing(String),
}

impl Environment {
    /// An environment of which nothing is known yet.
    pub fn new(id: EnvironmentId, settings: Arc<config::Environment>, metrics: Metrics, now: Timestamp) -> Self {
        Self {
            id,
            settings,
            cluster: Cluster::default(),
            table: Table::default(),
            metrics,
            guards: Others::default(),
            told: Told::default(),
            notices: Notices::default(),
            freezes: Vec::new(),
            courses: Courses::default(),
            memories: HashMap::new(),
            epoch: 0,
            tried: now,
            answered: None,
        }
    }

    /// How fresh it is.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        Freshness::judge(self.cluster.health(), self.answered, self.tried, now)
    }

    /// The cluster's clock at this moment of the local one.
    pub fn cluster_time(&self, now: Timestamp) -> Timestamp {
        let skew = SignedDuration::from_millis(self.cluster.health().clock_skew_ms);
        now.checked_add(skew).unwrap_or(now)
    }

    /// Whether there is a metrics server and something to ask it for.
    pub fn is_measured(&self) -> bool {
        self.metrics.is_configured()
    }

    /// What the list has to say besides its rows.
    pub fn condition(&self) -> Condition {
        let readings = [self.cluster.reading(Kind::Rollout), self.cluster.reading(Kind::Canary)];
        let [rollouts, canaries] = readings;
        if let (Link::Down { reason }, None) = (&self.cluster.health().state, self.answered) {
            return Condition::Unreachable(reason.clone());
        }
        match (rollouts, canaries) {
            (Reading::NotInstalled, Reading::NotInstalled) => Condition::NotInstalled,
            // Where one of the two is not installed, the other tells.
            (Reading::NotInstalled, other) | (other, _) => match other {
                Reading::Loading => Condition::Loading,
                Reading::Live | Reading::NotInstalled if self.cluster.is_empty() => Condition::Empty,
                Reading::Live | Reading::NotInstalled => Condition::Ready,
                Reading::Narrowed(text) => Condition::Narrowed(text.clone()),
                Reading::Denied(text) => Condition::Denied(text.clone()),
                Reading::Failing(text) => Condition::Failing(text.clone()),
            },
        }
    }

    /// Takes in a fact. Says whether something broke.
    pub(super) fn apply(&mut self, fact: Fact, now: Timestamp) -> bool {
        let news = match fact.news {
            News::Metrics(news) => {
                self.metrics.apply(news);
                return false;
            }
            news => news,
        };
        if fact.epoch < self.epoch {
            return false;
        }
        self.epoch = fact.epoch;
        if let News::Health(Health { at, state: Link::Up { .. }, .. }) = &news {
            self.answered = Some(*at);
        }
        match &news {
            News::Is(Object::Lease(lease)) => self.guards.put(lease, now),
            News::Gone(key) if key.kind == Kind::Lease => self.guards.remove(key),
            _ => {}
        }
        let before = Before::of(&self.cluster, &news);
        self.cluster.apply(news);
        self.notices.note(before, &self.cluster, now)
    }

    /// Lets what was measured grow older.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.metrics.judge(&self.cluster, &HashSet::new(), now);
    }

    /// Tells what changed about what is measured. Says whether something broke.
    pub(super) fn tell_breaches(&mut self, now: Timestamp) -> bool {
        self.told.follow(&self.metrics, &mut self.notices, now)
    }

    /// Lets the list follow the facts taken in so far.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let changed = self.cluster.take_changed();
        self.metrics.judge(&self.cluster, &changed, now);
        if !changed.is_empty() {
            self.table.refresh(&self.cluster, changed, now);
        }
        if self.condition() != Condition::Loading {
            self.table.pin();
        }
    }
}
