//! Steps of a canary: which one is current, what it is called, how long it lasts.

use super::duration::{go_seconds, pause_seconds};
use super::object::{IntOrString, Rollout, Step};
use super::release::StepAt;

/// The steps of a rollout; none for blue-green.
pub fn steps(rollout: &Rollout) -> &[Step] {
    rollout.spec.strategy.canary.as_ref().map_or(&[], |canary| &canary.steps)
}

/// Index of the step being executed, 0 where the status does not say.
pub fn index(rollout: &Rollout) -> usize {
    usize::try_from(rollout.status.current_step_index.unwrap_or_default()).unwrap_or_default()
}

/// The step being executed; none when all are done or there are none.
pub fn current(rollout: &Rollout) -> Option<&Step> {
    steps(rollout).get(index(rollout))
}

/// Where the canary is in its steps, as the plugin says it: nothing unless the status has an index and the spec has steps.
pub fn step_at(rollout: &Rollout) -> Option<StepAt> {
    let count = steps(rollout).len();
    rollout.status.current_step_index.filter(|_| count > 0)?;
    Some(StepAt { index: index(rollout), count, current: current(rollout).map(|step| words(step).into()) })
}

/// A step in words, as Argo Rollouts' own events and dashboard have it.
pub fn words(step: &Step) -> String {
    match step {
        Step::SetWeight(weight) => format!("setWeight: {weight}"),
        Step::Pause(pause) => match &pause.duration {
            None => "pause".to_owned(),
            Some(IntOrString::Int(seconds)) => format!("pause: {seconds}"),
            Some(IntOrString::Text(text)) => format!("pause: {text}"),
        },
        Step::Experiment(_) => "experiment".to_owned(),
        Step::Analysis(_) => "analysis".to_owned(),
        Step::SetCanaryScale(scale) => match (scale.weight, scale.match_traffic_weight, scale.replicas) {
            (Some(weight), _, _) => format!("setCanaryScale{{weight: {weight}}}"),
            (None, true, _) => "setCanaryScale{matchTrafficWeight: true}".to_owned(),
            (None, false, Some(replicas)) => format!("setCanaryScale{{replicas: {replicas}}}"),
            (None, false, None) => "invalid".to_owned(),
        },
        Step::Plugin(plugin) => format!("plugin: {}", plugin.name),
        Step::SetHeaderRoute(route) => format!("setHeaderRoute: {}", route.name),
        Step::SetMirrorRoute(route) => format!("setMirrorRoute: {}", route.name),
        Step::Invalid => "invalid".to_owned(),
    }
}

/// Seconds that a step lasts by its own words: a timed pause or experiment. None where it does not say.
pub fn seconds(step: &Step) -> Option<i64> {
    match step {
        Step::Pause(pause) => pause.duration.as_ref().map(pause_seconds).filter(|seconds| *seconds >= 0),
        Step::Experiment(experiment) => experiment.duration.as_deref().and_then(go_seconds),
        Step::SetWeight(_)
        | Step::Analysis(_)
        | Step::SetCanaryScale(_)
        | Step::SetHeaderRoute(_)
        | Step::SetMirrorRoute(_)
        | Step::Plugin(_)
        | Step::Invalid => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn step_words() {
        let cases = [
            (json!({"setWeight": 20}), "setWeight: 20"),
            (json!({"pause": {}}), "pause"),
            (json!({"pause": {"duration": 10}}), "pause: 10"),
            (json!({"pause": {"duration": "10s"}}), "pause: 10s"),
            (json!({"experiment": {"templates": []}}), "experiment"),
            (json!({"analysis": {"templates": []}}), "analysis"),
            (json!({"setCanaryScale": {"weight": 5}}), "setCanaryScale{weight: 5}"),
            (json!({"setCanaryScale": {"matchTrafficWeight": true, "replicas": 3}}), "setCanaryScale{matchTrafficWeight: true}"),
            (json!({"setCanaryScale": {"replicas": 3}}), "setCanaryScale{replicas: 3}"),
            (json!({"setCanaryScale": {}}), "invalid"),
            (json!({"plugin": {"name": "acme/step"}}), "plugin: acme/step"),
            (json!({"setHeaderRoute": {"name": "beta"}}), "setHeaderRoute: beta"),
            (json!({"setMirrorRoute": {"name": "shadow"}}), "setMirrorRoute: shadow"),
            (json!({"setWeight": 0, "pause": {}}), "setWeight: 0"),
            (json!({}), "invalid"),
        ];
        for (step, expected) in cases {
            let step: Step = serde_json::from_value(step).unwrap();
            assert_eq!(words(&step), expected);
        }
    }
}
