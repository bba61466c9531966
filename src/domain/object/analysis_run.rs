//! `argoproj.io/v1alpha1` AnalysisRun.

use jiff::Timestamp;
use serde::Deserialize;

use super::{IntOrString, Meta};

/// An AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AnalysisRun {
    /// Metadata.
    pub metadata: Meta,
    /// What is measured.
    pub spec: AnalysisRunSpec,
    /// What was measured.
    pub status: AnalysisRunStatus,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// `spec` of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AnalysisRunSpec {
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Arguments that were filled in; secret ones have no value here.
    pub args: Vec<Argument>,
    /// Whether somebody ended it.
    pub terminate: bool,
}

/// An argument of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Argument {
    /// Name.
    pub name: Box<str>,
    /// Value, unless it is a secret.
    pub value: Option<Box<str>>,
}

/// A metric of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metric {
    /// Name.
    pub name: Box<str>,
    /// Go duration between measurements.
    pub interval: Option<Box<str>>,
    /// Go duration before the first.
    pub initial_delay: Option<Box<str>>,
    /// How many measurements; absent with an interval means without end.
    pub count: Option<IntOrString>,
    /// Expression that must hold.
    pub success_condition: Box<str>,
    /// Expression that must not hold.
    pub failure_condition: Box<str>,
    /// Failures allowed; absent means 0.
    pub failure_limit: Option<IntOrString>,
    /// Inconclusive measurements allowed; absent means 0.
    pub inconclusive_limit: Option<IntOrString>,
    /// Errors in a row allowed; absent means 4.
    pub consecutive_error_limit: Option<IntOrString>,
}

/// `status` of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRunStatus {
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What each metric came to.
    pub metric_results: Vec<MetricResult>,
}

/// What a metric came to so far.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricResult {
    /// Name.
    pub name: Box<str>,
    /// As the run's.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// Measurements without errors.
    pub count: i64,
    /// Passed.
    pub successful: i64,
    /// Failed.
    pub failed: i64,
    /// Inconclusive.
    pub inconclusive: i64,
    /// Erred.
    pub error: i64,
    /// Errors in a row.
    pub consecutive_error: i64,
    /// Whether it cannot fail the run.
    pub dry_run: bool,
    /// The newest ten.
    pub measurements: Vec<Measurement>,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measurement {
    /// As the run's.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// A number, a vector or JSON, as text.
    pub value: Box<str>,
}
