//! A Rollout's status as the controller keeps it. Zero values are left out, as in the API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `status` of a Rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    #[serde(rename = "HPAReplicas", skip_serializing_if = "zero")]
    pub hpa_replicas: i64,
    #[serde(skip_serializing_if = "unset")]
    pub abort: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_at: Option<String>,
    #[serde(skip_serializing_if = "zero")]
    pub available_replicas: i64,
    pub blue_green: BlueGreen,
    pub canary: Canary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    #[serde(skip_serializing_if = "unset")]
    pub controller_pause: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_pod_hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_step_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_index: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub observed_generation: String,
    #[serde(skip_serializing_if = "none_or_empty")]
    pub pause_conditions: Option<Vec<PauseCondition>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    #[serde(skip_serializing_if = "unset")]
    pub promote_full: bool,
    #[serde(skip_serializing_if = "zero")]
    pub ready_replicas: i64,
    #[serde(skip_serializing_if = "zero")]
    pub replicas: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub selector: String,
    #[serde(rename = "stableRS", skip_serializing_if = "String::is_empty")]
    pub stable_rs: String,
    #[serde(skip_serializing_if = "zero")]
    pub updated_replicas: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workload_observed_generation: String,
}

/// `status.canary`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Canary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_background_analysis_run_status: Option<Run>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_experiment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_analysis_run_status: Option<Run>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stable_ping_pong: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub step_plugin_statuses: Vec<Plugin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
}

/// `status.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreen {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub active_selector: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preview_selector: String,
    #[serde(skip_serializing_if = "unset")]
    pub scale_up_preview_check_point: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis_run_status: Option<Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis_run_status: Option<Run>,
}

/// Name and state of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub name: String,
    pub status: String,
}

/// `status.canary.weights`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weights {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<Destination>,
    pub canary: Destination,
    pub stable: Destination,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// A destination of traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_template_hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_name: String,
    pub weight: i64,
}

/// State of a plugin's step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plugin {
    pub index: i64,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    #[serde(skip_serializing_if = "zero")]
    pub executions: i64,
}

/// Why it is paused, and since when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PauseCondition {
    pub reason: String,
    pub start_time: String,
}

/// One entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    pub last_transition_time: String,
    pub last_update_time: String,
    pub message: String,
    pub reason: String,
    pub status: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// `status.duration`: how long the update took, and how much of that a person was waited for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Duration {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub completion_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_pause_started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_started_at: Option<String>,
    #[serde(skip_serializing_if = "zero")]
    pub total_manual_pause_duration_seconds: i64,
}

impl Status {
    /// The status of an object, as far as it can be read.
    pub fn read(object: &Value) -> Self {
        object.get("status").and_then(|status| Self::deserialize(status).ok()).unwrap_or_default()
    }

    /// The condition of a type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Sets a condition as Kubernetes' controllers do: the same state is left alone, a new one goes to the end, and the
    /// time of transition moves only with the status. Says whether it changed.
    pub fn set_condition(&mut self, (kind, status, reason): (&str, &str, &str), message: &str, now: &str) -> bool {
        let before = self.condition(kind).cloned();
        if before.as_ref().is_some_and(|b| b.status == status && b.reason == reason && b.message == message) {
            return false;
        }
        let since = before.filter(|b| b.status == status).map_or_else(|| now.to_owned(), |b| b.last_transition_time);
        self.conditions.retain(|condition| condition.kind != kind);
        self.conditions.push(Condition {
            last_transition_time: since,
            last_update_time: now.to_owned(),
            message: message.to_owned(),
            reason: reason.to_owned(),
            status: status.to_owned(),
            kind: kind.to_owned(),
        });
        true
    }

    /// Removes a condition.
    pub fn drop_condition(&mut self, kind: &str) {
        self.conditions.retain(|condition| condition.kind != kind);
    }

    /// The pause conditions, none or some.
    pub fn pauses(&self) -> &[PauseCondition] {
        self.pause_conditions.as_deref().unwrap_or_default()
    }

    /// Since when it is paused for a reason.
    pub fn paused_for(&self, reason: &str) -> Option<&PauseCondition> {
        self.pauses().iter().find(|pause| pause.reason == reason)
    }

    /// Whether the wanted template is the stable one.
    pub fn promoted(&self) -> bool {
        !self.stable_rs.is_empty() && self.stable_rs == self.current_pod_hash
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn unset(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::ref_option, reason = "serde asks with a reference")]
fn none_or_empty(list: &Option<Vec<PauseCondition>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}
