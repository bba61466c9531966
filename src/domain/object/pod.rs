//! `v1` Pod.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Condition, Meta, PodSpec};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Metadata.
    pub metadata: Meta,
    /// Containers.
    pub spec: PodSpec,
    /// What is there.
    pub status: PodStatus,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// `status` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Box<str>,
    /// Why, for example `Evicted`.
    pub reason: Box<str>,
    /// A sentence.
    pub message: Box<str>,
    /// When its node took it.
    pub start_time: Option<Timestamp>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// States of init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
    /// States of containers.
    pub container_statuses: Vec<ContainerStatus>,
}

/// State of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Name.
    pub name: Box<str>,
    /// Image reference.
    pub image: Box<str>,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether its start-up is over.
    pub started: bool,
    /// How often it was started again.
    pub restart_count: i64,
    /// What it does now.
    pub state: ContainerState,
    /// What it did before.
    pub last_state: ContainerState,
}

/// What a container does: at most one is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Waits.
    pub waiting: Option<StateDetail>,
    /// Runs.
    pub running: Option<StateDetail>,
    /// Ended.
    pub terminated: Option<StateDetail>,
}

/// Why a container waits or ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateDetail {
    /// One word, such as `ImagePullBackOff`.
    pub reason: Box<str>,
    /// A sentence.
    pub message: Box<str>,
    /// Exit code of an ended container.
    pub exit_code: Option<i64>,
    /// Signal that ended it.
    pub signal: Option<i64>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
