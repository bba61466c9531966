//! A Canary's spec with its defaults, as Flagger understands it. It reads; nothing here acts.

use serde_json::Value;

use crate::demo::controller::amount::duration;

/// Flagger looks no more often than this, in seconds.
const LEAST_INTERVAL: i64 = 10;

/// What is released and how.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    pub namespace: String,
    /// The Deployment that people change.
    pub target: String,
    /// Traffic is split by a VirtualService.
    pub routed: bool,
    /// Seconds between two ticks.
    pub interval: i64,
    /// So many failed checks end a release.
    pub threshold: i64,
    pub iterations: i64,
    /// Traffic is split by properties of requests, not by weight.
    pub by_match: bool,
    pub max_weight: i64,
    pub step_weight: i64,
    pub step_weights: Vec<i64>,
    pub step_weight_promotion: i64,
    /// Seconds that a workload may take.
    pub deadline: i64,
    pub suspended: bool,
    pub skip_analysis: bool,
    pub metrics: Vec<Value>,
    pub webhooks: Vec<Value>,
}

impl Spec {
    /// Reads a Canary.
    pub fn read(canary: &Value) -> Self {
        let (spec, analysis) = (&canary["spec"], &canary["spec"]["analysis"]);
        let number = |value: &Value, otherwise: i64| value.as_i64().unwrap_or(otherwise);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let kubernetes = spec["provider"] == "kubernetes";
        let step_weights: Vec<i64> = list(&analysis["stepWeights"]).iter().filter_map(Value::as_i64).collect();
        let interval = analysis["interval"].as_str().and_then(duration).map_or(60, |span| span.as_secs());
        let iterations = number(&analysis["iterations"], 0);
        Self {
            name: text(&canary["metadata"]["name"]),
            namespace: text(&canary["metadata"]["namespace"]),
            target: text(&spec["targetRef"]["name"]),
            routed: !kubernetes,
            interval: interval.max(LEAST_INTERVAL),
            threshold: number(&analysis["threshold"], 1),
            iterations: if kubernetes && iterations == 0 { 10 } else { iterations },
            by_match: !kubernetes && !list(&analysis["match"]).is_empty(),
            max_weight: step_weights.last().copied().unwrap_or_else(|| number(&analysis["maxWeight"], 100)),
            step_weight: number(&analysis["stepWeight"], 0),
            step_weights,
            step_weight_promotion: number(&analysis["stepWeightPromotion"], 0),
            deadline: number(&spec["progressDeadlineSeconds"], 600),
            suspended: spec["suspend"] == true,
            skip_analysis: spec["skipAnalysis"] == true || analysis.is_null(),
            metrics: list(&analysis["metrics"]),
            webhooks: list(&analysis["webhooks"]),
        }
    }

    /// Name of the Deployment that serves.
    pub fn primary(&self) -> String {
        format!("{}-primary", self.target)
    }

    /// `name.namespace` of what is released, as sentences call it.
    pub fn called(&self) -> String {
        format!("{}.{}", self.target, self.namespace)
    }

    /// The hooks of a type.
    pub fn hooks(&self, kind: &str) -> Vec<Value> {
        let of_type = |hook: &&Value| hook["type"].as_str().unwrap_or("rollout") == kind;
        self.webhooks.iter().filter(of_type).cloned().collect()
    }

    /// How much more weight the canary gets next.
    pub fn next_step(&self, weight: i64) -> i64 {
        if self.step_weight > 0 {
            return self.step_weight;
        }
        let Some(first) = self.step_weights.first() else { return 0 };
        if weight == 0 {
            return *first;
        }
        let place = self.step_weights.iter().position(|step| *step == weight);
        let next = place.and_then(|place| self.step_weights.get(place + 1));
        next.map_or(100, |next| *next) - weight
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(analysis: &Value) -> Vec<i64> {
        let spec = Spec::read(&json!({ "spec": { "provider": "istio", "analysis": analysis } }));
        let mut weights = vec![0];
        while weights.len() < 8 && weights.last().is_some_and(|weight| *weight < spec.max_weight) {
            let weight = weights.last().copied().unwrap_or_default();
            weights.push(weight + spec.next_step(weight));
        }
        weights
    }

    #[test]
    fn the_weight_moves_by_steps_or_along_a_list() {
        assert_eq!(steps(&json!({ "stepWeight": 20, "maxWeight": 60 })), [0, 20, 40, 60]);
        assert_eq!(steps(&json!({ "stepWeights": [10, 50] })), [0, 10, 50]);
        assert_eq!(steps(&json!({ "stepWeight": 30, "maxWeight": 50 })), [0, 30, 60]);
    }

    #[test]
    fn without_a_mesh_there_are_iterations_and_never_short_ticks() {
        let spec = Spec::read(&json!({ "spec": { "provider": "kubernetes", "analysis": { "interval": "3s", "match": [{}] } } }));
        assert_eq!((spec.iterations, spec.by_match, spec.interval, spec.threshold), (10, false, 10, 1));
        assert!(Spec::read(&json!({ "spec": {} })).skip_analysis);
    }
}
