//! An embedded world on loopback. It speaks the real protocols, so that the clients of production run against it.
//! Nothing in it reaches beyond this machine, and nothing outside of `wire`, `cli` and the tests knows of it.

mod argocd;
pub mod clock;
pub mod controller;
pub mod crowd;
pub mod event;
pub mod fault;
mod flagger;
pub mod history;
pub mod managed;
pub mod metrics;
pub mod part;
mod prometheus;
pub mod promql;
pub mod requests;
pub mod resource;
mod running;
pub mod scenario;
pub mod server;
pub mod status;
pub mod store;
pub mod stored;
pub mod strategic;
pub mod world;

use std::time::Duration;

use jiff::Timestamp;

pub use part::Part;
pub use resource::Resource;
pub use running::{Error, Files, Running, start};
pub use status::Status;
pub use store::{Changed, Store, What};

/// What goes on in the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Every rollout is healthy.
    Calm,
    /// One canary in the middle of its steps.
    #[default]
    Canary,
    /// A canary whose latency analysis fails.
    Latency,
    /// A canary whose error-rate analysis fails, and one that fails as much and is not analysed.
    Errors,
    /// A canary that uses up its processor.
    Saturation,
    /// A canary with too little traffic to tell.
    Quiet,
    /// A canary that nobody scrapes.
    Nodata,
    /// The metrics go away and come back.
    MetricsOutage,
    /// A canary whose image cannot be pulled.
    Stuck,
    /// A canary whose analysis says neither yes nor no.
    Inconclusive,
    /// A blue-green rollout that waits for its promotion.
    Bluegreen,
    /// A bad canary that Argo CD brings back when its template is changed.
    Gitops,
    /// A canary of Flagger that waits at a closed gate.
    FlaggerGate,
    /// 300 rollouts.
    Fleet,
    /// The API goes away and comes back.
    Outage,
    /// No rollouts, but those of `--rollouts`.
    Empty,
}

/// How a world starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// What goes on in it.
    pub scenario: Scenario,
    /// The same seed and the same requests at the same world times give the same world.
    pub seed: u64,
    /// How fast its clock runs; 0 stops it, then only [`Running::advance`] and `/_world/advance` move it.
    pub speed: f64,
    /// The world time at which it begins; none for such a time that it is the wall clock's after `at`.
    pub origin: Option<Timestamp>,
    /// How far it has run before the first request is answered.
    pub at: Duration,
    /// How many more rollouts there are in the last environment that no controller looks after.
    pub rollouts: usize,
    /// How many ReplicaSets each of those has.
    pub replica_sets: usize,
    /// How many changes a second (of the wall clock) those see.
    pub churn: u32,
    /// Port of the first environment's API on 127.0.0.1, the next one's is one more, and after them come those of their
    /// metrics; 0 takes free ones.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            seed: 1,
            speed: 1.0,
            origin: None,
            at: Duration::ZERO,
            rollouts: 0,
            replica_sets: 0,
            churn: 0,
            port: 0,
        }
    }
}

/// Something about the world that no client of Kubernetes can change: how its services are, and what its gates say.
#[derive(Clone, Debug, PartialEq)]
pub enum Knob {
    /// What a metric returns from now on; null lets it be healthy again. Named by itself or by the last part of its URL,
    /// bare or behind `namespace/` or `namespace/rollout/`.
    Metric(String, serde_json::Value),
    /// The HTTP status that a gate answers from now on, named likewise.
    Gate(String, u16),
}

/// What keeps the objects of one environment moving.
pub trait Reconcile: Send {
    /// Brings everything to where it belongs at `now` (which is also `store.now()`), until nothing more follows from it:
    /// drains [`Store::take_changes`] and acts on what is due. Says when it wants to be called although nothing changes.
    /// It is called with increasing times after every change from outside.
    fn settle(&mut self, store: &mut Store, now: Timestamp) -> Option<Timestamp>;

    /// What a gate answers, if anybody ever said so.
    fn gate(&self, name: &str) -> Option<u16>;

    /// Turns a knob; it counts from the next measurement or question on.
    fn turn(&mut self, knob: Knob);

    /// What the metrics are to be told since the last call.
    fn take_told(&mut self) -> Vec<metrics::Turn>;
}

/// One environment as a scenario makes it: `scenario::build(&Options, now) -> Vec<Environment>`, `stage` first.
pub struct Environment {
    /// Name of the environment and of its kubeconfig context.
    pub name: String,
    /// Its objects.
    pub store: Store,
    /// What moves them.
    pub controller: Box<dyn Reconcile>,
    /// What its Prometheus knows.
    pub metrics: metrics::Metrics,
}
