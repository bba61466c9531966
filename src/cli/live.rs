//! One environment read without a screen: what `status`, `watch` and `doctor` know comes through here, by the same sources and the
//! same arithmetic as the cockpit's. Decides nothing about the releases themselves.

use std::io::Write as _;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use super::status::Known;
use crate::app::cluster::{Cluster, Rank};
use crate::app::look::selector;
use crate::app::metrics::{Definitions, MOST, Metrics};
use crate::config::{Environment, Settings};
use crate::domain::fact::{Link, News, Reading};
use crate::domain::id::{EnvironmentId, Key, Kind};
use crate::domain::signal::{MetricsLink, Target};
use crate::source::kube;
use crate::source::{Order, SUBJECTS, Subject};
use crate::wire::{self, Running};

/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// How long a server that refuses connections is tried.
const REFUSED: Duration = Duration::from_secs(3);
/// How long the details of what is looked at may take: without them the answer is poorer, not wrong.
const DETAILS: Duration = Duration::from_secs(3);
/// How long a metrics server may take: what it did not answer by then is no data.
const MEASURED: Duration = Duration::from_secs(10);
/// Values of a signal that are asked for, a poll apart.
const VALUES: u32 = 240;
/// `done` is asked at least this often: it may go by the time, too.
const GLANCE: Duration = Duration::from_millis(250);
/// Facts taken from the mailbox at once.
const SLICE: usize = 256;

/// An environment that is being read.
pub struct Live {
    /// Its objects.
    pub cluster: Cluster,
    /// What its metrics server says.
    pub metrics: Metrics,
    /// What the configuration says about it.
    pub environment: Environment,
    running: Running,
    woken: Receiver<()>,
    targets: Vec<Target>,
    /// Whether what is said of the cluster is left aside.
    only_metrics: bool,
}

impl Live {
    /// Starts reading the chosen environment, and only that one.
    pub fn start(settings: &Settings) -> Result<Self, Failure> {
        let environment = chosen(settings)?;
        if let Err(reason) = kube::context(environment) {
            let name = &environment.name;
            return Err(Failure::Usage(format!("'{name}' cannot be read: {reason}. See pilothouse doctor, or pilothouse demo.")));
        }
        Self::begin(settings, environment, false)
    }

    /// Starts reading the chosen environment's metrics. Whether its cluster can be read does not matter.
    pub fn start_metrics(settings: &Settings) -> Result<Self, Failure> {
        Self::begin(settings, chosen(settings)?, true)
    }

    fn begin(settings: &Settings, environment: &Environment, only_metrics: bool) -> Result<Self, Failure> {
        let only = Settings { environments: vec![environment.clone()], start_environment: 0, ..settings.clone() };
        let (waker, woken) = mpsc::sync_channel(1);
        // A full channel means that the reader is woken already.
        let wake = move || {
            let _ = waker.try_send(());
        };
        let running = wire::start(&only, wake).map_err(|error| Failure::Refused(format!("No thread can be started: {error}.")))?;
        let metrics = Metrics::new(Definitions::of(&only, environment));
        Ok(Self {
            cluster: Cluster::default(),
            metrics,
            environment: environment.clone(),
            running,
            woken,
            targets: Vec::new(),
            only_metrics,
        })
    }

    /// Takes in what has been learned until `done` says that it is enough, or `limit` has passed. Returns whether it was enough.
    pub fn read_until(&mut self, limit: Duration, mut done: impl FnMut(&Cluster) -> bool) -> bool {
        self.wait(limit, |live| done(&live.cluster))
    }

    fn wait(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let facts = self.running.mailbox.take(SLICE);
            let more = !facts.is_empty();
            for fact in facts {
                match fact.news {
                    News::Metrics(news) => self.metrics.apply(news),
                    _ if self.only_metrics => {}
                    news => self.cluster.apply(news),
                }
            }
            if more && !self.running.mailbox.is_empty() {
                continue;
            }
            let changed = self.cluster.take_changed();
            self.metrics.judge(&self.cluster, &changed, self.running.now());
            if done(self) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.woken.recv_timeout(left.min(GLANCE)) == Err(RecvTimeoutError::Disconnected) {
                return false;
            }
        }
    }

    /// Takes in what has been learned; if there is nothing yet, waits for it until `limit` has passed.
    pub fn read_some(&mut self, limit: Duration) {
        if self.running.mailbox.is_empty() {
            // Whether it was a fact or the end of the time: what there is is taken in below.
            let _ = self.woken.recv_timeout(limit);
        }
        self.read_until(Duration::ZERO, |_| true);
    }

    /// Waits until all rollouts and canaries have been read, or says why they cannot be.
    pub fn read_all(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        let read =
            self.read_until(FIRST_ANSWER, |cluster| is_settled(cluster) || (is_down(cluster) && started.elapsed() > REFUSED));
        match (read && is_settled(&self.cluster), self.unreadable()) {
            (true, None) => {
                if let Reading::Narrowed(reason) = self.cluster.reading(Kind::Rollout) {
                    writeln!(std::io::stderr().lock(), "pilothouse: {reason}")?;
                }
                Ok(())
            }
            (true, Some(failure)) => Err(failure),
            (false, _) => Err(self.unreachable()),
        }
    }

    /// Has these looked at closely, or, if none are named, those that somebody should look at; waits for the details.
    pub fn look(&mut self, named: Option<&Key>) {
        let keys: Vec<Key> = named.map_or_else(|| self.most_in_need(SUBJECTS), |key| vec![key.clone()]);
        let subjects: Vec<Subject> = keys.iter().filter_map(|key| self.subject(key)).collect();
        if subjects.is_empty() {
            return;
        }
        self.running.order(Order::Look { environment: EnvironmentId(0), subjects });
        self.read_until(DETAILS, |cluster| {
            let kinds = [Kind::ReplicaSet, Kind::Pod, Kind::Event, Kind::AnalysisRun];
            kinds.iter().all(|kind| *cluster.reading(*kind) != Reading::Loading)
        });
    }

    /// Has these measured in full, or, if none is named, those that are under way; waits for the answers.
    pub fn measure(&mut self, named: Option<&Key>) {
        if !self.metrics.is_configured() {
            return;
        }
        let keys: Vec<Key> = named.map_or_else(|| self.most_in_need(MOST), |key| vec![key.clone()]);
        // No longer than the source keeps every poll of: a value more would make all of them coarser.
        let span = self.metrics.definitions().interval.saturating_mul(VALUES);
        self.aim(&keys, |target| Target { span: target.span.min(span), ..target });
        self.wait(MEASURED, |live| match live.metrics.link {
            MetricsLink::None | MetricsLink::Down { .. } => true,
            MetricsLink::Connecting => false,
            MetricsLink::Up { .. } => live
                .targets
                .iter()
                .all(|target| live.metrics.measured(&target.key).is_some_and(|measured| measured.hash == target.hash)),
        });
    }

    /// Takes in what has been learned until what is known of the signals is enough, or `limit` has passed. Returns whether it was enough.
    pub fn measured_until(&mut self, limit: Duration, mut done: impl FnMut(&Metrics) -> bool) -> bool {
        self.wait(limit, |live| done(&live.metrics))
    }

    /// Has these measured in full from now on, as they are now, each `changed` if need be. Waits for nothing.
    pub fn aim(&mut self, keys: &[Key], changed: impl Fn(Target) -> Target) {
        let targets = keys.iter().filter_map(|key| self.metrics.target(&self.cluster, key)).map(changed).collect();
        self.metrics.keep(keys.to_vec());
        self.aim_at(targets);
    }

    /// Has exactly these measured from now on. Waits for nothing.
    pub fn aim_at(&mut self, targets: Vec<Target>) {
        if targets != self.targets {
            self.running.order(Order::Measure { environment: EnvironmentId(0), targets: targets.clone() });
            self.targets = targets;
        }
    }

    /// What is known by now.
    pub fn known(&self) -> Known<'_> {
        Known { cluster: &self.cluster, metrics: &self.metrics }
    }

    /// The time by the local clock.
    pub fn local_now(&self) -> Timestamp {
        self.running.now()
    }

    /// The time by the cluster's clock.
    pub fn now(&self) -> Timestamp {
        let skew = SignedDuration::from_millis(self.cluster.health().clock_skew_ms);
        let now = self.running.now();
        now.checked_add(skew).unwrap_or(now)
    }

    fn most_in_need(&self, most: usize) -> Vec<Key> {
        let mut keys: Vec<_> =
            self.cluster.glances().filter(|(_, glance)| glance.rank < Rank::Calm).map(|(key, glance)| (glance.rank, key)).collect();
        keys.sort();
        keys.into_iter().take(most).map(|(_, key)| key.clone()).collect()
    }

    fn subject(&self, key: &Key) -> Option<Subject> {
        let uid = (*self.cluster.meta(key)?.uid).into();
        let selector = self.cluster.rollout(key).map(|rollout| selector(rollout).to_owned()).unwrap_or_default();
        Some(Subject { key: key.clone(), uid, selector })
    }

    /// Why there is nothing to say although the server answers.
    fn unreadable(&self) -> Option<Failure> {
        let name = &self.environment.name;
        match (self.cluster.reading(Kind::Rollout), self.cluster.reading(Kind::Canary)) {
            (Reading::Live | Reading::Narrowed(_), _) | (_, Reading::Live | Reading::Narrowed(_)) => None,
            (Reading::Denied(reason), _) | (_, Reading::Denied(reason)) => {
                let advice = "Ask for list and watch on it, or read one namespace with -n.";
                Some(Failure::Refused(format!("Rollouts in '{name}' may not be read: {reason}. {advice}")))
            }
            (Reading::NotInstalled, Reading::NotInstalled) => {
                let advice = "Install one of them, or choose another environment with -e or --context.";
                Some(Failure::Refused(format!("'{name}' has neither Argo Rollouts nor Flagger installed. {advice}")))
            }
            _ => Some(self.unreachable()),
        }
    }

    fn unreachable(&self) -> Failure {
        let reading = [Kind::Rollout, Kind::Canary].map(|kind| self.cluster.reading(kind).clone());
        let reason = match (&self.cluster.health().state, reading) {
            (Link::Down { reason }, _) => reason.clone(),
            (_, [Reading::Failing(reason), _] | [_, Reading::Failing(reason)]) => reason,
            _ => format!("no complete answer within {} s", FIRST_ANSWER.as_secs()),
        };
        Failure::Unreachable(format!("'{}' cannot be read: {reason}. See pilothouse doctor", self.environment.name))
    }
}

fn chosen(settings: &Settings) -> Result<&Environment, Failure> {
    let chosen = settings.environments.get(settings.start_environment);
    chosen.ok_or_else(|| Failure::Usage("There is no environment to read.".to_owned()))
}

/// Whether it is known of both kinds of releases which there are.
pub(super) fn is_settled(cluster: &Cluster) -> bool {
    let is_said = |kind| !matches!(cluster.reading(kind), Reading::Loading | Reading::Failing(_));
    is_said(Kind::Rollout) && is_said(Kind::Canary)
}

fn is_down(cluster: &Cluster) -> bool {
    matches!(cluster.health().state, Link::Down { .. })
}
