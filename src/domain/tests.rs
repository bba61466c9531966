//! The known cases of Argo Rollouts' own tests, put together here from what is distinctive about them, and the property that
//! nothing whatever in an object makes the arithmetic panic.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::analysis::{assess, counts};
use super::belongings::Belongings;
use super::object::{Canary, Kept, Rollout, decode_value};
use super::release::{Phase, Release, WaitingFor, of_canary, of_rollout};
use super::{timeline, tree};

fn now() -> Timestamp {
    "2026-01-08T00:00:00Z".parse().unwrap()
}

fn rollout(spec: &Value, status: &Value) -> Rollout {
    decode_value(
        &json!({"metadata": {"name": "canary-demo", "namespace": "jesse-test", "uid": "ro", "generation": 1}, "spec": spec, "status": status}),
    )
}

/// A ReplicaSet: name after the hash, revision, hash, image, pods wanted, pods there, pods available.
fn set(revision: i64, hash: &str, image: &str, (wanted, there, available): (i64, i64, i64)) -> Value {
    json!({"metadata": {"name": format!("canary-demo-{hash}"), "uid": hash, "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()}, "ownerReferences": [{"uid": "ro", "controller": true}]},
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"name": "demo", "image": image}], "initContainers": [{"name": "init", "image": "busybox"}]}}},
        "status": {"replicas": there, "availableReplicas": available}})
}

fn many<T: Kept>(objects: &[Value]) -> Vec<Arc<T>> {
    objects.iter().map(|object| Arc::new(decode_value(object))).collect()
}

fn sets(objects: &[Value]) -> Belongings {
    Belongings { replica_sets: many(objects), ..Belongings::default() }
}

fn said(release: &Release) -> (Phase, &str) {
    (release.phase, &release.message)
}

fn images(release: &Release) -> Vec<String> {
    let tags = |image: &super::release::ImageTags| image.tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    release.images.iter().map(|image| format!("{} ({})", image.image, tags(image))).collect()
}

fn step(release: &Release) -> Option<(usize, usize)> {
    release.step.as_ref().map(|step| (step.index, step.count))
}

fn weights(release: &Release) -> Option<(i64, Option<i64>)> {
    release.weight.map(|weight| (weight.set, weight.actual))
}

fn pods(release: &Release) -> (i64, i64, i64, i64, i64) {
    let pods = &release.replicas;
    (pods.desired, pods.current, pods.updated, pods.ready, pods.available)
}

const TIMED_OUT: &str = "ProgressDeadlineExceeded: ReplicaSet \"canary-demo-65fb5ffc84\" has timed out progressing.";

#[test]
fn v1_a_canary_that_cannot_pull_its_image() {
    let spec = json!({"replicas": 5, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {"duration": 10}},
        {"setWeight": 60}, {"pause": {"duration": 10}}, {"setWeight": 80}, {"pause": {"duration": 10}}]}}});
    let status = json!({"observedGeneration": "1", "currentPodHash": "65fb5ffc84", "stableRS": "877894d5b", "currentStepIndex": 0, "replicas": 6, "updatedReplicas": 1,
        "readyReplicas": 5, "availableReplicas": 5, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"canary-demo-65fb5ffc84\" has timed out progressing."}]});
    let owned = sets(&[
        set(29, "859c99b45c", "argoproj/rollouts-demo:asdf", (0, 0, 0)),
        set(31, "65fb5ffc84", "argoproj/rollouts-demo:does-not-exist", (1, 1, 0)),
        set(30, "877894d5b", "argoproj/rollouts-demo:green", (5, 5, 5)),
    ]);
    // V2 and V3 are the same with a workloadRef of another kind.
    for reference in [None, Some("ReplicaSet"), Some("Deployment")] {
        let mut spec = spec.clone();
        if let Some(kind) = reference {
            spec["workloadRef"] = json!({"kind": kind, "name": "canary-demo-deploy"});
        }
        let release = of_rollout(&rollout(&spec, &status), &owned, now());
        assert_eq!(said(&release), (Phase::Degraded, TIMED_OUT));
        assert_eq!((step(&release), weights(&release)), (Some((0, 8)), Some((20, Some(0)))));
        assert_eq!(images(&release), ["argoproj/rollouts-demo:does-not-exist (canary)", "argoproj/rollouts-demo:green (stable)"]);
        assert_eq!(pods(&release), (5, 6, 1, 5, 5));
    }
    let revisions = tree::revisions(&rollout(&spec, &status), &owned);
    let shown: Vec<_> =
        revisions.iter().flat_map(|one| one.replica_sets.iter().map(|set| (one.number, set.status, set.tags.len()))).collect();
    assert_eq!(shown, [(31, "Progressing", 1), (30, "Healthy", 1), (29, "ScaledDown", 0)]);
}

#[test]
fn v7_a_blue_green_that_waits() {
    let spec = json!({"replicas": 3, "strategy": {"blueGreen": {"activeService": "a", "previewService": "p", "autoPromotionEnabled": false}}});
    let status = json!({"observedGeneration": "1", "currentPodHash": "new", "stableRS": "old", "blueGreen": {"activeSelector": "old", "previewSelector": "new"},
        "replicas": 6, "updatedReplicas": 3, "readyReplicas": 6, "availableReplicas": 3, "controllerPause": true, "pauseConditions": [{"reason": "BlueGreenPause"}]});
    let mut owned = [
        set(11, "new", "argoproj/rollouts-demo:green", (3, 3, 3)),
        set(10, "old", "argoproj/rollouts-demo:blue", (3, 3, 3)),
        set(8, "older", "x", (0, 0, 0)),
    ];
    let release = of_rollout(&rollout(&spec, &status), &sets(&owned), now());
    assert_eq!(said(&release), (Phase::Paused, "BlueGreenPause"));
    assert_eq!((step(&release), weights(&release), release.shown_weight), (None, None, None));
    assert_eq!(images(&release), ["argoproj/rollouts-demo:blue (stable,active)", "argoproj/rollouts-demo:green (preview)"]);
    assert_eq!((pods(&release), release.waiting_for), ((3, 6, 3, 6, 3), Some(WaitingFor::Person)));
    // V9: the active one has a deadline for being scaled down.
    owned[1]["metadata"]["annotations"]["scale-down-deadline"] = json!("2026-01-08T03:59:59Z");
    let revisions = tree::revisions(&rollout(&spec, &status), &sets(&owned));
    let deadline = revisions.iter().flat_map(|one| &one.replica_sets).find_map(|set| set.scale_down).unwrap();
    assert_eq!(super::duration::age(deadline.duration_since(now()).as_secs()), "3h59m");
}

#[test]
fn v10_a_deadline_hides_a_pause() {
    let spec = json!({"replicas": 4, "strategy": {"canary": {"steps": [{"setWeight": 25}, {"experiment": {}}]}}});
    let status = json!({"observedGeneration": "1", "currentPodHash": "6f646bf7b7", "stableRS": "old", "currentStepIndex": 1, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 4,
        "availableReplicas": 4, "controllerPause": true, "pauseConditions": [{"reason": "InconclusiveAnalysisRun"}], "conditions": [{"type": "Progressing",
        "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"rollout-experiment-analysis-6f646bf7b7\" has timed out progressing."}]});
    let mut tried = set(0, "exp", "argoproj/rollouts-demo:yellow", (1, 1, 1));
    // Very old controllers wrote the template's name as a label: then there is no tag.
    tried["metadata"]["labels"]["experiment.argoproj.io/template-name"] = json!("canary");
    tried["metadata"]["ownerReferences"] = json!([{"uid": "ex"}]);
    let mut owned = sets(&[
        set(2, "6f646bf7b7", "argoproj/rollouts-demo:yellow", (1, 1, 1)),
        set(1, "old", "argoproj/rollouts-demo:blue", (3, 3, 3)),
        tried,
    ]);
    owned.experiments = many(&[json!({"metadata": {"name": "e", "uid": "ex", "ownerReferences": [{"uid": "ro"}]}})]);
    let release = of_rollout(&rollout(&spec, &status), &owned, now());
    assert_eq!(release.phase, Phase::Degraded);
    assert!(release.message.ends_with("rollout-experiment-analysis-6f646bf7b7\" has timed out progressing."));
    assert_eq!((step(&release), weights(&release)), (Some((1, 2)), Some((25, Some(25)))));
    assert_eq!(images(&release), ["argoproj/rollouts-demo:blue (stable)", "argoproj/rollouts-demo:yellow (canary)"]);
    let results = json!([{"successful": 4, "failed": 4}, {"inconclusive": 1, "error": 1}]);
    assert_eq!(counts(&decode_value(&json!({"status": {"metricResults": results}}))).info(), "✔ 4,✖ 4,? 1,⚠ 1");
}

#[test]
fn v11_an_experiment_before_any_canary_pod() {
    let spec = json!({"replicas": 5, "strategy": {"canary": {"steps": [{"experiment": {"duration": "1h"}}]}}});
    let status = json!({"observedGeneration": "1", "currentPodHash": "new", "stableRS": "old", "currentStepIndex": 0, "replicas": 5, "readyReplicas": 5, "availableReplicas": 5,
        "canary": {"currentExperiment": "e"}});
    let mut tried = set(0, "exp", "argoproj/rollouts-demo:blue", (1, 1, 1));
    tried["metadata"]["annotations"]["experiment.argoproj.io/template-name"] = json!("canary-preview");
    tried["metadata"]["ownerReferences"] = json!([{"uid": "ex"}]);
    let mut owned = sets(&[
        set(2, "new", "argoproj/rollouts-demo:blue", (0, 0, 0)),
        set(1, "old", "argoproj/rollouts-demo:green", (5, 5, 5)),
        tried,
    ]);
    owned.experiments = many(&[json!({"metadata": {"name": "e", "uid": "ex", "ownerReferences": [{"uid": "ro"}]},
        "spec": {"duration": "1h"}, "status": {"phase": "Running", "availableAt": "2026-01-07T23:30:00Z"}})]);
    let release = of_rollout(&rollout(&spec, &status), &owned, now());
    assert_eq!(said(&release), (Phase::Progressing, "more replicas need to be updated"));
    assert_eq!((step(&release), weights(&release)), (Some((0, 1)), Some((0, Some(0)))));
    assert_eq!(images(&release), ["argoproj/rollouts-demo:blue (Σ:canary-preview)", "argoproj/rollouts-demo:green (stable)"]);
    assert_eq!((release.waiting_for, release.until), (Some(WaitingFor::Experiment), "2026-01-08T00:30:00Z".parse().ok()));
    let line = timeline::timeline(&rollout(&spec, &status), &owned, now()).unwrap();
    assert_eq!((line.remaining, line.remaining_known), (Some(1800), true));
}

/// Base canary and base blue-green of the rules' own tests, changed by merging.
fn changed(blue_green: bool, change: &Value) -> Release {
    let canary = json!({"canary": {"steps": [{"setWeight": 10}, {"pause": {"duration": 60}}, {"setWeight": 20}]}});
    let mut object = json!({"metadata": {"name": "can-guestbook", "uid": "ro"},
        "spec": {"replicas": 5, "strategy": if blue_green { json!({"blueGreen": {}}) } else { canary }},
        "status": {"replicas": 4, "readyReplicas": 1, "updatedReplicas": 3, "availableReplicas": 2}});
    if !blue_green {
        object["status"]["currentStepIndex"] = json!(1);
    }
    json_patch::merge(&mut object, change);
    of_rollout(&decode_value(&object), &Belongings::default(), now())
}

/// The same with all five pods updated and available, promoted.
fn all(more: &Value) -> Value {
    let mut change = json!({"status": {"replicas": 5, "readyReplicas": 5, "updatedReplicas": 5, "availableReplicas": 5, "stableRS": "abc", "currentPodHash": "abc"}});
    json_patch::merge(&mut change, more);
    change
}

fn canary(change: &Value) -> (Phase, String) {
    let release = changed(false, change);
    (release.phase, release.message.to_string())
}

fn progressing(text: &str) -> (Phase, String) {
    (Phase::Progressing, text.to_owned())
}

#[test]
fn v14_to_v20_phases_by_rule() {
    let row = changed(false, &json!({}));
    assert_eq!((said(&row).0, step(&row), weights(&row).map(|(set, _)| set)), (Phase::Progressing, Some((1, 3)), Some(10)));
    assert_eq!(step(&changed(true, &json!({}))), None);
    let condition =
        json!({"status": {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}});
    assert_eq!(canary(&condition), (Phase::Degraded, "ProgressDeadlineExceeded: timed out".to_owned()));
    assert_eq!(canary(&json!({"spec": {"paused": true}})), (Phase::Paused, "manually paused".to_owned()));
    assert_eq!(
        canary(&json!({"status": {"updatedReplicas": 4, "availableReplicas": 4, "replicas": 5}})),
        progressing("more replicas need to be updated")
    );
    assert_eq!(
        canary(&json!({"status": {"updatedReplicas": 5, "availableReplicas": 4, "replicas": 5}})),
        progressing("updated replicas are still becoming available")
    );
    assert_eq!(
        canary(&json!({"status": {"updatedReplicas": 5, "availableReplicas": 5, "replicas": 7}})),
        progressing("old replicas are pending termination")
    );
}

#[test]
fn v21_to_v29_phases_by_rule() {
    let cutover = changed(
        true,
        &all(&json!({"status": {"blueGreen": {"activeSelector": "abc1234"}, "stableRS": "abc1234", "currentPodHash": "def5678"}})),
    );
    assert_eq!(said(&cutover), (Phase::Progressing, "active service cutover pending"));
    assert_eq!(
        canary(&json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "1"}})),
        progressing("waiting for rollout spec update to be observed")
    );
    let restart = json!({"spec": {"restartAt": "2026-01-01T00:00:00Z"}});
    assert_eq!(canary(&all(&restart)), progressing("rollout is restarting"));
    let mut restarted = all(&restart);
    restarted["status"]["restartedAt"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(canary(&restarted), (Phase::Healthy, String::new()));
    assert_eq!(canary(&all(&json!({}))), (Phase::Healthy, String::new()));
    assert_eq!(said(&changed(true, &all(&json!({"status": {"blueGreen": {"activeSelector": "abc"}}})))), (Phase::Healthy, ""));
    let paused = json!({"status": {"phase": "Paused", "message": "canary pause", "controllerPause": true, "pauseConditions": [{"reason": "CanaryPauseStep"}]}});
    assert_eq!(canary(&paused), (Phase::Paused, "canary pause".to_owned()));
    let mut resumed = paused;
    resumed["status"]["pauseConditions"] = json!([]);
    assert_eq!(canary(&resumed), progressing("waiting for rollout to unpause"));
}

#[test]
fn v24_an_object_that_nobody_looked_after() {
    let bare = rollout(
        &json!({"strategy": {"canary": {}}}),
        &json!({"stableRS": "abc1234", "currentPodHash": "abc1234", "observedGeneration": "1"}),
    );
    assert_eq!(said(&of_rollout(&bare, &Belongings::default(), now())), (Phase::Progressing, "more replicas need to be updated"));
    let manifest = rollout(&json!({"strategy": {"canary": {"steps": [{"setWeight": 20}]}}}), &json!({}));
    let release = of_rollout(&manifest, &Belongings::default(), now());
    assert_eq!(said(&release), (Phase::Progressing, "more replicas need to be updated"));
    assert_eq!((step(&release), weights(&release), release.shown_weight), (None, Some((20, Some(0))), None));
    assert_eq!(release.waiting_for, Some(WaitingFor::Controller));
}

#[test]
fn blue_green_after_the_switch() {
    let switched = |strategy: Value, run: Value| {
        let status = json!({"observedGeneration": "1", "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "currentPodHash": "new", "stableRS": "old",
            "blueGreen": {"activeSelector": "new", "postPromotionAnalysisRunStatus": run}});
        of_rollout(&rollout(&json!({"strategy": {"blueGreen": strategy}}), &status), &Belongings::default(), now())
            .message
            .to_string()
    };
    let analysed = json!({"postPromotionAnalysis": {"templates": []}});
    assert_eq!(switched(json!({}), Value::Null), "waiting for post-promotion verification to complete");
    assert_eq!(switched(analysed.clone(), Value::Null), "waiting for analysis to complete");
    assert_eq!(switched(analysed.clone(), json!({"status": "Running"})), "waiting for analysis to complete");
    assert_eq!(switched(analysed, json!({"status": "Successful"})), "waiting for post-promotion verification to complete");
}

#[test]
fn v31_generations_that_count_as_observed() {
    for (observed, generation, expected) in
        [("invalid", 5, true), ("10", 9, true), ("10", 10, true), ("10", 11, false), ("", 3, true)]
    {
        let rollout: Rollout =
            decode_value(&json!({"metadata": {"generation": generation}, "status": {"observedGeneration": observed}}));
        assert_eq!(super::phase::generation_observed(&rollout), expected, "{observed} {generation}");
    }
}

#[test]
fn weights_out_of_another_maximum() {
    let routed = |status: Value| {
        let canary = json!({"steps": [{"setWeight": 300}, {"pause": {}}, {"setWeight": 600}], "trafficRouting": {"plugins": {}, "maxTrafficWeight": 1000}});
        of_rollout(&rollout(&json!({"strategy": {"canary": canary}}), &status), &Belongings::default(), now())
    };
    let middle = json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, "availableReplicas": 1, "canary": {"weights": {"canary": {"weight": 300}}}});
    let release = routed(middle.clone());
    assert_eq!((weights(&release), release.shown_weight, release.next_weight), (Some((300, Some(300))), Some(30), Some(60)));
    let mut unknown = middle.clone();
    unknown["canary"] = json!({});
    assert_eq!((weights(&routed(unknown.clone())), routed(unknown).shown_weight), (Some((300, Some(300))), None));
    let mut aborted = middle.clone();
    aborted["abort"] = json!(true);
    aborted["currentStepIndex"] = json!(0);
    assert_eq!(weights(&routed(aborted)), Some((0, Some(300))));
    let done = json!({"currentPodHash": "b", "stableRS": "b", "currentStepIndex": 3, "availableReplicas": 1, "canary": {"weights": {"canary": {"weight": 0}}}});
    assert_eq!((weights(&routed(done.clone())), routed(done).shown_weight), (Some((1000, Some(1000))), Some(100)));
}

#[test]
fn basic_weights_are_cut_to_whole_numbers() {
    let spec = json!({"replicas": 3, "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}});
    let status = json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, "availableReplicas": 3});
    let release = of_rollout(&rollout(&spec, &status), &sets(&[set(2, "b", "x", (2, 2, 2)), set(1, "a", "x", (1, 1, 1))]), now());
    assert_eq!((weights(&release), release.shown_weight), (Some((50, Some(66))), Some(66)));
    assert_eq!(
        (release.revision, release.stable_revision, images(&release)),
        (Some(2), Some(1), vec!["x (canary,stable)".to_owned()])
    );
}

#[test]
fn ping_and_pong() {
    let roles = |stable: &str| {
        let spec = json!({"strategy": {"canary": {"pingPong": {"pingService": "a", "pongService": "b"}, "trafficRouting": {}}}});
        let status = json!({"currentPodHash": "new", "stableRS": "old", "canary": {"stablePingPong": stable}});
        let owned = sets(&[set(2, "new", "y", (1, 1, 1)), set(1, "old", "x", (1, 1, 1)), set(3, "gone", "z", (1, 1, 1))]);
        images(&of_rollout(&rollout(&spec, &status), &owned, now()))
    };
    assert_eq!(roles("ping"), ["x (stable,ping)", "y (canary,pong)", "z ()"]);
    assert_eq!(roles(""), ["x (stable,pong)", "y (canary,ping)", "z ()"]);
}

fn judged(metric: &Value, result: &Value, ending: bool) -> (&'static str, String) {
    let assessment =
        assess(&serde_json::from_value(metric.clone()).unwrap(), &serde_json::from_value(result.clone()).unwrap(), ending);
    (assessment.phase, assessment.reason.to_string())
}

/// What a metric comes to while its run goes on, and when it is being ended.
fn both(metric: &Value, result: &Value) -> (&'static str, &'static str) {
    (judged(metric, result, false).0, judged(metric, result, true).0)
}

/// A metric that is measured without end.
fn every(more: &Value) -> Value {
    let mut metric = json!({"interval": "60s"});
    json_patch::merge(&mut metric, more);
    metric
}

#[test]
fn a1_to_a8_metrics_against_their_limits() {
    assert_eq!(both(&every(&json!({"failureLimit": 2})), &json!({"failed": 3})), ("Failed", "Failed"));
    assert_eq!(both(&every(&json!({"failureLimit": 3})), &json!({"failed": 3})), ("Running", "Successful"));
    assert_eq!(both(&every(&json!({"failureLimit": "-1"})), &json!({"failed": 30})), ("Running", "Successful"));
    assert_eq!(both(&every(&json!({"inconclusiveLimit": 2})), &json!({"inconclusive": 3})), ("Inconclusive", "Inconclusive"));
    assert_eq!(both(&every(&json!({"inconclusiveLimit": 3})), &json!({"inconclusive": 3})), ("Running", "Successful"));
    assert_eq!(both(&every(&json!({})), &json!({"consecutiveError": 5})), ("Error", "Error"));
    assert_eq!(both(&every(&json!({})), &json!({"consecutiveError": 4})), ("Running", "Successful"));
}

#[test]
fn a6_and_a8_counts_and_reasons() {
    assert_eq!(both(&json!({"count": 10}), &json!({"count": 10, "successful": 10})), ("Successful", "Successful"));
    assert_eq!(
        both(&json!({"count": 10}), &json!({"count": 10, "successful": 5, "inconclusive": 5})),
        ("Inconclusive", "Inconclusive")
    );
    assert_eq!(judged(&json!({}), &json!({"failed": 1}), false).1, "failed (1) > failureLimit (0)");
    assert_eq!(judged(&json!({}), &json!({"inconclusive": 1}), false).1, "inconclusive (1) > inconclusiveLimit (0)");
    assert_eq!(judged(&json!({}), &json!({"consecutiveError": 5}), false).1, "consecutiveErrors (5) > consecutiveErrorLimit (4)");
}

/// Keys that the arithmetic looks at.
const KEYS: &str = "spec status metadata strategy canary blueGreen steps setWeight pause duration replicas conditions reason type \
    pauseConditions startTime currentStepIndex availableReplicas updatedReplicas weights weight currentPodHash \
    stableRS abort trafficRouting maxTrafficWeight analysis stepWeight stepWeights canaryWeight phase iterations \
    interval autoPromotionSeconds progressDeadlineSeconds lastUpdateTime creationTimestamp experiment generation \
    observedGeneration paused";

/// JSON that looks like the real thing in its keys and is anything at all in its values.
fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9]{0,6}".prop_map(Value::from),
        prop_oneof![
            Just("abc"),
            Just("RolloutAborted"),
            Just("CanaryPauseStep"),
            Just("9223372036854775807h"),
            Just("9999-12-30T22:00:00Z"),
            Just("Paused"),
            Just("-9999-01-02T01:59:59Z")
        ]
        .prop_map(Value::from),
    ];
    let keys = prop::sample::select(KEYS.split_whitespace().collect::<Vec<_>>());
    leaf.prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(keys.clone(), inner, 0..8).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_in_an_object_panics(spec in odd_value(), status in odd_value(), owned in odd_value(), child in odd_value()) {
        let mut child = json!({"metadata": {"ownerReferences": [{"uid": "ro"}], "labels": {"rollouts-pod-template-hash": "abc"}}, "spec": child, "status": owned});
        child["metadata"]["uid"] = json!("ro");
        let object = json!({"metadata": {"name": "a", "uid": "ro", "creationTimestamp": "-9999-01-02T01:59:59Z"}, "spec": spec, "status": status});
        let one = std::slice::from_ref(&child);
        let belongings = Belongings { replica_sets: many(one), pods: many(one), analysis_runs: many(one), experiments: many(one), events: many(one) };
        let (rollout, canary): (Rollout, Canary) = (decode_value(&object), decode_value(&object));
        let _ = of_rollout(&rollout, &belongings, now());
        let _ = of_canary(&canary, &belongings, now());
        let _ = tree::revisions(&rollout, &belongings);
        let _ = tree::events(&belongings);
        let _ = timeline::timeline(&rollout, &belongings, now());
        let _ = super::signs::progress_deadline(&rollout);
    }
}
