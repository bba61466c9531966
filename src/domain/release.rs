//! A release as people speak of it: one row of the list, one element of `status --json`. Rollouts and Flagger Canaries alike.
//! Holds what was worked out; never works out anything itself.

use jiff::Timestamp;

pub use super::flagger::of_canary;
use super::id::Key;
pub use super::row::of_rollout;

/// The four words of Argo Rollouts, and one for what nobody has looked at yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Done and well.
    Healthy,
    /// On its way.
    Progressing,
    /// Waits.
    Paused,
    /// Failed, aborted, stuck or invalid.
    Degraded,
    /// No controller has said anything.
    #[default]
    Unknown,
}

/// How revisions follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Way {
    /// Step by step.
    Canary,
    /// All at once, with a preview.
    BlueGreen,
    /// Neither is said.
    #[default]
    Unknown,
}

/// Who or what a release waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitingFor {
    /// A person has to press something.
    Person,
    /// A timer; see [`Release::until`].
    Time,
    /// An AnalysisRun.
    Analysis,
    /// An Experiment.
    Experiment,
    /// Pods that are to become available.
    Pods,
    /// The load balancer has to confirm the weight.
    Weight,
    /// The controller has not reacted to a change yet.
    Controller,
}

/// Where a canary is in its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepAt {
    /// Step being executed, from 0; equal to `count` when all are done.
    pub index: usize,
    /// Number of steps.
    pub count: usize,
    /// The step in words (`pause: 10m`), if there is a current one.
    pub current: Option<Box<str>>,
}

/// Traffic shares as the plugin prints them, out of `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// What the steps ask for.
    pub set: i64,
    /// What the plugin prints as ActualWeight. None for Flagger, which does not say.
    pub actual: Option<i64>,
    /// The weight that means everything; 100 unless the traffic router was told otherwise.
    pub max: i64,
    /// Whether a load balancer confirmed it; None where none is asked.
    pub verified: Option<bool>,
}

/// The roles that a revision, ReplicaSet or image can have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    /// New version of a canary.
    Canary,
    /// Version to go back to.
    Stable,
    /// Has the traffic (blue-green).
    Active,
    /// Can be looked at (blue-green).
    Preview,
    /// Ping of ping-pong.
    Ping,
    /// Pong of ping-pong.
    Pong,
    /// A template of an Experiment.
    Experiment(Box<str>),
}

/// An image that runs, and in which roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTags {
    /// Image reference.
    pub image: Box<str>,
    /// Roles, as the plugin orders them; sorted in JSON.
    pub tags: Vec<Tag>,
}

/// Pod counts of a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// Wanted.
    pub desired: i64,
    /// There, of all revisions.
    pub current: i64,
    /// Of the wanted template.
    pub updated: i64,
    /// Ready.
    pub ready: i64,
    /// Available.
    pub available: i64,
}

/// Who else writes this object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedBy {
    /// `argocd`, `flux` or `helm`.
    pub tool: &'static str,
    /// The application, Kustomization or release.
    pub name: Box<str>,
}

/// One release: what a row of the list and an element of `status --json` say. Computed from a rollout and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The object.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Strategy.
    pub way: Way,
    /// Phase as the plugin says it.
    pub phase: Phase,
    /// Message as the plugin says it.
    pub message: Box<str>,
    /// Where it is; None for blue-green and without steps.
    pub step: Option<StepAt>,
    /// As in the plugin; None for blue-green.
    pub weight: Option<Weight>,
    /// Weight as the screen says it, 0 to 100: the share of traffic on the newest revision; None where nobody can say.
    pub shown_weight: Option<i64>,
    /// Revision number of the wanted template.
    pub revision: Option<i64>,
    /// Revision number of stable.
    pub stable_revision: Option<i64>,
    /// Whether an abort is in force.
    pub aborted: bool,
    /// Whether the wanted template is stable.
    pub promoted: bool,
    /// Whether a full promotion is under way.
    pub promoting_full: bool,
    /// Who it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// When the current timer ends, by the cluster's clock. May lie in the past: then it is due.
    pub until: Option<Timestamp>,
    /// What comes next by itself or by a person: weight after the current wait, 0 to 100.
    pub next_weight: Option<i64>,
    /// Images with roles, by image.
    pub images: Vec<ImageTags>,
    /// Pods.
    pub replicas: Replicas,
    /// Since when it is in this state, if the object tells.
    pub since: Option<Timestamp>,
    /// Who else writes it.
    pub managed_by: Option<ManagedBy>,
    /// Why it is stuck or was aborted, in one sentence.
    pub why: Option<Box<str>>,
    /// What in the object could not be read.
    pub odd: Option<Box<str>>,
}
