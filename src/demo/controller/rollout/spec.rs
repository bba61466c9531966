//! What the controller reads of a Rollout's spec. Parts that it only passes on stay JSON.

use serde::Deserialize;
use serde_json::Value;

use super::super::amount::{Amount, Round};

/// `spec` of a Rollout.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub replicas: Option<i64>,
    pub selector: Option<Value>,
    pub template: Option<Value>,
    pub workload_ref: Option<WorkloadRef>,
    pub paused: bool,
    pub min_ready_seconds: i64,
    pub revision_history_limit: Option<i64>,
    pub progress_deadline_seconds: Option<i64>,
    pub progress_deadline_abort: bool,
    pub restart_at: Option<String>,
    pub rollback_window: Option<RollbackWindow>,
    pub analysis: RunLimits,
    pub strategy: Strategy,
}

/// `spec.rollbackWindow`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RollbackWindow {
    pub revisions: i64,
}

/// `spec.analysis`: how many finished runs are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunLimits {
    pub successful_run_history_limit: Option<usize>,
    pub unsuccessful_run_history_limit: Option<usize>,
}

/// `spec.workloadRef`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRef {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub scale_down: String,
}

/// `spec.strategy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strategy {
    pub canary: Option<Canary>,
    pub blue_green: Option<BlueGreen>,
}

/// `spec.strategy.canary`.
#[expect(clippy::struct_field_names, reason = "the names of the API")]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Canary {
    pub steps: Vec<Value>,
    pub canary_service: Option<String>,
    pub stable_service: Option<String>,
    pub traffic_routing: Option<Value>,
    pub max_surge: Option<Amount>,
    pub max_unavailable: Option<Amount>,
    pub analysis: Option<Analysis>,
    pub scale_down_delay_seconds: Option<i64>,
    pub scale_down_delay_revision_limit: Option<usize>,
    pub abort_scale_down_delay_seconds: Option<i64>,
    pub dynamic_stable_scale: bool,
    pub ping_pong: Option<PingPong>,
    pub min_pods_per_replica_set: Option<i64>,
    pub replica_progress_threshold: Option<Threshold>,
    pub canary_metadata: Option<Value>,
    pub stable_metadata: Option<Value>,
    pub anti_affinity: Option<Value>,
}

/// `pingPong`: two services that take turns in being stable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PingPong {
    pub ping_service: String,
    pub pong_service: String,
}

/// `replicaProgressThreshold`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Threshold {
    #[serde(rename = "type")]
    pub kind: String,
    pub value: i64,
}

/// `spec.strategy.blueGreen`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreen {
    pub active_service: String,
    pub preview_service: Option<String>,
    pub preview_replica_count: Option<i64>,
    pub auto_promotion_enabled: Option<bool>,
    pub auto_promotion_seconds: i64,
    pub max_unavailable: Option<Amount>,
    pub scale_down_delay_seconds: Option<i64>,
    pub scale_down_delay_revision_limit: Option<usize>,
    pub abort_scale_down_delay_seconds: Option<i64>,
    pub pre_promotion_analysis: Option<Analysis>,
    pub post_promotion_analysis: Option<Analysis>,
    pub active_metadata: Option<Value>,
    pub preview_metadata: Option<Value>,
    pub anti_affinity: Option<Value>,
}

/// An analysis of a step, of the background or of a promotion.
#[expect(clippy::struct_field_names, reason = "the names of the API")]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Analysis {
    pub templates: Vec<TemplateRef>,
    pub args: Vec<Value>,
    pub dry_run: Option<Value>,
    pub measurement_retention: Option<Value>,
    pub analysis_run_metadata: Option<Value>,
    pub starting_step: Option<i64>,
}

/// A reference to a template of analyses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateRef {
    pub template_name: String,
    pub cluster_scope: bool,
}

/// A step of an experiment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStep {
    pub templates: Vec<ExperimentTemplate>,
    pub duration: Option<String>,
    pub analyses: Vec<Value>,
    pub dry_run: Option<Value>,
    pub scale_down_delay_seconds: Option<i64>,
}

/// A template of an experiment step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentTemplate {
    pub name: String,
    pub spec_ref: String,
    pub replicas: Option<i64>,
    pub metadata: Option<Value>,
    pub selector: Option<Value>,
    pub weight: Option<i64>,
    pub service: Option<Value>,
}

/// A step of a canary.
#[derive(Clone, Debug)]
pub enum Step {
    SetWeight(i64),
    /// Seconds, or none for a person; and as it is spelled.
    Pause(Option<Amount>),
    Experiment(Box<ExperimentStep>),
    Analysis(Box<Analysis>),
    SetCanaryScale {
        weight: Option<i64>,
        replicas: Option<i64>,
        match_traffic_weight: bool,
    },
    Plugin {
        name: String,
        config: Value,
    },
    SetHeaderRoute {
        name: String,
        matches: Value,
    },
    SetMirrorRoute {
        name: String,
        matches: Value,
        percentage: Option<i64>,
    },
    Invalid,
}

impl Step {
    /// Reads a step: exactly one key says which kind it is.
    pub fn read(step: &Value) -> Self {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let part = |key: &str| step.get(key).filter(|value| !value.is_null());
        if let Some(weight) = part("setWeight").and_then(Value::as_i64) {
            Self::SetWeight(weight)
        } else if let Some(pause) = part("pause") {
            Self::Pause(Amount::deserialize(&pause["duration"]).ok())
        } else if let Some(experiment) = part("experiment") {
            ExperimentStep::deserialize(experiment).map_or(Self::Invalid, |step| Self::Experiment(Box::new(step)))
        } else if let Some(analysis) = part("analysis") {
            Analysis::deserialize(analysis).map_or(Self::Invalid, |step| Self::Analysis(Box::new(step)))
        } else if let Some(scale) = part("setCanaryScale") {
            let match_traffic_weight = scale["matchTrafficWeight"] == true;
            Self::SetCanaryScale { weight: scale["weight"].as_i64(), replicas: scale["replicas"].as_i64(), match_traffic_weight }
        } else if let Some(plugin) = part("plugin") {
            Self::Plugin { name: text(plugin, "name"), config: plugin["config"].clone() }
        } else if let Some(route) = part("setHeaderRoute") {
            Self::SetHeaderRoute { name: text(route, "name"), matches: route["match"].clone() }
        } else if let Some(route) = part("setMirrorRoute") {
            let percentage = route["percentage"].as_i64();
            Self::SetMirrorRoute { name: text(route, "name"), matches: route["match"].clone(), percentage }
        } else {
            Self::Invalid
        }
    }

    /// As events name it.
    pub fn words(&self) -> String {
        match self {
            Self::SetWeight(weight) => format!("setWeight: {weight}"),
            Self::Pause(None) => "pause".to_owned(),
            Self::Pause(Some(duration)) => format!("pause: {}", duration.raw()),
            Self::Experiment(_) => "experiment".to_owned(),
            Self::Analysis(_) => "analysis".to_owned(),
            Self::SetCanaryScale { weight: Some(weight), .. } => format!("setCanaryScale{{weight: {weight}}}"),
            Self::SetCanaryScale { match_traffic_weight: true, .. } => "setCanaryScale{matchTrafficWeight: true}".to_owned(),
            Self::SetCanaryScale { replicas, .. } => format!("setCanaryScale{{replicas: {}}}", replicas.unwrap_or_default()),
            Self::Plugin { name, .. } => format!("plugin: {name}"),
            Self::SetHeaderRoute { name, .. } => format!("setHeaderRoute: {name}"),
            Self::SetMirrorRoute { name, .. } => format!("setMirrorRoute: {name}"),
            Self::Invalid => "invalid".to_owned(),
        }
    }
}

impl Spec {
    /// Wanted pods.
    pub fn replicas(&self) -> i64 {
        self.replicas.unwrap_or(1)
    }

    /// The canary strategy's surge and unavailability in pods; both zero would forbid any move.
    pub fn canary_bounds(&self) -> (i64, i64) {
        let Some(canary) = &self.strategy.canary else { return (0, 0) };
        let default = || Amount::Text("25%".to_owned());
        let surge = canary.max_surge.clone().unwrap_or_else(default).of(self.replicas(), Round::Up).unwrap_or(0);
        let unavailable = canary.max_unavailable.clone().unwrap_or_else(default).of(self.replicas(), Round::Down).unwrap_or(0);
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
    }

    /// How many pods a restart may take away at a time.
    pub fn restart_bound(&self) -> i64 {
        let of_blue_green = self.strategy.blue_green.as_ref().map(|way| way.max_unavailable.clone());
        let bound = match of_blue_green {
            Some(unavailable) => unavailable.unwrap_or_else(|| Amount::Text("25%".to_owned())).of(self.replicas(), Round::Down),
            None => Some(self.canary_bounds().1),
        };
        bound.unwrap_or(0).max(1)
    }

    /// Seconds that an old ReplicaSet lives on after it lost its traffic.
    pub fn scale_down_delay(&self) -> i64 {
        match (&self.strategy.blue_green, &self.strategy.canary) {
            (Some(way), _) => way.scale_down_delay_seconds.unwrap_or(30),
            (None, Some(way)) if way.traffic_routing.is_some() => way.scale_down_delay_seconds.unwrap_or(30),
            _ => 0,
        }
    }

    /// How many old ReplicaSets may wait for that at a time.
    pub fn scale_down_revisions(&self) -> usize {
        let of_blue_green = self.strategy.blue_green.as_ref().and_then(|way| way.scale_down_delay_revision_limit);
        let of_canary = self.strategy.canary.as_ref().and_then(|way| way.scale_down_delay_revision_limit);
        of_blue_green.or(of_canary).unwrap_or(usize::MAX)
    }

    /// Seconds that the new pods live on after an abort. None: for ever.
    pub fn abort_scale_down_delay(&self) -> Option<i64> {
        let wanted = match (&self.strategy.blue_green, &self.strategy.canary) {
            (Some(way), _) => way.abort_scale_down_delay_seconds.unwrap_or(30),
            (None, Some(way)) if way.traffic_routing.is_some() => way.abort_scale_down_delay_seconds.unwrap_or(30),
            _ => return Some(0),
        };
        (wanted != 0).then_some(wanted)
    }
}

impl Canary {
    /// The weight that means everything.
    pub fn max_weight(&self) -> i64 {
        self.traffic_routing.as_ref().and_then(|routing| routing["maxTrafficWeight"].as_i64()).unwrap_or(100)
    }

    /// The steps, read.
    pub fn read_steps(&self) -> Vec<Step> {
        self.steps.iter().map(Step::read).collect()
    }

    /// The services of canary and stable. With ping-pong they take turns: `stable_is_ping` says whose turn it is.
    pub fn services(&self, stable_is_ping: bool) -> (Option<&str>, Option<&str>) {
        match &self.ping_pong {
            Some(pair) if stable_is_ping => (Some(&pair.pong_service), Some(&pair.ping_service)),
            Some(pair) => (Some(&pair.ping_service), Some(&pair.pong_service)),
            None => (self.canary_service.as_deref(), self.stable_service.as_deref()),
        }
    }
}
