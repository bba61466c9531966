//! `argoproj.io/v1alpha1` Rollout (CRD of Argo Rollouts 1.9/1.10).

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::meta::{exact, keep, selector, tight};
use super::{Condition, IntOrString, Meta, Word};

/// A Rollout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// Metadata.
    pub metadata: Meta,
    /// What is wanted. Seldom changes, and is then shared by what the object was and what it is.
    pub spec: Arc<RolloutSpec>,
    /// What the controller last said.
    pub status: RolloutStatus,
    /// What in the object was not as its schema says and was left out; set by [`super::decode()`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

impl Rollout {
    /// See [`Meta::keep`].
    pub fn keep(&mut self, before: &Self) {
        self.metadata.keep(&before.metadata);
        keep(&mut self.spec, &before.spec);
    }
}

/// `spec` of a Rollout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutSpec {
    /// Wanted pods; absent means 1.
    pub replicas: Option<i64>,
    /// Which pods are its own, in the text form of the API: `app=web,tier in (a,b)`. Empty with `workloadRef`.
    #[serde(deserialize_with = "selector")]
    pub selector: Word,
    /// Pod template. Absent with `workloadRef`.
    pub template: Option<Template>,
    /// The workload whose template is used instead.
    pub workload_ref: Option<Box<WorkloadRef>>,
    /// Held by a person.
    pub paused: bool,
    /// Seconds without progress until it counts as stuck; absent means 600.
    pub progress_deadline_seconds: Option<i64>,
    /// Whether exceeding the deadline aborts.
    pub progress_deadline_abort: bool,
    /// Pods older than this are to be replaced.
    pub restart_at: Option<Timestamp>,
    /// Seconds a pod must be ready to count as available.
    pub min_ready_seconds: i64,
    /// Old ReplicaSets that are kept; absent means 10.
    pub revision_history_limit: Option<i64>,
    /// How far back a rollback skips the steps.
    pub rollback_window: Option<RollbackWindow>,
    /// How revisions follow each other.
    pub strategy: Strategy,
}

/// `spec.rollbackWindow`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RollbackWindow {
    /// Revisions.
    pub revisions: i64,
}

/// A pod template, reduced to its containers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    /// Pod spec.
    pub spec: PodSpec,
}

/// A pod spec, reduced to its containers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Containers, without init containers.
    #[serde(deserialize_with = "tight")]
    pub containers: Box<[Container]>,
    /// Number of init containers matters for a pod's status text.
    #[serde(deserialize_with = "tight")]
    pub init_containers: Box<[Container]>,
}

/// A container of a template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name.
    pub name: Word,
    /// Image reference.
    pub image: Box<str>,
    /// `Always` makes a sidecar of an init container.
    pub restart_policy: Box<str>,
}

/// `spec.workloadRef`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRef {
    /// API version.
    pub api_version: Box<str>,
    /// `Deployment`, `ReplicaSet` or `PodTemplate`.
    pub kind: Box<str>,
    /// Name.
    pub name: Box<str>,
}

/// `spec.strategy`: one of both.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "StrategyFields")]
pub struct Strategy {
    /// Canary. Most of a fleet step alike: equal ones are one in memory.
    pub canary: Option<Arc<CanaryStrategy>>,
    /// Blue-green.
    pub blue_green: Option<Box<BlueGreenStrategy>>,
    /// `canaryService` and `stableService` of a canary, which are different in every release.
    pub services: Option<Box<CanaryServices>>,
}

/// The Services of a canary; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CanaryServices {
    /// The new version's.
    pub canary: Word,
    /// Stable's.
    pub stable: Word,
}

/// A strategy as the API has it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StrategyFields {
    canary: Option<CanaryFields>,
    blue_green: Option<Box<BlueGreenStrategy>>,
}

/// `spec.strategy.canary` as the API has it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CanaryFields {
    #[serde(deserialize_with = "tight")]
    steps: Box<[Step]>,
    traffic_routing: Option<TrafficRouting>,
    analysis: Option<AnalysisRef>,
    ping_pong: Option<Present>,
    dynamic_stable_scale: bool,
    canary_service: Word,
    stable_service: Word,
}

impl From<StrategyFields> for Strategy {
    fn from(fields: StrategyFields) -> Self {
        let mut services = CanaryServices::default();
        let canary = fields.canary.map(|canary| {
            services = CanaryServices { canary: canary.canary_service, stable: canary.stable_service };
            Arc::new(CanaryStrategy {
                steps: canary.steps,
                traffic_routing: canary.traffic_routing,
                analysis: canary.analysis,
                ping_pong: canary.ping_pong,
                dynamic_stable_scale: canary.dynamic_stable_scale,
            })
        });
        let services = (services != CanaryServices::default()).then(|| Box::new(services));
        Self { canary, blue_green: fields.blue_green, services }
    }
}

/// `spec.strategy.canary`, without what is different in every release: see [`Strategy::canary`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CanaryStrategy {
    /// Steps, in order.
    pub steps: Box<[Step]>,
    /// Present if a router shifts traffic; absent if pods alone do.
    pub traffic_routing: Option<TrafficRouting>,
    /// Background analysis.
    pub analysis: Option<AnalysisRef>,
    /// Ping-pong services.
    pub ping_pong: Option<Present>,
    /// Stable shrinks while the canary grows.
    pub dynamic_stable_scale: bool,
}

/// Something that is there; what it says does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Present;

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|IgnoredAny| Self)
    }
}

/// `spec.strategy.canary.trafficRouting`, reduced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficRouting {
    /// Weight that means everything; absent means 100.
    pub max_traffic_weight: Option<i64>,
}

/// An analysis block of a strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRef {
    /// Templates.
    pub templates: Vec<TemplateRef>,
    /// Step at which a background analysis starts.
    pub starting_step: Option<i64>,
}

/// A reference to an AnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateRef {
    /// Name.
    pub template_name: Box<str>,
    /// Whether it is a ClusterAnalysisTemplate.
    pub cluster_scope: bool,
}

/// `spec.strategy.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStrategy {
    /// Service with the traffic.
    pub active_service: Box<str>,
    /// Service for looking at the new version.
    pub preview_service: Option<Box<str>>,
    /// Absent means true.
    pub auto_promotion_enabled: Option<bool>,
    /// Seconds until it promotes itself.
    pub auto_promotion_seconds: i64,
    /// Analysis before the switch.
    pub pre_promotion_analysis: Option<AnalysisRef>,
    /// Analysis after the switch.
    pub post_promotion_analysis: Option<AnalysisRef>,
}

/// One step of a canary.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "StepFields")]
pub enum Step {
    /// Share of traffic for the canary, 0 to max weight.
    SetWeight(i64),
    /// Wait.
    Pause(Pause),
    /// Run an Experiment.
    Experiment(ExperimentStep),
    /// Run an AnalysisRun.
    Analysis(Box<AnalysisRef>),
    /// Canary pods independent of traffic.
    SetCanaryScale(Box<CanaryScale>),
    /// A plugin's step.
    Plugin(PluginStep),
    /// Route by header; the name of the managed route.
    SetHeaderRoute(Route),
    /// Mirror requests; the name of the managed route.
    SetMirrorRoute(Route),
    /// None of these.
    Invalid,
}

/// A step as the API has it: exactly one field is set.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StepFields {
    set_weight: Option<i64>,
    pause: Option<Pause>,
    experiment: Option<ExperimentStep>,
    analysis: Option<Box<AnalysisRef>>,
    set_canary_scale: Option<Box<CanaryScale>>,
    plugin: Option<PluginStep>,
    set_header_route: Option<Route>,
    set_mirror_route: Option<Route>,
}

impl From<StepFields> for Step {
    fn from(fields: StepFields) -> Self {
        let step = fields.set_weight.map(Self::SetWeight);
        let step = step.or_else(|| fields.pause.map(Self::Pause));
        let step = step.or_else(|| fields.experiment.map(Self::Experiment));
        let step = step.or_else(|| fields.analysis.map(Self::Analysis));
        let step = step.or_else(|| fields.set_canary_scale.map(Self::SetCanaryScale));
        let step = step.or_else(|| fields.plugin.map(Self::Plugin));
        let step = step.or_else(|| fields.set_header_route.map(Self::SetHeaderRoute));
        step.or_else(|| fields.set_mirror_route.map(Self::SetMirrorRoute)).unwrap_or(Self::Invalid)
    }
}

/// A pause step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Pause {
    /// Seconds, or a Go duration; absent waits for a person.
    pub duration: Option<IntOrString>,
}

/// An experiment step, reduced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct ExperimentStep {
    /// Go duration.
    pub duration: Option<Box<str>>,
}

/// A setCanaryScale step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryScale {
    /// Pods.
    pub replicas: Option<i64>,
    /// Percent of spec.replicas.
    pub weight: Option<i64>,
    /// Follow the traffic weight again.
    pub match_traffic_weight: bool,
}

/// A header or mirror route step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Route {
    /// Name of the managed route.
    pub name: Box<str>,
}

/// A plugin step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct PluginStep {
    /// Name of the plugin.
    pub name: Box<str>,
}

/// `status` of a Rollout. Absent numbers are zero.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// `Healthy`, `Degraded`, `Progressing` or `Paused`; empty before Argo Rollouts 1.0.
    pub phase: Word,
    /// Sentence to the phase.
    pub message: Box<str>,
    /// A decimal number as text, or a hash in ancient versions.
    pub observed_generation: Word,
    /// The same for the referenced workload.
    pub workload_observed_generation: Box<str>,
    /// Hash of the wanted template.
    pub current_pod_hash: Word,
    /// Hash of the stable ReplicaSet.
    #[serde(rename = "stableRS")]
    pub stable_rs: Word,
    /// Step being executed, from 0; the number of steps when finished.
    pub current_step_index: Option<i64>,
    /// Why it is paused.
    pub pause_conditions: Option<Vec<PauseCondition>>,
    /// Whether the controller paused it.
    pub controller_pause: bool,
    /// Whether it is aborted.
    pub abort: bool,
    /// When it was aborted.
    pub aborted_at: Option<Timestamp>,
    /// Whether a full promotion is under way.
    pub promote_full: bool,
    /// Pods.
    pub replicas: i64,
    /// Pods of the wanted template.
    pub updated_replicas: i64,
    /// Ready pods.
    pub ready_replicas: i64,
    /// Available pods.
    pub available_replicas: i64,
    /// Label selector as text.
    pub selector: Word,
    /// Canary part.
    pub canary: CanaryStatus,
    /// Blue-green part.
    pub blue_green: Rare<BlueGreenStatus>,
    /// When a restart was last finished.
    pub restarted_at: Option<Timestamp>,
    /// The conditions that decide something.
    #[serde(deserialize_with = "telling_conditions")]
    pub conditions: Box<[Condition]>,
}

/// One entry of `status.pauseConditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PauseCondition {
    /// `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun` or `InconclusiveExperiment`.
    pub reason: Word,
    /// Since when.
    pub start_time: Option<Timestamp>,
}

/// `status.canary`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStatus {
    /// Weights on the router.
    pub weights: Option<Weights>,
    /// Analysis of the step.
    pub current_step_analysis_run_status: Option<Box<RunStatus>>,
    /// Analysis in the background.
    pub current_background_analysis_run_status: Option<Box<RunStatus>>,
    /// Name of the running Experiment.
    pub current_experiment: Box<str>,
    /// `ping` or `pong`: which is stable.
    pub stable_ping_pong: Box<str>,
    /// States of plugin steps.
    pub step_plugin_statuses: Vec<StepPluginStatus>,
}

/// `status.canary.weights`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Weights {
    /// The canary's share.
    pub canary: Destination,
    /// Stable's share.
    pub stable: Destination,
    /// Whether the load balancer confirmed it.
    pub verified: Option<bool>,
}

/// A destination of traffic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// Share, 0 to max weight.
    pub weight: i64,
}

/// Name and state of an AnalysisRun in a Rollout's status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RunStatus {
    /// Name.
    pub name: Box<str>,
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub status: Box<str>,
    /// Why.
    pub message: Box<str>,
}

/// State of a plugin step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StepPluginStatus {
    /// Step it belongs to.
    pub index: i64,
    /// Plugin.
    pub name: Box<str>,
    /// `Run`, `Terminate` or `Abort`.
    pub operation: Box<str>,
    /// `Running`, `Successful`, `Failed` or `Error`.
    pub phase: Box<str>,
    /// Why.
    pub message: Box<str>,
}

/// `status.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStatus {
    /// Hash with the traffic.
    pub active_selector: Word,
    /// Hash behind the preview service.
    pub preview_selector: Word,
    /// Analysis before the switch.
    pub pre_promotion_analysis_run_status: Option<Box<RunStatus>>,
    /// Analysis after the switch.
    pub post_promotion_analysis_run_status: Option<Box<RunStatus>>,
}

/// Something that most objects do not have, or have empty: it takes a place of its own only where it says something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rare<T>(Option<Box<T>>);

impl Deref for Rare<BlueGreenStatus> {
    type Target = BlueGreenStatus;

    fn deref(&self) -> &BlueGreenStatus {
        static NONE: BlueGreenStatus = BlueGreenStatus {
            active_selector: Word::const_new(""),
            preview_selector: Word::const_new(""),
            pre_promotion_analysis_run_status: None,
            post_promotion_analysis_run_status: None,
        };
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl<T: Default + PartialEq> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Self((value != T::default()).then(|| Box::new(value)))
    }
}

impl<'de, T: Default + PartialEq + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self::from)
    }
}

/// Whether a condition is kept: those that name a phase, a cause or a deadline. The others only repeat the status.
fn keeps_condition(condition: &Condition) -> bool {
    match &*condition.kind {
        "InvalidSpec" | "Progressing" => true,
        "Paused" | "ReplicaFailure" => &*condition.status == "True",
        _ => says_why(condition),
    }
}

/// Whether the sentence of a condition says more than its one word.
fn says_why(condition: &Condition) -> bool {
    matches!(&*condition.kind, "InvalidSpec" | "ReplicaFailure")
        || matches!(&*condition.reason, "RolloutAborted" | "ProgressDeadlineExceeded")
}

fn telling_conditions<'de, D: Deserializer<'de>>(from: D) -> Result<Box<[Condition]>, D::Error> {
    let mut all = Vec::<Condition>::deserialize(from)?;
    all.retain(keeps_condition);
    for condition in all.iter_mut().filter(|condition| !says_why(condition)) {
        condition.message = Box::default();
    }
    Ok(exact(all))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::object::decode_value;

    #[test]
    fn ten_thousand_of_them_are_small() {
        assert!(size_of::<Rollout>() <= 800, "{}", size_of::<Rollout>());
    }

    #[test]
    fn selectors_read_as_the_api_takes_them() {
        let rule = |operator: &str, values: &[&str]| json!({"key": "tier", "operator": operator, "values": values});
        let rules = [rule("In", &["a", "b"]), rule("NotIn", &["c"]), rule("Exists", &[]), rule("DoesNotExist", &[])];
        let rollout: Rollout =
            decode_value(&json!({"spec": {"selector": {"matchLabels": {"app": "web"}, "matchExpressions": rules}}}));
        assert_eq!(rollout.spec.selector, "app=web,tier in (a,b),tier notin (c),tier,!tier");
    }

    #[test]
    fn conditions_that_only_repeat_the_status_are_left_out() {
        let condition =
            |kind: &str, status: &str, reason: &str| json!({"type": kind, "status": status, "reason": reason, "message": "m"});
        let all = [
            condition("Available", "True", "AvailableReason"),
            condition("Paused", "False", "RolloutPaused"),
            condition("Progressing", "True", "ReplicaSetUpdated"),
            condition("Paused", "True", "RolloutPaused"),
            condition("InvalidSpec", "True", "InvalidSpec"),
            condition("Progressing", "False", "RolloutAborted"),
        ];
        let rollout: Rollout = decode_value(&json!({"status": {"conditions": all}}));
        let kept: Vec<_> = rollout.status.conditions.iter().map(|kept| (&*kept.kind, &*kept.reason, &*kept.message)).collect();
        let expected = [
            ("Progressing", "ReplicaSetUpdated", ""),
            ("Paused", "RolloutPaused", ""),
            ("InvalidSpec", "InvalidSpec", "m"),
            ("Progressing", "RolloutAborted", "m"),
        ];
        assert_eq!(kept, expected);
    }

    #[test]
    fn what_most_do_not_have_takes_no_place() {
        let status =
            |blue_green: serde_json::Value| -> RolloutStatus { serde_json::from_value(json!({"blueGreen": blue_green})).unwrap() };
        assert!(status(json!({})).blue_green.0.is_none() && status(json!({})).blue_green.active_selector.is_empty());
        assert_eq!(status(json!({"activeSelector": "a"})).blue_green.active_selector, "a");
    }
}
