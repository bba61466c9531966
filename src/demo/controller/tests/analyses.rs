//! Analyses of canaries: in steps, in the background, inconclusive, with arguments; experiments.

use serde_json::{Value, json};

use super::{Stage, pods};
use crate::demo::Resource;

fn stage(steps: &Value, more: &Value, metric: Value) -> Stage {
    let mut stage = Stage::new();
    stage.template("errors", metric);
    let mut way = json!({ "steps": steps });
    json_patch::merge(&mut way, more);
    let spec = super::rollout(&json!({ "strategy": { "canary": way } }));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.runs()), ("Healthy".to_owned(), Vec::new()));
    stage
}

fn templates() -> Value {
    json!({ "templates": [{ "templateName": "errors" }] })
}

#[test]
fn promotes_walk_over_steps_and_their_runs() {
    let day = json!({ "interval": "24h", "count": 2, "successCondition": "result < 0.05" });
    let steps =
        json!([{ "pause": { "duration": "24h" } }, { "analysis": templates() }, { "pause": {} }, { "analysis": templates() }]);
    let mut stage = stage(&steps, &json!({}), day);
    stage.set_image("web:2");
    stage.pass(2);
    stage.promote();
    stage.pass(2);
    assert_eq!((stage.status("/currentStepIndex"), stage.runs()), (json!(1), vec![("web-2-1".to_owned(), "Running".to_owned())]));
    assert!(stage.phase().starts_with("Progressing"), "{}", stage.phase());
    stage.patch(&json!({ "status": { "pauseConditions": null, "currentStepIndex": 2 } }));
    stage.pass(2);
    assert_eq!((stage.phase(), stage.runs()[0].1.as_str()), ("Paused: CanaryPauseStep".to_owned(), "Successful"));
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.patch(&json!({ "status": { "promoteFull": true } }));
    stage.pass(15);
    assert_eq!((stage.phase(), stage.runs().len()), ("Healthy".to_owned(), 1));
}

#[test]
fn a_failing_step_aborts_and_a_retry_takes_a_new_run() {
    let steps = json!([{ "setWeight": 25 }, { "analysis": templates() }]);
    let mut stage = stage(&steps, &json!({}), json!({ "successCondition": "result < 0.05" }));
    stage.controller.set_metric("shop/web/value", json!(0.4));
    stage.set_image("web:2");
    stage.pass(6);
    let said = "Degraded: RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: \
                Metric \"value\" assessed Failed due to failed (1) > failureLimit (0)";
    assert_eq!((stage.phase(), stage.pods()), (said.to_owned(), pods(&[("web:1", 4)])));
    stage.pass(5);
    stage.controller.set_metric("shop/web/value", Value::Null);
    stage.patch(&json!({ "status": { "abort": false } }));
    stage.pass(15);
    assert_eq!(stage.phase(), "Healthy");
    assert_eq!(stage.runs(), [("web-2-1".to_owned(), "Failed".to_owned()), ("web-2-1.1".to_owned(), "Successful".to_owned())]);
}

#[test]
fn a_background_run_that_is_inconclusive_pauses_and_is_repeated() {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }]);
    let metric = json!({ "interval": "5s", "successCondition": "result < 0.05", "failureCondition": "result > 0.5" });
    let mut stage = stage(&steps, &json!({ "analysis": templates() }), metric);
    stage.controller.set_metric("errors", json!(0.2));
    stage.set_image("web:2");
    stage.pass(6);
    assert_eq!(stage.phase(), "Paused: InconclusiveAnalysisRun");
    stage.controller.set_metric("errors", json!(0.01));
    stage.promote();
    stage.pass(6);
    assert_eq!(stage.phase(), "Paused: CanaryPauseStep");
    assert_eq!(stage.runs().into_iter().map(|(_, phase)| phase).collect::<Vec<_>>(), ["Inconclusive", "Running"]);
    stage.promote();
    stage.pass(10);
    assert_eq!(stage.phase(), "Healthy");
    assert_eq!(stage.runs().into_iter().map(|(_, phase)| phase).collect::<Vec<_>>(), ["Inconclusive", "Successful"]);
}

#[test]
fn a_condition_that_cannot_be_evaluated_is_an_error_and_five_of_them_end_the_run() {
    let steps = json!([{ "setWeight": 25 }, { "analysis": templates() }]);
    let mut stage = stage(&steps, &json!({}), json!({ "interval": "1s", "count": 10, "successCondition": "all(result, {# < 1})" }));
    stage.set_image("web:2");
    stage.pass(30);
    assert_eq!(stage.runs()[0].1, "Running");
    stage.pass(30);
    assert!(stage.phase().contains("consecutiveErrors (5) > consecutiveErrorLimit (4)"), "{}", stage.phase());
    assert_eq!(stage.runs()[0].1, "Error");
}

#[test]
fn arguments_reach_the_run() {
    let mut stage = Stage::new();
    let metric = json!({ "name": "value", "successCondition": "result < {{args.limit}}", "provider": { "web": { "url": "http://x/{{args.hash}}" } } });
    let template = json!({ "args": [{ "name": "limit", "value": "0.05" }, { "name": "hash" }], "metrics": [metric] });
    stage.create(Resource::AnalysisTemplate, json!({ "metadata": { "name": "errors" }, "spec": template }));
    let hash = json!({ "name": "hash", "valueFrom": { "podTemplateHashValue": "Latest" } });
    let step = json!({ "analysis": { "templates": [{ "templateName": "errors" }], "args": [hash] } });
    let spec = super::rollout(&super::canary(&json!([{ "setWeight": 25 }, step])));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    stage.set_image("web:2");
    stage.pass(10);
    let run = stage.store.list(Resource::AnalysisRun, None).next().unwrap();
    assert_eq!(
        run["spec"]["args"],
        json!([{ "name": "limit", "value": "0.05" }, { "name": "hash", "value": stage.status("/currentPodHash") }])
    );
    assert_eq!(run["status"]["phase"], "Successful");
}

#[test]
fn an_experiment_runs_its_time_and_its_failure_aborts() {
    let experiment = json!({ "experiment": {
        "duration": "10s", "templates": [{ "name": "baseline", "specRef": "stable" }, { "name": "canary", "specRef": "canary" }],
        "analyses": [{ "name": "errors", "templateName": "errors" }],
    } });
    let metric = json!({ "interval": "2s", "count": 3, "successCondition": "result < 0.05" });
    let mut stage = stage(&json!([experiment, { "setWeight": 25 }, { "pause": {} }]), &json!({}), metric);
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!(stage.pods(), pods(&[("web:1", 1), ("web:1", 4), ("web:2", 1)]));
    assert_eq!(stage.status("/currentStepIndex"), 0);
    stage.pass(15);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Paused: CanaryPauseStep".to_owned(), json!(2)));
    stage.controller.set_metric("errors", json!(0.9));
    stage.set_image("web:3");
    stage.pass(10);
    assert!(stage.phase().contains("Experiment analysis phase is error/failed"), "{}", stage.phase());
}

#[test]
fn jobs_are_measurements_with_names() {
    let mut stage = Stage::new();
    let metric = json!({ "name": "smoke", "provider": { "job": { "spec": { "template": { "spec": { "containers": [] } } } } } });
    stage.create(Resource::AnalysisTemplate, json!({ "metadata": { "name": "errors" }, "spec": { "metrics": [metric] } }));
    let spec = super::rollout(&super::canary(&json!([{ "setWeight": 25 }, { "analysis": templates() }])));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    stage.set_image("web:2");
    stage.pass(4);
    let job = stage.store.list(Resource::Job, None).next().unwrap();
    let run = |stage: &Stage| stage.store.list(Resource::AnalysisRun, None).next().unwrap();
    let measurement = run(&stage)["status"]["metricResults"][0]["measurements"][0].clone();
    assert_eq!((&measurement["phase"], &measurement["metadata"]["job-name"]), (&json!("Running"), &job["metadata"]["name"]));
    stage.pass(5);
    assert_eq!(run(&stage)["status"]["phase"], "Successful");
}
