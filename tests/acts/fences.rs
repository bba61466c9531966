//! What happens to an act when somebody moves one field between its last read and its write. Told once, played on the embedded world and
//! on a real API server: there the server's own tests have to hold.

use std::time::Duration;

use pilothouse::action::Patience;
use pilothouse::config::Settings;
use pilothouse::domain::action::{Outcome, Verb, What};
use serde_json::{Value, json};

use super::actor::{Actor, Heard, Held, hear};
use super::stage::{JSON_PATCH, path};
use super::states::{at_first_pause, unattended};
use crate::support::admin::{Admin, in_namespace};

const PATIENCE: Patience = Patience { answer: Duration::from_secs(10), settling: Duration::from_secs(10) };

/// A server, and a user of it.
pub struct Scene<'a> {
    pub admin: &'a Admin,
    pub settings: Settings,
}

/// A merge patch of the object or of its status.
type Move<'a> = (&'a str, Value);

fn moves() -> Vec<(&'static str, Move<'static>, &'static str)> {
    let pause = json!([{ "reason": "CanaryPauseStep", "startTime": "2026-01-05T09:30:00Z" }]);
    let status = |change: Value| ("/status", json!({ "status": change }));
    vec![
        ("hash", status(json!({ "currentPodHash": "other" })), "has begun since"),
        ("stable", status(json!({ "stableRS": "other" })), "another revision has become stable since"),
        ("step", status(json!({ "currentStepIndex": 3 })), "it moved from step 2 to step 4 of 4 since"),
        ("pause", status(json!({ "pauseConditions": pause })), "it is another pause than the one that was seen"),
        ("ended", status(json!({ "pauseConditions": null })), "the pause was ended since"),
        ("abort", status(json!({ "abort": true })), "it was aborted since"),
        ("full", status(json!({ "promoteFull": true })), "a full promotion began since"),
        ("held", ("", json!({ "spec": { "paused": true } })), "it was held since"),
        ("anew", ("delete", Value::Null), "was deleted and made anew since"),
    ]
}

impl Scene<'_> {
    /// A Rollout at its first pause, which no controller moves.
    fn wait(&self, namespace: &str, name: &str) {
        self.admin.create(&in_namespace(namespace, "rollouts"), &unattended(name));
        self.admin.must("PATCH", &format!("{}/status", path(namespace, name)), Some(&json!({ "status": at_first_pause() })));
    }

    /// Lets an act begin, moves something when it has read everything, and lets it go on.
    fn overtaken(&self, verb: Verb, (namespace, name): (&str, &str), moved: &Move<'_>) -> Heard {
        let actor = Actor::new(&self.settings, PATIENCE);
        let mut act = actor.decide(verb, namespace, name);
        act.patience = 0;
        let held = Held::new(&self.settings.state);
        let reports = actor.begin(act);
        held.until_waited_for();
        let at = path(namespace, name);
        if moved.0 == "delete" {
            self.admin.must("DELETE", &at, None);
            self.wait(namespace, name);
        } else {
            self.admin.must("PATCH", &format!("{at}{}", moved.0), Some(&moved.1));
        }
        drop(held);
        hear(&reports)
    }

    fn refused(&self, verb: Verb, at: (&str, &str), moved: &Move<'_>, why: &str) {
        let heard = self.overtaken(verb, at, moved);
        assert!(heard.reports.contains(&What::Sent(0)), "it has to be the server that refuses: {heard:?}");
        let Outcome::Refused(text) = &heard.outcome else { panic!("{verb} {at:?}: {heard:?}") };
        assert!(text.contains(why) && text.contains("The server refused it, nothing was changed"), "{text}");
        assert!(text.chars().count() < 300, "{text}");
    }

    fn status(&self, namespace: &str, name: &str) -> Value {
        self.admin.must("GET", &path(namespace, name), None)["status"].clone()
    }
}

/// Forward is bound to everything that was seen.
pub fn forward(scene: &Scene<'_>) {
    for verb in [Verb::Promote, Verb::PromoteFull] {
        let namespace = format!("fence-{verb}");
        scene.admin.namespace(&namespace);
        for (name, moved, why) in moves() {
            scene.wait(&namespace, name);
            scene.refused(verb, (&namespace, name), &moved, why);
            let status = scene.status(&namespace, name);
            let untouched = status["promoteFull"] == moved.1["status"]["promoteFull"]
                && (name == "ended" || status["pauseConditions"].is_array());
            assert!(untouched, "{verb} {name}: {status:#}");
        }
    }
}

/// Back is bound to the release alone: that a step moved, or that somebody held or promoted it, is no reason.
pub fn back(scene: &Scene<'_>) {
    let namespace = "fence-abort";
    scene.admin.namespace(namespace);
    for (name, moved, why) in moves() {
        scene.wait(namespace, name);
        if matches!(name, "hash" | "stable" | "anew") {
            scene.refused(Verb::Abort, (namespace, name), &moved, why);
            assert_eq!(scene.status(namespace, name)["abort"], Value::Null);
            continue;
        }
        let heard = scene.overtaken(Verb::Abort, (namespace, name), &moved);
        assert!(matches!(heard.outcome, Outcome::Accepted(_)), "{name}: {heard:?}");
        let status = scene.status(namespace, name);
        assert_eq!((&status["abort"], &status["promoteFull"]), (&json!(true), &json!(false)), "{name}");
    }
}

/// A write into the spec is bound to exactly what it replaces.
pub fn spec(scene: &Scene<'_>) {
    let namespace = "fence-spec";
    scene.admin.namespace(namespace);
    let changed = "somebody changed what it was to replace";
    for (verb, moved) in [
        (Verb::Hold, json!({ "spec": { "paused": true } })),
        (Verb::Restart, json!({ "spec": { "restartAt": "2026-01-05T09:00:00Z" } })),
        (Verb::SetImage, Value::Null),
    ] {
        let name = verb.name();
        scene.wait(namespace, name);
        if verb == Verb::SetImage {
            let other =
                json!([{ "op": "add", "path": "/spec/template/spec/containers/0/image", "value": "registry.example/shop/web:v5" }]);
            let actor = Actor::new(&scene.settings, PATIENCE);
            let act = actor.decide(verb, namespace, name);
            let held = Held::new(&scene.settings.state);
            let reports = actor.begin(act);
            held.until_waited_for();
            assert_eq!(scene.admin.send("PATCH", &path(namespace, name), JSON_PATCH, Some(&other)).0, 200);
            drop(held);
            let heard = hear(&reports);
            assert!(matches!(&heard.outcome, Outcome::Refused(text) if text.contains(changed)), "{heard:?}");
            continue;
        }
        scene.refused(verb, (namespace, name), &("", moved), changed);
    }
    // What has nothing to do with it does not refuse it: an autoscaler's change, and any change of the status.
    scene.wait(namespace, "scaled");
    let heard = scene.overtaken(Verb::Hold, (namespace, "scaled"), &("", json!({ "spec": { "replicas": 7 } })));
    assert!(matches!(heard.outcome, Outcome::Accepted(_)), "{heard:?}");
}
