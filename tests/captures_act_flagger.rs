//! The embedded Flagger acts out every recorded story: from the same Deployment and Canary, with the same things done at
//! the same times, a Canary passes through the same states as the real one's, and its VirtualService with it.
//!
//! A state is (phase, message, weight, iterations, failed checks). The real one was recorded at every change, so the two
//! sequences must be equal, not only alike.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use pilothouse::demo::controller::Controller;
use pilothouse::demo::{Reconcile, Resource, Store};
use serde_json::{Value, json};

/// From the Canary's creation to its first rest.
const TO_INITIALIZED: SignedDuration = SignedDuration::from_secs(10);
const STORIES: [&str; 5] =
    ["flagger-blue-green", "flagger-failing-checks", "flagger-gates", "flagger-progressive", "flagger-suspend"];

#[derive(Clone, Debug, PartialEq)]
struct State {
    phase: String,
    message: String,
    weight: i64,
    iterations: i64,
    failed: i64,
    /// What the VirtualService gives the canary when the state begins.
    routed: Option<i64>,
}

fn captures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("PILOTHOUSE_SHARED").map_or_else(beside, PathBuf::from).join("captures");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "the recordings are not at {}", root.display());
    println!("skipped: no recordings at {}", root.display());
    None
}

fn state(canary: &Value, service: Option<&Value>) -> State {
    let status = &canary["status"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |key: &str| status[key].as_i64().unwrap();
    State {
        phase: text(&status["phase"]),
        message: text(&status["conditions"][0]["message"]),
        weight: number("canaryWeight"),
        iterations: number("iterations"),
        failed: number("failedChecks"),
        routed: service.map(|service| service["spec"]["http"][0]["route"][1]["weight"].as_i64().unwrap()),
    }
}

/// Adds a state. Traffic is moved just before the status says so: what counts is where it goes when a state begins.
fn note(states: &mut Vec<State>, next: State) {
    let unrouted = |state: &State| State { routed: None, ..state.clone() };
    if states.last().is_none_or(|last| unrouted(last) != unrouted(&next)) {
        states.push(next);
    }
}

fn find<'a>(items: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    items.iter().find(|item| item["kind"] == kind && item["metadata"]["name"] == name)
}

fn recorded(folder: &Path) -> Vec<Vec<Value>> {
    let read = |number: usize| fs::read_to_string(folder.join(format!("{number:03}.json"))).ok();
    let items = |text: String| serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone();
    (0..).map_while(read).map(items).collect()
}

fn operations(folder: &Path, day: &str) -> Vec<(Timestamp, String)> {
    let told = fs::read_to_string(folder.join("story.txt")).unwrap();
    let read = |line: &str| {
        let (time, what) = line.split_once(' ').unwrap();
        (format!("{day}T{time}").parse().unwrap(), what.split(" -> ").next().unwrap().to_owned())
    };
    told.lines().map(read).collect()
}

struct Stage {
    store: Store,
    controller: Controller,
    now: Timestamp,
    namespace: String,
    states: Vec<State>,
}

impl Stage {
    fn settle(&mut self) -> Option<Timestamp> {
        self.store.set_now(self.now);
        let wake = self.controller.settle(&mut self.store, self.now);
        let get = |resource| self.store.get(resource, &self.namespace, "gateway");
        let canary = get(Resource::Canary).filter(|canary| canary["status"]["phase"].is_string());
        if let Some(canary) = canary.filter(|canary| canary["status"]["phase"] != "Initializing") {
            note(&mut self.states, state(&canary, get(Resource::VirtualService).as_deref()));
        }
        wake
    }

    fn pass_until(&mut self, target: Timestamp) {
        while let Some(wake) = self.settle().filter(|wake| *wake <= target) {
            self.now = wake.max(self.now + SignedDuration::from_millis(1));
        }
        self.now = target.max(self.now);
        self.settle();
    }

    fn act(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        match words[..] {
            ["kubectl", "set", "image", "deploy/gateway", image] => {
                let image = image.split_once('=').unwrap().1.to_owned();
                let change =
                    |deployment: &mut Value| deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
                self.store.edit(Resource::Deployment, (&self.namespace, "gateway"), change).unwrap();
            }
            ["kubectl", "patch", "canary/gateway", "--type=merge", "-p", patch] => {
                let patch: Value = serde_json::from_str(patch).unwrap();
                self.store.patch(Resource::Canary, (&self.namespace, "gateway"), &patch).unwrap();
            }
            ["gate", name, "answers", status] => self.controller.set_gate(name, status.parse().unwrap()),
            _ => panic!("nobody knows how to do: {what}"),
        }
    }
}

fn play(folder: &Path, snapshots: &[Vec<Value>]) -> Vec<State> {
    let begun = find(&snapshots[0], "Canary", "gateway").unwrap();
    let namespace = begun["metadata"]["namespace"].as_str().unwrap().to_owned();
    let time = |canary: &Value| canary["status"]["lastTransitionTime"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let (first, last) = (time(begun), time(find(snapshots.last().unwrap(), "Canary", "gateway").unwrap()));
    let now = first - TO_INITIALIZED;
    let mut store = Store::new(7, now);
    store.create(Resource::Namespace, json!({ "metadata": { "name": namespace } })).unwrap();
    let mut deployment = find(&snapshots[0], "Deployment", "gateway").unwrap().clone();
    // Flagger scaled it to zero in the meantime.
    deployment["spec"]["replicas"] = find(&snapshots[0], "Deployment", "gateway-primary").unwrap()["spec"]["replicas"].clone();
    for (resource, object) in [(Resource::Deployment, &deployment), (Resource::Canary, begun)] {
        let metadata = json!({ "name": "gateway", "namespace": namespace });
        store.create(resource, json!({ "metadata": metadata, "spec": object["spec"] })).unwrap();
    }
    let mut stage = Stage { store, controller: Controller::new(), now, namespace, states: Vec::new() };
    let day = first.strftime("%Y-%m-%d").to_string();
    for (time, what) in operations(folder, &day) {
        stage.pass_until(time);
        stage.act(&what);
    }
    stage.pass_until(last + SignedDuration::from_secs(1));
    stage.states
}

#[test]
fn flagger_passes_through_the_recorded_states() {
    let Some(root) = captures() else { return };
    for name in STORIES {
        let folder = root.join(name);
        let snapshots = recorded(&folder);
        let mut expected = Vec::new();
        for items in &snapshots {
            note(&mut expected, state(find(items, "Canary", "gateway").unwrap(), find(items, "VirtualService", "gateway")));
        }
        assert!(expected.len() > 5, "{name} tells too little");
        let ours = play(&folder, &snapshots);
        for (place, wanted) in expected.iter().enumerate() {
            assert_eq!(ours.get(place), Some(wanted), "{name}, state {place}; ours: {ours:#?}");
        }
        assert_eq!(ours.len(), expected.len(), "{name}: states that nobody recorded: {:#?}", &ours[expected.len()..]);
    }
}
