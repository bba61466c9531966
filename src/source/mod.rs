//! The outside world coming in: facts and health, never decisions. A source writes to the [`mailbox`] and takes [`Order`]s;
//! it never waits for whoever reads, and nothing here changes anything in a cluster.

pub mod kube;
pub mod mailbox;
pub mod prometheus;
pub mod secret;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use self::prometheus::{Counted, Server};
pub use mailbox::Mailbox;

use crate::config::Settings;
use crate::domain::fact::{Fact, News};
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::signal::{Measured, Target};

/// How many subjects of one environment are looked at closely: each costs connections.
pub const SUBJECTS: usize = 16;

/// What the core wishes of its sources.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// These, and only these, are looked at closely in this environment: their pods, events, analysis runs and experiments are
    /// read too. The first [`SUBJECTS`] count. A subject that leaves takes its facts with it.
    Look {
        /// Where.
        environment: EnvironmentId,
        /// What.
        subjects: Vec<Subject>,
    },
    /// These rollouts of this environment, and only these, are measured in full.
    Measure {
        /// Where.
        environment: EnvironmentId,
        /// What.
        targets: Vec<Target>,
    },
    /// Give the connection up and build a new one from the kubeconfig as it is now.
    Reconnect(EnvironmentId),
}

/// A release that is looked at, or in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Its pods, as a label selector in the API's text form, for example `app=web,tier in (a,b)`; empty means that they are unknown.
    pub selector: String,
}

/// What one environment is wanted to do: the sum of all orders so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// What is looked at closely.
    pub subjects: Vec<Subject>,
    /// What is measured in full.
    pub targets: Vec<Target>,
    /// How often a new connection was asked for.
    pub reconnects: u32,
}

/// The time, for those who may not read the wall clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The way from one connection of an environment into the mailbox.
#[derive(Clone)]
pub struct Post {
    mailbox: Arc<Mailbox>,
    environment: EnvironmentId,
    epoch: u32,
}

impl Post {
    /// The way of an environment's first connection.
    pub fn new(mailbox: Arc<Mailbox>, environment: EnvironmentId) -> Self {
        Self { mailbox, environment, epoch: 0 }
    }

    /// Says something.
    pub fn put(&self, news: News) {
        self.mailbox.put(Fact { environment: self.environment, epoch: self.epoch, news });
    }

    /// The same for the environment's next connection: what the one before still says is no longer heard.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { epoch: self.epoch + 1, ..self.clone() }
    }
}

/// The sources of all environments.
pub struct Sources {
    wishes: Vec<watch::Sender<Wish>>,
    metrics: Vec<Option<Arc<Server>>>,
    runtime: Handle,
}

impl Sources {
    /// Starts the tasks of every environment; nothing is read and no network touched before this returns.
    pub fn start(settings: &Settings, mailbox: &Arc<Mailbox>, clock: &Clock, runtime: &Handle) -> Self {
        let (mut wishes, mut metrics) = (Vec::new(), Vec::new());
        for (place, environment) in settings.environments.iter().enumerate() {
            let (sender, wish) = watch::channel(Wish::default());
            let id = EnvironmentId(u16::try_from(place).unwrap_or(u16::MAX));
            let post = Post::new(Arc::clone(mailbox), id);
            let server = environment.prometheus.as_ref().map(|how| {
                let server = Arc::new(Server::new(Arc::clone(how), environment.clone(), clock.clone()));
                let slo = settings.slo.clone();
                runtime.spawn(prometheus::run(Arc::clone(&server), environment.clone(), slo, post.clone(), wish.clone()));
                server
            });
            runtime.spawn(kube::run(environment.clone(), post, clock.clone(), wish));
            wishes.push(sender);
            metrics.push(server);
        }
        Self { wishes, metrics, runtime: runtime.clone() }
    }

    /// Measures a rollout between two moments, with so many seconds from one value to the next, in the background.
    pub fn chart(
        &self,
        environment: EnvironmentId,
        target: Target,
        (start, end, step): (Timestamp, Timestamp, u32),
        answer: impl FnOnce(Result<Measured, String>) + Send + 'static,
    ) {
        let Some(server) = self.metrics.get(usize::from(environment.0)).cloned().flatten() else {
            answer(Err("no metrics server is configured for this environment".to_owned()));
            return;
        };
        self.runtime.spawn(async move { answer(prometheus::chart(&server, target, start, end, step).await) });
    }

    /// How much an environment's metrics server was asked so far; None if there is none.
    pub fn tally(&self, environment: EnvironmentId) -> Option<Counted> {
        let server = self.metrics.get(usize::from(environment.0))?.as_ref()?;
        Some(server.tally().read())
    }

    /// Hands a wish on. Never blocks; an environment that does not exist has no wishes.
    pub fn order(&self, order: Order) {
        let (Order::Look { environment, .. } | Order::Measure { environment, .. } | Order::Reconnect(environment)) = &order;
        let Some(wishes) = self.wishes.get(usize::from(environment.0)) else { return };
        wishes.send_if_modified(|wish| match order {
            Order::Look { mut subjects, .. } => {
                subjects.truncate(SUBJECTS);
                let changed = wish.subjects != subjects;
                wish.subjects = subjects;
                changed
            }
            Order::Measure { targets, .. } => {
                let changed = wish.targets != targets;
                wish.targets = targets;
                changed
            }
            Order::Reconnect(_) => {
                wish.reconnects += 1;
                true
            }
        });
    }
}
