//! What verbs offer in each state, what is sent for them, and when their effects count as seen.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::offer::Either;
use super::request::{ALREADY, Fresh, missing, needs, request};
use super::until::{Stand, stand};
use super::*;
use crate::domain::belongings::Belongings;
use crate::domain::object::{Canary, Rollout, decode_value};
use crate::domain::release::{of_canary, of_rollout};

const NOW: &str = "2026-01-01T00:10:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A canary at the pause of its third step, of five.
fn paused() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 1, "annotations": {"rollout.argoproj.io/revision": "3"}},
        "spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "main", "image": "registry.example/shop/web:v3"}]}},
            "strategy": {"canary": {"trafficRouting": {}, "steps": [{"setWeight": 25}, {"analysis": {}}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "10m"}}]}}},
        "status": {"phase": "Paused", "message": "CanaryPauseStep", "observedGeneration": "1", "currentPodHash": "c", "stableRS": "b", "currentStepIndex": 2,
            "controllerPause": true, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:05:00Z"}],
            "replicas": 5, "updatedReplicas": 1, "readyReplicas": 5, "availableReplicas": 5,
            "canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}}}},
    })
}

fn changed(mut object: Value, change: &Value) -> Value {
    json_patch::merge(&mut object, change);
    object
}

fn under_way() -> Value {
    changed(
        paused(),
        &json!({"status": {"phase": "Progressing", "message": "", "currentStepIndex": 1, "controllerPause": null, "pauseConditions": null}}),
    )
}

fn aborted() -> Value {
    let conditions = json!([{"type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": "Rollout aborted update to revision 3"}]);
    changed(
        under_way(),
        &json!({"status": {"phase": "Degraded", "currentStepIndex": 0, "abort": true, "abortedAt": NOW, "conditions": conditions,
        "canary": {"weights": {"canary": {"weight": 0}}}}}),
    )
}

fn healthy() -> Value {
    changed(
        under_way(),
        &json!({"status": {"phase": "Healthy", "stableRS": "c", "currentStepIndex": 5, "updatedReplicas": 4, "replicas": 4}}),
    )
}

fn set(revision: i64, hash: &str, image: &str) -> Value {
    json!({"metadata": {"name": format!("web-{hash}"), "namespace": "shop", "uid": format!("rs-{hash}"), "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()}, "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u", "controller": true}]},
        "spec": {"replicas": 4, "template": {"metadata": {"labels": {"app": "web", "rollouts-pod-template-hash": hash}}, "spec": {"containers": [{"name": "main", "image": image}]}}},
        "status": {"replicas": 4, "availableReplicas": 4}})
}

fn belongings() -> Belongings {
    let sets = [set(1, "a", "web:v1"), set(2, "b", "web:v2"), set(3, "c", "web:v3")];
    Belongings { replica_sets: sets.iter().map(|set| Arc::new(decode_value(set))).collect(), ..Belongings::default() }
}

fn offered_with(verb: Verb, object: &Value, memory: &Memory, belongings: &Belongings) -> Result<Offer, String> {
    let rollout: Rollout = decode_value(object);
    let release = of_rollout(&rollout, belongings, now());
    let subject = Subject { object: Either::Rollout(&rollout), belongings, release: &release, memory, now: now() };
    let parameters = Parameters { image: Some(("main".into(), "web:v4".into())), ..Parameters::default() };
    offer(verb, &subject, &parameters)
}

fn offered(verb: Verb, object: &Value) -> Result<Offer, String> {
    offered_with(verb, object, &Memory::default(), &belongings())
}

fn first(verb: Verb, object: &Value) -> Plan {
    offered(verb, object).unwrap().plans.remove(0)
}

fn does(plan: &Plan) -> Vec<Do> {
    plan.steps.iter().map(|step| step.does.clone()).filter(|does| !matches!(does, Do::Await(_))).collect()
}

#[test]
fn which_verbs_a_state_allows_and_why_not_the_others() {
    use Verb::{Abort, Hold, Promote, PromoteFull, Restart, Resume, Retry, RollBack, SetImage, SkipStep, TerminateAnalysis};
    let held = |object: Value| changed(object, &json!({"spec": {"paused": true}}));
    let running = json!({"status": {"canary": {"currentStepAnalysisRunStatus": {"name": "web-run", "status": "Running"}}}});
    let states: [(&str, Value, &[Verb]); 11] = [
        ("paused", paused(), &[Promote, PromoteFull, Hold, Abort, RollBack, Restart, SetImage]),
        ("paused and held", held(paused()), &[Promote, PromoteFull, Resume, Abort, RollBack, Restart, SetImage]),
        (
            "in an analysis",
            changed(under_way(), &running),
            &[PromoteFull, Hold, Abort, RollBack, Restart, SkipStep, SetImage, TerminateAnalysis],
        ),
        ("held under way", held(under_way()), &[PromoteFull, Resume, Abort, RollBack, Restart, SetImage]),
        ("aborted", aborted(), &[Retry, RollBack, Restart, SetImage]),
        ("aborted and held", held(aborted()), &[Resume, Retry, RollBack, Restart, SetImage]),
        ("healthy", healthy(), &[RollBack, Restart, SetImage]),
        (
            "resuming",
            changed(paused(), &json!({"status": {"pauseConditions": null}})),
            &[PromoteFull, Hold, Abort, RollBack, Restart, SetImage],
        ),
        ("stale", changed(paused(), &json!({"metadata": {"generation": 2}})), &[Hold, Abort, RollBack, Restart, SetImage]),
        ("first deployment", changed(under_way(), &json!({"status": {"stableRS": null}})), &[Hold, Restart, SetImage]),
        (
            "promoting full",
            changed(under_way(), &json!({"status": {"promoteFull": true}})),
            &[Hold, Abort, RollBack, Restart, SetImage],
        ),
    ];
    for (name, object, allowed) in states {
        for verb in Verb::ALL {
            let offer = offered(verb, &object);
            assert_eq!(offer.is_ok(), allowed.contains(&verb), "{verb} while {name}: {offer:?}");
            assert!(offer.is_ok() || offer.unwrap_err().len() > 8, "{verb} while {name} says why");
        }
    }
}

#[test]
fn a_reason_names_what_is_in_the_way() {
    let why = |verb, object: &Value| offered(verb, object).unwrap_err();
    assert_eq!(why(Verb::Promote, &under_way()), "it waits for nobody: step 2 (analysis) is under way");
    assert_eq!(why(Verb::Promote, &healthy()), "nothing is on its way: the newest revision is stable");
    assert_eq!(why(Verb::PromoteFull, &aborted()), "it is aborted: retry it, or roll back");
    assert_eq!(why(Verb::Resume, &paused()), "it is not held, it waits at a pause: promote it");
    assert_eq!(why(Verb::SkipStep, &paused()), "it waits at a pause: promote it");
    assert_eq!(why(Verb::Retry, &paused()), "it is not aborted");
}

#[test]
fn the_button_names_the_effect() {
    assert_eq!(&*first(Verb::Promote, &paused()).effect, "promote 25→50 %");
    assert_eq!(&*first(Verb::PromoteFull, &paused()).effect, "promote 25→100 %");
    assert_eq!(&*first(Verb::SkipStep, &under_way()).effect, "skip analysis");
    let resume = first(Verb::Resume, &changed(paused(), &json!({"spec": {"paused": true}, "status": {"currentStepIndex": 4}})));
    assert_eq!(&*resume.after, "waits 5:00, then 25→100 %".replace("waits 5:00,", "waits 5:00 more,"));
    let late = json!({"spec": {"paused": true}, "status": {"currentStepIndex": 4, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}});
    assert_eq!(&*first(Verb::Resume, &changed(paused(), &late)).after, "the pause's timer has run out: goes on at once, 25→100 %");
}

#[test]
fn nobody_elses_release_is_aborted_and_restored() {
    let restore = Do::Restore { hash: "b".into(), set: "web-b".into() };
    assert_eq!(does(&first(Verb::RollBack, &paused())), [Do::Abort, restore.clone()]);
    let held = changed(paused(), &json!({"spec": {"paused": true}}));
    assert_eq!(
        does(&first(Verb::RollBack, &held)),
        [Do::Abort, Do::Hold(false), restore.clone()],
        "the hold is lifted after the abort"
    );
    assert_eq!(does(&first(Verb::RollBack, &aborted())), [restore]);
}

/// While it is held the controller forgets a pause that was ended: a step that is set it does not forget.
#[test]
fn a_held_canary_is_promoted_to_its_next_step_and_others_after_their_hold() {
    let held = json!({"spec": {"paused": true}});
    assert_eq!(does(&first(Verb::Promote, &paused())), [Do::LiftPauses]);
    assert_eq!(does(&first(Verb::Promote, &changed(paused(), &held))), [Do::StepTo(3), Do::Hold(false)]);
    let mut blue_green = changed(paused(), &held);
    blue_green["spec"]["strategy"] = json!({"blueGreen": {"activeService": "a", "autoPromotionEnabled": false}});
    assert_eq!(does(&first(Verb::Promote, &blue_green)), [Do::Hold(false), Do::LiftPauses]);
    assert_eq!(does(&first(Verb::PromoteFull, &changed(paused(), &held))), [Do::PromoteFull, Do::Hold(false)]);
}

#[test]
fn what_git_keeps_is_only_aborted_unless_its_sync_is_known_to_be_manual() {
    let kept = changed(
        paused(),
        &json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:shop/web"}}}),
    );
    let offer = offered(Verb::RollBack, &kept).unwrap();
    assert_eq!(does(&offer.plans[0]), [Do::Abort]);
    assert!(offer.plans[0].left.as_ref().unwrap().contains("stays Degraded on purpose"));
    assert!(offer.plans[1].draft.as_ref().unwrap().contains("shop/web") && !offer.plans[1].writes());
    let mut memory =
        Memory { owner: Owner { sync: Sync::Automatic, application: Some(("argocd".into(), "shop".into())) }, ..Memory::default() };
    let automatic = offered_with(Verb::RollBack, &kept, &memory, &belongings()).unwrap();
    assert_eq!(does(&automatic.plans[0]), [Do::Abort]);
    let paused_sync =
        automatic.plans.iter().find(|plan| does(plan).iter().any(|does| matches!(does, Do::PauseSync { .. }))).unwrap();
    assert!(matches!(does(paused_sync)[..], [Do::Abort, Do::PauseSync { .. }, Do::Restore { .. }]), "traffic first");
    memory.owner.sync = Sync::Manual;
    assert!(matches!(
        does(&offered_with(Verb::RollBack, &kept, &memory, &belongings()).unwrap().plans[0])[..],
        [Do::Abort, Do::Restore { .. }]
    ));
}

#[test]
fn after_promotion_the_way_back_is_what_was_stable_and_never_a_guess() {
    let unknown = offered(Verb::RollBack, &healthy()).unwrap();
    assert!(unknown.choose, "two earlier revisions, and nobody knows which was stable");
    let memory = Memory { stable_before: vec![StableBefore { hash: "a".into(), at: now() }], ..Memory::default() };
    let known = offered_with(Verb::RollBack, &healthy(), &memory, &belongings()).unwrap();
    assert!(!known.choose);
    assert_eq!(known.plans[0].target.as_ref().unwrap().revision, 1, "not the second highest");
    assert!(matches!(does(&known.plans[0])[..], [Do::Restore { .. }, Do::PromoteFull]));
    assert!(matches!(does(&known.plans[1])[..], [Do::Restore { .. }]), "through its steps, if that is wanted");
    let mut told = belongings();
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"uid": "u"}, "reason": "RolloutCompleted", "lastTimestamp": NOW,
        "message": "Rollout completed update to revision 2 (b): Completed all 5 canary steps"});
    told.events.push(Arc::new(decode_value(&event)));
    let known = offered_with(Verb::RollBack, &healthy(), &Memory::default(), &told).unwrap();
    assert_eq!((known.choose, known.plans[0].target.as_ref().unwrap().revision), (false, 2));
    let only = Belongings { replica_sets: belongings().replica_sets.into_iter().skip(1).collect(), ..Belongings::default() };
    assert!(!offered_with(Verb::RollBack, &healthy(), &Memory::default(), &only).unwrap().choose, "there is only one");
}

#[test]
fn a_rollback_window_spares_the_full_promotion() {
    let windowed = changed(healthy(), &json!({"spec": {"rollbackWindow": {"revisions": 3}}}));
    let dated = |mut set: Value, second: i64| {
        set["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:0{second}Z"));
        Arc::new(decode_value(&set))
    };
    let sets = vec![dated(set(2, "b", "web:v2"), 1), dated(set(3, "c", "web:v3"), 2)];
    let belongings = Belongings { replica_sets: sets, ..Belongings::default() };
    let offer = offered_with(Verb::RollBack, &windowed, &Memory::default(), &belongings).unwrap();
    assert_eq!((offer.plans.len(), does(&offer.plans[0]).len()), (1, 1));
}

fn sent(does: &Do, object: &Value) -> request::Request {
    let seen = Seen::of_rollout(&decode_value(object));
    request(does, &seen, Fresh { object: Some(object), time: NOW, ..Fresh::default() }).unwrap().unwrap()
}

fn tested(request: &request::Request) -> Vec<&str> {
    let ops = request.body.as_array().unwrap().iter().filter(|op| op["op"] == "test");
    ops.map(|op| op["path"].as_str().unwrap()).collect()
}

#[test]
fn forward_is_fenced_by_everything_and_back_by_the_release_alone() {
    let release = ["/metadata/uid", "/status/currentPodHash", "/status/stableRS"];
    let all = ["/status/currentStepIndex", "/status/pauseConditions", "/status/abort", "/status/promoteFull", "/spec/paused"];
    let everything: Vec<&str> = release.into_iter().chain(all).collect();
    for does in [Do::LiftPauses, Do::StepTo(3), Do::PromoteFull, Do::Retry] {
        assert_eq!(tested(&sent(&does, &paused())), everything, "{does:?}");
    }
    assert_eq!(tested(&sent(&Do::Abort, &paused())), release);
    let (object, seen) = (paused(), Seen::of_rollout(&decode_value(&paused())));
    let back = Fresh { object: Some(&object), time: NOW, back: true, ..Fresh::default() };
    let sped = request(&Do::PromoteFull, &seen, back).unwrap().unwrap();
    assert_eq!(tested(&sped), release, "an old revision goes through its steps meanwhile");
    assert_eq!(tested(&sent(&Do::Hold(true), &paused())), ["/metadata/uid", "/spec/paused"]);
    let promote = sent(&Do::LiftPauses, &paused());
    assert_eq!(promote.path, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status");
    let null = promote.body.as_array().unwrap().iter().find(|op| op["path"] == "/status/abort").unwrap();
    assert_eq!((&null["op"], &null["value"]), (&json!("test"), &Value::Null), "not aborted is a fence, too");
}

#[test]
fn an_abort_ends_the_full_promotion_that_would_wipe_it() {
    let full = changed(under_way(), &json!({"status": {"promoteFull": true}}));
    for object in [full, paused()] {
        let ops = sent(&Do::Abort, &object).body.to_string();
        assert!(
            ops.contains(r#"{"op":"add","path":"/status/promoteFull","value":false}"#),
            "also one that begins meanwhile: {ops}"
        );
    }
}

#[test]
fn a_template_is_restored_clean_against_exactly_what_is_there() {
    let (object, stable) = (paused(), set(2, "b", "web:v2"));
    let seen = Seen::of_rollout(&decode_value(&object));
    let restore = Do::Restore { hash: "b".into(), set: "web-b".into() };
    assert_eq!(needs(&restore, &seen.key, &object), Ok(request::Need::ReplicaSet("web-b".into())));
    let fresh = Fresh { object: Some(&object), replica_set: Some(&stable), time: NOW, ..Fresh::default() };
    let request_ = request(&restore, &seen, fresh).unwrap().unwrap();
    let ops = request_.body.as_array().unwrap();
    assert_eq!((ops[1]["path"].as_str(), &ops[1]["value"]), (Some("/spec/template"), &object["spec"]["template"]));
    assert_eq!(
        ops[2]["value"],
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:v2"}]}})
    );
    let mut there = object.clone();
    there["spec"]["template"] = ops[2]["value"].clone();
    assert_eq!(missing(&request_, &there), None);
    assert_eq!(missing(&request_, &object).as_deref(), Some("/spec/template/spec/containers/0/image"));
    let again = Fresh { object: Some(&there), ..fresh };
    assert_eq!(request(&restore, &seen, again), Err(ALREADY.to_owned()));
    let other = Do::Restore { hash: "x".into(), set: "web-b".into() };
    assert!(request(&other, &seen, fresh).unwrap_err().contains("not the one of pod hash x"));
}

#[test]
fn with_a_workload_its_template_is_meant() {
    let object = changed(
        paused(),
        &json!({"spec": {"template": null, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-d"}}}),
    );
    let seen = Seen::of_rollout(&decode_value(&object));
    let restore = Do::Restore { hash: "b".into(), set: "web-b".into() };
    let path = "/apis/apps/v1/namespaces/shop/deployments/web-d".to_owned();
    assert_eq!(needs(&restore, &seen.key, &object), Ok(request::Need::Both { set: "web-b".into(), workload: path.clone() }));
    let workload = json!({"kind": "Deployment", "metadata": {"name": "web-d", "uid": "d"}, "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:v3"}]}}}});
    let stable = set(2, "b", "web:v2");
    let fresh = Fresh { object: Some(&object), replica_set: Some(&stable), workload: Some(&workload), time: NOW, back: true };
    let request_ = request(&restore, &seen, fresh).unwrap().unwrap();
    assert_eq!((request_.path, &request_.body[0]["value"]), (path, &json!("d")));
    let strange = changed(object, &json!({"spec": {"workloadRef": {"kind": "StatefulSet"}}}));
    assert!(needs(&restore, &seen.key, &strange).unwrap_err().contains("a StatefulSet"));
}

#[test]
fn a_dropped_field_is_noticed() {
    let abort = sent(&Do::Abort, &paused());
    assert_eq!(missing(&abort, &paused()).as_deref(), Some("/status/abort"));
    let promote = sent(&Do::LiftPauses, &paused());
    assert_eq!(missing(&promote, &under_way()), None);
    assert_eq!(missing(&sent(&Do::Retry, &aborted()), &under_way()), None, "a false that is not written is a false");
}

#[test]
fn effects_are_read_and_never_believed() {
    let seen = Seen::of_rollout(&decode_value(&paused()));
    let at = |until: &Until, object: &Value| {
        let rollout: Rollout = decode_value(object);
        stand(until, Either::Rollout(&rollout), &seen)
    };
    let reached = |stand: &Stand| matches!(stand, Stand::Reached(_));
    assert!(!reached(&at(&Until::MovedOn, &paused())));
    assert!(
        !reached(&at(&Until::MovedOn, &changed(paused(), &json!({"status": {"pauseConditions": null}})))),
        "the controller has to go on"
    );
    assert!(reached(&at(&Until::MovedOn, &changed(under_way(), &json!({"status": {"currentStepIndex": 3}})))));
    assert!(matches!(at(&Until::MovedOn, &changed(paused(), &json!({"status": {"currentPodHash": "d"}}))), Stand::Lost(_)));
    let overtaken = at(&Until::MovedOn, &aborted());
    assert_eq!(overtaken, Stand::Lost("it was aborted meanwhile".into()), "an abort ends the wait, too");
    let asked = changed(paused(), &json!({"status": {"abort": true}}));
    assert!(matches!(at(&Until::TrafficBack, &asked), Stand::Under(_)), "asked for is not done");
    let half = changed(aborted(), &json!({"status": {"canary": {"weights": {"canary": {"weight": 25}}}}}));
    assert_eq!(at(&Until::TrafficBack, &half), Stand::Under("canary still has 25 % of the traffic".into()));
    assert!(reached(&at(&Until::TrafficBack, &aborted())));
    assert!(matches!(at(&Until::TrafficBack, &healthy()), Stand::Lost(_)), "promoted before the abort");
    let back = changed(healthy(), &json!({"status": {"currentPodHash": "b", "stableRS": "b"}}));
    assert!(reached(&at(&Until::Stable("b".into()), &back)) && !reached(&at(&Until::Stable("b".into()), &aborted())));
    assert!(reached(&at(&Until::Retried, &under_way())) && !reached(&at(&Until::Retried, &aborted())));
}

#[test]
fn what_moved_is_told_to_who_goes_forward_and_not_to_who_goes_back() {
    let seen = |object: &Value| Seen::of_rollout(&decode_value(object));
    let later = changed(under_way(), &json!({"status": {"currentStepIndex": 3}}));
    assert_eq!(seen(&paused()).moved(&seen(&later)).as_deref(), Some("it moved from step 3 to step 4 of 5 since"));
    assert_eq!(seen(&paused()).other_release(&seen(&later)), None);
    let again = changed(paused(), &json!({"status": {"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": NOW}]}}));
    assert_eq!(seen(&paused()).moved(&seen(&again)).as_deref(), Some("it is another pause than the one that was seen"));
    let other = changed(
        paused(),
        &json!({"metadata": {"annotations": {"rollout.argoproj.io/revision": "4"}}, "status": {"currentPodHash": "d"}}),
    );
    assert_eq!(seen(&paused()).other_release(&seen(&other)).as_deref(), Some("revision 4 has begun since"));
    assert_eq!(seen(&paused()).moved(&seen(&aborted())).as_deref(), Some("it was aborted since"));
}

fn canary(status: &Value, change: &Value) -> Value {
    let spec = json!({"provider": "istio", "targetRef": {"kind": "Deployment", "name": "media"}, "analysis": {"interval": "30s", "threshold": 3, "stepWeight": 10,
        "webhooks": [{"type": "confirm-promotion", "url": "http://flagger-loadtester.test/gate/check"}]}});
    changed(json!({"metadata": {"name": "media", "namespace": "content", "uid": "f"}, "spec": spec, "status": status}), change)
}

fn flagger(verb: Verb, object: &Value) -> Result<Plan, String> {
    let canary: Canary = decode_value(object);
    let (belongings, memory) = (Belongings::default(), Memory::default());
    let release = of_canary(&canary, &belongings, now());
    let subject =
        Subject { object: Either::Canary(&canary), belongings: &belongings, release: &release, memory: &memory, now: now() };
    let parameters = Parameters { image: Some(("main".into(), "media:v2".into())), ..Parameters::default() };
    offer(verb, &subject, &parameters).map(|mut offer| offer.plans.remove(0))
}

#[test]
fn flagger_gets_real_verbs() {
    let status = |phase: &str| json!({"phase": phase, "canaryWeight": 20, "lastAppliedSpec": "x", "failedChecks": 1});
    let running = canary(&status("Progressing"), &json!({}));
    assert_eq!(does(&flagger(Verb::RollBack, &running).unwrap()), [Do::FailChecks]);
    assert_eq!(does(&flagger(Verb::PromoteFull, &running).unwrap()), [Do::Promoting]);
    assert!(flagger(Verb::Promote, &running).unwrap_err().contains("every 30 s"));
    let suspended = canary(&status("Progressing"), &json!({"spec": {"suspend": true}}));
    assert_eq!(
        does(&flagger(Verb::RollBack, &suspended).unwrap()),
        [Do::FailChecks, Do::Suspend(false)],
        "nothing happens while it is suspended"
    );
    assert!(flagger(Verb::Hold, &suspended).is_err() && flagger(Verb::Resume, &suspended).is_ok());
    let waiting = canary(&status("WaitingPromotion"), &json!({}));
    let gates = does(&flagger(Verb::Promote, &waiting).unwrap());
    assert!(
        matches!(&gates[..], [Do::Gate(open), Do::Gate(shut)] if open.open && !shut.open),
        "an open gate lets the next release through"
    );
    assert!(flagger(Verb::RollBack, &canary(&status("Succeeded"), &json!({}))).unwrap_err().contains("set the old image"));
    assert_eq!(does(&flagger(Verb::Retry, &canary(&status("Failed"), &json!({}))).unwrap()), [Do::Touch]);
    for verb in [Verb::Restart, Verb::SkipStep, Verb::TerminateAnalysis] {
        assert!(flagger(verb, &running).is_err());
    }
    let seen = Seen::of_canary(&decode_value(&running));
    let fail = request(&Do::FailChecks, &seen, Fresh { object: Some(&running), time: NOW, ..Fresh::default() }).unwrap().unwrap();
    assert_eq!(tested(&fail), ["/metadata/uid", "/status/lastAppliedSpec", "/status/phase"]);
    assert!(fail.body.to_string().contains(r#""path":"/status/failedChecks","value":3"#));
}
