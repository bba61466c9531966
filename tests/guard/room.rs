//! Guards of this process on the embedded world: who acts, who stands by, who takes over, and what ends them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pilothouse::config::Settings;
use pilothouse::domain::action::Seen;
use pilothouse::domain::guard::{End, State};
use pilothouse::domain::object::decode_value;
use pilothouse::domain::signal::Verdict;
use pilothouse::guard;
use pilothouse::wire;
use serde_json::{Value, json};

use super::post::{Post, quick, sight};
use crate::acts::actor::settings;
use crate::acts::stage::{Stage, User, path};
use crate::acts::states::paused;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/pilothouse-guard.rollout.web";

/// A canary at a pause for a person, and two users who may guard it.
fn stage() -> (Stage, [Settings; 2], User) {
    stage_at(10.0)
}

/// The same, whose clock runs that many times as fast.
fn stage_at(speed: f64) -> (Stage, [Settings; 2], User) {
    let stage = Stage::empty(speed);
    stage.admin.namespace("shop");
    paused(&stage, "shop", "web");
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    let other = User::new(&stage.config);
    let both = [settings(&stage), settings(&other)];
    (stage, both, other)
}

fn rollout(stage: &Stage) -> Value {
    stage.rollout("shop", "web")
}

fn lease(stage: &Stage) -> Value {
    stage.admin.call("GET", LEASE, None).1
}

fn note<'a>(lease: &'a Value, name: &str) -> &'a str {
    lease["metadata"]["annotations"][format!("pilothouse.dev/guard-{name}")].as_str().unwrap_or_default()
}

/// How often a write of the verb's kind was sent.
fn acts(stage: &Stage) -> Vec<String> {
    stage.acts().iter().map(|act| act["verb"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn of_two_guards_one_holds_and_takes_back_and_both_end() {
    let (stage, [one, two], other) = stage();
    let (mut a, mut b) = (Post::new(&one), Post::new(&two));
    a.arm(&rollout(&stage), |_| {});
    let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
    a.until("breached", || look(10));
    b.arm(&rollout(&stage), |_| {});
    b.until("standby", || look(10));
    assert_eq!((note(&lease(&stage), "rollout"), note(&lease(&stage), "hash").is_empty()), ("Rollout/web", false));
    stage.forget_requests();
    b.show(look(60));
    a.until("held", || look(60));
    assert_eq!((rollout(&stage)["spec"]["paused"].clone(), note(&lease(&stage), "state")), (json!(true), "held"));
    b.show(look(600));
    a.until("took-back", || look(600));
    b.until("back", || look(900));
    a.over();
    b.over();
    assert_eq!(stage.count("patch", &format!("{}/status", path("shop", "web"))), 1, "one abort");
    assert_eq!(lease(&stage)["code"], 404, "the Lease is given back");
    assert!(a.said().contains("errors 5% over 1% for 10:00 (stable 0.1%): it is taken back in 0:01"), "{}", a.said());
    assert_eq!(acts(&stage), ["guard-arm", "pause", "rollback"]);
    let act = &stage.acts()[2];
    assert_eq!((&act["authority"], &act["reason"]), (&json!("guard"), &json!("guard: errors 5% over 1% for 10:00 (stable 0.1%)")));
    assert_eq!(other.run(&["ledger", "list", "--json"]).json()["acts"].as_array().unwrap().len(), 1, "the other only stood by");
    stage.is_settled();
}

#[test]
fn when_the_holder_dies_the_other_takes_over_and_acts_once() {
    let (stage, [one, two], _other) = stage();
    let (mut a, mut b) = (Post::new(&one), Post::new(&two));
    let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
    a.arm(&rollout(&stage), |_| {});
    a.until("held", || look(60));
    b.arm(&rollout(&stage), |_| {});
    b.until("standby", || look(60));
    a.kill();
    stage.forget_requests();
    b.until("held", || look(70));
    assert_eq!(stage.count("patch", &path("shop", "web")), 0, "what is held is not held again");
    assert_eq!(lease(&stage)["spec"]["leaseTransitions"], 1);
    b.until("took-back", || look(600));
    b.over();
    assert_eq!(stage.count("patch", &format!("{}/status", path("shop", "web"))), 1);
}

#[test]
fn a_person_who_resumes_is_not_overruled_by_whoever_takes_over() {
    let (stage, [one, two], _other) = stage();
    let (mut a, mut b) = (Post::new(&one), Post::new(&two));
    let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
    a.arm(&rollout(&stage), |_| {});
    a.until("held", || look(60));
    stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": false } }));
    a.until("breached", || look(70));
    b.arm(&rollout(&stage), |_| {});
    a.kill();
    b.until("breached", || look(80));
    assert_eq!(rollout(&stage)["spec"]["paused"], json!(false));
}

/// Ends of countdowns are posted by the cluster's clock: whoever takes over goes by that, whatever its own says.
#[test]
fn a_countdown_goes_on_to_the_end_that_everybody_sees() {
    let (stage, [one, two], _other) = stage_at(1.0);
    let (mut a, mut b) = (Post::new(&one), Post::ahead(&two, SignedDuration::from_hours(1)));
    let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
    let end = || note(&lease(&stage), "deadline").parse::<Timestamp>();
    stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": true } }));
    a.arm(&rollout(&stage), |armed| armed.rules.countdown = 40);
    a.until("countdown", || look(600));
    b.arm(&rollout(&stage), |armed| armed.rules.countdown = 40);
    b.until("standby", || look(600));
    let seen = end().unwrap();
    a.kill();
    stage.forget_requests();
    b.until("countdown", || look(600));
    let Some(State::Countdown { until }) = b.state() else { panic!("{}", b.word()) };
    let left = until.duration_since(wire::now() + SignedDuration::from_hours(1)).as_secs();
    assert!((10..38).contains(&left), "{left} s are left: {}", b.said());
    assert!(end().is_ok_and(|end| end.duration_since(seen).as_secs().abs() <= 2), "{seen}, then {:?}", end());
    assert_eq!(stage.count("patch", &format!("{}/status", path("shop", "web"))), 0);
}

/// The write that says that it acts is the one that decides: where that is refused, nothing is done, and it is said.
#[test]
fn a_lease_that_cannot_be_written_right_before_acting_lets_nobody_act() {
    for code in [403, 500] {
        let (stage, [one, _], _other) = stage();
        let mut a = Post::new(&one);
        let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
        stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": true } }));
        a.arm(&rollout(&stage), |armed| (armed.rules.countdown, armed.rules.lease) = (4, 30));
        a.until("countdown", || look(600));
        let fault = json!({ "kind": "status", "code": code, "path": LEASE, "only": "update" });
        stage.admin.must("POST", "/_world/fault", Some(&fault));
        a.until("breached", || look(600));
        assert!(a.said().contains("could not roll back: the Lease could not be written: "), "{}", a.said());
        assert_eq!(stage.count("patch", &format!("{}/status", path("shop", "web"))), 0);
    }
}

/// Whoever cancels a guard that acts already is not told that nothing happens.
#[test]
fn a_cancel_that_comes_too_late_says_so() {
    let (stage, [one, two], _other) = stage();
    let (mut a, b) = (Post::new(&one), Post::new(&two));
    stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": true } }));
    a.arm(&rollout(&stage), |_| {});
    let seen = Seen::of_rollout(&decode_value(&rollout(&stage)));
    stage.fault(json!({ "kind": "delay", "milliseconds": 4_000 }), &format!("{}/status", path("shop", "web")));
    a.until("acting", || sight(&rollout(&stage), Verdict::Breach, 600));
    let said = tokio::runtime::Runtime::new().unwrap().block_on(guard::cancel(&b.means, b.environment, &seen, "too late"));
    assert!(said.as_ref().is_ok_and(|said| said.contains("It was acting already")), "{said:?}");
    a.until("took-back", || sight(&rollout(&stage), Verdict::Breach, 600));
}

#[test]
fn nothing_is_done_while_nobody_measures() {
    let (stage, [one, _], _other) = stage();
    let mut a = Post::new(&one);
    a.arm(&rollout(&stage), |armed| armed.rules.countdown = 3);
    a.until("countdown", || sight(&rollout(&stage), Verdict::Breach, 600));
    assert!(!note(&lease(&stage), "deadline").is_empty() || note(&lease(&stage), "state") == "acting");
    a.until("blind", || sight(&rollout(&stage), Verdict::NoData, 0));
    stage.forget_requests();
    for _ in 0..50 {
        a.show(sight(&rollout(&stage), Verdict::NoData, 0));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!((a.word().as_str(), stage.count("patch", &path("shop", "web"))), ("blind", 0));
    assert!(a.said().contains("BLIND: no signal has data") || a.said().contains("BLIND: errors has no data"), "{}", a.said());
}

#[test]
fn anybody_can_cancel_and_it_stays_cancelled_for_the_version() {
    let (stage, [one, two], _other) = stage();
    let (mut a, mut b) = (Post::new(&one), Post::new(&two));
    let look = |seconds| sight(&rollout(&stage), Verdict::Breach, seconds);
    stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": true } }));
    a.arm(&rollout(&stage), |armed| armed.rules.countdown = 20);
    a.until("countdown", || look(600));
    b.arm(&rollout(&stage), |_| {});
    b.until("standby", || look(600));
    // The second cockpit's user presses the key.
    let seen = Seen::of_rollout(&decode_value(&rollout(&stage)));
    let said =
        tokio::runtime::Runtime::new().unwrap().block_on(guard::cancel(&b.means, b.environment, &seen, "it is the test's fault"));
    assert!(said.as_ref().is_ok_and(|said| said.contains("is cancelled for this version")), "{said:?}");
    a.until("cancelled", || look(700));
    b.until("cancelled", || look(700));
    a.over();
    b.over();
    assert_eq!((note(&lease(&stage), "state"), &lease(&stage)["spec"]["holderIdentity"]), ("cancelled", &json!("")));
    // It stays so, until somebody says otherwise.
    let mut c = Post::new(&one);
    c.arm(&rollout(&stage), |_| {});
    c.over();
    assert!(c.word().contains("were cancelled by"), "{}", c.word());
    let mut d = Post::new(&one);
    d.arm(&rollout(&stage), |armed| armed.over_cancel = true);
    d.until("held", || look(500));
    d.watch().disarm();
    d.over();
    assert_eq!((d.state(), lease(&stage)["code"].clone()), (Some(State::Ended(End::Disarmed)), json!(404)));
    assert_eq!(acts(&stage), ["guard-arm", "guard-cancel", "guard-arm", "guard-arm", "guard-disarm"]);
}

#[test]
fn kubectl_alone_can_cancel() {
    let (stage, [one, _], _other) = stage();
    let mut a = Post::new(&one);
    stage.merge(&path("shop", "web"), &json!({ "spec": { "paused": true } }));
    a.arm(&rollout(&stage), |_| {});
    stage.until_phase("shop", "web", "Paused: manually paused");
    // What it is shown is older than the annotation: it reads the release right before it acts.
    let old = rollout(&stage);
    a.until("watching", || sight(&old, Verdict::Pass, 0));
    stage.merge(&path("shop", "web"), &json!({ "metadata": { "annotations": { "pilothouse.dev/guard": "off" } } }));
    a.until("cancelled", || sight(&old, Verdict::Breach, 600));
    a.over();
    assert_eq!(stage.count("patch", &format!("{}/status", path("shop", "web"))), 0);
    assert!(note(&lease(&stage), "cancelled-by").contains("annotation"));
}

#[test]
fn a_lease_that_may_not_be_written_and_a_readonly_session_arm_nothing() {
    let (stage, [one, two], _other) = stage();
    stage.admin.must("POST", "/_world/fault", Some(&json!({ "kind": "forbid", "resource": "leases", "verb": "create" })));
    let mut a = Post::new(&one);
    a.arm(&rollout(&stage), |_| {});
    a.over();
    assert!(a.word().contains("No guard was armed") && a.word().contains("leases"), "{}", a.word());
    let b = Post::new(&Settings { readonly: true, ..two });
    let armed = guard::Armed {
        environment: b.environment,
        seen: Seen::of_rollout(&decode_value(&rollout(&stage))),
        rules: quick(),
        reason: String::new(),
        authority: pilothouse::domain::action::Authority::Dialog,
        over_cancel: false,
        dry_run: false,
        unrecorded: false,
        patience: 1,
    };
    let refused = guard::arm(&b.means, armed, std::sync::Arc::new(|_| {}));
    assert!(refused.err().is_some_and(|why| why.contains("--readonly")));
}
