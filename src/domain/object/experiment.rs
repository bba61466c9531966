//! `argoproj.io/v1alpha1` Experiment.

use jiff::Timestamp;
use serde::Deserialize;

use super::Meta;

/// An Experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Experiment {
    /// Metadata.
    pub metadata: Meta,
    /// What is tried.
    pub spec: ExperimentSpec,
    /// What came of it.
    pub status: ExperimentStatus,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// `spec` of an Experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExperimentSpec {
    /// Go duration.
    pub duration: Option<Box<str>>,
}

/// `status` of an Experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStatus {
    /// As an AnalysisRun's.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// When all its templates were available: its duration counts from here.
    pub available_at: Option<Timestamp>,
    /// Its templates.
    pub template_statuses: Vec<TemplateStatus>,
    /// Its analyses.
    pub analysis_runs: Vec<ExperimentRun>,
}

/// State of one template of an Experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateStatus {
    /// Name.
    pub name: Box<str>,
    /// `Progressing`, `Running`, `Successful`, `Failed` or `Error`.
    pub status: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// Pods.
    pub replicas: i64,
    /// Available pods.
    pub available_replicas: i64,
}

/// State of one analysis of an Experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentRun {
    /// Name in the spec.
    pub name: Box<str>,
    /// Name of the AnalysisRun.
    pub analysis_run: Box<str>,
    /// As an AnalysisRun's.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
}
