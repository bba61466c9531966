//! Every verb in every phase of a Flagger Canary.

use pilothouse::domain::action::Verb::{self, Abort, Hold, Promote, PromoteFull, Resume, Retry, RollBack, SetImage};
use serde_json::{Value, json};

use super::stage::{Stage, tag, template};
use super::verbs::{act, all};
use crate::support::admin::in_namespace;

/// A Canary in a phase.
struct State {
    name: &'static str,
    /// Changes of its analysis, and the hook that asks at the gate.
    analysis: Value,
    gate: &'static str,
    /// Versions that run and that are released; an empty one is none.
    versions: (&'static str, &'static str),
    /// What is written once it is progressing.
    then: Value,
    is: fn(&Value) -> bool,
    allowed: &'static [Verb],
    unseen: &'static [Verb],
}

fn state(name: &'static str, is: fn(&Value) -> bool, allowed: &'static [Verb]) -> State {
    let analysis = json!({ "stepWeight": 1, "maxWeight": 50 });
    State { name, analysis, gate: "", versions: ("v1", "v2"), then: Value::Null, is, allowed, unseen: &[] }
}

fn states() -> Vec<State> {
    let fast = json!({ "stepWeight": 50, "maxWeight": 50 });
    vec![
        State {
            versions: ("v1-unready", ""),
            unseen: &[SetImage],
            ..state("initializing", |canary| phase(canary) == "Initializing", &[Hold, SetImage])
        },
        State { versions: ("v1", ""), ..state("initialized", |canary| phase(canary) == "Initialized", &[SetImage]) },
        State {
            gate: "confirm-rollout",
            unseen: &[SetImage],
            ..state("waiting", |canary| phase(canary) == "Waiting", &[Promote, Hold, SetImage])
        },
        state("progressing", progressing, &[PromoteFull, Hold, Abort, RollBack, SetImage]),
        State {
            gate: "confirm-traffic-increase",
            ..state("halted", |canary| phase(canary) == "Progressing", &[Promote, PromoteFull, Hold, Abort, RollBack, SetImage])
        },
        State {
            gate: "confirm-promotion",
            analysis: fast.clone(),
            ..state(
                "waiting-promotion",
                |canary| phase(canary) == "WaitingPromotion",
                &[Promote, PromoteFull, Hold, Abort, RollBack, SetImage],
            )
        },
        State {
            then: json!({ "spec": { "suspend": true } }),
            unseen: &[SetImage],
            ..state("suspended", |canary| canary["spec"]["suspend"] == true, &[PromoteFull, Resume, Abort, RollBack, SetImage])
        },
        State {
            then: json!({ "status": { "failedChecks": 3 } }),
            ..state("failed", |canary| phase(canary) == "Failed", &[Retry, SetImage])
        },
        State { analysis: fast, ..state("succeeded", |canary| phase(canary) == "Succeeded", &[SetImage]) },
        State {
            analysis: json!({ "stepWeight": 50, "maxWeight": 50, "stepWeightPromotion": 1 }),
            unseen: &[SetImage],
            ..state("promoting", |canary| phase(canary) == "Promoting", &[Hold, SetImage])
        },
    ]
}

fn phase(canary: &Value) -> &str {
    canary["status"]["phase"].as_str().unwrap_or_default()
}

fn progressing(canary: &Value) -> bool {
    phase(canary) == "Progressing" && canary["status"]["canaryWeight"].as_i64() > Some(0)
}

pub fn canary_path(namespace: &str, name: &str) -> String {
    format!("{}/{name}", in_namespace(namespace, "canaries"))
}

pub fn deployment(namespace: &str, name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}

/// A Deployment of this version and the Canary that releases it; `gate` is the kind of the hook that asks at its gate.
pub fn create(stage: &Stage, namespace: &str, name: &str, version: &str, (analysis, gate): (&Value, &str)) {
    let mut pods = template(name);
    pods["spec"]["containers"][0]["image"] = format!("registry.example/shop/web:{version}").into();
    let selector = json!({ "matchLabels": { "app": name } });
    let metadata = json!({ "name": name, "labels": { "app": name } });
    let work = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": { "replicas": 2, "selector": selector, "template": pods },
    });
    stage.admin.create(deployment(namespace, "").trim_end_matches('/'), &work);
    let mut canary = json!({
        "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": metadata,
        "spec": {
            "provider": "istio", "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "service": { "port": 80 }, "analysis": { "interval": "10s", "threshold": 3 },
        },
    });
    json_patch::merge(&mut canary["spec"]["analysis"], analysis);
    if !gate.is_empty() {
        let url = format!("http://flagger-loadtester.{namespace}/gate/check");
        canary["spec"]["analysis"]["webhooks"] = json!([{ "name": "gate", "type": gate, "url": url }]);
    }
    stage.admin.create(&in_namespace(namespace, "canaries"), &canary);
}

/// Flagger's load tester.
pub fn load_tester(stage: &Stage, namespace: &str) {
    let metadata = json!({ "name": "flagger-loadtester" });
    let pods = json!({
        "metadata": { "labels": { "app": "tester" } },
        "spec": { "containers": [{ "name": "tester", "image": "ghcr.io/fluxcd/flagger-loadtester:0.36.0" }] },
    });
    let labels = json!({ "app": "tester" });
    let spec = json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": pods });
    let work = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec });
    stage.admin.create(deployment(namespace, "").trim_end_matches('/'), &work);
    let spec = json!({ "selector": labels, "ports": [{ "name": "http", "port": 80 }] });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec });
    stage.admin.create(&format!("/api/v1/namespaces/{namespace}/services"), &service);
}

/// Brings one Canary into a state.
fn make(stage: &Stage, state: &State, name: &str) {
    let (namespace, path) = (state.name, canary_path(state.name, name));
    create(stage, namespace, name, state.versions.0, (&state.analysis, state.gate));
    if !state.versions.1.is_empty() {
        stage.until(&path, "initialised", |canary| phase(canary) == "Initialized");
        stage.release(&deployment(namespace, name), state.versions.1);
    }
    if !state.then.is_null() {
        stage.until(&path, "progressing", progressing);
        let part = if state.then["status"].is_object() { "/status" } else { "" };
        stage.merge(&format!("{path}{part}"), &state.then);
    }
    stage.until(&path, state.name, state.is);
    if state.name == "halted" {
        let events = format!("/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name={name}");
        stage.until(&events, "halted", |events| events.to_string().contains("waiting for traffic increase approval"));
    }
}

#[test]
fn every_verb_in_every_phase_of_flagger() {
    let stage = Stage::empty(10.0);
    let states = states();
    let mut objects = Vec::new();
    for state in &states {
        stage.admin.namespace(state.name);
        load_tester(&stage, state.name);
        objects.extend(state.allowed.iter().map(|verb| (state, verb.name())));
        objects.push((state, "no"));
    }
    std::thread::scope(|scope| {
        for (state, name) in &objects {
            let stage = &stage;
            scope.spawn(move || make(stage, state, name));
        }
    });
    stage.forget_requests();
    let no: Vec<(&State, Verb)> = states
        .iter()
        .flat_map(|state| Verb::ALL.into_iter().filter(|verb| !state.allowed.contains(verb)).map(move |verb| (state, verb)))
        .collect();
    all(&no, |(state, verb)| {
        let ran = act(&stage, *verb, &format!("canary/{}/no", state.name), &[]);
        let said = ran.err.contains(&format!("{verb} cannot be done to {}/no: ", state.name));
        if ran.code == 1 && said { Ok(()) } else { Err(format!("{verb} while {}: {ran:?}", state.name)) }
    });
    assert_eq!((stage.count("patch", ""), gates(&stage)), (0, 0), "something was sent for a verb that is forbidden");
    let yes: Vec<(&State, Verb)> = states.iter().flat_map(|state| state.allowed.iter().map(move |verb| (state, *verb))).collect();
    all(&yes, |(state, verb)| allowed(&stage, state, *verb));
    stage.is_settled();
    let owed = stage.run(&["ledger", "list", "--owed", "--json"]).json();
    assert_eq!(owed["owed"], json!([]), "a gate was left open");
}

/// How often a gate was opened or closed.
fn gates(stage: &Stage) -> u64 {
    states().iter().map(|state| stage.count("create", &format!("/api/v1/namespaces/{}/services", state.name))).sum()
}

fn allowed(stage: &Stage, state: &State, verb: Verb) -> Result<(), String> {
    let (namespace, name) = (state.name, verb.name());
    let path = canary_path(namespace, name);
    let before = stage.get(&path);
    let unseen = state.unseen.contains(&verb);
    let wait = if unseen { "2s" } else { "30s" };
    let ran = act(stage, verb, &format!("{namespace}/{verb}"), &["--wait", wait, "--json"]);
    let after = stage.get(&path);
    let told = |what: &str| Err(format!("{verb} while {namespace}: {what}: {ran:?}\n{:#}", after["status"]));
    let (code, outcome) = if unseen { (3, "accepted") } else { (0, "observed") };
    if ran.code != code || ran.json()["outcome"] != outcome {
        return told("another outcome");
    }
    let work = stage.get(&deployment(namespace, name));
    let weight = |canary: &Value| canary["status"]["canaryWeight"].as_i64().unwrap_or_default();
    let holds = match verb {
        Promote => {
            let check = format!("/api/v1/namespaces/{namespace}/services/flagger-loadtester:80/proxy/gate/check");
            let (code, _) = stage.admin.call("POST", &check, Some(&json!({ "name": name, "namespace": namespace })));
            (phase(&before) != phase(&after) || weight(&after) > weight(&before)) && code == 403
        }
        PromoteFull => phase(&after) == "Succeeded" && tag(&stage.get(&deployment(namespace, &format!("{name}-primary")))) == "v2",
        Hold => after["spec"]["suspend"] == true,
        Resume => after["spec"]["suspend"] != true,
        Abort | RollBack => {
            let primary = stage.get(&deployment(namespace, &format!("{name}-primary")));
            let back = phase(&after) == "Failed" && weight(&after) == 0 && after["spec"]["suspend"] != true;
            back && work["spec"]["replicas"] == 0 && tag(&primary) == "v1" && routed(stage, namespace, name) == (100, 0)
        }
        Retry => phase(&after) == "Progressing",
        _ => tag(&work) == "v9",
    };
    if holds { Ok(()) } else { told("the fields are not what they should be") }
}

/// Weights of primary and canary on the route.
pub fn routed(stage: &Stage, namespace: &str, name: &str) -> (i64, i64) {
    let route = stage.get(&format!("/apis/networking.istio.io/v1beta1/namespaces/{namespace}/virtualservices/{name}"));
    let weight = |part: &str| {
        let routes = route["spec"]["http"][0]["route"].as_array().unwrap().clone();
        let one = routes.iter().find(|one| one["destination"]["host"].as_str().is_some_and(|host| host.ends_with(part))).cloned();
        one.and_then(|one| one["weight"].as_i64()).unwrap_or_default()
    };
    (weight("-primary"), weight("-canary"))
}

#[test]
fn a_gate_that_a_crash_leaves_open_is_owed() {
    let stage = Stage::empty(10.0);
    stage.admin.namespace("gated");
    load_tester(&stage, "gated");
    let state = states().into_iter().find(|state| state.name == "waiting-promotion").unwrap();
    make(&stage, &State { name: "gated", ..state }, "media");
    let close = "/api/v1/namespaces/gated/services/flagger-loadtester:80/proxy/gate/close";
    stage.admin.must("POST", "/_world/fault", Some(&json!({ "kind": "hang", "path": close, "count": 1 })));
    let mut child = stage.begin(&["promote", "canary/gated/media", "--reason", "to be killed", "--wait", "30s"]);
    stage.until("/_world/fault", "hit", |faults| faults["faults"] == json!([]));
    child.kill().unwrap();
    child.wait().unwrap();
    let owed = stage.run(&["ledger", "list", "--owed", "--json"]).json();
    assert_eq!(owed["owed"][0]["what"], "the gate of gated/media at flagger-loadtester.gated is open", "{owed}");
    assert_eq!(owed["owed"].as_array().unwrap().len(), 1);
}
