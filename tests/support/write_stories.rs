//! What a server answers to writes, as the facts on fences say: told once, played against a real one and against the embedded
//! world, so that the two are kept alike.

use serde_json::{Value, json};

use super::admin::{Admin, in_namespace};

const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
/// The whole sentence about a JSON Patch that cannot be carried out.
const REJECTED: &str = "the server rejected our request due to an error in our request";

/// A rollout that waits in a namespace of its own, and requests about it.
struct Desk<'a> {
    admin: &'a Admin,
    path: String,
}

impl<'a> Desk<'a> {
    fn open(admin: &'a Admin, namespace: &str) -> Self {
        admin.namespace(namespace);
        let mut rollout = super::admin::rollout("web");
        // No controller looks after it: only these writes are seen.
        rollout["metadata"]["labels"]["argo-rollouts.argoproj.io/controller-instance-id"] = "none".into();
        admin.create(&in_namespace(namespace, "rollouts"), &rollout);
        let desk = Self { admin, path: format!("{}/web", in_namespace(namespace, "rollouts")) };
        let pause = json!([{ "reason": "CanaryPauseStep", "startTime": "2026-01-05T09:00:00Z" }]);
        desk.status(MERGE, &json!({ "status": { "phase": "Paused", "currentStepIndex": 1, "pauseConditions": pause } })).is(200);
        desk
    }

    fn send(&self, part: &str, kind: &str, body: &Value) -> Said {
        let (code, answer) = self.admin.send("PATCH", &format!("{}{part}", self.path), kind, Some(body));
        Said { code, answer }
    }

    fn main(&self, kind: &str, body: &Value) -> Said {
        self.send("", kind, body)
    }

    fn status(&self, kind: &str, body: &Value) -> Said {
        self.send("/status", kind, body)
    }

    fn now(&self) -> Value {
        self.admin.must("GET", &self.path, None)
    }
}

struct Said {
    code: u16,
    answer: Value,
}

impl Said {
    #[track_caller]
    fn is(self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.answer);
        self.answer
    }

    /// The sentence of a refusal.
    #[track_caller]
    fn refused(self, code: u16, reason: &str) -> String {
        let status = self.is(code);
        assert_eq!(status["reason"], reason, "{status}");
        status["message"].as_str().unwrap().to_owned()
    }
}

fn test(path: &str, value: Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

/// A test holds or refuses the whole patch, and does not say which it was.
pub fn tests_fence(admin: &Admin) {
    let desk = Desk::open(admin, "fences");
    let uid = desk.now()["metadata"]["uid"].clone();
    let note = |text: &str| json!({ "op": "add", "path": "/status/message", "value": text });
    for (held, holds) in [
        (test("/metadata/uid", uid), true),
        (test("/metadata/uid", json!("another")), false),
        (test("/status/currentStepIndex", json!(1)), true),
        (test("/status/currentStepIndex", json!("1")), false),
        (test("/status/pauseConditions/0/startTime", json!("2026-01-05T09:00:00Z")), true),
        (test("/status/pauseConditions/1", Value::Null), false),
        (test("/status/abort", Value::Null), true),
        (test("/status/abort", json!(false)), false),
        (test("/status/pauseConditions/0/nothing", Value::Null), true),
        // What is below nothing is not null.
        (test("/status/blueGreen/activeSelector", Value::Null), false),
        (test("/spec/template", super::admin::template("web")), true),
        (test("/spec/template", super::admin::template("other")), false),
        (test("/spec/replicas", json!(2)), true),
    ] {
        let text = held.to_string();
        let said = desk.status(JSON_PATCH, &json!([held, note(&text)]));
        if holds {
            assert_eq!(said.is(200)["status"]["message"], text);
        } else {
            assert_eq!(said.refused(422, "Invalid"), REJECTED, "{text}");
            assert_ne!(desk.now()["status"]["message"], text, "a refused patch changes nothing");
        }
    }
    for odd in [
        json!({ "op": "remove", "path": "/status/promoteFull" }),
        json!({ "op": "replace", "path": "/status/blueGreen/x", "value": 1 }),
        json!({ "op": "add", "path": "/status/blueGreen/x", "value": 1 }),
        json!({ "op": "turn", "path": "/status/phase" }),
    ] {
        assert_eq!(desk.status(JSON_PATCH, &json!([odd])).refused(422, "Invalid"), REJECTED, "{odd}");
    }
    let absent = json!([{ "op": "replace", "path": "/status/promoteFull", "value": true }]);
    assert_eq!(desk.status(JSON_PATCH, &absent).is(200)["status"]["promoteFull"], true, "replaces what is not there");
}

/// Each way writes its half, and counts generations only for the spec.
pub fn halves_are_apart(admin: &Admin) {
    let desk = Desk::open(admin, "halves");
    let generation = |object: &Value| object["metadata"]["generation"].as_i64().unwrap();
    let first = generation(&desk.now());
    let note = json!({ "op": "add", "path": "/metadata/annotations", "value": { "a": "b" } });
    let both = json!([
        test("/spec/replicas", json!(2)), note, { "op": "add", "path": "/spec/paused", "value": true },
        { "op": "add", "path": "/status/abort", "value": true },
    ]);
    let after = desk.status(JSON_PATCH, &both).is(200);
    assert_eq!(
        (&after["metadata"]["annotations"], &after["spec"]["paused"], &after["status"]["abort"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    let both = json!([
        test("/status/abort", json!(true)), note, { "op": "add", "path": "/spec/paused", "value": true },
        { "op": "remove", "path": "/status/abort" },
    ]);
    let after = desk.main(JSON_PATCH, &both).is(200);
    assert_eq!(
        (&after["metadata"]["annotations"]["a"], &after["spec"]["paused"], &after["status"]["abort"]),
        (&json!("b"), &json!(true), &json!(true))
    );
    assert_eq!(generation(&after), first + 1);
    desk.main(MERGE, &json!({ "metadata": { "annotations": { "a": "c" } } })).is(200);
    desk.status(MERGE, &json!({ "status": { "abort": null } })).is(200);
    desk.main(MERGE, &json!({ "spec": { "paused": true } })).is(200);
    assert_eq!(generation(&desk.now()), first + 1, "neither metadata nor status, nor the same again");
    desk.send("/scale", MERGE, &json!({ "spec": { "replicas": 3 } })).is(200);
    assert_eq!(generation(&desk.now()), first + 2, "but whoever scales it");
    let shown = desk.send("/status?dryRun=All", MERGE, &json!({ "status": { "abort": true } })).is(200);
    assert_eq!((&shown["status"]["abort"], &desk.now()["status"]["abort"]), (&json!(true), &Value::Null));
    for part in ["", "/status"] {
        let old = json!({ "metadata": { "resourceVersion": "1" }, "spec": { "paused": false }, "status": { "abort": true } });
        let said = desk.send(part, MERGE, &old).refused(409, "Conflict");
        assert!(said.contains("the object has been modified"), "{said}");
    }
}

/// Wrong types are refused with the field's path, unknown fields only if that is wanted.
pub fn definitions_hold(admin: &Admin) {
    let desk = Desk::open(admin, "definitions");
    for (part, body, field, why) in [
        ("/status", json!({ "status": { "abort": "yes" } }), "status.abort", "must be of type boolean: \"string\""),
        ("/status", json!({ "status": { "promoteFull": 1 } }), "status.promoteFull", "must be of type boolean: \"integer\""),
        (
            "/status",
            json!({ "status": { "controllerPause": "no" } }),
            "status.controllerPause",
            "must be of type boolean: \"string\"",
        ),
        (
            "/status",
            json!({ "status": { "currentStepIndex": "1" } }),
            "status.currentStepIndex",
            "must be of type integer: \"string\"",
        ),
        ("/status", json!({ "status": { "pauseConditions": {} } }), "status.pauseConditions", "must be of type array: \"object\""),
        (
            "/status",
            json!({ "status": { "pauseConditions": [{ "reason": "x" }] } }),
            "status.pauseConditions[0].startTime",
            "Required value",
        ),
        ("", json!({ "spec": { "paused": "yes" } }), "spec.paused", "must be of type boolean: \"string\""),
        ("", json!({ "spec": { "restartAt": "soon" } }), "spec.restartAt", "must be of type date-time: \"soon\""),
        ("", json!({ "spec": { "template": "x" } }), "spec.template", "must be of type object: \"string\""),
        (
            "",
            json!({ "spec": { "template": { "spec": { "containers": null } } } }),
            "spec.template.spec.containers",
            "Required value",
        ),
        ("", json!({ "spec": { "selector": { "matchLabels": { "app": "x" } } } }), "spec.selector", "is immutable"),
    ] {
        let status = desk.send(part, MERGE, &body).is(422);
        let cause = &status["details"]["causes"][0];
        assert_eq!((&status["reason"], &cause["field"]), (&json!("Invalid"), &json!(field)), "{status}");
        assert!(cause["message"].as_str().unwrap().contains(why), "{status}");
        assert!(status["message"].as_str().unwrap().contains(&format!("{field}: ")), "{status}");
    }
    let before = desk.now()["metadata"]["resourceVersion"].clone();
    let unknown = json!({ "spec": { "nothing": 1 }, "status": { "nothing": 1, "canary": { "nothing": 1 } } });
    for part in ["", "/status"] {
        let after = desk.send(part, MERGE, &unknown).is(200);
        assert_eq!((&after["spec"]["nothing"], &after["status"]["nothing"]), (&Value::Null, &Value::Null), "pruned");
        desk.send(&format!("{part}?fieldValidation=Ignore"), MERGE, &unknown).is(200);
        let said = desk.send(&format!("{part}?fieldValidation=Strict"), MERGE, &unknown).refused(422, "Invalid");
        assert!(
            said.contains("unknown field \"spec.nothing\"") && said.contains("example.com/web:v1"),
            "with the whole object: {said}"
        );
    }
    desk.send("?fieldValidation=Nearly", MERGE, &json!({})).refused(422, "Invalid");
    desk.send("?timeout=5s", MERGE, &json!({ "metadata": { "annotations": { "a": "b" } } })).is(200);
    let said = desk.send("?timeout=soon", MERGE, &json!({})).refused(400, "BadRequest");
    assert!(said.contains("invalid timeout specified in the request URL"), "{said}");
    assert_ne!(desk.now()["metadata"]["resourceVersion"], before);
}

/// Who set a field is kept, until another sets it or it is gone.
pub fn managers_are_kept(admin: &Admin) {
    let desk = Desk::open(admin, "managers");
    let held = |manager: &str, part: &str| {
        let now = desk.now();
        let mut entries = now["metadata"]["managedFields"].as_array().unwrap().iter();
        let entry = entries.find(|e| e["manager"] == manager && e["subresource"].as_str().unwrap_or_default() == part);
        entry.map(|entry| {
            assert!(
                entry["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok() && entry["apiVersion"] == "argoproj.io/v1alpha1"
            );
            (entry["operation"].as_str().unwrap().to_owned(), entry["fieldsV1"].clone())
        })
    };
    let update = |fields: Value| Some(("Update".to_owned(), fields));
    desk.send("/status?fieldManager=pilothouse", MERGE, &json!({ "status": { "abort": true } })).is(200);
    assert_eq!(held("pilothouse", "status"), update(json!({ "f:status": { "f:abort": {} } })));
    desk.send("?fieldManager=pilothouse", MERGE, &json!({ "spec": { "paused": true } })).is(200);
    assert_eq!(held("pilothouse", ""), update(json!({ "f:spec": { "f:paused": {} } })));
    desk.send("/status?fieldManager=controller", MERGE, &json!({ "status": { "abort": null, "message": "gone" } })).is(200);
    assert_eq!(held("pilothouse", "status"), None, "nothing of it is left");
    assert_eq!(held("controller", "status"), update(json!({ "f:status": { "f:message": {} } })));
    let long = format!("?fieldManager={}", "x".repeat(129));
    assert!(desk.send(&long, MERGE, &json!({})).refused(422, "Invalid").contains("fieldManager: Too long"));
    let mut applied = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": { "paused": false } });
    let said = desk.send("?fieldManager=ci", APPLY, &applied).refused(409, "Conflict");
    assert_eq!(said, "Apply failed with 1 conflict: conflict with \"pilothouse\" using argoproj.io/v1alpha1: .spec.paused");
    applied["spec"]["minReadySeconds"] = 5.into();
    let after = desk.send("?fieldManager=ci&force=true", APPLY, &applied).is(200);
    assert_eq!((&after["spec"]["paused"], &after["spec"]["minReadySeconds"]), (&json!(false), &json!(5)));
    assert_eq!(held("ci", ""), Some(("Apply".to_owned(), json!({ "f:spec": { "f:minReadySeconds": {}, "f:paused": {} } }))));
    assert_eq!(held("pilothouse", ""), None);
    applied["spec"].as_object_mut().unwrap().remove("minReadySeconds");
    let after = desk.send("?fieldManager=ci", APPLY, &applied).is(200);
    assert_eq!(after["spec"]["minReadySeconds"], Value::Null, "what is applied no longer goes");
}

/// Clients may write events where the object is that they are about.
pub fn events_are_taken(admin: &Admin) {
    let shop = "told";
    admin.namespace(shop);
    let path = in_namespace(shop, "events");
    let about =
        |namespace: &str| json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "namespace": namespace });
    let event = |name: &str, namespace: &str| {
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": { "generateName": name }, "involvedObject": about(namespace),
            "reason": "RolledBack", "message": "the latency was bad", "type": "Normal", "count": 1,
            "firstTimestamp": "2026-01-05T09:00:00Z", "lastTimestamp": "2026-01-05T09:00:00Z", "source": { "component": "pilothouse" },
        })
    };
    let made = admin.create(&path, &event("web.", shop));
    assert!(made["metadata"]["name"].as_str().unwrap().starts_with("web."), "{made}");
    let (code, status) = admin.call("POST", &path, Some(&event("web.", "default")));
    assert_eq!((code, &status["details"]["causes"][0]["field"]), (422, &json!("involvedObject.namespace")), "{status}");
    let mut new = event("web.", shop);
    new["eventTime"] = "2026-01-05T09:00:00.000000Z".into();
    let (code, status) = admin.call("POST", &path, Some(&new));
    assert_eq!((code, status["message"].as_str().unwrap().contains("action: Required value")), (422, true), "{status}");
    let selected = format!("{path}?fieldSelector=involvedObject.name=web,involvedObject.kind=Rollout");
    assert_eq!(admin.must("GET", &selected, None)["items"].as_array().unwrap().len(), 1);
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let said = admin.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review);
    assert!(said["status"]["userInfo"]["username"].is_string(), "{said}");
}
