//! The same requests against a real API server: its definitions take them, its tests fence them, its permissions refuse them. No controller
//! runs there, so a test says what one would have written, and an effect that needs one does not come.

use std::path::Path;
use std::time::{Duration, Instant};

use pilothouse::domain::action::Verb;
use serde_json::{Value, json};

use super::actor::settings;
use super::fences::{self, Scene};
use super::stage::{Ran, User, path, tag, template};
use super::states::{at_first_pause, unattended};
use super::told::is_seen;
use super::verbs::command;
use crate::support::admin::{Admin, in_namespace, owned_by};
use crate::support::api_server::{Cluster, cluster};

/// Somebody who reads a real cluster's kubeconfig.
fn user(kubeconfig: &Path) -> User {
    let config = kubeconfig.with_extension("toml");
    let text = format!("[[environment]]\nname = \"prod\"\ncontext = \"real\"\nkubeconfig = {kubeconfig:?}\n");
    std::fs::write(&config, text).unwrap();
    User::new(&config)
}

fn admin(cluster: &Cluster) -> User {
    user(&cluster.kubeconfig("admin", "default"))
}

/// A Rollout of revision 2 with this status, beside the ReplicaSets of two revisions, of which the first is stable.
fn create(admin: &Admin, namespace: &str, name: &str, change: &Value) -> Value {
    let mut rollout = unattended(name);
    rollout["metadata"]["annotations"] = json!({ "rollout.argoproj.io/revision": "2" });
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/shop/web:v2".into();
    if change["spec"].is_object() {
        json_patch::merge(&mut rollout["spec"], &change["spec"]);
    }
    let made = admin.create(&in_namespace(namespace, "rollouts"), &rollout);
    let mut status = at_first_pause();
    if change["status"].is_object() {
        json_patch::merge(&mut status, &change["status"]);
    }
    admin.must("PATCH", &format!("{}/status", path(namespace, name)), Some(&json!({ "status": status })));
    for (revision, hash) in [(1, "b"), (2, "c")] {
        let labels = json!({ "app": name, "rollouts-pod-template-hash": hash });
        let mut pods = template(name);
        pods["metadata"]["labels"] = labels.clone();
        pods["spec"]["containers"][0]["image"] = format!("registry.example/shop/web:v{revision}").into();
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{hash}"), "labels": labels, "ownerReferences": owned_by(&made),
                "annotations": { "rollout.argoproj.io/revision": revision.to_string() },
            },
            "spec": { "replicas": 2, "selector": { "matchLabels": labels }, "template": pods },
        });
        admin.create(&in_namespace(namespace, "replicasets"), &set);
    }
    made
}

fn aborted() -> Value {
    let why = json!([{
        "type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": "Rollout aborted update to revision 2",
        "lastTransitionTime": "2026-01-05T09:00:00Z", "lastUpdateTime": "2026-01-05T09:00:00Z",
    }]);
    json!({ "status": {
        "phase": "Degraded", "message": "RolloutAborted: Rollout aborted update to revision 2", "abort": true,
        "abortedAt": "2026-01-05T09:00:00Z", "conditions": why, "currentStepIndex": 0, "pauseConditions": null,
        "controllerPause": null,
    } })
}

fn promoted() -> Value {
    json!({ "status": { "phase": "Healthy", "message": "", "stableRS": "c", "currentStepIndex": 4, "pauseConditions": null, "controllerPause": null } })
}

fn under_way() -> Value {
    json!({ "status": { "phase": "Progressing", "message": "", "currentStepIndex": 2, "pauseConditions": null, "controllerPause": null } })
}

/// A verb: what its object is like before, and what of it is so afterwards.
type Case = (&'static str, Verb, Value, Vec<(&'static str, Value)>);

fn cases() -> Vec<Case> {
    let held = json!({ "spec": { "paused": true } });
    let undecided = json!({ "status": {
        "pauseConditions": [{ "reason": "InconclusiveAnalysisRun", "startTime": "2026-01-05T09:00:00Z" }], "message": "InconclusiveAnalysisRun",
        "canary": { "currentStepAnalysisRunStatus": { "name": "run", "status": "Inconclusive" } },
    } });
    let image = "/spec/template/spec/containers/0/image";
    vec![
        (
            "promote",
            Verb::Promote,
            json!({}),
            vec![("/status/pauseConditions", Value::Null), ("/status/currentStepIndex", json!(1))],
        ),
        (
            "promote-held",
            Verb::Promote,
            held.clone(),
            vec![("/status/pauseConditions", Value::Null), ("/spec/paused", json!(false))],
        ),
        (
            "promote-undecided",
            Verb::Promote,
            undecided,
            vec![
                ("/status/pauseConditions", Value::Null),
                ("/status/currentStepIndex", json!(2)),
                ("/status/controllerPause", json!(false)),
            ],
        ),
        ("promote-full", Verb::PromoteFull, json!({}), vec![("/status/promoteFull", json!(true))]),
        ("pause", Verb::Hold, json!({}), vec![("/spec/paused", json!(true)), ("/status/currentStepIndex", json!(1))]),
        ("resume", Verb::Resume, held, vec![("/spec/paused", json!(false)), ("/status/currentStepIndex", json!(1))]),
        ("abort", Verb::Abort, json!({}), vec![("/status/abort", json!(true)), (image, json!("registry.example/shop/web:v2"))]),
        ("retry", Verb::Retry, aborted(), vec![("/status/abort", json!(false))]),
        ("rollback", Verb::RollBack, json!({}), vec![("/status/abort", json!(true))]),
        ("rollback-aborted", Verb::RollBack, aborted(), vec![(image, json!("registry.example/shop/web:v1"))]),
        ("rollback-promoted", Verb::RollBack, promoted(), vec![(image, json!("registry.example/shop/web:v1"))]),
        ("restart", Verb::Restart, json!({}), vec![("/status/currentStepIndex", json!(1))]),
        ("skip-step", Verb::SkipStep, under_way(), vec![("/status/currentStepIndex", json!(3))]),
        ("set-image", Verb::SetImage, json!({}), vec![(image, json!("registry.example/shop/web:v9"))]),
    ]
}

fn act(user: &User, verb: Verb, object: &str, more: &[&str]) -> Ran {
    let [name, rest @ ..] = command(verb) else { unreachable!() };
    user.act(name, object, &[rest, more].concat())
}

#[test]
fn every_verb_is_taken_by_the_real_definitions_and_a_dry_run_changes_nothing() {
    let Some(cluster) = cluster() else { return };
    let (user, shop) = (admin(cluster), "acted");
    cluster.admin.namespace(shop);
    for (name, verb, before, fields) in cases() {
        create(&cluster.admin, shop, name, &before);
        let version = || cluster.admin.must("GET", &path(shop, name), None)["metadata"]["resourceVersion"].clone();
        let first = version();
        act(&user, verb, &format!("{shop}/{name}"), &["--dry-run"]).is(0, "The server would take it");
        assert_eq!(version(), first, "{name}: a dry run changed something");
        let ran = act(&user, verb, &format!("{shop}/{name}"), &["--wait", "0s", "--json"]);
        assert_eq!(
            (ran.code, &ran.json()["outcome"], &ran.json()["changed"]),
            (3, &json!("accepted"), &json!(true)),
            "{name}: {ran:?}"
        );
        if name == "rollback" {
            let said = ran.json()["detail"].to_string();
            assert!(said.contains("Not done: restore the template of rev 1"), "what is left out for want of time is said: {said}");
        }
        let after = cluster.admin.must("GET", &path(shop, name), None);
        for (pointer, value) in fields {
            assert_eq!(after.pointer(pointer).unwrap_or(&Value::Null), &value, "{name}: {pointer} in {after:#}");
        }
        if verb == Verb::RollBack && tag(&after) == "v1" {
            assert_eq!(after["spec"]["template"]["metadata"]["labels"], json!({ "app": name }));
        }
        if verb == Verb::Restart {
            let asked: jiff::Timestamp = after["spec"]["restartAt"].as_str().unwrap().parse().unwrap();
            assert!(pilothouse::wire::now().duration_since(asked).as_secs().abs() < 30, "{asked}");
        }
    }
    user.is_settled();
}

#[test]
fn what_belongs_to_a_rollout_is_written_where_it_is() {
    let Some(cluster) = cluster() else { return };
    let (user, shop, admin) = (admin(cluster), "owned", &cluster.admin);
    admin.namespace(shop);
    let status = json!({ "status": { "canary": { "currentStepAnalysisRunStatus": { "name": "run", "status": "Running" } } } });
    let made = create(admin, shop, "analysed", &status);
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": { "name": "run", "labels": { "rollouts-pod-template-hash": "c" }, "ownerReferences": owned_by(&made) },
        "spec": { "metrics": [{ "name": "errors", "provider": { "web": { "url": "http://metrics.example.com" } } }] },
    });
    admin.create(&in_namespace(shop, "analysisruns"), &run);
    act(&user, Verb::TerminateAnalysis, "owned/analysed", &["--wait", "0s"]).is(3, "accepted");
    let run = format!("{}/run", in_namespace(shop, "analysisruns"));
    assert_eq!(admin.must("GET", &run, None)["spec"]["terminate"], true);

    let deployments = format!("/apis/apps/v1/namespaces/{shop}/deployments");
    let selector = json!({ "matchLabels": { "app": "referring" } });
    let mut pods = template("referring");
    pods["spec"]["containers"][0]["image"] = "registry.example/shop/web:v2".into();
    let metadata = json!({ "name": "work" });
    let work = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": { "replicas": 0, "selector": selector, "template": pods } });
    admin.create(&deployments, &work);
    let mut change = aborted();
    change["spec"] = json!({ "template": null, "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "work" } });
    create(admin, shop, "referring", &change);
    act(&user, Verb::RollBack, "owned/referring", &["--wait", "0s"]).is(3, "accepted");
    let work = || admin.must("GET", &format!("{deployments}/work"), None);
    assert_eq!(tag(&work()), "v1");
    act(&user, Verb::SetImage, "owned/referring", &["--wait", "0s"]).is(3, "accepted");
    assert_eq!(tag(&work()), "v9");
}

#[test]
fn fences_hold_on_a_real_server() {
    let Some(cluster) = cluster() else { return };
    let user = admin(cluster);
    let scene = Scene { admin: &cluster.admin, settings: settings(&user) };
    fences::forward(&scene);
    fences::back(&scene);
    fences::spec(&scene);
    user.is_settled();
}

/// Lets a user do this, too, in a namespace.
fn permit(admin: &Admin, namespace: &str, name: &str, rules: &Value) {
    let group = "rbac.authorization.k8s.io";
    let role = json!({ "metadata": { "name": format!("{name}-acts") }, "rules": rules });
    admin.create(&in_namespace(namespace, "roles"), &role);
    let binding = json!({
        "metadata": { "name": format!("{name}-acts") }, "roleRef": { "apiGroup": group, "kind": "Role", "name": format!("{name}-acts") },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": name }],
    });
    admin.create(&in_namespace(namespace, "rolebindings"), &binding);
}

#[test]
fn a_captain_may_and_a_viewer_may_not() {
    let Some(cluster) = cluster() else { return };
    let (admin, shop) = (&cluster.admin, "permitted");
    for name in ["captain", "viewer"] {
        cluster.let_read(name, shop);
    }
    let rules = json!([
        { "apiGroups": ["argoproj.io"], "resources": ["rollouts", "rollouts/status"], "verbs": ["patch"] },
        { "apiGroups": [""], "resources": ["events"], "verbs": ["create"] },
    ]);
    permit(admin, shop, "captain", &rules);
    // Halfway: the status may be written, the object not.
    cluster.let_read("nobody", shop);
    permit(admin, shop, "nobody", &json!([{ "apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], "verbs": ["patch"] }]));
    create(admin, shop, "web", &json!({}));
    create(admin, shop, "half", &json!({ "spec": { "paused": true } }));
    let [captain, viewer, halfway] = ["captain", "viewer", "nobody"].map(|name| user(&cluster.kubeconfig(name, shop)));
    let status = |name: &str| admin.must("GET", &path(shop, name), None)["status"].clone();

    let asked = viewer.act("promote", "permitted/web", &[]);
    asked.is(1, "Not permitted: viewer may not patch rollouts/status in permitted. Nothing was sent.");
    assert!(viewer.acts().is_empty(), "known before the key");
    let tried = viewer.act("abort", "permitted/web", &[]);
    tried.is(1, "User \"viewer\" cannot patch resource \"rollouts/status\"");
    assert!(tried.err.lines().last().unwrap().chars().count() < 300, "{tried:?}");
    assert_eq!(viewer.acts()[0]["outcome"]["result"], "refused", "a step back is tried, and refused by the server");
    assert_eq!(status("web")["abort"], Value::Null);

    let begun = halfway.act("promote", "permitted/half", &["--wait", "0s"]);
    begun.is(1, "nobody may not patch rollouts in permitted");
    assert!(status("half")["pauseConditions"].is_array(), "all of a plan is asked for before any of it is sent");
    halfway.act("abort", "permitted/half", &["--wait", "0s"]).is(3, "not done: lift the hold");
    assert_eq!(status("half")["abort"], true);

    captain.act("promote", "permitted/web", &["--wait", "0s"]).is(3, "accepted");
    assert_eq!(status("web")["pauseConditions"], Value::Null);
    let operator = &captain.acts()[0]["operator"];
    assert_eq!(operator["kube"], "captain", "{operator}");
    captain.act("set-image", "permitted/web", &["main=registry.example/shop/web:v9", "--wait", "0s"]).is(3, "accepted");
}

/// A policy that answers with more than anybody reads.
#[test]
fn a_refusal_does_not_flood_the_screen() {
    let Some(cluster) = cluster() else { return };
    let (admin, shop, user) = (&cluster.admin, "flooded", admin(cluster));
    admin.namespace(shop);
    create(admin, shop, "web", &json!({}));
    let policies = "/apis/admissionregistration.k8s.io/v1";
    let flood = format!("no: {}", "the whole object and more of it, ".repeat(120));
    let rule = json!({ "apiGroups": ["argoproj.io"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["rollouts", "rollouts/status"] });
    let policy = json!({
        "metadata": { "name": "flood" },
        "spec": {
            "failurePolicy": "Fail", "matchConstraints": { "resourceRules": [rule] },
            "validations": [{ "expression": "false", "message": flood }],
        },
    });
    admin.create(&format!("{policies}/validatingadmissionpolicies"), &policy);
    let binding = json!({
        "metadata": { "name": "flood" },
        "spec": {
            "policyName": "flood", "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": shop } } },
        },
    });
    admin.create(&format!("{policies}/validatingadmissionpolicybindings"), &binding);
    let begun = Instant::now();
    let probe = json!({ "metadata": { "labels": { "probe": "1" } } });
    while admin.call("PATCH", &format!("{}?dryRun=All", path(shop, "web")), Some(&probe)).0 != 422 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the policy is not in force");
        std::thread::sleep(Duration::from_millis(100));
    }
    for verb in [Verb::Abort, Verb::Promote, Verb::Hold] {
        let ran = act(&user, verb, &format!("{shop}/web"), &["--wait", "0s"]);
        ran.is(1, "The server refused it: 422 Unprocessable Entity");
        assert!(ran.err.contains("no: the whole object") && ran.err.contains("Nothing was changed."), "{ran:?}");
        assert!(ran.err.chars().count() < 700 && ran.out.is_empty(), "{ran:?}");
    }
    let kept: usize = user.acts().iter().map(|act| act["outcome"]["detail"].as_str().unwrap().chars().count()).max().unwrap();
    assert!(kept < 400, "{kept} characters on the ledger");
}

#[test]
fn a_real_kubectl_sees_what_was_done() {
    let Some(cluster) = cluster() else { return };
    let (user, shop) = (admin(cluster), "seen");
    cluster.admin.namespace(shop);
    create(&cluster.admin, shop, "web", &json!({}));
    user.act("abort", "seen/web", &["--wait", "0s"]).is(3, "accepted");
    is_seen(&cluster.kubeconfig("admin", shop), shop, "web", ("PilothouseAbort", "abort"));
}

/// On a server of its own, for the others want to see Flagger's definition come.
#[test]
fn flaggers_verbs_are_taken_by_its_real_definition() {
    let Some(cluster) = cluster() else { return };
    let server = cluster.another(&["--etcd-prefix=/apart"]);
    let kubeconfig = server.kubeconfig(cluster);
    let (admin, user, shop) = (Admin::new(&kubeconfig, None), user(&kubeconfig), "media");
    crate::support::api_server::install(&admin);
    admin.namespace(shop);
    let changed = |canary: &str, verb: Verb| {
        let at = format!("{}/{canary}", in_namespace(shop, "canaries"));
        let version = admin.must("GET", &at, None)["metadata"]["resourceVersion"].clone();
        act(&user, verb, &format!("{shop}/{canary}"), &["--dry-run"]).is(0, "The server would take it");
        assert_eq!(admin.must("GET", &at, None)["metadata"]["resourceVersion"], version);
        act(&user, verb, &format!("{shop}/{canary}"), &["--wait", "0s"]).is(3, "accepted");
        admin.must("GET", &at, None)
    };
    let status = json!({
        "phase": "Progressing", "canaryWeight": 20, "failedChecks": 1, "iterations": 0, "lastAppliedSpec": "a", "lastPromotedSpec": "b",
    });
    let make = |name: &str, suspended: bool, phase: &str| {
        let metadata = json!({ "name": name });
        let selector = json!({ "matchLabels": { "app": name } });
        let work = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": { "replicas": 2, "selector": selector, "template": template(name) } });
        admin.create(&format!("/apis/apps/v1/namespaces/{shop}/deployments"), &work);
        let canary = json!({
            "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": metadata,
            "spec": {
                "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name }, "service": { "port": 80 }, "suspend": suspended,
                "analysis": { "interval": "30s", "threshold": 4, "maxWeight": 50, "stepWeight": 10 },
            },
        });
        admin.create(&in_namespace(shop, "canaries"), &canary);
        let mut status = status.clone();
        status["phase"] = phase.into();
        admin.must("PATCH", &format!("{}/{name}/status", in_namespace(shop, "canaries")), Some(&json!({ "status": status })));
    };
    make("rollback", true, "Progressing");
    let canary = changed("rollback", Verb::RollBack);
    assert_eq!((&canary["status"]["failedChecks"], &canary["spec"]["suspend"]), (&json!(4), &json!(false)));
    make("full", false, "Progressing");
    assert_eq!(changed("full", Verb::PromoteFull)["status"]["phase"], "Promoting");
    make("pause", false, "Progressing");
    assert_eq!(changed("pause", Verb::Hold)["spec"]["suspend"], true);
    assert_eq!(changed("pause", Verb::Resume)["spec"]["suspend"], false);
    make("retry", false, "Failed");
    changed("retry", Verb::Retry);
    changed("retry", Verb::SetImage);
    let work = admin.must("GET", &format!("/apis/apps/v1/namespaces/{shop}/deployments/retry"), None);
    assert!(work["spec"]["template"]["metadata"]["annotations"]["pilothouse.dev/retried-at"].is_string(), "{work:#}");
    assert_eq!(tag(&work), "v9");
}

/// A captain whose environment leads to another cluster than before is told so by a real one, too.
#[test]
fn another_real_cluster_is_another_cluster() {
    let Some(cluster) = cluster() else { return };
    let server = cluster.another(&["--etcd-prefix=/other"]);
    let kubeconfig = server.kubeconfig(cluster);
    let other = Admin::new(&kubeconfig, None);
    crate::support::api_server::install(&other);
    for admin in [&cluster.admin, &other] {
        admin.namespace("twice");
        admin.wait("/api/v1/namespaces/kube-system");
        create(admin, "twice", "web", &json!({}));
    }
    let user = admin(cluster);
    user.act("pause", "twice/web", &["--wait", "0s"]).is(3, "accepted");
    let text = std::fs::read_to_string(&user.config).unwrap();
    let (before, now) = (text.split('"').nth(5).unwrap().to_owned(), kubeconfig.to_str().unwrap());
    std::fs::write(&user.config, text.replace(&before, now)).unwrap();
    user.act("abort", "twice/web", &["--wait", "0s"]).is(1, "led to the cluster kube-system");
    assert_eq!(other.must("GET", &path("twice", "web"), None)["status"]["abort"], Value::Null);
    user.act("abort", "twice/web", &["--wait", "0s", "--trust-cluster"]).is(3, "accepted");
}
