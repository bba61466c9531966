//! Sentences over made-up objects; the recorded ones are read in `tests/captures_read.rs`.

use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::domain::object::decode_value;

fn now() -> Timestamp {
    "2026-01-01T00:03:00Z".parse().unwrap()
}

/// A canary in the middle of its update, with one pod that looks as given.
fn with_pod(pod: &Value, events: &[(&str, &str)]) -> Option<String> {
    let rollout = json!({
        "metadata": {"name": "gateway", "uid": "ro"},
        "spec": {"replicas": 5, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}},
        "status": {"currentPodHash": "6f4c", "stableRS": "59d8", "currentStepIndex": 0, "phase": "Progressing", "message": "more replicas need to be updated"},
    });
    let set = json!({"metadata": {"name": "gateway-6f4c", "uid": "rs", "labels": {"rollouts-pod-template-hash": "6f4c"}, "ownerReferences": [{"uid": "ro"}]},
        "spec": {"replicas": 1}, "status": {"replicas": 1}});
    let mut pod = pod.clone();
    pod["metadata"] = json!({"name": "gateway-6f4c-x2", "uid": "po", "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": [{"uid": "rs"}]});
    let event = |(reason, message): &(&str, &str)| {
        Arc::new(decode_value(&json!({"involvedObject": {"uid": "po"}, "type": "Warning", "reason": reason, "message": message})))
    };
    let belongings = Belongings {
        replica_sets: vec![Arc::new(decode_value(&set))],
        pods: vec![Arc::new(decode_value(&pod))],
        events: events.iter().map(event).collect(),
        ..Belongings::default()
    };
    of_rollout(&decode_value(&rollout), &belongings, now()).map(|why| why.to_string())
}

fn container(state: &Value) -> Value {
    let mut container = state.clone();
    container["name"] = "gateway".into();
    json!({"spec": {"containers": [{"name": "gateway", "image": "gateway:v1.3.0"}]}, "status": {"phase": "Pending", "containerStatuses": [container]}})
}

#[test]
fn images_that_cannot_be_pulled() {
    let back_off = container(
        &json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"gateway:v1.3.0\""}}}),
    );
    let event = [(
        "Failed",
        "Failed to pull image \"gateway:v1.3.0\": rpc error: code = NotFound desc = failed to resolve: gateway:v1.3.0: not found",
    )];
    assert_eq!(with_pod(&back_off, &event).unwrap(), "canary pod gateway-6f4c-x2 cannot pull gateway:v1.3.0: not found, for 3m");
    assert_eq!(with_pod(&back_off, &[]).unwrap(), "canary pod gateway-6f4c-x2 cannot pull gateway:v1.3.0, for 3m");
    let denied = container(
        &json!({"state": {"waiting": {"reason": "ErrImagePull", "message": "failed to authorize: 401 Unauthorized: x"}}}),
    );
    assert!(with_pod(&denied, &[]).unwrap().contains("cannot pull gateway:v1.3.0: the registry refuses access"));
    let invalid = container(&json!({"state": {"waiting": {"reason": "InvalidImageName"}}}));
    assert!(with_pod(&invalid, &[]).unwrap().contains("has an invalid image name, gateway:v1.3.0"));
}

#[test]
fn containers_that_crash() {
    let crash = |ended: Value| {
        container(
            &json!({"restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}),
        )
    };
    let why = with_pod(&crash(json!({"exitCode": 1, "reason": "Error", "message": "panic: no config\n"})), &[]).unwrap();
    assert_eq!(why, "canary pod gateway-6f4c-x2 crashes with exit code 1: panic: no config, 4 restarts, for 3m");
    let why = with_pod(&crash(json!({"exitCode": 137, "reason": "OOMKilled"})), &[]).unwrap();
    assert_eq!(why, "canary pod gateway-6f4c-x2 is killed for using more memory than its limit, 4 restarts, for 3m");
}

#[test]
fn pods_that_do_not_get_as_far() {
    let refused = json!({"spec": {}, "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu."}]}});
    assert_eq!(
        with_pod(&refused, &[]).unwrap(),
        "canary pod gateway-6f4c-x2 cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu, for 3m"
    );
    let config = container(
        &json!({"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "configmap \"web\" not found"}}}),
    );
    assert!(with_pod(&config, &[]).unwrap().contains("cannot start: configmap \"web\" not found"));
    let creating = container(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}}));
    let mount = [("FailedMount", "MountVolume.SetUp failed for volume \"tls\": secret \"tls\" not found")];
    assert!(with_pod(&creating, &mount).unwrap().contains("does not start: MountVolume.SetUp failed"));
    let init = json!({"spec": {"initContainers": [{"name": "migrate"}], "containers": [{"name": "web"}]},
        "status": {"phase": "Pending", "initContainerStatuses": [{"name": "migrate", "state": {"running": {}}}], "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}});
    assert!(with_pod(&init, &[]).unwrap().contains("waits for init container migrate"));
    let unready = container(&json!({"state": {"running": {}}, "started": true}));
    let probe = [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")];
    assert!(
        with_pod(&unready, &probe)
            .unwrap()
            .contains("is not ready: Readiness probe failed: HTTP probe failed with statuscode: 500")
    );
}

#[test]
fn a_pod_that_is_well_or_just_starts_is_no_reason() {
    let ready = json!({"spec": {}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    assert_eq!(with_pod(&ready, &[]), None);
    let young = json!({"spec": {}, "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:02:30Z"}]}});
    assert_eq!(with_pod(&young, &[]), None);
}

fn alone(rollout: &Value) -> Option<String> {
    of_rollout(&decode_value(rollout), &Belongings::default(), now()).map(|why| why.to_string())
}

#[test]
fn what_the_rollout_itself_tells() {
    let fresh = json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:02:50Z"}});
    assert_eq!(alone(&fresh), None);
    let forgotten = json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}});
    assert!(alone(&forgotten).unwrap().starts_with("no controller has looked at it since it was created 3m ago"));
    let of =
        |status: Value, spec: Value| alone(&json!({"metadata": {"name": "a", "generation": 4}, "spec": spec, "status": status}));
    let none = || json!({});
    assert!(of(json!({"observedGeneration": "3", "currentPodHash": "a"}), none()).unwrap().contains("generation 4, it is at 3"));
    let invalid =
        json!({"conditions": [{"type": "InvalidSpec", "message": "The Rollout \"a\" is invalid: spec.replicas: too many"}]});
    assert_eq!(of(invalid, none()).unwrap(), "the controller refuses the spec: spec.replicas: too many");
    let progressing = |reason: &str, message: &str| {
        json!({"abort": reason == "RolloutAborted", "abortedAt": "2026-01-01T00:00:00Z", "currentPodHash": "a", "phase": "Degraded",
        "conditions": [{"type": "Progressing", "reason": reason, "message": message}]})
    };
    assert_eq!(
        of(progressing("RolloutAborted", "Rollout aborted update to revision 2"), none()).unwrap(),
        "aborted by request; no reason is recorded"
    );
    let plugin = "Rollout aborted update to revision 2: Step Plugin 1 (acme) failed: no";
    assert_eq!(of(progressing("RolloutAborted", plugin), none()).unwrap(), "aborted: Step Plugin 1 (acme) failed: no");
    let late = progressing("ProgressDeadlineExceeded", "ReplicaSet \"x\" has timed out progressing.");
    assert_eq!(of(late, json!({"progressDeadlineSeconds": 60})).unwrap(), "no progress within 60s");
    let unverified = json!({"currentPodHash": "a", "stableRS": "b", "phase": "Progressing", "currentStepIndex": 0, "canary": {"weights": {"verified": false}}});
    let steps = json!({"strategy": {"canary": {"steps": [{"setWeight": 20}]}}});
    assert_eq!(of(unverified, steps).unwrap(), "the load balancer has not confirmed the weight of 20 yet");
    let quota = json!({"currentPodHash": "a", "stableRS": "b", "phase": "Progressing", "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}]});
    assert_eq!(of(quota, none()).unwrap(), "pods cannot be created: exceeded quota: small");
}

#[test]
fn an_abort_by_request_says_who_and_why_where_that_was_noted() {
    let aborted = |noted_at: &str| {
        let note = json!({"by": "dana@laptop", "verb": "rollback", "at": noted_at, "reason": "errors 4 %"}).to_string();
        let rollout = json!({
            "metadata": {"name": "gateway", "uid": "ro", "annotations": {"pilothouse.dev/last-action": note}},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}]}}},
            "status": {"phase": "Degraded", "currentPodHash": "b", "stableRS": "a", "abort": true, "abortedAt": "2026-01-01T00:00:00Z",
                "conditions": [{"type": "Progressing", "reason": "RolloutAborted", "message": "Rollout aborted update to revision 2"}]},
        });
        of_rollout(&decode_value(&rollout), &Belongings::default(), now()).map(|why| why.to_string())
    };
    assert_eq!(aborted("2026-01-01T00:00:01Z").as_deref(), Some("aborted by dana@laptop: errors 4 %"));
    assert_eq!(aborted("2025-12-31T20:00:00Z").as_deref(), Some("aborted by request; no reason is recorded"));
}
