//! `flagger.app/v1beta1` Canary (Flagger 1.44).

use jiff::Timestamp;
use serde::Deserialize;

use super::{Condition, Meta};

/// A Flagger Canary.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Canary {
    /// Metadata.
    pub metadata: Meta,
    /// What is wanted.
    pub spec: CanarySpec,
    /// What Flagger last said.
    pub status: FlaggerStatus,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// `spec` of a Canary.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanarySpec {
    /// Mesh or ingress.
    pub provider: Box<str>,
    /// The workload that is released.
    pub target_ref: TargetRef,
    /// Whether everything stands still.
    pub suspend: bool,
    /// Whether the analysis is skipped.
    pub skip_analysis: bool,
    /// Seconds; absent means 600.
    pub progress_deadline_seconds: Option<i64>,
    /// How it is judged.
    pub analysis: FlaggerAnalysis,
}

/// `spec.targetRef`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    /// Kind.
    pub kind: Box<str>,
    /// Name.
    pub name: Box<str>,
}

/// `spec.analysis`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlaggerAnalysis {
    /// Go duration; absent means 60 s, at least 10 s.
    pub interval: Option<Box<str>>,
    /// Failed checks until it rolls back.
    pub threshold: i64,
    /// Highest weight of the canary; absent means 100.
    pub max_weight: Option<i64>,
    /// Weight added per tick.
    pub step_weight: Option<i64>,
    /// Weights, tick by tick.
    pub step_weights: Vec<i64>,
    /// Ticks of an A/B test or blue-green.
    pub iterations: Option<i64>,
    /// Hooks.
    pub webhooks: Vec<Webhook>,
}

/// One entry of `spec.analysis.webhooks`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Webhook {
    /// Name.
    pub name: Box<str>,
    /// Such as `confirm-promotion`.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// Where it calls.
    pub url: Box<str>,
}

/// `status` of a Canary.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlaggerStatus {
    /// Phase.
    pub phase: Box<str>,
    /// Failed checks so far.
    pub failed_checks: i64,
    /// Weight, as Flagger says; misleading in some phases.
    pub canary_weight: i64,
    /// Iterations so far.
    pub iterations: i64,
    /// Hash of the template last applied.
    pub last_applied_spec: Box<str>,
    /// Hash of the template last promoted.
    pub last_promoted_spec: Box<str>,
    /// When any status was last written.
    pub last_transition_time: Option<Timestamp>,
    /// Conditions.
    pub conditions: Vec<Condition>,
}
