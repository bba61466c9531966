//! Canaries without a router: steps, pauses, aborts, scaling, a third revision.

use serde_json::json;

use super::{Stage, canary, pods};
use crate::demo::Resource;

#[test]
fn an_abort_and_a_retry_begin_again_at_the_first_step() {
    let mut stage = Stage::with(
        &json!({ "replicas": 2, "strategy": canary(&json!([{ "setWeight": 50 }, { "pause": { "duration": "3s" } }]))["strategy"] }),
    );
    let before = stage.store.version();
    stage.set_image("web:2");
    assert_eq!(stage.phase(), "Progressing: more replicas need to be updated");
    stage.pass(3);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 1), ("web:2", 1)])));
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!(stage.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
    assert_eq!(stage.status("/currentStepIndex"), 0);
    stage.pass(3);
    assert_eq!(stage.pods(), pods(&[("web:1", 2)]));
    stage.patch(&json!({ "status": { "abort": false } }));
    stage.pass(3);
    assert_eq!(stage.phase(), "Paused: CanaryPauseStep");
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:2", 2)])));
    let mut reasons = stage.reasons(before);
    reasons.dedup();
    let wanted = [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "ScalingReplicaSet",
        "RolloutStepCompleted",
        "RolloutPaused",
        "ScalingReplicaSet",
        "RolloutAborted",
        "ScalingReplicaSet",
        "RolloutStepCompleted",
        "RolloutPaused",
        "RolloutStepCompleted",
        "RolloutResumed",
        "ScalingReplicaSet",
        "RolloutCompleted",
    ];
    assert_eq!(reasons, wanted);
}

#[test]
fn scaling_goes_on_during_a_steps_pause() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }])));
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!(stage.pods(), pods(&[("web:1", 3), ("web:2", 1)]));
    stage.patch(&json!({ "spec": { "replicas": 8 } }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 6), ("web:2", 2)])));
    stage.patch(&json!({ "spec": { "replicas": 4 } }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 3), ("web:2", 1)])));
}

#[test]
fn a_third_revision_begins_with_the_same_stable() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }])));
    let stable = stage.status("/stableRS");
    stage.set_image("web:2");
    stage.pass(5);
    stage.set_image("web:3");
    stage.pass(5);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 3), ("web:3", 1)])));
    assert_eq!((stage.status("/stableRS"), stage.status("/currentStepIndex")), (stable, json!(1)));
    assert_eq!(stage.rollout()["metadata"]["annotations"]["rollout.argoproj.io/revision"], "3");
}

#[test]
fn a_hold_of_a_healthy_rollout_is_no_pause_of_an_update() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }])));
    stage.patch(&json!({ "spec": { "paused": true } }));
    stage.pass(5);
    assert_eq!(stage.phase(), "Paused: manually paused");
    let conditions = stage.status("/conditions");
    assert!(conditions.as_array().unwrap().iter().all(|c| c["type"] != "Progressing" || c["reason"] != "RolloutPaused"));
    stage.patch(&json!({ "spec": { "paused": false } }));
    assert_eq!(stage.phase(), "Healthy");
}

#[test]
fn a_hold_stops_scaling_too() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }])));
    stage.set_image("web:2");
    stage.pass(5);
    stage.patch(&json!({ "spec": { "paused": true } }));
    stage.patch(&json!({ "spec": { "replicas": 8 } }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: manually paused".to_owned(), pods(&[("web:1", 3), ("web:2", 1)])));
    stage.patch(&json!({ "spec": { "paused": false } }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 6), ("web:2", 2)])));
}

#[test]
fn two_promotes_before_the_controller_reacts_are_one_and_a_late_one_skips_a_step() {
    let steps =
        json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }, { "setWeight": 75 }, { "pause": {} }]);
    let mut stage = Stage::with(&canary(&steps));
    stage.set_image("web:2");
    stage.pass(5);
    let at = (super::NAMESPACE, "web");
    for _ in 0..2 {
        stage.store.patch(Resource::Rollout, at, &json!({ "status": { "pauseConditions": null } })).unwrap();
    }
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Paused: CanaryPauseStep".to_owned(), json!(3)));
    stage.promote();
    // Read now, nothing is paused: what the plugin sends then skips the step that scales.
    assert_eq!(stage.status("/currentStepIndex"), 4);
    stage.patch(&json!({ "status": { "pauseConditions": null, "currentStepIndex": 5 } }));
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Paused: CanaryPauseStep".to_owned(), json!(5)));
}

#[test]
fn a_full_promotion_beats_an_abort() {
    let mut stage = Stage::with(&canary(&json!([{ "pause": { "duration": "24h" } }, { "pause": {} }])));
    stage.set_image("web:2");
    stage.pass(2);
    assert_eq!(stage.phase(), "Paused: CanaryPauseStep");
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!(stage.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
    stage.patch(&json!({ "status": { "promoteFull": true } }));
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.pass(15);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:2", 4)])));
    assert_eq!((stage.status("/promoteFull"), stage.status("/abort")), (json!(null), json!(null)));
}

#[test]
fn an_abort_of_a_promoted_rollout_is_taken_back() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }])));
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!((stage.phase(), stage.status("/abort")), ("Healthy".to_owned(), json!(null)));
}

#[test]
fn a_deadline_may_abort() {
    let more = json!({ "progressDeadlineSeconds": 20, "progressDeadlineAbort": true, "strategy": { "canary": { "steps": [{ "setWeight": 25 }, { "pause": {} }] } } });
    let mut stage = Stage::with(&more);
    stage.set_image("web:bad");
    stage.pass(15);
    assert_eq!(stage.phase(), "Progressing: more replicas need to be updated");
    stage.pass(15);
    let name = format!("web-{}", stage.status("/currentPodHash").as_str().unwrap());
    let said =
        format!("Degraded: RolloutAborted: Rollout aborted update to revision 2: ReplicaSet \"{name}\" has timed out progressing.");
    assert_eq!((stage.phase(), stage.pods()), (said, pods(&[("web:1", 4)])));
}

#[test]
fn a_rollout_of_another_controller_is_left_alone() {
    let mut stage = Stage::new();
    let labels = json!({ "argo-rollouts.argoproj.io/controller-instance-id": "elsewhere" });
    let spec = super::rollout(&canary(&json!([{ "setWeight": 25 }])));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web", "labels": labels }, "spec": spec }));
    stage.pass(30);
    assert_eq!((stage.rollout()["status"].is_null(), stage.pods()), (true, Vec::new()));
}

#[test]
fn a_restart_replaces_old_pods_one_by_one() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }])));
    let names = |stage: &Stage| {
        let pods = stage.store.list(Resource::Pod, None).filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        pods.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let old = names(&stage);
    stage.patch(&json!({ "spec": { "restartAt": stage.now.to_string() } }));
    assert_eq!(stage.phase(), "Progressing: rollout is restarting");
    let there = names(&stage);
    assert_eq!(old.iter().filter(|name| there.contains(name)).count(), 3, "one is taken at a time");
    stage.pass(20);
    assert_eq!(stage.phase(), "Healthy");
    assert!(names(&stage).iter().all(|name| !old.contains(name)));
    assert_eq!(stage.status("/restartedAt"), stage.rollout()["spec"]["restartAt"]);
}
