//! The states in which a Rollout can be, how each comes about, and which verbs it allows.

use pilothouse::domain::action::Verb::{
    self, Abort, Hold, Promote, PromoteFull, Restart, Resume, Retry, RollBack, SetImage, SkipStep, TerminateAnalysis,
};
use serde_json::{Value, json};

use super::stage::{Stage, blue_green, canary, is_in, path, tag, template, with_strategy};
use crate::support::admin::in_namespace;

/// One state.
pub struct State {
    pub name: &'static str,
    /// Brings an object of this name into it.
    pub make: fn(&Stage, &str, &str),
    /// Whether it is there.
    pub is: fn(&Value) -> bool,
    pub allowed: &'static [Verb],
    /// Of the allowed ones, those whose effect cannot be seen here: no pod gets ready, or no controller looks.
    pub unseen: &'static [Verb],
}

const BACK: &[Verb] = &[Abort, RollBack, Restart, SetImage];
const AT_PAUSE: &[Verb] = &[Promote, PromoteFull, Hold, Abort, RollBack, Restart, SetImage];
const HELD_AT_PAUSE: &[Verb] = &[Promote, PromoteFull, Resume, Abort, RollBack, Restart, SetImage];
const AT_STEP: &[Verb] = &[PromoteFull, Hold, Abort, RollBack, Restart, SkipStep, SetImage];

/// All of them.
pub fn states() -> Vec<State> {
    let state = |name, make, is, allowed, unseen| State { name, make, is, allowed, unseen };
    vec![
        state("paused-for-person", paused, at_pause, AT_PAUSE, &[]),
        state("paused-for-time", timed, at_pause, AT_PAUSE, &[]),
        state("held-at-pause", held, |rollout| is_in(rollout, "Paused: manually paused"), HELD_AT_PAUSE, &[]),
        state(
            "held-in-analysis",
            held_in_analysis,
            |rollout| is_in(rollout, "Paused: manually paused") && analysing(rollout),
            &[PromoteFull, Resume, Abort, RollBack, Restart, SetImage, TerminateAnalysis],
            &[],
        ),
        state(
            "in-analysis",
            in_analysis,
            analysing,
            &[PromoteFull, Hold, Abort, RollBack, Restart, SkipStep, SetImage, TerminateAnalysis],
            &[],
        ),
        state(
            "undecided-step",
            undecided_step,
            |rollout| is_in(rollout, "Paused: InconclusiveAnalysisRun"),
            &[Promote, PromoteFull, Hold, Abort, RollBack, Restart, SkipStep, SetImage],
            &[],
        ),
        state(
            "undecided-background",
            undecided_background,
            |rollout| rollout["status"]["pauseConditions"].to_string().contains("InconclusiveAnalysisRun"),
            &[Promote, PromoteFull, Hold, Abort, RollBack, Restart, SkipStep, SetImage],
            &[],
        ),
        state("in-experiment", in_experiment, experimenting, AT_STEP, &[]),
        state("aborted", aborted, |rollout| is_in(rollout, "Degraded: RolloutAborted"), &[Retry, RollBack, Restart, SetImage], &[]),
        state(
            "aborted-and-held",
            aborted_and_held,
            |rollout| rollout["status"]["abortedAt"].is_string() && rollout["spec"]["paused"] == true,
            &[Resume, Retry, RollBack, Restart, SetImage],
            &[],
        ),
        state("promoted", promoted, |rollout| is_in(rollout, "Healthy"), &[RollBack, Restart, SetImage], &[]),
        state(
            "promoting-full",
            promoting_full,
            |rollout| rollout["status"]["promoteFull"] == true,
            &[Hold, Abort, RollBack, Restart, SetImage],
            &[Restart],
        ),
        state("stuck", stuck, |rollout| is_in(rollout, "Progressing"), AT_STEP, &[PromoteFull, Restart]),
        state("preview", preview, |rollout| is_in(rollout, "Paused: BlueGreenPause"), AT_PAUSE, &[]),
        state(
            "switched",
            switched,
            |rollout| {
                let active = &rollout["status"]["blueGreen"];
                active["activeSelector"] == rollout["status"]["currentPodHash"]
                    && active["postPromotionAnalysisRunStatus"]["status"] == "Running"
            },
            &[PromoteFull, Hold, Abort, RollBack, Restart, SetImage, TerminateAnalysis],
            &[],
        ),
        state("workload", workload, at_pause, AT_PAUSE, &[]),
        state(
            "first",
            first,
            |rollout| is_in(rollout, "Progressing") && rollout["status"]["stableRS"].is_string(),
            &[Restart, SetImage],
            &[Restart],
        ),
        state(
            "invalid",
            invalid,
            |rollout| is_in(rollout, "Degraded: InvalidSpec"),
            &[Hold, Abort, RollBack, Restart, SetImage],
            BACK,
        ),
        state("never-seen", never_seen, |rollout| rollout["status"].is_null(), &[], &[]),
        state(
            "stale",
            stale,
            |rollout| rollout["status"]["stableRS"] == "b",
            &[Hold, Abort, RollBack, Restart, SetImage],
            &[Hold, Abort, RollBack, Restart, SetImage],
        ),
        state(
            "resuming",
            resuming,
            |rollout| rollout["status"]["stableRS"] == "b",
            &[PromoteFull, Hold, Abort, RollBack, Restart, SetImage],
            // Of a spec that is observed already by its number, a hold counts as seen.
            &[PromoteFull, Hold, Abort, RollBack, Restart, SetImage],
        ),
    ]
}

pub fn at_pause(rollout: &Value) -> bool {
    is_in(rollout, "Paused: CanaryPauseStep") && rollout["status"]["currentPodHash"] != rollout["status"]["stableRS"]
}

pub fn analysing(rollout: &Value) -> bool {
    rollout["status"]["canary"]["currentStepAnalysisRunStatus"]["status"] == "Running"
}

fn experimenting(rollout: &Value) -> bool {
    rollout["status"]["canary"]["currentExperiment"].is_string()
}

pub fn paused(stage: &Stage, namespace: &str, name: &str) {
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    stage.released(namespace, &canary(name, &steps));
}

fn timed(stage: &Stage, namespace: &str, name: &str) {
    let hour = json!({ "pause": { "duration": "1h" } });
    stage.released(namespace, &canary(name, &json!([{ "setWeight": 20 }, hour, { "setWeight": 60 }, { "pause": {} }])));
}

fn hold(stage: &Stage, namespace: &str, name: &str) {
    stage.merge(&path(namespace, name), &json!({ "spec": { "paused": true } }));
}

pub fn held(stage: &Stage, namespace: &str, name: &str) {
    paused(stage, namespace, name);
    stage.until(&path(namespace, name), "paused", at_pause);
    hold(stage, namespace, name);
}

pub fn in_analysis(stage: &Stage, namespace: &str, name: &str) {
    analyses(stage, namespace);
    let analysis = json!({ "analysis": { "templates": [{ "templateName": "endless" }] } });
    stage.released(namespace, &canary(name, &json!([{ "setWeight": 20 }, analysis, { "pause": {} }])));
}

fn held_in_analysis(stage: &Stage, namespace: &str, name: &str) {
    in_analysis(stage, namespace, name);
    stage.until(&path(namespace, name), "in its analysis", analysing);
    hold(stage, namespace, name);
}

fn undecided_step(stage: &Stage, namespace: &str, name: &str) {
    analyses(stage, namespace);
    let analysis = json!({ "analysis": { "templates": [{ "templateName": "undecided" }] } });
    stage.released(namespace, &canary(name, &json!([{ "setWeight": 20 }, analysis, { "pause": {} }])));
}

fn undecided_background(stage: &Stage, namespace: &str, name: &str) {
    analyses(stage, namespace);
    let mut rollout = canary(name, &json!([{ "setWeight": 20 }, { "setWeight": 40 }, { "setWeight": 60 }, { "pause": {} }]));
    rollout["spec"]["strategy"]["canary"]["analysis"] = json!({ "templates": [{ "templateName": "undecided" }] });
    // Its pods take their time: at the first weight it is when the run has nothing to say.
    stage.healthy(namespace, &rollout);
    stage.release(&path(namespace, name), "v2-slow");
}

fn in_experiment(stage: &Stage, namespace: &str, name: &str) {
    let experiment = json!({ "experiment": { "duration": "1h", "templates": [{ "name": "old", "specRef": "stable" }] } });
    stage.released(namespace, &canary(name, &json!([{ "setWeight": 20 }, experiment, { "pause": {} }])));
}

pub fn aborted(stage: &Stage, namespace: &str, name: &str) {
    paused(stage, namespace, name);
    stage.until(&path(namespace, name), "paused", at_pause);
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": { "abort": true } }));
}

fn aborted_and_held(stage: &Stage, namespace: &str, name: &str) {
    aborted(stage, namespace, name);
    stage.until_phase(namespace, name, "Degraded: RolloutAborted");
    hold(stage, namespace, name);
}

pub fn promoted(stage: &Stage, namespace: &str, name: &str) {
    paused(stage, namespace, name);
    stage.until(&path(namespace, name), "paused", at_pause);
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": { "promoteFull": true } }));
    stage.until(&path(namespace, name), "promoted", |rollout| is_in(rollout, "Healthy") && tag(rollout) == "v2");
}

fn promoting_full(stage: &Stage, namespace: &str, name: &str) {
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }]);
    stage.healthy(namespace, &canary(name, &steps));
    stage.release(&path(namespace, name), "v2-unready");
    stage.until_phase(namespace, name, "Progressing");
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": { "promoteFull": true } }));
}

fn stuck(stage: &Stage, namespace: &str, name: &str) {
    stage.healthy(namespace, &canary(name, &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }])));
    stage.release(&path(namespace, name), "v2-unready");
}

fn preview(stage: &Stage, namespace: &str, name: &str) {
    stage.released(namespace, &blue_green(name, &json!({})));
}

fn switched(stage: &Stage, namespace: &str, name: &str) {
    analyses(stage, namespace);
    let after = json!({ "postPromotionAnalysis": { "templates": [{ "templateName": "endless" }] } });
    stage.released(namespace, &blue_green(name, &after));
    stage.until_phase(namespace, name, "Paused: BlueGreenPause");
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": { "pauseConditions": null } }));
}

/// The template is a Deployment's.
pub fn workload(stage: &Stage, namespace: &str, name: &str) {
    let mut rollout = canary(name, &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]));
    let spec = rollout["spec"].as_object_mut().unwrap();
    spec.remove("template");
    spec.insert("workloadRef".to_owned(), json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": format!("{name}-work") }));
    let selector = json!({ "matchLabels": { "app": name } });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": format!("{name}-work") },
        "spec": { "replicas": 0, "selector": selector, "template": template(name) },
    });
    stage.admin.create(&format!("/apis/apps/v1/namespaces/{namespace}/deployments"), &deployment);
    stage.healthy(namespace, &rollout);
    stage.release(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}-work"), "v2");
}

fn first(stage: &Stage, namespace: &str, name: &str) {
    let mut rollout = canary(name, &json!([{ "setWeight": 20 }, { "pause": {} }]));
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/shop/web:v1-unready".into();
    stage.create(namespace, &rollout);
}

fn invalid(stage: &Stage, namespace: &str, name: &str) {
    paused(stage, namespace, name);
    stage.until(&path(namespace, name), "paused", at_pause);
    stage.merge(&path(namespace, name), &json!({ "spec": { "strategy": { "canary": { "canaryService": "nothing" } } } }));
}

/// A Rollout that no controller looks after.
pub fn unattended(name: &str) -> Value {
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    let mut rollout = with_strategy(name, &json!({ "canary": { "steps": steps } }));
    rollout["metadata"]["labels"] = json!({ "argo-rollouts.argoproj.io/controller-instance-id": "none" });
    rollout
}

fn never_seen(stage: &Stage, namespace: &str, name: &str) {
    stage.create(namespace, &unattended(name));
}

/// As a controller would have left it at its first pause.
pub fn at_first_pause() -> Value {
    json!({
        "phase": "Paused", "message": "CanaryPauseStep", "observedGeneration": "1", "currentPodHash": "c", "stableRS": "b",
        "currentStepIndex": 1, "controllerPause": true, "replicas": 2, "updatedReplicas": 1,
        "pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-01-05T09:00:00Z" }],
    })
}

fn stale(stage: &Stage, namespace: &str, name: &str) {
    stage.create(namespace, &unattended(name));
    let mut status = at_first_pause();
    status["observedGeneration"] = "0".into();
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": status }));
}

fn resuming(stage: &Stage, namespace: &str, name: &str) {
    stage.create(namespace, &unattended(name));
    let mut status = at_first_pause();
    status.as_object_mut().unwrap().remove("pauseConditions");
    stage.merge(&format!("{}/status", path(namespace, name)), &json!({ "status": status }));
}

/// An analysis that goes on for hours, and one that says neither yes nor no.
fn analyses(stage: &Stage, namespace: &str) {
    let metric = |name: &str, more: Value| {
        let mut metric = json!({
            "name": name, "successCondition": "result < 1", "failureCondition": "result > 5",
            "provider": { "web": { "url": format!("http://metrics.example.com/{name}") } },
        });
        json_patch::merge(&mut metric, &more);
        json!({ "metadata": { "name": name }, "spec": { "metrics": [metric] } })
    };
    let path = in_namespace(namespace, "analysistemplates");
    for (name, more) in [("endless", json!({ "interval": "1h", "count": 9 })), ("undecided", json!({}))] {
        // Another object of this namespace may have needed it before.
        let (code, answer) = stage.admin.call("POST", &path, Some(&metric(name, more)));
        assert!(matches!(code, 201 | 409), "{answer}");
    }
    stage.admin.must("POST", "/_world/metric", Some(&json!({ "name": "undecided", "value": 3 })));
}
